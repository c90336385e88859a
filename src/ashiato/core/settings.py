"""Settings: `ashiato.toml`, every key also an environment variable (`ASHIATO_…`, nested by `__`)."""

from __future__ import annotations

import os
import tomllib
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from ashiato.core.access_settings import Access
from ashiato.core.errors import WrongUse
from ashiato.core.spans import Span
from ashiato.core.web_settings import Web

Level = Literal["informational", "low", "medium", "high", "critical"]


class Account(BaseModel):
    """A name and groups for twelve digits."""

    id: str = Field(pattern=r"^\d{12}$", description="the account's id, twelve digits")
    name: str = Field(description="shown wherever the digits would stand")
    groups: list[str] = Field(default=[], description="groups carry routing, scope and reports")


class Retention(BaseModel):
    """How long each table is kept, by the records' own time; default: forever."""

    cloudtrail: Span = Field(default=None, description='such as "7 years"; default "keep"')
    config_items: Span = Field(default=None, description='such as "7 years"; default "keep"')
    vpc_flow_logs: Span = Field(default=None, description='such as "400 days"; default "keep"')
    quarantine: Span = Field(default=None, description='such as "1 year"; default "keep"')


class NamedNetwork(BaseModel):
    """A network of one's own, by name: offices, VPNs, data centres, partners."""

    name: str = Field(description="shown wherever an address of it would stand")
    cidrs: list[str] = Field(description='such as ["198.51.100.0/24", "2001:db8::/48"]')


class WatchedSource(BaseModel):
    """Where logs come from, for `ashiato watch`; which keys belong to which type says docs/sources.md."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", description="its name in every list")
    type: Literal["files", "s3", "sqs", "firehose", "cloudwatch_logs", "lookup_events"] = Field(
        description="what kind of place it is"
    )
    enabled: bool = Field(default=True, description="false: known, but not read")
    path: Path | None = Field(default=None, description="`files`: the folder")
    bucket: str | None = Field(default=None, description="`s3`: the bucket")
    prefix: str = Field(default="", description="`s3`: only keys that begin so")
    queue: str | None = Field(
        default=None,
        description="`s3`: queue of its notifications (a hint that makes it faster); `sqs`: the queue",
    )
    log_group: str | None = Field(default=None, description="`cloudwatch_logs`: name or ARN of the log group")
    regions: list[str] = Field(default=[], description="`lookup_events`: regions to ask")
    listen: str = Field(
        default="127.0.0.1:8601", description="`firehose`: address and port, for a TLS proxy before it"
    )
    access_key: str | None = Field(
        default=None,
        description="`firehose`: the key that senders must show, as ${ENVIRONMENT} or file:/path",
    )
    from_: date | None = Field(default=None, alias="from", description="first day wanted (UTC)")
    flow_format: str | None = Field(default=None, description="fields of headerless flow records")
    region: str | None = Field(default=None, description="region of bucket, queue or log group")
    profile: str | None = Field(default=None, description="profile of the AWS configuration")
    role_arn: str | None = Field(default=None, description="role to assume for reading")
    external_id: str | None = Field(default=None, description="external id of that role")
    endpoint_url: str | None = Field(
        default=None, description="endpoint of the service, for example of MinIO"
    )
    request_payer: bool = Field(default=False, description="agree to pay for requester-pays buckets")
    requests_a_day: int = Field(
        default=100_000, ge=100, description="`s3`: list requests a day for repeated listing"
    )
    most_tries: int = Field(
        default=5,
        ge=1,
        description="`s3` with a queue, `sqs`: receives after which a message goes to quarantine",
    )
    silent_after: Span = Field(
        default=None, description="how long it may be silent before an alert; default: learnt from its habit"
    )


class Channel(BaseModel):
    """Where alerts go: an Apprise URL or an SNS topic, and which alerts."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", description="its name in every list")
    url: str | None = Field(
        default=None,
        description="Apprise URL (mailtos://, slack://, msteams://, json:// …); secrets as ${ENVIRONMENT}",
    )
    url_file: Path | None = Field(default=None, description="a file that holds the URL")
    topic_arn: str | None = Field(default=None, description="an SNS topic instead of a URL")
    role_arn: str | None = Field(default=None, description="SNS: role to assume for publishing")
    external_id: str | None = Field(default=None, description="SNS: external id of that role")
    region: str | None = Field(default=None, description="SNS: region; default: the topic's")
    endpoint_url: str | None = Field(default=None, description="SNS: endpoint, for example of an emulator")
    levels: list[Level] = Field(default=["medium", "high", "critical"], description="levels that go there")
    tags: list[str] = Field(default=[], description="only rules with one of these tags; default: any")
    accounts: list[str] = Field(default=[], description="only these accounts (ids); default: any")
    groups: list[str] = Field(default=[], description="only accounts of these groups; default: any")
    language: Literal["en", "ja"] | None = Field(default=None, description="default: the setting `language`")
    most_an_hour: int = Field(
        default=30, ge=1, description='messages an hour; the rest becomes "and 37 more"'
    )


