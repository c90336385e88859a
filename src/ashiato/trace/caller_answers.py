"""The five answers about a caller: a user, role, session or access key, by its operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ashiato.formats.outcomes import opened_mapping
from ashiato.network.addresses import network_of
from ashiato.trace.acting import Act
from ashiato.trace.answering import NEWEST_ONLY, Answer, Verdict, listed, thing
from ashiato.trace.subjects import Subject
from ashiato.trace.telling import Telling, clock
from ashiato.trace.texts import said_amount
from ashiato.words.messages import Message, Phrase
from ashiato.words.names import short_arn
from ashiato.words.texts import shown

#: Operations that hand out what is kept: contents, secrets, copies to others' accounts, public access.
_CONTENTS: Final = frozenset(
    {"GetObject", "SelectObjectContent", "GetObjectTorrent", "CopyObject", "GetItem", "Scan", "Query"}
)
_SECRETS: Final = frozenset(
    {"GetSecretValue", "BatchGetSecretValue", "GetParameter", "GetParameters", "GetParametersByPath"}
)
_SHARING: Final = frozenset(
    {
        "ModifySnapshotAttribute", "ModifyImageAttribute", "ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute",
        "PutBucketPolicy", "PutBucketAcl", "PutObjectAcl", "PutBucketReplication", "DeletePublicAccessBlock",
        "DeleteBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "StartExportTask", "ExportTableToPointInTime",
        "CreateInstanceExportTask", "ExportImage", "SharedSnapshotCopyInitiated", "CreateDBSnapshot", "CreateSnapshot",
        "AddPermission", "PutResourcePolicy", "CreateGrant",
    }
)  # fmt: skip
#: Operations that end what a caller can do.
_ENDING: Final = frozenset(
    {
        "DeleteAccessKey", "UpdateAccessKey", "DeleteUser", "DeleteLoginProfile", "DeleteRole", "PutUserPolicy",
        "PutRolePolicy",
    }
)  # fmt: skip
_MAKING: Final = frozenset(
    {"CreateUser", "CreateAccessKey", "CreateRole", "CreateLoginProfile", "CreatePolicy", "RunInstances"}
)
_QUIET: Final = timedelta(hours=1)

# fmt: off
CONTENTS = Message("It read contents {n} times ({amount} as far as the events say): {names}.",
                   "データの内容を {n} 回読み取りました(イベントに記載のある範囲で {amount}): {names}。")
SECRETS = Message("It took secrets or parameters {n} times: {names}.", "シークレットまたはパラメータを {n} 回取得しました: {names}。")
SHARED = Message("It shared, exported or opened data {n} times: {names}.",
                 "データの共有・エクスポート・公開につながる操作を {n} 回行いました: {names}。")
NOTHING_LEFT = Message("No operation that hands data out is on record.", "データを外部へ渡す操作の記録はありません。")
NO_DATA_EVENTS = Message("No data events are on record here, so that readings of objects would not show.",
                         "ここにはデータイベントの記録がないため、オブジェクトの読み取りは記録されていない可能性があります。")
PLACES = Message("Networks that it called from ({n}): {names}.", "呼び出し元のネットワーク({n} 個): {names}。")
ONE_PLACE = Message("{network} ({n} calls, {first} to {last})", "{network}({n} 回、{first} から {last})")
BY_AWS = Message("{n} calls were made by AWS for it.", "{n} 回は AWS のサービスが代わりに呼び出しました。")
TOOK_ON = Message("It took on roles: {names}.", "引き受けたロール: {names}。")
ELSEWHERE = Message("It was also used from {names}.", "ほかに {names} からも使われました。")
NOT_ELSEWHERE = Message("All calls came from its own or one network: {name}.", "すべての呼び出しは自身のネットワーク、または 1 つのネットワークからです: {name}。")
TOUCHED = Message("{n} changing calls succeeded: {names}.", "変更操作が {n} 回成功しました: {names}。")
TOUCHED_NONE = Message("No changing call succeeded.", "成功した変更操作はありません。")
MADE = Message("It made: {names}.", "作成したもの: {names}。")
DENIED = Message("{n} calls were denied or failed.", "{n} 回の呼び出しが拒否されたか失敗しました。")
LAST = Message("Its last call was at {time}; CloudTrail of these accounts goes to {end}.",
               "最後の呼び出しは {time} です。このアカウントの CloudTrail は {end} まであります。")
ENDED = Message("{who} stopped it with {operation} at {time}.", "{time} に {who} が {operation} で無効化しました。")
AFTER = Message("It called {n} times after that.", "その後も {n} 回呼び出しがあります。")
NO_CALLS = Message("No call of its own is on record.", "自身による呼び出しの記録はありません。")
# fmt: on


@dataclass(frozen=True)
class Calls:
    """A caller's operations, newest first. `about`: operations of others on it; `cut`: how many were looked at,
    where there are more; `end`: the newest event of its accounts; `data_events`: whether any are on record; `ours`:
    addresses that are known as one's own."""

    subject: Subject
    mine: Sequence[Act]
    about: Sequence[Act]
    cut: int | None
    end: datetime | None
    data_events: bool
    ours: frozenset[str] = frozenset()

    def networks(self, telling: Telling) -> dict[str, list[Act]]:
        """Network → calls from it, the network with the oldest call first."""
        of_address: dict[str, list[Act]] = {}
        found: dict[str, list[Act]] = {}
        for act in reversed(self.mine):
            if act.address is None:
                continue
            if act.address not in of_address:
                of_address[act.address] = found.setdefault(network_of(act.address, telling.networks), [])
            of_address[act.address].append(act)
        return found


