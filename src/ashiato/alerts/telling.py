"""A record in one sentence, with this estate's names. The only place where alerts ask for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ashiato.core.settings import Settings
from ashiato.network.addresses import Networks
from ashiato.words import Language, Names, sentence

#: A record (as AWS names its fields) and a language → who did what to which resource, from where, with what
#: result; without the time.
Tell = Callable[[Mapping[str, Any], Language], str]


def names_of(settings: Settings) -> Names:
    """Names of accounts and of one's own networks."""
    return Names.of(settings, Networks(settings.networks, None).name_of)


def teller(names: Names) -> Tell:
    """The sentences of `ashiato.words`."""
    return lambda record, language: sentence(record, language, names).text
