"""Cookies: the session's, one for forms before there is a session, and what a visitor chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ashiato.web.shield import LOOPBACK, host_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

YEAR = 365 * 86400


def may_sign_in(request: HTTPConnection) -> bool:
    """Over HTTPS, or unencrypted on this machine alone: elsewhere a password would be readable on the way."""
    return request.url.scheme == "https" or host_of(request.headers.get("host", "")) in LOOPBACK


def cookie_name(request: HTTPConnection, name: str) -> str:
    """With `__Host-`, which binds it to this name and to HTTPS; plain HTTP on loopback cannot have that."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def read_cookie(request: HTTPConnection, name: str) -> str:
    return request.cookies.get(cookie_name(request, name), "")


def set_cookie(
    request: HTTPConnection, response: Response, name: str, value: str, *, seconds: int | None = None
) -> None:
    """Not readable by scripts, not sent along by other sites' forms; `seconds` None: until the browser closes."""
    response.set_cookie(
        cookie_name(request, name), value, max_age=seconds, path="/", httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def drop_cookie(request: HTTPConnection, response: Response, name: str) -> None:
    response.delete_cookie(
        cookie_name(request, name),
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
