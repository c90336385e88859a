"""Date patterns of Athena, as the ones DuckDB's strftime and strptime take.

`date_format` and `date_parse` follow MySQL, `format_datetime` and `parse_datetime` follow Joda-Time:
https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

import re

_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I", "I": "%I",
    "i": "%M", "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p",
    "S": "%S", "s": "%S", "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
_JODA = {
    "yyyy": "%Y", "yyy": "%Y", "yy": "%y", "y": "%Y", "YYYY": "%Y", "xxxx": "%G", "MMMM": "%B", "MMM": "%b",
    "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "DDD": "%j", "D": "%-j", "EEEE": "%A", "EEE": "%a",
    "E": "%a", "e": "%u", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S",
    "s": "%-S", "SSSSSSSSS": "%n", "SSSSSS": "%f", "SSS": "%g", "a": "%p", "ZZZ": "%Z", "ZZ": "%z", "Z": "%z",
    "z": "%Z", "ww": "%V", "w": "%V",
}  # fmt: skip


def from_mysql(pattern: str) -> str:
    """A MySQL pattern in strftime's words; letters that MySQL does not know stand for themselves."""
    return re.sub(r"%(.)", lambda m: _MYSQL.get(m[1], m[1]), pattern)


def from_joda(pattern: str) -> str:
    """A Joda-Time pattern in strftime's words; text in single quotes stands for itself."""
    out = []
    for match in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", pattern):
        text = match[0]
        if match[1] is not None:
            out.append((match[1].replace("''", "'") or "'").replace("%", "%%"))
        elif match[2]:
            out.append(_joda_letter(text))
        else:
            out.append(text.replace("%", "%%"))
    return "".join(out)


def _joda_letter(text: str) -> str:
    if text in _JODA:
        return _JODA[text]
    shorter = text
    while shorter and shorter not in _JODA:
        shorter = shorter[:-1]
    return _JODA.get(shorter, text)
