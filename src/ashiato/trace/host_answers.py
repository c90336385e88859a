"""The five answers about a host: an instance, an interface, or an address that one had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from ashiato.network.addresses import kind_of
from ashiato.trace.acting import Act
from ashiato.trace.answering import NEWEST_ONLY, Answer, listed, thing
from ashiato.trace.flows_out import Exchange, Exchanges, exchanges
from ashiato.trace.hosts import Host
from ashiato.trace.own_addresses import ours
from ashiato.trace.reading import Asked
from ashiato.trace.telling import Telling, clock
from ashiato.trace.texts import said_amount
from ashiato.words.messages import Message, Phrase

#: A host's habit is known after so long; what comes later is new.
_LEARNT: Final = timedelta(days=7)
#: Silence of a host for so long, while its log went on, means that it has ended.
_QUIET: Final = timedelta(hours=1)

# fmt: off
SENT = Message("It sent {amount} to {n} addresses outside on connections that it opened: {names}.",
               "このホストから開始した通信で外部の {n} 個のアドレスへ {amount} を送信しました: {names}。")
SENT_NONE = Message("It opened no connection to an address outside.",
                    "このホストから外部のアドレスへ開始した通信はありません。")
ANSWERED = Message("It sent {amount} in answers to {n} addresses outside.",
                   "外部の {n} 個のアドレスへの応答として {amount} を送信しました。")
ONE_SENT = Message("{address} ({amount} to port {port}, since {time})", "{address}(ポート {port} へ {amount}、{time} から)")
NEW = Message("New after its first week: {names}.", "最初の 1 週間より後に初めて現れた通信先: {names}。")
TALKED = Message("It exchanged packets with {inside} addresses inside and {outside} outside.",
                 "内部の {inside} 個、外部の {outside} 個のアドレスと通信しました。")
REFUSED = Message("{n} records of refused connections.", "拒否された通信の記録が {n} 件あります。")
ELSEWHERE = Message("Credentials of its role were used {n} times from addresses that are not its own: {names}.",
                    "ロールの認証情報がこのホスト以外のアドレスから {n} 回使われました: {names}。")
NOT_ELSEWHERE = Message("All {n} calls with credentials of its role came from its own addresses or from AWS.",
                        "ロールの認証情報による {n} 回の呼び出しは、すべてこのホスト自身のアドレスか AWS からでした。")
NO_CALLS = Message("No call with credentials of this host is on record.", "このホストの認証情報による呼び出しの記録はありません。")
ONE_USE = Message("{address} ({n}, {first} to {last})", "{address}({n} 回、{first} から {last})")
TOUCHED = Message("With its credentials {n} changing calls succeeded: {names}.",
                  "このホストの認証情報で変更操作が {n} 回成功しました: {names}。")
TOUCHED_NONE = Message("No changing call with its credentials succeeded.",
                       "このホストの認証情報で成功した変更操作はありません。")
TRIED = Message("{n} calls were denied.", "{n} 回の呼び出しが拒否されました。")
REACHED = Message("It reached {n} addresses inside: {names}.", "内部の {n} 個のアドレスへ接続しました: {names}。")
STILL = Message("Its last accepted connection to an address that is new to it was at {time} ({address}), and the log goes to {end}.",
                "新しい通信先への最後の許可された通信は {time}({address})です。ログは {end} まであります。")
LAST = Message("Its last record is of {time}; the log goes to {end}.", "最後の記録は {time} です。ログは {end} まであります。")
STATE = Message("AWS Config has it as {state} since {time}.", "AWS Config では {time} から {state} です。")
MOVED = Message("Its security groups were changed to {groups} at {time}.",
                "{time} にセキュリティグループが {groups} に変更されました。")
REFUSED_SINCE = Message("Since then {n} attempts to reach it were refused.", "それ以後 {n} 回の通信の試みが拒否されています。")
NO_FLOWS = Message("No flow record names this host: what it exchanged is not known.",
                   "このホストのフローログの記録がないため、通信の内容は分かりません。")
NO_ITEMS = Message("No item of AWS Config says which addresses were its own.",
                   "どのアドレスがこのホストのものかを示す AWS Config の設定項目がありません。")
DAYS_ONLY = Message("Only the newest 92 days with flow records were counted.",
                    "フローログの記録がある日のうち、新しい 92 日分のみを集計しました。")
PEERS_ONLY = Message("It has more peers: only the {n} that it sent most to were counted.",
                     "通信先はほかにもあり、送信量の多い {n} 個のみを集計しました。")
# fmt: on


@dataclass(frozen=True)
class Evidence:
    """What the answers are taken from. `acts`: of its credentials; `cut`: not all of them; `end`: the newest flow
    record of its accounts; `flows`: its flow records, where all of them are read already."""

    asked: Asked
    found: pa.Table
    host: Host
    own: frozenset[str]
    acts: Sequence[Act]
    cut: int | None
    end: datetime | None
    flows: pa.Table | None = None


def host_answers(evidence: Evidence, telling: Telling) -> list[Answer]:
    """The five answers."""
    exchanged = exchanges(evidence.asked, evidence.found, evidence.own, evidence.flows)
    flows = _Flows.of(exchanged, telling)
    gap = _gap(evidence, exchanged)
    mine = [a for a in evidence.acts if a.mine]
    return [
        _data_left(flows, gap, telling),
        _peers(flows, gap, telling),
        _elsewhere(evidence, mine, telling),
        _touched(evidence, mine, flows, telling),
        _going_on(evidence, flows, gap, telling),
    ]


@dataclass(frozen=True)
class _Flows:
    outside: Sequence[Exchange]
    inside: Sequence[Exchange]
    new: frozenset[str]

    @classmethod
    def of(cls, exchanged: Exchanges, telling: Telling) -> _Flows:
        peers = exchanged.peers
        begin = min((p.first for p in peers), default=None)
        new = frozenset(p.address for p in peers if begin is not None and p.first - begin > _LEARNT)
        outside: list[Exchange] = []
        inside: list[Exchange] = []
        for peer in peers:
            (outside if kind_of(peer.address, telling.networks) == "public" else inside).append(peer)
        outside.sort(key=lambda p: (p.address not in new, -p.opened, -p.sent, p.address))
        return cls(outside, inside, new)


def _gap(evidence: Evidence, exchanged: Exchanges) -> list[Phrase]:
    gap = []
    if not exchanged.peers:
        gap.append(Phrase(NO_FLOWS if evidence.own else NO_ITEMS))
    if exchanged.cut:
        gap.append(Phrase(DAYS_ONLY))
    if exchanged.left_out:
        gap.append(Phrase(PEERS_ONLY, {"n": f"{len(exchanged.peers):,}"}))
    return gap


def _name(address: str, telling: Telling) -> str:
    return telling.names.address(address, telling.language)


def _address(peer: Exchange, telling: Telling) -> dict[str, Any]:
    return thing(
        "address", peer.address, _name(peer.address, telling), sent=peer.sent, received=peer.received,
        port=peer.port, first=peer.first, last=peer.last, service=peer.service, ref=peer.ref,
    )  # fmt: skip


def _data_left(flows: _Flows, gap: Sequence[Phrase], telling: Telling) -> Answer:
    language = telling.language
    opened = [p for p in flows.outside if p.opened]
    answered = [p for p in flows.outside if p.sent > p.opened]
    names = [
        ONE_SENT.said(
            language,
            {
                "address": _name(p.address, telling), "amount": said_amount(p.opened), "port": str(p.port or "?"),
                "time": clock(p.first),
            },
        )
        for p in opened
    ]  # fmt: skip
    said = [Phrase(SENT_NONE)]
    if opened:
        values = {
            "amount": said_amount(sum(p.opened for p in opened)),
            "n": f"{len(opened):,}",
            "names": listed(names, language),
        }
        said = [Phrase(SENT, values)]
    if answered:
        amount = said_amount(sum(p.sent - p.opened for p in answered))
        said.append(Phrase(ANSWERED, {"amount": amount, "n": f"{len(answered):,}"}))
    unknown = not flows.outside and not flows.inside
    return Answer(
        "data_left",
        "unknown" if unknown else "yes" if opened or answered else "no",
        [] if unknown else said,
        [p.ref for p in opened],
        gap,
        [_address(p, telling) for p in opened[:20]],
    )


def _peers(flows: _Flows, gap: Sequence[Phrase], telling: Telling) -> Answer:
    peers = [*flows.outside, *flows.inside]
    if not peers:
        return Answer("peers", "unknown", [], [], gap)
    said = [
        Phrase(TALKED, {"inside": f"{len(flows.inside):,}", "outside": f"{len(flows.outside):,}"}),
    ]
    new = [p for p in peers if p.address in flows.new]
    if new:
        names = [_name(p.address, telling) for p in new]
        said.append(Phrase(NEW, {"names": listed(names, telling.language)}))
    refused = sum(p.refused for p in peers)
    if refused:
        said.append(Phrase(REFUSED, {"n": f"{refused:,}"}))
    first = [*new, *(p for p in peers if p.address not in flows.new)][:20]
    return Answer("peers", "yes", said, [p.ref for p in first], gap, [_address(p, telling) for p in first])


def _elsewhere(evidence: Evidence, mine: Sequence[Act], telling: Telling) -> Answer:
    language = telling.language
    gap = [] if evidence.own else [Phrase(NO_ITEMS)]
    if evidence.cut is not None:
        gap.append(Phrase(NEWEST_ONLY, {"n": f"{evidence.cut:,}"}))
    if not mine:
        return Answer("credentials_elsewhere", "unknown", [Phrase(NO_CALLS)], [], gap)
    by_address: dict[str, list[Act]] = {}
    for act in mine:
        if act.address is not None and act.address not in evidence.own:
            by_address.setdefault(act.address, []).append(act)
    for address in ours(evidence.asked, list(by_address), telling, gateways=True):
        del by_address[address]
    if not by_address:
        said = [Phrase(NOT_ELSEWHERE, {"n": f"{len(mine):,}"})]
        return Answer("credentials_elsewhere", "no" if evidence.own else "unknown", said, [mine[0].ref], gap)
    names = []
    ordered = sorted(by_address.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    for address, acts in ordered:
        values = {
            "address": _name(address, telling), "n": f"{len(acts):,}", "first": clock(acts[-1].time),
            "last": clock(acts[0].time),
        }  # fmt: skip
        names.append(ONE_USE.said(language, values))
    total = sum(map(len, by_address.values()))
    said = [Phrase(ELSEWHERE, {"n": f"{total:,}", "names": listed(names, language)})]
    keys = dict.fromkeys(
        a.row["userIdentity"]["accessKeyId"]
        for _, acts in ordered
        for a in acts
        if a.row["userIdentity"]["accessKeyId"]
    )
    things = [thing("address", a, _name(a, telling), count=len(acts)) for a, acts in ordered[:20]]
    things += [thing("access_key", key) for key in list(keys)[:20]]
    evidence_refs = [a.ref for _, acts in ordered for a in (*acts[:5], acts[-1])]
    return Answer("credentials_elsewhere", "yes", said, evidence_refs, gap, things)


def _touched(evidence: Evidence, mine: Sequence[Act], flows: _Flows, telling: Telling) -> Answer:
    from ashiato.trace.caller_answers import counted_calls

    language = telling.language
    changed = [a for a in mine if a.done and not a.reads]
    said = [Phrase(TOUCHED_NONE)] if mine else [Phrase(NO_CALLS)]
    if changed:
        names = counted_calls(changed)
        said = [Phrase(TOUCHED, {"n": f"{len(changed):,}", "names": listed(names, language)})]
    denied = sum(1 for a in mine if not a.done)
    if denied:
        said.append(Phrase(TRIED, {"n": f"{denied:,}"}))
    reached = [p for p in flows.inside if p.opened]
    if reached:
        names = [f"{_name(p.address, telling)}:{p.port}" for p in reached]
        said.append(Phrase(REACHED, {"n": f"{len(reached):,}", "names": listed(names, language)}))
    gap = [] if evidence.cut is None else [Phrase(NEWEST_ONLY, {"n": f"{evidence.cut:,}"})]
    refs = [a.ref for a in changed[:10]] + [p.ref for p in reached[:10]]
    return Answer(
        "touched",
        "yes" if changed or reached else "no" if mine or flows.inside else "unknown",
        said,
        refs,
        gap,
        [_address(p, telling) for p in reached[:20]],
    )


def _going_on(evidence: Evidence, flows: _Flows, gap: Sequence[Phrase], telling: Telling) -> Answer:
    language = telling.language
    said: list[Phrase] = []
    refs: list[str] = []
    peers = [*flows.outside, *flows.inside]
    end = evidence.end
    last = max((p.last for p in peers), default=None)
    suspect = [p for p in flows.outside if p.address in flows.new and p.last_accepted and p.opened]
    newest = max(suspect, key=lambda p: p.last_accepted or p.last, default=None)
    accepted = newest.last_accepted if newest is not None else None
    if newest is not None and accepted is not None and end is not None:
        values = {"time": clock(accepted), "address": _name(newest.address, telling), "end": clock(end)}
        said.append(Phrase(STILL, values))
        refs.append(newest.ref)
    elif last is not None and end is not None:
        said.append(Phrase(LAST, {"time": clock(last), "end": clock(end)}))
    latest = evidence.host.latest
    over = latest is not None and latest.state in ("terminated", "stopped", "deleted")
    if latest is not None and latest.state is not None:
        moved = _moved(evidence.host)
        if over and latest.start is not None:
            said.append(Phrase(STATE, {"state": latest.state, "time": clock(latest.start)}))
        elif moved is not None and latest.start is not None:
            names = [telling.names.said(g, language, latest.account) for g in latest.groups]
            said.append(Phrase(MOVED, {"groups": listed(names, language), "time": clock(latest.start)}))
        refs.append(latest.ref)
    refused = sum(p.refused for p in suspect)
    if refused and accepted is not None:
        said.append(Phrase(REFUSED_SINCE, {"n": f"{refused:,}"}))
    at = accepted or last
    if end is None or at is None:
        return Answer("going_on", "unknown", said, refs, gap or [Phrase(NO_FLOWS)])
    verdict = "no" if over or end - at > _QUIET else "yes"
    return Answer("going_on", verdict, said, refs, gap)  # type: ignore[arg-type]


def _moved(host: Host) -> tuple[str, ...] | None:
    """The security groups that it has now, where it had others before."""
    latest = host.latest
    before = [s for s in host.spells if latest and s.resource == latest.resource and s is not latest]
    if latest is None or not before or set(before[-1].groups) == set(latest.groups):
        return None
    return latest.groups


__all__ = ["Evidence", "host_answers"]
