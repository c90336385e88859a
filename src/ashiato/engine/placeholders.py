"""Event data store ids in FROM: AWS's samples leave a placeholder there that no parser reads.

`FROM <EDS ID>`, `$EDS_ID`, `${eds}`, a bare or quoted UUID, an ARN: each becomes one plain name.
"""

from __future__ import annotations

import re

#: What the parser sees; `names.table_of` takes it for `cloudtrail`, or Config's event data store.
STORE = "event_data_store_id"
CONFIG_STORE = "config_event_data_store_id"

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-zA-Z]{12}"
_ARN = rf"arn:aws[\w-]*:cloudtrail:[\w-]*:\w*:eventdatastore/(?:{_UUID}|[\w-]+)"
_NAME = (
    r"(?P<angle><\s*[A-Za-z_][^<>;'\"\n]{0,80}>)"
    r"|(?P<dollar>\$(?:\{[\w .-]+\}|\w+))"
    r"|(?P<brace>\{\{?[\w .-]+\}?\}|\[[A-Za-z_][\w .-]+\])"
    rf"|(?P<bare>{_ARN}|{_UUID})"
    rf"|(?P<quote>[\"'`])(?:{_ARN}|{_UUID}|\$\{{?[\w .-]+\}}?|<[^<>\n]{{1,80}}>)(?P=quote)"
    r"|(?P<dashed>\w+(?:-\w+)+(?=[\s;),]|$))"
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
    masked = _HIDDEN.sub(hide, sql)
    masked = _FROM.sub(lambda m: f"{m[1]}{m['gap']}{_plain(m[0][len(m[1]) + len(m['gap']) :])}", masked)
    masked = re.sub(
        rf"({STORE}(?:\s+(?:AS\s+)?\w+)?){_ALSO.pattern}",
        lambda m: f"{m[1]}{m['gap']}{_plain(m['angle'])}",
        masked,
        flags=re.IGNORECASE,
    )
    masked = _QUALIFIER.sub(lambda m: _plain(m[0]), masked)
    return restore(masked)


def _plain(found: str) -> str:
    return CONFIG_STORE if "config" in found.lower() else STORE
