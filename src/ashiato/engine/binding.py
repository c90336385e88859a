"""Finding out what every name of a statement means, and of which type it is.

Walks the statement as Trino scopes it; renames what AWS's tables call differently, and notes on each column
its type and the table it comes from. Rules (rules/) rely on these notes; pruning reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp, parse_one

from ashiato.core.errors import QueryRefused
from ashiato.engine import config_shapes, names
from ashiato.engine.dialect import call, text
from ashiato.engine.inference import type_of
from ashiato.engine.scopes import (
    Outputs,
    Relation,
    Scope,
    dotted,
    fields_of,
    from_store,
    is_group,
    is_store,
    lower_names,
    put_in_place,
    real_column,
    unknown_column,
    unknown_table,
    with_names,
)
from ashiato.engine.types import JSONTEXT, UNKNOWN, set_type
from ashiato.engine.unnesting import lateral


@dataclass
class TableUse:
    """One mention of a lake table: its view and the SELECT whose conditions apply to it."""

    view: str
    select: exp.Select


class Binder:
    """Binds one statement in place; `uses` then lists the mentions of lake tables."""

    def __init__(self, tree: exp.Expr) -> None:
        self.tree = tree
        self.uses: list[TableUse] = []
        identifiers = {i.name.lower() for i in tree.find_all(exp.Identifier)}
        self._files_shape = "configurationitems" in identifiers
        self._store_shape = bool({"eventdata", "eventjson"} & identifiers)
        self._latest = any(found.is_string and found.this == "latest" for found in tree.find_all(exp.Literal))
        self.day_is_number = bool({"year", "month"} & identifiers)
        self._unnamed = 0

    def bind(self) -> None:
        self._query(self.tree, None, {})

    # -- queries ---------------------------------------------------------------------------------------

    def _query(self, node: exp.Expr, outer: Scope | None, ctes: dict[str, Outputs]) -> Outputs:
        ctes = self._with(node, outer, ctes)
        if isinstance(node, exp.Subquery):
            self._modifiers(node, Scope([], outer), ctes)
            return self._query(node.this, outer, ctes)
        if isinstance(node, exp.SetOperation):
            left = self._query(node.left, outer, ctes)
            self._query(node.right, outer, ctes)
            relation = Relation("", {n.lower(): (n, t) for n, t in left})
            self._modifiers(node, Scope([relation], outer), ctes)
            return left
        if isinstance(node, exp.Select):
            return self._select(node, outer, ctes)
        if isinstance(node, exp.Values):
            return self._values(node, Scope([], outer), ctes)
        if isinstance(node, exp.Table):
            raise QueryRefused("a statement must be a SELECT", remedy="Write SELECT * FROM and its name")
        raise QueryRefused("this form of statement is not run", remedy="Write one SELECT")

    def _with(self, node: exp.Expr, outer: Scope | None, ctes: dict[str, Outputs]) -> dict[str, Outputs]:
        with_ = node.args.get("with_") or node.args.get("with")
        if with_ is None:
            return ctes
        ctes = dict(ctes)
        for cte in with_.expressions:
            body = cte.this
            names_ = [i.name for i in (cte.args["alias"].args.get("columns") or [])]
            if with_.args.get("recursive") and isinstance(body, exp.SetOperation):
                first = self._query(body.left.copy(), outer, ctes)
                ctes[cte.alias.lower()] = with_names(first, names_)
            ctes[cte.alias.lower()] = with_names(self._query(body, outer, ctes), names_)
        return ctes

    def _modifiers(self, node: exp.Expr, scope: Scope, ctes: dict[str, Outputs]) -> None:
        order = node.args.get("order")
        if order is not None:
            for relation in scope.relations:
                scope.aliases |= {k: t for k, (_, t) in relation.columns.items()}
            self._visit(order, scope, ctes, prefer_alias=True)

    def _values(self, node: exp.Values, scope: Scope, ctes: dict[str, Outputs]) -> Outputs:
        self._children(node, scope, ctes)
        rows = node.expressions
        first = rows[0].expressions if rows and isinstance(rows[0], exp.Tuple) else rows[:1]
        return [(f"col{i}", type_of(e)) for i, e in enumerate(first)]

    def _select(self, node: exp.Select, outer: Scope | None, ctes: dict[str, Outputs]) -> Outputs:
        scope = Scope([], outer)
        from_ = node.args.get("from_") or node.args.get("from")
        if from_ is None and node.args.get("where") is not None and node is self.tree:
            raise QueryRefused(
                "the statement has no FROM",
                remedy="AWS Config's advanced query language is not read yet; "
                "as SQL, name the table: SELECT … FROM config_items WHERE …",
            )
        if from_ is not None:
            self._source(from_.this, scope, node, ctes)
        for join in node.args.get("joins") or []:
            self._join(join, scope, node, ctes)
        for lateral_ in node.args.get("laterals") or []:
            self._source(lateral_, scope, node, ctes)
        for projection in list(node.expressions):
            self._visit(projection, scope, ctes)
        outputs: Outputs = []
        for index, projection in enumerate(list(node.expressions)):
            outputs += self._outputs(projection, index, scope)
        scope.aliases = {
            p.alias.lower(): type_of(p.this) for p in node.expressions if isinstance(p, exp.Alias)
        }
        handled = {"expressions", "from_", "from", "joins", "laterals", "with_", "with", "order"}
        for key, value in list(node.args.items()):
            if key not in handled:
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, exp.Expr):
                        self._visit(child, scope, ctes)
        if node.args.get("order") is not None:
            self._visit(node.args["order"], scope, ctes, prefer_alias=True)
        return outputs

    def _outputs(self, projection: exp.Expr, index: int, scope: Scope) -> Outputs:
        if isinstance(projection, exp.Star) or (
            isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
        ):
            wanted = projection.text("table").lower()
            found = [r for r in scope.relations if not wanted or r.name.lower() == wanted]
            return [pair for relation in found for pair in relation.columns.values()]
        return [(projection.alias_or_name or f"_col{index}", type_of(projection))]

    # -- sources ---------------------------------------------------------------------------------------

    def _join(self, join: exp.Join, scope: Scope, select: exp.Select, ctes: dict[str, Outputs]) -> None:
        self._source(join.this, scope, select, ctes)
        if join.args.get("on") is not None:
            self._visit(join.args["on"], scope, ctes)

    def _source(self, node: exp.Expr, scope: Scope, select: exp.Select, ctes: dict[str, Outputs]) -> None:
        if isinstance(node, exp.Table):
            scope.relations.append(self._table(node, select, ctes))
        elif isinstance(node, exp.Unnest):
            for argument in node.expressions:
                self._visit(argument, scope, ctes)
            self._unnamed += 1
            replaced, outputs = lateral(node, f"_unnest{self._unnamed}")
            node.replace(replaced)
            relation = Relation(replaced.alias)
            for name, type_ in outputs:
                relation.add(name, type_)
            scope.relations.append(relation)
        elif isinstance(node, exp.Subquery) and is_group(node):
            self._group(node, scope, select, ctes)
        elif isinstance(node, exp.Subquery | exp.Values | exp.Lateral):
            self._derived(node, scope, ctes)
        elif isinstance(node, exp.Select):
            raise QueryRefused("FROM stands twice", remedy="Write FROM once, and then the table's name")
        else:
            raise QueryRefused("this kind of source in FROM is not known", where=node.sql("trino")[:80])
        for join in node.args.get("joins") or []:
            self._join(join, scope, select, ctes)

    def _group(self, node: exp.Subquery, scope: Scope, select: exp.Select, ctes: dict[str, Outputs]) -> None:
        """Joins in parentheses; where the group has an alias, that is the name of all its columns."""
        if not node.alias:
            self._source(node.this, scope, select, ctes)
            return
        inner = Scope([], scope.outer)
        self._source(node.this, inner, select, ctes)
        relation = Relation(node.alias)
        for part in inner.relations:
            for name, type_ in part.columns.values():
                relation.add(name, type_)
        scope.relations.append(relation)

    def _derived(self, node: exp.Expr, scope: Scope, ctes: dict[str, Outputs]) -> None:
        if not node.alias:
            self._unnamed += 1
            node.set("alias", exp.TableAlias(this=exp.to_identifier(f"_q{self._unnamed}", quoted=True)))
        is_lateral = isinstance(node, exp.Lateral)
        query = node.this if isinstance(node, exp.Lateral) else node
        if is_lateral and not isinstance(query, exp.Subquery | exp.Query):
            raise QueryRefused("this kind of source in FROM is not known", where=node.sql("trino")[:80])
        outputs = self._query(query, scope if is_lateral else scope.outer, ctes)
        alias = node.args["alias"]
        relation = Relation(node.alias)
        for name, type_ in with_names(outputs, [i.name for i in alias.args.get("columns") or []]):
            relation.add(name, type_)
        scope.relations.append(relation)

    def _table(self, node: exp.Table, select: exp.Select, ctes: dict[str, Outputs]) -> Relation:
        if not isinstance(node.this, exp.Identifier):
            return Relation(node.alias or node.name, open=True)
        name = node.name
        if not node.db and name.lower() in ctes:
            relation = Relation(node.alias or name)
            columns = node.args["alias"].args.get("columns") if node.args.get("alias") else None
            for column, type_ in with_names(ctes[name.lower()], [i.name for i in columns or []]):
                relation.add(column, type_)
            return relation
        view = names.table_of(name)
        if view is None or node.db.lower() in ("information_schema", "pg_catalog"):
            raise unknown_table(name, node.sql("trino"))
        store = (view == "config_store" and not self._files_shape) or (
            self._store_shape and view == "cloudtrail" and is_store(name) and self._wants_config(node, select)
        )
        view = "config_items" if view == "config_store" or store else view
        files = self._files_shape and view.startswith("config_items") and not store
        alias = node.alias or name
        self.uses.append(TableUse(view, select))
        relation = Relation(alias, view=view, use=len(self.uses) - 1, store=store)
        self._name_source(node, view, alias, files)
        if files:
            relation.view = None
            for column, type_ in config_shapes.files_columns().items():
                relation.add(column, type_)
            return relation
        for column, type_ in names.columns_of(view).items():
            relation.add(column, type_)
        return relation

    def _name_source(self, node: exp.Table, view: str, alias: str, files: bool) -> None:
        identifier = exp.to_identifier(alias, quoted=True)
        if files:
            body = parse_one(config_shapes.files_select(view, self._latest), read="duckdb")
            for inner in body.walk():
                inner.meta["final"] = True
            subquery = exp.Subquery(this=body, alias=exp.TableAlias(this=identifier))
            for key in ("joins", "sample"):
                if node.args.get(key):
                    subquery.set(key, node.args[key])
            node.replace(subquery)
            return
        node.set("db", None)
        node.set("catalog", None)
        node.set("this", exp.to_identifier(view, quoted=True))
        if not node.args.get("alias"):
            node.set("alias", exp.TableAlias())
        node.args["alias"].set("this", identifier)

    @staticmethod
    def _wants_config(node: exp.Table, select: exp.Select) -> bool:
        """Whether this mention of an event data store is asked for `eventData`."""
        alias = (node.alias or node.name).lower()
        sources = list(select.find_all(exp.Table))
        for column in select.find_all(exp.Column):
            parts = [p.name.lower() for p in column.parts]
            if "eventdata" in parts[:2] and (len(sources) == 1 or parts[0] in (alias, "eventdata")):
                return parts[0] != "eventdata" or len(sources) == 1 or "config" in alias
        return False

    # -- expressions -----------------------------------------------------------------------------------

    def _visit(
        self, node: exp.Expr, scope: Scope, ctes: dict[str, Outputs], prefer_alias: bool = False
    ) -> None:
        if node.meta.get("final"):
            return
        if isinstance(node, exp.Query):
            self._query(node, scope, ctes)
        elif isinstance(node, exp.Column):
            self._column(node, [], scope, prefer_alias)
        elif isinstance(node, exp.Dot):
            root, path = dotted(node)
            if isinstance(root, exp.Column):
                self._column(node, path, scope, prefer_alias)
            else:
                self._visit(root, scope, ctes, prefer_alias)
                self._dot(node)
        elif isinstance(node, exp.Lambda):
            self._lambda(node, scope, ctes)
        else:
            self._children(node, scope, ctes, prefer_alias)

    def _children(
        self, node: exp.Expr, scope: Scope, ctes: dict[str, Outputs], prefer_alias: bool = False
    ) -> None:
        for child in list(node.iter_expressions()):
            self._visit(child, scope, ctes, prefer_alias)

    def _lambda(self, node: exp.Lambda, scope: Scope, ctes: dict[str, Outputs]) -> None:
        parent = node.parent
        source = (
            parent.expressions[0] if isinstance(parent, exp.Anonymous) else parent.this if parent else None
        )
        of = type_of(source).of if isinstance(source, exp.Expr) and source is not node else ()
        for index, parameter in enumerate(node.expressions):
            type_ = of[index] if index < len(of) else UNKNOWN
            for use in node.this.find_all(exp.Identifier):
                field_name = isinstance(use.parent, exp.Dot) and use.parent.expression is use
                if use.name.lower() == parameter.name.lower() and not field_name:
                    set_type(use, type_)
        self._visit(node.this, scope, ctes)

    def _dot(self, node: exp.Dot) -> None:
        """A field of something that is not a column: of a call, a subscript or a lambda's parameter."""
        inner = type_of(node.this)
        if inner.kind == "jsontext":
            node.replace(set_type(call("ax_json_field", node.this, text(node.expression.name)), JSONTEXT))
        else:
            set_type(node, inner.field(node.expression.name) or UNKNOWN)

    def _column(self, node: exp.Expr, path: list[str], scope: Scope, prefer_alias: bool) -> None:
        root = node if isinstance(node, exp.Column) else next(iter(node.find_all(exp.Column)))
        if isinstance(root.this, exp.Star):
            return
        parts = [p.name for p in root.parts] + path
        if len(parts) == 1 and prefer_alias and parts[0].lower() in scope.aliases:
            set_type(node, scope.aliases[parts[0].lower()])
            return
        current: Scope | None = scope
        while current is not None:
            found = self._resolve(parts, current)
            if found is not None:
                put_in_place(node, found, parts[-1])
                return
            current = current.outer
        if len(parts) == 1 and parts[0].lower() in scope.aliases:
            set_type(node, scope.aliases[parts[0].lower()])
            return
        raise unknown_column(parts, scope, quoted=len(parts) == 1 and bool(root.this.args.get("quoted")))

    def _resolve(self, parts: list[str], scope: Scope) -> exp.Expr | None:
        for skip in (1, 2, 3):  # table.column, schema.table.column, catalog.schema.table.column
            if len(parts) <= skip:
                break
            for relation in scope.relations:
                if relation.name.lower() == parts[skip - 1].lower():
                    made = self._in_relation(relation, parts[skip:])
                    if made is not None:
                        return made
        for virtual in (False, True):
            for relation in scope.relations:
                made = self._in_relation(relation, parts, virtual)
                if made is not None:
                    return made
        for relation in scope.relations:
            if relation.open:
                return exp.column(parts[-1], table=parts[-2] if len(parts) > 1 else None, quoted=True)
        return None

    def _in_relation(
        self, relation: Relation, parts: list[str], virtual: bool | None = None
    ) -> exp.Expr | None:
        lower = parts[0].lower()
        if relation.store and lower in ("eventdata", *config_shapes.store_columns()) and virtual is not True:
            return from_store(relation, parts)
        if lower in relation.columns and virtual is not True:
            deep = names.in_extra(relation.view, parts)
            if deep is not None:
                return set_type(deep.make(lambda c: real_column(relation, c)), deep.type)
            return fields_of(real_column(relation, relation.columns[lower][0]), parts[1:])
        made = None if virtual is False else self._virtual(relation, lower)
        return None if made is None else fields_of(made, parts[1:])

    def _virtual(self, relation: Relation, name: str) -> exp.Expr | None:
        view = relation.view
        if view is None:  # a derived table that shows all columns of a lake table has its partitions, too
            view = next(
                (v for v in names.VIEWS if set(lower_names(names.columns_of(v))) <= set(relation.columns)),
                None,
            )
        virtual = names.virtual_of(view).get(name) if view else None
        if virtual is None:
            return None
        return set_type(virtual.make(lambda c: real_column(relation, c)), virtual.type)
