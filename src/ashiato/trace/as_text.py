"""A trace for people at a terminal: what it is, the answers, what happened, what it is related to, what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from ashiato.trace.telling import clock
from ashiato.trace.texts import label, lead
from ashiato.words.messages import Language
from ashiato.words.texts import shown

Tone = Literal["title", "heading", "plain", "dim", "operation", "change", "connection", "warning"]
#: A line: its tone, how far it is indented, its text.
Line = tuple[Tone, int, str]

#: Related things of a kind, alerts, gaps and differences that are printed.
_FEW: Final = 8
_MOST_ALERTS: Final = 20
_MOST_VALUE: Final = 120


def lines(document: Mapping[str, Any], language: Language) -> Iterator[Line]:
    """The lines of a trace."""
    entity = document["entity"]
    yield "title", 0, _head(entity)
    yield "plain", 0, lead(document, language)
    yield from _origin(entity, language)
    yield from _hosts(entity, language)
    yield from _answers(document["answers"], language)
    yield from _timeline(document, language)
    yield from _alerts(document["alerts"], language)
    yield from _related(document, language)
    yield from _gaps(document["gaps"], language)
    if document["next"]:
        yield "dim", 0, ""
        yield "dim", 0, label("more", language, cursor=document["next"])


def _head(entity: Mapping[str, Any]) -> str:
    named = entity["name"] if entity["name"] and entity["name"] != entity["value"] else None
    kind = "" if entity["kind"] == "arn" else entity["kind"]
    parts = [entity["type"] or kind, shown(entity["value"], 400), f"({named})" if named else ""]
    account = entity["account_name"] or ""
    return " ".join(p for p in (*parts, f"· {account}" if account else "") if p)


def _heading(name: str, language: Language) -> Iterator[Line]:
    yield "plain", 0, ""
    yield "heading", 0, label(name, language)


def _origin(entity: Mapping[str, Any], language: Language) -> Iterator[Line]:
    if not entity.get("origin"):
        return
    yield from _heading("origin", language)
    for number, hop in enumerate(entity["origin"]):
        about = [hop["access_key"] or "", hop["from"] or "", clock(hop["time"])]
        yield "plain", 1 + number, f"{hop['text']}  [{' · '.join(a for a in about if a)}]"


def _hosts(entity: Mapping[str, Any], language: Language) -> Iterator[Line]:
    spells = [s for s in entity.get("hosts", ()) if s["instance"] == s["resource"]] or entity.get("hosts", ())
    if not spells:
        return
    yield from _heading("hosts", language)
    for spell in spells[:_FEW]:
        until = clock(spell["to"]) or label("now", language)
        what = f"{spell['name']} ({spell['resource']})" if spell["name"] else spell["resource"]
        about = ", ".join(
            [*spell["addresses"], *spell["groups"], *([spell["state"]] if spell["state"] else [])]
        )
        yield "plain", 1, f"{clock(spell['from']) or '…'} – {until}  {what}: {about}"


def _answers(answers: Sequence[Mapping[str, Any]], language: Language) -> Iterator[Line]:
    if not answers:
        return
    yield from _heading("answers", language)
    for answer in answers:
        yield "plain", 1, f"{answer['question']}  {label(answer['verdict'], language).upper()}"
        if answer["answer"]:
            yield "plain", 2, answer["answer"]
        if answer["gap"]:
            yield "warning", 2, label("gap", language, gap=answer["gap"])
        if answer["evidence"]:
            more = f" … (+{len(answer['evidence']) - 3})" if len(answer["evidence"]) > 3 else ""
            yield "dim", 2, " ".join(answer["evidence"][:3]) + more


def entries(document: Mapping[str, Any]) -> list[tuple[datetime, str, Mapping[str, Any]]]:
    """The three lanes as one, newest first: time, lane, the row."""
    found = [(o["time"], "operation", o) for o in document["operations"]]
    found += [(c["time"], "change", c) for c in document["changes"]]
    found += [(c["last"], "connection", c) for c in document["connections"]]
    return sorted(found, key=lambda entry: entry[0], reverse=True)


def _timeline(document: Mapping[str, Any], language: Language) -> Iterator[Line]:
    found = entries(document)
    if not found:
        return
    yield from _heading("timeline", language)
    day = ""
    for time, lane, row in found:
        if clock(time)[:10] != day:
            day = clock(time)[:10]
            yield "heading", 1, day
        yield _tone(lane), 1, f"{clock(time)[11:19]}  {_MARKS[lane]} {row['text']}"
        yield from _details(lane, row, language)


#: By shape as well as by colour.
_MARKS: Final = {"operation": "●", "change": "◆", "connection": "→"}


def _tone(lane: str) -> Tone:
    return "operation" if lane == "operation" else "change" if lane == "change" else "connection"


def _details(lane: str, row: Mapping[str, Any], language: Language) -> Iterator[Line]:
    if lane == "operation" and row["repeats"] > 1:
        calls = ", ".join(f"{name} {n:,}" for name, n in row["calls"].items())
        since = clock(row["since"])[11:19]
        yield "dim", 6, label("repeats", language, n=f"{row['repeats'] - 1:,}", since=since, calls=calls)
    if lane == "change":
        # What is related says again what the configuration says.
        own = [d for d in row["diff"] if not d["path"].startswith("relationships[")] or row["diff"]
        yield from (("dim", 6, difference(d, language)) for d in own[:_FEW])
        if len(own) > _FEW:
            yield "dim", 6, label("left_out", language, n=len(own) - _FEW + row["diff_left_out"])
        for cause in row["causes"][:1]:
            said = f"{clock(cause['time'])[11:19]} {cause['text']} ({cause['why']})"
            yield "plain", 6, label("because", language, text=said)
            yield from (("plain", 8, label("behind", language, text=b["why"])) for b in cause["behind"])
        if row["no_cause"]:
            yield "dim", 6, label("no_cause", language)
        if row["gap"] and row["kind"] == "changed":
            yield "warning", 6, label("cause_gap", language, why=row["gap"]["why"])
        if row.get("let"):
            yield "warning", 6, label("let", language, text=row["let"]["text"])
    if lane == "connection" and row["repeats"] > 1:
        yield "dim", 6, label("connections", language, n=f"{row['repeats']:,}", since=clock(row["first"]))
    if lane == "connection" and row.get("let_by"):
        yield "warning", 6, label("let_by", language, text=row["let_by"]["text"])


def difference(change: Mapping[str, Any], language: Language) -> str:
    """One difference on one line."""
    kind = "added" if change["before"] is None else "removed" if change["after"] is None else "changed"
    values = {"path": change["path"], "before": value(change["before"]), "after": value(change["after"])}
    names = {"added": ("path", "after"), "removed": ("path", "before"), "changed": tuple(values)}[kind]
    return label(kind, language, **{n: values[n] for n in names})


def value(of: object) -> str:
    """A value of a state, short."""
    text = of if isinstance(of, str) else json.dumps(of, ensure_ascii=False, default=str)
    return shown(text, _MOST_VALUE)


def _alerts(alerts: Sequence[Mapping[str, Any]], language: Language) -> Iterator[Line]:
    if not alerts:
        return
    yield from _heading("alerts", language)
    for alert in alerts[:_MOST_ALERTS]:
        said = f"{clock(alert['time'])}  {alert['level']:<13} {alert['id']}  {shown(alert['title'], 160)} ({alert['status']})"
        yield "plain", 1, said
    if len(alerts) > _MOST_ALERTS:
        yield "dim", 1, label("left_out", language, n=len(alerts) - _MOST_ALERTS)


def _related(document: Mapping[str, Any], language: Language) -> Iterator[Line]:
    if not document["related"]:
        return
    yield from _heading("related", language)
    by_kind: dict[str, dict[str, Mapping[str, Any]]] = {}
    for thing in document["related"]:
        by_kind.setdefault(thing["kind"], {}).setdefault(thing["value"], thing)
    for kind, things in by_kind.items():
        shown_things = list(things.values())[:_FEW]
        parts = [f"{_both(t)} ({t['count']:,})" for t in shown_things]
        rest = len(things) - len(shown_things) + document["related_left_out"].get(kind, 0)
        more = f" … {label('left_out', language, n=f'{rest:,}')}" if rest else ""
        yield "plain", 1, f"{kind:<16} {', '.join(parts)}{more}"
    if document["sampled"]:
        yield "warning", 1, label("sampled", language)


def _both(thing: Mapping[str, Any]) -> str:
    """The text to trace next; with the name where that says more."""
    name = thing["name"]
    value_ = shown(thing["value"], 200)
    return (
        value_
        if name == thing["value"] or thing["kind"] in ("principal", "issuer", "arn")
        else f"{value_} = {name}"
    )


def _gaps(gaps: Sequence[Mapping[str, Any]], language: Language) -> Iterator[Line]:
    if not gaps:
        return
    yield from _heading("gaps", language)
    for gap in gaps[:_FEW]:
        where = " ".join(p for p in (gap["log"], gap["account"], gap["region"]) if p)
        yield "warning", 1, f"{clock(gap['from'])} – {clock(gap['to'])}  {where}: {shown(gap['why'], 300)}"
    if len(gaps) > _FEW:
        yield "dim", 1, label("left_out", language, n=len(gaps) - _FEW)
