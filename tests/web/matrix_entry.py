"""What is expected of a route for each role and scope; one file an area in `matrix/`, with its `ENTRIES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web.conftest import Estate

#: An address of the route, or how to find one in the estate.
Address = str | Callable[["Estate"], str]


@dataclass(frozen=True)
class Entry:
    """A route by its name (`area.function`), an address of it, and the status for each role.

    `stranger`: nobody signed in (303: to the sign-in). A role that is not told is expected as `ok` where the route lets
    it in, as 403 where not. `limited`: the status for an analyst who may see the group `customer-a` only; `hides`:
    texts that must not be in what such a user gets (`shows`: that must); `form`: fields of a POST.
    """

    name: str
    address: Address
    ok: int = 200
    stranger: int = 303
    statuses: Mapping[str, int] = field(default_factory=dict)
    limited: int | None = None
    hides: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    form: Mapping[str, str] | None = None
