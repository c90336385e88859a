"""`ashiato config`: resources over time, what differed, and the operations behind it."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.options import before_now, scope_of
from ashiato.cli.options import moment as moment_of

if TYPE_CHECKING:
    from ashiato.config.item import ConfigItem, ResourceKey
    from ashiato.core.scope import AccountScope
    from ashiato.lake.plans import PinnedLake

ResourceArgument = Annotated[
    str, typer.Argument(help="The resource by ARN, id, name, TYPE/ID or ACCOUNT/REGION/TYPE/ID.")
]
TypeOption = Annotated[
    list[str] | None, typer.Option("--type", help="Only this type, such as AWS::S3::Bucket; may be repeated.")
]
AccountOption = Annotated[
    list[str] | None, typer.Option("--account", help="Only this account, by id or name; may be repeated.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="Only what was captured from this time on.")]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Only what was captured up to this time; a date: to its end.")
]

#: Rows that a table of a state shows unless told otherwise: drawing more takes longer than reading them.
_ROWS = 500

_EXAMPLES = """[bold]Examples[/bold]

ashiato config history web-sg

ashiato config diff sg-0a1b2c3d 2026-11-19 2026-11-20

ashiato config at 2026-11-19T12:00Z --type AWS::EC2::SecurityGroup --json
"""
_ITEMS = (
    "[bold]Examples[/bold]\n\nashiato config items --type AWS::IAM::Role --limit 20\n\n"
    "ashiato config items web-sg --json"
)
_HISTORY = (
    "[bold]Examples[/bold]\n\nashiato config history arn:aws:iam::111122223333:role/deploy\n\n"
    "ashiato config history web-sg --from 2026-11-01 --json"
)
_DIFF = (
    "[bold]Examples[/bold]\n\nashiato config diff web-sg\n\n"
    "ashiato config diff web-sg 2026-11-19T12:00Z 2026-11-20T12:00Z\n\n"
    "ashiato config diff web-sg 2026-11-19 --patch"
)
_AT = (
    "[bold]Examples[/bold]\n\nashiato config at 2026-11-19T12:00Z --account shop-prod\n\n"
    "ashiato config at 2026-11-19T12:00Z web-sg --json"
)


def register(app: typer.Typer) -> None:
    family = typer.Typer(
        help="Resources over time, from AWS Config: what changed, when, and which operation did it.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=_EXAMPLES,
    )
    family.command(name="items", epilog=_ITEMS)(items)
    family.command(name="history", epilog=_HISTORY)(history)
    family.command(name="diff", epilog=_DIFF)(diff)
    family.command(name="at", epilog=_AT)(at)
    app.add_typer(family, name="config")


def items(
    resource: Annotated[
        str | None, typer.Argument(help="Only items of this resource: ARN, id, name, TYPE/ID.")
    ] = None,
    type_: TypeOption = None,
    account: AccountOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List configuration items, the newest first: when, which resource, in which status."""
    from ashiato.cli.commands.config.printing import NAMED, named
    from ashiato.cli.output import print_rows, to_json
    from ashiato.config import history as of
    from ashiato.config.item import iso
    from ashiato.config.resources import the_one
    from ashiato.lake.plans import PinnedLake

    told = common(home, config, format_, json)
    scope = scope_of(told.settings, account)
    since, until = before_now(from_, "--from"), _until(to)
    with told.open_for_reading() as opened, PinnedLake(opened) as lake:
        if resource is None:
            found = of.recent(lake, scope, types=type_ or (), since=since, until=until, limit=limit)
        else:
            key = the_one(lake, resource, scope, types=type_ or ())
            found = of.items(lake, key, scope, since=since, until=until, limit=limit)[::-1]
    if told.format == "json":
        print(to_json([i.as_json(whole=False) for i in found]))
        return
    rows = [{"captured": iso(i.captured), "status": i.status, **named(i.key), "ref": i.ref} for i in found]
    columns = ["captured", "status", *NAMED, "ref"]
    print_rows(told.format, columns if told.format == "csv" else columns[:-1], rows)


