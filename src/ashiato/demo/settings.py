"""Settings of the demo: names and groups for its accounts, where the user's own settings give none."""

from __future__ import annotations

from ashiato.core.settings import Account, Settings
from ashiato.demo.estate import DEV, NAMES, PROD, SECURITY

_GROUPS = {PROD: ["shop", "production"], DEV: ["shop"], SECURITY: ["security"]}


def with_names(settings: Settings) -> Settings:
    """The settings with the demo's accounts named, unless accounts are named already."""
    if settings.accounts:
        return settings
    accounts = [Account(id=account, name=name, groups=_GROUPS[account]) for account, name in NAMES.items()]
    return settings.model_copy(update={"accounts": accounts})