def caller_answers(calls: Calls, telling: Telling) -> list[Answer]:
    """The five answers."""
    gap = [] if calls.cut is None else [Phrase(NEWEST_ONLY, {"n": f"{calls.cut:,}"})]
    if not calls.mine:
        silent = [Phrase(NO_CALLS)]
        first = [Answer(q, "unknown", silent, [], gap) for q in _OF_CALLS]
        return [*first, _going_on(calls, gap)]
    return [
        _data_left(calls, gap, telling),
        _peers(calls, gap, telling),
        _elsewhere(calls, gap, telling),
        _touched(calls, gap, telling),
        _going_on(calls, gap),
    ]


_OF_CALLS: Final = ("data_left", "peers", "credentials_elsewhere", "touched")


def counted_calls(acts: Sequence[Act]) -> list[str]:
    """`iam:CreateUser` or `ec2:DescribeInstances (12)`, the rarest first: what was done once says most."""
    counts = Counter(a.label for a in acts)
    ordered = sorted(counts.items(), key=lambda pair: (pair[1], pair[0]))
    return [shown(label) if n == 1 else f"{shown(label)} ({n:,})" for label, n in ordered]


def _data_left(calls: Calls, gap: Sequence[Phrase], telling: Telling) -> Answer:
    language = telling.language
    said: list[Phrase] = []
    refs: list[str] = []
    things: list[dict[str, Any]] = []
    done = [a for a in calls.mine if a.done]
    for names, message in ((_CONTENTS, CONTENTS), (_SECRETS, SECRETS), (_SHARING, SHARED)):
        found = [a for a in done if a.name in names]
        if not found:
            continue
        about = Counter(_container(a) for a in found)
        told = [f"{telling.names.said(name, language)} ({n:,})" for name, n in about.most_common() if name]
        values = {
            "n": f"{len(found):,}",
            "names": listed(told or counted_calls(found), language),
            "amount": said_amount(sum(_bytes(a) for a in found)),
        }
        said.append(Phrase(message, {n: values[n] for n in message.names}))
        refs += [found[0].ref, found[-1].ref, *(a.ref for a in found[1:5])]
        things += [thing(_kind(name), name, count=n) for name, n in about.most_common(10) if name]
    missing = list(gap)
    if not calls.data_events:
        missing.append(Phrase(NO_DATA_EVENTS))
    if said:
        return Answer("data_left", "yes", said, refs, missing, things)
    verdict: Verdict = "no" if calls.data_events else "unknown"
    return Answer("data_left", verdict, [Phrase(NOTHING_LEFT)], [], missing)


