"""Sources and scopes of a statement, and the small steps of finding a column in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from ashiato.core.errors import QueryRefused
from ashiato.engine import names
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
                raise QueryRefused(
                    f"there is no field {name} in {made.name or 'the struct'}",
                    remedy=suggestion(names.nearest(name, list(type_.names)), list(type_.names)),
                )
        elif type_.kind == "unknown":
            inner = UNKNOWN
        else:
            return None
        made = set_type(exp.Dot(this=made, expression=exp.to_identifier(name, quoted=True)), inner)
    return made


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


def unknown_column(parts: list[str], scope: Scope) -> QueryRefused:
    relations = [r for r in scope.relations if r.name.lower() == parts[0].lower()] if len(parts) > 1 else []
    wanted = parts[1] if relations else parts[0]
    relations = relations or scope.relations
    columns = [own for r in relations for own, _ in r.columns.values()]
    views = [r.view for r in relations if r.view]
    aliases = [a for v in views for a in names.virtual_of(v)]
    where = ", ".join(dict.fromkeys(r.view or r.name for r in relations)) or "the statement"
    more = f" `ashiato schema {views[0]}` lists all" if views else ""
    return QueryRefused(
        f"there is no column {wanted} in {where}",
        remedy=suggestion(names.nearest(wanted, [*columns, *aliases]), columns) + more,
    )
