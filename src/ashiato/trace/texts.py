"""What a trace says in words, in English and Japanese. Terms as in AWS's documentation of each language."""

from __future__ import annotations

from typing import Final

from ashiato.words.messages import Message

# fmt: off
PORT: Final = Message("port {port}/{protocol}", "{port}/{protocol} ポート")
CONNECTION: Final = {
    "reached": Message("{source} reached {port} of {target} ({sent} sent, {received} received)",
                       "{source} から {target} の {port} への通信が許可されました(送信 {sent}、受信 {received})"),
    "refused": Message("{source} was kept from reaching {port} of {target}",
                       "{source} から {target} の {port} への通信が拒否されました"),
}
# fmt: on


def said_amount(number: int) -> str:
    """Bytes for people.

    >>> said_amount(1536)
    '1.5 KiB'
    """
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
