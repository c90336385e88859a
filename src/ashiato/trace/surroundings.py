"""What stands about the lanes of a trace: the host behind an address, who is behind a session, the five answers, what
led to what, and where evidence is missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from ashiato.core.clock import now
from ashiato.formats.tables import TABLES
from ashiato.lake.held import has_records, newest_record
from ashiato.lake.predicates import at_least, everything
from ashiato.ledger import tables as t
from ashiato.ledger.database import utc
from ashiato.trace.acting import COLUMNS, acts_of
from ashiato.trace.answering import Answer
from ashiato.trace.caller_answers import Calls, caller_answers
from ashiato.trace.counting import Count
from ashiato.trace.gaps import Span, gaps
from ashiato.trace.host_answers import Evidence, host_answers
from ashiato.trace.hosts import Host, hosts_of
from ashiato.trace.keys import Key, Window, footprints
from ashiato.trace.links import links
from ashiato.trace.origins import origin
from ashiato.trace.own_addresses import ours
from ashiato.trace.reading import Asked, newest
from ashiato.trace.subjects import Subject
from ashiato.trace.telling import Telling
from ashiato.words.texts import shown

#: Spells of a host that are given.
_MOST_SPELLS: Final = 50
#: Where the end of a log is looked for first.
_RECENT: Final = timedelta(days=3)
_CALLERS: Final = frozenset({"access_key", "user", "session", "principal", "issuer", "source_identity"})


class Surroundings:
    """Of one trace; what several parts need is found once."""

    def __init__(self, asked: Asked, subject: Subject, found: pa.Table, telling: Telling) -> None:
        self.asked, self.subject, self.found, self.telling = asked, subject, found, telling
        self._ends: dict[str, datetime | None] = {}

    @cached_property
    def host(self) -> Host:
        """The host that the subject is, or was at a time, as far as AWS Config tells."""
        whole = Asked(self.asked.lake, self.asked.keys, self.asked.scope, Window())
        return hosts_of(whole, self.subject, self.found, self.telling)

    @property
    def is_host(self) -> bool:
        return self.subject.is_host or (self.subject.kind == "address" and bool(self.host.spells))

    def entity(self) -> dict[str, Any]:
        """`origin`: who is behind it, hop by hop; `hosts`: which host an address was, what a host had, when."""
        hops = origin(self.asked.lake, self.subject, self.found, self.asked.scope)
        spells = sorted(
            self.host.spells, key=lambda s: (s.start is not None, s.start, s.resource), reverse=True
        ) if self.host.spells else []  # fmt: skip
        latest = self.host.latest
        named = {} if latest is None or self.subject.kind == "address" else {"name": latest.name}
        return {
            **{k: shown(v, 200) for k, v in named.items() if v},
            "origin": [hop.as_json(self.telling) for hop in hops],
            "hosts": [
                {
                    "instance": None if s.instance is None else shown(s.instance, 1100),
                    "resource": shown(s.resource, 1100),
                    "name": None if s.name is None else shown(s.name, 200),
                    "addresses": sorted(s.addresses),
                    "interfaces": [shown(i, 1100) for i in s.interfaces],
                    "groups": [shown(g, 1100) for g in s.groups],
                    "state": None if s.state is None else shown(s.state, 60),
                    "account": s.account,
                    "region": s.region,
                    "from": s.start,
                    "to": s.end,
                    "ref": s.ref,
                }
                for s in spells[:_MOST_SPELLS]
            ],
        }

    def answers(self, rows: pa.Table, counted: Count, flows: pa.Table) -> list[dict[str, Any]]:
        """The five answers about a host or a caller; none about other things. `rows`: its newest events, `flows`: its
        newest flow records."""
        cut = rows.num_rows if counted.of("cloudtrail") > rows.num_rows else None
        made: list[Answer] = []
        if self.is_host:
            made = self._of_host(rows, cut, _whole(flows, counted))
        elif self.subject.kind in _CALLERS or self.subject.is_role or self.subject.is_user:
            acts = acts_of(rows, self.subject)
            accounts = self._accounts("cloudtrail")
            calls = Calls(
                self.subject,
                [a for a in acts if a.mine],
                [a for a in acts if not a.mine],
                cut,
                self._end("cloudtrail"),
                has_records(self.asked.lake.plan("cloudtrail", everything()), accounts, data_events=True),
                frozenset(ours(self.asked, sorted({a.address for a in acts if a.address}), self.telling)),
            )
            made = caller_answers(calls, self.telling)
        return [answer.as_json(self.telling) for answer in made]

    def _of_host(self, rows: pa.Table, cut: int | None, flows: pa.Table | None) -> list[Answer]:
        subject, asked, found = self.subject, self.asked, self.found
        own = self.host.addresses | ({subject.value} if subject.kind == "address" else frozenset())
        acts = acts_of(rows, subject)
        if subject.kind != "instance":
            # Its credentials are those of the instances that it belonged to.
            keys = tuple(Key("instance", i) for i in self.host.instances)
            acting = Subject("instance", subject.value, keys)
            found_acts = (
                footprints(asked.lake, keys, asked.scope, asked.window, ["cloudtrail"]) if keys else None
            )
            of_instance = Asked(asked.lake, keys, asked.scope, asked.window)
            mine = pa.table({})
            if found_acts is not None:
                mine = newest(of_instance, "cloudtrail", found_acts, 2000, columns=COLUMNS)
            acts = acts_of(mine, acting)
            cut = 2000 if mine.num_rows >= 2000 else None
        end = self._end("vpc_flow_logs")
        evidence = Evidence(asked, found, self.host, frozenset(own), acts, cut, end, flows)
        return host_answers(evidence, self.telling)

    def _accounts(self, table: str) -> list[str]:
        """Accounts with records of it in a log, as far as the scope goes."""
        rows = self.found.select(["table", "account"]).to_pylist()
        named = {r["account"] for r in rows if r["table"] == table and r["account"]}
        return sorted(a for a in named if self.asked.scope.allows(a))

    def _end(self, table: str) -> datetime | None:
        """The newest record of a log in the accounts that it is seen in, within the window."""
        if table not in self._ends:
            accounts = self._accounts(table)
            self._ends[table] = self._found_end(table, accounts) if accounts else None
        return self._ends[table]

    def _found_end(self, table: str, accounts: list[str]) -> datetime | None:
        latest = utc(
            self.asked.lake.home.ledger.scalar(
                sa.select(sa.func.max(t.objects.c.newest_record)).where(t.objects.c.log == table)
            )
        )
        end = None
        if latest is not None:
            recent = at_least(TABLES[table].time_column, (min(latest, now()) - _RECENT).isoformat())
            end = newest_record(self.asked.lake.plan(table, recent), accounts)
        end = end or newest_record(self.asked.lake.plan(table, everything()), accounts)
        return end if end is None or self.asked.window.end is None else min(end, self.asked.window.end)

    def links(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """From cause to effect."""
        asked = self.asked
        return links(asked.lake, self.subject, self.host, document, asked.scope, self.telling)

    def gaps(self, counted: Count, flows: pa.Table) -> list[dict[str, Any]]:
        """Missing evidence within the window, else since the first record."""
        window = self.asked.window
        first, last = window.start or counted.first, window.end
        if first is None:
            return []
        if last is None:
            ends = [self._end(table) for table in ("cloudtrail", "vpc_flow_logs")]
            last = max((e for e in (*ends, counted.last) if e is not None), default=None)
        span = None if last is None else Span(first, last)
        whole = _whole(flows, counted)
        return gaps(self.asked, self.subject, self.found, span, self.telling.language, whole)


def _whole(flows: pa.Table, counted: Count) -> pa.Table | None:
    """The flow records, where these are all of them."""
    return flows if flows.num_rows >= counted.of("vpc_flow_logs") else None
