"""Text out of logs as it may stand before a person: bounded, and with nothing in it that does not show."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

#: Characters of one value in a sentence, and of a whole sentence.
MOST_VALUE: Final = 120
MOST_SENTENCE: Final = 900


@lru_cache(maxsize=1 << 14)
def _shown(text: str, most: int) -> str:
    cut = text[:most]
    if not cut.isprintable():
        cut = "".join(
            c if c.isprintable() or c == "\u3000" else c.encode("unicode_escape").decode("ascii") for c in cut
        )
    return cut if len(text) <= most and len(cut) <= most else f"{cut[: most - 1]}…"


def shown(text: str, most: int = MOST_VALUE) -> str:
    r"""At most `most` characters; controls, bidirectional and invisible characters as visible escapes.

    >>> shown("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    # Long text is cut before it becomes a key of the cache.
    return _shown(text[: most + 1], most)