def history(
    resource: ResourceArgument,
    type_: TypeOption = None,
    account: AccountOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many changes.")] = 50,
    causes: Annotated[
        bool, typer.Option("--causes/--no-causes", help="Look for the operations behind each change.")
    ] = True,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show how a resource changed, the newest change first: what differs, and the operations behind it."""
    from ashiato.cli.commands.config.printing import CHANGE, change_rows, print_lines, told_history
    from ashiato.cli.output import print_rows, to_json
    from ashiato.config import history as of
    from ashiato.config.causes import Causes
    from ashiato.config.causes import causes as causes_of
    from ashiato.config.resources import the_one
    from ashiato.lake.plans import PinnedLake

    told = common(home, config, format_, json)
    scope = scope_of(told.settings, account)
    with told.open_for_reading() as opened, PinnedLake(opened) as lake:
        key = the_one(lake, resource, scope, types=type_ or ())
        found = of.changes(
            lake, key, scope, since=before_now(from_, "--from"), until=_until(to), limit=limit
        )[::-1]
        said = (
            causes_of(lake, found, scope)
            if causes
            else [Causes(c, [], [], gap=None, none=False) for c in found]
        )
    if told.format == "json":
        print(to_json([c.as_json() for c in said]))
    elif told.format == "csv":
        print_rows("csv", CHANGE, [row for c in said for row in change_rows(c)])
    else:
        print_lines(told_history(key, said, told.settings.language))


def diff(
    resource: ResourceArgument,
    a: Annotated[
        str | None, typer.Argument(metavar="[A]", help="A time; default: the item before that of B.")
    ] = None,
    b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="A later time; default: the newest item.")
    ] = None,
    patch: Annotated[
        bool, typer.Option("--patch", help="Print JSON Patch (RFC 6902) from A to B, and nothing else.")
    ] = False,
    type_: TypeOption = None,
    account: AccountOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show what differs between a resource's states at two times, property by property."""
    from ashiato.cli.commands.config.printing import line, print_lines, told_differences
    from ashiato.cli.output import print_rows, to_json
    from ashiato.config.differences import differences
    from ashiato.config.item import iso
    from ashiato.config.patches import patch as as_patch
    from ashiato.config.resources import the_one
    from ashiato.lake.plans import PinnedLake

    told = common(home, config, format_, json)
    scope = scope_of(told.settings, account)
    with told.open_for_reading() as opened, PinnedLake(opened) as lake:
        key = the_one(lake, resource, scope, types=type_ or ())
        before, after = _two(lake, key, scope, a, b)
    found = differences(before, after)
    if patch or told.format == "json":
        operations = as_patch(
            None if before is None or before.deleted else before.document(),
            None if after.deleted else after.document(),
        )
        if patch:
            print(to_json(operations))
            return
        document = {
            "resource": key.as_json(),
            "before": None if before is None else before.as_json(whole=False),
            "after": after.as_json(whole=False),
            "diff": [p.as_json() for p in found],
            "patch": operations,
        }
        print(to_json(document))
    elif told.format == "csv":
        print_rows("csv", ["path", "before", "after"], [p.as_json() for p in found])
    else:
        first = "nothing recorded" if before is None else iso(before.captured)
        lines = [line(str(key), "bold"), line(f"{first} → {iso(after.captured)}")]
        print_lines([*lines, *told_differences(found, "")] if found else [*lines, line("no difference")])


def at(
    time: Annotated[
        str, typer.Argument(help="A moment: 2026-11-19T12:00Z; a date: its beginning; UTC without a zone.")
    ],
    resource: Annotated[
        str | None, typer.Argument(help="Only this resource: ARN, id, name, TYPE/ID.")
    ] = None,
    type_: TypeOption = None,
    account: AccountOption = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Also those that were deleted by then.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"At most so many; default: {_ROWS} in a table, else all.")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show the state of one resource, or of every resource, as of a moment."""
    from ashiato.cli.commands.config.printing import NAMED, line, named, print_lines
    from ashiato.cli.output import plain, print_rows, to_json
    from ashiato.config import states
    from ashiato.config.item import iso
    from ashiato.config.resources import the_one
    from ashiato.core.errors import AshiatoError
    from ashiato.lake.plans import PinnedLake

    told = common(home, config, format_, json)
    scope = scope_of(told.settings, account)
    moment = moment_of(time, "TIME", ahead=False)
    with told.open_for_reading() as opened, PinnedLake(opened) as lake:
        if resource is not None:
            key = the_one(lake, resource, scope, types=type_ or ())
            state = states.of(lake, key, moment, scope)
            if state is None:
                raise AshiatoError(
                    f"nothing is recorded of {key} at or before {iso(moment)}",
                    remedy=f"`ashiato config history {resource}` shows since when it is known.",
                )
            found = [state]
        else:
            whole = told.format == "json"
            found = states.at(lake, moment, scope, types=type_ or (), whole=whole, include_deleted=deleted)
    count = len(found)
    most = limit if limit is not None else _ROWS if told.format == "table" else count
    found = found[:most]
    if told.format == "json":
        print(to_json([i.as_json() for i in found]))
    elif resource is not None and told.format == "table":
        print_lines([line(str(found[0].key), "bold"), line(f"{iso(found[0].captured)} {found[0].status}")])
        print(plain(to_json({k: v for k, v in found[0].document().items() if v})))
    else:
        rows = [{**named(i.key), "captured": iso(i.captured), "status": i.status} for i in found]
        print_rows(told.format, [*NAMED, "captured", "status"], rows)
        if told.format == "table":
            rest = f", {len(found):,} shown; --limit shows more" if len(found) < count else ""
            print(f"{count:,} resource{'' if count == 1 else 's'}{rest}", file=sys.stderr)


def _until(text: str | None) -> datetime | None:
    if text is None:
        return None
    end = moment_of(text, "--to", ahead=False)
    whole_day = len(text.strip()) == len("2026-11-19")
    return end + timedelta(days=1, microseconds=-1) if whole_day and text.strip()[4] == "-" else end


def _two(
    lake: PinnedLake, key: ResourceKey, scope: AccountScope, a: str | None, b: str | None
) -> tuple[ConfigItem | None, ConfigItem]:
    """The states to compare. Raises AshiatoError where there is no state yet at one of the times."""
    from ashiato.config import history as of
    from ashiato.config.item import iso
    from ashiato.core.errors import AshiatoError, WrongUse

    until = before_now(b, "B")
    last = of.items(lake, key, scope, until=until, limit=2)
    if a is None and last:
        return (last[-2] if len(last) > 1 else None), last[-1]
    start = before_now(a, "A") or until
    if start is not None and until is not None and start > until:
        raise WrongUse(f"{a} is later than {b}", remedy="Give the earlier time first.")
    first = of.items(lake, key, scope, until=start, limit=1)
    if not first or not last:
        known = of.items(lake, key, scope)
        since = f"It is known since {iso(known[0].captured)}." if known else None
        time = start if start is not None else until
        raise AshiatoError(
            f"nothing is recorded of {key} at or before {iso(time) if time else 'now'}", remedy=since
        )
    return first[0], last[-1]
