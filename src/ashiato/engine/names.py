"""Table names of AWS's statements, and the columns that AWS's tables have and ours hold under another name.

AWS's CREATE TABLE statements: https://docs.aws.amazon.com/athena/latest/ug/cloudtrail-logs.html,
https://docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs.html,
https://github.com/awslabs/aws-security-analytics-bootstrap
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
from sqlglot import exp, parse_one

from ashiato.engine.dialect import call, text
from ashiato.engine.types import (
    DATE,
    JSONTEXT,
    TIMESTAMP,
    VARCHAR,
    Type,
    from_arrow,
    set_type,
)
from ashiato.formats.columns import TableDescription
from ashiato.formats.tables import TABLES

#: Views of the engine: its table, and whether copies and corrected events are hidden.
VIEWS = {
    "cloudtrail": ("cloudtrail", True),
    "cloudtrail_all": ("cloudtrail", False),
    "config_items": ("config_items", True),
    "config_items_all": ("config_items", False),
    "vpc_flow_logs": ("vpc_flow_logs", False),
    "footprints": ("footprints", False),
    "quarantine": ("quarantine", False),
}
_CONFIG_WORDS = r"(_?(items?|history|snapshots?|configuration_(snapshots?|items?)|logs?|data|table|files?))?"
_ALIASES = (
    (r"(\w+_)?config\w*_?(event_data_store|eds)\w*", "config_store"),
    (r"(\w+_)?(event_?data(_?store)?|eds)(_?ids?)?\d*|eds[_a-z]?\w{0,12}", "cloudtrail"),
    (r"(\w+_)?cloud_?trail(s|_?(logs?|events?)\w*|_\w+)?", "cloudtrail"),
    (r"(\w+_)?vpc_?(flow|log)\w*", "vpc_flow_logs"),
    (r"((vpc|tgw|transit_gateway|aws|test_table|my)_)*flow_?(logs?|log_records?)(_\w+)?", "vpc_flow_logs"),
    (rf"(aws_?|cid_crcd_|my_)?config{_CONFIG_WORDS}", "config_items"),
    (r"configuration_?items?(_history)?|config_recorder\w*", "config_items"),
)

#: Tables of AWS's pages that hold what Ashiato does not keep.
_OTHERS = (
    (r"amazon_security_lake\w*", "tables of Amazon Security Lake (OCSF)"),
    (r"\w*(alb|elb|nlb|clb)(_\w+)?_logs?\w*", "load balancers' logs"),
    (r"\w*(waf|web_?acl)\w*", "AWS WAF's logs"),
    (r"\w*cloud_?front\w*", "CloudFront's logs"),
    (r"\w*(s3|bucket|server)_?access\w*", "S3's server access logs"),
    (r"\w*(r53|route53|dns|resolver)\w*", "Route 53's query logs"),
    (r"\w*(guardduty|gd_logs|security_?hub)\w*", "findings"),
    (r"\w*(anf|network_?firewall|firewall)\w*", "AWS Network Firewall's logs"),
    (r"\w*global_?accelerator\w*|aga_\w+", "Global Accelerator's flow logs"),
    (r".*\$(partitions|files|manifests|history|snapshots|refs|properties)", "the catalogue's own tables"),
)

Column = Callable[[str], exp.Expr]


@dataclass(frozen=True)
class Virtual:
    """A column that is worked out of real ones: `make` gets a maker of columns and returns the expression."""

    type: Type
    make: Callable[[Column], exp.Expr]


def table_of(name: str) -> str | None:
    """The view (or `config_store`, Config's event data store) that a statement's table name means."""
    lower = name.lower()
    if lower in VIEWS:
        return lower
    if other_service(lower):
        return None
    for pattern, view in _ALIASES:
        if re.fullmatch(pattern, lower):
            return view
    return None


def other_service(name: str) -> str | None:
    """What a table of that name holds, where it is another service's."""
    return next((what for pattern, what in _OTHERS if re.fullmatch(pattern, name.lower())), None)


def nearest(name: str, among: list[str]) -> list[str]:
    """The names of `among` that look most like `name`, best first."""
    by_lower = {a.lower(): a for a in among}
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.5)
    inside = [lower for lower in by_lower if len(name) > 3 and name.lower() in lower]
    return [by_lower[f] for f in dict.fromkeys([*found, *inside])][:4]


