"""VPC and transit gateway flow logs: text, Parquet and messages → rows of `vpc_flow_logs`."""

from ashiato.formats.flow_entities import ENTITY_COLUMNS, entities_of, entity_column
from ashiato.formats.flow_messages import event_key, read_messages
from ashiato.formats.flow_parquet import read_parquet
from ashiato.formats.flow_text import looks_like_flow_text, read_text, resembles_flow_text

__all__ = [
    "ENTITY_COLUMNS",
    "entities_of",
    "entity_column",
    "event_key",
    "looks_like_flow_text",
    "read_messages",
    "read_parquet",
    "read_text",
    "resembles_flow_text",
]
