"""Tables of the control database that say who may enter. Of what lets somebody in only SHA-256 is kept, of
passwords argon2id."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from ashiato.ledger.tables import Id, Time, metadata

#: `key`: the name in lower case. `password`: argon2's own text, null until one was set. `groups`: account groups
#: as a JSON list, null where nothing limits. `language`: en, ja, auto. `entered_at`: the last sign-in.
users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("key", String(64), nullable=False, unique=True),
    Column("display", String(100), nullable=False),
    Column("password", Text),
    Column("password_at", Time),
    Column("role", String(20), nullable=False),
    Column("groups", Text),
    Column("language", String(8), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("entered_at", Time),
    Column("disabled_at", Time),
)

#: A sign-in. It is over at `expires_at`, at `idle_until` (moved on with `seen_at`), or when `ended_at` is set; the
#: row stays a while, for it says from where its user is known to come.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user", Id, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("seen_at", Time, nullable=False),
    Column("idle_until", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("ended_at", Time),
    Column("user_agent", String(400), nullable=False),
    Column("address", String(64), nullable=False),
    Index("sessions_by_user", "user", "address"),
    Index("sessions_by_expiry", "expires_at"),
)

#: For programs. `start`: the first characters, to tell tokens apart. `abilities`: a JSON list.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("start", String(12), nullable=False),
    Column("name", String(100), nullable=False),
    Column("user", Id, nullable=False),
    Column("abilities", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("used_at", Time),
    Column("revoked_at", Time),
    Index("api_tokens_by_user", "user"),
)

#: Links that let somebody in once, to set a password. `purpose`: setup (the first admin; no user yet), password.
links = Table(
    "links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("user", Id),
    Column("created_at", Time, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("used_at", Time),
    Index("links_by_user", "user"),
)
