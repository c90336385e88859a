"""Event data store ids in FROM: AWS's samples leave a placeholder there that no parser reads.

`FROM <EDS ID>`, `$EDS_ID`, `${eds}`, a bare or quoted UUID, an ARN: each becomes one plain name.
"""

from __future__ import annotations

import re

#: What the parser sees; `names.table_of` takes it for `cloudtrail`, or Config's event data store.
STORE = "event_data_store_id"
CONFIG_STORE = "config_event_data_store_id"
FLOWS = "vpc_flow_logs"

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-zA-Z]{12}"
_ARN = rf"arn:aws[\w-]*:cloudtrail:[\w-]*:\w*:eventdatastore/(?:{_UUID}|[\w-]+)"
_NAME = (
    r"(?P<angle><\s*[A-Za-z_][^<>;'\"\n]{0,80}>)"
    r"|(?P<dollar>\$(?:\{[\w .-]+\}|\w+))"
    r"|(?P<brace>\{\{?[\w .\[\]-]+\}?\}|\[[A-Za-z_][\w .-]+\])"
    rf"|(?P<bare>{_ARN}|{_UUID})"
    rf"|(?P<quote>[\"'`])(?:{_ARN}|{_UUID}|\$\{{?[\w .-]+\}}?|<[^<>\n]{{1,80}}>)(?P=quote)"
    r"|(?P<dashed>\w+(?:-\w+)+(?=[\s;),]|$))"
)
#: A database's placeholder before the table: `"${database}".`, `<db>.`, `{{DB}}.`
_DATABASE = re.compile(
    r"""\b(FROM|JOIN)(\s+)"?(?:<[A-Za-z_][^<>;'"\n]{0,80}>|\$?\{\{?[\w .-]+\}?\})"?\s*\.\s*(?=["\w<${\[])""",
    re.IGNORECASE,
)
_FROM = re.compile(rf"\b(FROM|JOIN)(?P<gap>\s+)(?:{_NAME})(?![\w.])", re.IGNORECASE)
_ALSO = re.compile(rf"(?P<gap>,\s*)(?P<angle><[A-Za-z_][^<>;'\"\n]{{0,80}}>|\$\w+|{_UUID})", re.IGNORECASE)
_QUALIFIER = re.compile(rf"(?<![\w\"'./:-])(?:(?P<bare>{_UUID})|(?P<angle><[^<>;'\"\n]{{1,80}}>))(?=\.\w)")
_HIDDEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)


def substitute(sql: str) -> str:
    """`sql` with every event data store placeholder after FROM or JOIN made a plain table name.

    Text in quotes and comments is left as it is.
    """
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match[0])
        return f"\x00{len(hidden) - 1}\x01"

    def restore(text: str) -> str:
        return re.sub(r"\x00(\d+)\x01", lambda m: hidden[int(m[1])], text)

    sql = sql.replace("\x00", "").replace("\x01", "")
    # An id in single quotes right after FROM is a name, not a text: let it through unhidden.
    sql = re.sub(
        rf"\b(FROM|JOIN)(\s+)'({_UUID}|{_ARN})'", lambda m: f'{m[1]}{m[2]}"{m[3]}"', sql, flags=re.IGNORECASE
    )
    masked = _DATABASE.sub(r"\1\2", _DATABASE.sub(r"\1\2", _HIDDEN.sub(hide, sql)))
    words = masked.lower()
    masked = _FROM.sub(
        lambda m: f"{m[1]}{m['gap']}{_plain(m[0][len(m[1]) + len(m['gap']) :], words)}", masked
    )
    masked = re.sub(
        rf"({STORE}(?:\s+(?:AS\s+)?\w+)?){_ALSO.pattern}",
        lambda m: f"{m[1]}{m['gap']}{_plain(m['angle'], words)}",
        masked,
        flags=re.IGNORECASE,
    )
    masked = _QUALIFIER.sub(lambda m: _plain(m[0], words), masked)
    return restore(masked)


def without_texts(sql: str) -> str:
    """`sql` without its comments, and with every text in quotes empty."""
    return _HIDDEN.sub(lambda m: "''" if m[0].startswith("'") else " ", sql)


_FLOW_COLUMNS = re.compile(r"\b(src|dst|source|destination)_?(addr|address|port)\b|\bnum(bytes|packets)\b")


def _plain(found: str, words: str) -> str:
    """The table that a placeholder stands for, by its own words, else by the columns asked for (`words`)."""
    lower = found.lower()
    if "config" in lower:
        return CONFIG_STORE
    if re.search("flow|vpc", lower):
        return FLOWS
    named = re.search(rf"trail|eds|store|event|^[\"'`]?{_UUID}|arn:", lower)
    if not named and "configurationitem" in words:
        return CONFIG_STORE
    return FLOWS if not named and _FLOW_COLUMNS.search(words) else STORE
