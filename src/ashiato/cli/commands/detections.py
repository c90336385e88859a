"""`ashiato detections`: the rules, what they would have found, and what is wrong with them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ashiato.cli.app import Common, ConfigOption, FormatOption, HomeOption, JsonOption, common

if TYPE_CHECKING:
    from ashiato.detect.ruleset import ListedRule, RuleSet

RulesArgument = Annotated[list[str] | None, typer.Argument(help="Rules by id, name, file name or title.")]


def register(app: typer.Typer) -> None:
    family = typer.Typer(
        help="Rules over operations, changes and connections: import, list, test, try them on the past.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=_EXAMPLES,
    )
    family.command(name="list", epilog=_LIST)(list_)
    family.command(name="show")(show)
    family.command(name="import", epilog=_IMPORT)(import_)
    family.command(name="enable")(enable)
    family.command(name="disable")(disable)
    family.command(name="check", epilog=_CHECK)(check)
    family.command(name="test", epilog=_TEST)(run_tests_of_rules)
    family.command(name="backtest", epilog=_BACKTEST)(backtest)
    family.command(name="coverage")(coverage)
    app.add_typer(family, name="detections")


_EXAMPLES = """[bold]Examples[/bold]

ashiato detections import ./sigma/rules/cloud/aws

ashiato detections backtest --all --from 2026-10-01

ashiato detections check ./my-rules
"""
_LIST = "[bold]Examples[/bold]\n\nashiato detections list --level high --json\n\nashiato detections list --problems"
_IMPORT = (
    "[bold]Examples[/bold]\n\nashiato detections import ./sigma/rules/cloud/aws\n\n"
    "ashiato detections import rules.zip --pack suzaku"
)
_CHECK = "[bold]Examples[/bold]\n\nashiato detections check\n\nashiato detections check ./my-rules --json"
_TEST = "[bold]Examples[/bold]\n\nashiato detections test\n\nashiato detections test root_account_used"
_BACKTEST = (
    "[bold]Examples[/bold]\n\nashiato detections backtest root_account_used\n\n"
    "ashiato detections backtest --all --from 2026-10-01 --to 2026-10-31 --json"
)


def list_(
    home: HomeOption = None,
    config: ConfigOption = None,
    level: Annotated[list[str] | None, typer.Option(help="Only rules of these levels.")] = None,
    pack: Annotated[str | None, typer.Option(help="Only rules of this pack.")] = None,
    tag: Annotated[
        str | None, typer.Option(help="Only rules with this tag, such as attack.t1078.004.")
    ] = None,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only what cannot be evaluated, and why.")
    ] = False,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List the rules: id, level, kind, whether they are evaluated; and documents that cannot be, with the reason."""
    from ashiato.cli.output import plain, print_rows, to_json

    told = common(home, config, format_, json)
    rules = _rules(told)
    chosen = [
        r
        for r in sorted(rules.listed.values(), key=lambda r: (r.rule.pack, r.rule.title))
        if (not level or r.rule.level in level)
        and (pack is None or r.rule.pack == pack)
        and (tag is None or tag in r.rule.tags)
    ]
    if told.format == "json":
        print(
            to_json(
                {
                    "rules": [] if problems else [_listed_json(r) for r in chosen],
                    "problems": [
                        {"file": p.file, "rule": p.rule, "title": p.title, "reason": p.reason}
                        for p in rules.problems
                    ],
                }
            )
        )
    else:
        if not problems:
            rows = [_row(r) for r in chosen]
            print_rows(told.format, list(rows[0]) if rows else ["id"], rows)
        if told.format == "table":
            for problem in rules.problems:
                print(f"Not evaluated: {plain(problem.title or problem.file)}: {plain(problem.reason)}")
                print(f"  in {plain(problem.file)}")
    if problems and rules.problems:
        raise typer.Exit(1)


