"""What a text stands for in this lake: the thing, its ARN and account, and the keys by which its records are found.

A name that several things have is asked back with the candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.core.errors import WrongUse
from ashiato.core.scope import AccountScope
from ashiato.core.settings import Settings
from ashiato.formats.entities import KINDS, named_in_arn
from ashiato.lake.footprint_counts import KIND, named_in, naming_columns
from ashiato.lake.plans import PinnedLake
from ashiato.trace.keys import Key, Window, footprints, of_keys
from ashiato.trace.reading import Asked, newest
from ashiato.trace.recognising import Pasted
from ashiato.words.names import short_arn
from ashiato.words.texts import shown

#: Rows that a name's bearers are looked for in: of each log, the newest.
_SAMPLE: Final = 300
_MOST_CANDIDATES: Final = 50
_OF_ITEM: Final = ("ARN", "resourceId", "resourceName", "resourceType")
#: What may be pasted by name. Anything else shows by its form what it is.
_NAMED: Final = ("user", "resource", "session", "source_identity", "principal", "address", "arn", "issuer")
_ARN: Final = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|aws|):(.+)", re.DOTALL)
#: How an ARN ends whose thing is part of another: the function of a version, the bucket of an object.
_PART_OF: Final = {
    "s3": re.compile(r"[^/]+"),
    "lambda": re.compile(r"(?:function|layer):[^:]+"),
    "dynamodb": re.compile(r"table/[^/]+"),
    "logs": re.compile(r"log-group:[^:]+"),
    "sns": re.compile(r"[^:]+"),
}
_TYPES: Final = {
    ("iam", "user"): "AWS::IAM::User", ("iam", "role"): "AWS::IAM::Role", ("iam", "group"): "AWS::IAM::Group",
    ("iam", "policy"): "AWS::IAM::Policy", ("iam", "instance-profile"): "AWS::IAM::InstanceProfile",
    ("lambda", "function"): "AWS::Lambda::Function", ("kms", "key"): "AWS::KMS::Key",
    ("secretsmanager", "secret"): "AWS::SecretsManager::Secret", ("dynamodb", "table"): "AWS::DynamoDB::Table",
    ("cloudtrail", "trail"): "AWS::CloudTrail::Trail", ("rds", "db"): "AWS::RDS::DBInstance",
    ("rds", "cluster"): "AWS::RDS::DBCluster", ("rds", "snapshot"): "AWS::RDS::DBSnapshot",
    ("sqs", ""): "AWS::SQS::Queue", ("sns", ""): "AWS::SNS::Topic", ("s3", ""): "AWS::S3::Bucket",
    ("logs", "log-group"): "AWS::Logs::LogGroup", ("cloudformation", "stack"): "AWS::CloudFormation::Stack",
    ("sts", "assumed-role"): "AWS::STS::AssumedRole",
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """`kind`: one of formats.entities.KINDS; `value`: as records have it; `type`: AWS's resource type, where known."""

    kind: str
    value: str
    keys: tuple[Key, ...]
    name: str | None = None
    arn: str | None = None
    account: str | None = None
    type: str | None = None

    @property
    def is_role(self) -> bool:
        return self.type == "AWS::IAM::Role"

    @property
    def is_user(self) -> bool:
        return self.type == "AWS::IAM::User" or self.kind == "user"

    @property
    def is_host(self) -> bool:
        return self.kind in ("instance", "interface")


@dataclass(frozen=True)
class Candidate:
    """One of the things that a name stands for. `say`: how to name this one."""

    kind: str
    value: str
    name: str
    account: str | None
    type: str | None
    records: int
    first: datetime | None
    last: datetime | None
    say: str

    def as_json(self) -> dict[str, Any]:
        return {n: getattr(self, n) for n in self.__dataclass_fields__}


class Ambiguous(WrongUse):
    """A name of several things; `candidates` says which, and how to name each."""

    def __init__(self, name: str, candidates: Sequence[Candidate]) -> None:
        listed = "; ".join(c.say for c in candidates[:10])
        super().__init__(
            f"{name} is the name of {len(candidates)} things", remedy=f"Say which one: {listed}."
        )
        self.name = name
        self.candidates = tuple(candidates)

    def as_json(self) -> dict[str, Any]:
        """`{"ambiguous", "remedy", "candidates"}`."""
        listed = [c.as_json() for c in self.candidates]
        return {"ambiguous": shown(self.name, 1100), "remedy": self.remedy, "candidates": listed}


