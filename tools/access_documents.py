"""Keys of the JSON documents of `ashiato user`, `token` and `audit`; `tests/cli/test_access_commands.py` compares them."""

from __future__ import annotations

from document_keys import Keys, under

USER: Keys = {
    "name": ("text", "the user's name"),
    "display": ("text", "how pages call the user"),
    "role": ("text", "`viewer`, `analyst`, `admin`"),
    "groups": ("list of text or null", "account groups that limit what it sees; null: every account"),
    "language": ("text", "`en`, `ja`, `auto`"),
    "zone": ("text", "time zone"),
    "state": ("text", "`invited` (no password yet), `active`, `disabled`"),
    "created": ("time", "when it was added"),
    "created_by": ("text", "by whom"),
    "last_entered": ("time or null", "the last sign-in"),
}

LINK: Keys = {
    "link": ("text", "address at which a password is chosen, once"),
    "link_expires": ("time", "until then"),
}

SESSION: Keys = {
    "number": ("number", "names it to `ashiato user sign-out --session`"),
    "user": ("text", "who signed in"),
    "created": ("time", "when"),
    "last_seen": ("time", "its last page, to the minute"),
    "expires": ("time", "when it ends if nothing more comes"),
    "address": ("text", "from where it signed in; an IPv6 network of 64 bits"),
    "user_agent": ("text", "what the browser said of itself"),
}

TOKEN: Keys = {
    "number": ("number", "names it to `ashiato token revoke`"),
    "name": ("text", "what it is for"),
    "user": ("text", "whose it is"),
    "start": ("text", "its first characters"),
    "scopes": ("list of text", "what it may do, as far as its user may"),
    "state": ("text", "`active`, `expired`, `revoked`"),
    "created": ("time", "when it was made"),
    "created_by": ("text", "by whom"),
    "expires": ("time", "until then"),
    "last_used": ("time or null", "to the minute"),
}

ENTRY: Keys = {
    "number": ("number", "of the entry; `--before` takes it"),
    "at": ("time", "when"),
    "who": ("text", "who did it"),
    "what": ("text", "what was done"),
    "target": ("text", "to what"),
    "account": ("text or null", "the AWS account that it was about, where it was about one"),
    "detail": ("object", "the rest; `via` and `address`: how and from where"),
}

#: command: (call, keys, about)
ACCESS: dict[str, tuple[str, Keys, str]] = {
    "ashiato user list": ("ashiato user list --json", under("[].", USER), "A list, by name."),
    "ashiato user add": (
        "ashiato user add NAME --role ROLE --json",
        {**USER, **LINK},
        "The user, and the link to hand over.",
    ),
    **{
        f"ashiato user {word}": (f"ashiato user {word} NAME … --json", USER, "The user as it is now.")
        for word in ("change", "disable", "enable", "password")
    },
    "ashiato user remove": (
        "ashiato user remove NAME --json",
        {"removed": ("text", "the user's name")},
        "",
    ),
    "ashiato user setup": ("ashiato user setup --json", LINK, ""),
    "ashiato user link": (
        "ashiato user link NAME --json",
        {"name": ("text", "the user's name"), **LINK},
        "",
    ),
    "ashiato user sessions": (
        "ashiato user sessions --json",
        under("[].", SESSION),
        "A list of those that go on, the last used first.",
    ),
    "ashiato user sign-out": (
        "ashiato user sign-out NAME --json",
        {"name": ("text", "the user's name"), "ended": ("number", "sessions that ended")},
        "",
    ),
    "ashiato token list": ("ashiato token list --json", under("[].", TOKEN), "A list, newest first."),
    "ashiato token create": (
        "ashiato token create USER NAME --scope SCOPE --json",
        {**TOKEN, "token": ("text", "the token itself: shown this once")},
        "",
    ),
    "ashiato token revoke": ("ashiato token revoke NUMBER --json", TOKEN, "The token as it is now."),
    "ashiato audit": ("ashiato audit --json", under("[].", ENTRY), "A list, newest first."),
}
