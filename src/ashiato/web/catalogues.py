"""Messages in English and Japanese: the .po files of `locale/`, one an area, read when the pages start.

They are read as they are, so that an editable install and a wheel need no step that compiles them.
"""

from __future__ import annotations

import gettext
import io
from functools import lru_cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"


@lru_cache(maxsize=4)
def translations(language: str) -> gettext.NullTranslations:
    """All messages of a language together. English is the language of the messages themselves."""
    folder = LOCALE / language
    if not folder.is_dir():
        return gettext.NullTranslations()
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    merged = Catalog(locale=language)
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string:
                    merged[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
