"""Configuration: everybody's own accounts, and nothing of others."""

from web.matrix_entry import Entry

ENTRIES = [
    Entry(
        "resource.resource",
        lambda estate: f"/resource?id={estate.truth['attack']['securityGroup']}",
        hides=("shop-audit",),
        shows=("legacy-sg",),
    ),
    Entry("resource.named", "/resource/sg-0a1b2c3d", ok=303),
]
