"""What a CloudTrail event names: one definition, over columns, for index, footprints and trace.

`named(columns)` gives a row for each thing that an event names; `entity_lists` the hashes for the
column `entities`. Rules for open shapes (request and response): a text value counts by its key
(`…Arn`, `…Id`, `…Name`, `accessKeyId`, `userName` …) or by its form (an ARN, `i-0abc…`, `eni-…`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.entities import KINDS, ROLES, entity_hash
from ashiato.formats.tables.cloudtrail import CLOUDTRAIL

KIND = {kind: i for i, kind in enumerate(KINDS)}
ROLE = {role: i for i, role in enumerate(ROLES)}
NAMED = pa.schema([("row", pa.int32()), ("kind", pa.int8()), ("role", pa.int8()), ("value", pa.string())])
MAX_VALUE = 1024
#: Keys of requests and responses whose values name nothing that lasts.
_NOISE = re.compile(
    r"(?i)(request|token|clienttoken|correlation|event|trace|next|marker|query|command|invocation|execution"
    r"|reservation|operation|display|attribute|metric|parameter|header|host|file|path|type|protocol|policyversion"
    r"|version|upload|change|availabilityzone|region)(id|name)$|^(x-amz-id-2|name|id)$"
)
_ID_FORM = r"^(i|eni|sg|vpc|subnet|vol|ami|snap|rtb|igw|nat|eipalloc|eipassoc|acl|lt|tgw|vpce|fl|pcx|key|asg)-[0-9a-f]{8,36}$"


def _kind_of_key(key: str) -> tuple[int, int] | None:
    """(kind, role) of text under `key` in a request or response, or None."""
    lower = key.lower()
    if lower.endswith(("arn", "arns")):
        return KIND["arn"], ROLE["target"]
    if lower in ("accesskeyid",):
        return KIND["access_key"], ROLE["target"]
    if lower in ("username", "targetusername", "masterusername"):
        return KIND["user"], ROLE["target"]
    if lower in ("accountid", "ownerid", "targetaccountid", "targetid") or lower.endswith("accountid"):
        return KIND["account"], ROLE["target"]
    if lower in ("privateipaddress", "publicip", "publicipaddress", "ipaddress", "cidrip", "sourceip"):
        return KIND["address"], ROLE["peer"]
    if lower == "rolesessionname":
        return KIND["session"], ROLE["target"]
    if lower == "sourceidentity":
        return KIND["source_identity"], ROLE["target"]
    if lower == "instanceid":
        return KIND["instance"], ROLE["target"]
    if lower == "networkinterfaceid":
        return KIND["interface"], ROLE["target"]
    if lower.endswith(("id", "name", "identifier", "bucket", "ids", "names")) and not _NOISE.search(key):
        return KIND["resource"], ROLE["target"]
    return None


def _part(rows: pa.Array, kinds: pa.Array | int, roles: pa.Array | int, values: pa.Array) -> pa.Table:
    n = len(rows)
    as_column = lambda v: pa.repeat(pa.scalar(v, pa.int8()), n) if isinstance(v, int) else v  # noqa: E731
    return pa.table([rows.cast(pa.int32()), as_column(kinds), as_column(roles), values], schema=NAMED)


def _whole(values: pa.Array, kind: str, role: str) -> pa.Table:
    """A column in which each text is one entity."""
    valid = pc.and_(pc.is_valid(values), pc.less_equal(pc.binary_length(values), MAX_VALUE))
    rows = pc.indices_nonzero(pc.fill_null(valid, False))
    return _part(rows, KIND[kind], ROLE[role], values.take(rows))


def _open_shape(text: pa.Array) -> pa.Table:
    """Entities in JSON text, by key and by form.

    Compact JSON split at its quotation marks: a part that is followed by the part `:` is a key, and the
    part after that its text value. A quotation mark inside text is written \\", so that it cannot make a
    part that is exactly `:`, and log content cannot forge a key.
    """
    split = pc.split_pattern(text, '"')
    parts = split.flatten()
    n = len(parts)
    if n < 4:
        return NAMED.empty_table()
    row_of = pc.list_parent_indices(split)
    after_key = pc.equal(parts.slice(1, n - 2), ":")
    at = pc.indices_nonzero(after_key)
    same_row = pc.equal(row_of.take(at), row_of.take(pc.add(at, 2)))
    at = at.filter(same_row)
    keys = parts.take(at).dictionary_encode()
    meaning = [_kind_of_key(k) for k in keys.dictionary.to_pylist()]
    value_at = pc.add(at, 2)
    kinds = pa.array([m[0] if m else None for m in meaning], pa.int8()).take(keys.indices)
    roles = pa.array([m[1] if m else None for m in meaning], pa.int8()).take(keys.indices)
    wanted = pc.is_valid(kinds)
    value_at, kinds, roles = value_at.filter(wanted), kinds.filter(wanted), roles.filter(wanted)
    by_key = _bounded(_part(row_of.take(value_at), kinds, roles, parts.take(value_at)))
    return pa.concat_tables([by_key, *_by_form(parts, row_of)])


def _bounded(found: pa.Table) -> pa.Table:
    length = pc.binary_length(found["value"])
    return found.filter(pc.and_(pc.greater(length, 0), pc.less_equal(length, MAX_VALUE)))


def _by_form(parts: pa.Array, row_of: pa.Array) -> list[pa.Table]:
    """Text that shows by itself what it is: ARNs and resource ids, in lists too."""
    length = pc.binary_length(parts)
    arn_at = pc.indices_nonzero(pc.and_(pc.starts_with(parts, "arn:"), pc.less_equal(length, MAX_VALUE)))
    arns = _part(row_of.take(arn_at), KIND["arn"], ROLE["target"], parts.take(arn_at))
    maybe = pc.indices_nonzero(
        pc.and_(pc.and_(pc.greater_equal(length, 10), pc.less_equal(length, 45)), pc.match_substring(parts, "-"))
    )
    texts = parts.take(maybe).dictionary_encode()
    fits = pc.match_substring_regex(texts.dictionary, _ID_FORM)
    hit = fits.take(texts.indices)
    id_at = maybe.filter(hit)
    ids = parts.take(id_at)
    kinds = pc.if_else(
        pc.starts_with(ids, "i-"),
        pa.scalar(KIND["instance"], pa.int8()),
        pc.if_else(
            pc.starts_with(ids, "eni-"),
            pa.scalar(KIND["interface"], pa.int8()),
            pa.scalar(KIND["resource"], pa.int8()),
        ),
    )
    return [arns, _part(row_of.take(id_at), kinds, ROLE["target"], ids)]


def _session_names(identity: pa.StructArray) -> pa.Array:
    """The role session name: what follows the colon of an assumed role's principalId."""
    principal = identity.field("principalId")
    assumed = pc.fill_null(pc.equal(identity.field("type"), "AssumedRole"), False)
    has_colon = pc.fill_null(pc.match_substring(principal, ":"), False)
    names = pc.replace_substring_regex(principal, "^[^:]*:", "")
    return pc.if_else(pc.and_(assumed, has_colon), names, pa.scalar(None, pa.string()))


