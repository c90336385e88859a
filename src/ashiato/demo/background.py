"""Everyday calls in every account and region: people, builds, instances, functions and AWS services at work.

Only reads, and writes that name no resource which AWS Config records: those belong to `changes`.
Templates are finished JSON but for who, when and ids, so that a record costs a few string joins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from ashiato.demo import calendar_rhythm
from ashiato.demo.activity import Activity, Ends, Maker
from ashiato.demo.background_calls import activities
from ashiato.demo.estate import Estate
from ashiato.demo.events import GLOBAL_SOURCES, READ_PREFIXES, Call, Event, tls_of, version_of
from ashiato.demo.identities import Session
from ashiato.demo.ids import compact, iso, random_uuids

RHYTHM: dict[str, Callable[[float], float]] = {
    "people": calendar_rhythm.people,
    "customers": calendar_rhythm.customers,
    "machines": lambda _: 1.0,
}


@dataclass(slots=True)
class Template:
    """A call's JSON in three parts; `make` fills the middle one where each record differs."""

    category: str
    before_time: str
    source_part: str
    middle: str
    make: Maker | None
    tail: dict[str, str]
    place: str


def _tail(call: Call, account: str, region: str) -> dict[str, str]:
    """What follows the event id, for each style of session."""
    read_only = call.read_only if call.read_only is not None else call.name.startswith(READ_PREFIXES)
    place = "us-east-1" if call.source in GLOBAL_SOURCES else region
    head: dict[str, Any] = {"readOnly": read_only}
    if call.resources:
        head["resources"] = [{"accountId": account, "type": t, "ARN": a} for t, a in call.resources]
    head["eventType"] = call.event_type
    head["managementEvent"] = call.category == "Management"
    head["recipientAccountId"] = account
    end: dict[str, Any] = {"eventCategory": call.category}
    start = compact(head)[1:-1]
    plain = compact(end)[1:-1]
    tls = compact({**end, "tlsDetails": tls_of(call.source, place, call.host)})[1:-1]
    console = compact({**end, "sessionCredentialFromConsole": "true"})[1:-1]
    return {
        "service": f"{start},{plain}}}",
        "cli": f"{start},{tls}}}",
        "endpoint": f'{start},"vpcEndpointId":"%s","vpcEndpointAccountId":"{account}",{tls}}}',
        "console": f"{start},{console}}}",
    }


def _middle(call: Call) -> str:
    parts: dict[str, Any] = {}
    if call.error:
        parts["errorCode"] = call.error
    if call.message:
        parts["errorMessage"] = call.message
    parts["requestParameters"] = call.request
    parts["responseElements"] = call.response
    if call.additional is not None:
        parts["additionalEventData"] = call.additional
    return compact(parts)[1:-1]


def template(call: Call, account: str, region: str, make: Maker | None) -> Template:
    """Prepares a call for an account and region."""
    place = "us-east-1" if call.source in GLOBAL_SOURCES else region
    return Template(
        category=call.category,
        before_time=f'{{"eventVersion":"{version_of(call.source)}","userIdentity":',
        source_part=f'","eventSource":"{call.source}","eventName":"{call.name}","awsRegion":"{place}","sourceIPAddress":"',
        middle=_middle(call),
        make=make,
        tail=_tail(call, account, region),
        place=place,
    )


@dataclass(slots=True)
class _Prepared:
    activity: Activity
    templates: list[Template]
    weights: list[float]


def _weights(prepared: list[_Prepared], second: int) -> list[float]:
    rhythm = {name: weight(second) for name, weight in RHYTHM.items()}
    return [
        0.0 if p.activity.until <= second else p.activity.weight * rhythm[p.activity.rhythm] for p in prepared
    ]


class Background:
    """Draws the everyday events of a stream (account and region); `ends`: callers that fall silent."""

    def __init__(self, estate: Estate, seed: int, ends: Ends | None = None) -> None:
        self.estate = estate
        self.rng = Random(f"background/{seed}")
        self._prepared: dict[tuple[str, str], list[_Prepared]] = {}
        for account, region in estate.streams:
            found = []
            for activity in activities(estate, account, region, ends or {}):
                made = [template(c.call, account, region, c.make) for c in activity.calls]
                found.append(_Prepared(activity, made, [c.weight for c in activity.calls]))
            self._prepared[account, region] = found

    def weight(self, second: float, account: str, region: str) -> float:
        """How busy a stream is in the hour of `second`."""
        return sum(_weights(self._prepared[account, region], int(second)))

    def draw(self, account: str, region: str, second: int, span: int, count: int) -> list[Event]:
        """`count` events within `span` seconds from `second`, in runs of one caller each."""
        rng = self.rng
        prepared = self._prepared[account, region]
        weights = _weights(prepared, second + span)
        events: list[Event] = []
        while len(events) < count:
            chosen = rng.choices(prepared, weights)[0]
            run = min(count - len(events), 3 + int(rng.random() * chosen.activity.run))
            begin = second + int(rng.random() * span)
            session: Session = chosen.activity.session(rng, begin)
            step = chosen.activity.seconds_per_call
            now = float(begin)
            style = session.style
            for t in rng.choices(chosen.templates, chosen.weights, k=run):
                when = min(int(now), second + span - 1)
                now += step * rng.random() * 2
                request_id, event_id = random_uuids(rng)
                middle = t.middle
                tail = (
                    t.tail["endpoint"] % session.endpoint
                    if session.endpoint and style == "cli"
                    else t.tail[style]
                )
                if t.make is not None:
                    middle, request_id, key = t.make(rng)
                    tail = tail.replace("(KEY)", key, 1)
                body = (
                    f'{t.before_time}{session.identity},"eventTime":"{iso(when)}{t.source_part}{session.address}'
                    f'","userAgent":"{session.agent}",{middle},"requestID":"{request_id}","eventID":"{event_id}",{tail}'
                )
                events.append(Event(when, account, t.place, t.category, body, event_id))
        return events
