"""`ashiato sources check NAME`: what a source would read, with which permissions, and what is missing."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common

_EXAMPLES = (
    "[bold]Examples[/bold]\n\nashiato sources check trail\n\n"
    "ashiato sources check trail --json | jq -r '.missing[]'\n\n"
    "ashiato sources check trail --json | jq .policy > policy.json"
)


def register(app: typer.Typer) -> None:
    """Beside `ashiato sources`, whose module is registered before this one."""
    family = next(group.typer_instance for group in app.registered_groups if group.name == "sources")
    assert family is not None
    family.command(name="check", epilog=_EXAMPLES)(check)


def check(
    name: Annotated[str, typer.Argument(help="The source's name in the settings, \\[\\[sources]].")],
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Try a source of the settings without taking anything: what it reads, its permissions, its newest object.

    Names each missing permission and prints the least policy. Exit status 1 where something is missing.
    """
    from ashiato.cli.output import print_rows, to_json
    from ashiato.sources.checking import check as check_source

    told = common(home, config, format_, json)
    report = check_source(_source(told.settings.sources, name)).as_json()
    if told.format == "json":
        print(to_json(report))
    elif told.format == "csv":
        columns = ["action", "resource", "granted", "needed", "said"]
        print_rows("csv", columns, report["grants"])
    else:
        _print(report)
    if not report["ok"]:
        raise typer.Exit(1)


def _source(sources: list[Any], name: str) -> Any:
    from difflib import get_close_matches

    from ashiato.core.errors import WrongUse

    found = next((s for s in sources if s.name == name), None)
    if found is not None:
        return found
    names = [s.name for s in sources]
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    known = f"Known: {', '.join(names)}." if names else "There is no [[sources]] in the settings."
    raise WrongUse(f"there is no source {name!r} in the settings", remedy=hint + known)


def _print(report: dict[str, Any]) -> None:
    from ashiato.cli.output import plain, print_table, to_json

    for line in report["reads"]:
        print(f"Reads {plain(line)}")
    if report["identity"]:
        print(f"As {plain(report['identity'])}")
    newest = report["newest"]
    if newest:
        size = "" if newest["size"] is None else f", {newest['size']:,} bytes"
        print(f"Newest: {plain(newest['name'])}, {newest['at']:%Y-%m-%d %H:%M:%SZ}{size}")
    if report["grants"]:
        rows = [{"permission": g["action"], "on": g["resource"], "is": _state(g)} for g in report["grants"]]
        print_table(["permission", "on", "is"], rows)
    for grant in report["grants"]:
        if grant["granted"] is False and grant["said"]:
            print(f"Missing {grant['action']}: {plain(grant['said'])}")
    for problem in report["problems"]:
        print(f"Problem: {plain(problem['what'] or '')}. {plain(problem['remedy'] or '')}".rstrip())
    for note in report["notes"]:
        print(plain(note))
    for title, key in (
        ("The least policy for who reads", "policy"),
        ("and for who runs Ashiato, to assume that role", "caller_policy"),
    ):
        if report[key]:
            print(f"{title}:\n{to_json(report[key])}")
    if report["ok"]:
        print("Nothing is missing.")
    elif report["missing"]:
        print(f"Missing: {', '.join(report['missing'])}")


def _state(grant: dict[str, Any]) -> str:
    if grant["granted"] is None:
        return "not known"
    if grant["granted"]:
        return "granted"
    return "MISSING" if grant["needed"] else "not granted, not needed"
