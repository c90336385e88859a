"""The few types that rewriting has to tell apart, and how a statement's own type names map to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
from sqlglot import exp

META = "ashiato_type"
E = TypeVar("E", bound=exp.Expr)


@dataclass(frozen=True)
class Type:
    """A type: `kind`, the types inside it (`of`), and for rows the fields' names.

    Kinds of our own: `time` is a table's own timestamp column, which Athena's tables hold as ISO 8601 text
    (`note` is `s` or `ms`, its precision); `jsontext` is text that holds a JSON document; `ip` is an address
    as 32 hexadecimal digits; `unknown` may be anything.
    """

    kind: str
    of: tuple[Type, ...] = ()
    names: tuple[str, ...] = ()
    note: str = ""

    def field(self, name: str) -> Type | None:
        """Type of a row's field, found without regard to case; None where there is no such field."""
        for own, type_ in zip(self.names, self.of, strict=True):
            if own.lower() == name.lower():
                return type_
        return None


UNKNOWN = Type("unknown")
VARCHAR = Type("varchar")
BIGINT = Type("bigint")
DOUBLE = Type("double")
BOOLEAN = Type("boolean")
DATE = Type("date")
TIMESTAMP = Type("timestamp")
JSON = Type("json")
JSONTEXT = Type("jsontext")
IP = Type("ip")
TEXTUAL = ("varchar", "jsontext")
#: What CloudTrail Lake has in the place of our JSON text: a map of texts, nested values as JSON.
TEXT_MAP = Type("map", (VARCHAR, JSONTEXT))


def array(of: Type) -> Type:
    return Type("array", (of,))


def from_arrow(type_: pa.DataType) -> Type:
    """The type of a column that is described by Arrow."""
    if pa.types.is_struct(type_):
        fields = [type_.field(i) for i in range(type_.num_fields)]
        return Type("row", tuple(from_arrow(f.type) for f in fields), tuple(f.name for f in fields))
    if pa.types.is_list(type_):
        return array(from_arrow(type_.value_type))
    if pa.types.is_string(type_):
        return VARCHAR
    if pa.types.is_integer(type_):
        return BIGINT
    if pa.types.is_boolean(type_):
        return BOOLEAN
    if pa.types.is_timestamp(type_):
        return TIMESTAMP
    return DATE if pa.types.is_date(type_) else UNKNOWN


_NAMED = {
    **dict.fromkeys(("VARCHAR", "CHAR", "TEXT", "NVARCHAR", "NCHAR"), VARCHAR),
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "TINYINT", "INT128", "UBIGINT", "UINT"), BIGINT),
    **dict.fromkeys(("DOUBLE", "FLOAT", "DECIMAL"), DOUBLE),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ", "TIMESTAMP_S", "TIMESTAMP_MS"), TIMESTAMP),
    "BOOLEAN": BOOLEAN,
    "DATE": DATE,
    "JSON": JSON,
    "IPADDRESS": IP,
}


def from_sql(type_: exp.Expr | None) -> Type:
    """The type that a CAST names."""
    if not isinstance(type_, exp.DataType):
        return UNKNOWN
    name = type_.this.name if hasattr(type_.this, "name") else str(type_.this)
    if name in ("ARRAY", "LIST"):
        return array(from_sql(type_.expressions[0]) if type_.expressions else UNKNOWN)
    if name == "MAP" and len(type_.expressions) == 2:
        return Type("map", tuple(from_sql(e) for e in type_.expressions))
    if name == "STRUCT":
        names = tuple(e.name or f"field{i}" for i, e in enumerate(type_.expressions))
        of = tuple(
            from_sql(e.args.get("kind") if isinstance(e, exp.ColumnDef) else e) for e in type_.expressions
        )
        return Type("row", of, names)
    return _NAMED.get(name, UNKNOWN)


def set_type(node: E, type_: Type) -> E:
    """Note the type on a node that a rule made, and return the node."""
    node.meta[META] = type_
    return node
