"""Rules that turn Athena's SELECT into DuckDB's: one pure function from a node to its replacement each.

A rule registers by decorator; a new file in this folder is found by itself. Rules run from the leaves up,
once per node, over a bound statement (binding.py), and return None where they have nothing to change.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlglot import exp

from ashiato.core.errors import QueryRefused
from ashiato.engine.inference import type_of
from ashiato.engine.types import META, UNKNOWN


@dataclass(frozen=True)
class Context:
    """What rules may know: the fixed current time, and whether `day` means the day of the month."""

    now: datetime
    day_is_number: bool = False


NodeRule = Callable[[exp.Expr, Context], "exp.Expr | None"]
CallRule = Callable[[exp.Anonymous, Context], "exp.Expr | None"]
_NODE_RULES: list[tuple[tuple[type[exp.Expr], ...], NodeRule]] = []
_CALL_RULES: dict[str, CallRule] = {}


def node(*classes: type[exp.Expr]) -> Callable[[NodeRule], NodeRule]:
    """Register a rule for nodes of these classes."""

    def register(rule: NodeRule) -> NodeRule:
        _NODE_RULES.append((classes, rule))
        return rule

    return register


def function(*names: str) -> Callable[[CallRule], CallRule]:
    """Register a rule for calls of these functions (Athena's names, lower case)."""

    def register(rule: CallRule) -> CallRule:
        _CALL_RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


@cache
def _load() -> None:
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")


def apply(tree: exp.Expr, context: Context) -> exp.Expr:
    """`tree` with every rule applied, leaves first."""
    _load()
    for current in reversed(list(tree.walk(bfs=False))):
        if current.meta.get("final") or (current is not tree and current.parent is None):
            continue
        replaced = _rewrite(current, context)
        if replaced is not current:
            if current is tree:
                tree = replaced
            else:
                current.replace(replaced)
    return tree


def _rewrite(current: exp.Expr, context: Context) -> exp.Expr:
    type_ = type_of(current)
    if isinstance(current, exp.Anonymous):
        rule = _CALL_RULES.get(str(current.this).lower())
        try:
            made = rule(current, context) if rule else None
        except (IndexError, ValueError):  # unpacking fewer or more arguments than the function has
            raise QueryRefused(
                f"{str(current.this).lower()} does not take {len(current.expressions)} arguments",
                where=current.sql("trino")[:120],
                remedy="See https://trino.io/docs/current/functions.html",
            ) from None
        return _kept(made, current, type_)
    for classes, node_rule in _NODE_RULES:
        if isinstance(current, classes):
            made = node_rule(current, context)
            if made is not None and made != current:
                return _kept(made, current, type_)
    return current


def _kept(made: exp.Expr | None, current: exp.Expr, type_: object) -> exp.Expr:
    """The replacement, with the type that the original had unless the rule noted its own."""
    if made is None:
        return current
    if META not in made.meta and type_ != UNKNOWN:
        made.meta[META] = type_
    return made
