"""What a person reads: who did what, when, from where, with what result; in English and Japanese."""

from __future__ import annotations

import string
from datetime import timedelta
from typing import Any

import pytest

from alerts.samples import ALICE, NOON, finding, raise_, rows, settings
from ashiato.alerts import texts_en, texts_ja
from ashiato.alerts.channels import as_html, as_text
from ashiato.alerts.escaping import for_chat, no_link
from ashiato.alerts.messages import Text, Writer
from ashiato.alerts.reading import read_alert, told
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Alerting, Detection
from ashiato.ledger import Ledger

TOKYO = settings(
    detect=Detection(time_zone="Asia/Tokyo"), alerts=Alerting(link="https://ashiato.example.com/")
)
NEXT = {"en": ["Close the port."], "ja": ["ポートを閉じてください。"]}


def message(ledger: Ledger, language: Any, told_settings: Any = TOKYO, **more: Any) -> Text:
    explanation = {
        "title_ja": "セキュリティグループが全世界に開放されました",
        "next": NEXT,
        **more.pop("explanation", {}),
    }
    raise_(ledger, finding(NOON, explanation=explanation, **more), told_settings)
    with ledger.engine.connect() as connection:
        row = read_alert(connection, 1)
        writer = Writer(told_settings, language)
        return writer.alert(told(connection, row), "alert.1.1.on-call", NOON + timedelta(minutes=5))


def test_english(ledger: Ledger) -> None:
    text = message(ledger, "en", hits=37, last=NOON + timedelta(minutes=3))
    assert text.subject == "[high] Security group opened to the world: alice, shop-prod (A-1)"
    assert as_text(text).splitlines() == [
        "2026-11-20 21:00:00 JST (12:00:00 UTC): alice opened port 22 of sg-0a1 to the world from 203.0.113.5",
        "Level high: Security group opened to the world (rule sg-opened, alert A-1), in shop-prod ap-northeast-1.",
        "It stands for 37 hits between 2026-11-20 12:00:00 and 2026-11-20 12:03:00 (UTC).",
        "Why: a record matched this rule.",
        "How unusual: very rare (0.90 on a scale from 0, common, to 1, never seen).",
        (
            "Arrival: the event was at 2026-11-20 12:03:00 UTC, AWS delivered it 60 s later, it was read after 62 s,"
            " and you are told 2 min after the event."
        ),
        "What to check next:",
        "- Close the port.",
        "",
        "More: ashiato alerts show A-1",
        "https://ashiato.example.com/alerts/A-1",
        "Message alert.1.1.on-call",
    ]


def test_japanese(ledger: Ledger) -> None:
    text = message(ledger, "ja")
    assert text.subject == "【高】セキュリティグループが全世界に開放されました：alice、shop-prod(A-1)"
    assert as_text(text).splitlines() == [
        "2026-11-20 21:00:00 JST(12:00:00 UTC)：alice が sg-0a1 の 22 番ポートを全世界に開放しました(接続元 203.0.113.5)",
        "重要度 高：セキュリティグループが全世界に開放されました(ルール sg-opened、アラート A-1)、場所 shop-prod ap-northeast-1。",
        "理由：このルールに一致する記録がありました。",
        "珍しさ：非常にまれです(0 がよくある、1 が初めての尺度で 0.90)。",
        (
            "到着：イベント発生は 2026-11-20 12:00:00 UTC、AWS による配信はその 4 分後、読み取りは 4 分後、"
            "このお知らせは 5 分後です。"
        ),
        "次に確認すること：",
        "- ポートを閉じてください。",
        "",
        "詳細：ashiato alerts show A-1",
        "https://ashiato.example.com/alerts/A-1",
        "メッセージ alert.1.1.on-call",
    ]


@pytest.mark.parametrize(
    ("kind", "explanation", "en"),
    [
        ("correlation", {"count": 12, "threshold": ">= 10", "within_seconds": 600, "type": "event_count"}, "It counted 12 within 10 min (the rule asks for >= 10)."),
        ("correlation", {"count": 3, "threshold": ">= 3", "within_seconds": 7200, "type": "temporal_ordered"}, "Records of each kind that the rule names came within 2 h."),
        ("first_seen", {"terms": [{"eventName": "RunInstances", "ashiato.principal": ALICE}, {}], "history_days": 30}, "New, by the history of 30 days: eventName RunInstances, ashiato.principal alice, and 1 others."),
        ("rate", {"usual": 11.5, "seen": 350}, "350 were counted in this hour, where 11.5 are usual for this hour of the week."),
        ("silence", {}, "Why: nothing came for longer than this source may be silent."),
        ("silence", {"rests_on": "digest"}, "CloudTrail's digests, which come every hour even when nothing happens, have stopped."),
        ("silence", {"rests_on": "habit", "usual_gap": 600, "threshold": 7200}, "It is judged by its habit, for no digests vouch for it: it is usually silent for 10 min at most, and now for more than 2 h."),
        ("silence", {"rests_on": "setting", "threshold": 3600}, "The settings allow it to be silent for 60 min."),
        ("match", {"description": "A port was opened."}, "Why: A port was opened."),
        ("correlation", {"count": "?"}, "Why: events that this rule counts together came within its window."),
        ("first_seen", {"terms": "?"}, "Why: this was never seen before in the history that is kept."),
        ("rate", {"usual": None}, "Why: more were counted in this hour than is usual for the hour of the week."),
    ],
)  # fmt: skip
def test_why_by_the_kind_of_rule(ledger: Ledger, kind: str, explanation: Any, en: str) -> None:
    text = message(ledger, "en", kind=kind, explanation=explanation)
    assert en in text.lines
    with ledger.engine.connect() as connection:
        japanese = Writer(TOKYO, "ja").alert(told(connection, read_alert(connection, 1)), "k", NOON)
    assert any(line.startswith("理由：") for line in japanese.lines)


