"""An account of AWS's that delivers its CloudTrail by every road at once, and those who are told: all over real
wires, which a test may cut."""

from __future__ import annotations

import gzip
import io
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from alerts.services import Mailbox, Webhook
from formats.test_notifications import event as bridged
from sources.aws_json import AwsJson, History
from sources.firehose_client import Firehose, succeeded
from sources.live_sink import Wire

ACCESS_KEY = "a key of an end-to-end test"
REGION = "us-east-1"
#: No notification of its objects is sent: they are found by listing.
UNANNOUNCED = "444455556666"
ROADS = ("files", "s3", "s3 unannounced", "sqs", "firehose", "cloudwatch_logs", "lookup_events")


def happened(number: int, at: datetime) -> dict[str, Any]:
    """The event of this number: of four, one stops a trail, one is a root sign-in, one makes a policy that allows
    everything, one is harmless. Each is by somebody who does nothing else, so that each is an alert of its own."""
    kind = number % 4
    account = f"{910000000000 + number}" if kind == 1 else "111122223333"
    name = f"e2e-user-{number}-x"
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": f"AIDA{number:08}", "arn": f"arn:aws:iam::{account}:user/{name}",
            "accountId": account, "accessKeyId": f"AKIAEXAMPLE{number:06}", "userName": name,
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "awsRegion": REGION, "userAgent": "aws-cli/2.31.7",
        "sourceIPAddress": f"198.51.100.{number % 250}", "responseElements": None,
        "requestID": str(uuid.uuid4()), "eventID": str(uuid.uuid4()), "readOnly": False,
        "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": account,
        "eventCategory": "Management",
    }  # fmt: skip
    if kind == 0:
        record |= {"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"}
        record["requestParameters"] = {"name": f"trail-{number}"}
    elif kind == 1:
        record |= {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"}
        record |= {"eventType": "AwsConsoleSignIn", "requestParameters": None}
        record |= {"responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "Yes"}}
        record["userIdentity"] = {
            "type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root", "accountId": account,
        }  # fmt: skip
    elif kind == 2:
        document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        record |= {"eventSource": "iam.amazonaws.com", "eventName": "CreatePolicy"}
        record["requestParameters"] = {"policyName": f"p-{number}", "policyDocument": document}
    else:
        record |= {"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances", "readOnly": True}
        record["requestParameters"] = {"filterSet": {}}
    return record


#: Title of the rule that is for each kind of event.
RULES = {
    0: "A trail was stopped",
    1: "Root user signed in to the console",
    2: "A policy that allows everything was written",
}


def zipped(*records: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps({"Records": list(records)}).encode(), 1)


@dataclass
class SqsQueue:
    """A queue of moto's."""

    endpoint: str
    name: str = field(default_factory=lambda: f"q-{uuid.uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        self.client = boto3.client("sqs", endpoint_url=self.endpoint, region_name=REGION)
        self.url = self.client.create_queue(QueueName=self.name)["QueueUrl"]
        self.arn = self._attributes()["QueueArn"]

    def _attributes(self) -> dict[str, str]:
        said = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        return dict(said["Attributes"])

    def through(self, wire: Wire) -> str:
        return wire.url + "/" + self.url.split("/", 3)[3]

    def held(self) -> int:
        """Messages that are not deleted, whoever has them."""
        said = self._attributes()
        return int(said["ApproximateNumberOfMessages"]) + int(said["ApproximateNumberOfMessagesNotVisible"])

    def two_minutes_later(self) -> None:
        """What a killed process had received is visible again, as it is when its visibility timeout is over."""
        from moto.sqs.models import sqs_backends

        for message in list(sqs_backends["123456789012"][REGION].queues[self.name]._messages):
            message.visible_at = 0

    def bodies(self) -> list[Any]:
        """All messages, taken out."""
        found = []
        while got := self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in got:
                found.append(json.loads(message["Body"]))
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found


class Estate:
    """Roads in, channels out. `deliver` puts records on a road; `cut` and `mend` the network of one of `wires`."""

    def __init__(
        self, folder: Path, moto_port: int, mailbox: Mailbox, webhook: Webhook, firehose_port: int
    ) -> None:
        self.endpoint = f"http://127.0.0.1:{moto_port}"
        self.folder = folder / "drop"
        self.folder.mkdir()
        self.mailbox, self.webhook = mailbox, webhook
        self.history = History()
        self.lookup = AwsJson(LookupEvents=self.history.lookup)
        self.wires = {
            name: Wire(port)
            for name, port in {
                "s3": moto_port, "s3 queue": moto_port, "sqs": moto_port, "cloudwatch_logs": moto_port,
                "lookup_events": self.lookup.port, "firehose": firehose_port, "sns": moto_port,
                "smtp": mailbox.port, "webhook": webhook.port,
            }.items()
        }  # fmt: skip
        self.firehose_port = firehose_port
        self.notifications = SqsQueue(self.endpoint)
        self.records = SqsQueue(self.endpoint)
        self.told = SqsQueue(self.endpoint)
        self.s3 = boto3.client("s3", endpoint_url=self.endpoint, region_name=REGION)
        self.bucket = f"trail-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)
        announced = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "AWSLogs/111122223333/"}]}}
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {
                        "QueueArn": self.notifications.arn,
                        "Events": ["s3:ObjectCreated:*"],
                        "Filter": announced,  # type: ignore[typeddict-item]
                    }
                ]
            },
        )
        self.logs = boto3.client("logs", endpoint_url=self.endpoint, region_name=REGION)
        self.group, self.stream = f"g-{uuid.uuid4().hex[:12]}", "111122223333_CloudTrail_us-east-1"
        self.logs.create_log_group(logGroupName=self.group)
        self.logs.create_log_stream(logGroupName=self.group, logStreamName=self.stream)
        sns = boto3.client("sns", endpoint_url=self.endpoint, region_name=REGION)
        self.topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=self.told.arn)
        self.unacknowledged: set[str] = set()
        self._senders: list[threading.Thread] = []
        self._number = 0
        self._lock = threading.Lock()
        self.closing = threading.Event()

    def settings(self, home: Path, port: int) -> str:
        """`ashiato.toml` with every kind of source and of channel."""
        wire = {name: made.url for name, made in self.wires.items()}
        mail = self.mailbox.url.replace(f":{self.mailbox.port}?", f":{self.wires['smtp'].port}?")
        hook = self.webhook.url.replace(f":{self.webhook.port}/", f":{self.wires['webhook'].port}/")
        return f"""
home = "{home}"

[[sources]]
name = "drop"
type = "files"
path = "{self.folder}"

[[sources]]
name = "trail"
type = "s3"
bucket = "{self.bucket}"
queue = "{self.notifications.through(self.wires["s3 queue"])}"
endpoint_url = "{wire["s3"]}"
region = "{REGION}"

[[sources]]
name = "events"
type = "sqs"
queue = "{self.records.through(self.wires["sqs"])}"
region = "{REGION}"

[[sources]]
name = "pushed"
type = "firehose"
listen = "127.0.0.1:{self.firehose_port}"
access_key = "${{E2E_FIREHOSE_KEY}}"

[[sources]]
name = "group"
type = "cloudwatch_logs"
log_group = "{self.group}"
region = "{REGION}"
endpoint_url = "{wire["cloudwatch_logs"]}"

[[sources]]
name = "history"
type = "lookup_events"
regions = ["{REGION}"]
endpoint_url = "{wire["lookup_events"]}"

[[channels]]
name = "mail"
url = "{mail}"
levels = ["medium", "high", "critical"]
most_an_hour = 10000

[[channels]]
name = "hook"
url = "{hook}"
most_an_hour = 10000

[[channels]]
name = "topic"
topic_arn = "{self.topic}"
endpoint_url = "{wire["sns"]}"
most_an_hour = 10000

[watch]
listen = "127.0.0.1:{port}"
poll_seconds = 2
commit_seconds = 0.5
"""

    # -- roads ---------------------------------------------------------------------------------------

    def deliver(self, road: str, records: list[dict[str, Any]]) -> None:
        getattr(self, "_by_" + road.replace(" ", "_"))(records)

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def _by_files(self, records: list[dict[str, Any]]) -> None:
        name = f"{self._next():06}.json.gz"
        hidden = self.folder / f".{name}"
        hidden.write_bytes(zipped(*records))
        hidden.rename(self.folder / name)

    def _by_s3(self, records: list[dict[str, Any]], account: str = "111122223333") -> None:
        now = datetime.now(UTC)
        key = (
            f"AWSLogs/{account}/CloudTrail/{REGION}/{now:%Y/%m/%d}/"
            f"{account}_CloudTrail_{REGION}_{now:%Y%m%dT%H%M}Z_{self._next():016}.json.gz"
        )
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=io.BytesIO(zipped(*records)))

    def _by_s3_unannounced(self, records: list[dict[str, Any]]) -> None:
        self._by_s3(records, UNANNOUNCED)

    def _by_sqs(self, records: list[dict[str, Any]]) -> None:
        for record in records:
            source = "aws." + record["eventSource"].partition(".")[0]
            kind = "Console Sign In" if record["eventName"] == "ConsoleLogin" else "API Call"
            body = json.dumps(bridged(f"AWS {kind} via CloudTrail", source, record))
            self.records.client.send_message(QueueUrl=self.records.url, MessageBody=body)

    def _by_cloudwatch_logs(self, records: list[dict[str, Any]]) -> None:
        stamp = int(time.time() * 1000)
        self.logs.put_log_events(
            logGroupName=self.group, logStreamName=self.stream,
            logEvents=[{"timestamp": stamp, "message": json.dumps(r)} for r in records],
        )  # fmt: skip

    def _by_lookup_events(self, records: list[dict[str, Any]]) -> None:
        for record in records:
            at = datetime.fromisoformat(record["eventTime"].replace("Z", "+00:00"))
            self.history.add(int(at.timestamp()), record)

    def _by_firehose(self, records: list[dict[str, Any]]) -> None:
        """As Firehose does: the same request again until it is acknowledged."""
        request = str(uuid.uuid4())
        self.unacknowledged.add(request)
        sender = threading.Thread(target=self._push, args=(request, records), daemon=True)
        self._senders.append(sender)
        sender.start()

    def _push(self, request: str, records: list[dict[str, Any]]) -> None:
        client = Firehose(self.wires["firehose"].port, key=ACCESS_KEY)
        payload = [json.dumps(r).encode() for r in records]
        while not self.closing.is_set():
            try:
                if succeeded(client.send(*payload, request_id=request), request):
                    self.unacknowledged.discard(request)
                    return
            except (OSError, ValueError):
                pass
            except Exception as error:
                if not type(error).__module__.startswith("http"):
                    raise
            self.closing.wait(0.5)

    # -- network ----------------------------------------------------------------------------------------

    def two_minutes_later(self) -> None:
        """For queues: after a kill or an outage."""
        self.notifications.two_minutes_later()
        self.records.two_minutes_later()

    def close(self) -> None:
        self.closing.set()
        for wire in self.wires.values():
            wire.cut()
        self.lookup.stop()


