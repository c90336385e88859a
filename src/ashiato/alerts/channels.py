"""Channels: everything that Apprise reaches by a URL, and SNS topics. A message is fitted to what it goes to."""

from __future__ import annotations

import contextvars
import logging
import re
from functools import cache
from typing import Any, Protocol
from urllib.parse import urlsplit

from ashiato.alerts.escaping import for_chat, for_html, no_link, one_line
from ashiato.alerts.messages import Text
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.secrets import resolve_secret
from ashiato.core.settings import Channel

#: Apprise's schemes of mail; these get text and HTML.
_MAIL = frozenset(
    [
        "mailto",
        "mailtos",
        "ses",
        "sendgrid",
        "mailgun",
        "postmark",
        "brevo",
        "resend",
        "smtp2go",
        "sparkpost",
        "o365",
        "azure",
        "mailersend",
    ]
)
#: Schemes whose receivers are programs: they get the text as it is.
_DATA = frozenset(["json", "jsons", "xml", "xmls", "form", "forms", "apprise", "apprises"])
#: Characters of a message, at most, whatever a channel would take.
MOST = 6000


class DeliveryError(AshiatoError):
    """A channel did not take a message; it may later."""


class Sender(Protocol):
    """One channel, opened."""

    def send(self, text: Text) -> None:
        """Hand over a message; returns when the service took it. Raises DeliveryError, WrongUse."""
        ...


def open_channel(channel: Channel) -> Sender:
    """The channel, as its settings name it. Raises WrongUse where they name nothing or too much."""
    named = [n for n in ("url", "url_file", "topic_arn") if getattr(channel, n) is not None]
    if len(named) != 1:
        raise WrongUse(
            f"the channel {channel.name} needs exactly one of url, url_file and topic_arn",
            where=f"channels.{channel.name}",
            remedy="See docs/alerts.md for examples.",
        )
    if channel.topic_arn is not None:
        from ashiato.alerts.sns import SnsSender

        return SnsSender(channel)
    return AppriseSender(channel)


class AppriseSender:
    """Mail, chats, webhooks and a hundred more services, by Apprise."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def send(self, text: Text) -> None:
        import apprise

        url = self._url()
        asset = apprise.AppriseAsset(
            app_id="Ashiato",
            app_desc="Ashiato",
            async_mode=False,
            interpret_escapes=False,
            interpret_emojis=False,
        )
        _catch_log()
        reasons: list[str] = []
        token = _reasons.set(reasons)
        try:
            plugin = apprise.Apprise.instantiate(url, asset=asset)
            if plugin is None:
                raise DeliveryError(
                    f"the URL of the channel {self.channel.name} is none that Apprise knows",
                    where=f"channels.{self.channel.name}.url",
                    remedy="See https://github.com/caronc/apprise/wiki for the form of each service.",
                )
            scheme = url.partition("://")[0].lower()
            if hasattr(plugin, "headers") and isinstance(plugin.headers, dict):
                plugin.headers = {**plugin.headers, "X-Ashiato-Key": text.key}
            title, body, format_ = self._fitted(text, plugin, scheme)
            service = apprise.Apprise(asset=asset)
            service.add(plugin)
            done = bool(
                service.notify(
                    body=body,
                    title=title,
                    notify_type=_notify_type(text.level),
                    body_format=apprise.NotifyFormat(format_),
                )
            )
        except DeliveryError:
            raise
        except Exception as error:  # a hundred plugins, each with its own ways to fail
            reasons.append(f"{type(error).__name__}: {error}")
            done = False
        finally:
            _reasons.reset(token)
        if not done:
            reason = _without_secrets("; ".join(dict.fromkeys(reasons)) or "the service did not take it", url)
            raise DeliveryError(one_line(reason, 500), where=f"channel {self.channel.name}")

    def _url(self) -> str:
        where = f"channels.{self.channel.name}"
        if self.channel.url_file is not None:
            return resolve_secret(f"file:{self.channel.url_file}", f"{where}.url_file")
        return resolve_secret(self.channel.url or "", f"{where}.url")

    def _fitted(self, text: Text, plugin: Any, scheme: str) -> tuple[str, str, str]:
        """Subject, body and the body's format for a service."""
        longest = min(MOST, int(getattr(plugin, "body_maxlen", MOST) or MOST))
        title_most = int(getattr(plugin, "title_maxlen", 250) or 0)
        subject = one_line(text.subject, min(title_most or 200, 200))
        if scheme in _MAIL:
            return subject, as_html(text, longest), "html"
        if scheme in _DATA:
            return subject, as_text(text, longest), "text"
        subject = for_chat(subject)
        room = longest if title_most else longest - len(subject) - 4
        return subject, as_text(text, room, for_chat), "text"


