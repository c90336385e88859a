"""Who is behind a call that AWS made for somebody: CloudFormation's and Auto Scaling's calls lead on to theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ashiato.config.candidates import Span, hashes_of, writes
from ashiato.config.history import Change
from ashiato.core.scope import AccountScope
from ashiato.formats.entities import entity_hash
from ashiato.formats.outcomes import opened_mapping, outcome
from ashiato.formats.principals import principal
from ashiato.formats.refs import event_ref
from ashiato.lake.plans import PinnedLake
from ashiato.words.messages import Language, Message, Phrase

#: A stack's operation takes hours at most; what a group does follows its setting by minutes.
_STACKS: Final = timedelta(hours=6)
_GROUPS: Final = timedelta(hours=1)

# fmt: off
BY_STACK = Message("CloudFormation made the call for {who}: {operation} of {name}",
                   "{who} による {name} の {operation} に伴い CloudFormation が呼び出し")
BY_GROUP = Message("Auto Scaling made the call after {operation} of {name} by {who}",
                   "{who} による {name} の {operation} を受けて Auto Scaling が呼び出し")
# fmt: on


@dataclass(frozen=True)
class Lead:
    """The call that led to another: its reference, who made it, and why it is thought to have."""

    ref: str
    event_id: str
    time: datetime
    operation: str
    who: str
    reason: Phrase
    row: Mapping[str, Any] = field(hash=False, compare=False)

    @property
    def why(self) -> str:
        """The reason in English."""
        return self.why_in("en")

    def why_in(self, language: Language) -> str:
        """The reason."""
        return self.reason.said(language)

    def as_json(self) -> dict[str, Any]:
        """ref, time, operation, who, why."""
        return {
            "ref": self.ref,
            "time": self.time,
            "operation": self.operation,
            "who": self.who,
            "why": self.why,
        }


@dataclass(frozen=True)
class _Service:
    domain: str
    role: str
    kind: str
    tags: tuple[str, ...]
    operations: frozenset[str]
    reach: timedelta
    message: Message


_SERVICES: Final = (
    _Service(
        "cloudformation.amazonaws.com", "AWSCloudFormation", "AWS::CloudFormation::Stack", ("aws:cloudformation:stack-id", "aws:cloudformation:stack-name"),
        frozenset(
            {"CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet", "RollbackStack",
             "ContinueUpdateRollback", "CreateStackInstances", "UpdateStackSet", "DeleteStackInstances",
             "UpdateStackInstances", "ImportStacksToStackSet"}
        ),
        _STACKS, BY_STACK,
    ),
    _Service(
        "autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling", "AWS::AutoScaling::AutoScalingGroup", ("aws:autoscaling:groupName",),
        frozenset(
            {"SetDesiredCapacity", "UpdateAutoScalingGroup", "CreateAutoScalingGroup", "DeleteAutoScalingGroup",
             "ExecutePolicy", "StartInstanceRefresh", "TerminateInstanceInAutoScalingGroup", "SetInstanceHealth",
             "AttachInstances", "DetachInstances", "EnterStandby", "ExitStandby", "PutScheduledUpdateGroupAction"}
        ),
        _GROUPS, BY_GROUP,
    ),
)  # fmt: skip


def _service(row: Mapping[str, Any]) -> _Service | None:
    """The service that made a call for somebody."""
    identity = row.get("userIdentity") or {}
    texts = (row.get("sourceIPAddress"), row.get("userAgent"), identity.get("invokedBy"))
    arn = str(identity.get("arn") or "")
    for service in _SERVICES:
        if service.domain in texts or f"/{service.role}" in arn:
            return service
    return None


def leads(
    lake: PinnedLake, calls: Sequence[tuple[Mapping[str, Any], Change] | None], scope: AccountScope
) -> list[tuple[Lead, ...]]:
    """For each call (and the change that it made) the calls that led to it; empty for what nobody else made."""
    spans: list[Span] = []
    asked: list[tuple[int, _Service, Mapping[str, Any], frozenset[str]]] = []
    for n, call in enumerate(calls):
        service = _service(call[0]) if call is not None else None
        if call is None or service is None or call[0].get("eventName") in service.operations:
            continue
        row, change = call
        names = _names(row, change, service)
        hashes = hashes_of(names) if names else _caller_hashes(row)
        spans.append(
            Span(row["recipientAccountId"] or "", row["eventTime"] - service.reach, row["eventTime"], hashes)
        )
        asked.append((n, service, row, names))
    found: list[tuple[Lead, ...]] = [() for _ in calls]
    if not spans:
        return found
    for (n, service, row, names), events in zip(asked, writes(lake, spans, scope), strict=True):
        lead = _last(events, service, row, names)
        if lead is not None:
            found[n] = (lead,)
    return found


def _names(row: Mapping[str, Any], change: Change, service: _Service) -> frozenset[str]:
    """The stack or group by the tags that the service puts on what it makes, or by relationship."""
    found = set()
    for item in (change.after, change.before):
        if item is None:
            continue
        found |= {str(v) for k, v in item.tags.items() if k in service.tags}
        found |= {
            str(n)
            for r in item.related
            if r.get("resourceType") == service.kind
            for n in (r.get("resourceId"), r.get("resourceName"))
            if n
        }
        if item.key.type == service.kind:
            found |= {n for n in (item.key.id, item.key.name, item.key.arn) if n}
    found |= _tags_in(opened_mapping(row.get("requestParameters")), service.tags)
    # `arn:…:stack/NAME/UUID` is called NAME in requests, `…:autoScalingGroupName/NAME` likewise.
    found |= {n.split("/")[1] for n in found if n.startswith("arn:") and ":stack/" in n}
    return frozenset(found)


def _tags_in(value: Any, keys: Sequence[str], depth: int = 0) -> set[str]:
    if depth > 12:
        return set()
    if isinstance(value, Mapping):
        if value.get("key") in keys and isinstance(value.get("value"), str):
            return {value["value"]}
        return set().union(*(_tags_in(v, keys, depth + 1) for v in value.values()))
    if isinstance(value, list):
        return set().union(*(_tags_in(v, keys, depth + 1) for v in value[:200]))
    return set()


def _caller_hashes(row: Mapping[str, Any]) -> dict[int, str]:
    """The caller, whose own call leads to it: CloudFormation calls with the credentials that it was called with."""
    identity = row.get("userIdentity") or {}
    arn = identity.get("arn")
    return {entity_hash("principal", arn): arn} if arn else {}


def _last(
    events: Sequence[tuple[dict[str, Any], frozenset[str]]],
    service: _Service,
    row: Mapping[str, Any],
    names: frozenset[str],
) -> Lead | None:
    """The last successful call of the service's own operations before the call."""
    for event, _ in reversed(events):
        if event["eventID"] == row["eventID"] or event.get("eventName") not in service.operations:
            continue
        if event.get("eventSource") != service.domain or outcome(event) != "success":
            continue
        asked = opened_mapping(event.get("requestParameters"))
        name = asked.get("stackName") or asked.get("stackSetName") or asked.get("autoScalingGroupName")
        name = str(name or next(iter(sorted(names)), ""))[:200]
        who = principal(event.get("userIdentity"), event.get("recipientAccountId")).name
        reason = Phrase(service.message, {"who": who, "operation": event["eventName"], "name": name})
        ref = event_ref(event)
        return Lead(ref, event["eventID"], event["eventTime"], event["eventName"], who, reason, event)
    return None
