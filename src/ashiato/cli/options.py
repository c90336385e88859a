"""What commands of several families take: who acts, times, accounts."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ashiato.access.identity import Identity
    from ashiato.core.scope import AccountScope
    from ashiato.core.settings import Settings

ByOption = Annotated[
    str | None,
    typer.Option("--by", help="Who does it; default: the user of this system.", show_default=False),
]


def system_user() -> str:
    """The name of whoever runs the command, for the audit log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def actor(by: str | None) -> Identity:
    """Whoever runs the command: with the control database in hand it is an admin."""
    from ashiato.access.identity import Identity

    return Identity.local(by or system_user())


def before_now(text: str | None, option: str) -> datetime | None:
    """A `moment`, of which a span counts back; None where none was given."""
    return None if text is None else moment(text, option, ahead=False)


def moment(text: str, option: str, *, ahead: bool) -> datetime:
    """A time: 2026-12-31, 2026-12-31T09:00+09:00 (UTC without a zone), or a span from now such as "7 days"."""
    from ashiato.core.clock import now
    from ashiato.core.errors import WrongUse
    from ashiato.core.spans import parse_span

    try:
        time = datetime.fromisoformat(text.strip())
        return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        span = parse_span(text)
        if span is not None:
            return now() + span if ahead else now() - span
    except (ValueError, OverflowError):
        pass
    raise WrongUse(
        f"{option} is no time: {text}",
        where=option,
        remedy='Write 2026-12-31, 2026-12-31T09:00+09:00 (UTC without a zone), or a span such as "7 days".',
    )


def accounts_by_name(settings: Settings, given: Sequence[str]) -> list[str]:
    """Ids of accounts that were given by id or name. Raises WrongUse for a name that the settings do not have."""
    from ashiato.core.errors import WrongUse

    ids = {a.name: a.id for a in settings.accounts}
    for name in given:
        if name not in ids and not (name.isdigit() and len(name) == 12):
            raise WrongUse(
                f"there is no account {name}",
                where="--account",
                remedy="Give twelve digits, or a name of the settings: "
                + (", ".join(sorted(ids)) or "there are none")
                + ".",
            )
    return [ids.get(name, name) for name in given]


def scope_of(settings: Settings, given: Sequence[str] | None) -> AccountScope:
    """The accounts that were given by id or name; every account where none was."""
    from ashiato.core.scope import EVERY_ACCOUNT, AccountScope

    return AccountScope.of(accounts_by_name(settings, given)) if given else EVERY_ACCOUNT
