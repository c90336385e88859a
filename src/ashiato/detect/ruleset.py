"""The rules of a home: the own pack, what was imported, and folders of the settings; which of them are evaluated."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ashiato.core.errors import WrongUse
from ashiato.detect.rule import Rule
from ashiato.ledger.detection_tables import rule_states

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.detect.derived import Surroundings
    from ashiato.detect.engine import Engine
    from ashiato.detect.sigma_rules import Document, ParsedRules, RuleProblem
    from ashiato.ledger import Ledger

OWN_PACK = "ashiato"
IMPORTED = "rules"
_SUFFIXES = (".yml", ".yaml")
_MOST_BYTES = 2 << 20
_MOST_FILES = 50_000
_MOST_TOTAL = 256 << 20


@dataclass(frozen=True)
class ListedRule:
    """A rule with whether it is evaluated, and why not."""

    rule: Rule
    enabled: bool
    reason: str = ""


@dataclass
class RuleSet:
    """All rules by id; `problems`: documents that are none that can be evaluated."""

    listed: dict[str, ListedRule]
    problems: list[RuleProblem] = field(default_factory=list)
    parsed: ParsedRules | None = None

    @property
    def rules(self) -> dict[str, Rule]:
        """Every rule, evaluated or not."""
        return {i: r.rule for i, r in self.listed.items()}

    def evaluated(self) -> dict[str, Rule]:
        """Rules that are evaluated and, silently, those that correlations among them count."""
        from dataclasses import replace

        chosen = {i: r.rule for i, r in self.listed.items() if r.enabled}
        waiting = [r for r in chosen.values() if r.correlation is not None]
        while waiting:
            correlation = waiting.pop().correlation
            for id_ in correlation.references if correlation is not None else ():
                if id_ not in chosen:
                    chosen[id_] = replace(self.listed[id_].rule, alone=False)
                    waiting.append(chosen[id_])
        return chosen

    def find(self, name: str) -> ListedRule:
        """A rule by id, the beginning of its id, name, file name or title. Raises WrongUse."""
        if name in self.listed:
            return self.listed[name]
        wanted = name.lower()
        ways: list[Callable[[Rule], bool]] = [
            lambda r: wanted in [n.lower() for n in r.names] or r.title.lower() == wanted,
            lambda r: Path(r.file).stem.lower() == wanted,
            lambda r: len(wanted) >= 4 and r.id.lower().startswith(wanted),
        ]
        for means in ways:
            found = [r for r in self.listed.values() if means(r.rule)]
            if len(found) == 1:
                return found[0]
            if found:
                some = ", ".join(r.rule.id for r in found[:5])
                raise WrongUse(f"several rules are meant by {name!r}: {some}", remedy="Give one id whole.")
        from difflib import get_close_matches

        names = {r.rule.title: r.rule.id for r in self.listed.values()}
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r} ({names[near[0]]})? " if near else ""
        raise WrongUse(f"there is no rule {name!r}", remedy=f"{hint}`ashiato detections list` names them.")


def load_rules(settings: Settings, home: Path, ledger: Ledger | None = None) -> RuleSet:
    """The rules of a home. `ledger`: where it is written which of them a person switched on or off."""
    from ashiato.detect.sigma_rules import parse, retired

    parsed = parse(
        list(documents(settings, home)),
        settings.detect.lists,
        history=settings.detect.history,
        learning=settings.detect.learning,
    )
    told: dict[str, int | None] = {}
    if ledger is not None:
        told = dict(ledger.rows(sa.select(rule_states.c.rule, rule_states.c.enabled)))
    listed: dict[str, ListedRule] = {}
    for id_, rule in parsed.rules.items():
        said = told.get(id_)
        if said is not None:
            listed[id_] = ListedRule(rule, bool(said), "" if said else "switched off")
        elif retired(rule):
            listed[id_] = ListedRule(rule, enabled=False, reason=f"its authors call it {rule.status}")
        else:
            listed[id_] = ListedRule(rule, enabled=True)
    return RuleSet(listed, parsed.problems, parsed)


def engine_for(settings: Settings, home: Path, ledger: Ledger | None = None) -> tuple[RuleSet, Engine]:
    """The rules of a home and the engine that evaluates those that are switched on."""
    from ashiato.detect.derived import Surroundings
    from ashiato.detect.engine import Engine

    rules = load_rules(settings, home, ledger)
    return rules, Engine(rules.evaluated(), Surroundings.of(settings))


def documents(settings: Settings, home: Path) -> Iterator[Document]:
    """Every document of rules, filters and correlations, those of a person before our own."""
    for folder in settings.detect.rules:
        path = folder.expanduser()
        if not path.exists():
            raise WrongUse("there is no such folder of rules", where=str(path), remedy="Check detect.rules.")
        yield from read_path(path, str(folder))
    for name, folder in packs(home):
        yield from read_path(folder, name)
    if settings.detect.own_pack:
        yield from read_path(Path(__file__).parent / "rules", OWN_PACK)


def packs(home: Path) -> Iterator[tuple[str, Path]]:
    """Names and folders of the imported packs; of one whose import was killed, what was there before."""
    imported = home / IMPORTED
    for folder in sorted(imported.iterdir()) if imported.is_dir() else ():
        if folder.is_dir():
            name = folder.name
            if name.startswith("."):
                name = name.removeprefix(".").removesuffix(".old")
                if folder != _aside(imported / name) or (imported / name).exists():
                    continue
            yield name, folder


def _aside(pack: Path) -> Path:
    """Where a pack lies while a new one takes its place."""
    return pack.with_name(f".{pack.name}.old")


def read_path(path: Path, pack: str) -> Iterator[Document]:
    """Documents of a file, a folder (with what lies in it) or a zip archive. Raises WrongUse where it is none."""
    from ashiato.detect.sigma_rules import Document

    if path.is_file() and zipfile.is_zipfile(path):
        for name, content in _zipped(path):
            yield Document(f"{path.name}:{name}", _text(content), pack)
    elif path.is_file() and path.suffix.lower() == ".zip":
        raise WrongUse(
            "this is no zip archive", where=str(path), remedy="Give a file, folder or zip of rules."
        )
    elif path.is_file():
        yield Document(str(path), _text(_content(path)), pack)
    elif path.is_dir():
        for file in _files(path):
            yield Document(str(file), _text(_content(file)), pack)
    else:
        raise WrongUse(
            "there is no such file or folder", where=str(path), remedy="Give a file, folder or zip of rules."
        )


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() in _SUFFIXES and file.is_file() and not hidden:
            count += 1
            if count > _MOST_FILES:
                raise WrongUse(f"more than {_MOST_FILES} files of rules", where=str(folder))
            yield file


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise WrongUse(f"a file of rules of more than {_MOST_BYTES >> 20} MiB", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise WrongUse(f"the rules cannot be read: {error.strerror}", where=str(path)) from error


def _zipped(path: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            for number, member in enumerate(archive.infolist()):
                if number > _MOST_FILES:
                    raise WrongUse(f"more than {_MOST_FILES} files", where=str(path))
                name = PurePosixPath(member.filename.replace("\\", "/"))
                if member.is_dir() or name.suffix.lower() not in _SUFFIXES or name.name.startswith("."):
                    continue
                if member.file_size > _MOST_BYTES:
                    raise WrongUse(f"{name} holds more than {_MOST_BYTES >> 20} MiB", where=str(path))
                with archive.open(member) as file:
                    content = file.read(_MOST_BYTES + 1)[:_MOST_BYTES]
                total += len(content)
                if total > _MOST_TOTAL:
                    raise WrongUse(f"more than {_MOST_TOTAL >> 20} MiB of rules", where=str(path))
                yield member.filename, content
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
        raise WrongUse(
            f"the archive cannot be read: {error}",
            where=str(path),
            remedy="Give a zip archive without a password, packed whole.",
        ) from error


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")


@dataclass
class ImportReport:
    """What an import brought. `files`: written; `rules`: by id; `problems`: documents that cannot be evaluated."""

    pack: str
    files: int
    rules: list[Rule]
    problems: list[RuleProblem]
    correlations: int = 0
    filters: int = 0


def import_rules(path: Path, settings: Settings, home: Path, *, pack: str | None = None) -> ImportReport:
    """Copy the documents at `path` into HOME/rules/PACK, in place of what an earlier import of that name left there.

    Documents that cannot be evaluated are copied too: what they lack (a list of values, a rule that they count) may
    come later.
    """
    import shutil

    from ashiato.detect.sigma_rules import parse

    name = _pack_name(pack or path.name)
    found = list(read_path(path, name))
    if not found:
        raise WrongUse("there are no rules (.yml) there", where=str(path))
    folder = home / IMPORTED / name
    new = home / IMPORTED / f".{name}.new"
    shutil.rmtree(new, ignore_errors=True)
    for number, (document, place) in enumerate(_places(path, found)):
        target = new / place
        if target.exists() or any(p.is_file() for p in target.parents if p.is_relative_to(new)):
            target = new / f"{number}-{place.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(document.text, encoding="utf-8", newline="")
    # A kill in between leaves the old pack, aside, or the new one.
    old = _aside(folder)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    everything = parse(list(documents(settings, home)), settings.detect.lists)
    here = f"{folder}/"
    rules = [r for r in everything.rules.values() if r.file.startswith(here)]
    problems = [p for p in everything.problems if p.file.startswith(here)]
    return ImportReport(name, len(found), rules, problems, sum(r.kind == "correlation" for r in rules))


def _places(path: Path, found: Sequence[Document]) -> Iterator[tuple[Document, Path]]:
    """Each document with its place below the pack's folder; parts that would leave it are dropped."""
    for document in found:
        told = (
            document.file.removeprefix(str(path)).removeprefix(f"{path.name}:")
            if path.is_dir() or ":" in document.file
            else Path(document.file).name
        )
        parts = [
            _file_name(p)
            for p in PurePosixPath(told.replace("\\", "/")).parts
            if p.strip("./") and "\0" not in p
        ]
        place = Path(*parts) if parts else Path("rules.yml")
        # What is not called one is not read again.
        yield document, place if place.suffix.lower() in _SUFFIXES else place.with_name(f"{place.name}.yml")


