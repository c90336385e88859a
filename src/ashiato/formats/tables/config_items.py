"""`config_items`: a configuration item of AWS Config.

Fields: https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html
"""

import pyarrow as pa

from ashiato.formats.columns import PROVENANCE, TIMESTAMP, Column, TableDescription

ITEM = "https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html"
API = "https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigurationItem.html"
NOTIFICATION = "https://docs.aws.amazon.com/config/latest/developerguide/example-sns-notification.html"

S = pa.string()
RELATIONSHIPS = pa.list_(
    pa.struct([("resourceType", S), ("resourceId", S), ("resourceName", S), ("name", S)])
)

CONFIG_ITEMS = TableDescription(
    name="config_items",
    row="a configuration item: the state of one resource at one time",
    columns=(
        Column("configurationItemVersion", S, "version of the item's format (`version` in the API)", ITEM),
        Column("configurationItemCaptureTime", TIMESTAMP, "when AWS Config recorded the state", ITEM),
        Column("configurationStateId", S, "orders the items of a resource", ITEM),
        Column("awsAccountId", S, "account that owns the resource (`accountId` in the API)", ITEM),
        Column(
            "configurationItemStatus",
            S,
            "OK, ResourceDiscovered, ResourceNotRecorded, ResourceDeleted, ResourceDeletedNotRecorded",
            API,
        ),
        Column("resourceType", S, "AWS::Service::Kind", ITEM),
        Column("resourceId", S, "the resource's id", ITEM),
        Column("resourceName", S, "its name, where it has one", ITEM),
        Column("ARN", S, "its ARN (`arn` in the API)", ITEM),
        Column("awsRegion", S, "region", ITEM),
        Column("availabilityZone", S, "availability zone, or Regional, Multiple …", ITEM),
        Column("resourceCreationTime", TIMESTAMP, "when the resource was created", ITEM),
        Column("tags", S, "tags as an object of key and value", ITEM, json=True),
        Column("relatedEvents", pa.list_(S), "CloudTrail event ids (empty since item version 1.3)", ITEM),
        Column("relationships", RELATIONSHIPS, "resources that it is related to, and how", ITEM),
        Column("configuration", S, "the state, in the shape of the service's describe call", ITEM, json=True),
        Column("supplementaryConfiguration", S, "state from further calls", ITEM, json=True),
        Column("configurationStateMd5Hash", S, "hash of the state (empty since item version 1.3)", ITEM),
        Column("configurationItemDeliveryTime", TIMESTAMP, "when the item was delivered", API),
        Column("recordingFrequency", S, "CONTINUOUS or DAILY", API),
        Column(
            "configurationItemDiff", S, "what changed, where a notification said so", NOTIFICATION, json=True
        ),
        Column(
            "configSnapshotId", S, "the snapshot that first held the item, where it came by a snapshot", ITEM
        ),
        Column("fileVersion", S, "format version of the file that held it", ITEM),
        *PROVENANCE,
        Column(
            "variant",
            pa.int32(),
            "0 for the first copy of an item; 1, 2 … for later copies that say more than the first",
        ),
    ),
    time_column="configurationItemCaptureTime",
    partition="month",
    sort=("resourceType", "resourceId", "configurationItemCaptureTime"),
)
