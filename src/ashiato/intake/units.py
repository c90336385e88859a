"""Units of objects that are read together: how, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ashiato.lake.handover import ObjectFacts, ReadRows
from ashiato.sources.objects import ObjectRef
from ashiato.sources.options import SourceOptions

#: A unit is full when it holds so much, by what its source says of the objects.
UNIT_OBJECTS = 512
UNIT_BYTES = 2 << 20


@dataclass(frozen=True)
class SourceSpec:
    """What a worker needs to open the source again."""

    address: str
    name: str
    options: SourceOptions


@dataclass(frozen=True)
class ReadingNote:
    """What is known of one object beforehand: its headerless flow records' fields; why nobody can read it."""

    flow_format: str | None = None
    quarantine: str | None = None


@dataclass(frozen=True)
class ReadingPlan:
    """How units are read: where Arrow files and archived objects go."""

    spec: SourceSpec
    tmp: Path
    archive: Path
    keep_all: bool
    flow_format: str | None = None
    #: Whether rows go to files in `tmp`, for another process to commit, or stay in memory up to HELD_BYTES.
    to_files: bool = True
    #: What is known of single objects; within one process only.
    notes: Callable[[ObjectRef], ReadingNote | None] | None = None


@dataclass
class Failure:
    """An object that could not be fetched."""

    ref: ObjectRef
    reason: str
    remedy: str
    retry: bool


@dataclass
class UnitResult:
    """Outcome of a unit: facts of each object, their rows, failures, quarantined records and bytes."""

    objects: list[ObjectFacts] = field(default_factory=list)
    rows: list[ReadRows] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    quarantined_records: int = 0
    bytes: int = 0
