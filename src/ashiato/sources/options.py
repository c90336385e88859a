"""What a person may say about how a source is reached and which days are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ashiato.sources.objects import MAX_OBJECT_BYTES


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to reach a source, and which part of it.

    `from_` and `to` (both inclusive) choose day folders, UTC: those of `from_` to `to` + 1 day, because
    the last records of a day are delivered after midnight. Objects without a day in their name are left
    out only when they were last modified before `from_`. See docs/sources.md.

    `full`: True lists everything again; False only what the cadence says is due (the workers); None
    lists everything while that costs at most `whole_requests` list requests, else what is due.
    `requests_a_day` bounds repeated listing; a first listing, `full` and `from_`/`to` are not held back.
    """

    endpoint_url: str | None = None
    profile: str | None = None
    region: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    sts_endpoint_url: str | None = None
    request_payer: bool = False
    from_: date | None = None
    to: date | None = None
    full: bool | None = None
    requests_a_day: int = 100_000
    whole_requests: int = 1_000
    page_size: int = 1_000
    workers: int = 16
    attempts: int = 8
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    max_object_bytes: int = MAX_OBJECT_BYTES

    @property
    def first_folder(self) -> date | None:
        """The oldest day folder wanted."""
        return self.from_

    @property
    def last_folder(self) -> date | None:
        """The newest day folder wanted: a day after `to`."""
        return None if self.to is None else self.to + timedelta(days=1)

    def wants(self, day: date | None) -> bool:
        """Whether a day folder is in range; an unknown day always is."""
        if day is None:
            return True
        first, last = self.first_folder, self.last_folder
        return (first is None or day >= first) and (last is None or day <= last)
