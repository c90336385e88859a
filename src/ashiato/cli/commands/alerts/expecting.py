"""`ashiato alerts suppress`, `suppressions`, `plan`, `plans`: what is expected is not sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.commands.alerts.options import acting, reading
from ashiato.cli.options import ByOption, accounts_by_name, moment


def register(family: typer.Typer) -> None:
    family.command(
        name="suppress",
        epilog="[bold]Examples[/bold]\n\nashiato alerts suppress iam-user-created --principal 'role/onboarding'"
        " --until '30 days' --reason 'HR creates users'\n\n"
        "ashiato alerts suppress --address 198.51.100.0/24 --until 2026-12-31 --reason 'penetration test, CHG-412'",
    )(suppress)
    family.command(
        name="suppressions",
        epilog="[bold]Examples[/bold]\n\nashiato alerts suppressions --all\n\nashiato alerts suppressions --end S-2",
    )(suppressions)
    family.command(
        name="plan",
        epilog="[bold]Example[/bold]\n\nashiato alerts plan CHG-412 --from 2026-12-01T22:00+09:00"
        " --to 2026-12-02T02:00+09:00 --who deploy --operation 'ec2:Authorize*' --account shop-prod",
    )(plan)
    family.command(
        name="plans", epilog="[bold]Examples[/bold]\n\nashiato alerts plans\n\nashiato alerts plans --end P-2"
    )(plans)


def suppress(
    until: Annotated[str, typer.Option(help='When it ends: a time, or a span from now such as "30 days".')],
    reason: Annotated[str, typer.Option(help="Why nobody needs to hear of it.")],
    rules: Annotated[
        list[str] | None, typer.Argument(metavar="[RULE]…", help="Rules, or patterns with *; none: any rule.")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    principal: Annotated[
        list[str] | None,
        typer.Option(help="Only by this principal: ARN, name or pattern. May be given again."),
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="Only in this account, by id or name. May be given again.")
    ] = None,
    address: Annotated[
        list[str] | None, typer.Option(help="Only from this address, network or pattern. May be given again.")
    ] = None,
    resource: Annotated[
        list[str] | None,
        typer.Option(help="Only for this resource: ARN, name or pattern. May be given again."),
    ] = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Do not send, nor list as open, what matches all of this until a time; open alerts that match go as well."""
    from ashiato.alerts.expecting import suppress as run
    from ashiato.cli.output import print_said

    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        number, taken = run(
            desk,
            rules=rules or [],
            until=moment(until, "--until", ahead=True),
            reason=reason,
            principals=principal or [],
            accounts=accounts_by_name(told.settings, account or []),
            addresses=address or [],
            resources=resource or [],
        )
    document = {"id": f"S-{number}", "alerts": taken}
    print_said(
        told.format, document, f"S-{number} holds back what matches; {taken} open alerts went with it."
    )


def suppressions(
    home: HomeOption = None,
    config: ConfigOption = None,
    all_: Annotated[bool, typer.Option("--all", help="Those too that are over.")] = False,
    end: Annotated[str | None, typer.Option(metavar="S-N", help="End this one now.")] = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List suppressions with their reason, their end, and how many findings each holds back."""
    from ashiato.alerts.expecting import end_suppression, suppression_documents
    from ashiato.alerts.ids import parse_id
    from ashiato.cli.output import print_rows, to_json
    from ashiato.core.clock import now

    told = common(home, config, format_, json)
    if end is not None:
        with acting(told, by) as desk:
            end_suppression(desk, parse_id(end, "S")[1])
    with reading(told) as connection:
        documents = suppression_documents(connection, now(), ended=all_)
    if told.format == "json":
        print(to_json(documents))
        return
    if not documents and told.format == "table":
        print("No suppressions.")
        return
    rows = [
        {
            "id": d["id"],
            "until": _time(d["ended"] or d["until"]) + ("" if d["in_force"] else " (over)"),
            "rules": " ".join(d["rules"]),
            "only": " ".join(v for n in ("principals", "accounts", "addresses", "resources") for v in d[n]),
            "reason": d["reason"],
            "by": d["by"],
            "findings": d["findings"],
        }
        for d in documents
    ]
    print_rows(told.format, list(rows[0]) if rows else ["id"], rows)


def plan(
    ticket: Annotated[str, typer.Argument(help="The number of the ticket; shown with what it explains.")],
    from_: Annotated[str, typer.Option("--from", help="Begin: a time, UTC without a zone.")],
    to: Annotated[str, typer.Option(help="End: a time, or a span from now.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    who: Annotated[
        list[str] | None, typer.Option(help="Principals that work: ARN, name or pattern. May be given again.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="Accounts that are worked on, by id or name. May be given again.")
    ] = None,
    operation: Annotated[
        list[str] | None, typer.Option(help="Operations, such as ec2:Authorize*. May be given again.")
    ] = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Announce work: what it does is attached to its ticket instead of sent."""
    from ashiato.alerts.expecting import plan as run
    from ashiato.cli.output import print_said

    told = common(home, config, format_, json)
    with acting(told, by) as desk:
        number, taken = run(
            desk,
            ticket,
            start=moment(from_, "--from", ahead=True),
            end=moment(to, "--to", ahead=True),
            who=who or [],
            accounts=accounts_by_name(told.settings, account or []),
            operations=operation or [],
        )
    document = {"id": f"P-{number}", "ticket": ticket, "alerts": taken}
    print_said(
        told.format, document, f"P-{number} ({ticket}) is announced; {taken} open alerts belong to it."
    )


def plans(
    home: HomeOption = None,
    config: ConfigOption = None,
    end: Annotated[str | None, typer.Option(metavar="P-N", help="Call this one off.")] = None,
    by: ByOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List planned work, of the settings too, with the alerts that are attached to it."""
    from ashiato.alerts.expecting import end_plan, plan_documents
    from ashiato.alerts.ids import parse_id
    from ashiato.cli.output import print_rows, to_json
    from ashiato.core.clock import now

    told = common(home, config, format_, json)
    if end is not None:
        with acting(told, by) as desk:
            end_plan(desk, parse_id(end, "P")[1])
    with reading(told) as connection:
        documents = plan_documents(connection, told.settings, now())
    if told.format == "json":
        print(to_json(documents))
        return
    if not documents and told.format == "table":
        print("No planned work.")
        return
    rows = [
        {
            "id": d["id"] or "settings",
            "ticket": d["ticket"],
            "from": _time(d["from"]),
            "to": _time(d["to"]) + (" (called off)" if d["ended"] else ""),
            "who": " ".join(d["who"]),
            "accounts": " ".join(d["accounts"]),
            "operations": " ".join(d["operations"]),
            "alerts": " ".join(d["alerts"]),
        }
        for d in documents
    ]
    print_rows(told.format, list(rows[0]) if rows else ["id"], rows)


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%MZ")
