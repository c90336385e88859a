"""Text out of log records on its way into columns of the control database.

What a record holds is anybody's: PostgreSQL refuses NUL, SQLite lone surrogates, and a column too long a
text; none of these may stop what is being taken in.
"""

from __future__ import annotations

import re

_REFUSED = re.compile("[\x00\ud800-\udfff]")


def printable(text: str, most: int) -> str:
    r"""At most `most` characters, those that a database refuses written as escapes.

    >>> printable("a\x00b", 10)
    'a\\x00b'
    """
    return _REFUSED.sub(lambda m: m[0].encode("unicode_escape").decode(), text[:most])[:most]


def fitting(text: str | None, most: int) -> str | None:
    """The text, or None where a column of `most` characters cannot hold it as it is."""
    return None if text is None or len(text) > most or _REFUSED.search(text) else text