@cache
def columns_of(view: str) -> Mapping[str, Type]:
    """Types of a view's real columns, by name as the table has it."""
    table = TABLES[VIEWS[view][0]]
    return {c.name: _type(table, c.name) for c in table.columns}


def _type(table: TableDescription, name: str) -> Type:
    column = table.by_name[name]
    if column.json:
        return JSONTEXT
    if pa.types.is_timestamp(column.type) and (name == table.time_column or table.name == "config_items"):
        return Type("time", note="ms" if table.name == "config_items" else "s")
    return _with_json(from_arrow(column.type))


def _with_json(type_: Type) -> Type:
    """Inside structs too, AWS's open shapes are kept as JSON text."""
    if type_.kind != "row":
        return type_
    open_ = {"attributes", "updatedFields"}
    of = [
        JSONTEXT if name in open_ and t.kind == "varchar" else _with_json(t)
        for name, t in zip(type_.names, type_.of, strict=True)
    ]
    return Type("row", tuple(of), type_.names)


def day(time: str, pattern: str) -> Virtual:
    """A partition column that holds a day as text, such as `2021/07/01`."""
    return Virtual(VARCHAR, lambda c: call("ashiato_day", c(time), text(pattern)))


def day_or_number(time: str, pattern: str) -> Virtual:
    """The column `day`: a whole day, or the day of the month where `year` and `month` stand beside it."""
    return Virtual(VARCHAR, lambda c: call("ashiato_day", c(time), text(pattern), text("day")))


def part(time: str, unit: str) -> Virtual:
    """A partition column that holds a year, month, day or hour."""
    return Virtual(VARCHAR, lambda c: call("ashiato_part", c(time), text(unit)))


def renamed(name: str, type_: Type) -> Virtual:
    return Virtual(type_, lambda c: c(name))


def template(sql: str, type_: Type) -> Virtual:
    """A DuckDB expression over the view's columns; later rules leave it as it is."""

    def make(column: Column) -> exp.Expr:
        tree: exp.Expr = parse_one(sql, read="duckdb")
        for node in list(tree.find_all(exp.Column)):
            made = column(node.name)
            if node is tree:
                tree = made
            else:
                node.replace(made)
        for part_ in tree.walk():
            part_.meta["final"] = True
        return set_type(tree, type_)

    return Virtual(type_, make)


def _shared(time: str, day_pattern: str) -> dict[str, Virtual]:
    return {
        "$path": renamed("object", VARCHAR),
        "$file_modified_time": renamed("delivered_at", TIMESTAMP),
        **dict.fromkeys(
            ("date_partition", "partition_date", "partition_day", "p_date"), day(time, "%Y/%m/%d")
        ),
        "day": day_or_number(time, day_pattern),
        "dt": day(time, "%Y-%m-%d"),
        "event_date": day(time, "%Y-%m-%d"),
        **{unit: part(time, unit) for unit in ("year", "month", "hour")},
    }


def _renamed(names: Mapping[str, str], view: str) -> dict[str, Virtual]:
    types = columns_of(view)
    return {alias: renamed(name, types[name]) for alias, name in names.items()}


_ACCOUNT = (
    "account", "accountid", "account_id", "aws_account_id", "account_partition", "awsaccountid", "p_account"
)  # fmt: skip
_REGION = ("region", "aws_region", "region_partition", "regionid", "region_name", "p_region")
_FLOW_NAMES = {
    "sourceaddress": "srcaddr", "source_address": "srcaddr", "src_ip": "srcaddr", "srcip": "srcaddr",
    "destinationaddress": "dstaddr", "destination_address": "dstaddr", "dst_ip": "dstaddr",
    "dstip": "dstaddr",
    "sourceport": "srcport", "src_port": "srcport", "source_port": "srcport",
    "destinationport": "dstport", "dst_port": "dstport", "destination_port": "dstport",
    "numpackets": "packets", "num_packets": "packets", "numbytes": "bytes", "num_bytes": "bytes",
    "starttime": "start", "endtime": "end", "end_time": "end", "flowlogstatus": "log_status",
    "status": "log_status", "pktsourceaddress": "pkt_srcaddr", "pktdestinationaddress": "pkt_dstaddr",
    "packet_srcaddr": "pkt_srcaddr", "packet_dstaddr": "pkt_dstaddr", "direction": "flow_direction",
}  # fmt: skip
_FLOW_ACCOUNT = (
    r"coalesce(nullif(regexp_extract(object, "
    r"'AWSLogs/(?:[^/]*/)?(?:aws-account-id=)?(\d{12})/', 1), ''), account_id)"
)
_FLOW_REGION = (
    r"coalesce(region, nullif(regexp_extract(object, "
    r"'vpcflowlogs/(?:aws-region=)?([a-z]{2}(?:-[a-z]+)+-\d)/', 1), ''))"
)


