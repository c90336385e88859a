"""The tables of the lake: columns, types, meanings and AWS's page for each."""

from ashiato.formats.tables.cloudtrail import CLOUDTRAIL
from ashiato.formats.tables.config_items import CONFIG_ITEMS
from ashiato.formats.tables.footprints import FOOTPRINTS
from ashiato.formats.tables.quarantine import QUARANTINE
from ashiato.formats.tables.vpc_flow_logs import VPC_FLOW_LOGS

TABLES = {t.name: t for t in (CLOUDTRAIL, CONFIG_ITEMS, VPC_FLOW_LOGS, FOOTPRINTS, QUARANTINE)}

#: Tables that hold what AWS delivered, in the order of the report of `collect`.
LOG_TABLES = ("cloudtrail", "config_items", "vpc_flow_logs")

#: Columns that say whose record it is and of which region.
ACCOUNT_REGION = {
    "cloudtrail": ("recipientAccountId", "awsRegion"),
    "config_items": ("awsAccountId", "awsRegion"),
    "vpc_flow_logs": ("account_id", "region"),
}

__all__ = [
    "ACCOUNT_REGION",
    "CLOUDTRAIL",
    "CONFIG_ITEMS",
    "FOOTPRINTS",
    "LOG_TABLES",
    "QUARANTINE",
    "TABLES",
    "VPC_FLOW_LOGS",
]
