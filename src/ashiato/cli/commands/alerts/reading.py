"""`ashiato alerts list`, `show`, `precision`, `digest`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from ashiato.cli.app import ConfigOption, FormatOption, HomeOption, JsonOption, common
from ashiato.cli.commands.alerts.options import reading
from ashiato.cli.options import accounts_by_name, before_now

STATES = ("open", "acknowledged", "closed", "planned", "suppressed", "withdrawn", "merged")
Level = Literal["informational", "low", "medium", "high", "critical"]


def register(family: typer.Typer) -> None:
    family.command(
        name="list",
        epilog="[bold]Examples[/bold]\n\nashiato alerts list\n\nashiato alerts list --level high --since '7 days'\n\n"
        "ashiato alerts list --state closed --account shop-prod --json",
    )(list_)
    family.command(
        name="show", epilog="[bold]Examples[/bold]\n\nashiato alerts show A-17\n\nashiato alerts show I-3"
    )(show)
    family.command(name="precision", epilog="[bold]Example[/bold]\n\nashiato alerts precision")(precision)
    family.command(
        name="digest",
        epilog="[bold]Examples[/bold]\n\nashiato alerts digest\n\nashiato alerts digest --period week --send morning-mail",
    )(digest)


def list_(
    home: HomeOption = None,
    config: ConfigOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Only this state: {', '.join(STATES)}. May be given again.",
            show_default="open and acknowledged",
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every state.")] = False,
    level: Annotated[
        Level | None,
        typer.Option(help="This level and above.", show_default="low; with --json every level"),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only this account, by id or name.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule; a pattern with *.")] = None,
    since: Annotated[
        str | None, typer.Option(help='Only with hits since then: a time, or a span such as "7 days".')
    ] = None,
    incident: Annotated[str | None, typer.Option(help="Only those of this incident.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Alerts, at most; the newest first.", show_default="200; with --json all of them"
        ),
    ] = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """List alerts that need somebody, newest first; or those of another state, level, account, rule, time."""
    from ashiato.alerts.ids import parse_id
    from ashiato.alerts.messages import Writer
    from ashiato.alerts.reading import NEEDING, alert_document, event_ids, select_alerts
    from ashiato.cli.output import print_rows, to_json
    from ashiato.core.errors import WrongUse
    from ashiato.core.scope import EVERY_ACCOUNT

    told = common(home, config, format_, json)
    for name in state or ():
        if name not in STATES:
            raise WrongUse(
                f"alerts have no state {name}", where="--state", remedy=f"States: {', '.join(STATES)}."
            )
    if told.format == "table":
        shown_level: Level | None = level or "low"
        most: int | None = limit or 200
    else:
        shown_level, most = level, limit
    asked = select_alerts(
        scope=EVERY_ACCOUNT,
        states=None if all_ else state or NEEDING,
        level=shown_level,
        account=None if account is None else accounts_by_name(told.settings, [account])[0],
        rule=rule,
        since=before_now(since, "--since"),
        incident=None if incident is None else parse_id(incident, "I")[1],
    )
    names = {a.id: a.name for a in told.settings.accounts}
    with reading(told) as connection:
        rows = connection.execute(asked if most is None else asked.limit(most + 1)).all()
        more = most is not None and len(rows) > most
        rows = rows[:most]
        ids = event_ids(connection, [row.id for row in rows])
    documents = [alert_document(row, names, ids.get(row.id, [])) for row in rows]
    if told.format == "json":
        print(to_json(documents))
    elif told.format == "csv":
        print_rows("csv", list(alert_document_columns(documents)), documents)
    elif not rows:
        print(
            "No alerts." if all_ or state else "Nothing needs you now. `ashiato alerts list --all` lists all."
        )
    else:
        writer = Writer(told.settings)
        table = [_row(document, row, writer) for document, row in zip(documents, rows, strict=True)]
        print_rows("table", list(table[0]), table)
        if more:
            print(f"The newest {most}; --limit shows more.")


def alert_document_columns(documents: list[dict[str, Any]]) -> list[str]:
    """Columns of the CSV, also where there is no row."""
    return list(documents[0]) if documents else ["id", "state", "level", "rule", "title"]


def _row(document: dict[str, Any], row: Any, writer: Any) -> dict[str, Any]:
    flags = [document["held_by"] or ""]
    flags += ["amended"] if document["amended"] else []
    flags += [document["actor"]] if document["actor"] in ("automation", "service", "service_for_user") else []
    return {
        "id": document["id"],
        "level": document["level"],
        "state": document["state"] + (f" ({document['closed_as']})" if document["closed_as"] else ""),
        "last": _time(document["last"]),
        "title": writer.title(row),
        "who": writer.who(row),
        "account": writer.account(row.account),
        "hits": document["hits"],
        "incident": document["incident"],
        "assignee": document["assignee"],
        "": ", ".join(f for f in flags if f),
    }


def _time(value: datetime | None) -> str:
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M:%SZ")


def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An alert (A-17, or 17) or an incident (I-3).")],
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show an alert or an incident: what happened in time order, why it was raised, what was done about it."""
    from ashiato.alerts.ids import parse_id
    from ashiato.alerts.messages import Writer
    from ashiato.alerts.reading import read_alert
    from ashiato.alerts.story import alert_story, incident_story
    from ashiato.cli.output import to_json
    from ashiato.core.clock import now

    told = common(home, config, format_, json)
    letter, number = parse_id(id_, "A", "I")
    writer = Writer(told.settings)
    with reading(told) as connection:
        if letter == "A":
            row = read_alert(connection, number)
            document = alert_story(connection, row, writer, now())
        else:
            document = incident_story(connection, number, writer)
    if told.format == "json":
        print(to_json(document))
    elif letter == "A":
        _print_alert(document)
    else:
        _print_incident(document)


