"""Example events of rules: what `ashiato: {tests: …}` of a rule file holds, as whole records.

A test is `{name, events, history?, expect}`. Its events are records as AWS writes them, without what matters to no
rule: an id is filled in here. An event with `repeat: {times: N, every: SECONDS}` stands for N of them, each SECONDS
after the one before; the text `{n}` in its values becomes 0, 1, 2 …. A key `ashiato` gives derived values that
come from outside the record (country, owner of an address).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import NAMESPACE_URL, uuid5

from ashiato.network.addresses import Networks

Record = dict[str, Any]

#: Most events that one example may stand for.
MOST_TIMES: Final = 2000


@dataclass(frozen=True)
class Example:
    """One test of a rule. `history` lies before `events`; the rule must, or must not, point at an event of `events`."""

    name: str
    history: tuple[Record, ...]
    events: tuple[Record, ...]
    expect: Literal["match", "none"]


def examples(own: Mapping[str, Any]) -> list[Example]:
    """The tests of a rule, from its top-level key `ashiato` (`custom_attributes["ashiato"]` of a pySigma rule)."""
    return [
        Example(
            str(test["name"]),
            tuple(whole_records(test.get("history", []))),
            tuple(whole_records(test["events"])),
            "match" if test["expect"] == "match" else "none",
        )
        for test in own.get("tests", [])
    ]


class GivenCountries(Networks):
    """Networks as they are known, with the countries that examples give."""

    def __init__(self, known: Networks, records: Iterable[Mapping[str, Any]]) -> None:
        super().__init__()
        self._outside = known
        self._countries = {
            str(r["sourceIPAddress"]): str(r["ashiato"]["country"])
            for r in records
            if "sourceIPAddress" in r and "country" in r.get("ashiato", {})
        }

    def name_of(self, address: str) -> str | None:
        return self._outside.name_of(address)

    def owner_of(self, address: str) -> str | None:
        return self._outside.owner_of(address)

    def country_of(self, address: str) -> str | None:
        return self._countries.get(address) or self._outside.country_of(address)


def whole_records(events: Iterable[Mapping[str, Any]]) -> Iterator[Record]:
    """The records that the events of a test stand for, in the order of the test."""
    for event in events:
        repeat = event.get("repeat")
        if repeat is None:
            yield _identified(dict(event))
            continue
        template = {k: v for k, v in event.items() if k != "repeat"}
        for n in range(min(int(repeat["times"]), MOST_TIMES)):
            record = _filled(template, n)
            record |= {k: int(record[k]) for k in ("srcport", "dstport") if k in record}
            yield _identified(_later(record, n * float(repeat.get("every", 1))))


def _filled(value: Any, n: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(n))
    if isinstance(value, list):
        return [_filled(v, n) for v in value]
    if isinstance(value, dict):
        return {k: _filled(v, n) for k, v in value.items()}
    return value


def _later(record: Record, seconds: float) -> Record:
    if "start" in record:
        record["start"] = int(record["start"] + seconds)
        record["end"] = int(record["end"] + seconds)
        return record
    name = "eventTime" if "eventTime" in record else "configurationItemCaptureTime"
    moment = datetime.fromisoformat(record[name]) + timedelta(seconds=seconds)
    record[name] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return record


def _identified(record: Record) -> Record:
    """CloudTrail events get an id that follows from their content; other records have none."""
    if "eventSource" in record and "eventID" not in record:
        record["eventID"] = str(uuid5(NAMESPACE_URL, json.dumps(record, sort_keys=True)))
    return record
