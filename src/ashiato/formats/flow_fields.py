"""The field list of flow records: header lines, declared formats, and formats told from the values.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (field names, versions, default
format), https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html (transit gateway).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import pyarrow as pa

from ashiato.formats.tables.vpc_flow_logs import FIELDS

#: Arrow type of each field's column, in table order.
TYPES: dict[str, pa.DataType] = {column.name: column.type for column in FIELDS}

#: Latest second that a timestamp may name: the end of the year 9999.
LAST_SECOND = 253_402_300_799

#: Greatest value of each whole-number field; none may be negative.
LIMITS: dict[str, int] = {
    name: 2**31 - 1 if type_ == pa.int32() else 2**63 - 1
    for name, type_ in TYPES.items()
    if pa.types.is_integer(type_)
} | {"srcport": 65_535, "dstport": 65_535, "protocol": 255, "start": LAST_SECOND, "end": LAST_SECOND}

#: Fields whose names no other kind of log uses.
_DISTINCTIVE = frozenset(
    name
    for name in TYPES
    if name.startswith(("src", "dst", "pkt_", "tgw_", "next_hop_", "sublocation_", "packets_lost_"))
    or name in ("interface_id", "log_status", "tcp_flags", "flow_direction", "traffic_path", "reject_reason")
)
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_ADDRESS = r"(?=[^ ]*[.:])[0-9A-Fa-f.:]+"
_PLAUSIBLE = {
    "version": r"\d{1,2}",
    "account_id": r"\d{9,12}|unknown",  # a spreadsheet takes leading zeros off
    "interface_id": r"eni-\w+",
    "srcaddr": _ADDRESS,
    "dstaddr": _ADDRESS,
    "pkt_srcaddr": _ADDRESS,
    "pkt_dstaddr": _ADDRESS,
    "start": r"\d{9,11}",
    "end": r"\d{9,11}",
    "action": r"ACCEPT|REJECT",
    "log_status": r"OK|NODATA|SKIPDATA",
    "vpc_id": r"vpc-\w+",
    "subnet_id": r"subnet-\w+",
    "instance_id": r"i-\w+",
    "type": r"IPv4|IPv6|EFA",
    "region": r"[a-z]{2}(-[a-z]+)+-\d+",
    "az_id": r"[a-z0-9]+(-[a-z0-9]+)*-az\d+",
    "flow_direction": r"ingress|egress",
    "sublocation_type": r"wavelength|outpost|localzone",
    "resource_type": r"TransitGateway\w*",
    "tgw_id": r"tgw-\w+",
    "tgw_attachment_id": r"tgw-attach-\w+",
    "tgw_pair_attachment_id": r"tgw-attach-\w+",
    "tgw_src_vpc_id": r"vpc-\w+",
    "tgw_dst_vpc_id": r"vpc-\w+",
    "tgw_src_subnet_id": r"subnet-\w+",
    "tgw_dst_subnet_id": r"subnet-\w+",
    "tgw_src_eni": r"eni-\w+",
    "tgw_dst_eni": r"eni-\w+",
    "ecs_cluster_arn": r"arn:\S+",
    "ecs_container_instance_arn": r"arn:\S+",
    "ecs_task_definition_arn": r"arn:\S+",
    "ecs_task_arn": r"arn:\S+",
}
_PATTERNS = {
    name: re.compile(_PLAUSIBLE.get(name, r"\d{1,19}" if name in LIMITS else r"[^ ]+")) for name in TYPES
}


@dataclass(frozen=True)
class Format:
    """The fields of a record in order, as AWS writes them (`account-id`, …)."""

    names: tuple[str, ...]

    @cached_property
    def columns(self) -> tuple[str | None, ...]:
        """The table's column of each field; None where the field goes to `extra` (unknown, or a repeat)."""
        seen: set[str] = set()
        found: list[str | None] = []
        for name in self.names:
            column = column_of(name)
            found.append(None if column is None or column in seen else column)
            seen.add(column or "")
        return tuple(found)

    @cached_property
    def numbers(self) -> tuple[tuple[int, str, int], ...]:
        """(position, name, greatest value) of the fields that must be whole numbers."""
        return tuple(
            (place, self.names[place], LIMITS[column])
            for place, column in enumerate(self.columns)
            if column in LIMITS
        )

    def accepts(self, values: Sequence[str]) -> bool:
        """Whether every value of a known field looks like one of that field (`-` always does)."""
        return len(values) == len(self.names) and all(
            value == "-" or column is None or bool(_PATTERNS[column].fullmatch(value))
            for column, value in zip(self.columns, values, strict=True)
        )


def column_of(name: str) -> str | None:
    """The column of a field name in either spelling, or None for one that this version does not know.

    >>> column_of("pkt-src-aws-service")
    'pkt_src_aws_service'
    """
    column = name.replace("-", "_").lower()
    return column if column in TYPES else None


@lru_cache(maxsize=256)
def format_of(names: tuple[str, ...]) -> Format:
    """The same `Format` for the same names, so that what is derived from it is made once."""
    return Format(names)


def declared_format(text: str | None) -> Format | None:
    """The format that a source declares: AWS's LogFormat (`${version} ${account-id} …`) or plain words.

    >>> declared_format("${srcaddr} ${dstaddr}").names
    ('srcaddr', 'dstaddr')
    """
    names = re.findall(r"\$\{([^{}\s]+)\}", text or "") or re.split(r"[\s,]+", (text or "").strip())
    return format_of(tuple(names)) if names != [""] else None