def named(columns: Mapping[str, pa.Array]) -> pa.Table:
    """(row, kind, role, value) of everything that the events name; kinds and roles index KINDS and ROLES."""
    identity = columns["userIdentity"]
    flat = {f.name: a for f, a in zip(identity.type, identity.flatten(), strict=True)}
    context = flat["sessionContext"]
    context_parts = {f.name: a for f, a in zip(context.type, context.flatten(), strict=True)}
    issuer = context_parts["sessionIssuer"]
    issuer_parts = {f.name: a for f, a in zip(issuer.type, issuer.flatten(), strict=True)}
    behalf = flat["onBehalfOf"]
    behalf_parts = {f.name: a for f, a in zip(behalf.type, behalf.flatten(), strict=True)}
    resources = columns["resources"]
    resource_rows = pc.list_parent_indices(resources)
    arns = resources.flatten().field("ARN") if len(resource_rows) else pa.array([], pa.string())
    arn_valid = pc.fill_null(pc.less_equal(pc.binary_length(arns), MAX_VALUE), False)
    return pa.concat_tables(
        [
            _whole(pc.coalesce(flat["arn"], flat["principalId"]), "principal", "actor"),
            _whole(issuer_parts["arn"], "issuer", "actor"),
            _whole(_session_names(identity), "session", "actor"),
            _whole(flat["accessKeyId"], "access_key", "actor"),
            _whole(pc.coalesce(flat["userName"], issuer_parts["userName"]), "user", "actor"),
            _whole(context_parts["sourceIdentity"], "source_identity", "actor"),
            _whole(behalf_parts["userId"], "user", "actor"),
            _whole(flat["accountId"], "account", "actor"),
            _whole(columns["recipientAccountId"], "account", "target"),
            _whole(columns["sourceIPAddress"], "address", "origin"),
            _whole(columns["vpcEndpointId"], "resource", "origin"),
            _part(
                resource_rows.filter(arn_valid), KIND["arn"], ROLE["target"], arns.filter(arn_valid)
            ),
            _open_shape(columns["requestParameters"]),
            _open_shape(columns["responseElements"]),
            _open_shape(columns["serviceEventDetails"]),
        ]
    )


