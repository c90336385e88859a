"""AWS Config's two other shapes over our items: event data stores, and the files as Athena reads them.

An event data store holds an item in `eventData`; a snapshot or history file is one row that holds its items
in the array `configurationitems`. Here every item is a row, so that array has one element.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-lake-cli.html,
https://docs.aws.amazon.com/athena/latest/ug/querying-config.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pyarrow as pa

from ashiato.engine.names import Virtual, columns_of, renamed, template, virtual_of
from ashiato.engine.types import BIGINT, JSONTEXT, VARCHAR, Type, array, from_arrow
from ashiato.formats.tables import TABLES

#: Fields of Config's items in an event data store, and where we hold them.
#: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/query-lake-config-schema.html
_STORE_FIELDS = {
    "configurationItemVersion": "configurationItemVersion",
    "configurationItemCaptureTime": "configurationItemCaptureTime",
    "configurationItemStatus": "configurationItemStatus",
    "configurationStateId": "configurationStateId",
    "accountId": "awsAccountId",
    "resourceType": "resourceType",
    "resourceId": "resourceId",
    "resourceName": "resourceName",
    "arn": "ARN",
    "awsRegion": "awsRegion",
    "availabilityZone": "availabilityZone",
    "resourceCreationTime": "resourceCreationTime",
    "configuration": "configuration",
    "supplementaryConfiguration": "supplementaryConfiguration",
    "relatedEvents": "relatedEvents",
    "relationships": "relationships",
    "tags": "tags",
    "configurationStateMd5Hash": "configurationStateMd5Hash",
}


#: How AWS's page of the schema calls a field that the store itself has under the record's name.
STORE_ALIASES = {
    "configurationitemstateid": "configurationStateId",
    "configurationitemmd5hash": "configurationStateMd5Hash",
}


def store_event_data() -> tuple[Type, Mapping[str, str]]:
    """Type of `eventData` in Config's event data store, and the real column of each of its fields."""
    types = columns_of("config_items")
    return Type("row", tuple(types[c] for c in _STORE_FIELDS.values()), tuple(_STORE_FIELDS)), _STORE_FIELDS


@cache
def store_columns() -> Mapping[str, Virtual]:
    """Columns of Config's event data store beside `eventData`."""
    time = "configurationItemCaptureTime"
    as_json = ", ".join(
        f"'{field}': {column}::JSON"
        if TABLES["config_items"].by_name[column].json
        else f"'{field}': ax_iso_ms({column})"
        if pa.types.is_timestamp(TABLES["config_items"].by_name[column].type)
        else f"'{field}': {column}"
        for field, column in _STORE_FIELDS.items()
    )
    return {
        **virtual_of("config_items"),
        "eventtime": renamed(time, columns_of("config_items")[time]),
        "recipientaccountid": renamed("awsAccountId", VARCHAR),
        "eventcategory": template("'ConfigurationItem'", VARCHAR),
        "eventversion": template("'1.0'", VARCHAR),
        "eventtype": template("'AwsConfigurationItem'", VARCHAR),
        "eventid": template("CAST(NULL AS VARCHAR)", VARCHAR),
        "eventjson": template(f"CAST(to_json({{'eventData': {{{as_json}}}}}) AS VARCHAR)", JSONTEXT),
    }


_TAGS = "CASE WHEN tags LIKE '{%' THEN CAST(CAST(tags AS JSON) AS MAP(VARCHAR, VARCHAR)) END"
ITEM_FIELDS: tuple[tuple[str, str, Type], ...] = (
    ("configurationItemVersion", "configurationItemVersion", VARCHAR),
    ("configurationItemCaptureTime", "ax_iso_ms(configurationItemCaptureTime)", VARCHAR),
    ("configurationStateId", "TRY_CAST(configurationStateId AS BIGINT)", BIGINT),
    ("awsAccountId", "awsAccountId", VARCHAR),
    ("configurationItemStatus", "configurationItemStatus", VARCHAR),
    ("resourceType", "resourceType", VARCHAR),
    ("resourceId", "resourceId", VARCHAR),
    ("resourceName", "resourceName", VARCHAR),
    ("arn", "ARN", VARCHAR),
    ("awsRegion", "awsRegion", VARCHAR),
    ("availabilityZone", "availabilityZone", VARCHAR),
    ("configurationStateMd5Hash", "configurationStateMd5Hash", VARCHAR),
    ("resourceCreationTime", "ax_iso_ms(resourceCreationTime)", VARCHAR),
    ("configuration", "configuration", JSONTEXT),
    ("supplementaryConfiguration", "supplementaryConfiguration", JSONTEXT),
    ("tags", _TAGS, Type("map", (VARCHAR, VARCHAR))),
    ("relatedEvents", "relatedEvents", array(VARCHAR)),
    (
        "relationships",
        "relationships",
        array(from_arrow(TABLES["config_items"].by_name["relationships"].type.value_type)),
    ),
)

_FILE_DAY = (
    r"strftime(coalesce(try_strptime(regexp_extract(object, "
    r"'/(\d{4}/\d{1,2}/\d{1,2})/Config(?:History|Snapshot)/', 1), '%Y/%m/%d'), "
    r"delivered_at AT TIME ZONE 'UTC', configurationItemCaptureTime AT TIME ZONE 'UTC'), '%Y-%m-%d')"
)
_DATA_SOURCE = (
    "CASE WHEN object LIKE '%ConfigHistory%' THEN 'ConfigHistory' "
    "WHEN object LIKE '%ConfigSnapshot%' OR configSnapshotId IS NOT NULL THEN 'ConfigSnapshot' "
    "ELSE 'ConfigHistory' END"
)


def files_columns() -> dict[str, Type]:
    """Types of the columns of Config's files as Athena's tables have them."""
    item = Type("row", tuple(t for _, _, t in ITEM_FIELDS), tuple(n for n, _, _ in ITEM_FIELDS))
    texts = ("fileVersion", "configSnapshotId", "accountId", "region", "dt", "dataSource", "$path")
    return {"configurationItems": array(item), **dict.fromkeys(texts, VARCHAR)}


#: The newest item of each resource that is still there.
_LATEST = (
    "(SELECT *, row_number() OVER (PARTITION BY awsAccountId, awsRegion, resourceType, resourceId "
    "ORDER BY configurationItemCaptureTime DESC) AS ax_place FROM {view}) AS ax_items "
    "WHERE ax_place = 1 AND coalesce(configurationItemStatus, '') NOT LIKE 'ResourceDeleted%'"
)


def files_select(view: str, latest: bool = False) -> str:
    """DuckDB's SELECT of one row a file, each with one item, over the view of the items.

    `latest` adds the partition that AWS's blog keeps pointed at the newest snapshot: `dt = 'latest'`.
    https://aws.amazon.com/blogs/mt/how-to-query-your-aws-resource-configuration-states-using-aws-config-and-amazon-athena/
    """
    days = _files(_FILE_DAY, view)
    if not latest:
        return days
    newest = _files("'latest'", _LATEST.format(view=view))
    return f"{days} UNION ALL {newest}"


def _files(day: str, source: str) -> str:
    struct = ", ".join(f"'{name}': {sql}" for name, sql, _ in ITEM_FIELDS)
    return (  # names of ours alone
        f'SELECT [{{{struct}}}] AS "configurationItems", fileVersion AS "fileVersion", '  # noqa: S608
        'configSnapshotId AS "configSnapshotId", awsAccountId AS "accountId", awsRegion AS "region", '
        f'{day} AS "dt", {_DATA_SOURCE} AS "dataSource", object AS "$path" FROM {source}'
    )