@cache
def virtual_of(view: str) -> Mapping[str, Virtual]:
    """Columns by which AWS's tables call what the view holds, by lower-case name."""
    if view.startswith("cloudtrail"):
        return {
            **_shared("eventTime", "%Y/%m/%d"),
            **_renamed(dict.fromkeys(_ACCOUNT, "recipientAccountId"), view),
            **_renamed(dict.fromkeys(_REGION, "awsRegion"), view),
            "timestamp": day("eventTime", "%Y/%m/%d"),
            "date": day("eventTime", "%Y-%m-%d"),
            "eventjson": template(_record_json(view), JSONTEXT),
            # Event data stores add these two themselves; no record has them.
            **dict.fromkeys(("eventjsonchecksum", "annotation"), template("CAST(NULL AS VARCHAR)", VARCHAR)),
        }
    if view == "vpc_flow_logs":
        from_path = dict.fromkeys(
            ("account_partition", "aws_account_id", "p_account"), template(_FLOW_ACCOUNT, VARCHAR)
        )
        regions = dict.fromkeys(
            ("region_partition", "aws_region", "region_name", "p_region"), template(_FLOW_REGION, VARCHAR)
        )
        glued = {c.name.replace("_", ""): c.name for c in TABLES[view].columns if "_" in c.name}
        hyphens = {c.name.replace("_", "-"): c.name for c in TABLES[view].columns if "_" in c.name}
        return {
            **_shared("start_time", "%Y/%m/%d"),
            "timestamp": day("start_time", "%Y/%m/%d"),
            **from_path,
            **regions,
            **_renamed(
                {**hyphens, **glued, "account": "account_id", "starttime": "start"} | _FLOW_NAMES, view
            ),
            "date": Virtual(DATE, lambda c: exp.Cast(this=c("start_time"), to=exp.DataType.build("DATE"))),
        }
    if view.startswith("config_items"):
        return {
            **_shared("configurationItemCaptureTime", "%Y/%m/%d"),
            **_renamed(dict.fromkeys(_ACCOUNT, "awsAccountId"), view),
            **_renamed(dict.fromkeys(_REGION, "awsRegion"), view),
            **_renamed(
                {
                    "version": "configurationItemVersion",
                    "configurationitemmd5hash": "configurationStateMd5Hash",
                    "configurationitemstateid": "configurationStateId",
                },
                view,
            ),
        }
    return {}


#: Fields of event data stores' structs that ours lack, because records seldom have them.
_IN_EXTRA: dict[tuple[str, ...], str] = {
    ("useridentity", "sessioncontext", "ec2issuedinvpc"): "userIdentity.sessionContext.ec2IssuedInVpc",
}


def in_extra(view: str | None, parts: list[str]) -> Virtual | None:
    """A field that event data stores have, and that stays in `extra` here."""
    path = _IN_EXTRA.get(tuple(p.lower() for p in parts))
    if path is None or view not in ("cloudtrail", "cloudtrail_all"):
        return None
    return template(f"ax_json_scalar(extra, '$.{path}')", VARCHAR)


def _record_json(view: str) -> str:
    table = TABLES[VIEWS[view][0]]
    skipped = {"extra", "entities", "delivered_at", "ingested_at", "source", "object", "variant"}
    parts = []
    for column in table.columns:
        if column.name in skipped:
            continue
        value = f"{column.name}::JSON" if column.json else column.name
        if pa.types.is_timestamp(column.type):
            value = f"ax_iso({column.name})"
        parts.append(f"'{column.name}': {value}")
    return f"CAST(to_json({{{', '.join(parts)}}}) AS VARCHAR)"