@dataclass
class Producer:
    """Makes events and delivers them: some by two roads, some twice by one, some late and out of order."""

    estate: Estate
    rng: random.Random
    since: datetime
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    deliveries: int = 0
    _late: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)

    def go(self, batches: int, *, pause: float = 0.15, stop: Callable[[], bool] = lambda: False) -> None:
        for _ in range(batches):
            if stop():
                return
            records = []
            for _ in range(self.rng.randint(1, 4)):
                record = happened(len(self.made), datetime.now(UTC))
                self.made[record["eventID"]] = record
                records.append(record)
            self.rng.shuffle(records)
            roads = [self.rng.choice(ROADS)]
            if self.rng.random() < 0.5:
                roads.append(self.rng.choice(ROADS))
            for road in roads:
                if self.rng.random() < 0.3:
                    self._late.append((road, records))
                else:
                    self.deliver(road, records)
            if self._late and self.rng.random() < 0.3:
                self.deliver(*self._late.pop(self.rng.randrange(len(self._late))))
            time.sleep(pause)

    def rest(self) -> None:
        """What was held back."""
        while self._late:
            self.deliver(*self._late.pop(self.rng.randrange(len(self._late))))

    def deliver(self, road: str, records: list[dict[str, Any]]) -> None:
        self.deliveries += len(records)
        self.estate.deliver(road, records)
