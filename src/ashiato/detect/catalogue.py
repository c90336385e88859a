"""Which events there are: is (eventSource, eventName) one that CloudTrail can write?

Known are the operations of AWS's services (operations.txt, made of botocore's models by
tools/generate_catalogue.py), events beside the APIs (event_names.py), and what the caller has seen itself. Not to be
in the catalogue is no proof: botocore knows no console-only calls and no service newer than itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.resources import files
from typing import Final

from ashiato.detect.event_names import (
    BESIDE_THE_API,
    OTHER_NAME,
    PERMISSIONS_ONLY,
    SAME_SOURCE,
    UNDATED,
    VERSIONED,
)

#: CloudFront writes the date of its API (CreateDistribution2020_05_31), Lambda too, and sometimes a version.
_DATED: Final = re.compile(r"([A-Za-z]+)(20\d{6}|20\d\d_\d\d_\d\d)(v\d)?")
_DOMAIN: Final = ".amazonaws.com"


@cache
def _models() -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """Operations by eventSource and by `/` and name of model, and the date of those of Lambda's that carry one."""
    operations: dict[str, set[str]] = {}
    dates: dict[str, str] = {}
    text = files("ashiato.detect").joinpath("operations.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        sources, *names = line.split(" ")
        found = set()
        for name in names:
            plain, _, date = name.partition(":")
            found.add(plain)
            if date and plain not in UNDATED:
                dates[plain] = date
        places, _, model = sources.partition("/")
        for source in (*places.split(","), f"/{model}"):
            operations.setdefault(source, set()).update(found)
    return {k: frozenset(v) for k, v in operations.items()}, dates


class Catalogue:
    """The known events, and those that `seen` (pairs of eventSource and eventName, of the lake, say) adds.

    eventSource is as in records (`ec2.amazonaws.com`); case does not matter, since Sigma compares without it.
    """

    def __init__(self, seen: Iterable[tuple[str, str]] = ()) -> None:
        self._seen: dict[str, set[str]] = {}
        for source, name in seen:
            self._seen.setdefault(_short(source), set()).add(name.lower())
        self._named: dict[str, dict[str, str]] = {}

    @cached_property
    def sources(self) -> frozenset[str]:
        """All eventSources, in full."""
        known = {*_models()[0], *BESIDE_THE_API, *SAME_SOURCE, *self._seen}
        return frozenset(f"{s}{_DOMAIN}" for s in known if not s.startswith("/"))

    @cached_property
    def _by_name(self) -> dict[str, set[str]]:
        """Sources, in full, by the lower-case name of an event."""
        found: dict[str, set[str]] = {}
        for source in self.sources:
            for name in (*self._names(source), *self._seen.get(_short(source), ())):
                found.setdefault(name, set()).add(source)
        return found

    def has_source(self, source: str) -> bool:
        """Whether a service writes under this name."""
        return _full(source) in self.sources

    def has(self, name: str, source: str | None = None) -> bool:
        """Whether there is an event of this name; of the source, if one is given.

        >>> Catalogue().has("UpdateFunctionCode20150331v2", "lambda.amazonaws.com")
        True
        >>> Catalogue().has("ReplicateObject", "s3.amazonaws.com")
        False
        """
        if source is None:
            return bool(self.sources_of(name))
        known, lowered = self._names(source), name.lower()
        if lowered in known or lowered in self._seen.get(_short(source), ()):
            return True
        dated = _DATED.fullmatch(name)
        return dated is not None and dated[1].lower() in known

    def sources_of(self, name: str) -> list[str]:
        """All sources with an event of this name, in full, sorted."""
        dated = _DATED.fullmatch(name)
        found = self._by_name.get(name.lower(), set())
        return sorted(found | (self._by_name.get(dated[1].lower(), set()) if dated else set()))

    def is_permission_only(self, name: str, source: str | None = None) -> bool:
        """Whether it is an IAM permission that no event (of the source) is named after."""
        if source is not None:
            return name in PERMISSIONS_ONLY.get(_short(source), ())
        return any(name in names for names in PERMISSIONS_ONLY.values())

    def written_as(self, name: str, source: str | None) -> str | None:
        """What CloudTrail writes for the operation, where that is another name than the API's; else None.

        >>> Catalogue().written_as("UpdateFunctionCode", "lambda.amazonaws.com")
        'UpdateFunctionCode20150331v2'
        """
        short = None if source is None else _short(source)
        for (where, api), event in OTHER_NAME.items():
            if api.lower() == name.lower() and short in (where, None):
                return event
        if short not in ("lambda", None):
            return None
        date = _models()[1].get(name)
        if date is None or (short is None and len(self.sources_of(name)) > 1):
            return None
        return f"{name}{date}{VERSIONED.get(name, '')}"

    def closest(self, name: str, source: str | None = None) -> str | None:
        """The name that was most likely meant; of the source, or of any."""
        if source is not None and self.has_source(source):
            known = self._names(source)
        else:
            known = {n: self._names(next(iter(s))).get(n, n) for n, s in self._by_name.items()}
        near = get_close_matches(name.lower(), known, n=1, cutoff=0.8)
        if not near:
            return None
        return self.written_as(known[near[0]], source) or known[near[0]]

    def closest_source(self, source: str) -> str | None:
        """The eventSource that was most likely meant."""
        short = {
            "cloudwatch": "monitoring",
            "eventbridge": "events",
            "cloudwatchlogs": "logs",
            "sso-admin": "sso",
        }
        wanted = _short(source)
        if wanted in short:
            return f"{short[wanted]}{_DOMAIN}"
        near = get_close_matches(f"{wanted}{_DOMAIN}", self.sources, n=1, cutoff=0.85)
        return near[0] if near else None

    def _names(self, source: str) -> dict[str, str]:
        """Names of a source's events, by their lower-case form."""
        short = _short(source)
        if short not in self._named:
            models = _models()[0]
            names = {*models.get(short, ()), *BESIDE_THE_API.get(short, ())}
            for other in SAME_SOURCE.get(short, ()):
                names |= models.get(other, frozenset()) | models.get(f"/{other}", frozenset())
            self._named[short] = {n.lower(): n for n in names - PERMISSIONS_ONLY.get(short, frozenset())}
        return self._named[short]


def _short(source: str) -> str:
    return source.lower().removesuffix(_DOMAIN)


def _full(source: str) -> str:
    return f"{_short(source)}{_DOMAIN}"
