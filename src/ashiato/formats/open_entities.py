"""What JSON of AWS's open shapes names: requests, responses, details of a service event.

A text counts by its key (`userName`, `…Id`, `…Name`, `bucket` …) or by its form (an ARN, `i-0abc…`, an
access key, twelve digits), under any key and in any list. JSON inside text (a policy document) counts by
form. One definition, told twice: `things_in` reads one JSON text; `found_in` many at once, by Arrow.
Both see a JSON text as its parts: structure, string, structure, string … structure.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from ashiato.formats.entities import MAX_VALUE, Role, Thing, bounded, every, named_in_arn, offsets_of
from ashiato.formats.json_strings import scan_string

#: Classes of key: what text under it means.
NAME, USER, ACCESS_KEY, SESSION, SOURCE_IDENTITY, ADDRESS, PEER_ADDRESS, OWN_NAME, FORM = range(9)
#: Elements of a list that count by its key; longer lists count by form only.
MAX_LIST: Final = 64
MAX_NESTED: Final = 3

#: Keys whose values name nothing that lasts: ids of calls and pages, kinds, settings.
_NOISE = re.compile(
    r"(request|token|correlation|event|trace|next|marker|query|command|invocation|execution|reservation"
    r"|operation|display|attribute|metric|parameter|header|host|(?<!pro)file|path|type|protocol|policyversion|version"
    r"|upload|change|availabilityzone|region|revision|platform|computer|agent|device|client|privatedns|cachepolicy"
    r"|targetorigin|fieldlevelencryption|statement|tag|requester|status|dimension|namespace|engine)(id|name)s?$"
    r"|^(x-amz-id-2|id|ids|sid|uid|grid|masterusername)$"
)
_NAMING = ("id", "name", "identifier", "bucket", "ids", "names", "identifiers", "idlist", "namelist", "table")
_ID_FORM = (
    r"^(i|eni|sg|vpc|subnet|vol|ami|snap|rtb|igw|nat|eigw|vgw|eipalloc|eipassoc|acl|lt|tgw|tgw-attach|vpce|fl|pcx"
    r"|dopt|key|pl|sgr|fs|fsap|cgw|vpn|mi|rtbassoc|aclassoc|eni-attach|asg)-[0-9a-f]{8,36}$"
)
_ID = re.compile(_ID_FORM)
_ACCESS_KEY = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_FORM = rf"{_ID_FORM}|^A[KS]IA[A-Z0-9]{{12,124}}$|^[0-9]{{12}}$"
#: What AWS writes in place of a value: no name.
_HIDDEN = frozenset({"HIDDEN_DUE_TO_SECURITY_REASONS", "***", "****", "<sensitiveDataRemoved>", "unknown"})
_NO_HOST = frozenset({"0.0.0.0", "::", "255.255.255.255"})  # noqa: S104 - compared, not bound
#: `{"name":"vpc-id","values":[…]}` is a filter, `{"code":16,"name":"running"}` a state.
_VALUES = frozenset({"values", "valueset"})
_NO_OWNER = re.compile(r"(state|status|zone|filter)$", re.IGNORECASE)
_SCALAR = re.compile(r":[^\[\]{},]+,")


class Parts(NamedTuple):
    """Found things: row and code of each; `things[code]` is what one text means."""

    rows: pa.Array
    codes: pa.Array
    things: list[tuple[Thing, ...]]


@lru_cache(maxsize=1 << 14)
def class_of_key(key: str) -> int | None:
    """The class of text under `key`; None where the text counts by form only.

    >>> class_of_key("roleName") == class_of_key("instanceProfileName") == NAME, class_of_key("requestId")
    (True, None)
    """
    lower = key.lower()
    if lower == "name":
        return OWN_NAME
    if lower in ("accesskeyid", "accesskeyids"):
        return ACCESS_KEY
    if lower in ("username", "usernames", "userid", "userids"):
        return USER
    if lower == "rolesessionname":
        return SESSION
    if lower == "sourceidentity":
        return SOURCE_IDENTITY
    if "cidr" in lower or lower in ("sourceip", "aws:sourceip"):
        return PEER_ADDRESS
    if lower.endswith(("ipaddress", "ipaddresses", "publicip", "publicips", "privateip", "ipv6address")):
        return ADDRESS
    if lower.endswith(_NAMING) and not _NOISE.search(lower):
        return NAME
    return None


@lru_cache(maxsize=1 << 16)
def things_of(kind: int, value: str) -> tuple[Thing, ...]:
    """What a text of this class is.

    >>> things_of(NAME, "i-0123456789abcdef0")
    (('instance', 'target', 'i-0123456789abcdef0'),)
    >>> things_of(PEER_ADDRESS, "0.0.0.0/0"), things_of(PEER_ADDRESS, "192.0.2.7/32")
    ((), (('address', 'peer', '192.0.2.7'),))
    """
    if not value or len(value) > MAX_VALUE or value in _HIDDEN:
        return ()
    if kind in (ADDRESS, PEER_ADDRESS):
        return _address(value, "peer" if kind == PEER_ADDRESS else "target")
    formed = _by_form(value)
    if formed and kind not in (SESSION, SOURCE_IDENTITY):
        return formed
    if kind == SESSION:
        return (("session", "target", value), *formed)
    if kind == SOURCE_IDENTITY:
        return (("source_identity", "target", value),)
    if kind == USER:
        return (("user", "target", value),)
    if kind == ACCESS_KEY:
        return (("access_key", "target", value),)
    if kind in (NAME, OWN_NAME):
        return (("resource", "target", value),)
    return ()


def _by_form(value: str) -> tuple[Thing, ...]:
    if value.startswith("arn:"):
        # A pattern names many things, a policy's variable none.
        if "*" in value.removesuffix(":*") or "${" in value:
            return ()
        arn = value.removesuffix(":*")
        return (("arn", "target", arn), *named_in_arn(arn))
    if _ID.match(value):
        if value.startswith("i-"):
            return (("instance", "target", value),)
        interface = value.startswith("eni-") and not value.startswith("eni-attach-")
        return (("interface" if interface else "resource", "target", value),)
    if _ACCOUNT.fullmatch(value):
        return (("account", "target", value),)
    if _ACCESS_KEY.fullmatch(value):
        return (("access_key", "target", value),)
    return ()


def _address(value: str, role: Role) -> tuple[Thing, ...]:
    try:
        address = str(ip_address(value.removesuffix("/32").removesuffix("/128")))
    except ValueError:
        return ()
    return () if address in _NO_HOST else (("address", role, address),)


def _owns_name(before: str, prior: str, separator: str, following: str) -> bool:
    """Whether the key `name` is the name of what the object is.

    `prior` is the structure before the key, `before` the string before that; `separator` and `following`
    are the structure behind the value and the string behind that.
    """
    if separator == "," and following.lower() in _VALUES:
        return False
    if prior in ("{", ","):
        return True
    if prior == ":{":
        return not _NO_OWNER.search(before)
    return _SCALAR.fullmatch(prior) is not None and before.lower() != "code"


def _parts(text: str) -> list[str]:
    parts: list[str] = []
    position = 0
    while (quote := text.find('"', position)) != -1:
        parts.append(text[position:quote])
        string, position = scan_string(text, quote + 1)
        parts.append(string)
    parts.append(text[position:])
    return parts


def things_in(text: str, *, depth: int = MAX_NESTED, keys: bool = True) -> list[Thing]:
    """Everything that one compact JSON text names (`keys`: by its keys too); empty for what is not JSON.

    >>> things_in('{"userName":"eve","policy":"{\\\\"AWS\\\\":\\\\"123456789012\\\\"}"}')
    [('user', 'target', 'eve'), ('account', 'target', '123456789012')]
    """
    try:
        parts = _parts(text)
    except ValueError:
        return []
    found: list[Thing] = []
    by_form: list[Thing] = []
    for i in range(1, len(parts), 2):
        value = parts[i]
        by_form.extend(things_of(FORM, value))
        if value[:1] in ("{", "[") and depth and '"' in value:
            by_form.extend(things_in(value, depth=depth - 1, keys=False))
        separator = parts[i + 1]
        if not keys or separator not in (":", ":["):
            continue
        kind = class_of_key(value)
        if kind is None:
            continue
        if kind == OWN_NAME:
            following = parts[i + 4] if i + 4 < len(parts) else ""
            before = parts[i - 2] if i > 1 else ""
            if separator != ":" or not _owns_name(before, parts[i - 1], parts[i + 3], following):
                continue
        last = i + 2 if separator == ":" else min(i + 2 * MAX_LIST, len(parts) - 2)
        for j in range(i + 2, last + 1, 2):
            found.extend(things_of(kind, parts[j]))
            if parts[j + 1] != ",":
                break
    return list(dict.fromkeys(found + by_form))


def found_in(texts: pa.Array, rows: pa.Array) -> list[Parts]:
    """Everything that these compact JSON texts name; `rows` (int32) is the row that each stands in."""
    if not len(texts):
        return []
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary
    escaped = pc.match_substring(distinct, "\\")
    patient = pc.indices_nonzero(escaped)
    lists: list[tuple[pa.Array, pa.Array, list[tuple[Thing, ...]]]] = []
    if len(patient):
        read = [tuple(things_in(text)) for text in distinct.take(patient).to_pylist()]
        lists.append((patient, every(len(patient)), read))
        # Their place stays taken, so that the numbers of the others stand.
        distinct = pc.if_else(escaped, "", distinct)
    lists.extend(_plain(distinct))
    out = []
    for at, codes, things in lists:
        spread, which = _spread(at, len(distinct), encoded.indices)
        out.append(Parts(rows.take(spread), codes.take(which).cast(pa.int32()), things))
    return out


def _spread(at: pa.Array, n: int, indices: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Join things of distinct texts (`at`: which text) to all texts (`indices`): places of text and thing."""
    spread = pa.ListArray.from_arrays(offsets_of(at, n), pc.sort_indices(at)).take(indices)
    return pc.list_parent_indices(spread), spread.flatten()


