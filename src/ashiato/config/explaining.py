"""How well an operation explains a change, and why: what it says it set, against what differs.

A call changes what it says it changes. So the values and properties that its request names are compared with the
differences, then the part of the resource that its name speaks of; of what came into being or went, whether the
operation creates or deletes that. Nothing here knows of time but the order of two that explain alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ashiato.config.differences import PropertyChange
from ashiato.config.documents import decoded
from ashiato.config.history import Change
from ashiato.config.operations import (
    LEADS_TO,
    TAKES_AWAY,
    Operation,
    is_kind,
    of_service,
    operation,
    parts_of,
    property_words,
)
from ashiato.formats.outcomes import opened
from ashiato.words.messages import Message, Phrase

#: Properties that change along with any other: times of the last change, revisions, figures.
VOLATILE: Final = frozenset(
    {
        "lastmodified", "lastmodifiedtime", "lastmodifieddate", "lastupdatedtime", "lastupdated", "lastupdatedate",
        "lastchangeddate", "updatedat", "updatedate", "modifieddate", "revisionid", "revision", "etag",
        "alarmconfigurationupdatedtimestamp", "generation", "lastupdatedatetime", "lastupdatetime", "changeversion",
    }
)  # fmt: skip
#: Values that many properties have: they count only under the property's own name.
_COMMON: Final = frozenset(
    [
        "true", "false", "enabled", "disabled", "enable", "disable", "active", "inactive", "none",
        "null", "default", "yes", "no", "allow", "deny", "tcp", "udp", "icmp", "standard", "available",
        "any", "all", "2012-10-17", "2008-10-17", "on", "off",
    ]
)  # fmt: skip
_OPPOSITE: Final = {
    "enable": "disable", "disable": "enable", "start": "stop", "stop": "start", "monitor": "unmonitor",
    "unmonitor": "monitor", "attach": "detach", "detach": "attach",
}  # fmt: skip
#: What a resource is a part of, and comes and goes with.
_OWNERS: Final = {
    "AWS::EC2::Volume": {"AWS::EC2::Instance"},
    "AWS::EC2::NetworkInterface": {
        "AWS::EC2::Instance", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::EFS::FileSystem",
        "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer", "AWS::EC2::TransitGateway",
    },
    "AWS::EC2::SecurityGroup": {"AWS::EC2::VPC"},
    "AWS::EC2::NetworkAcl": {"AWS::EC2::VPC"},
    "AWS::EC2::RouteTable": {"AWS::EC2::VPC"},
    "AWS::EC2::Subnet": {"AWS::EC2::VPC"},
    "AWS::EC2::InternetGateway": {"AWS::EC2::VPC"},
}  # fmt: skip
#: Related resources that so much else is related to that they say nothing about whose a change is.
_BROAD: Final = frozenset(
    {
        "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup", "AWS::KMS::Key", "AWS::IAM::Role",
        "AWS::IAM::Policy", "AWS::SNS::Topic", "AWS::S3::Bucket", "AWS::EC2::NetworkAcl", "AWS::ECS::Cluster",
    }
)  # fmt: skip
_MOST_LEAVES: Final = 4000
_STATES: Final = frozenset({"state", "status", "keystate", "name", "code", "lifecyclestate"})

# fmt: off
CREATES = Message("creates it", "このリソースを作成する操作")
CREATES_WITH = Message("creates it along with other resources", "ほかのリソースとともに作成する操作")
CREATES_OWNER = Message("creates {owner}, which it is a part of", "所属先の {owner} を作成する操作")
DELETES = Message("deletes it", "このリソースを削除する操作")
DELETES_WITH = Message("takes it away", "このリソースを取り除く操作")
DELETES_OWNER = Message("deletes {owner}, which it was a part of", "所属先の {owner} を削除する操作")
SETS = Message("sets {path} as recorded", "{path} を記録どおりの値に設定")
REMOVES = Message("removes what is gone from {path}", "{path} から消えたものを削除")
SPEAKS_OF = Message("the operation is about {path}", "{path} に関する操作")
LEADS = Message("the operation leads to this state of {path}", "{path} をこの状態にする操作")
OTHER_VALUE = Message("sets {path}, to another value", "{path} を別の値に設定")
NOT_RECORDED = Message("changes this kind of resource; the trail left out what it set",
                       "この種類のリソースを変更する操作。設定内容は証跡に記録されていない")
# fmt: on


@dataclass(frozen=True)
class Explanation:
    """`score` from 0 (not at all) to 1; the reasons, in either language."""

    score: float
    reasons: tuple[Phrase, ...] = ()
    #: Whether values or the life of the resource prove it, and not the operation's name alone.
    proven: bool = False


NOTHING: Final = Explanation(0.0)


class Asked:
    """A change, prepared for the comparison with operations."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.type = change.after.key.type
        every = [_Property(p, self.type) for p in change.differences] if change.kind == "changed" else []
        self.properties = [p for p in every if not p.volatile] or every

    @cached_property
    def related(self) -> dict[str, str]:
        """Id or name → type, of the resources that this one is or was a part of or attached to."""
        found: dict[str, str] = {}
        owners = _OWNERS.get(self.type, set())
        for item in (self.change.before, self.change.after):
            for r in item.related if item is not None else ():
                kind = r.get("resourceType") or ""
                if kind in _BROAD and kind not in owners:
                    continue
                for name in (r.get("resourceId"), r.get("resourceName")):
                    if name:
                        found[name] = kind
        return found

    @property
    def names(self) -> frozenset[str]:
        key = self.change.after.key
        return frozenset(n for n in (key.id, key.name, key.arn) if n)


