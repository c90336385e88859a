"""At least once to each channel, with the same key; retried, capped, given up in the open."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.samples import ALICE, NOON, change, event, finding, raise_, rows, settings
from alerts.services import Mailbox, Webhook, mailbox, until, webhook
from ashiato.alerts.acts import Desk
from ashiato.alerts.channels import AppriseSender, DeliveryError, open_channel
from ashiato.alerts.delivery import LONGEST_PAUSE, Deliverer, undelivered
from ashiato.alerts.messages import Text
from ashiato.alerts.outbox import CLAIM
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Alerting, Channel, Settings
from ashiato.ledger import Ledger
from ashiato.ledger.alert_tables import alerts, outbox

HOUR = timedelta(hours=1)


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as opened:
        yield opened


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


def states(ledger: Ledger) -> list[str]:
    return [row.state for row in ledger.rows(sa.select(outbox).order_by(outbox.c.id))]


def people(count: int, level: str = "high") -> list[Any]:
    """Alerts of people who have nothing in common."""
    bare = {"addresses": (), "resources": (), "level": level}
    return [change(finding(NOON, principal=f"{ALICE}{n}", **bare)) for n in range(count)]


def test_a_webhook_gets_the_text_and_the_key(ledger: Ledger, hook: Webhook, clock: Clock) -> None:
    told = settings(Channel(name="hook", url=hook.url))
    raise_(ledger, finding(NOON), told)
    report = Deliverer(ledger, told, clock=clock).deliver_due()
    assert (report.sent, states(ledger)) == (1, ["sent"])
    [got] = hook.got
    assert got["title"] == "[high] Security group opened to the world: alice, shop-prod (A-1)"
    assert got["message"].startswith("2026-11-20 12:00:00 UTC: alice opened port 22 of sg-0a1")
    assert got["type"] == "failure"
    assert hook.keys == ["alert.1.1.hook"]
    assert "Message alert.1.1.hook" in got["message"]
    assert Deliverer(ledger, told, clock=clock).deliver_due().sent == 0


def test_a_mail_has_text_and_html_and_nothing_of_a_log_in_its_headers(
    ledger: Ledger, box: Mailbox, clock: Clock
) -> None:
    told = settings(Channel(name="mail", url=box.url), language="ja")
    hostile = "<script>x</script>\r\nBcc: victim@example.com"
    raise_(
        ledger,
        finding(
            NOON, title=hostile, principal=ALICE + hostile, example=event(address="<b>http://evil.example/")
        ),
        told,
    )
    assert Deliverer(ledger, told, clock=clock).deliver_due().sent == 1
    [mail] = box.mails
    assert mail["To"] == "oncall@example.com"
    assert mail["Bcc"] is None
    assert mail["X-Ashiato-Key"] == "alert.1.1.mail"
    assert str(mail["Subject"]).startswith("【高】")
    assert "\n" not in str(mail["Subject"])
    plain = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "理由" in plain.get_content()
    assert "alert.1.1.mail" in plain.get_content()
    content = html.get_content()
    assert "<script" not in content
    assert "<b>http" not in content
    assert "&lt;script&gt;" in content
    assert "http://evil" not in content


@pytest.mark.parametrize("service", ["mmost", "gotify", "ntfy", "slack"])
def test_a_chat_mentions_nobody(
    service: str, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes over the wire, whatever a service makes of it; only the sending itself is kept from the network."""
    import requests

    sent: list[str] = []

    def post(self: Any, method: str, url: str, **keys: Any) -> requests.Response:
        sent.append(json.dumps([keys.get("json"), str(keys.get("data"))], ensure_ascii=False))
        answer = requests.Response()
        answer.status_code = 200
        answer._content = b"ok"
        return answer

    monkeypatch.setattr(requests.sessions.Session, "request", post)
    url = {
        "mmost": "mmost://127.0.0.1/3ccdd113474722377935511fc85d3dd4",
        "gotify": "gotify://127.0.0.1/A1b2C3d4E5f6G7h",
        "ntfy": "ntfy://127.0.0.1/topic",
        "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
    }[service]
    told = settings(Channel(name="chat", url=url))
    hostile = "<!channel> <@U1> @here @all [x](http://evil.example) *b*"
    raise_(ledger, finding(NOON, title=hostile, example=event(name=hostile, userAgent=hostile)), told)
    Deliverer(ledger, told, clock=clock).deliver_due()
    everything = "".join(sent)
    assert "203a" in everything, "the brackets came, as others"
    for active in ("<!channel", "<@U1", "@here", "@all", "](", "http://evil", "&lt;!channel"):
        assert active not in everything


