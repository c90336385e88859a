"""What the descriptions of JSON documents are made of."""

from __future__ import annotations

#: path: (type, meaning). `a.b` is `b` inside `a`; `a[]` an element of the list `a`.
Keys = dict[str, tuple[str, str]]


def under(prefix: str, keys: Keys) -> Keys:
    """The keys of a document inside another."""
    return {f"{prefix}{key}": told for key, told in keys.items()}
