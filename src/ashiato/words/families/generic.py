"""Any operation that no family knows, and events that are no calls: service events, Insights, aggregates."""

from ashiato.words.calls import Call
from ashiato.words.family import AGGREGATE, ANY, INSIGHT, SERVICE_EVENT, Family
from ashiato.words.names import Value

FAMILY = Family()


def _operation(call: Call) -> Value:
    return call.label


# fmt: off
FAMILY.says(
    ANY,
    ("{who} [called|tried to call] {operation} on {resource}",
     "{who} が {resource} に対して {operation} を実行[しました|しようとしました]"),
    ("{who} [called|tried to call] {operation}",
     "{who} が {operation} を実行[しました|しようとしました]"),
    resource=lambda call: call.named[:1] or None, operation=_operation,
)
FAMILY.says(
    SERVICE_EVENT,
    ("{service} reported {event} of {resource}", "{service} が {resource} の {event} を記録しました"),
    ("{service} reported {event}", "{service} が {event} を記録しました"),
    resource=lambda call: call.named[:1] or None, event="event:eventName", service="event:eventSource",
)
FAMILY.says(
    INSIGHT,
    ("CloudTrail Insights saw an unusual rate of {errors} by {operation} begin",
     "CloudTrail Insights が {operation} の通常と異なる頻度のエラー {errors} の開始を検出しました", "begin"),
    ("CloudTrail Insights saw an unusual rate of {operation} begin",
     "CloudTrail Insights が通常と異なる頻度の {operation} の開始を検出しました", "begin"),
    ("CloudTrail Insights saw an unusual rate of {operation} end",
     "CloudTrail Insights が通常と異なる頻度の {operation} の終了を検出しました"),
    ("CloudTrail Insights saw an unusual rate of calls",
     "CloudTrail Insights が通常と異なる頻度の呼び出しを検出しました"),
    operation="insight:eventName", errors="insight:errorCode",
    begin=lambda call: call.value("insight:state") == "Start", about="",
)
FAMILY.says(
    AGGREGATE,
    ("CloudTrail summed up calls of {operation} over some minutes",
     "CloudTrail が数分間の {operation} の呼び出しを集計しました"),
    ("CloudTrail summed up calls over some minutes", "CloudTrail が数分間の呼び出しを集計しました"),
    operation="event:eventName|event:eventSource", about="",
)