class PlannedWork(BaseModel):
    """Work that was announced: what it does is attached to it instead of sent."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    ticket: str = Field(description="its number, shown with what it explains")
    from_: datetime = Field(alias="from", description="begin, with a zone")
    to: datetime = Field(description="end, with a zone")
    who: list[str] = Field(
        default=[], description="principals (ARN, name or pattern with *); default: anybody"
    )
    accounts: list[str] = Field(default=[], description="account ids; default: any")
    operations: list[str] = Field(default=[], description="operations such as ec2:Authorize*; default: any")


class Detection(BaseModel):
    """Which rules are evaluated, and what they know of the estate."""

    rules: list[Path] = Field(
        default=[],
        description="folders of rules, filters and lists (git work trees, say), besides HOME/rules",
    )
    own_pack: bool = Field(default=True, description="evaluate the rules that come with Ashiato")
    lists: dict[str, list[str]] = Field(default={}, description="values of placeholders: %name% in a rule")
    history: Span = Field(default=timedelta(days=30), description='how far back "first seen" looks')
    learning: Span = Field(
        default=timedelta(days=7),
        description='how long "first seen" only learns, from an account\'s first event',
    )
    holidays: str | None = Field(
        default=None, description='country whose national holidays are no working days, such as "JP"'
    )
    days_off: list[date] = Field(default=[], description="further days that are no working days")
    time_zone: str = Field(
        default="UTC", description="zone of working hours and of times in messages, such as Asia/Tokyo"
    )
    automation: list[str] = Field(
        default=[], description="principals (ARN, role name or pattern with *) that are known automation"
    )
    country_database: Path | None = Field(
        default=None, description='a MaxMind DB of countries or networks, for "from a new country"'
    )


class Alerting(BaseModel):
    """How findings become alerts."""

    join_within: Span = Field(
        default=timedelta(hours=6), description="findings of one rule and principal within this are one alert"
    )
    incident_within: Span = Field(
        default=timedelta(hours=24), description="related alerts within this are one incident"
    )
    link: str | None = Field(default=None, description="address of the pages, for links in messages")
    retry_for: Span = Field(
        default=timedelta(days=3), description="how long delivery is tried before it is a dead letter"
    )
    digest_at: str | None = Field(
        default=None,
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description='when `ashiato watch` sends a digest, such as "08:30" in the zone of `detect.time_zone`',
    )
    digest_period: Literal["day", "week"] = Field(
        default="day", description="what it covers; a weekly one is sent on Mondays"
    )
    digest_channels: list[str] = Field(
        default=[], description="channels that it is sent to, by name; default: every one"
    )


class Watching(BaseModel):
    """The loop of `ashiato watch`."""

    listen: str | None = Field(
        default="127.0.0.1:8600", description="address of /healthz and /metrics; empty: none"
    )
    commit_seconds: float = Field(
        default=2.0, gt=0, description="a commit at least so often while something waits"
    )
    commit_rows: int = Field(default=5_000, ge=1, description="or when so many records wait")
    waiting_mb: int = Field(
        default=256, ge=8, description="bytes that may wait; then sources are read no further"
    )
    poll_seconds: float = Field(default=60.0, gt=0, description="how often a bucket or folder is looked at")
    heartbeat_url: str | None = Field(
        default=None,
        description="fetched while all is well (a dead man's switch), as ${ENVIRONMENT} or file:/path too",
    )
    heartbeat_mail: str | None = Field(
        default=None, description="Apprise URL that a heartbeat message goes to"
    )
    heartbeat_every: Span = Field(default=timedelta(minutes=5), description="how often the URL is fetched")
    heartbeat_mail_every: Span = Field(default=timedelta(days=1), description="how often the message is sent")


class QueryLimits(BaseModel):
    """What one statement of `ashiato query` may use."""

    seconds: float = Field(default=300, gt=0, description="wall-clock time")
    memory_mb: int = Field(default=2048, ge=128, description="memory; larger work spills to disk")
    disk_mb: int = Field(default=20480, ge=0, description="temporary disk space")
    rows: int = Field(default=1_000_000, ge=1, description="rows of the answer")


class Settings(BaseSettings):
    """All settings, with their defaults."""

    model_config = SettingsConfigDict(
        env_prefix="ASHIATO_",
        env_nested_delimiter="__",
        extra="forbid",
        nested_model_default_partial_update=True,
    )

    home: Path = Field(default=Path("~/.local/share/ashiato"), description="lake, ledger, spool and archive")
    ledger_url: str | None = Field(
        default=None,
        description="the control database, such as postgresql+psycopg://user@host/ashiato (the password by"
        " PGPASSWORD or ~/.pgpass); default: SQLite in the home",
    )
    language: Literal["en", "ja"] = Field(default="en", description="language of pages and messages")
    archive: Literal["none", "copy"] = Field(
        default="none", description="`copy` keeps every delivered object, addressed by its content"
    )
    settle_after: Span = Field(
        default=timedelta(days=2), description="how long after its end a day is taken as settled (footprints)"
    )
    flow_format: str | None = Field(
        default=None, description="fields of headerless flow records, as in AWS's log format"
    )
    accounts: list[Account] = Field(default=[], description="names and groups of accounts")
    retention: Retention = Field(default_factory=Retention, description="how long each table is kept")
    query: QueryLimits = Field(default_factory=QueryLimits, description="limits of `ashiato query`")
    networks: list[NamedNetwork] = Field(default=[], description="networks of one's own")
    sources: list[WatchedSource] = Field(default=[], description="where `ashiato watch` reads")
    channels: list[Channel] = Field(default=[], description="where alerts go")
    planned_work: list[PlannedWork] = Field(default=[], description="work that was announced")
    detect: Detection = Field(default_factory=Detection, description="rules and what they know of the estate")
    alerts: Alerting = Field(default_factory=Alerting, description="how findings become alerts")
    watch: Watching = Field(default_factory=Watching, description="the loop of `ashiato watch`")
    access: Access = Field(default_factory=Access, description="who may enter")
    web: Web = Field(default_factory=Web, description="the pages")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        path = _settings_file.get("path")
        toml = () if path is None else (TomlConfigSettingsSource(settings_cls, path),)
        return (init_settings, env_settings, *toml)


_settings_file: dict[str, Path | None] = {"path": None}


def settings_path(given: Path | None) -> Path | None:
    """The settings file: as given, ASHIATO_CONFIG, `ashiato.toml` here, in ~/.config/ashiato, in /etc/ashiato."""
    named = given or (Path(p) if (p := os.environ.get("ASHIATO_CONFIG")) else None)
    if named is not None:
        if not named.is_file():
            raise WrongUse(
                "there is no settings file", where=str(named), remedy="Check the path after --config."
            )
        return named
    places = (
        Path("ashiato.toml"),
        Path("~/.config/ashiato/ashiato.toml").expanduser(),
        Path("/etc/ashiato/ashiato.toml"),
    )
    return next((p for p in places if p.is_file()), None)


def load_settings(given: Path | None = None, *, home: Path | None = None) -> Settings:
    """Settings from file and environment. Raises WrongUse naming the key, its place and the correction."""
    path = settings_path(given)
    _settings_file["path"] = path
    where = str(path) if path else "environment"
    try:
        return Settings() if home is None else Settings(home=home)
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(
            f"the settings file is not TOML: {error}",
            where=where,
            remedy="See docs/settings.md for examples.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"the settings file cannot be read: {error}", where=where) from error
    except SettingsError as error:
        raise WrongUse(
            f"{error}", where="environment", remedy="Lists and tables are written as JSON in the environment."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"])
        known = ", ".join(Settings.model_fields)
        hint = "See docs/settings.md."
        if first["type"] == "extra_forbidden":
            near = get_close_matches(str(first["loc"][-1]), Settings.model_fields, n=1)
            hint = (f"Did you mean {near[0]}? " if near else "") + f"Known keys: {known}."
        raise WrongUse(
            f"the setting {key} is wrong: {first['msg'].removeprefix('Value error, ')}",
            where=_variable(first["loc"]) or where,
            remedy=hint,
        ) from error
    finally:
        # Settings made without a file must not find this one.
        _settings_file["path"] = None


def _variable(place: tuple[int | str, ...]) -> str | None:
    """The environment variable that a setting comes from, if it does."""
    names = {name.upper(): name for name in os.environ}
    for end in range(len(place), 0, -1):
        name = names.get("ASHIATO_" + "__".join(str(p) for p in place[:end]).upper())
        if name is not None:
            return f"environment variable {name}"
    return None
