"""docs/access.md says of roles and limits what the code does."""

from __future__ import annotations

import re

from ashiato.access.roles import ABILITIES
from ashiato.core.access_settings import Access
from docs.repository import ROOT

PAGE = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")


def test_the_table_of_abilities() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \| (yes|no) \|$", PAGE, re.M)
    assert told == [(a.name, a.role, a.what, "no" if a.whole else "yes") for a in ABILITIES.values()]


def test_every_setting_that_it_names_is_one_and_the_numbers_are_the_defaults() -> None:
    named = set(re.findall(r"`access\.(\w+)`", PAGE))
    assert named
    assert named <= set(Access.model_fields)
    defaults = Access()
    text = " ".join(PAGE.split())
    assert f"Passwords have {defaults.password_length} characters" in text
    assert (
        f"lasts {defaults.session_lifetime.days} days, or {defaults.session_idle.seconds // 3600} hours"
        in text
    )
    assert f"lasts {defaults.token_lifetime.days} days unless told otherwise" in text
    assert f"at most {defaults.token_longest.days} " in text
    assert f"{defaults.lock_out.seconds // 60} minutes" in text
    assert f"after {defaults.tries_by_user} tries within an hour" in text
