"""The language of the search box: text → conditions.

    eventName:ConsoleLogin -errorCode:* sourceIPAddress:203.0.113.0/24 dstport:>1024 bytes:1000..2000
    eventName:(PutObject, DeleteObject) requestParameters.bucketName:"my bucket" userAgent:*boto* AKIAEXAMPLE

Conditions all hold; values of one field, parted by commas or in parentheses, are alternatives. Upper and
lower case are the same. `*` stands for any characters; in quotes every character stands for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal

from ashiato.search import fields
from ashiato.search.fields import Field
from ashiato.search.moments import parse_absolute
from ashiato.search.refusals import SearchRefused

MOST_CHARACTERS: Final = 4000
MOST_VALUES: Final = 200
Sign = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True)
class Value:
    """One value as typed. `sign`: compared by it; `upper`: a range from `text` to it, both included."""

    text: str
    quoted: bool = False
    sign: Sign | None = None
    upper: str | None = None

    @property
    def anything(self) -> bool:
        return not self.quoted and self.sign is None and self.text.strip("*") == "" and self.text != ""

    @property
    def pattern(self) -> bool:
        return not self.quoted and "*" in self.text


@dataclass(frozen=True)
class Term:
    """A condition: any of `values` in `field`, or (without a field) anywhere in the record; or not.

    `start` and `end` are its characters in the text.
    """

    field: Field | None
    values: tuple[Value, ...]
    negated: bool = False
    start: int = dataclass_field(default=0, compare=False)
    end: int = dataclass_field(default=0, compare=False)


_NAME: Final = re.compile(r"[A-Za-z_@][\w@$/-]*(?:\.[\w@$/-]+)*")
_OPERATOR: Final = re.compile(r"!=|>=|<=|[:=<>]")
_FREE: Final = re.compile(r"arn:aws|\w+::", re.IGNORECASE)


def parse(text: str, table: str) -> tuple[Term, ...]:
    """The conditions of a search. Raises SearchRefused with the place and the correction."""
    if len(text) > MOST_CHARACTERS:
        raise SearchRefused("too_long", most=str(MOST_CHARACTERS))
    return _Parser(text, table).terms()


def network(text: str) -> IPv4Network | IPv6Network | None:
    """A network in CIDR notation; None for other text."""
    try:
        return ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class _Parser:
    def __init__(self, text: str, table: str) -> None:
        self.text = text
        self.table = table
        self.at = 0
        self.count = 0

    def terms(self) -> tuple[Term, ...]:
        found: list[Term] = []
        while self._skip():
            term = self._term()
            if term is not None:
                found.append(term)
        return tuple(found)

    def _skip(self) -> bool:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at < len(self.text)

    def _word(self) -> str:
        match = re.compile(r"[^\s()\"]*").match(self.text, self.at)
        return match[0] if match else ""

    def _term(self) -> Term | None:
        start = self.at
        word = self._word()
        if word == "AND":
            self.at += 3
            return None
        if word == "OR":
            raise SearchRefused("or_between", start, start + 2)
        negated = False
        if word == "NOT" or self.text[start] == "-":
            self.at += 3 if word == "NOT" else 1
            negated = True
            if word == "NOT":
                self._skip()
            if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] == "-":
                raise SearchRefused("nothing_negated", start, self.at)
        return replace(self._condition(negated), start=start, end=self.at)

    def _condition(self, negated: bool) -> Term:
        start = self.at
        if self.text[start] in "()":
            raise SearchRefused("stray_parenthesis", start, start + 1)
        word = self._word()
        if not _FREE.match(word) and not _is_address(word):
            name = _NAME.match(self.text, start)
            sign = _OPERATOR.match(self.text, name.end()) if name else None
            if name and sign:
                self.at = sign.end()
                return self._field(name[0], start, sign[0], negated)
        return Term(None, (self._value("", free=True),), negated)

    def _field(self, name: str, start: int, sign: str, negated: bool) -> Term:
        field = fields.find(self.table, name)
        if field is None:
            end = start + len(name)
            inner = fields.under(self.table, name)
            if inner:
                raise SearchRefused("has_fields", start, end, name=name, meant=inner[0])
            meant = fields.closest(self.table, name)
            if meant:
                raise SearchRefused("meant_field", start, end, name=name, meant=meant)
            raise SearchRefused("no_field", start, end, name=name, text=self.text[start : self.at] + "…")
        if sign == "!=":
            negated = not negated
        elif sign not in (":", "="):
            self.at -= len(sign)
        values = self._values(name, start)
        for value, begin, end in values:
            _check(field, value, begin, end)
        return Term(field, tuple(v for v, _, _ in values), negated)

    def _values(self, name: str, start: int) -> list[tuple[Value, int, int]]:
        found: list[tuple[Value, int, int]] = []
        if self.text[self.at : self.at + 1] == "(":
            opened = self.at
            self.at += 1
            while True:
                while self.at < len(self.text) and (
                    self.text[self.at].isspace() or self.text[self.at] == ","
                ):
                    self.at += 1
                if self.at >= len(self.text):
                    raise SearchRefused("open_parenthesis", opened, len(self.text))
                if self.text[self.at] == ")":
                    self.at += 1
                    break
                if self._word() == "OR":
                    self.at += 2
                    continue
                begin = self.at
                found.append((self._value(name), begin, self.at))
        else:
            while True:
                begin = self.at
                if begin >= len(self.text) or self.text[begin].isspace() or self.text[begin] in ",)":
                    break
                found.append((self._value(name), begin, self.at))
                if self.text[self.at : self.at + 1] != ",":
                    break
                self.at += 1
        if not found:
            raise SearchRefused("no_value", start, self.at, name=name)
        return found

    def _value(self, name: str, free: bool = False) -> Value:
        self.count += 1
        if self.count > MOST_VALUES:
            raise SearchRefused("too_many", most=str(MOST_VALUES))
        sign: Sign | None = None
        if not free:
            for candidate in (">=", "<=", ">", "<"):
                if self.text.startswith(candidate, self.at):
                    sign = candidate
                    self.at += len(candidate)
                    break
        if self.text[self.at : self.at + 1] == '"':
            return Value(self._quoted(), quoted=True, sign=sign)
        end = re.compile(r"[^\s()\"]*" if free else r"[^\s,()\"]*").match(self.text, self.at)
        text = end[0] if end else ""
        if not text:
            if self.text[self.at : self.at + 1] in ("(", ")"):
                raise SearchRefused("stray_parenthesis", self.at, self.at + 1)
            raise SearchRefused("no_value", max(self.at - 1, 0), self.at, name=name)
        self.at += len(text)
        lower, dots, upper = text.partition("..")
        if dots and lower and upper and sign is None and not free:
            return Value(lower, upper=upper)
        return Value(text, sign=sign)

    def _quoted(self) -> str:
        opened = self.at
        made: list[str] = []
        at = opened + 1
        while at < len(self.text):
            character = self.text[at]
            if character == "\\" and self.text[at + 1 : at + 2] in ('"', "\\"):
                made.append(self.text[at + 1])
                at += 2
            elif character == '"':
                self.at = at + 1
                return "".join(made)
            else:
                made.append(character)
                at += 1
        raise SearchRefused("open_quote", opened, len(self.text))


def _check(field: Field, value: Value, start: int, end: int) -> None:
    """Raise where the field can never have the value."""
    if value.anything:
        return
    texts = [value.text] if value.upper is None else [value.text, value.upper]
    for text in texts:
        if field.kind == "number" and not re.fullmatch(r"-?\d{1,18}", text):
            raise SearchRefused("not_a_number", start, end, name=field.name, value=text)
        if field.kind == "boolean" and (text.lower() not in ("true", "false") or value.sign or value.upper):
            raise SearchRefused("not_a_boolean", start, end, name=field.name, value=text)
        if field.kind == "time" and parse_absolute(text) is None:
            raise SearchRefused("not_a_time", start, end, value=text)
        if field.kind == "address" and "/" in text and not value.quoted and network(text) is None:
            raise SearchRefused("not_a_network", start, end, value=text)
        numeric = field.open and re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", text)
        if field.kind in ("text", "address") and value.sign is not None and not numeric:
            raise SearchRefused("not_ordered", start, end, name=field.name, sign=value.sign)


_PLAIN: Final = re.compile(r"[^\s,()\"<>]+")


def written(text: str, *, free: bool = False) -> str:
    r"""A value so that the parser reads exactly this text again.

    >>> written("a b*"), written("PutObject")
    ('"a b*"', 'PutObject')
    """
    plain = (
        _PLAIN.fullmatch(text) is not None
        and "*" not in text
        and ".." not in text
        and not (free and (":" in text or "=" in text or text[0] == "-" or text in ("AND", "OR", "NOT")))
        and text != "OR"
    )
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
