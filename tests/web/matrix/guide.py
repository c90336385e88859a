"""The guide is the demo's alone: elsewhere nobody finds it."""

from web.matrix_entry import Entry

ENTRIES = [
    Entry("guide.start", "/guide", ok=404, limited=404),
    Entry("guide.leave", "/guide/leave", ok=404, limited=404),
    Entry("guide.done", "/guide/done", ok=404, limited=404),
    Entry("guide.step", "/guide/1", ok=404, limited=404),
]
