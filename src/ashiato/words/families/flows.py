"""Flow records: who talked with whom, and whether it was let through.

Fields: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ashiato.words.calls import text_of
from ashiato.words.family import Told
from ashiato.words.messages import Language, Message, Phrase
from ashiato.words.names import Names
from ashiato.words.ports import PROTOCOLS, protocol_name
from ashiato.words.texts import shown

# fmt: off
MESSAGES: Final = {
    "reached": Message("{source} reached {port} of {target}", "{source} から {target} の {port} への通信が許可されました"),
    "refused": Message("{source} was kept from reaching {port} of {target}",
                       "{source} から {target} の {port} への通信が拒否されました"),
    "answered": Message("{source} answered {target} from {port}", "{source} が {port} から {target} に応答しました"),
    "sent": Message("{source} sent {protocol} traffic to {target}", "{source} から {target} への {protocol} 通信が許可されました"),
    "sent_refused": Message("{source} was kept from sending {protocol} traffic to {target}",
                            "{source} から {target} への {protocol} 通信が拒否されました"),
    "talked": Message("{source} sent traffic to {target}", "{source} から {target} への通信がありました"),
    "nothing": Message("There was no traffic at {interface}", "{interface} に通信はありませんでした"),
    "skipped": Message("Records of traffic at {interface} are missing (skipped by AWS)",
                       "{interface} の通信の記録が一部欠落しています(AWS による SKIPDATA)"),
    "unknown": Message("A flow record without addresses", "アドレスのないフローレコード"),
}
_PORT: Final = Message("port {port}/{protocol}", "{port}/{protocol} ポート")
_AMOUNT: Final = Message("{sentence}: {bytes} bytes in {packets} packets", "{sentence}({packets} パケット、{bytes} バイト)")
_RESULTS: Final = {
    "accepted": Phrase(Message("accepted", "許可")),
    "rejected": Phrase(Message("rejected", "拒否")),
    "none": Phrase(Message("nothing to accept or reject", "該当なし")),
}
# fmt: on

#: Ports from here on are given to clients (Linux begins at 32768).
_EPHEMERAL: Final = 32768
_SYN, _ACK = 2, 16


def accepts(record: Mapping[str, Any]) -> bool:
    """A flow record, of the table or with AWS's own field names."""
    return any(
        k in record
        for k in ("srcaddr", "pkt_srcaddr", "pkt-srcaddr", "log_status", "log-status", "interface_id")
    )


def _field(record: Mapping[str, Any], name: str) -> str | None:
    """A field by its name with underscores or hyphens; `-` is AWS's nothing."""
    value = record.get(name)
    text = text_of(value if value is not None else record.get(name.replace("_", "-")))
    return None if text in (None, "-") else text


def _number(record: Mapping[str, Any], name: str) -> int | None:
    text = _field(record, name)
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else None


def resources(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Instance, interface and addresses."""
    names = (
        "instance_id",
        "interface_id",
        "srcaddr",
        "dstaddr",
        "pkt_srcaddr",
        "pkt_dstaddr",
        "vpc_id",
        "tgw_id",
    )
    return tuple(dict.fromkeys(t for t in (_field(record, n) for n in names) if t))


def _is_answer(record: Mapping[str, Any], source_port: int, target_port: int) -> bool:
    """Whether a record is of the way back: by its flags, else by its ports."""
    flags = _number(record, "tcp_flags") or 0
    if flags & _SYN:
        return bool(flags & _ACK)
    # The service has the lower port, unless both are of the range that clients take theirs from.
    return source_port < min(target_port, _EPHEMERAL)


def told(record: Mapping[str, Any], language: Language, names: Names) -> Told:
    """The sentence about a flow record."""
    interface = (
        _field(record, "interface_id") or _field(record, "tgw_attachment_id") or _field(record, "tgw_id")
    )
    status = _field(record, "log_status")
    at = names.said(interface, language) if interface else None
    if status in ("NODATA", "SKIPDATA") and at:
        key = "nothing" if status == "NODATA" else "skipped"
        return Told(MESSAGES[key].said(language, {"interface": at}), at, key, at, at)
    source, target = (
        _field(record, "pkt_srcaddr") or _field(record, "srcaddr"),
        _field(record, "pkt_dstaddr") or _field(record, "dstaddr"),
    )
    if source is None or target is None:
        return Told(MESSAGES["unknown"].said(language, {}), "", "", at or "", at)
    return _talk(record, names.address(source, language), names.address(target, language), at, language)


def _talk(record: Mapping[str, Any], source: str, target: str, at: str | None, language: Language) -> Told:
    protocol, action = _field(record, "protocol"), _field(record, "action")
    first, last = _number(record, "srcport"), _number(record, "dstport")
    values = {"source": source, "target": target, "protocol": protocol_name(protocol) if protocol else ""}
    refused = action == "REJECT"
    if protocol is None:
        key = "talked"
    elif first is None or last is None or PROTOCOLS.get(protocol) in ("ICMP", "ICMPv6"):
        key = "sent_refused" if refused else "sent"
    else:
        answer = not refused and _is_answer(record, first, last)
        key = "refused" if refused else "answered" if answer else "reached"
        port = str(first if answer else last)
        values["port"] = _PORT.said(
            language, {"port": shown(port, 8), "protocol": values["protocol"].lower()}
        )
    text = MESSAGES[key].said(language, values)
    amounts = _number(record, "bytes"), _number(record, "packets")
    if not refused and None not in amounts:
        counted = {"bytes": f"{amounts[0]:,}", "packets": f"{amounts[1]:,}"}
        text = _AMOUNT.said(language, {"sentence": text} | counted)
    result = _RESULTS["rejected" if refused else "accepted" if action == "ACCEPT" else "none"]
    return Told(text, source, key, target, at, result.said(language))
