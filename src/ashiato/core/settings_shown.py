"""Settings as they are in force, for people: each with its value, its meaning, and no secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ashiato.core.secrets import names_place
from ashiato.core.settings import Settings
from ashiato.core.text import printable

#: Values that may hold a password or a key, wherever they stand.
SECRET = frozenset({"url", "access_key", "heartbeat_url", "heartbeat_mail", "ledger_url", "external_id"})
HIDDEN = "•••"
_LONGEST = 400


@dataclass(frozen=True)
class Shown:
    """One setting. `value` is text as TOML has it, or empty for none; `usual`: it is as it comes."""

    key: str
    value: str
    usual: bool
    meaning: str


def shown(settings: Settings) -> list[Shown]:
    """Every setting, in the order of docs/settings.md; lists of tables (sources, channels, accounts) one by one."""
    return list(_of(settings, ""))


def _of(model: BaseModel, prefix: str) -> Iterator[Shown]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        key = f"{prefix}{info.alias or name}"
        if isinstance(value, BaseModel):
            yield from _of(value, f"{key}.")
        elif isinstance(value, list) and value and all(isinstance(v, BaseModel) for v in value):
            for number, member in enumerate(value):
                yield from _of(member, f"{key}.{_name(member, number)}.")
        else:
            yield Shown(key, _text(name, value), _usual(info, value), info.description or "")


def _name(member: BaseModel, number: int) -> str:
    """A member of a list by its own name, where it has one."""
    for field in ("name", "ticket", "id"):
        found = getattr(member, field, None)
        if found:
            return printable(str(found), 60)
    return str(number)


def _usual(info: FieldInfo, value: Any) -> bool:
    return not info.is_required() and bool(value == info.get_default(call_default_factory=True))


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if name in SECRET:
        # What only names the place of a secret says nothing of it.
        return str(value) if names_place(str(value)) else HIDDEN
    if isinstance(value, timedelta):
        return f"{value.days} d" if value.seconds == 0 and value.days else f"{value.total_seconds():g} s"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return printable(", ".join(str(v) for v in value), _LONGEST)
    return printable(str(value), _LONGEST)