def test_a_source_that_fell_silent(ledger: Ledger) -> None:
    group = {"source": "trail", "log": "cloudtrail"}
    silent = {
        "kind": "silence",
        "principal": None,
        "group": group,
        "examples": (),
        "rarity": None,
        "actor": "unknown",
    }
    raise_(
        ledger,
        finding(NOON, account=None, region=None, title="A source of logs fell silent", **silent),
        TOKYO,
    )
    with ledger.engine.connect() as connection:
        row = read_alert(connection, 1)
        english, japanese = (
            Writer(TOKYO, language).alert(told(connection, row), "k", NOON + timedelta(hours=3))
            for language in ("en", "ja")
        )
    assert english.lines[0] == (
        "2026-11-20 21:00:00 JST (12:00:00 UTC): the last record from trail, cloudtrail came, and none since"
    )
    assert "You are told 3 h after its last record." in english.lines
    assert japanese.subject == "【高】ログのソースが沈黙しています：trail、cloudtrail(A-1)"
    assert japanese.lines[0].endswith("：trail、cloudtrail からの記録はこれを最後に届いていません")


def test_both_languages_have_every_sentence_with_the_same_places() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert texts_en.TEXTS.keys() == texts_ja.TEXTS.keys()
    for name, text in texts_en.TEXTS.items():
        assert places(text) == places(texts_ja.TEXTS[name]), name


def test_an_account_without_a_name_and_a_rule_without_a_principal(ledger: Ledger) -> None:
    text = message(
        ledger, "en", account="333333333333", principal=None, group={"srcaddr": "10.0.0.1"}, kind="rate"
    )
    assert text.subject == "[high] Security group opened to the world: 10.0.0.1, 333333333333 (A-1)"
    assert text.lines[0].endswith("Security group opened to the world: 10.0.0.1 in 333333333333")


def test_a_record_that_nobody_thought_of_is_told_by_its_title(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON), TOKYO)

    def broken(record: Any, language: Any) -> str:
        raise KeyError("x")

    with ledger.engine.connect() as connection:
        writer = Writer(TOKYO, "en", broken)
        text = writer.alert(told(connection, read_alert(connection, 1)), "k", NOON)
    assert text.lines[0].endswith("(12:00:00 UTC): Security group opened to the world: alice in shop-prod")


def test_a_zone_that_does_not_exist_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="no time zone Mars"):
        Writer(settings(detect=Detection(time_zone="Mars/Olympus")))


HOSTILE = [
    "<!channel> <@U123|x> @here @everyone",
    "[click](http://evil.example/)",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "a\r\nBcc: victim@example.com\r\n\r\nbody",
    "\x1b[31mred\x07\u202e\u200b\U000e0041",
    "{0} {alert} %s %(x)s ${HOME}",
    "`code` *bold* _it_ ~st~ #channel !here",
    "x" * 50_000,
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_of_a_log_is_obeyed(ledger: Ledger, hostile: str) -> None:
    example = {
        "eventID": "e",
        "eventTime": hostile,
        "eventSource": "ec2.amazonaws.com",
        "eventName": hostile,
        "sourceIPAddress": hostile,
        "awsRegion": hostile,
        "userIdentity": {"arn": "arn:aws:iam::111111111111:user/" + hostile},
        "requestParameters": {"bucketName": hostile},
        "errorCode": hostile,
    }
    text = message(
        ledger,
        "en",
        principal="arn:aws:iam::111111111111:user/" + hostile,
        title=hostile,
        example=example,
        explanation={"matched": {"userAgent": hostile}, "next": {"en": [hostile] * 99}},
    )
    assert len(text.subject) <= 260
    assert all("\n" not in line and len(line) < 5000 for line in (text.subject, *text.lines))
    plain = as_text(text)
    assert len(plain) <= 6000
    assert plain.endswith("Message alert.1.1.on-call")
    assert not set("\x00\x07\x1b\r\u202e\u200b\u2028") & set(plain.replace("\n", ""))
    chat = as_text(text, escape=for_chat)
    for active in ("<", ">", "@here", "@everyone", "](", "http://", "`", "*"):
        assert active not in chat
    assert "https://ashiato.example.com/alerts/A-1" in chat
    html = as_html(text)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("<a ") == 1
    assert no_link("http://evil.example/ HTTPS://x") == "http[:]//evil.example/ HTTPS[:]//x"


def test_a_short_channel_gets_the_first_line_and_the_command(ledger: Ledger) -> None:
    text = message(ledger, "en")
    for most in (500, 300, 160, 90, 40):
        short = as_text(text, most)
        assert len(short) <= most
        assert short.startswith("2026-11-20 21:00:00")
    assert "ashiato alerts show A-1" in as_text(text, 300)


def test_the_incident_an_earlier_alert_and_a_risen_level_are_named(ledger: Ledger) -> None:
    raise_(ledger, finding(NOON, rule="other"), TOKYO)
    raise_(ledger, finding(NOON), TOKYO)
    [_, second] = rows(ledger)
    with ledger.engine.connect() as connection:
        text = Writer(TOKYO).alert(told(connection, second), "k", NOON, risen=True)
    assert (
        "It is part of incident I-1, 2 alerts that name the same key, principal, address or resource."
        in text.lines
    )
    assert "You were told of this alert before; its level has risen since." in text.lines
    assert text.tail[0] == "More: ashiato alerts show A-2 and ashiato alerts show I-1"
