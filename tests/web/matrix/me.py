"""One's own settings: everybody's own."""

from web.matrix_entry import Entry

ENTRIES = [
    Entry("me.me", "/me"),
    # The visitor of this matrix is no user of the database: the old password cannot be right.
    Entry(
        "me.password",
        "/me/password",
        ok=403,
        form={"old": "x", "password": "four unrelated words here", "again": "four unrelated words here"},
    ),
    Entry("me.end_others", "/me/sessions/end", ok=400, form={}),
    Entry("me.end_one", "/me/sessions/1000000/end", ok=400, form={}),
    Entry("me.make_token", "/me/tokens", ok=400, form={"label": "x", "scope": "read"}),
    Entry("me.revoke_token", "/me/tokens/revoke", ok=400, form={"number": "1000000"}),
]