def _container(act: Act) -> str:
    """The bucket, secret or snapshot."""
    for key in ("bucketName", "secretId", "name", "snapshotId", "tableName", "dBSnapshotIdentifier"):
        value = act.request.get(key)
        if isinstance(value, str) and value:
            return value[:1100]
    return next(iter(act.targets), "")


def _kind(value: str) -> str:
    return "arn" if value.startswith("arn:") else "resource"


def _bytes(act: Act) -> int:
    value = act.more.get("bytesTransferredOut")
    return int(value) if isinstance(value, int | float) and 0 <= value < 1 << 60 else 0


def _place(network: str, acts: Sequence[Act], telling: Telling) -> str:
    addresses = dict.fromkeys(a.address or "" for a in acts)
    name = shown(network)
    if len(addresses) == 1:
        name = telling.names.address(next(iter(addresses)), telling.language)
    values = {
        "network": name, "n": f"{len(acts):,}", "first": clock(acts[0].time), "last": clock(acts[-1].time),
    }  # fmt: skip
    return ONE_PLACE.said(telling.language, values)


def _addresses(acts: Sequence[Act], telling: Telling) -> list[dict[str, Any]]:
    counts = Counter(a.address for a in acts if a.address)
    return [
        thing("address", address, telling.names.address(address, telling.language), count=n)
        for address, n in counts.most_common(10)
    ]


def _peers(calls: Calls, gap: Sequence[Phrase], telling: Telling) -> Answer:
    language = telling.language
    networks = calls.networks(telling)
    ordered = sorted(networks.items(), key=lambda pair: pair[1][0].time, reverse=True)
    said = []
    if networks:
        names = [_place(n, acts, telling) for n, acts in ordered]
        said.append(Phrase(PLACES, {"n": f"{len(networks):,}", "names": listed(names, language)}))
    by_aws = sum(1 for a in calls.mine if a.address is None)
    if by_aws:
        said.append(Phrase(BY_AWS, {"n": f"{by_aws:,}"}))
    roles = Counter(
        str(a.request.get("roleArn")) for a in calls.mine if a.name.startswith("AssumeRole") and a.done
    )
    if roles:
        told = [f"{telling.names.said(r, language)} ({n:,})" for r, n in roles.most_common()]
        said.append(Phrase(TOOK_ON, {"names": listed(told, language)}))
    refs = [acts[0].ref for _, acts in ordered]
    things = [t for _, acts in ordered for t in _addresses(acts, telling)]
    things += [thing("arn", r, telling.names.said(r, language), count=n) for r, n in roles.most_common(10)]
    return Answer("peers", "yes", said, refs, gap, things[:40])


def _elsewhere(calls: Calls, gap: Sequence[Phrase], telling: Telling) -> Answer:
    networks = calls.networks(telling)
    own = [n for n, acts in networks.items() if all(a.address in calls.ours for a in acts)]
    # Where nothing is known as one's own, the first network stands for it.
    usual = own or list(networks)[:1]
    others = [(n, acts) for n, acts in networks.items() if n not in usual]
    if not others:
        names = [_place(n, networks[n], telling) for n in usual] or ["AWS"]
        said = [Phrase(NOT_ELSEWHERE, {"name": listed(names, telling.language)})]
        return Answer("credentials_elsewhere", "no", said, [calls.mine[0].ref], gap)
    others.sort(key=lambda pair: pair[1][0].time, reverse=True)
    names = [_place(n, acts, telling) for n, acts in others]
    said = [Phrase(ELSEWHERE, {"names": listed(names, telling.language)})]
    refs = [a.ref for _, acts in others for a in (acts[0], acts[-1])]
    refs += [networks[n][-1].ref for n in usual]
    things = [t for _, acts in others for t in _addresses(acts, telling)]
    return Answer("credentials_elsewhere", "yes", said, refs, gap, things[:40])


