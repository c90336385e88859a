"""Search: records by fields, in time and by value; completions, exports; the same in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ashiato.web.page import N_, Area, Nav

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.responses import Response

    from ashiato.search.counting import Counts, FacetValue
    from ashiato.search.query import Search
    from ashiato.search.refusals import SearchRefused
    from ashiato.web.charts import Chart
    from ashiato.web.visit import Visit

area = Area("search")

#: Time that a page may take for rows, and for counts.
SECONDS = 4.0
#: A longer value is shown, and no condition is made of it.
LONGEST_CONDITION = 500


@area.get("/search", title=N_("What happened, and when?"), nav=Nav(N_("Search"), 20, "s"), lake=True)
def search(visit: Visit) -> Response:
    from ashiato.search.counting import counts
    from ashiato.search.reading import Deadline, Reader
    from ashiato.search.refusals import SearchRefused
    from ashiato.search.rows import page

    try:
        asked = _asked(visit)
        if visit.one("from") not in ("", asked.since) or visit.one("to") != asked.until:
            # Times of the visitor's zone become times that mean the same to whoever gets the address.
            return visit.redirect(visit.here(**{"from": asked.since, "to": asked.until or None}))
        with Reader(visit.lake, asked, visit.scope, moment=visit.now) as reader:
            rows = page(reader, Deadline(SECONDS))
            counted = counts(reader, Deadline(SECONDS), zone=visit.zone)
            span, newest = reader.span, reader.newest
    except SearchRefused as refused:
        return _refused(visit, refused)
    visit.audit("search", asked.q or asked.table, _noted(visit, asked, counted))
    from ashiato.search.query import BEGIN, END
    from ashiato.web.pages.search.cells import columns, elements, text, told

    return visit.render(
        "search/search.html",
        **_form(visit, asked),
        page=rows,
        rows=list(zip(rows.rows, rows.refs, strict=True)),
        columns=columns(asked.table, rows.columns),
        elements=elements,
        text=text,
        told=told,
        counts=counted,
        chart=_chart(visit, asked, counted),
        facets=[_facet(asked, facet.field, facet.values, facet.distinct) for facet in counted.facets],
        start=None if span.start == BEGIN else span.start,
        end=None if span.end == END else span.end,
        newest=newest,
        choices=_choices(asked),
        exports=[
            (label, _address(visit, asked.changed(), "/search/export", kind=kind))
            for kind, label in (("csv", visit._("CSV")), ("json", visit._("JSON")))
        ],
    )


@area.get("/search/json", title=N_("Records as JSON"), lake=True)
def document(visit: Visit) -> Response:
    """What the page shows, for programs: the document of `ashiato search --counts --json`."""
    from starlette.responses import Response as Plain

    from ashiato.core.printing import to_json
    from ashiato.search.counting import counts
    from ashiato.search.documents import counts_document, rows_document
    from ashiato.search.reading import Deadline, Reader
    from ashiato.search.refusals import SearchRefused
    from ashiato.search.rows import page

    try:
        asked = _asked(visit)
        with Reader(visit.lake, asked, visit.scope, moment=visit.now) as reader:
            rows = page(reader, Deadline(SECONDS))
            counted = counts(reader, Deadline(SECONDS), zone=visit.zone)
            found = {**rows_document(reader, rows), "counts": counts_document(counted)}
    except SearchRefused as refused:
        told = {"error": refused.what, "where": refused.where, "remedy": refused.remedy}
        return visit.json(told, status=400)
    visit.audit("search", asked.q or asked.table, _noted(visit, asked, counted))
    return Plain(to_json(found), media_type="application/json")


@area.get("/search/export", title=N_("Export of records"), lake=True)
def export(visit: Visit) -> Response:
    from ashiato.search.exporting import export as exported
    from ashiato.search.reading import Reader
    from ashiato.search.refusals import SearchRefused

    kind = "json" if visit.one("kind") == "json" else "csv"
    try:
        asked = _asked(visit).changed()
        # What cannot be meant is told before anything is sent.
        with Reader(visit.lake, asked, visit.scope, moment=visit.now) as reader:
            span = reader.span
    except SearchRefused as refused:
        return _refused(visit, refused)
    visit.audit("search exported", asked.q or asked.table, {**_noted(visit, asked), "kind": kind})

    def parts() -> Iterator[bytes]:
        with Reader(visit.lake, asked, visit.scope, moment=visit.now) as reader:
            yield from exported(reader, "json" if kind == "json" else "csv")

    name = f"{asked.table}-{min(span.end, visit.now):%Y%m%dT%H%M%SZ}.{kind}"
    media = "application/json" if kind == "json" else "text/csv; charset=utf-8"
    return visit.stream(parts(), media_type=media, filename=name)


@area.get("/search/complete", title=N_("What may be written next"), lake=True)
def complete(visit: Visit) -> Response:
    """`{"start", "end", "items": [{"text", "insert", "kind", "count"}]}` for the character `at` of `q`."""
    from dataclasses import asdict, replace

    from ashiato.search.completing import complete as completed
    from ashiato.search.refusals import SearchRefused

    text = visit.request.query_params.get("q", "")[:4000]
    at = visit.number("at", len(text), most=4000)
    try:
        asked = replace(_asked(visit), q=text)
        found = completed(visit.lake, asked, at, visit.scope, moment=visit.now)
    except SearchRefused:
        return visit.json({"start": at, "end": at, "items": []})
    return visit.json(
        {"start": found.start, "end": found.end, "items": [_named(visit, asdict(i)) for i in found.items]}
    )


# Not `lake`: a question may take a minute, and pages do not wait behind it.
@area.get("/search/sql", title=N_("Ask in SQL"), least="analyst", ability="sql")
def sql(visit: Visit) -> Response:
    from ashiato.core.errors import AshiatoError
    from ashiato.search.asking import SHOWN_ROWS, ask
    from ashiato.search.reading import Reader
    from ashiato.search.refusals import SearchRefused
    from ashiato.search.statements import statement
    from ashiato.web.pages.search.cells import elements, text, told

    try:
        asked = _asked(visit)
        written = visit.one("sql")
        if not written:
            with Reader(visit.lake, asked, visit.scope, moment=visit.now) as reader:
                written = statement(reader, rows=SHOWN_ROWS)
    except SearchRefused as refused:
        return _refused(visit, refused)
    visit.audit("sql", written, {"sql": written})
    answer, error = None, None
    try:
        answer = ask(written, visit.lake, visit.scope, visit.settings)
    except AshiatoError as caught:
        error = caught
    return visit.render(
        "search/sql.html",
        **_form(visit, asked),
        sql=written,
        error=error,
        names=[] if answer is None else answer.column_names,
        rows=[] if answer is None else [list(row.values()) for row in answer.to_pylist()],
        most=SHOWN_ROWS,
        elements=elements,
        text=text,
        told=told,
        exports=[
            (label, visit.link("/search/sql/export", sql=written, kind=kind))
            for kind, label in (("csv", visit._("CSV")), ("json", visit._("JSON")))
        ],
        status=200 if error is None else 400,
    )


@area.get("/search/sql/export", title=N_("Export of an answer"), least="analyst", ability="sql")
def sql_export(visit: Visit) -> Response:
    from ashiato.core.printing import csv_lines, to_json
    from ashiato.search.asking import EXPORTED_ROWS, ask

    written = visit.one("sql", "SELECT 1")
    visit.audit("sql exported", written, {"sql": written})
    answer = ask(written, visit.lake, visit.scope, visit.settings, rows=EXPORTED_ROWS)
    name = f"answer-{visit.now:%Y%m%dT%H%M%SZ}"

    def lines() -> Iterator[str]:
        yield csv_lines([answer.column_names])
        for batch in answer.to_batches(2000):
            yield csv_lines(row.values() for row in batch.to_pylist())

    if visit.one("kind") == "json":
        document = to_json(answer.to_pylist())
        return visit.stream([document], media_type="application/json", filename=f"{name}.json")
    return visit.stream(lines(), media_type="text/csv; charset=utf-8", filename=f"{name}.csv")


def _asked(visit: Visit) -> Search:
    """The search of this address; columns may be given several times. Raises SearchRefused."""
    from ashiato.search.query import Search

    given = {key: visit.one(key) for key in ("table", "q", "from", "to", "sort", "after", "rows")}
    return Search.from_parameters({**given, "columns": ",".join(visit.many("columns"))}, visit.zone)


def _address(visit: Visit, asked: Search, path: str = "/search", **more: object) -> str:
    return visit.link(path, **{**asked.parameters(), **more})


def _noted(visit: Visit, asked: Search, counted: Counts | None = None) -> dict[str, Any]:
    """What the audit log keeps of a search."""
    found = {} if counted is None else {"found": counted.total, "exact": counted.exact}
    return {"table": asked.table, **asked.parameters(), "group": visit.group, **found}


def _form(visit: Visit, asked: Search) -> dict[str, Any]:
    """What the form and the tabs show."""
    from ashiato.search.query import EVERYTHING
    from ashiato.web.pages.search.words import SPANS, TABLES

    everywhere = asked.changed(since=EVERYTHING, until="")
    return {
        "asked": asked,
        "kept": {k: v for k, v in asked.parameters().items() if k in ("columns", "sort", "rows")},
        "tables": [(name, visit._(words)) for name, words in TABLES.items()],
        "spans": [
            (visit._(words), _address(visit, asked.changed(since=since, until="")), since == asked.since and not asked.until)
            for since, words in SPANS
        ],
        "conditions": [(asked.q[t.start : t.end], _address(visit, asked.without(t))) for t in asked.terms],
        "rows_tab": _address(visit, asked),
        "sql_tab": _address(visit, asked.changed(), "/search/sql") if visit.may("sql") else None,
        "everywhere": _address(visit, everywhere),
        "turned": _address(visit, asked.changed(oldest_first=not asked.oldest_first)),
        "from_shown": _shown(visit, asked.since),
        "to_shown": _shown(visit, asked.until),
    }  # fmt: skip


def _shown(visit: Visit, text: str) -> str:
    """A time of the address as the visitor's clock has it; other text as it is."""
    from ashiato.search.moments import parse_absolute
    from ashiato.web.filters import local

    found = parse_absolute(text) if len(text) > 10 else None
    return text if found is None else local(found[0], visit.zone).isoformat(timespec="seconds")[:19]


