"""What a CloudTrail event names: one definition, over columns, for index, footprints and trace.

`named(columns)` gives a row for each thing that an event names; `entity_lists` the hashes for the column
`entities`; `entities_of` the same of one event. The identity and the address are who and whence;
requests, responses and details are read by `open_entities`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.entities import (
    KINDS,
    MAX_VALUE,
    ROLES,
    Role,
    Thing,
    bounded,
    entity_hash,
    named_in_arn,
    offsets_of,
)
from ashiato.formats.open_entities import Parts, found_in
from ashiato.formats.tables.cloudtrail import CLOUDTRAIL

KIND = {kind: i for i, kind in enumerate(KINDS)}
ROLE = {role: i for i, role in enumerate(ROLES)}
NAMED = pa.schema([("row", pa.int32()), ("kind", pa.int8()), ("role", pa.int8()), ("value", pa.string())])
#: Columns of open shape that name things, besides additionalEventData.
OPEN = (
    "requestParameters", "responseElements", "serviceEventDetails", "insightDetails", "edgeDeviceDetails",
    "eventContext", "summary",
)  # fmt: skip
#: Every column that names something.
COLUMNS = (
    "userIdentity", "recipientAccountId", "sourceIPAddress", "vpcEndpointId", "vpcEndpointAccountId", "resources",
    "errorMessage", "additionalEventData", *OPEN,
)  # fmt: skip
#: additionalEventData is mostly figures of S3; it names something only where one of these stands in it.
_NAMING_DATA = r'"arn:|serName":|[iI]d":"(?:vpce|i|eni)-'
#: `… not authorized to perform: iam:PassRole on resource: arn:…`: the target, where the request is left out.
_DENIED = re.compile(r"on resource: (arn:[^\s,;\"']+?)[.,;]?(?:\s|$)")

Meaning = Callable[[str], tuple[Thing, ...]]


def _is(kind: str, role: Role) -> Meaning:
    return lambda value: ((kind, role, value),) if value and len(value) <= MAX_VALUE else ()


@lru_cache(maxsize=1 << 15)
def _origin(value: str) -> tuple[Thing, ...]:
    """sourceIPAddress: an address, or a service's DNS name; `AWS Internal` is no place."""
    try:
        return (("address", "origin", str(ip_address(value))),)
    except ValueError:
        return _is("address", "origin")(value) if value and " " not in value else ()


@lru_cache(maxsize=1 << 15)
def _session(principal: str) -> tuple[Thing, ...]:
    """The role session name: what follows the colon of an assumed role's principalId."""
    name = principal.partition(":")[2]
    return (
        (*_is("session", "actor")(name), ("instance", "actor", name))
        if _INSTANCE.fullmatch(name)
        else (_is("session", "actor")(name))
    )


_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")


@lru_cache(maxsize=1 << 16)
def _resource(arn: str) -> tuple[Thing, ...]:
    if len(arn) > MAX_VALUE or not arn:
        return ()
    return (("arn", "target", arn), *named_in_arn(arn))


@lru_cache(maxsize=1 << 15)
def _actor_arn(arn: str) -> tuple[Thing, ...]:
    return _is("arn", "actor")(arn) if arn.startswith("arn:") else ()


@lru_cache(maxsize=1 << 15)
def _denied(message: str) -> tuple[Thing, ...]:
    match = _DENIED.search(message)
    return _resource(match[1]) if match and "*" not in match[1] else ()


def _fields(array: pa.StructArray) -> dict[str, pa.Array]:
    return {f.name: a for f, a in zip(array.type, array.flatten(), strict=True)}


def _only_where(mask: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(mask, False), values, pa.scalar(None, pa.string()))


def _texts(values: pa.Array, meaning: Meaning, rows: pa.Array | None = None) -> Iterator[Parts]:
    """A column in which each text means something by itself; each distinct text is looked at once."""
    if values.null_count == len(values):
        return
    encoded = values.dictionary_encode()
    valid = pc.is_valid(encoded.indices)
    places = pc.indices_nonzero(valid).cast(pa.int32()) if rows is None else rows.filter(valid)
    things = [meaning(value) for value in bounded(encoded.dictionary)]
    if any(things):
        yield Parts(places, encoded.indices.drop_null(), things)


def _who(identities: pa.StructArray) -> Iterator[Parts]:
    """What identities name."""
    identity = _fields(identities)
    context = _fields(identity["sessionContext"])
    issuer = _fields(context["sessionIssuer"])
    yield from _texts(pc.coalesce(identity["arn"], identity["principalId"]), _is("principal", "actor"))
    yield from _texts(issuer["arn"], _is("issuer", "actor"))
    assumed = pc.equal(identity["type"], "AssumedRole")
    yield from _texts(_only_where(assumed, identity["principalId"]), _session)
    yield from _texts(identity["accessKeyId"], _is("access_key", "actor"))
    yield from _texts(identity["userName"], _is("user", "actor"))
    of_role = pc.equal(issuer["type"], "Role")
    yield from _texts(_only_where(of_role, issuer["userName"]), _is("resource", "actor"))
    yield from _texts(_only_where(pc.invert(of_role), issuer["userName"]), _is("user", "actor"))
    yield from _texts(context["sourceIdentity"], _is("source_identity", "actor"))
    yield from _texts(_fields(identity["onBehalfOf"])["userId"], _is("user", "actor"))
    yield from _texts(_fields(identity["inScopeOf"])["sourceArn"], _actor_arn)
    yield from _texts(identity["accountId"], _is("account", "actor"))
    yield from _texts(_fields(identity["invokedByDelegate"])["accountId"], _is("account", "actor"))