def _file_name(text: str) -> str:
    """A part of a path as any file system takes it, and as one that is read again: hidden ones are not."""
    suffix = PurePosixPath(text).suffix if len(PurePosixPath(text).suffix) < 9 else ""
    stem = text.removesuffix(suffix).lstrip(".") or "rules"
    return f"{stem.encode('utf-8', 'replace')[:100].decode('utf-8', 'ignore')}{suffix}"


def _pack_name(text: str) -> str:
    import re

    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.removesuffix(".zip")).strip(".-")
    return name or "rules"


def say_enabled(ledger: Ledger, ids: Iterable[str], *, enabled: bool | None) -> None:
    """Switch rules on or off; None: as their authors mean them to be."""
    from ashiato.core.clock import now

    with ledger.begin() as connection:
        for id_ in ids:
            values = {"enabled": None if enabled is None else int(enabled), "changed_at": now()}
            changed = connection.execute(
                sa.update(rule_states).where(rule_states.c.rule == id_).values(values)
            )
            if not changed.rowcount:
                connection.execute(sa.insert(rule_states).values(rule=id_, **values))


def surroundings(settings: Settings) -> Surroundings:
    """What rules know of the estate."""
    from ashiato.detect.derived import Surroundings

    return Surroundings.of(settings)


def by_pack(rules: Mapping[str, ListedRule]) -> dict[str, list[ListedRule]]:
    """Rules by the pack that they came with."""
    found: dict[str, list[ListedRule]] = {}
    for rule in rules.values():
        found.setdefault(rule.rule.pack or OWN_PACK, []).append(rule)
    return found
