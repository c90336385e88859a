"""The door: anyone may knock."""

from web.matrix_entry import Entry

# Whoever is inside already is led on from the sign-in page.
_INSIDE = {"viewer": 303, "analyst": 303, "admin": 303}

ENTRIES = [
    Entry("entry.login", "/login", statuses=_INSIDE, limited=303),
    Entry("entry.enter", "/login", ok=403, form={"name": "nobody", "password": "wrong"}),
    Entry("entry.leave", "/logout", ok=303, form={}),
    Entry("entry.link", "/link/nothing", ok=404),
    Entry("entry.redeem", "/link/nothing", ok=404, form={}),
]
