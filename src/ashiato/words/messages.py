"""Messages: whole sentences in English and Japanese, with named placeholders.

`[created|tried to create]` holds two sentences in one: what was done, and what was only tried. Values are put in
after the sentence is chosen and are never read as templates. A `Phrase` is a value that has a form in each language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Language = Literal["en", "ja"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")

_ALTERNATIVE: Final = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_WIDE: Final = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")

#: A template taken apart: text, name, text, name … text.
Pieces = tuple[str, ...]


def _pieces(template: str) -> Pieces:
    return tuple(_PLACEHOLDER.split(template))


def _joined(pieces: Pieces, values: Mapping[str, str], *, wide: bool) -> str:
    """Text with its values; in Japanese the space between a placeholder and the text about it falls away where
    both sides are wide, as it is written only beside Latin letters and digits."""
    out = [pieces[0]]
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        value, before = values[name], out[-1]
        if wide and before.endswith(" ") and _is_wide(before[-2:-1]) and _is_wide(value[:1]):
            out[-1] = before[:-1]
        after = (
            text[1:]
            if wide and text[:1] == " " and _is_wide(value[-1:], ")") and _is_wide(text[1:2])
            else text
        )
        out += [value, after]
    return "".join(out)


def _is_wide(character: str, closing: str = "") -> bool:
    return bool(character) and (character in closing or _WIDE.match(character) is not None)


@dataclass(frozen=True)
class Message:
    """One sentence in both languages. Raises ValueError where they do not take the same values."""

    en: str
    ja: str
    names: frozenset[str] = field(init=False)
    _pieces: Mapping[tuple[str, bool], Pieces] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pieces = {
            (language, done): _pieces(_ALTERNATIVE.sub(r"\1" if done else r"\2", getattr(self, language)))
            for language in LANGUAGES
            for done in (True, False)
        }
        names = {frozenset(each[1::2]) for each in pieces.values()}
        if len(names) != 1 or not all(
            self.en.count(a) == self.en.count(b) and self.ja.count(a) == self.ja.count(b)
            for a, b in ("[]", "{}")
        ):
            raise ValueError(f"the languages of a message differ in what they say: {self.en!r}, {self.ja!r}")
        object.__setattr__(self, "names", names.pop())
        object.__setattr__(self, "_pieces", pieces)

    @property
    def ends_open(self) -> bool:
        """Whether an English "from …" behind it would belong to its last words: `…, which allows s3:GetObject`."""
        return any(sign in self.en for sign in (", ", ": ", " from ", " off "))

    def said(self, language: Language, values: Mapping[str, str], *, done: bool = True) -> str:
        """The sentence. Every name must be among the values."""
        return _joined(self._pieces[language, done], values, wide=language == "ja")


@dataclass(frozen=True)
class Phrase:
    """A value that differs by language, with its own values: `the world`, `port 22`, `3 buckets`."""

    message: Message
    values: Mapping[str, str | Phrase] = field(default_factory=dict)

    def said(self, language: Language) -> str:
        values = {n: v if isinstance(v, str) else v.said(language) for n, v in self.values.items()}
        return self.message.said(language, values)
