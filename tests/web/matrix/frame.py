"""What belongs to no one page."""

from web.matrix_entry import Entry

ENTRIES = [
    Entry("frame.choose", "/choices", ok=303, form={"theme": "dark", "next": "/"}),
    Entry("frame.keyboard", "/keyboard"),
    Entry("frame.events", "/events"),
    Entry("frame.news", "/news", hides=("123456789012",)),
]