def _plain(texts: pa.Array) -> list[tuple[pa.Array, pa.Array, list[tuple[Thing, ...]]]]:
    """(text, code, things) of JSON texts without a backslash: each quotation mark begins or ends a string."""
    split = pc.split_pattern(texts, '"')
    parts = split.flatten()
    text_of = pc.list_parent_indices(split)
    starts = split.offsets
    even = pa.scalar(1, pa.int64())
    separators = pc.indices_nonzero(pc.or_(pc.equal(parts, ":"), pc.equal(parts, ":["))).cast(pa.int64())
    # A string may itself be `:`. Structure stands at the even places of its text.
    place = pc.subtract(separators, starts.take(text_of.take(separators)).cast(pa.int64()))
    separators = separators.filter(pc.equal(pc.bit_wise_and(place, even), 0))
    keys = parts.take(pc.subtract(separators, 1)).dictionary_encode()
    class_of = pa.array([class_of_key(key) for key in keys.dictionary.to_pylist()], pa.int8())
    classes = class_of.take(keys.indices)
    counted = pc.is_valid(classes)
    separators, classes = separators.filter(counted), classes.filter(counted)
    named = _without_foreign_names(parts, separators, classes)
    separators, classes = separators.filter(named), classes.filter(named)
    in_list = pc.equal(parts.take(separators), ":[")
    value_at = [pc.add(separators, 1)]
    value_class = [classes]
    at, kinds = value_at[0].filter(in_list), classes.filter(in_list)
    for _ in range(MAX_LIST - 1):
        more = pc.equal(parts.take(pc.add(at, 1)), ",")
        at, kinds = pc.add(at.filter(more), 2), kinds.filter(more)
        if not len(at):
            break
        value_at.append(at)
        value_class.append(kinds)
    at, kinds = pa.concat_arrays(value_at), pa.concat_arrays(value_class)
    out = []
    for kind in pc.unique(kinds).to_pylist():
        of_kind = at.filter(pc.equal(kinds, kind))
        out.append(_coded(text_of, parts, of_kind, kind))
    out.append(_coded(text_of, parts, _formed(parts), FORM))
    return out