def _print_alert(document: dict[str, Any]) -> None:
    from ashiato.cli.output import plain

    state = document["state"] + (f" as {document['closed_as']}" if document["closed_as"] else "")
    for name in ("held_by", "merged_into", "assignee"):
        state += f", {name.replace('_', ' ')} {plain(document[name])}" if document[name] else ""
    print(plain(document["message"]["lines"][0]))
    print(f"\n{document['id']}: {document['level']}, {state}")
    for line in document["message"]["lines"][1:]:
        print(plain(line))
    _print_story(document["story"])
    ids = document["event_ids"]
    if ids:
        print(f"\nEvents ({len(ids)}):")
        for event in ids[:20]:
            print(f"  {plain(event)}")
        if len(ids) > 20:
            print(f"  … and {len(ids) - 20} others: ashiato alerts show {document['id']} --json")
    if document["related"]:
        print(f"\nRelated: {', '.join(document['related'])} ({document['incident']})")
    print("\nWhat was done:")
    for entry in document["history"]:
        detail = "; ".join(f"{k.replace('_', ' ')} {_said(v)}" for k, v in entry["detail"].items())
        by = f" by {plain(entry['who'])}" if entry["who"] else ""
        print(f"  {_time(entry['at'])}  {entry['what']}{by}{': ' if detail else ''}{plain(detail)}")
    if document["deliveries"]:
        print("\nDeliveries:")
        for sent in document["deliveries"]:
            error = f": {plain(sent['error'])}" if sent["error"] else ""
            when = _time(sent["sent"] or sent["due"] or sent["created"])
            print(f"  {when}  {sent['channel']}: {sent['state']}, tried {sent['attempts']} times{error}")


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print_story(story: list[dict[str, Any]], *, alerts: bool = False) -> None:
    from ashiato.cli.output import plain

    print("\nWhat happened:")
    for entry in story:
        named = f"  [{', '.join(entry['alerts'])}]" if alerts else ""
        print(f"  {_time(entry['at'])}  {entry['level']:<13} {plain(entry['text'])}{named}")


def _print_incident(document: dict[str, Any]) -> None:
    from ashiato.cli.output import print_rows

    count = len(document["alerts"])
    over = ", no longer held together by anything" if document["dissolved"] else ""
    print(
        f"{document['id']}: {document['level']}, {count} alerts from {_time(document['first'])}"
        f" to {_time(document['last'])}{over}"
    )
    if document["story"]:
        _print_story(document["story"], alerts=True)
        print()
    rows = [
        {name: a[name] for name in ("id", "level", "state", "title", "principal", "account_name", "hits")}
        for a in document["alerts"]
    ]
    if rows:
        print_rows("table", list(rows[0]), rows)


def precision(
    home: HomeOption = None,
    config: ConfigOption = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show for each rule what its alerts were closed as, and how often it was right."""
    from ashiato.alerts.precision import precision as read
    from ashiato.cli.output import print_rows, to_json

    told = common(home, config, format_, json)
    with reading(told) as connection:
        rows = read(connection)
    if told.format == "json":
        print(to_json(rows))
    elif not rows and told.format == "table":
        print("No alerts yet.")
    else:
        print_rows(told.format, list(rows[0]) if rows else ["rule"], rows)


def digest(
    home: HomeOption = None,
    config: ConfigOption = None,
    period: Annotated[Literal["day", "week"], typer.Option(help="What it covers.")] = "day",
    until: Annotated[
        str | None, typer.Option(help="Its end: a time, or a span before now.", show_default="now")
    ] = None,
    send: Annotated[str | None, typer.Option(metavar="CHANNEL", help="Send it there as well.")] = None,
    format_: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a day or a week brought, as one text; with --send also as a message."""
    from ashiato.alerts.channels import as_text
    from ashiato.alerts.digest import digest_document, digest_text, read_digest
    from ashiato.alerts.messages import Writer
    from ashiato.alerts.sending import send_digest
    from ashiato.cli.output import plain, print_rows, to_json
    from ashiato.core.clock import now

    told = common(home, config, format_, json)
    end = before_now(until, "--until") or now()
    if send is not None:
        with told.open_ledger() as ledger:
            send_digest(ledger, told.settings, send, period, end)
    with reading(told) as connection:
        found = read_digest(connection, told.settings, period, end)
    document = digest_document(found, {a.id: a.name for a in told.settings.accounts})
    if told.format == "json":
        print(to_json(document))
    elif told.format == "csv":
        columns = [
            "part",
            "id",
            "state",
            "level",
            "rule",
            "title",
            "account",
            "principal",
            "first",
            "last",
            "hits",
        ]
        rows = [{"part": part, **row} for part in ("raised", "grown", "older") for row in document[part]]
        print_rows("csv", columns, rows)
    else:
        text = digest_text(found, Writer(told.settings), "")
        print(plain(text.subject), end="\n\n")
        print("\n".join(plain(line) for line in as_text(text).splitlines()[:-1]))
