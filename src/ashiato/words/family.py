"""A family: the operations that belong together, and the sentences about them. One module in `families/` each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Protocol

from ashiato.words.calls import Call
from ashiato.words.messages import Language, Message
from ashiato.words.names import Names, Value

#: Names of operations that stand for many: of the generic family.
ANY, SERVICE_EVENT, INSIGHT, AGGREGATE = "*", "AwsServiceEvent", "Insight", "Aggregated"

#: Where a placeholder's value is found: a path (see Call.values), or a function of the event. A function may also
#: answer whether a message holds, for a part that no message says (see `Family.says`).
Part = str | Callable[[Call], Value | bool]
#: A message in English and Japanese, and perhaps the parts that must be there although it does not say them.
Said = tuple[str, str] | tuple[str, str, str]


@dataclass(frozen=True)
class Operation:
    """Sentences about one operation, from the one that says most: the first is taken whose values are all there.

    `about` names the parts that hold the resource which the sentence is about.
    """

    messages: tuple[tuple[Message, frozenset[str]], ...]
    parts: Mapping[str, Part]
    about: tuple[str, ...]

    def chosen(self, call: Call) -> tuple[Message, dict[str, Value]] | None:
        """The sentence and its values, without `who`; None where no sentence fits."""
        values = {name: _value(call, part) for name, part in self.parts.items()}
        there = {name for name, value in values.items() if value} | {"who"}
        for message, needed in self.messages:
            if needed <= there:
                return message, {n: v for n, v in values.items() if not isinstance(v, bool)}
        return None

    def subjects(self, call: Call) -> Iterator[str]:
        """What the sentence is about, as the log has it."""
        for name in self.about:
            value = _value(call, self.parts[name])
            if isinstance(value, str):
                yield value
            elif isinstance(value, tuple):
                yield from value


def _value(call: Call, part: Part) -> Value | bool:
    return call.values(part) if isinstance(part, str) else part(call)


class Family:
    """Operations of one or several services. `operations`: (eventSource, name without the API's date)."""

    def __init__(self, *services: str) -> None:
        self.sources = tuple(f"{service}.amazonaws.com" for service in services) or ("",)
        self.operations: dict[tuple[str, str], Operation] = {}

    def says(self, names: str, *messages: Said, about: str | None = None, **parts: Part) -> None:
        """Adds operations (names with spaces between them) with their messages, as (English, Japanese).

        A third text of a message names parts that must be there too. What the operations are about is the first
        part, or those in `about`.
        """
        told = tuple(_told(*message) for message in messages)
        operation = Operation(told, parts, tuple(list(parts)[:1] if about is None else about.split()))
        unknown = {n for _, needed in told for n in needed} - set(parts) - {"who"}
        if unknown:
            raise ValueError(f"no part says {', '.join(sorted(unknown))} of {names}")
        for name in names.split():
            for source in self.sources:
                self.operations[source, name] = operation


def single(path: str) -> Callable[[Call], bool]:
    """Whether there is exactly one value at a path: English asks."""
    return lambda call: len(call.values(path)) == 1


def _told(en: str, ja: str, needed: str = "") -> tuple[Message, frozenset[str]]:
    message = Message(en, ja)
    return message, message.names | set(needed.split())


@dataclass(frozen=True)
class Told:
    """A sentence about a record that is no call, and its parts."""

    text: str
    who: str
    did: str
    what: str
    where: str | None = None
    result: str = ""


class RecordFamily(Protocol):
    """A module in `families/` about another kind of record than calls: it has these three functions."""

    def accepts(self, record: Mapping[str, Any], /) -> bool: ...
    def told(self, record: Mapping[str, Any], language: Language, names: Names, /) -> Told: ...
    def resources(self, record: Mapping[str, Any], /) -> tuple[str, ...]: ...


@lru_cache(maxsize=1)
def modules() -> tuple[ModuleType, ...]:
    """Every module in `families/`, by name."""
    from ashiato.words import families

    return tuple(import_module(m.name) for m in iter_modules(families.__path__, f"{families.__name__}."))


@lru_cache(maxsize=1)
def operations() -> Mapping[tuple[str, str], Operation]:
    """Every operation of every module that has a `FAMILY`, or several as `FAMILIES`."""
    found: dict[tuple[str, str], Operation] = {}
    for module in modules():
        for family in getattr(module, "FAMILIES", (module.FAMILY,) if hasattr(module, "FAMILY") else ()):
            found.update(family.operations)
    return found


@lru_cache(maxsize=1)
def record_families() -> tuple[RecordFamily, ...]:
    """The modules about other records than calls."""
    return tuple(m for m in modules() if hasattr(m, "told"))
