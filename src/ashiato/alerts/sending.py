"""Messages that a person sends: a test, a digest."""

from __future__ import annotations

from datetime import datetime

from ashiato.alerts.channels import open_channel
from ashiato.alerts.delivery import trial
from ashiato.alerts.digest import Period, digest_text, read_digest
from ashiato.alerts.messages import Writer
from ashiato.alerts.outbox import message_key
from ashiato.core.errors import WrongUse
from ashiato.core.settings import Channel, Settings
from ashiato.ledger import Ledger


def channel_named(settings: Settings, name: str) -> Channel:
    """A channel of the settings. Raises WrongUse with the names that there are."""
    for channel in settings.channels:
        if channel.name == name:
            return channel
    names = ", ".join(c.name for c in settings.channels) or "there are none"
    raise WrongUse(
        f"there is no channel {name}", where="channels", remedy=f"Channels of the settings: {names}."
    )


def send_test(settings: Settings, name: str) -> None:
    """Send a test message. Raises DeliveryError with what the service answered, WrongUse."""
    channel = channel_named(settings, name)
    open_channel(channel).send(trial(channel, settings))


def send_digest(ledger: Ledger, settings: Settings, name: str, period: Period, until: datetime) -> None:
    """Send a digest now. Raises DeliveryError, WrongUse."""
    channel = channel_named(settings, name)
    with ledger.engine.connect() as connection:
        digest = read_digest(connection, settings, period, until, channel)
    key = message_key("digest", f"{until:%Y%m%dT%H%M%S}", 0, name)
    open_channel(channel).send(digest_text(digest, Writer(settings, channel.language), key))
