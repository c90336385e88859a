"""Sources and scopes of a statement, and the small steps of finding a column in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from ashiato.core.errors import QueryRefused
from ashiato.engine import config_shapes, names
from ashiato.engine.dialect import call, text
from ashiato.engine.inference import type_of
from ashiato.engine.types import JSONTEXT, UNKNOWN, Type, set_type

COLUMN_OF = "ashiato_column"


@dataclass
class Relation:
    """One source of a scope. `open` sources may have columns that we cannot know."""

    name: str
    columns: dict[str, tuple[str, Type]] = field(default_factory=dict)
    view: str | None = None
    use: int | None = None
    store: bool = False
    open: bool = False

    def add(self, name: str, type_: Type) -> None:
        self.columns.setdefault(name.lower(), (name, type_))


@dataclass
class Scope:
    relations: list[Relation]
    outer: Scope | None
    aliases: dict[str, Type] = field(default_factory=dict)


Outputs = list[tuple[str, Type]]


def is_group(node: exp.Expr) -> bool:
    """Whether these parentheses hold joined tables, not a query."""
    inner = node.this
    while isinstance(inner, exp.Subquery) and not inner.args.get("joins"):
        inner = inner.this
    return not isinstance(inner, exp.Query) or isinstance(inner, exp.Subquery)


def is_store(name: str) -> bool:
    return "store" in name.lower() or "eds" in name.lower()


def lower_names(columns: Iterable[str]) -> Iterator[str]:
    return (c.lower() for c in columns)


def with_names(outputs: Outputs, new: list[str]) -> Outputs:
    return [(new[i] if i < len(new) else n, t) for i, (n, t) in enumerate(outputs)]


def real_column(relation: Relation, name: str) -> exp.Column:
    own, type_ = relation.columns.get(name.lower(), (name, UNKNOWN))
    column = exp.column(
        exp.to_identifier(own, quoted=True), table=exp.to_identifier(relation.name, quoted=True)
    )
    if relation.use is not None and relation.view is not None:
        column.meta[COLUMN_OF] = (relation.use, own)
    return set_type(column, type_)


def fields_of(made: exp.Expr, path: list[str]) -> exp.Expr | None:
    """`made` and then the fields of `path`; None where a row has no such field."""
    for name in path:
        type_ = type_of(made)
        if type_.kind == "jsontext":
            made = set_type(call("ax_json_field", made, text(name)), JSONTEXT)
            continue
        if type_.kind == "row":
            inner = type_.field(name)
            if inner is None:
                raise unknown_field(name, made.name or "the struct", list(type_.names))
        elif type_.kind == "unknown":
            inner = UNKNOWN
        else:
            return None
        made = set_type(exp.Dot(this=made, expression=exp.to_identifier(name, quoted=True)), inner)
    return made


def from_store(relation: Relation, parts: list[str]) -> exp.Expr | None:
    """A column of Config's event data store, or a field of its `eventData`."""
    if parts[0].lower() != "eventdata":
        virtual = config_shapes.store_columns()[parts[0].lower()]
        return fields_of(set_type(virtual.make(lambda c: real_column(relation, c)), virtual.type), parts[1:])
    row, columns = config_shapes.store_event_data()
    if len(parts) > 1:
        wanted = config_shapes.STORE_ALIASES.get(parts[1].lower(), parts[1])
        own = next((f for f in columns if f.lower() == wanted.lower()), None)
        if own is None:
            raise unknown_field(parts[1], "eventData", list(columns))
        return fields_of(real_column(relation, columns[own]), parts[2:])
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(f), expression=real_column(relation, c))
        for f, c in columns.items()
    ]
    return set_type(exp.Struct(expressions=fields), row)


def dotted(node: exp.Dot) -> tuple[exp.Expr, list[str]]:
    path: list[str] = []
    current: exp.Expr = node
    while isinstance(current, exp.Dot):
        path.insert(0, current.expression.name)
        current = current.this
    return current, path


def put_in_place(node: exp.Expr, made: exp.Expr, shown: str) -> None:
    """Put `made` in the place of `node`; a projection keeps the name that it was asked by."""
    parent = node.parent
    if isinstance(parent, exp.Select) and node.arg_key == "expressions" and made.name != shown:
        made = set_type(exp.alias_(made, shown, quoted=True), type_of(made))
    elif isinstance(parent, exp.Select) and node.arg_key == "expressions" and isinstance(made, exp.Column):
        made.this.set("this", shown)
    node.replace(made)


def suggestion(close: list[str], all_: list[str]) -> str:
    return f"Did you mean {' or '.join(close)}?" if close else f"There are {', '.join(all_[:12])}"


def unknown_field(name: str, inside: str, fields: list[str]) -> QueryRefused:
    return QueryRefused(
        f"there is no field {name} in {inside}", remedy=suggestion(names.nearest(name, fields), fields)
    )


def unknown_table(name: str, written: str) -> QueryRefused:
    """The refusal, with the nearest of our tables, or whose table it is where that is known."""
    other = names.other_service(name)
    if other:
        return QueryRefused(
            f"there is no table {written}: {other} are not kept here",
            remedy=f"The tables are {', '.join(names.VIEWS)}",
        )
    close = names.nearest(name, list(names.VIEWS))
    return QueryRefused(
        f"there is no table {written}",
        remedy=(f"Did you mean {' or '.join(close)}? " if close else "")
        + f"The tables are {', '.join(names.VIEWS)}",
    )


def unknown_column(parts: list[str], scope: Scope, quoted: bool = False) -> QueryRefused:
    relations = [r for r in scope.relations if r.name.lower() == parts[0].lower()] if len(parts) > 1 else []
    wanted = parts[1] if relations else parts[0]
    relations = relations or scope.relations
    if not relations:
        return QueryRefused(
            f"there is no column {wanted}: the statement names no table", remedy="Add FROM and a table"
        )
    columns = [own for r in relations for own, _ in r.columns.values()]
    views = [r.view for r in relations if r.view]
    aliases = [a for v in views for a in names.virtual_of(v)]
    where = ", ".join(dict.fromkeys(r.view or r.name for r in relations))
    more = f" `ashiato schema {views[0]}` lists all" if views else ""
    close = names.nearest(wanted, [*columns, *aliases])
    if quoted and not close:
        more = f"; if it is meant as a text, write '{wanted}' in single quotes"
    return QueryRefused(f"there is no column {wanted} in {where}", remedy=suggestion(close, columns) + more)
