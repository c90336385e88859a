"""How changes and states are printed: colour for people, rows for CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ashiato.cli.output import cell, console, one_line
from ashiato.config.item import iso

if TYPE_CHECKING:
    from rich.text import Text

    from ashiato.config.causes import Causes
    from ashiato.config.differences import PropertyChange
    from ashiato.config.item import ResourceKey
    from ashiato.words.messages import Language

#: Values beyond this many characters are cut in tables; JSON has them whole.
_VALUE = 160

NAMED = ("type", "id", "name", "account", "region")
CHANGE = (
    "captured", "kind", "status", *NAMED, "path", "before", "after", "operation", "who", "cause", "why", "ref",
)  # fmt: skip


def named(key: ResourceKey) -> dict[str, str | None]:
    return {
        "type": key.type,
        "id": key.id,
        "name": key.name if key.name != key.id else None,
        "account": key.account,
        "region": key.region,
    }


def change_rows(said: Causes) -> Iterator[dict[str, Any]]:
    after, cause = said.change.after, said.found[0] if said.found else None
    why = cause.why if cause else said.gap.why if said.gap else "none" if said.none else None
    base = {
        "captured": iso(after.captured), "kind": said.change.kind, "status": after.status, **named(after.key),
        "operation": cause and cause.name, "who": cause and cause.who, "cause": cause and cause.ref, "why": why,
        "ref": after.ref,
    }  # fmt: skip
    nothing = {"path": None, "before": None, "after": None}
    for found in [p.as_json() for p in said.change.differences] or [nothing]:
        yield base | found


_KINDS = {"created": "green", "deleted": "red", "changed": "yellow", "first known": "cyan"}
_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def told_history(key: ResourceKey, said: Sequence[Causes], language: Language) -> Iterator[Text]:
    yield line(str(key), "bold")
    if not said:
        yield line("no change in that time")
    for one in said:
        change = one.change
        yield line("")
        head = line(iso(change.after.captured), "bold")
        head.append(f"  {change.kind}", style=_KINDS[change.kind])
        yield head
        if change.kind == "changed":
            yield from told_differences(change.differences, "  ")
            if not change.differences:
                yield line("  recorded again, with no difference")
        for cause in one.found[:3]:
            lead = "by" if cause.rank == 1 else "or"
            origin = cause.row.get("sourceIPAddress")
            place = f" from {origin}" if origin else ""
            yield line(f"  {lead} {cause.name} of {cause.who}{place}, {iso(cause.time)}", "cyan")
            yield line(f"     {cause.why_in(language)}")
            yield line(f"     {cause.ref}", "dim")
            for behind in cause.behind:
                yield line(f"     {behind.why_in(language)}, {iso(behind.time)}", "cyan")
                yield line(f"     {behind.ref}", "dim")
        if one.none:
            yield line("  none: CloudTrail was there and holds no operation that explains it", "magenta")
        if one.gap is not None:
            span = f"{iso(one.gap.first)} to {iso(one.gap.last)}"
            yield line(f"  unknown: CloudTrail has a gap, {span}: {one.gap.why_in(language)}", "red")
        failed = [c for c in one.others if c.outcome != "success"]
        for cause in failed[:3]:
            yield line(
                f"  also {cause.name} of {cause.who}, {iso(cause.time)}: {cause.why_in(language)}", "dim"
            )


def told_differences(found: Sequence[PropertyChange], indent: str) -> Iterator[Text]:
    for p in found:
        sign, style = _SIGNS[p.kind]
        shown = line(f"{indent}{sign} {p.path}", style)
        shown.append("  ")
        if p.kind == "changed":
            shown.append(_short(p.before), style="red").append(" → ").append(_short(p.after), style="green")
        else:
            shown.append(_short(p.after if p.kind == "added" else p.before))
        yield shown


def _short(value: object) -> str:
    text = one_line(cell(value))
    return text if len(text) <= _VALUE else text[: _VALUE - 1] + "…"


def line(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(one_line(text), style=style)


def print_lines(lines: Iterable[Text]) -> None:
    to = console()
    for each in lines:
        to.print(each, soft_wrap=True)
