"""What a source would read, with which permissions, and what is missing: tried out without taking anything."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final

from ashiato.core.clock import now
from ashiato.core.errors import AshiatoError, WrongUse
from ashiato.core.settings import WatchedSource
from ashiato.sources import grants
from ashiato.sources.watched import faults

#: Names that are looked at for the newest one; they come newest days first.
MOST_NAMES: Final = 2_000


@dataclass(frozen=True)
class Grant:
    """One permission: `granted` is None where it could not be tried. `needed`: without it nothing comes."""

    action: str
    resource: str
    granted: bool | None
    said: str | None = None
    needed: bool = True


@dataclass
class Report:
    """What a check found. `newest` is the last object, message or event: `name`, `at` (UTC), `size` (or None)."""

    name: str
    type: str
    enabled: bool
    reads: list[str] = field(default_factory=list)
    identity: str | None = None
    grants: list[Grant] = field(default_factory=list)
    newest: dict[str, Any] | None = None
    problems: list[dict[str, str | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    queue_arn: str | None = None
    account: str | None = None
    policy: dict[str, Any] | None = None
    caller_policy: dict[str, Any] | None = None

    @property
    def missing(self) -> list[str]:
        """The permissions that are denied, by name, each once."""
        return list(dict.fromkeys(g.action for g in self.grants if g.granted is False and g.needed))

    @property
    def ok(self) -> bool:
        return not self.missing and not self.problems

    def grant(
        self,
        action: str,
        resource: str,
        granted: bool | None,
        said: str | None = None,
        *,
        needed: bool = True,
    ) -> None:
        self.grants.append(Grant(action, resource, granted, said, needed))

    def problem(self, error: AshiatoError | str, remedy: str | None = None) -> None:
        what = error.what if isinstance(error, AshiatoError) else error
        told = error.remedy if isinstance(error, AshiatoError) else remedy
        if all(p["what"] != what for p in self.problems):
            self.problems.append({"what": what, "remedy": told})

    def seen(self, name: str, at: datetime, size: int | None = None) -> None:
        """An object, message or event was seen; the newest counts."""
        if self.newest is None or at > self.newest["at"]:
            self.newest = {"name": name, "at": at, "size": size}

    def as_json(self) -> dict[str, Any]:
        """The document that `ashiato sources check --json` prints."""
        return {
            "name": self.name,
            "type": self.type,
            "enabled": self.enabled,
            "ok": self.ok,
            "reads": self.reads,
            "identity": self.identity,
            "grants": [
                {
                    "action": g.action,
                    "resource": g.resource,
                    "granted": g.granted,
                    "needed": g.needed,
                    "said": g.said,
                }
                for g in self.grants
            ],
            "missing": self.missing,
            "newest": self.newest,
            "problems": self.problems,
            "notes": self.notes,
            "policy": self.policy,
            "caller_policy": self.caller_policy,
        }


def check(source: WatchedSource, *, clock: Callable[[], datetime] = now) -> Report:
    """Try the source out. Nothing is taken, deleted or remembered; expected failures are in the report.

    A queue is looked into by one receive that leaves the message where it is; SQS counts it as a receive.
    """
    report = Report(source.name, source.type, source.enabled)
    wrong = faults(source)
    for fault in wrong:
        report.problem(fault)
    if not wrong:
        if source.type == "files":
            _files(source, report)
        elif source.type == "firehose":
            _firehose(source, report)
        else:
            from ashiato.sources import checking_aws

            checking_aws.check_aws(source, report, clock)
    if not source.enabled:
        report.notes.append("It is switched off (enabled = false): nothing is read.")
    report.policy = grants.policy(
        source, account=report.account, queue=report.queue_arn, keys=tuple(dict.fromkeys(report.keys))
    )
    report.caller_policy = grants.caller_policy(source)
    return report


def _files(source: WatchedSource, report: Report) -> None:
    from ashiato.sources.files import FilesSource
    from ashiato.sources.options import SourceOptions

    path = str(source.path)
    report.reads.append(f"files in {path}")
    files = FilesSource(path, name="files", options=SourceOptions(from_=source.from_))
    try:
        for ref in islice(files.objects(), MOST_NAMES):
            report.seen(ref.name, ref.delivered_at, ref.size)
    except AshiatoError as error:
        report.problem(error)
    for problem in files.progress.problems[:20]:
        report.problem(f"{problem.where}: {problem.what}", problem.remedy)
    if report.newest is None and not report.problems:
        report.notes.append("There is no file in it yet.")


def _firehose(source: WatchedSource, report: Report) -> None:
    from ashiato.core.secrets import resolve_secret
    from ashiato.sources.live_firehose import host_and_port

    try:
        host, port = host_and_port(source.listen, source.name)
    except WrongUse as error:
        report.problem(error)
        return
    report.reads.append(f"what Amazon Data Firehose delivers to http://{source.listen}/ through a TLS proxy")
    try:
        if not resolve_secret(str(source.access_key), f"sources, {source.name}, access_key"):
            report.problem("the access key is empty", "Firehose must show a key: put one there.")
    except WrongUse as error:
        report.problem(error)
    if not _is_loopback(host):
        report.notes.append(
            f"{host} is not loopback: others can reach it without TLS. The proxy needs 127.0.0.1 only."
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
        report.notes.append(f"The port {port} is free: nothing listens there now.")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            report.notes.append(f"Something listens on port {port}: `ashiato watch`, if it runs.")
        else:
            report.problem(
                f"{source.listen} cannot be listened on: {error.strerror}",
                "Give an address of this machine, and a port above 1023.",
            )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
