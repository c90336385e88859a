"""The guide through the sample incident: six questions, each answered by a page that is there anyway.

Only a site that was given an `Incident` has it (`ashiato demo`); which step a browser is at stands in a cookie.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ashiato.web.page import N_
from ashiato.web.visit import quoted

if TYPE_CHECKING:
    from ashiato.web.visit import Visit

COOKIE = "guide"


@dataclass(frozen=True)
class Incident:
    """What the generator knows of its attack: who, from where, on what; times in UTC."""

    bucket: str
    host: str
    instance: str
    control: str
    intruder: str
    group: str
    planted: str
    planted_arn: str
    leaked: str
    leaked_arn: str
    key: str
    attacker: str
    key_used: datetime
    planted_made: datetime
    trail_stopped: datetime
    port_opened: datetime
    entered: datetime
    calls_began: datetime
    scan_began: datetime

    def words(self) -> dict[str, str]:
        """For the messages: every name as it is, every moment as a time of the day."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {k: f"{v:%H:%M}" if isinstance(v, datetime) else v for k, v in values.items()}


@dataclass(frozen=True)
class Step:
    """A question. `page`: the area whose page answers it, and what it is opened with; `answers`: fields of Incident
    of which any one is right. All texts are messages."""

    title: str
    story: str
    question: str
    hint: str
    found: str
    page: str
    subject: str
    answers: tuple[str, ...]


STEPS = (
    Step(
        N_("An alarm in the morning"),
        N_("You come to work, and Ashiato has joined a night of alerts into one incident. Ignore most of"
           " them for now. One says that a host searches its own network for open doors."),
        N_("Which host scans the network from inside?"),
        N_("Look for the alert “A host scans the network from inside”: it names an address that begins with 10."),
        N_("%(host)s. Machines do not scan their neighbours by themselves: somebody is on it."),
        "alerts", "", ("host", "instance"),
    ),
    Step(
        N_("What the host talks to"),
        N_("The scan began at %(scan_began)s UTC. Who gives a machine orders is found in its connections: the flow logs"
           " have every one of them."),
        N_("Which address outside does %(host)s call about once a minute, from %(calls_began)s on?"),
        N_("Among its connections, look for one address on port 8443, called hundreds of times."),
        N_("%(control)s. Once a minute for eight hours: that is a program asking for its orders."),
        "host", "host", ("control",),
    ),
    Step(
        N_("Back from the address to the door"),
        N_("Follow %(control)s back: one instance of yours calls it, %(instance)s. Shortly before the first call, at"
           " %(entered)s, somebody from %(intruder)s came in by SSH, after hours of being rejected. Something had let"
           " them."),
        N_("Which security group let %(intruder)s in?"),
        N_("Open the instance: among the changes near %(port_opened)s is a security group. Its id begins with sg-."),
        N_("%(group)s. Until %(port_opened)s it rejected the outside, then it let everybody in."),
        "trace", "control", ("group",),
    ),
    Step(
        N_("Who opened the door"),
        N_("AWS Config kept what the security group was before and after, and CloudTrail kept who asked for it. Ashiato"
           " shows the two together."),
        N_("Which user opened port 22 of %(group)s to the world at %(port_opened)s?"),
        N_("Find the change that adds port 22 from 0.0.0.0/0. Beside it stands the operation behind it, with its user."),
        N_("%(planted)s. A name that sounds like a service, and nobody knows it."),
        "resource", "group", ("planted", "planted_arn"),
    ),
    Step(
        N_("A user that nobody made"),
        N_("%(planted)s also stopped the account's trail at %(trail_stopped)s, so that its logs would fall silent; the"
           " organisation's trail went on. And it was made only minutes before, at %(planted_made)s."),
        N_("Which user made %(planted)s?"),
        N_("Look at the first operation in which it appears: CreateUser. Who called it?"),
        N_("%(leaked)s: the robot that deploys. Robots make no users."),
        "trace", "planted_arn", ("leaked", "leaked_arn"),
    ),
    Step(
        N_("The key that started it"),
        N_("%(leaked)s has worked from one address for months. At %(key_used)s it called from %(attacker)s, for the"
           " first time ever."),
        N_("With which access key did %(leaked)s call from %(attacker)s?"),
        N_("Its keys stand among what it used. Long-lived keys begin with AKIA."),
        N_("%(key)s. This key had leaked. All that you saw began with it."),
        "trace", "leaked_arn", ("key",),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Strip:
    """The line above every page of the demo. `number`: 0 before the first step, len(STEPS) + 1 after the last."""

    number: int
    count: int
    question: str


def step_of(visit: Visit) -> int | None:
    """The step that this browser is at; None where it is at none."""
    text = visit.request.cookies.get(COOKIE, "")
    return int(text) if text in {str(n) for n in range(1, len(STEPS) + 2)} else None


def strip_of(visit: Visit) -> Strip | None:
    incident = visit.site.incident
    if incident is None or (visit.route is not None and visit.route.area == "guide"):
        return None
    number = step_of(visit) or 0
    question = visit._(STEPS[number - 1].question, **incident.words()) if 1 <= number <= len(STEPS) else ""
    return Strip(number, len(STEPS), question)


def page_of(visit: Visit, step: Step, incident: Incident) -> str:
    """The address of the page on which the step's answer is found."""
    subject = str(getattr(incident, step.subject)) if step.subject else ""
    path = f"/{step.page}/{quoted(subject)}" if subject else f"/{step.page}"
    return visit.link(path, level="high") if step.page == "alerts" else visit.link(path)


def right(answer: str, step: Step, incident: Incident) -> bool:
    """Whether this names what was asked for, alone or within an ARN or a sentence."""
    told = answer.casefold()
    return any(str(getattr(incident, name)).casefold() in told for name in step.answers)