def names_a_flow_log(columns: Sequence[str]) -> bool:
    """Whether column names (either spelling) are those of a flow log rather than of another table."""
    known = {column for name in columns if (column := column_of(name))}
    return bool(known & _DISTINCTIVE) or (len(known) >= 3 and len(known) == len(set(columns)))


def header(line: bytes, following: Sequence[bytes] = ()) -> Format | None:
    """The format that a header line gives, or None for a line that is no header.

    The lines that follow decide where the names alone do not: one of them must fit.
    """
    names = _words(line)
    if len(set(names)) != len(names) or not all(map(_NAME.fullmatch, names)):
        return None
    known = {column for name in names if (column := column_of(name))}
    if not known:
        return None
    found = format_of(tuple(names))
    if (known & _DISTINCTIVE and 2 * len(known) >= len(names)) or 3 <= len(known) == len(names):
        return found
    return found if any(found.accepts(_words(record)) for record in following) else None


def header_again(line: bytes, current: Format | None) -> Format | None:
    """The format that a further header line gives, in the middle of a file of joined objects.

    Stricter than `header`: a record of free text (names of clusters, tags) must not pass for one.
    """
    if not line[:1].islower():
        return None
    if current is not None and tuple(_words(line)) == current.names:
        return current
    found = header(line)
    return found if found is not None and len(found.names) >= 3 else None


def _words(line: bytes) -> list[str]:
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace").split(" ")


_ALL_VPC = tuple(name.replace("_", "-") for name in TYPES)[: list(TYPES).index("resource_type")]

#: The default format: all fields of version 2, in the order of AWS's table.
DEFAULT = format_of(_ALL_VPC[:14])

_TRANSIT_GATEWAY = """
version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id
tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id
tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end
log-status type packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded
packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service
"""
_TCP_FLAGS_EXAMPLE = """
version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport
pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status
"""
_TRANSIT_EXAMPLE = """
version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol
tcp-flags type pkt-srcaddr pkt-dstaddr action log-status
"""
_TRAFFIC_PATH_EXAMPLE = """
version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id
instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr
pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status
"""

#: (record version, format) of the layouts that AWS documents: all fields up to a version in the order of
#: the table, the transit gateway's default, and the custom formats of the guide's record examples.
_LAYOUTS: tuple[tuple[str, Format], ...] = (
    ("2", DEFAULT),
    ("3", format_of(_ALL_VPC[:21])),
    ("4", format_of(_ALL_VPC[:25])),
    ("5", format_of(_ALL_VPC[:29])),
    ("7", format_of(_ALL_VPC[:39])),
    ("8", format_of(_ALL_VPC[:40])),
    ("9", format_of(_ALL_VPC[:41])),
    ("10", format_of(_ALL_VPC[:42])),
    ("11", format_of(_ALL_VPC)),
    ("6", format_of(tuple(_TRANSIT_GATEWAY.split()))),
    ("3", format_of(tuple(_TCP_FLAGS_EXAMPLE.split()))),
    ("3", format_of(tuple(_TRANSIT_EXAMPLE.split()))),
    ("5", format_of(tuple(_TRAFFIC_PATH_EXAMPLE.split()))),
)

#: Why a headerless record was not read, and what to do.
UNKNOWN_FORMAT = (
    "flow records without a header line, in a format that their values do not tell: "
    "declare the flow log's LogFormat as `flow_format` of the source"
)


def recognised(lines: Sequence[bytes]) -> Format | None:
    """The documented layout that headerless lines of one field count follow, told from count and values.

    Half of the lines must fit (others may be damaged), and only one layout may be the best. Where none has
    the version that AWS would write, the other values decide alone: samples and converters write what they
    like there.
    """
    layouts = [pair for pair in _LAYOUTS if len(pair[1].names) == lines[0].count(b" ") + 1]
    if not layouts:
        return None
    rows = [_words(line) for line in lines]
    for versioned in (True, False):
        fits: dict[Format, int] = {}
        for version, layout in layouts:
            count = sum((row[0] == version or not versioned) and layout.accepts(row) for row in rows)
            if count:
                fits[layout] = count
        best = [layout for layout, count in fits.items() if count == max(fits.values())]
        if len(best) == 1 and 2 * fits[best[0]] >= len(rows):
            return best[0]
    return None


_ID = re.compile(r"(?:eni|tgw|tgw-attach)-\w{8,17}")
_WHOLE_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]+")
_SIMPLE = re.compile(r"[\w.:/-]+")


def resembles_record(line: bytes) -> bool:
    """Whether a line has what only flow records have, in whatever order its format puts it."""
    if b'"' in line or b"[" in line or line.count(b" ") > 200:
        return False
    words = _words(line)
    if len(words) < 2:
        return False
    addresses = sum(_WHOLE_ADDRESS.fullmatch(word) is not None for word in words)
    if any(_ID.fullmatch(word) for word in words) or {"NODATA", "SKIPDATA"} & set(words):
        return len(words) >= 4
    if {"ACCEPT", "REJECT"} & set(words):
        return addresses >= 1
    return addresses >= 2 and all(map(_SIMPLE.fullmatch, words))