def _refused(visit: Visit, refused: SearchRefused) -> Response:
    """The form as it was filled in, with what is wrong."""
    from ashiato.search.query import Search
    from ashiato.web.pages.search.words import refusal

    text = visit.one("q")
    blank = Search(
        table=visit.one("table") if visit.one("table") in ("config_items", "vpc_flow_logs") else "cloudtrail"
    )
    start, end = refused.start, refused.end
    what, remedy = refusal(visit, refused)
    return visit.render(
        "search/refused.html",
        **{**_form(visit, blank), "from_shown": visit.one("from"), "to_shown": visit.one("to")},
        text=text,
        marked=None if start is None else (text[:start], text[start : max(end or 0, start + 1)], text[max(end or 0, start + 1) :]),
        what=what,
        remedy=remedy,
        status=400,
    )  # fmt: skip


def _chart(visit: Visit, asked: Search, counted: Counts) -> Chart:
    from ashiato.web.charts import Bin, Gap, histogram
    from ashiato.web.gaps import gap_words

    report = visit.site.standing.report(visit.scope)
    gaps = [
        Gap(g["from"], g["to"], gap_words(visit, g["why"])) for g in report["gaps"] if g["log"] == asked.table
    ]
    unknown = [b for b in counted.buckets if not b.counted]
    if unknown:
        gaps.append(Gap(unknown[0].start, unknown[-1].end, visit._("Not counted: the time was over")))
    return histogram(
        visit,
        [Bin(b.start, b.end, b.count) for b in counted.buckets],
        label=visit._("Records by time"),
        gaps=gaps,
    )


