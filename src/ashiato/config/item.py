"""A configuration item, and the resource that it is the state of.

https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from ashiato.config.documents import opened
from ashiato.formats.refs import item_ref

#: Statuses of a resource that is no more.
DELETED: Final = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded"})

#: Columns of `config_items` that an item is made of.
COLUMNS: Final = (
    "awsAccountId", "awsRegion", "resourceType", "resourceId", "resourceName", "ARN", "availabilityZone",
    "configurationItemCaptureTime", "configurationStateId", "configurationItemStatus", "resourceCreationTime",
    "tags", "relationships", "configuration", "supplementaryConfiguration", "relatedEvents",
    "recordingFrequency", "delivered_at", "ingested_at", "source", "object",
)  # fmt: skip
#: Those that say what, when and in which status: a state without its configuration.
OUTLINE: Final = COLUMNS[:11]

#: SQL that orders items of one resource, newest first: ties of capture time by state id, a number written as text.
NEWEST_FIRST: Final = (
    '"configurationItemCaptureTime" DESC, try_cast("configurationStateId" AS HUGEINT) DESC NULLS LAST,'
    ' "configurationStateId" DESC NULLS LAST'
)


@dataclass(frozen=True, order=True)
class ResourceKey:
    """What AWS Config knows a resource by. `name` and `arn`, where known, are not part of the identity."""

    account: str
    region: str
    type: str
    id: str
    name: str | None = field(default=None, compare=False)
    arn: str | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, str | None]:
        """account, region, type, id, name, arn."""
        return {
            "account": self.account, "region": self.region, "type": self.type, "id": self.id, "name": self.name,
            "arn": self.arn,
        }  # fmt: skip

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name and self.name != self.id else ""
        return f"{self.type} {self.id}{named} in {self.account}/{self.region}"


@dataclass(frozen=True)
class ConfigItem:
    """One item. Times are aware, in UTC; parts of open shape stay JSON text until they are asked for."""

    key: ResourceKey
    captured: datetime
    state_id: str | None
    status: str
    zone: str | None = None
    created: datetime | None = None
    tags_text: str | None = None
    related: tuple[Mapping[str, str | None], ...] = ()
    configuration_text: str | None = None
    supplementary_text: str | None = None
    related_events: tuple[str, ...] = ()
    recording_frequency: str | None = None
    delivered_at: datetime | None = None
    ingested_at: datetime | None = None
    source: str | None = None
    object: str | None = None

    @property
    def deleted(self) -> bool:
        """Whether the item says that the resource is no more."""
        return self.status in DELETED

    @cached_property
    def tags(self) -> dict[str, Any]:
        """Key → value."""
        found = _opened(self.tags_text)
        return found if isinstance(found, dict) else {}

    @cached_property
    def configuration(self) -> Any:
        """The state, in the shape of the service's describe call; None of a deleted resource."""
        return _opened(self.configuration_text)

    @cached_property
    def supplementary(self) -> dict[str, Any]:
        """State from further calls, by name."""
        found = _opened(self.supplementary_text)
        return found if isinstance(found, dict) else {}

    @property
    def ref(self) -> str:
        """The record's reference for pages and JSON."""
        key = self.key
        return item_ref(
            {
                "awsAccountId": key.account, "awsRegion": key.region, "resourceType": key.type,
                "resourceId": key.id, "configurationItemCaptureTime": self.captured,
            }
        )  # fmt: skip

    def as_json(self, *, whole: bool = True) -> dict[str, Any]:
        """The item; its state only if `whole`."""
        outline = {
            "time": self.captured, "status": self.status, "resource": self.key.as_json(), "zone": self.zone,
            "created": self.created, "ref": self.ref,
        }  # fmt: skip
        if not whole:
            return outline
        return outline | {
            "tags": self.tags,
            "relationships": [dict(r) for r in self.related],
            "configuration": self.configuration,
            "supplementaryConfiguration": self.supplementary,
            "delivered": self.delivered_at,
            "ingested": self.ingested_at,
            "source": self.source,
            "object": self.object,
        }

    def document(self) -> dict[str, Any]:
        """What is compared between two items: state, tags, relationships, name and zone; as recorded."""
        return {
            "configuration": self.configuration,
            "supplementaryConfiguration": self.supplementary,
            "tags": self.tags,
            "relationships": [dict(r) for r in self.related],
            "resourceName": self.key.name,
            "availabilityZone": self.zone,
        }


def iso(moment: datetime) -> str:
    """A time as AWS writes it, with as many digits of the second as it has.

    >>> iso(datetime(2026, 11, 19, 13, 46, 15, 716000, UTC))
    '2026-11-19T13:46:15.716Z'
    """
    moment = moment.astimezone(UTC)
    digits = (
        "microseconds" if moment.microsecond % 1000 else "milliseconds" if moment.microsecond else "seconds"
    )
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")


def item_of(row: Mapping[str, Any]) -> ConfigItem:
    """An item from a row with some or all of COLUMNS."""
    get = row.get
    # A state of an account is many items: setting frozen fields one by one takes most of the time for them.
    key, item = object.__new__(ResourceKey), object.__new__(ConfigItem)
    key.__dict__.update(
        account=get("awsAccountId") or "",
        region=get("awsRegion") or "",
        type=get("resourceType") or "",
        id=get("resourceId") or "",
        name=get("resourceName"),
        arn=get("ARN"),
    )
    item.__dict__.update(
        key=key,
        captured=row["configurationItemCaptureTime"],
        state_id=get("configurationStateId"),
        status=get("configurationItemStatus") or "OK",
        zone=get("availabilityZone"),
        created=get("resourceCreationTime"),
        tags_text=get("tags"),
        related=tuple(get("relationships") or ()),
        configuration_text=get("configuration"),
        supplementary_text=get("supplementaryConfiguration"),
        related_events=tuple(get("relatedEvents") or ()),
        recording_frequency=get("recordingFrequency"),
        delivered_at=get("delivered_at"),
        ingested_at=get("ingested_at"),
        source=get("source"),
        object=get("object"),
    )
    return item


def _opened(text: str | None) -> Any:
    return None if text is None else opened(text, text)
