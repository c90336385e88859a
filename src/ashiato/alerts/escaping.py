"""Log text on its way into messages: anybody may have written it, and channels obey what they can read.

A message is plain text of bounded length without control or direction characters. For chats, what would mention
somebody, format, or be a link is taken apart as well, for not every service lets text be sent as text alone.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

#: Control characters, line and paragraph separators, text direction marks, invisible tags, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_LINK = re.compile(r"\b(https?|ftps?|file|ws|wss)://", re.IGNORECASE)
#: What Slack, Discord, Teams, Mattermost, Telegram take for a mention, a link or formatting.
_CHAT = str.maketrans(
    {"<": "\u2039", ">": "\u203a", "[": "(", "]": ")", "`": "'", "*": "\u2217", "|": "\u00a6"}
)
_MENTION = re.compile(r"@(?=\w)")
_HASH = re.compile(r"(?<![^\s(])([#!~_])(?=\S)")


def one_line(text: str, most: int = 600) -> str:
    r"""Text on one line, without what a reader or terminal would obey, at most `most` characters.

    >>> one_line("a\r\nBcc: x\u202e")
    'a Bcc: x'
    """
    text = re.sub(r"[\r\n\t\v\f\u0085\u2028\u2029]+", " ", text[: most * 4])
    text = _UNSAFE.sub("", text).strip()
    return text if len(text) <= most else text[: most - 1] + "…"


def no_link(text: str) -> str:
    """
    >>> no_link("see http://a.example/")
    'see http[:]//a.example/'
    """
    return _LINK.sub(lambda m: f"{m[1]}[:]//", text)


def for_chat(text: str) -> str:
    """Text that mentions nobody and formats nothing, as a person still reads it.

    >>> for_chat("<!channel> @here [x](http://a.example)")
    '‹!channel› @\\u200bhere (x)(http(:)//a.example)'
    """
    text = _LINK.sub(lambda m: f"{m[1]}(:)//", text).translate(_CHAT)
    return _MENTION.sub("@\u200b", _HASH.sub("\u200b\\1", text))


def for_html(text: str) -> str:
    """Text inside an element."""
    return html.escape(no_link(text))


def for_ascii(text: str, most: int) -> str | None:
    """ASCII as SNS wants it for a subject, or None where the text says nothing then.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: fewer than 100 characters, no line breaks.
    """
    plain = one_line(text, most).replace("…", "...")
    return plain[:most] if plain.isascii() and plain[:1].isalnum() else None


def for_reading(record: Mapping[str, Any], most: int = 20_000) -> str:
    r"""A record as JSON that people read; what a reader would obey is written as an escape.

    >>> print(for_reading({"a": "x\u202e"}))
    {
      "a": "x\u202e"
    }
    """
    text = json.dumps(record, ensure_ascii=False, indent=2, default=str)
    shown = "\n".join(_UNSAFE.sub(_escaped, line) for line in text[:most].split("\n"))
    return shown if len(text) <= most else shown + "\n…"


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
