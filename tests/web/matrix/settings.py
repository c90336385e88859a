"""Settings, users and the audit log: admins only, who are never limited to some accounts."""

from web.matrix_entry import Entry

# Nobody of this name is there: an admin gets as far as that.
_NOBODY = "/users/nobody"

ENTRIES = [
    Entry("settings.settings", "/settings"),
    Entry("audit.audit", "/audit"),
    Entry("audit.export", "/audit.json"),
    Entry("users.users", "/users"),
    Entry("users.add", "/users", ok=400, form={"name": "!"}),
    Entry("users.user", _NOBODY, ok=404),
    Entry("users.change", _NOBODY, ok=404, form={}),
    Entry("users.link", f"{_NOBODY}/link", ok=404, form={}),
    Entry("users.state", f"{_NOBODY}/state", ok=404, form={}),
    Entry("users.remove", f"{_NOBODY}/remove", ok=404, form={}),
    Entry("users.end_sessions", f"{_NOBODY}/sessions/end", ok=404, form={}),
    Entry("users.make_token", f"{_NOBODY}/tokens", ok=404, form={}),
    Entry("users.revoke_token", f"{_NOBODY}/tokens/revoke", ok=404, form={}),
]
