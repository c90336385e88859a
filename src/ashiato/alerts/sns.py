"""SNS topics as channels, through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ashiato.alerts.channels import DeliveryError, as_mail_text
from ashiato.alerts.escaping import for_ascii
from ashiato.alerts.messages import Text
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Channel

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

#: SNS takes 256 KiB; a message is shorter, but Japanese is three bytes a character.
_MOST = 20_000


class SnsSender:
    """Publishes to a topic, as oneself or as a role."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.topic = channel.topic_arn or ""
        parts = self.topic.split(":")
        if len(parts) != 6 or parts[2] != "sns":
            raise WrongUse(
                f"this is no ARN of an SNS topic: {self.topic}",
                where=f"channels.{channel.name}.topic_arn",
                remedy="Write arn:aws:sns:REGION:ACCOUNT:NAME.",
            )
        self.region = channel.region or parts[3]

    def send(self, text: Text) -> None:
        """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
        from botocore.exceptions import BotoCoreError, ClientError

        name = text.attributes.get("alert", "")
        subject = for_ascii(text.subject, 99) or f"Ashiato {text.level} {name}".strip()
        values: dict[str, Any] = {
            "TopicArn": self.topic,
            "Subject": subject,
            "Message": as_mail_text(text, _MOST),
            "MessageAttributes": {
                key: {"DataType": "String", "StringValue": value[:250]}
                for key, value in {"key": text.key, "level": text.level, **text.attributes}.items()
                if value
            },
        }
        if self.topic.endswith(".fifo"):
            values |= {"MessageGroupId": "ashiato", "MessageDeduplicationId": text.key[:128]}
        try:
            self._client().publish(**values)
        except (BotoCoreError, ClientError) as error:
            raise DeliveryError(str(error), where=f"channel {self.channel.name}") from error

    def _client(self) -> SNSClient:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
        )
        session = boto3.session.Session()
        endpoint = self.channel.endpoint_url
        if self.channel.role_arn is not None:
            asked = {"RoleArn": self.channel.role_arn, "RoleSessionName": "ashiato"}
            if self.channel.external_id is not None:
                asked["ExternalId"] = self.channel.external_id
            sts = session.client("sts", region_name=self.region, endpoint_url=endpoint, config=config)
            given = sts.assume_role(**asked)["Credentials"]  # type: ignore[arg-type]
            session = boto3.session.Session(
                given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
            )
        return session.client("sns", region_name=self.region, endpoint_url=endpoint, config=config)