def resolve(
    lake: PinnedLake,
    pasted: Pasted,
    scope: AccountScope,
    settings: Settings,
    *,
    kind: str | None = None,
) -> tuple[Subject, pa.Table]:
    """The subject and its footprints. `kind`, and an account alone in `scope`, say which, where a name is ambiguous.

    Raises Ambiguous where they are needed, WrongUse for a kind that there is none of.
    """
    if kind is not None and kind not in KINDS:
        raise WrongUse(f"there is no kind {kind}", where="--kind", remedy=f"Kinds: {', '.join(KINDS)}.")
    if pasted.form == "arn":
        subject = of_arn(pasted.value)
        return subject, footprints(lake, subject.keys, scope, Window())
    if pasted.form in ("access_key", "address", "account", "instance", "interface"):
        subject = Subject(pasted.form, pasted.value, (Key(pasted.form, pasted.value),))
        if pasted.form == "account":
            names = {a.id: a.name for a in settings.accounts if scope.allows(a.id)}
            subject = replace(subject, name=names.get(pasted.value), account=pasted.value)
        return subject, footprints(lake, subject.keys, scope, Window())
    return _of_name(lake, pasted.value, scope, settings, kind)


def of_arn(arn: str) -> Subject:
    """The subject of an ARN: it is found by the ARN and by the name that requests call it by."""
    service, account, last = _parts(arn)
    keys = [Key("arn", arn)]
    named = named_in_arn(arn)
    kind, name = (named[0][0], named[0][2]) if named else ("arn", short_arn(arn)[0])
    type_ = _TYPES.get((service, re.split(r"[:/]", last)[0] if re.search(r"[:/]", last) else ""))
    if service == "ec2" and kind in ("instance", "interface"):
        return Subject(kind, name, (Key(kind, name), *keys), name=name, arn=arn, account=account)
    if service == "iam" and last.startswith("role/"):
        keys += [Key("issuer", arn), Key("principal", arn), Key("resource", name, account)]
    elif service == "iam" and (last.startswith("user/") or last == "root"):
        keys += [Key("principal", arn)]
        keys += [Key("user", name, account)] if named else []
    elif service == "sts":
        return Subject(
            "principal", arn, (*keys, Key("principal", arn)), name=short_arn(arn)[0], arn=arn, account=account,
            type=type_,
        )  # fmt: skip
    elif service == "s3" and "/" in last:
        # An object: its bucket is another thing.
        return Subject("arn", arn, tuple(keys), name=short_arn(arn)[0], arn=arn, type="AWS::S3::Object")
    elif named:
        keys.append(Key(kind, name, account or None))
    shown = "user" if kind == "user" else "arn"
    return Subject(shown, name if shown == "user" else arn, tuple(keys), name, arn, account or None, type_)


def _parts(arn: str) -> tuple[str, str, str]:
    match = _ARN.fullmatch(arn)
    return ("", "", "") if match is None else (match[2], "" if match[4] == "aws" else match[4], match[5])


def _whole(arn: str) -> str:
    """The ARN of the thing that an ARN is part of."""
    match = _ARN.fullmatch(arn)
    if match is None:
        return arn
    head = _PART_OF.get(match[2])
    inner = head.match(match[5]) if head else None
    return arn if inner is None else arn[: match.start(5)] + inner[0]


def _of_name(
    lake: PinnedLake, name: str, scope: AccountScope, settings: Settings, kind: str | None
) -> tuple[Subject, pa.Table]:
    named = next((a.id for a in settings.accounts if a.name == name and scope.allows(a.id)), None)
    kinds = [kind] if kind else [k for k in KINDS if k != "event"]
    keys = [Key(k, name) for k in kinds]
    found = footprints(lake, keys, scope, Window())
    if not found.num_rows and named is not None:
        subject = Subject("account", named, (Key("account", named),), name=name, account=named)
        return subject, footprints(lake, subject.keys, scope, Window())
    present = [k for k in kinds if k in set(found["kind"].to_pylist())]
    # What no record names need not be looked for.
    asked = Asked(lake, [k for k in keys if k.kind in present], scope, Window())
    arns = _arns(asked, found, name)
    candidates = _candidates(found, name, arns)
    if len(candidates) > 1:
        raise Ambiguous(name, candidates[:_MOST_CANDIDATES])
    if candidates and candidates[0].kind == "arn":
        subject = of_arn(candidates[0].value)
        more = [k for k in subject.keys if k.value != name]
        if more:
            found = pa.concat_tables([found, footprints(lake, more, scope, Window())])
        return replace(subject, name=name), of_keys(found, subject.keys)
    shown = next((k for k in (*_NAMED, *KINDS) if k in present), "resource")
    aliases = _same_person(asked, found, name) if {"session", "user"} & set(present) else ()
    keys = [*(k for k in keys if k.kind in present), *aliases] or keys
    if aliases:
        found = pa.concat_tables([found, footprints(lake, aliases, scope, Window())])
    accounts = set(found["account"].to_pylist())
    return (
        Subject(shown, name, tuple(keys), name=name, account=accounts.pop() if len(accounts) == 1 else None),
        of_keys(found, keys),
    )


