"""What lies below an address of a bucket: dated stems (account, service, region) and undated prefixes.

Folders are looked at with delimiter listings, level by level, each level in parallel. That takes a
request an organisation, account and service; below a service the regions are known to be dated.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ashiato.sources.layout import Stem, is_year, place_of
from ashiato.sources.objects import ObjectRef, Problem
from ashiato.sources.s3_errors import ListingFailed
from ashiato.sources.s3_pages import Page, Pages

# Outside AWS's layouts a folder may be anything; beyond these it is listed plainly, page by page.
_MOST_CHILDREN = 1_000
_DEEPEST = 6


@dataclass
class Discovery:
    """What is to be listed. `loose` are objects found beside the folders on the way."""

    stems: list[Stem] = field(default_factory=list)
    flats: list[str] = field(default_factory=list)
    pieces: list[tuple[str, Stem]] = field(default_factory=list)
    loose: list[tuple[str, ObjectRef]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def prefixes(self) -> int:
        return len(self.stems) + len(self.flats) + len(self.pieces)


def discover(pages: Pages, address: str, prefix: str, pool: ThreadPoolExecutor) -> Discovery:
    """Looks below `prefix`. Raises SourceUnavailable when the first look is already refused.

    A prefix without a final `/` is a folder where such a folder exists, else one object of exactly that
    key, else the beginning of keys.
    """
    found = Discovery()
    frontier = _begin(pages, prefix, found)
    if frontier is None:
        remedy = "Check the spelling (case counts), the bucket, and --from/--to."
        found.problems.append(Problem(address, "No object lies under this address", remedy))
        return found
    depth = 0
    while frontier:
        looks = list(pool.map(lambda folder: _look(pages, folder), frontier))
        below: list[str] = []
        for folder, look in zip(frontier, looks, strict=True):
            if isinstance(look, ListingFailed):
                found.problems.append(Problem(look.where, look.what, look.remedy))
            else:
                below += _sort_out(folder, look, found, depth)
        frontier = below
        depth += 1
    return found


def _begin(pages: Pages, prefix: str, found: Discovery) -> list[str] | None:
    """The folders to look at first; None when there is nothing at all."""
    folder = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    place = place_of(folder)
    try:
        with pages.counted_as("discovery"):
            first = pages.page(folder)
            if not first.empty:
                if place.stem is None:
                    return [folder]
                if place.level == "stem":
                    found.stems.append(place.stem)
                else:
                    found.pieces.append((folder, place.stem))
                return []
            if folder != prefix and (first := pages.page(prefix)).refs:
                if first.refs[0][0] == prefix:
                    found.loose.append(first.refs[0])
                else:
                    found.flats.append(prefix)
                return []
    except ListingFailed as failed:
        # A policy may allow no more than s3:prefix PREFIX/AWSLogs/*.
        if (
            failed.denied
            and place.level == "outside"
            and not isinstance(_look(pages, folder + "AWSLogs/"), ListingFailed)
        ):
            return [folder + "AWSLogs/"]
        raise failed.as_source_error() from failed
    return None


def _look(pages: Pages, folder: str) -> Page | ListingFailed:
    with pages.counted_as("discovery"):
        try:
            most = _MOST_CHILDREN if place_of(folder).level in ("outside", "other") else None
            return pages.folder(folder, most)
        except ListingFailed as failed:
            return failed


def _sort_out(folder: str, look: Page, found: Discovery, depth: int) -> list[str]:
    """Files a folder's children; returns those to look at next."""
    level = place_of(folder).level
    free = level in ("outside", "other")
    if free and (look.after is not None or not look.folders or depth > _DEEPEST):
        # Too wide, too deep, or with nothing but objects: a plain listing says all, streaming.
        found.flats.append(folder)
        return []
    found.loose += look.refs
    found.left_out += look.left_out
    below: list[str] = []
    years = [child for child in look.folders if free and is_year(child[len(folder) :])]
    if years:
        found.stems.append(Stem(folder, "unknown", years[0][len(folder) :].startswith("year=")))
    for child in look.folders:
        if child in years:
            continue
        place = place_of(child)
        if place.level == "stem" and place.stem is not None:
            found.stems.append(place.stem)
        elif level == "account" and place.level == "other":
            found.left_out[f"folder of another service: {child[len(folder) : -1]}"] += 1
        else:
            below.append(child)
    return below
