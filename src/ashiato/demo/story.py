"""The frame in which the incident is told: its clock, its actors, and the steps that `truth.json` lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from ashiato.demo import estate as e
from ashiato.demo.changes import Change
from ashiato.demo.estate import HOME_REGION, PROD, Estate
from ashiato.demo.events import Call, Event, api_event
from ashiato.demo.identities import BROWSER, Session, iam_user
from ashiato.demo.ids import access_key, ec2_id, fixed_uuid, iso
from ashiato.demo.resources import Item, Resource

LEAKED_KEY: Final = "AKIAI44QH8DHBEXAMPLE"
LEAKED_USER: Final = "deploy-bot"
ATTACKER: Final = "203.0.113.66"
BRUTE_FORCE: Final = ("203.0.113.77", "203.0.113.78")
COMMAND_AND_CONTROL: Final = "203.0.113.99"
NEW_USER: Final = "svc-backup-sync"
NEW_KEY: Final = access_key("AKIA", PROD, NEW_USER)
NEW_POLICY: Final = "SyncMaintenance"
FOREIGN_KEY: Final = f"arn:aws:kms:us-east-1:999988887777:key/{fixed_uuid('foreign key')}"
PLAIN_VOLUME: Final = ec2_id("vol", "attack", "plain")
ATTACKER_AGENT: Final = "aws-cli/2.15.30 Python/3.11.8 Linux/6.6.15-amd64 exe/x86_64.kali.2024 prompt/off"


def clock(hour: int, minute: int, second: int = 0) -> int:
    """Seconds of the day of the incident (UTC)."""
    return hour * 3600 + minute * 60 + second


TRAIL_STOPPED: Final = clock(13, 52, 6)
TRAIL_STARTED: Final = clock(23, 5, 20)
FLOW_LOG_DELETED: Final = clock(13, 55, 41)
FLOW_LOG_CREATED: Final = clock(23, 9, 8)
PORT_OPENED: Final = clock(14, 5, 12)
PORT_CLOSED: Final = clock(22, 58, 30)
SSH_SUCCESS: Final = clock(14, 41, 20)
BEACON_FIRST: Final = clock(14, 50, 3)
SCAN_FIRST: Final = clock(15, 10, 0)
SCAN_LAST: Final = clock(15, 24, 0)
ISOLATED: Final = clock(22, 55, 10)
KEY_DEACTIVATED: Final = clock(22, 44, 12)


@dataclass(slots=True)
class Story:
    """The incident on the day that starts at `day` (seconds), and all that it leaves in the three logs."""

    estate: Estate
    day: int
    events: list[Event] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    rng: Random = field(default_factory=lambda: Random("story"))

    def at(self, second: int) -> int:
        """A second of that day as seconds since 1970."""
        return self.day + second

    def leaked(self) -> Session:
        """The leaked key in the attacker's hands."""
        return iam_user(PROD, LEAKED_USER, LEAKED_KEY, address=ATTACKER, agent=ATTACKER_AGENT)

    def console(self) -> Session:
        """The same user's console session, signed in without a second factor."""
        created = self.at(clock(13, 38, 9))
        return iam_user(
            PROD,
            LEAKED_USER,
            access_key("ASIA", PROD, "console", LEAKED_USER),
            address=ATTACKER,
            agent=BROWSER,
            style="console",
            created=created,
            mfa=False,
        )

    def planted(self) -> Session:
        """The user that the attacker made."""
        return iam_user(PROD, NEW_USER, NEW_KEY, address=ATTACKER, agent=ATTACKER_AGENT)

    def call(self, second: int, session: Session, call: Call, *, region: str = HOME_REGION) -> str:
        """Records a call in production; returns its event id, the same for every seed."""
        event_id = fixed_uuid("story", str(len(self.events)), call.name, str(second))
        self.events.append(
            api_event(self.rng, session, self.at(second), PROD, region, call, event_id=event_id)
        )
        return event_id

    def record(self, resource: Resource, second: int, cause: str, why: str, status: str = "OK") -> None:
        """Has AWS Config record a resource's new state some seconds after its cause."""
        previous = resource.captured or None
        captured = (self.at(second) + 20 + self.rng.randrange(70)) * 1000 + self.rng.randrange(1000)
        self.items.append(resource.item(captured, status))
        self.changes.append(
            Change(
                resource.account,
                resource.region,
                resource.type,
                resource.id,
                captured,
                previous,
                status,
                cause,
                1,
                why,
            )
        )

    def step(
        self,
        first: int,
        last: int,
        title: str,
        what: str,
        *,
        events: list[str] | None = None,
        actor: str = "",
        resources: list[str] | None = None,
        addresses: list[str] | None = None,
        data_events: bool = False,
        config: bool = False,
        flows: bool = False,
    ) -> None:
        """Adds a step with the roads that saw it and those that did not."""
        seen: list[str] = []
        missed: list[str] = []
        if events:
            seen.append(f"cloudtrail:{e.ORGANISATION_TRAIL}")
            stopped = TRAIL_STOPPED < first < TRAIL_STARTED
            (missed if stopped or data_events else seen).append(f"cloudtrail:{e.OWN_TRAIL}")
        if config:
            seen.append("config")
        if flows:
            seen.append(f"vpc_flow_logs:{e.FLOW_CUSTOM}")
            gone = first > FLOW_LOG_DELETED and last < FLOW_LOG_CREATED
            (missed if gone else seen).append(f"vpc_flow_logs:{e.FLOW_DEFAULT}")
        self.steps.append(
            {
                "step": len(self.steps) + 1,
                "title": title,
                "what": what,
                "first": iso(self.at(first)),
                "last": iso(self.at(last)),
                "actor": actor,
                "events": events or [],
                "resources": resources or [],
                "addresses": addresses or [],
                "seenBy": seen,
                "notSeenBy": missed,
            }
        )