def show(
    rule: Annotated[str, typer.Argument(help="The rule, by id, name, file name or title.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show one rule: what it means, what it looks for, how it is grouped, its filters, and the SQL that picks records."""
    from ashiato.cli.output import plain, to_json
    from ashiato.detect.showing import shown

    told = common(home, config, format_, json)
    rules = _rules(told)
    found = rules.find(rule)
    details = shown(found.rule, rules.rules)
    details["enabled"], details["reason"] = found.enabled, found.reason
    if told.format == "json":
        print(to_json(details))
        return
    japanese = told.settings.language == "ja"
    title = found.rule.texts.get("title_ja") if japanese else None
    print(plain(str(title or found.rule.title)))
    for name, value in details.items():
        if name in ("title", "tests") or value in (None, "", [], {}):
            continue
        text = value if isinstance(value, str) else to_json(value)
        print(f"{name}: {plain(text)}")


def import_(
    path: Annotated[Path, typer.Argument(help="A folder, zip archive or file of Sigma rules.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    pack: Annotated[
        str | None, typer.Option(help="Name to keep them under; default: that of the path.")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another writer of this home.")] = 0.0,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Copy rules into the home. What cannot be evaluated is named with the reason, and kept for when it can."""
    from ashiato.cli.output import plain, to_json
    from ashiato.detect.ruleset import import_rules

    told = common(home, config, format_, json)
    with told.open_for_writing("ashiato detections import", wait_seconds=wait):
        report = import_rules(path.expanduser(), told.settings, told.home, pack=pack)
    if told.format == "json":
        print(
            to_json(
                {
                    "pack": report.pack,
                    "files": report.files,
                    "rules": len(report.rules),
                    "correlations": report.correlations,
                    "problems": [
                        {"file": p.file, "rule": p.rule, "title": p.title, "reason": p.reason}
                        for p in report.problems
                    ],
                }
            )
        )
    else:
        print(
            f"Imported {report.files:,} files as {plain(report.pack)}: {len(report.rules):,} rules are evaluated"
            f" ({report.correlations:,} of them correlations), {len(report.problems):,} cannot be."
        )
        for problem in report.problems:
            print(f"  {plain(problem.title or problem.file)}: {plain(problem.reason)}")
        print("Try them on what is there: ashiato detections backtest --all")
    if report.problems:
        raise typer.Exit(1)


def enable(
    rules: Annotated[
        list[str], typer.Argument(help="Rules by id, name, file name or title; or --pack.")
    ] = [],  # noqa: B006
    home: HomeOption = None,
    config: ConfigOption = None,
    pack: Annotated[str | None, typer.Option(help="Every rule of this pack.")] = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Evaluate these rules from now on; what the lake holds is caught up with at the next run."""
    _say(rules, pack, common(home, config, format_, json), enabled=True)


def disable(
    rules: Annotated[
        list[str], typer.Argument(help="Rules by id, name, file name or title; or --pack.")
    ] = [],  # noqa: B006
    home: HomeOption = None,
    config: ConfigOption = None,
    pack: Annotated[str | None, typer.Option(help="Every rule of this pack.")] = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Evaluate these rules no longer. What they found stays."""
    _say(rules, pack, common(home, config, format_, json), enabled=False)


def _say(names: list[str], pack: str | None, told: Common, *, enabled: bool) -> None:
    from ashiato.cli.output import plain, print_rows, to_json
    from ashiato.core.errors import WrongUse
    from ashiato.detect.ruleset import say_enabled

    rules = _rules(told)
    chosen = [rules.find(n) for n in names]
    if pack is not None:
        chosen += [r for r in rules.listed.values() if r.rule.pack == pack]
    if not chosen:
        raise WrongUse(
            "no rule is named", remedy="Give rules, or --pack. `ashiato detections list` names them."
        )
    with told.open_for_reading() as opened:
        say_enabled(opened.ledger, [r.rule.id for r in chosen], enabled=enabled)
    rows = [{"id": one.rule.id, "title": one.rule.title, "enabled": enabled} for one in chosen]
    if told.format == "json":
        print(to_json(rows))
    elif told.format == "csv":
        print_rows("csv", list(rows[0]), rows)
    else:
        for one in chosen:
            print(f"{'On' if enabled else 'Off'}: {plain(one.rule.title)}")
        print("A running `ashiato watch` takes it up within a minute.")


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files; default: every rule of the home.")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Find what is wrong with rules: conditions that never hold, names that AWS does not have, misspelt fields,
    duplicates, missing levels and tags."""
    from ashiato.cli.output import plain, print_rows, to_json
    from ashiato.detect.checking import check_rules

    told = common(home, config, format_, json)
    remarks = check_rules(told.settings, told.home, [p.expanduser() for p in paths or ()])
    if told.format == "json":
        print(to_json(remarks))
    else:
        columns = ["severity", "code", "rule", "text", "remedy", "file"]
        print_rows(told.format, columns, [{c: r.get(c) for c in columns} for r in remarks])
    worst = {r["severity"] for r in remarks}
    if told.format == "table":
        print(plain(f"{len(remarks)} remarks."))
    if "error" in worst or "warning" in worst:
        raise typer.Exit(1)


def run_tests_of_rules(
    rules: RulesArgument = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    path: Annotated[
        Path | None, typer.Option(help="Rules of this folder or file instead of the home's.")
    ] = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Run the tests that rules bring (`ashiato: tests:`): events that they have to match, and events that they must not."""
    from ashiato.cli.output import plain, to_json
    from ashiato.detect.derived import Surroundings
    from ashiato.detect.engine import Engine
    from ashiato.detect.rule_tests import run_tests
    from ashiato.detect.ruleset import read_path
    from ashiato.detect.sigma_rules import parse

    told = common(home, config, format_, json)
    if path is not None:
        parsed = parse(list(read_path(path.expanduser(), path.name)), told.settings.detect.lists)
        everything = parsed.rules
        chosen = list(everything.values())
    else:
        known = _rules(told)
        everything = known.rules
        chosen = [known.find(r).rule for r in rules] if rules else list(everything.values())
    engine = Engine(everything, Surroundings.of(told.settings))
    results = [r for rule in chosen if rule.tests for r in run_tests(engine, rule)]
    failed = [r for r in results if not r.passed]
    without = [r for r in chosen if not r.tests]
    if told.format == "json":
        print(
            to_json(
                {
                    "tests": [
                        {
                            "rule": r.rule.id,
                            "title": r.rule.title,
                            "test": r.name,
                            "passed": r.passed,
                            "why": r.why,
                        }
                        for r in results
                    ],
                    "without_tests": [r.id for r in without],
                }
            )
        )
    else:
        for result in failed:
            print(f"Failed: {plain(result.rule.title)}: {plain(result.name)}: {plain(result.why)}")
        print(
            f"{len(results) - len(failed):,} of {len(results):,} tests passed;"
            f" {len(without):,} rules have none."
        )
    if failed:
        raise typer.Exit(1)


def backtest(
    rules: RulesArgument = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    all_: Annotated[bool, typer.Option("--all", help="Every rule, evaluated or not.")] = False,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of event time (UTC).")
    ] = None,
    to: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of event time (UTC).")
    ] = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="With JSON: each finding with group, window and event ids.")
    ] = False,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """What rules would have found in what the lake holds: hits, groups, the noisiest principals, examples, and a
    filter that would take the noise out."""
    from ashiato.cli.output import to_json
    from ashiato.cli.progress import fraction_progress
    from ashiato.core.errors import WrongUse
    from ashiato.detect.backtest import backtest as run
    from ashiato.detect.derived import Surroundings
    from ashiato.detect.engine import Engine
    from ashiato.detect.history import LakeHistory
    from ashiato.lake.plans import PinnedLake

    told = common(home, config, format_, json)
    if bool(rules) == all_:
        raise WrongUse("which rules?", remedy="Give rules, or --all.")
    if from_ and to and from_ > to:
        raise WrongUse("--from is after --to", remedy="Give the earlier day with --from.")
    known = _rules(told)
    ids = [known.find(r).rule.id for r in rules or ()] if rules else list(known.listed)
    engine = Engine(known.rules, Surroundings.of(told.settings))
    first = None if from_ is None else from_.replace(tzinfo=UTC)
    last = None if to is None else to.replace(tzinfo=UTC) + timedelta(days=1)
    with (
        told.open_for_reading() as opened,
        PinnedLake(opened) as lake,
        fraction_progress("Looking back") as show_progress,
    ):
        results = run(
            engine, LakeHistory(lake), ids, first=first, last=last,
            on_progress=lambda share: show_progress("Looking back", share),
        )  # fmt: skip
    if told.format == "json":
        print(to_json([r.as_json(findings=findings) for r in results]))
        return
    _print_backtest(told, results)


def _print_backtest(told: Common, results: list[Any]) -> None:
    from ashiato.cli.output import plain, print_rows

    hit = [r for r in results if r.hits]
    rows = [
        {
            "level": r.rule.level,
            "hits": r.hits,
            "a day": round(r.per_day, 1),
            "groups": r.groups,
            "first": min(f.first for f in r.findings),
            "last": max(f.last for f in r.findings),
            "noisiest": "; ".join(f"{p} ({n:,})" for p, n in r.noisiest[:2]),
            "title": r.rule.title,
            "id": r.rule.id,
        }
        for r in hit
    ]
    columns = list(rows[0]) if rows else ["level", "hits", "title", "id"]
    print_rows(told.format, columns, rows)
    if told.format != "table":
        return
    print(f"{len(hit):,} of {len(results):,} rules would have found something.")
    for r in hit:
        if r.suggestion is not None:
            s = r.suggestion
            print(
                plain(
                    f"\n{r.rule.title}: {s.share:.0%} of its hits ({s.hits:,}) have {s.field} = {s.value}."
                    f" This filter would take them out, and with them what {s.principals:,} principals did:"
                )
            )
            print(plain(s.document))
    sys.stdout.flush()


def coverage(
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Which techniques of MITRE ATT&CK the evaluated rules cover."""
    from ashiato.cli.output import print_rows, to_json
    from ashiato.detect.coverage import coverage as cover

    told = common(home, config, format_, json)
    rules = _rules(told)
    rows = cover([r.rule for r in rules.listed.values() if r.enabled])
    if told.format == "json":
        print(to_json(rows))
    else:
        print_rows(told.format, list(rows[0]) if rows else ["technique"], rows)


def _rules(told: Common) -> RuleSet:
    from ashiato.detect.ruleset import load_rules

    if (told.home / "lake").is_dir():
        with told.open_for_reading() as opened:
            return load_rules(told.settings, told.home, opened.ledger)
    return load_rules(told.settings, told.home)


def _listed_json(listed: ListedRule) -> dict[str, Any]:
    rule = listed.rule
    return {
        "id": rule.id,
        "title": rule.title,
        "title_ja": rule.texts.get("title_ja"),
        "level": rule.level,
        "kind": rule.kind,
        "table": rule.table,
        "pack": rule.pack,
        "enabled": listed.enabled,
        "reason": listed.reason,
        "alone": rule.alone,
        "tags": list(rule.tags),
        "filters": list(rule.filters),
        "file": rule.file,
    }


def _row(listed: ListedRule) -> dict[str, Any]:
    rule = listed.rule
    return {
        "on": "on" if listed.enabled else "off",
        "level": rule.level,
        "kind": rule.kind,
        "pack": rule.pack,
        "title": rule.title,
        "id": rule.id,
    }
