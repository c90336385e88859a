"""Secrets in settings: named, never written there."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ashiato.core.errors import WrongUse

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def names_place(text: str) -> bool:
    """Whether it only says where the secret is, and holds nothing of it.

    >>> names_place("${CHANNEL}"), names_place("${HOST}/token"), names_place("file:/etc/channel")
    (True, False, True)
    """
    return text.startswith("file:") or _NAME.fullmatch(text) is not None


def resolve_secret(text: str, where: str) -> str:
    """`text` with each `${NAME}` replaced by the environment variable, or the content of `file:/path`.

    Raises WrongUse naming the variable or file, never its value. `where`: the setting.

    >>> resolve_secret("plain", "channels.x.url")
    'plain'
    """
    if text.startswith("file:"):
        path = Path(text.removeprefix("file:")).expanduser()
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise WrongUse(
                f"the file {path} with the secret cannot be read: {error}",
                where=where,
                remedy="Check the path and that this user may read it.",
            ) from error

    def value(found: re.Match[str]) -> str:
        try:
            return os.environ[found[1]]
        except KeyError:
            raise WrongUse(
                f"the environment variable {found[1]} is not set",
                where=where,
                remedy=f"Set {found[1]} for the process (systemd: EnvironmentFile=), or name a file: file:/path.",
            ) from None

    return _NAME.sub(value, text)
