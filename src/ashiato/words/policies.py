"""Policies as events carry them: JSON text, URL-encoded text or an object; what they allow, and whom.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from ashiato.formats.outcomes import opened
from ashiato.words.messages import Message, Phrase
from ashiato.words.names import Value

_EVERYTHING: Final = Phrase(Message("everything", "すべての操作"))
_ANYBODY: Final = Phrase(Message("anybody", "すべてのプリンシパル"))
_MOST: Final = 50


def statements(document: object) -> list[Mapping[str, Any]]:
    """Statements with effect Allow; none of what is no policy."""
    if isinstance(document, str) and document.startswith("%7B"):
        document = unquote(document[:200_000])
    policy = opened(document)
    found = policy.get("Statement") if isinstance(policy, Mapping) else None
    each = found if isinstance(found, list) else [found]
    return [s for s in each[:_MOST] if isinstance(s, Mapping) and s.get("Effect") == "Allow"]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (v for v in value[:_MOST] if isinstance(v, str))


def allowed(document: object) -> Value:
    """The actions that a policy allows; None where it names none."""
    actions = tuple(dict.fromkeys(a for s in statements(document) for a in _texts(s.get("Action"))))
    if any(a in ("*", "*:*") for a in actions):
        return _EVERYTHING
    return actions or None


def trusted(document: object) -> Value:
    """The principals that a policy lets in; `anybody` where one of them is everybody and nothing limits it."""
    if everybody(document):
        return _ANYBODY
    return tuple(dict.fromkeys(p for s in statements(document) for p in _principals(s))) or None


def everybody(document: object) -> bool:
    """Whether a statement allows everybody, without any condition."""
    return any("*" in _principals(s) and not s.get("Condition") for s in statements(document))


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    whom = statement.get("Principal")
    if isinstance(whom, Mapping):
        for value in whom.values():
            yield from _texts(value)
    else:
        yield from _texts(whom)


def foreign(document: object, account: str | None) -> tuple[str, ...]:
    """Accounts other than `account` that a policy lets in."""
    found = (
        match[0] for s in statements(document) for p in _principals(s) if (match := re.search(r"\d{12}", p))
    )
    return tuple(dict.fromkeys(a for a in found if a != account))