def _coded(
    text_of: pa.Array, parts: pa.Array, at: pa.Array, kind: int
) -> tuple[pa.Array, pa.Array, list[tuple[Thing, ...]]]:
    values = parts.take(at).dictionary_encode()
    return text_of.take(at), values.indices, [things_of(kind, v) for v in bounded(values.dictionary)]


def _without_foreign_names(parts: pa.Array, separators: pa.Array, classes: pa.Array) -> pa.Array:
    """Mask of the separators: false behind a `name` that is no name of its object."""
    at = pc.indices_nonzero(pc.equal(classes, OWN_NAME))
    if not len(at):
        return pa.repeat(True, len(separators))
    place = separators.take(at)
    near = [pc.fill_null(parts.take(_within(pc.add(place, by), len(parts))), "") for by in (0, -3, -2, 2, 3)]
    keep = [
        colon == ":" and _owns_name(before, prior, behind, following)
        for colon, before, prior, behind, following in zip(*(a.to_pylist() for a in near), strict=True)
    ]
    foreign = at.filter(pc.invert(pa.array(keep, pa.bool_())))
    return pc.invert(pc.is_in(every(len(separators)), foreign))


def _within(places: pa.Array, n: int) -> pa.Array:
    inside = pc.and_(pc.greater_equal(places, 0), pc.less(places, n))
    return pc.if_else(inside, places, pa.scalar(None, pa.int64()))


def _formed(parts: pa.Array) -> pa.Array:
    """Places of the strings that show by themselves what they are."""
    length = pc.binary_length(parts)
    arn_at = pc.indices_nonzero(pc.and_(pc.starts_with(parts, "arn:"), pc.less_equal(length, MAX_VALUE)))
    short = pc.indices_nonzero(pc.and_(pc.greater_equal(length, 10), pc.less_equal(length, 128)))
    texts = parts.take(short).dictionary_encode()
    fits = pc.match_substring_regex(texts.dictionary, _FORM)
    return pa.concat_arrays([arn_at, short.filter(fits.take(texts.indices))])