def _rest(columns: Mapping[str, pa.Array]) -> Iterator[Parts]:
    """What events name besides their identity."""
    yield from _texts(columns["recipientAccountId"], _is("account", "target"))
    yield from _texts(columns["sourceIPAddress"], _origin)
    yield from _texts(columns["vpcEndpointId"], _is("resource", "origin"))
    yield from _texts(columns["vpcEndpointAccountId"], _is("account", "origin"))
    resources = columns["resources"]
    if resources.null_count < len(resources):
        rows = pc.list_parent_indices(resources).cast(pa.int32())
        of_resource = _fields(resources.flatten())
        yield from _texts(of_resource["ARN"], _resource, rows)
        yield from _texts(of_resource["accountId"], _is("account", "target"), rows)
    yield from _texts(columns["errorMessage"], _denied)
    texts, rows_of = [], []
    for name in OPEN:
        values = columns[name]
        if values.null_count < len(values):
            texts.append(values.drop_null())
            rows_of.append(pc.indices_nonzero(pc.is_valid(values)).cast(pa.int32()))
    more = columns["additionalEventData"]
    if more.null_count < len(more):
        at = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(more, _NAMING_DATA), False))
        texts.append(more.take(at))
        rows_of.append(at.cast(pa.int32()))
    if texts:
        yield from found_in(pa.concat_arrays(texts), pa.concat_arrays(rows_of))


def named(columns: Mapping[str, pa.Array]) -> pa.Table:
    """(row, kind, role, value) of everything that the events name; kinds and roles index KINDS and ROLES.

    `columns` are those of the table, as arrays. A thing may come more than once.
    """
    tables = []
    for part in chain(_who(columns["userIdentity"]), _rest(columns)):
        each = pa.array(
            [[(KIND[kind], ROLE[role], value) for kind, role, value in things] for things in part.things],
            pa.list_(pa.struct(list(NAMED)[1:])),
        )
        spread = each.take(part.codes)
        rows = part.rows.take(pc.list_parent_indices(spread))
        tables.append(pa.Table.from_arrays([rows, *spread.flatten().flatten()], schema=NAMED))
    return pa.concat_tables(tables) if tables else NAMED.empty_table()


def entity_lists(columns: Mapping[str, pa.Array], identities: tuple[pa.Array, pa.Array]) -> pa.Array:
    """The column `entities`: list<int64>, the distinct hashes of (kind, value) of each event.

    `identities`: the distinct identities, and each event's number among them.
    """
    numbers: dict[int, int] = {}
    who = _distinct(_who(identities[0]), len(identities[0]), numbers).take(identities[1])
    own = (pc.list_parent_indices(who), who.flatten())
    found = _distinct(_rest(columns), len(identities[1]), numbers, own)
    hashes = pa.array(list(numbers), pa.int64())
    return pa.ListArray.from_arrays(found.offsets, hashes.take(found.values))


def _distinct(
    parts: Iterator[Parts], n: int, numbers: dict[int, int], first: tuple[pa.Array, pa.Array] | None = None
) -> pa.ListArray:
    """For each of `n` rows the distinct numbers of what it names; `numbers` gives each hash its number.

    A number stands in for a hash, so that (row, thing) is one integer. `first` are (row, number) pairs.
    """
    keys = [] if first is None else [_key(*first)]
    for part in parts:
        lists = [
            [numbers.setdefault(entity_hash(kind, value), len(numbers)) for kind, _, value in things]
            for things in part.things
        ]
        if all(len(list_) == 1 for list_ in lists):
            keys.append(_key(part.rows, pa.array([list_[0] for list_ in lists], pa.int64()).take(part.codes)))
        else:
            spread = pa.array(lists, pa.list_(pa.int64())).take(part.codes)
            keys.append(_key(part.rows.take(pc.list_parent_indices(spread)), spread.flatten()))
    found = pc.unique(pa.concat_arrays(keys)) if keys else pa.array([], pa.int64())
    rows = pc.shift_right(found, 32).cast(pa.int32())
    things = pc.bit_wise_and(found, 0xFFFFFFFF).take(pc.sort_indices(rows))
    return pa.ListArray.from_arrays(offsets_of(rows, n), things)


def _key(rows: pa.Array, things: pa.Array) -> pa.Array:
    return pc.bit_wise_or(pc.shift_left(rows.cast(pa.int64()), 32), things)


def entities_of(event: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """(kind, value, role) of one event, given as a row of the table."""
    row = pa.Table.from_pylist([dict(event)], schema=CLOUDTRAIL.schema).combine_chunks()
    found = named({name: row[name].combine_chunks() for name in row.column_names})
    things = zip(*(found[c].to_pylist() for c in ("kind", "value", "role")), strict=True)
    return list(dict.fromkeys((KINDS[k], v, ROLES[r]) for k, v, r in things))
