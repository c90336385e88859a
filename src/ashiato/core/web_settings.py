"""The settings of `[web]`."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Web(BaseModel):
    """The pages of `ashiato serve`."""

    listen: str = Field(default="127.0.0.1:8602", description="address of the pages, and of their /healthz")
    hosts: list[str] = Field(
        default=[],
        description='names by which browsers reach the pages besides loopback, such as "ashiato.example.com"',
    )
    proxies: list[str] = Field(
        default=[],
        description="addresses of TLS proxies whose X-Forwarded-For and -Proto are believed, such as 127.0.0.1",
    )
    requests_a_minute: int = Field(
        default=600, ge=10, description="requests of one user, or of one address without a user; then 429"
    )
    body_mb: int = Field(default=4, ge=1, description="the largest form")
    streams: int = Field(
        default=200, ge=1, description="browsers that get news as it comes; others ask for it"
    )
