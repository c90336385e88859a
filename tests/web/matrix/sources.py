"""Sources: their own accounts to everybody; the quarantine, which holds anything, to admins."""

from web.matrix_entry import Entry

ENTRIES = [
    Entry("sources.sources", "/sources", hides=("shop-audit",), shows=("shop-dev",)),
    Entry("sources.quarantine", "/sources/quarantine"),
    Entry("sources.content", "/sources/quarantine/nothing/bytes", ok=404),
]
