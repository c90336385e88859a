"""Where a form leads back to: never off these pages."""

from __future__ import annotations

import re

_OURS = re.compile(r"/(?:[^/\\\x00-\x20][^\\\x00-\x20]*)?")


def safe_return(address: str, default: str = "/") -> str:
    r"""The address if it is a path of ours.

    >>> safe_return("/alerts?level=high"), safe_return("//evil.example"), safe_return("/\\evil.example")
    ('/alerts?level=high', '/', '/')
    """
    return address if len(address) <= 4000 and _OURS.fullmatch(address) else default
