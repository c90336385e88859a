"""A search: what is asked, of which time, shown how; read from and written to the parameters of an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Final, Self

from ashiato.formats.tables import LOG_TABLES
from ashiato.search import fields
from ashiato.search.moments import parse_absolute, parse_relative
from ashiato.search.refusals import SearchRefused
from ashiato.search.terms import Term, parse, written

DEFAULT_SINCE: Final = "-24h"
EVERYTHING: Final = "all"
ROWS: Final = 50
MOST_ROWS: Final = 500
MOST_COLUMNS: Final = 40
#: Before and after every record.
BEGIN, END = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 28, tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """start <= time < end, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Search:
    """A search as typed and chosen.

    `since` and `until` are times as `moments` reads them: absolute, `-24h` (back from the newest record),
    `now-24h`, `now`; `since` may be `all`, `until` empty: up to the newest record. `columns` empty: the
    table's usual ones. `after`: the cursor of a page. `group`: the account group that a page is filtered by.
    """

    table: str = "cloudtrail"
    q: str = ""
    since: str = DEFAULT_SINCE
    until: str = ""
    columns: tuple[str, ...] = ()
    oldest_first: bool = False
    after: str = ""
    group: str = ""
    rows: int = ROWS

    @classmethod
    def from_parameters(cls, given: Mapping[str, str], zone: tzinfo = UTC) -> Self:
        """The search that an address's parameters hold: table, q, from, to, columns (parted by commas), sort
        (`oldest`), after, group, rows. Times without a zone are in `zone`. Raises SearchRefused."""
        table = given.get("table") or "cloudtrail"
        if table not in LOG_TABLES:
            raise SearchRefused("no_table", value=table[:60])
        columns = tuple(c for c in (given.get("columns") or "").split(",") if c.strip())
        rows = given.get("rows", "")
        return cls(
            table=table,
            q=(given.get("q") or "").strip(),
            since=_time(given.get("from") or DEFAULT_SINCE, zone),
            until=_time(given.get("to") or "", zone, upper=True),
            columns=_known_columns(table, columns),
            oldest_first=given.get("sort") in ("oldest", "time", "asc"),
            after=given.get("after") or "",
            group=given.get("group") or "",
            rows=min(max(int(rows), 1), MOST_ROWS)
            if rows.isascii() and rows.isdigit() and len(rows) < 6
            else ROWS,
        )

    def parameters(self) -> dict[str, str]:
        """The parameters of an address that mean this search; what is as usual is left out."""
        given = {
            "table": self.table if self.table != "cloudtrail" else "",
            "q": self.q,
            "from": self.since if self.since != DEFAULT_SINCE else "",
            "to": self.until,
            "columns": ",".join(self.columns),
            "sort": "oldest" if self.oldest_first else "",
            "after": self.after,
            "group": self.group,
            "rows": str(self.rows) if self.rows != ROWS else "",
        }
        return {name: value for name, value in given.items() if value}

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The conditions. Raises SearchRefused with the place of what is wrong."""
        return parse(self.q, self.table)

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns that are shown."""
        return self.columns or fields.DEFAULT_COLUMNS[self.table]

    def changed(self, **changes: object) -> Self:
        """The search with other values, from its first page; another table drops the columns."""
        if "table" in changes and changes["table"] != self.table:
            changes.setdefault("columns", ())
        changes.setdefault("after", "")
        return replace(self, **changes)  # type: ignore[arg-type]

    def narrowed(self, field: str, value: str | None, *, negated: bool = False) -> Self:
        """The search with one more condition, such as a facet's value (None: records without the field)."""
        text = f"{field}:{'*' if value is None else written(value)}"
        wanted = ("-" if negated != (value is None) else "") + text
        parts = [self.q[t.start : t.end] for t in self.terms]
        return self.changed(q=" ".join([*parts, wanted] if wanted not in parts else parts))

    def without(self, term: Term) -> Self:
        """The search without one of its conditions."""
        return self.changed(q=f"{self.q[: term.start]} {self.q[term.end :]}".strip())

    def span(self, newest: datetime | None, now: datetime) -> Span:
        """The time that is searched, given the newest record's time. Raises SearchRefused where it is empty."""
        newest_end = min(newest or now, now).replace(microsecond=0) + timedelta(seconds=1)
        if self.until == "now" or (not self.until and self.since.startswith("now")):
            end = now.replace(microsecond=0) + timedelta(seconds=1)
        elif not self.until:
            end = newest_end if parse_relative(self.since) else END
        else:
            end = self._moment(self.until, newest_end, now, upper=True)
        start = BEGIN if self.since == EVERYTHING else self._moment(self.since, end, now, upper=False)
        if start >= end:
            raise SearchRefused("empty_span", value=end.strftime("%Y-%m-%d %H:%M:%S UTC"))
        return Span(start, end)

    def _moment(self, text: str, base: datetime, now: datetime, *, upper: bool) -> datetime:
        if text == "now":
            return now
        relative = parse_relative(text)
        if relative is not None:
            back, from_now = relative
            base = now if from_now else base
            return base - back if base - BEGIN > back else BEGIN
        found = parse_absolute(text)
        if found is None:
            raise SearchRefused("bad_time", value=text[:60])
        # A day given as the end is meant whole; a minute is its beginning, as clocks show it.
        return found[1] if upper and len(text.strip()) == 10 else found[0]


def _time(text: str, zone: tzinfo, *, upper: bool = False) -> str:
    """The text, with a time of `zone` written in UTC: the address means the same to everybody."""
    text = text.strip()
    if text in ("", EVERYTHING, "now") or parse_relative(text) is not None:
        return text
    found = parse_absolute(text, zone)
    if found is None:
        raise SearchRefused("bad_time", value=text[:60])
    shown = found[1] if upper and len(text) == 10 else found[0]
    return shown.isoformat(timespec="microseconds" if shown.microsecond else "seconds").replace("+00:00", "Z")


def _known_columns(table: str, names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > MOST_COLUMNS:
        raise SearchRefused("too_many", most=str(MOST_COLUMNS))
    found: dict[str, None] = {}
    for name in names:
        field = fields.find(table, name.strip())
        if field is None or (len(field.places) > 1 and not field.first):
            inner = fields.under(table, name.strip())
            meant = inner[0] if inner else fields.closest(table, name) or fields.DEFAULT_COLUMNS[table][0]
            raise SearchRefused("no_column", name=name[:120], meant=meant)
        found[field.name] = None
    return tuple(found)
