"""Long work: analysts follow it; who sees every account starts and cancels it."""

from web.matrix_entry import Entry

ENTRIES = [
    Entry("jobs.jobs", "/jobs"),
    Entry("jobs.job", "/jobs/J-999999", ok=404),
    Entry("jobs.progress", "/jobs/J-999999/progress", ok=404),
    Entry("jobs.cancel", "/jobs/J-999999/cancel", ok=404, form={}),
    Entry("jobs.again", "/jobs/J-999999/again", ok=404, form={}),
    Entry("jobs.collect", "/jobs/collect", ok=400, form={}),
    Entry("jobs.quarantine", "/jobs/quarantine", ok=400, form={"id": "no/id"}),
]