class _Property:
    def __init__(self, change: PropertyChange, resource_type: str) -> None:
        self.change = change
        outer = 1 if change.parts[:1] in (("configuration",), ("supplementaryConfiguration",)) else 0
        named = [p for p in change.parts[outer:] if not p.startswith("[")] or list(change.parts[:1])
        self.last = named[-1].lower() if named else ""
        self.volatile = self.last in VOLATILE
        self.words = [w for w in (property_words(n, resource_type) for n in named) if w]
        before, after = set(_texts(change.before)), set(_texts(change.after))
        self.added, self.removed = after - before, before - after
        #: Names of the elements of sets that it is in: the key of a tag, of an attribute, of a parameter.
        self.elements = frozenset(p[1:-1] for p in change.parts if p.startswith("["))


class Write:
    """A write event, with what it says it set. `row` holds the columns of `write_index.COLUMNS`."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.source = row.get("eventSource") or ""
        self.operation: Operation = operation(self.source, row.get("eventName") or "")

    @cached_property
    def request(self) -> list[tuple[str, str]]:
        """(key, value) of each value in the request."""
        return list(_leaves(opened(self.row.get("requestParameters"))))

    @cached_property
    def values(self) -> frozenset[str]:
        return frozenset(v for _, v in self.request)

    @cached_property
    def answered(self) -> frozenset[str]:
        """Values of the response."""
        return frozenset(v for _, v in _leaves(opened(self.row.get("responseElements"))))

    @property
    def silent(self) -> bool:
        """Whether the trail left out what the call asked for."""
        text = self.row.get("requestParameters")
        return text is None or (len(text) < 200 and '"omitted":true' in text) or opened(text) is None


def explain(asked: Asked, write: Write, *, direct: bool) -> Explanation:
    """How well `write` explains the change. `direct`: it names the resource itself, not only a related one."""
    kind = asked.change.kind
    if write.operation.inert or kind == "first known":
        return NOTHING
    if kind == "created":
        return _created(asked, write, direct=direct)
    if kind == "deleted":
        return _deleted(asked, write, direct=direct)
    return _changed(asked, write, direct=direct)


def _created(asked: Asked, write: Write, *, direct: bool) -> Explanation:
    op = write.operation
    if direct:
        own = is_kind(op, asked.type) and of_service(write.source, asked.type)
        if own and op.verb == "create":
            # CreateDBInstanceReadReplica makes one, CreateNetworkAclEntry makes a part of one.
            return Explanation(0.6 if parts_of(op, asked.type) else 0.97, (Phrase(CREATES),), proven=True)
        if own and op.first in ("put", "start", "enable", "set", "update"):
            return Explanation(
                0.85 if op.first == "put" else 0.5, (Phrase(CREATES),), proven=op.first == "put"
            )
        new = asked.names & write.answered and not asked.names & write.values
        if op.verb == "create" and new:
            return Explanation(0.8, (Phrase(CREATES_WITH),), proven=True)
        return NOTHING
    owner = _owner(asked, write) if op.verb == "create" else None
    return Explanation(0.65, (Phrase(CREATES_OWNER, {"owner": owner}),)) if owner else NOTHING


def _deleted(asked: Asked, write: Write, *, direct: bool) -> Explanation:
    op = write.operation
    if op.verb != "delete":
        return NOTHING
    if direct:
        if parts_of(op, asked.type) and of_service(write.source, asked.type):
            # DeleteRolePolicy names a role and leaves it.
            return NOTHING
        if is_kind(op, asked.type) and of_service(write.source, asked.type):
            return Explanation(0.97, (Phrase(DELETES),), proven=True)
        return Explanation(0.6, (Phrase(DELETES_WITH),))
    owner = _owner(asked, write)
    return Explanation(0.7, (Phrase(DELETES_OWNER, {"owner": owner}),)) if owner else NOTHING


def _owner(asked: Asked, write: Write) -> str | None:
    """The related resource that the operation creates or deletes."""
    said = write.values | write.answered
    for name, kind in asked.related.items():
        if name in said and is_kind(write.operation, kind):
            return name
    return None


def _changed(asked: Asked, write: Write, *, direct: bool) -> Explanation:
    if not asked.properties:
        return NOTHING
    set_: list[_Property] = []
    removed: list[_Property] = []
    spoken: list[_Property] = []
    led: list[_Property] = []
    other: list[_Property] = []
    shares = 0.0
    for p in asked.properties:
        by_value = _by_value(p, write)
        if by_value is not None:
            how, share = by_value
            shares += share
            (removed if how == "removed" else set_).append(p)
        elif _contradicts(p, write):
            continue
        elif _named(p, write, asked.type):
            spoken.append(p)
        elif _leads(p, write, asked.type):
            led.append(p)
        elif _under_key(p, write, asked.type):
            other.append(p)
    covered = (shares + 0.8 * (len(spoken) + len(led))) / len(asked.properties)
    reasons = tuple(
        Phrase(message, {"path": _paths(found)})
        for message, found in ((SETS, set_), (REMOVES, removed), (SPEAKS_OF, spoken), (LEADS, led))
        if found
    )
    own = of_service(write.source, asked.type)
    if set_ or removed:
        score = 0.8 + 0.15 * min(1.0, covered)
        # A policy of one resource may say what that of another says: whose operation it is decides.
        score += 0.02 if own and is_kind(write.operation, asked.type) else 0.0 if own else -0.2
        # What names another resource must have set something of this one.
        return Explanation(score if direct else score - 0.25, reasons, proven=True)
    if not direct or not own:
        return NOTHING
    if spoken or led:
        return Explanation(0.55 + 0.2 * min(1.0, covered), reasons)
    general = not parts_of(write.operation, asked.type) and is_kind(write.operation, asked.type)
    if general and write.silent and write.operation.verb == "other":
        return Explanation(0.4, (Phrase(NOT_RECORDED),))
    if other and write.operation.verb == "other":
        return Explanation(0.3, (Phrase(OTHER_VALUE, {"path": _paths(other)}),))
    return NOTHING


def _paths(found: Sequence[_Property]) -> str:
    paths = [p.change.path for p in found]
    more = f" +{len(paths) - 2}" if len(paths) > 2 else ""
    return ", ".join(paths[:2]) + more


def _by_value(p: _Property, write: Write) -> tuple[str, float] | None:
    """`set` where the request says what is there now, `removed` where it takes away what was there; and how much of
    it, from 0 to 1."""
    takes = write.operation.first in TAKES_AWAY
    texts, how = (p.removed, "removed") if takes else (p.added, "set")
    said = texts & write.values
    if not said:
        return None
    named = not p.elements.isdisjoint(write.values)
    if any(_distinct(t) for t in said) or any(
        value in said and (named or _is_property(key, p)) for key, value in write.request
    ):
        return how, len(said) / len(texts)
    return None


def _distinct(text: str) -> bool:
    if text in _COMMON or len(text) < 4:
        return False
    return not text.isdigit() or len(text) >= 5


def _is_property(key: str, p: _Property) -> bool:
    """Whether a key of a request is the property: `ebsOptimized`; or a key and value of a tag or parameter."""
    lower = key.lower()
    if lower == p.last:
        return True
    words = property_words(key, "")
    return any(w <= words or words <= w for w in p.words) if words else False


def _contradicts(p: _Property, write: Write) -> bool:
    """Whether the operation does the opposite of what is seen: EnableKeyRotation, and rotation is off."""
    opposite = _OPPOSITE.get(write.operation.first)
    if opposite is None or len(p.added) != 1:
        return False
    (now,) = p.added
    now = _state(now)
    return now in LEADS_TO[opposite] and now not in LEADS_TO[write.operation.first]


def _state(text: str) -> str:
    return text.lower().replace("-", "").replace("_", "").replace(" ", "")


def _named(p: _Property, write: Write, resource_type: str) -> bool:
    """Whether the operation's name speaks of the property."""
    op = write.operation
    parts = parts_of(op, resource_type)
    whole = parts | op.words - op.rest
    for words in p.words:
        common = words & whole
        if not common or len(common) < 0.6 * len(words):
            continue
        if parts and len(parts & words) < 0.5 * len(parts):
            continue
        return True
    return False