def hash_lists(found: pa.Table, n: int) -> pa.Array:
    """list<int64> for `n` rows: the distinct hashes of (kind, value), ascending within a row."""
    rows: list[pa.Array] = []
    hashed: list[pa.Array] = []
    for kind in pc.unique(found["kind"]).to_pylist():
        of_kind = found.filter(pc.equal(found["kind"], kind)).combine_chunks()
        values = of_kind["value"].combine_chunks().dictionary_encode()
        distinct = [entity_hash(KINDS[kind], value) for value in values.dictionary.to_pylist()]
        rows.append(of_kind["row"].combine_chunks())
        hashed.append(pa.array(distinct, pa.int64()).take(values.indices))
    if not rows:
        return pa.array([[]] * n, pa.list_(pa.int64()))
    pairs = pa.table({"row": pa.concat_arrays(rows), "hash": pa.concat_arrays(hashed)})
    pairs = pairs.group_by(["row", "hash"], use_threads=False).aggregate([])
    pairs = pairs.sort_by([("row", "ascending"), ("hash", "ascending")]).combine_chunks()
    counts = pairs.group_by("row", use_threads=False).aggregate([([], "count_all")]).combine_chunks()
    every = pa.array(range(n), pa.int32())
    mask = pc.is_in(every, counts["row"].combine_chunks())
    per_row = pc.replace_with_mask(
        pa.repeat(pa.scalar(0, pa.int64()), n), mask, counts["count_all"].combine_chunks()
    )
    ends = pc.cumulative_sum(per_row).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(offsets, pairs["hash"].combine_chunks())


def entity_lists(columns: Mapping[str, pa.Array]) -> pa.Array:
    """The column `entities` of these events."""
    return hash_lists(named(columns), len(columns["eventTime"]))


def entities_of(event: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """(kind, value, role) of one event, given as a row of the table."""
    row = pa.Table.from_pylist([dict(event)], schema=CLOUDTRAIL.schema).combine_chunks()
    found = named({name: row[name].combine_chunks() for name in row.column_names})
    triples = zip(found["kind"].to_pylist(), found["value"].to_pylist(), found["role"].to_pylist(), strict=True)
    return list(dict.fromkeys((KINDS[k], v, ROLES[r]) for k, v, r in triples))
