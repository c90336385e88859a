"""How a value of a column is shown: as a time, an account, an entity, a figure or text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ashiato.core.printing import cell
from ashiato.search import fields

_ACCOUNTS = frozenset(
    ("recipientAccountId", "awsAccountId", "account_id", "userIdentity.accountId", "resources.accountId")
)
#: Columns whose values are entities, and of which kind.
_ENTITIES = {
    "principal": "principal",
    "userIdentity.arn": "principal",
    "userIdentity.userName": "user",
    "userIdentity.accessKeyId": "access_key",
    "userIdentity.sessionContext.sessionIssuer.arn": "issuer",
    "userIdentity.sessionContext.sourceIdentity": "source_identity",
    "sourceIPAddress": "address",
    "srcaddr": "address",
    "dstaddr": "address",
    "pkt_srcaddr": "address",
    "pkt_dstaddr": "address",
    "resources.ARN": "resource",
    "ARN": "resource",
    "resourceId": "resource",
    "resourceName": "resource",
    "interface_id": "interface",
    "instance_id": "instance",
}
#: Numbers that are names.
_PLAIN_NUMBERS = frozenset(("srcport", "dstport", "protocol", "tcp_flags", "version", "traffic_path"))
_ELEMENTS = 5


@dataclass(frozen=True)
class Column:
    """A shown column. `kind`: time, account, entity, figure or text; `entity`: its kind of entity."""

    key: str
    kind: str
    entity: str = ""

    @property
    def label(self) -> str:
        return self.key

    @property
    def sort(self) -> bool:
        return False

    @property
    def figure(self) -> bool:
        return self.kind == "figure"


def columns(table: str, names: tuple[str, ...]) -> list[Column]:
    """The columns of these names."""
    return [_column(table, name) for name in names]


def _column(table: str, name: str) -> Column:
    field = fields.find(table, name)
    if name in _ACCOUNTS:
        return Column(name, "account")
    if name in _ENTITIES:
        return Column(name, "entity", _ENTITIES[name])
    if field is not None and field.kind == "time" and not field.listed:
        return Column(name, "time")
    number = field is not None and field.kind == "number" and not field.listed
    return Column(name, "figure" if number and name not in _PLAIN_NUMBERS else "text")


def short(value: str) -> str:
    """A principal without what every other has too: the user, or the role and its session.

    >>> short("arn:aws:sts::111111111111:assumed-role/web/i-0a1"), short("arn:aws:iam::111111111111:user/ops/alice")
    ('web/i-0a1', 'alice')
    >>> short("arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Admin_0a1/alice@example.com")
    'alice@example.com'
    """
    if not value.startswith("arn:"):
        return value
    kind, _, name = value.split(":", 5)[-1].partition("/")
    if kind == "assumed-role":
        role, _, session = name.partition("/")
        return session if role.startswith("AWSReservedSSO_") and session else name
    return name.rpartition("/")[2] or value


def elements(value: Any) -> tuple[list[Any], int]:
    """The values of a cell that are shown, and how many are not."""
    found = value if isinstance(value, list) else [value]
    found = [v for v in found if v is not None]
    return found[:_ELEMENTS], max(0, len(found) - _ELEMENTS)


def text(value: Any) -> str:
    """A value as text."""
    return cell(value)


def told(key: str, value: str) -> str:
    """A value as people call it: principals short, services without the domain that all of them have."""
    if key in _ENTITIES and _ENTITIES[key] in ("principal", "issuer"):
        return short(value)
    return value.removesuffix(".amazonaws.com") if key == "eventSource" else value