def _touched(calls: Calls, gap: Sequence[Phrase], telling: Telling) -> Answer:
    language = telling.language
    changed = [a for a in calls.mine if a.done and not a.reads]
    failed = sum(1 for a in calls.mine if not a.done)
    said = [Phrase(TOUCHED_NONE)]
    if changed:
        names = listed(counted_calls(changed), language, 8)
        said = [Phrase(TOUCHED, {"n": f"{len(changed):,}", "names": names})]
    made = [a for a in changed if a.name in _MAKING]
    told = _once(v for act in made for v in act.targets)
    name_of = {v: telling.names.said(v, language) for v in told}
    if told:
        said.append(Phrase(MADE, {"names": listed(list(dict.fromkeys(name_of.values())), language)}))
    if failed:
        said.append(Phrase(DENIED, {"n": f"{failed:,}"}))
    about: Counter[str] = Counter(v for a in changed for v in a.targets)
    others = _once((*told, *(v for v, _ in about.most_common(20))))
    things = [thing(_kind(v), v, name_of[v]) for v in told]
    things += [
        thing(_kind(v), v, telling.names.said(v, language), count=about[v]) for v in others if v not in told
    ]
    often = Counter(a.label for a in changed)
    rare = sorted(changed, key=lambda a: (often[a.label], -a.time.timestamp()))
    verdict: Verdict = "yes" if changed else "no"
    return Answer("touched", verdict, said, [a.ref for a in (*made, *rare)], gap, things[:40])


def _once(values: Iterable[str]) -> list[str]:
    """Each thing once, by its ARN where records call it by ARN as well as by name."""
    found = list(dict.fromkeys(values))
    named = {short_arn(v)[0] for v in found if v.startswith("arn:")}
    return [v for v in found if v.startswith("arn:") or v not in named]


def _going_on(calls: Calls, gap: Sequence[Phrase]) -> Answer:
    ended = _ended(calls)
    last = calls.mine[0] if calls.mine else None
    said: list[Phrase] = []
    refs: list[str] = []
    if last is not None and calls.end is not None:
        said.append(Phrase(LAST, {"time": clock(last.time), "end": clock(calls.end)}))
        refs.append(last.ref)
    if ended is not None:
        who = shown(ended.who.rpartition("/")[2])
        said.append(Phrase(ENDED, {"who": who, "operation": ended.label, "time": clock(ended.time)}))
        refs.append(ended.ref)
        after = [a for a in calls.mine if a.time > ended.time and a.done]
        if after:
            said.append(Phrase(AFTER, {"n": f"{len(after):,}"}))
            refs.append(after[0].ref)
    if last is None or calls.end is None:
        return Answer("going_on", "unknown", said or [Phrase(NO_CALLS)], refs, gap)
    stopped = ended is not None and last.time <= ended.time
    verdict: Verdict = "no" if stopped or calls.end - last.time > _QUIET else "yes"
    return Answer("going_on", verdict, said, refs, gap)


def _ended(calls: Calls) -> Act | None:
    """The newest operation of somebody that took this caller's power away."""
    return next((a for a in calls.about if a.done and a.name in _ENDING and _takes_away(a, calls)), None)


def _takes_away(act: Act, calls: Calls) -> bool:
    if act.name == "UpdateAccessKey":
        return str(act.request.get("status")).lower() == "inactive" and _of_key(act, calls)
    if act.name == "DeleteAccessKey":
        return _of_key(act, calls)
    if act.name in ("PutUserPolicy", "PutRolePolicy"):
        document = opened_mapping(act.request.get("policyDocument"))
        statements = document.get("Statement")
        listed_ = statements if isinstance(statements, list) else [statements]
        return any(isinstance(s, Mapping) and s.get("Effect") == "Deny" for s in listed_)
    return (
        act.name in ("DeleteUser", "DeleteRole", "DeleteLoginProfile") or calls.subject.kind != "access_key"
    )


def _of_key(act: Act, calls: Calls) -> bool:
    """Whether it is of the key that is traced, or of a user, who may have others."""
    key = act.request.get("accessKeyId")
    return calls.subject.kind != "access_key" or key == calls.subject.value
