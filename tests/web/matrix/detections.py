"""Detections: everybody reads; analysts who see every account try them; admins switch and import them."""

from web.matrix_entry import Entry

#: A bucket policy lets everybody in, of the own pack.
RULE = "9e04eb86-70c1-4091-9ca0-e9b2be3682f7"

ENTRIES = [
    Entry("detections.detections", "/detections"),
    Entry("detections.coverage", "/detections/coverage"),
    Entry("detections.problems", "/detections/problems"),
    Entry("detections.rule", f"/detections/{RULE}"),
    Entry("detections.switch", "/detections/none-such/switch", ok=404, form={"to": "off"}),
    Entry("detections.backtest", "/detections/backtest", ok=400, form={"rule": "none-such"}),
    Entry("detections.importing", "/detections/import"),
    Entry("detections.bring", "/detections/import", ok=400, form={}),
]
