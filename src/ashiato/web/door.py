"""Who stands at the door: an identity for each request, and the token that its forms carry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ashiato.access.digests import form_token
from ashiato.access.identity import Identity
from ashiato.access.sessions import Sessions
from ashiato.access.tokens import Tokens
from ashiato.web.cookies import read_cookie

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from ashiato.core.settings import Settings
    from ashiato.ledger import Ledger

SESSION = "ashiato"
#: Before there is a session: forms of the sign-in pages belong to the browser that asked for them.
FORM = "ashiato-form"
_SECRET = re.compile(r"[A-Za-z0-9_-]{20,64}")


class Door(Protocol):
    """Finds who asks; `token`: what forms of this visitor carry, 64 hex digits, or empty where there is none."""

    def who(self, request: HTTPConnection) -> Identity | None: ...

    def token(self, request: HTTPConnection) -> str: ...


def address_of(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


@dataclass(frozen=True)
class AccountDoor:
    """By a session's cookie, or by an API token in the header Authorization."""

    sessions: Sessions
    tokens: Tokens

    @classmethod
    def of(cls, ledger: Ledger, settings: Settings) -> AccountDoor:
        return cls(Sessions(ledger, settings), Tokens(ledger, settings))

    def who(self, request: HTTPConnection) -> Identity | None:
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.tokens.find(secret.strip(), address=address_of(request))
        session = read_cookie(request, SESSION)
        found = self.sessions.find(session, address=address_of(request)) if session else None
        return None if found is None else found[0]

    def token(self, request: HTTPConnection) -> str:
        secret = read_cookie(request, SESSION) or read_cookie(request, FORM)
        return form_token(secret) if _SECRET.fullmatch(secret) else ""


#: Whoever opens the demo: reads everything, changes nothing.
READER = Identity("demo", "analyst", frozenset({"read", "sql"}), via="demo")


@dataclass(frozen=True)
class OpenDoor:
    """Lets everybody in as the same reader: `ashiato demo`, on loopback only. None: nobody."""

    reader: Identity | None = READER

    def who(self, request: HTTPConnection) -> Identity | None:
        del request
        return self.reader

    def token(self, request: HTTPConnection) -> str:
        secret = read_cookie(request, FORM)
        return form_token(secret) if _SECRET.fullmatch(secret) else ""
