"""Settings: `ashiato.toml`, every key also an environment variable (`ASHIATO_…`, nested by `__`)."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from ashiato.core.errors import WrongUse

_SPAN = re.compile(r"\s*(\d+)\s*(second|minute|hour|day|week|month|year)s?\s*", re.I)
_UNITS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 2629800,
    "year": 31557600,
}


def parse_span(value: object) -> timedelta | None:
    """`400 days`, `3 years`, `keep` (None), or a number of days.

    >>> parse_span("2 weeks").days
    14
    """
    if value is None or isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(days=value)
    if isinstance(value, str):
        if value.strip().lower() in ("keep", "forever", ""):
            return None
        found = _SPAN.fullmatch(value)
        if found:
            return timedelta(seconds=int(found[1]) * _UNITS[found[2].lower()])
    raise ValueError('a span of time is written like "400 days", "3 years" or "keep"')


Span = Annotated[timedelta | None, BeforeValidator(parse_span)]


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