def _sample(asked: Asked, found: pa.Table, table: str, columns: Sequence[str]) -> pa.Table:
    return newest(asked, table, found, _SAMPLE, columns=columns)


def _arns(asked: Asked, found: pa.Table, name: str) -> dict[str, str | None]:
    """ARNs of things of that name, each with its type where an item says it."""
    arns: dict[str, str | None] = {}
    of_things = found.filter(pc.is_in(found["kind"], pa.array(["user", "resource", "instance", "interface"])))
    for account in sorted({a for a in of_things["account"].to_pylist() if a}):
        own = of_things.filter(pc.equal(of_things["account"], account))
        where = Asked(asked.lake, asked.keys, asked.scope & AccountScope.of([account]), asked.window)
        items = _sample(where, own.filter(pc.equal(own["role"], "target")), "config_items", _OF_ITEM)
        for row in items.to_pylist():
            if row["ARN"] and name in (row["resourceId"], row["resourceName"]):
                arns[_whole(row["ARN"])] = row["resourceType"]
        rows = _sample(where, own, "cloudtrail", naming_columns("cloudtrail"))
        if not rows.num_rows:
            continue
        for value in _values(rows, ("arn", "issuer", "principal")):
            if any(thing[2] == name for thing in named_in_arn(value)):
                arns.setdefault(_whole(value), None)
    sessions = [a for a in arns if _parts(a)[0] == "sts"]
    for arn in sessions:
        # A session's ARN names its role without the role's path.
        account = _parts(arn)[1]
        del arns[arn]
        if not any(_parts(a)[:2] == ("iam", account) for a in arns):
            arns[f"arn:{arn.split(':')[1]}:iam::{account}:role/{name}"] = "AWS::IAM::Role"
    profiles = [a for a in arns if ":instance-profile/" in a]
    for arn in profiles:
        if any(_parts(a)[:2] == _parts(arn)[:2] and ":role/" in a for a in arns):
            # The console gives an instance profile the name of its role.
            del arns[arn]
    return arns


def _values(rows: pa.Table, kinds: Iterable[str]) -> list[str]:
    """Distinct values of some kinds that events name."""
    wanted = pa.array([KIND[k] for k in kinds], pa.int8())
    values: dict[str, None] = {}
    for batch in rows.combine_chunks().to_batches():
        named = named_in("cloudtrail", batch)
        values |= dict.fromkeys(named.filter(pc.is_in(named["kind"], wanted))["value"].to_pylist())
    return list(values)


def _candidates(found: pa.Table, name: str, arns: Mapping[str, str | None]) -> list[Candidate]:
    """The things of that name; nothing where no record tells what they are."""
    made = []
    for arn, type_ in arns.items():
        subject = of_arn(arn)
        own = of_keys(found, [k for k in subject.keys if k.value == name])
        made.append(
            Candidate(
                "arn", arn, name, subject.account, type_ or subject.type,
                pc.sum(own["count"]).as_py() or 0, pc.min(own["first"]).as_py(), pc.max(own["last"]).as_py(),
                arn,
            )
        )  # fmt: skip
    return sorted(made, key=lambda c: (-c.records, c.value))


def _same_person(asked: Asked, found: pa.Table, name: str) -> tuple[Key, ...]:
    """Ids of the Identity Center user whose sessions have this name, or the name of the user with this id."""
    rows = _sample(asked, found, "cloudtrail", ["userIdentity"])
    aliases: dict[Key, None] = {}
    if not rows.num_rows:
        return ()
    for identity in rows["userIdentity"].to_pylist():
        user_id = ((identity or {}).get("onBehalfOf") or {}).get("userId")
        session = ((identity or {}).get("principalId") or "").partition(":")[2]
        if not user_id or user_id == name == session:
            continue
        if session == name or identity.get("userName") == name:
            aliases[Key("user", user_id)] = None
        elif user_id == name and session:
            aliases[Key("session", session)] = None
    return tuple(list(aliases)[:20])
