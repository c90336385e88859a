"""A heartbeat to a URL and a mailbox while all is well: when it stays away, somebody looks (a dead man's switch)."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ashiato.core.errors import WrongUse
from ashiato.core.secrets import resolve_secret
from ashiato.core.settings import Watching
from ashiato.intake.watched import mailed_at, note_mailed
from ashiato.ledger import Ledger
from ashiato.watch.health import Health

#: How often it is looked at whether a heartbeat is due.
LOOK_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0
#: After a failure it is tried again so soon.
AGAIN = timedelta(seconds=30)


class Heartbeat:
    """A service (see runners.Service). The URLs are secrets: they are never said."""

    def __init__(
        self,
        settings: Watching,
        ledger: Ledger,
        health: Callable[[], Health],
        say: Callable[[str], None],
        clock: Callable[[], datetime],
    ) -> None:
        self.url = _secret(settings.heartbeat_url, "watch.heartbeat_url")
        self.mail = _secret(settings.heartbeat_mail, "watch.heartbeat_mail")
        if self.url is not None and urlsplit(self.url).scheme not in ("http", "https"):
            raise WrongUse(
                "the heartbeat's URL is neither http:// nor https://", where="watch.heartbeat_url",
                remedy="Give the address that your monitoring service names.",
            )  # fmt: skip
        self.every = settings.heartbeat_every or timedelta(minutes=5)
        self.mail_every = settings.heartbeat_mail_every or timedelta(days=1)
        self.ledger = ledger
        self.health = health
        self.say = say
        self.clock = clock
        self.fetched = self.mailed = 0
        self._url_at: datetime | None = None
        self._mail_at: datetime | None = None
        self._troubled: set[str] = set()
        if self.mail is not None:
            self._mailer()

    @property
    def wanted(self) -> bool:
        return self.url is not None or self.mail is not None

    def __call__(self, stop: threading.Event) -> None:
        last = mailed_at(self.ledger)
        self._mail_at = None if last is None else last + self.mail_every
        while not stop.wait(LOOK_SECONDS):
            self.beat()

    def beat(self) -> None:
        """Send what is due, if all is well."""
        now = self.clock()
        url_due = self.url is not None and (self._url_at is None or now >= self._url_at)
        mail_due = self.mail is not None and (self._mail_at is None or now >= self._mail_at)
        if not (url_due or mail_due):
            return
        found = self.health()
        if not found.ok:
            return
        if url_due:
            done = self._told("heartbeat_url", self._fetch)
            self._url_at = now + (self.every if done else min(AGAIN, self.every))
            self.fetched += done
        if mail_due:
            done = self._told("heartbeat_mail", lambda: self._send(found))
            self._mail_at = now + (self.mail_every if done else AGAIN)
            if done:
                self.mailed += 1
                note_mailed(self.ledger, now)

    def _told(self, what: str, send: Callable[[], str | None]) -> bool:
        """Send; an error is said once until it works again."""
        error = send()
        if error is None:
            self._troubled.discard(what)
            return True
        if what not in self._troubled:
            self.say(f"The heartbeat (watch.{what}) could not be sent: {error}. It is tried again.")
            self._troubled.add(what)
        return False

    def _fetch(self) -> str | None:
        assert self.url is not None
        request = urllib.request.Request(self.url, headers={"User-Agent": "ashiato"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                answer.read(1024)
            return None
        except urllib.error.HTTPError as error:
            return f"the server answered {error.code}"
        except (OSError, ValueError) as error:
            # The text of a URLError may hold the address, its reason does not.
            return f"{getattr(error, 'reason', None) or type(error).__name__}"

    def _mailer(self) -> object:
        from apprise import Apprise

        assert self.mail is not None
        made = Apprise()
        if not made.add(self.mail):
            raise WrongUse(
                "the heartbeat's address is no Apprise URL", where="watch.heartbeat_mail",
                remedy="Write it like mailtos://user:${MAIL_PASSWORD}@smtp.example.com?to=admin@example.com.",
            )  # fmt: skip
        return made

    def _send(self, found: Health) -> str | None:
        from apprise import Apprise

        mailer = self._mailer()
        assert isinstance(mailer, Apprise)
        document = found.document
        lines = [
            f"Ashiato watches on {socket.gethostname()} since {document['since']}; all is well.",
            f"Last commit: {document['last_commit'] or 'none yet'}.",
            *(
                f"{s['name']} ({s['type']}): last arrival {s['last_arrival'] or 'none yet'}"
                for s in document["sources"]
            ),
            "When this message stays away, look at the machine.",
        ]
        try:
            sent = mailer.notify(title="Ashiato: all is well", body="\n".join(lines), body_format="text")
        except Exception as error:
            return type(error).__name__
        return None if sent else "the mail server (or service) did not take it"


def _secret(text: str | None, where: str) -> str | None:
    return resolve_secret(text, where) if text else None
