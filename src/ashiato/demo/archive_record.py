"""The archive's records while they are gathered: each with the published query that it is for."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from ashiato.demo.estate import PROD
from ashiato.demo.events import Call, Event, api_event
from ashiato.demo.identities import Session
from ashiato.demo.ids import fixed_uuid, iso

OTHER: Final = "555555555555"


DOCUMENTED_KEY: Final = "AKIAIOSFODNN7EXAMPLE"


THREE: Final = ("us-east-1", "us-east-2", "us-west-2")


def at(text: str) -> int:
    """Seconds since 1970 of `YYYY-MM-DD HH:MM:SS` in UTC."""
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp())


class Old:
    """Collects events with what they are for."""

    def __init__(self) -> None:
        self.rng = Random("archive")
        self.events: list[Event] = []
        self.records: list[dict[str, Any]] = []

    def add(
        self,
        when: str,
        session: Session,
        call: Call,
        query: str,
        *,
        account: str = PROD,
        region: str = "us-east-1",
    ) -> Event:
        event = api_event(
            self.rng,
            session,
            at(when),
            account,
            region,
            call,
            event_id=fixed_uuid("archive", str(len(self.events))),
        )
        self.put(event, call.name, query)
        return event

    def put(self, event: Event, name: str, query: str) -> None:
        self.events.append(event)
        self.records.append(
            {
                "eventID": event.event_id,
                "eventTime": iso(event.second),
                "eventName": name,
                "account": event.account,
                "region": event.region,
                "for": query,
            }
        )
