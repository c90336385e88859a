"""Import rules from a zip that was uploaded, or from a folder, zip or file of the server."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.text import printable
from ashiato.watch.job_kinds import JobKind, Work

if TYPE_CHECKING:
    from ashiato.core.settings import Settings
    from ashiato.lake.home import Home

#: Folder of the home for what was uploaded; kept so long, so that the job can be started again.
UPLOADS = "uploads"
KEPT_SECONDS = 7 * 86400
MOST_UPLOAD = 64 << 20
MOST_PROBLEMS = 500

_UPLOAD = re.compile(r"[0-9a-f]{32}\.(zip|yml)")
_PACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")


def keep_upload(home: Home, content: bytes) -> str:
    """Keep what was uploaded: a zip archive, or one file of rules. Its name for `upload`. Raises WrongUse."""
    if not content:
        raise WrongUse("the file is empty", remedy="Choose a zip archive or a .yml file of Sigma rules.")
    if len(content) > MOST_UPLOAD:
        raise WrongUse(
            f"the file is larger than {MOST_UPLOAD >> 20} MiB", remedy="Name a folder of the server."
        )
    folder = home.folder / UPLOADS
    try:
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink(missing_ok=True)
        name = f"{uuid.uuid4().hex}.{'zip' if content.startswith(b'PK') else 'yml'}"
        (folder / name).write_bytes(content)
    except OSError as error:
        raise AshiatoError(f"the file cannot be kept: {error.strerror}", where=str(folder)) from error
    return name


def check(asked: Mapping[str, Any], settings: Settings, home: Home) -> dict[str, Any]:
    """`upload` (and `name`, what it was called), or `path` on the server; `pack`: what the rules are kept under."""
    del settings
    upload, path = str(asked.get("upload") or ""), str(asked.get("path") or "").strip()
    name = printable(str(asked.get("name") or ""), 200)
    if bool(upload) == bool(path):
        raise WrongUse("which rules?", remedy="Choose a file, or name a folder of the server; one of both.")
    if upload and (not _UPLOAD.fullmatch(upload) or not (home.folder / UPLOADS / upload).is_file()):
        raise WrongUse("what was uploaded is not there any more", remedy="Choose the file again.")
    if path and not Path(path).is_absolute():
        raise WrongUse("a folder is named from the root", where=path, remedy="Write /srv/sigma/rules, say.")
    if path and not Path(path).exists():
        raise WrongUse("there is no such file or folder on the server", where=path)
    pack = str(asked.get("pack") or "").strip() or _pack_of(name or path)
    if not _PACK.fullmatch(pack):
        raise WrongUse(
            f"this cannot be the name of a pack: {printable(pack, 80)}", remedy="Letters, digits, . _ -"
        )
    return {"upload": upload or None, "path": path or None, "name": name or None, "pack": pack}


def run(work: Work) -> dict[str, Any]:
    from ashiato.detect.ruleset import import_rules

    asked = work.parameters
    path = work.home.folder / UPLOADS / asked["upload"] if asked["upload"] else Path(asked["path"])
    work.progress("importing", None, None, None)
    report = import_rules(path, work.settings, work.home.folder, pack=asked["pack"])
    return {
        "pack": report.pack,
        "files": report.files,
        "rules": len(report.rules),
        "correlations": report.correlations,
        "problems": [
            {
                "file": Path(p.file).name[:200],
                "rule": p.rule,
                "title": p.title and printable(p.title, 300),
                "reason": printable(p.reason, 1000),
            }
            for p in report.problems[:MOST_PROBLEMS]
        ],
        "problem_count": len(report.problems),
    }


def _pack_of(name: str) -> str:
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    stem = re.sub(r"\.(zip|ya?ml)$", "", last, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip(".-")[:60] or "rules"


KIND = JobKind("rule_import", whole=True, writes=True, apart=True, check=check, run=run)