def test_sns_reaches_a_queue(ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        at: dict[str, Any] = {"region_name": "ap-northeast-1", "endpoint_url": endpoint}
        sns, sqs = boto3.client("sns", **at), boto3.client("sqs", **at)
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        role = "arn:aws:iam::111111111111:role/publish"
        told = settings(
            Channel(
                name="topic",
                topic_arn=topic,
                endpoint_url=endpoint,
                role_arn=role,
                external_id="ashiato",
                language="ja",
            )
        )
        raise_(ledger, finding(NOON, explanation={"title_ja": "開放されました"}), told)
        assert Deliverer(ledger, told, clock=clock).deliver_due().sent == 1
        [got] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
        body = json.loads(got["Body"])
        assert body["Subject"] == "Ashiato high A-1", "SNS takes ASCII alone in a subject"
        assert "開放されました" in body["Message"]
        assert body["MessageAttributes"]["key"]["Value"] == "alert.1.1.topic"
        wrong = settings(Channel(name="topic", topic_arn=topic + "x", endpoint_url=endpoint))
        with pytest.raises(DeliveryError, match=r"NotFound|not exist"):
            open_channel(wrong.channels[0]).send(Text("s", ("l",), ("t",), "k", "high"))
    finally:
        server.stop()


def test_a_failing_channel_is_tried_with_growing_pauses_and_recovers(
    ledger: Ledger, hook: Webhook, clock: Clock
) -> None:
    told = settings(Channel(name="hook", url=hook.url))
    raise_(ledger, finding(NOON), told)
    hook.status = 503
    deliverer = Deliverer(ledger, told, clock=clock, scatter=lambda low, high: high)
    pauses = []
    for _ in range(9):
        assert deliverer.deliver_due().failed == 1
        assert deliverer.deliver_due().failed == 0, "not before its time"
        [row] = ledger.rows(sa.select(outbox))
        pauses.append((row.due_at - clock.now).total_seconds())
        clock.now = row.due_at
    assert pauses == [3, 6, 12, 24, 48, 96, 192, 300, 300]
    assert timedelta(seconds=pauses[-1]) == LONGEST_PAUSE
    assert "503" in row.error
    [listed] = undelivered(ledger)
    assert (listed.attempts, listed.state) == (9, "pending")
    hook.status = 200
    assert deliverer.deliver_due().sent == 1
    assert hook.keys == ["alert.1.1.hook"]
    assert undelivered(ledger) == []


def test_what_is_given_up_stays_visible_and_can_be_sent_again(
    ledger: Ledger, hook: Webhook, clock: Clock
) -> None:
    told = settings(Channel(name="hook", url=hook.url), alerts=Alerting(retry_for=HOUR))
    raise_(ledger, finding(NOON), told)
    hook.status = 500
    deliverer = Deliverer(ledger, told, clock=clock)
    while states(ledger) != ["dead"]:
        deliverer.deliver_due()
        clock.now += timedelta(minutes=5)
    assert clock.now <= NOON + 2 * HOUR
    assert [row.state for row in undelivered(ledger)] == ["dead"]
    hook.status = 200
    assert deliverer.deliver_due().sent == 0
    from ashiato.alerts.expecting import retry

    with ledger.begin() as connection:
        assert retry(Desk(connection, told, "ann", clock.now), None) == 1
    assert deliverer.deliver_due().sent == 1


def test_one_failing_channel_holds_up_no_other(ledger: Ledger, hook: Webhook, clock: Clock) -> None:
    told = settings(Channel(name="away", url="json://127.0.0.1:9/"), Channel(name="hook", url=hook.url))
    raise_(ledger, people(3), told)
    report = Deliverer(ledger, told, clock=clock).deliver_due()
    assert (report.sent, report.failed) == (3, 1), "the failing one is left alone after its first failure"


def test_the_reason_names_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-t0ken-value")
    sender = open_channel(Channel(name="x", url="json://user:${TOKEN}@127.0.0.1:9/${TOKEN}"))
    with pytest.raises(DeliveryError) as failed:
        sender.send(Text("s", ("l",), ("t",), "k", "high"))
    assert "s3cr3t" not in str(failed.value)
    with pytest.raises(WrongUse, match="MISSING is not set"):
        open_channel(Channel(name="x", url="json://${MISSING}")).send(Text("s", ("l",), ("t",), "k", "high"))


def test_a_url_from_a_file_and_channels_that_make_no_sense(tmp_path: Path, hook: Webhook) -> None:
    (tmp_path / "url").write_text(hook.url + "\n")
    open_channel(Channel(name="x", url_file=tmp_path / "url")).send(Text("s", ("l",), ("t",), "k", "high"))
    assert hook.keys == ["k"]
    for wrong in (
        Channel(name="x"),
        Channel(name="x", url="a://", topic_arn="b"),
        Channel(name="x", topic_arn="b"),
    ):
        with pytest.raises(WrongUse):
            open_channel(wrong)
    with pytest.raises(DeliveryError, match="none that Apprise knows"):
        AppriseSender(Channel(name="x", url="nonsense://")).send(Text("s", ("l",), ("t",), "k", "high"))


def test_beyond_the_cap_one_message_says_how_many_more(ledger: Ledger, hook: Webhook, clock: Clock) -> None:
    told = settings(Channel(name="hook", url=hook.url, most_an_hour=3))
    raise_(
        ledger,
        [
            *people(36),
            *[change(finding(NOON, principal=ALICE + "x", level="critical"))] * 1,
            *people(40)[36:39],
        ],
        told,
    )
    report = Deliverer(ledger, told, clock=clock).deliver_due()
    assert (report.sent, report.gathered) == (4, 37)
    assert "[critical]" in hook.got[0]["title"], "the highest level goes first"
    assert hook.got[3]["title"] == "and 37 more alerts (high at most)"
    assert "and 37 more alerts, beyond the 3 an hour that this channel takes." in hook.got[3]["message"]
    assert "… and 22 others" in hook.got[3]["message"]
    # Later ones wait until the hour is over, and are told together.
    raise_(
        ledger,
        [
            change(finding(NOON + 9 * HOUR, principal=f"{ALICE}late{n}", addresses=(), resources=()))
            for n in range(9)
        ],
        told,
    )
    assert Deliverer(ledger, told, clock=clock).deliver_due().sent == 0
    clock.now += HOUR + timedelta(seconds=1)
    report = Deliverer(ledger, told, clock=clock).deliver_due()
    assert (report.sent, report.gathered) == (4, 6)


def test_a_slow_loop_gathers_a_while_before_it_says_and_more(
    ledger: Ledger, hook: Webhook, clock: Clock
) -> None:
    told = settings(Channel(name="hook", url=hook.url, most_an_hour=1))
    raise_(ledger, people(2), told)
    deliverer = Deliverer(ledger, told, clock=clock)
    assert deliverer.deliver_due(gather=timedelta(seconds=20)).sent == 1
    clock.now += timedelta(seconds=21)
    assert deliverer.deliver_due(gather=timedelta(seconds=20)).gathered == 1


def test_what_has_nothing_left_to_tell_is_not_sent(ledger: Ledger, hook: Webhook, clock: Clock) -> None:
    told = settings(Channel(name="hook", url=hook.url))
    raise_(ledger, people(2), told)
    raise_(ledger, [change(people(1)[0].finding, "withdrawn")], told)
    with ledger.begin() as connection:
        Desk(connection, told, "ann", NOON).close(["A-2"], "false")
    report = Deliverer(ledger, told, clock=clock).deliver_due()
    assert (report.sent, report.superseded) == (0, 2)


def test_a_claim_of_a_dead_process_is_freed_and_of_another_host_runs_out(
    ledger: Ledger, hook: Webhook, clock: Clock
) -> None:
    import socket

    told = settings(Channel(name="hook", url=hook.url))
    raise_(ledger, people(2), told)
    claims = [f"{socket.gethostname()} 999999999 x", "elsewhere 1 x"]
    with ledger.begin() as connection:
        for number, claim in enumerate(claims, 1):
            connection.execute(
                sa.update(outbox)
                .where(outbox.c.id == number)
                .values(state="sending", claimed_by=claim, claimed_until=NOON + CLAIM)
            )
    assert Deliverer(ledger, told, clock=clock).deliver_due().sent == 1
    clock.now += CLAIM
    assert Deliverer(ledger, told, clock=clock).deliver_due().sent == 1


def test_a_channel_that_the_settings_lost_is_told_of(ledger: Ledger, clock: Clock) -> None:
    raise_(ledger, finding(NOON), settings(Channel(name="gone", url="json://x")))
    assert Deliverer(ledger, settings(), clock=clock).deliver_due().dead == 1
    [row] = undelivered(ledger)
    assert row.error == "the settings have no channel gone"


def test_the_loop_sends_within_a_second_and_stops(ledger: Ledger, hook: Webhook) -> None:
    slow = Channel(name="away", url="json://127.0.0.1:9/")
    told = settings(slow, Channel(name="hook", url=hook.url))
    stop = threading.Event()
    thread = threading.Thread(target=Deliverer(ledger, told).run, args=(stop,))
    thread.start()
    try:
        raise_(ledger, people(5), told)
        until(lambda: len(hook.got) == 5, 5)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert sorted(hook.keys) == [f"alert.{n}.1.hook" for n in range(1, 6)]


def test_two_that_deliver_at_once_send_everything_once(ledger: Ledger, hook: Webhook) -> None:
    told = settings(Channel(name="hook", url=hook.url, most_an_hour=100))
    raise_(ledger, people(20), told)
    hook.delay = 0.005
    threads = [threading.Thread(target=Deliverer(ledger, told).deliver_due) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(hook.keys) == len(set(hook.keys)) == 20


def digest_settings(hook: Webhook, **more: Any) -> Settings:
    channels = [
        Channel(name="hook", url=hook.url),
        Channel(name="bank", url=hook.url, groups=["development"]),
    ]
    return settings(*channels, alerts=Alerting(digest_at="08:30", **more))


def test_the_digest_is_sent_once_at_its_hour(ledger: Ledger, hook: Webhook, clock: Clock) -> None:
    told = digest_settings(hook, digest_channels=["hook"])
    raise_(ledger, [change(finding(NOON), live=False)], told)
    deliverer = Deliverer(ledger, told, clock=clock)
    clock.now = datetime.fromisoformat("2026-11-21T08:29:00+00:00")
    assert deliverer.enqueue_digests() == 0
    clock.now += timedelta(minutes=2)
    assert deliverer.enqueue_digests() == 1
    assert deliverer.enqueue_digests() == 0
    assert deliverer.deliver_due().sent == 1
    [got] = hook.got
    assert got["title"] == "Alerts of the day until 2026-11-21 08:30: 1 new, 1 open"
    assert (
        "From 2026-11-20 08:30 to 2026-11-21 08:30 (UTC), 1 alerts were raised and 0 were closed"
        in got["message"]
    )
    assert (
        "A-1 high 2026-11-20 12:00 UTC: Security group opened to the world: alice, shop-prod"
        in got["message"]
    )


def test_a_weekly_digest_comes_on_mondays_and_tells_a_channel_only_what_it_may_hear(
    ledger: Ledger, hook: Webhook, clock: Clock
) -> None:
    told = digest_settings(hook, digest_period="week")
    raise_(ledger, finding(NOON), told)
    deliverer = Deliverer(ledger, told, clock=clock)
    clock.now = datetime.fromisoformat("2026-11-22T08:31:00+00:00")
    assert deliverer.enqueue_digests() == 0, "a Sunday"
    clock.now += timedelta(days=1)
    assert deliverer.enqueue_digests() == 2
    deliverer.deliver_due()
    titles = [got["title"] for got in hook.got if "week" in got["title"]]
    assert sorted(titles) == [
        "Alerts of the week until 2026-11-23 08:30: 0 new, 0 open",
        "Alerts of the week until 2026-11-23 08:30: 1 new, 1 open",
    ]


def test_history_shows_what_was_delivered(ledger: Ledger, hook: Webhook, clock: Clock) -> None:
    from ashiato.alerts.reading import deliveries_of, history_of

    told = settings(Channel(name="hook", url=hook.url))
    raise_(ledger, finding(NOON), told)
    Deliverer(ledger, told, clock=clock).deliver_due()
    with ledger.engine.connect() as connection:
        assert [e["what"] for e in history_of(connection, 1)] == ["raised", "told", "delivered"]
        [sent] = deliveries_of(connection, 1)
    assert (sent["state"], sent["attempts"], sent["channel"]) == ("sent", 1, "hook")
    assert rows(ledger)[0].told_at == NOON
    assert ledger.scalar(sa.select(alerts.c.told_version)) == 1
