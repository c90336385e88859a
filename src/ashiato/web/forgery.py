"""Requests that another site makes a browser send: by Sec-Fetch-Site, then Origin, then a token in the form."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ashiato.access.digests import same

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


def forged(request: HTTPConnection, given: str, expected: str) -> bool:
    """Whether a request that changes something may be another site's. `given`: the form's field `csrf`; `expected`:
    the session's own token, empty where it has none.

    Every browser since 2023 sends Sec-Fetch-Site and decides it alone; where neither that nor Origin comes, only the
    token lets it through: nothing at all is refused.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is not None:
        return origin == "null" or urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    return not expected or not same(unmasked(given), expected)


def masked(token: str) -> str:
    """The token under a new mask each time, so that the length of a compressed page tells nothing of it (BREACH)."""
    value = bytes.fromhex(token)
    mask = secrets.token_bytes(len(value))
    return (mask + bytes(a ^ b for a, b in zip(value, mask, strict=True))).hex()


def unmasked(text: str) -> str:
    """The token of a form; empty for what is none."""
    try:
        both = bytes.fromhex(text)
    except ValueError:
        return ""
    half = len(both) // 2
    if not half or len(both) % 2:
        return ""
    return bytes(a ^ b for a, b in zip(both[:half], both[half:], strict=True)).hex()
