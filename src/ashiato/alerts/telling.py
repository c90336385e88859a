"""A record in one sentence. The only place where alerts ask for one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ashiato.core.settings import Settings

Language = Literal["en", "ja"]

#: A record (as AWS names its fields) and a language → who did what to which resource, from where, with what
#: result; without the time.
Tell = Callable[[Mapping[str, Any], Language], str]


def teller(settings: Settings) -> Tell:
    """The sentences of `ashiato.words`, with this estate's names."""
    from ashiato.network.addresses import Networks
    from ashiato.words import Names, sentence

    names = Names.of(settings, network=Networks.of(settings).name_of)

    def tell(record: Mapping[str, Any], language: Language) -> str:
        return sentence(record, language, names).text

    return tell


def short_name(arn: str) -> str:
    """
    >>> short_name("arn:aws:iam::111111111111:user/team/alice"), short_name("203.0.113.5")
    ('alice', '203.0.113.5')
    """
    if not arn.startswith("arn:"):
        return arn
    last = arn.split(":", 5)[-1]
    if ":assumed-role/" in arn:
        return "/".join(last.split("/")[1:])
    return re.split("[/:]", last)[-1] or arn