def as_text(text: Text, most: int = MOST, escape: Any = str) -> str:
    """The message as plain text of at most `most` characters: of a long one, the middle is left out."""
    tail = [escape(line) for line in text.tail]
    if text.link is not None:
        tail.insert(-1, text.link)
    lines = [escape(line) for line in text.lines]
    while len(lines) > 1 and _length(lines, tail) > most:
        lines.pop()
    while len(tail) > 1 and _length(lines, tail) > most:
        tail.pop()
    if _length(lines, tail) > most:
        lines[0] = lines[0][: max(most - _length([], tail) - 3, 20)] + "…"
    return "\n".join([*lines, "", *tail])[:most]


def _length(lines: list[str], tail: list[str]) -> int:
    return sum(len(line) + 1 for line in (*lines, "", *tail))


def as_html(text: Text, most: int = MOST) -> str:
    """The message as simple HTML: paragraphs, and our own link as the only one."""
    lines = [for_html(line) for line in text.lines]
    tail = [f"<code>{for_html(line)}</code>" for line in text.tail]
    if text.link is not None:
        link = for_html_link(text.link)
        tail.insert(-1, f'<a href="{link}">{link}</a>')
    while len(lines) > 1 and sum(len(line) + 8 for line in (*lines, *tail)) > most:
        lines.pop()
    first, rest = lines[0], lines[1:]
    return "".join(
        [f"<p><strong>{first}</strong></p>", *(f"<p>{x}</p>" for x in rest), *(f"<p>{x}</p>" for x in tail)]
    )


def for_html_link(link: str) -> str:
    """The address of our own pages, inside an attribute."""
    import html

    return html.escape(one_line(link), quote=True)


def as_mail_text(text: Text, most: int) -> str:
    """Plain text in which no address of a log becomes a link; for SNS, which mails it."""
    return as_text(text, most, no_link)


def _notify_type(level: str) -> Any:
    import apprise

    kinds = {
        "medium": apprise.NotifyType.WARNING,
        "high": apprise.NotifyType.FAILURE,
        "critical": apprise.NotifyType.FAILURE,
    }
    return kinds.get(level, apprise.NotifyType.INFO)


#: Where Apprise's log of this delivery goes; its sends may run in threads that carry the context.
_reasons: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("reasons", default=None)


class _Reasons(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        reasons = _reasons.get()
        if reasons is not None:
            reasons.append(record.getMessage())


@cache
def _catch_log() -> None:
    """Apprise says in its log alone why it failed."""
    log = logging.getLogger("apprise")
    log.addHandler(_Reasons(logging.WARNING))
    log.propagate = False


def _without_secrets(reason: str, url: str) -> str:
    """A reason without the parts of the URL that may be secret: everything but its scheme and host."""
    host = urlsplit(url).hostname or ""
    for part in sorted(set(re.split(r"[:/?&=@]+", url)), key=len, reverse=True):
        if len(part) >= 6 and part.lower() not in (host, host.split(".")[0]):
            reason = reason.replace(part, "…")
    return reason
