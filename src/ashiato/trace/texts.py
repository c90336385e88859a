"""What a trace says in words, in English and Japanese. Terms as in AWS's documentation of each language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ashiato.trace.telling import clock
from ashiato.words.messages import Language, Message
from ashiato.words.texts import shown

# fmt: off
PORT: Final = Message("port {port}/{protocol}", "{port}/{protocol} ポート")
CONNECTION: Final = {
    "reached": Message("{source} reached {port} of {target} ({sent} sent, {received} received)",
                       "{source} から {target} の {port} への通信が許可されました(送信 {sent}、受信 {received})"),
    "refused": Message("{source} was kept from reaching {port} of {target}",
                       "{source} から {target} の {port} への通信が拒否されました"),
}
LEAD: Final = Message("{name}: {count} records from {first} to {last} ({operations} operations, {changes} changes, {connections} connections).",
                      "{name}: {first} から {last} までのレコード {count} 件(操作 {operations}、変更 {changes}、通信 {connections})。")
LEAD_NONE: Final = Message("No record names {name}.", "{name} を含むレコードはありません。")
LABELS: Final[Mapping[str, Message]] = {
    "title": Message("Trace of {name}", "{name} のトレース"),
    "operation": Message("operation", "操作"), "change": Message("change", "変更"),
    "connection": Message("connection", "通信"),
    "answers": Message("Answers", "5 つの問い"), "origin": Message("Who is behind it", "背後にいるのは"),
    "hosts": Message("Hosts", "ホスト"), "timeline": Message("Timeline, newest first", "タイムライン(新しい順)"),
    "alerts": Message("Alerts", "アラート"), "related": Message("Related", "関連"), "gaps": Message("Gaps in evidence", "記録の欠落"),
    "links": Message("What led to what", "因果関係"), "yes": Message("yes", "はい"), "no": Message("no", "いいえ"),
    "unknown": Message("unknown", "不明"), "gap": Message("missing: {gap}", "不足: {gap}"),
    "because": Message("because: {text}", "原因: {text}"),
    "no_cause": Message("no operation behind it is on record", "原因となる操作の記録はありません"),
    "cause_gap": Message("no operation found; CloudTrail has a gap: {why}", "操作が見つかりません。CloudTrail に欠落があります: {why}"),
    "let": Message("let through: {text}", "許可された通信: {text}"),
    "let_by": Message("let through by: {text}", "この通信を許可した変更: {text}"),
    "behind": Message("behind it: {text}", "その背後: {text}"),
    "repeats": Message("and {n} more like it since {since}: {calls}", "ほか {n} 件({since} から): {calls}"),
    "connections": Message("{n} connections since {since}", "{since} から {n} 回の通信"),
    "more": Message("There is more: --after {cursor}", "続きがあります: --after {cursor}"),
    "sampled": Message("Related things are of the newest 10,000 records of each log.", "関連は各ログの新しい 10,000 件から求めています。"),
    "left_out": Message("{n} more", "ほか {n} 件"), "evidence": Message("evidence", "証拠"),
    "raw": Message("the record", "レコード"), "arrived": Message("arrived {time}", "到着 {time}"),
    "made": Message("made by Ashiato at {time}; times are UTC", "Ashiato が {time} に作成、時刻は UTC"),
    "now": Message("now", "現在"),
    "added": Message("+ {path}: {after}", "+ {path}: {after}"), "removed": Message("- {path}: {before}", "- {path}: {before}"),
    "changed": Message("~ {path}: {before} → {after}", "~ {path}: {before} → {after}"),
    "kind": Message("kind", "種類"), "name": Message("name", "名前"), "role": Message("as", "役割"),
    "count": Message("records", "件数"), "first": Message("first", "最初"), "last": Message("last", "最後"),
    "time": Message("time", "時刻"), "lane": Message("lane", "レーン"), "what": Message("what happened", "内容"),
    "level": Message("level", "レベル"), "status": Message("status", "状態"), "log": Message("log", "ログ"),
    "account": Message("account", "アカウント"), "reason": Message("why", "理由"),
}
# fmt: on


def label(text: str, language: Language, /, **values: object) -> str:
    """One of LABELS."""
    return LABELS[text].said(language, {n: str(v) for n, v in values.items()})


def lead(document: Mapping[str, Any], language: Language) -> str:
    """The first sentence of a trace."""
    entity = document["entity"]
    name = shown(entity["name"] or entity["value"], 200)
    if not entity["count"]:
        return LEAD_NONE.said(language, {"name": name})
    counts = entity["counts"]
    return LEAD.said(
        language,
        {
            "name": name,
            "count": f"{entity['count']:,}",
            "first": clock(entity["first"]),
            "last": clock(entity["last"]),
            "operations": f"{counts.get('cloudtrail', 0):,}",
            "changes": f"{counts.get('config_items', 0):,}",
            "connections": f"{counts.get('vpc_flow_logs', 0):,}",
        },
    )


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
