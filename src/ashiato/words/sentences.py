"""Sentences about records: a CloudTrail event, a configuration item, a flow record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ashiato.words.calls import Call
from ashiato.words.family import (
    AGGREGATE,
    ANY,
    INSIGHT,
    SERVICE_EVENT,
    Operation,
    operations,
    record_families,
)
from ashiato.words.messages import Language, Message
from ashiato.words.names import Names, is_address, is_service_address
from ashiato.words.texts import MOST_SENTENCE, shown

#: Resources of one record, at most.
_MOST_RESOURCES: Final = 20

# fmt: off
#: What came of it, and from where: around the sentence of the operation.
FRAMES: Final = {
    "success": Message("{sentence}", "{sentence}"),
    "success_from": Message("{sentence} from {where}", "{sentence}(接続元 {where})"),
    "success_aside": Message("{sentence} (from {where})", "{sentence}(接続元 {where})"),
    "success_through": Message("{sentence} through {where}", "{sentence}({where} 経由)"),
    "success_internal": Message("{sentence} (called from inside AWS)", "{sentence}(AWS 内部からの呼び出し)"),
    "denied": Message("{sentence}, but was denied", "{sentence}が、拒否されました"),
    "denied_from": Message("{sentence} from {where}, but was denied", "{sentence}が、拒否されました(接続元 {where})"),
    "denied_aside": Message("{sentence} (from {where}), but was denied", "{sentence}が、拒否されました(接続元 {where})"),
    "denied_through": Message("{sentence} through {where}, but was denied", "{sentence}が、拒否されました({where} 経由)"),
    "denied_internal": Message("{sentence}, but was denied (called from inside AWS)",
                               "{sentence}が、拒否されました(AWS 内部からの呼び出し)"),
    "failed": Message("{sentence}, but it failed: {error}", "{sentence}が、失敗しました({error})"),
    "failed_from": Message("{sentence} from {where}, but it failed: {error}",
                           "{sentence}が、失敗しました({error}、接続元 {where})"),
    "failed_aside": Message("{sentence} (from {where}), but it failed: {error}",
                            "{sentence}が、失敗しました({error}、接続元 {where})"),
    "failed_through": Message("{sentence} through {where}, but it failed: {error}",
                              "{sentence}が、失敗しました({error}、{where} 経由)"),
    "failed_internal": Message("{sentence}, but it failed: {error} (called from inside AWS)",
                               "{sentence}が、失敗しました({error}、AWS 内部からの呼び出し)"),
    "dry_run": Message("{sentence}, as a dry run that changed nothing", "{sentence}(ドライラン、変更なし)"),
    "dry_run_from": Message("{sentence} from {where}, as a dry run that changed nothing",
                            "{sentence}(ドライラン、変更なし、接続元 {where})"),
    "dry_run_aside": Message("{sentence} (from {where}), as a dry run that changed nothing",
                             "{sentence}(ドライラン、変更なし、接続元 {where})"),
    "dry_run_through": Message("{sentence} through {where}, as a dry run that changed nothing",
                               "{sentence}(ドライラン、変更なし、{where} 経由)"),
    "dry_run_internal": Message("{sentence}, as a dry run that changed nothing (called from inside AWS)",
                                "{sentence}(ドライラン、変更なし、AWS 内部からの呼び出し)"),
}
RESULTS: Final = {
    "success": Message("succeeded", "成功"),
    "denied": Message("denied", "拒否"),
    "failed": Message("failed: {error}", "失敗({error})"),
    "dry_run": Message("dry run", "ドライラン"),
}
_INSIDE: Final = Message("inside AWS", "AWS 内部")
_NO_REASON: Final = Message("no reason given", "理由の記載なし")
_NOTHING: Final = Message("A record that says nothing known", "内容不明のレコード")
# fmt: on


@dataclass(frozen=True)
class Sentence:
    """A sentence and its parts, each for people and in the language asked for; all bounded and printable.

    `text`: the whole, without the time. `who`: the actor; `did`: the operation in AWS's terms (`ec2:RunInstances`),
    or what became of an item or flow; `what`: the resource; `where`: the origin, or the account or interface;
    `result`: what came of it.
    """

    text: str
    who: str = ""
    did: str = ""
    what: str = ""
    where: str = ""
    result: str = ""


def sentence(record: Mapping[str, Any], language: Language = "en", names: Names | None = None) -> Sentence:
    """The sentence about a record, raw or as a row of the lake. Never empty, never raises for what a log holds."""
    names = names or _NO_NAMES
    if not _is_call(record):
        for family in record_families():
            if family.accepts(record):
                told = family.told(record, language, names)
                return _bounded(told.text, told.who, told.did, told.what, told.where or "", told.result)
        return Sentence(_NOTHING.said(language, {}))
    return _of_call(Call(record), language, names)


_NO_NAMES: Final = Names()


#: Columns of `cloudtrail` that sentences, and what else is said of who called (formats.principals), are made of.
SPOKEN: Final = (
    "eventTime", "eventSource", "eventName", "eventType", "eventCategory", "awsRegion", "recipientAccountId",
    "userIdentity", "sourceIPAddress", "userAgent", "sessionCredentialFromConsole", "errorCode", "errorMessage",
    "requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "insightDetails", "summary",
    "resources", "readOnly",
)  # fmt: skip

#: Insights and aggregates have no eventName.
_OF_CALLS: Final = (
    "eventName",
    "eventSource",
    "userIdentity",
    "insightDetails",
    "eventCategory",
    "eventType",
)


def _is_call(record: Mapping[str, Any]) -> bool:
    return any(record.get(key) for key in _OF_CALLS)


def _kind(call: Call) -> str | None:
    """Whether an event is no call but tells of many."""
    category = call.event.get("eventCategory")
    if category == "Insight" or call.event.get("eventType") == "AwsCloudTrailInsight":
        return INSIGHT
    return AGGREGATE if category == "Aggregated" else None


def _operation(call: Call) -> Operation:
    known = operations()
    kind = _kind(call)
    if kind is not None:
        return known["", kind]
    found = known.get((call.source, call.name)) or known.get((call.source, call.operation))
    if found is not None:
        return found
    service_event = (
        call.event.get("eventType") == "AwsServiceEvent" and call.principal.type != "IdentityCenterUser"
    )
    return known["", SERVICE_EVENT if service_event else ANY]


def _of_call(call: Call, language: Language, names: Names) -> Sentence:
    result = _result(call)
    done = result == "success"
    operation = _operation(call)
    chosen = operation.chosen(call) or known_generic().chosen(call)
    who = _who(call, language, names)
    values = {"who": who}
    account = call.account
    if chosen is None:
        clause = call.label
    else:
        message, parts = chosen
        values |= {n: names.said(parts[n], language, account) for n in message.names if n != "who"}
        clause = message.said(language, values, done=done)
    place, where = _place(call, language, names)
    if place == "from" and chosen is not None and chosen[0].ends_open:
        place = "aside"
    error = shown(call.error or _NO_REASON.said(language, {}), 100)
    framed = {"sentence": clause, "where": where, "error": error}
    text = FRAMES[f"{result}_{place}" if place else result].said(language, framed)
    about = tuple(operation.subjects(call)) or call.named[:1]
    return _bounded(
        text,
        who,
        shown(call.label),
        names.said(about, language, account),
        where,
        RESULTS[result].said(language, {"error": error}),
    )


def known_generic() -> Operation:
    """The operation whose sentences fit any call."""
    return operations()["", ANY]


def _bounded(text: str, *parts: str) -> Sentence:
    return Sentence(shown(text, MOST_SENTENCE), *(shown(p, MOST_SENTENCE) for p in parts))


def _result(call: Call) -> str:
    if call.event.get("errorCode") in ("Client.DryRunOperation", "DryRunOperation"):
        return "dry_run"
    return "failed" if call.outcome == "failure" else call.outcome


def _who(call: Call, language: Language, names: Names) -> str:
    who = call.principal
    if _kind(call) in (INSIGHT, AGGREGATE):
        return "CloudTrail"
    if who.arn == "unknown" and call.event.get("eventType") == "AwsServiceEvent":
        return shown(call.source)
    return names.who(who, language, call.account)


def _place(call: Call, language: Language, names: Names) -> tuple[str, str]:
    """The frame's ending, and the origin: an address, the service in between, the inside of AWS, or nothing."""
    address = call.value("event:sourceIPAddress")
    who = call.principal
    service = who.type == "AWSService" or who.arn == "unknown" or who.arn == address
    if address and not is_service_address(address):
        return "from", names.address(address, language) if is_address(address) else shown(address, 60)
    invoked = call.value("event:userIdentity.invokedBy")
    through = next((s for s in (invoked, address) if s and s != "AWS Internal"), None)
    if through and not service:
        return "through", shown(through, 60)
    if address == "AWS Internal" and not service:
        return "internal", _INSIDE.said(language, {})
    return "", shown(address or "", 60)


def resources(record: Mapping[str, Any], most: int = _MOST_RESOURCES) -> tuple[str, ...]:
    """The resources that a record is about, as the log has them: the id that people know first. At most 20, or the
    first `most`."""
    found: dict[str, None] = {}
    for value in _about(record):
        found[shown(value, 1100)] = None
        if len(found) >= most:
            break
    return tuple(found)


def _about(record: Mapping[str, Any]) -> Iterator[str]:
    if _is_call(record):
        call = Call(record)
        yield from _operation(call).subjects(call)
        yield from call.resource_arns
        yield from call.named
    else:
        family = next((f for f in record_families() if f.accepts(record)), None)
        yield from family.resources(record) if family else ()