def _leads(p: _Property, write: Write, resource_type: str) -> bool:
    """Whether the operation leads to this state: StopInstances, `stopped`."""
    states = LEADS_TO.get(write.operation.first)
    if states is None or p.last not in _STATES or not is_kind(write.operation, resource_type):
        return False
    return any(_state(t) in states for t in p.added)


def _under_key(p: _Property, write: Write, resource_type: str) -> bool:
    """Whether the request names the property, whatever value it gives it."""
    own = [property_words(p.last, resource_type)] if p.last else []
    for key, value in write.request:
        if key.lower() == p.last or (value == p.last and len(value) >= 4):
            return True
        words = property_words(key, resource_type)
        if words and words in own:
            return True
    return False


def _texts(value: Any) -> Iterator[str]:
    for _, text in _leaves(value):
        yield text


def _leaves(value: Any) -> Iterator[tuple[str, str]]:
    """(key, text) of each value of open shape, at most _MOST_LEAVES; the key is the nearest that says something."""
    waiting: list[tuple[str, Any]] = [("", value)]
    count = 0
    while waiting and count < _MOST_LEAVES:
        key, v = waiting.pop()
        v = decoded(v)
        if isinstance(v, dict):
            for k, w in v.items():
                waiting.append((key if k.lower() in _WRAPPERS and key else k, w))
        elif isinstance(v, list):
            waiting.extend((key, w) for w in v)
        elif v is not None and v != "":
            count += 1
            yield key, str(v).lower() if isinstance(v, bool) else str(v)


_WRAPPERS: Final = frozenset({"value", "items", "item", "content", "member"})
