"""The settings of `[access]`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, Field

from ashiato.core.spans import Timespan


class Access(BaseModel):
    """Who may enter: sessions, tokens, lock-out."""

    session_lifetime: Timespan = Field(
        default=timedelta(days=7), description="how long after signing in one has to do it again"
    )
    session_idle: Timespan = Field(default=timedelta(hours=12), description="or after so long without a page")
    link_lifetime: Timespan = Field(
        default=timedelta(hours=24), description="how long a link that sets a password can be used, once"
    )
    token_lifetime: Timespan = Field(
        default=timedelta(days=90), description="how long an API token lasts where nothing is said"
    )
    token_longest: Timespan = Field(default=timedelta(days=366), description="and at most")
    password_length: int = Field(default=12, ge=12, le=128, description="characters of a password, at least")
    tries: int = Field(
        default=5, ge=1, description="sign-ins to one user from one address within `lock_out`; then none"
    )
    tries_by_address: int = Field(
        default=100, ge=1, description="sign-ins from one address, to whomever, within `lock_out`"
    )
    tries_by_user: int = Field(
        default=50,
        ge=1,
        description="sign-ins to one user within an hour from addresses it never came from",
    )
    lock_out: Timespan = Field(default=timedelta(minutes=15), description="how long")
    known_for: Timespan = Field(
        default=timedelta(days=90), description="how long a user's address counts as known, from a sign-in"
    )