def _facet(asked: Search, field: str, values: tuple[FacetValue, ...], distinct: int) -> dict[str, Any]:
    from ashiato.search.terms import MOST_CHARACTERS

    most = max((v.count for v in values), default=0) or 1

    def one(value: FacetValue) -> dict[str, Any]:
        text = None if value.value is None else str(value.value)
        without = asked.narrowed(field, text, negated=True)
        short = (text is None or len(text) <= LONGEST_CONDITION) and len(without.q) <= MOST_CHARACTERS
        return {
            "value": text,
            "count": value.count,
            "share": value.count / most,
            "only": asked.narrowed(field, text).parameters() if short else None,
            "without": without.parameters() if short else None,
        }

    return {"field": field, "values": [one(v) for v in values], "distinct": distinct}


def _choices(asked: Search) -> list[tuple[str, bool]]:
    """Columns that may be chosen: those shown first, in their order."""
    from ashiato.search.fields import DEFAULT_COLUMNS, FACETS, fields

    names = (*asked.shown, *DEFAULT_COLUMNS[asked.table], *FACETS[asked.table], *fields(asked.table))
    return [(name, name in asked.shown) for name in dict.fromkeys(names)]


def _named(visit: Visit, item: dict[str, Any]) -> dict[str, Any]:
    """With the account's name beside twelve digits."""
    name = visit.site.rendering.account_name(item["text"]) if item["kind"] == "value" else None
    return item | {"name": name}
