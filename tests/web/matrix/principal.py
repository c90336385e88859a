"""Principals and hosts: everybody's own accounts, and nothing of others."""

from web.matrix_entry import Entry

ENTRIES = [
    Entry(
        "principal.principal",
        lambda estate: f"/principal?id={estate.truth['attack']['leakedUser']}",
        hides=("shop-audit",),
        shows=("203.0.113.66",),
    ),
    Entry("principal.named", "/principal/alice", ok=303),
    Entry(
        "host.host",
        lambda estate: f"/host?id={estate.truth['attack']['instance']['id']}",
        hides=("shop-audit",),
        shows=("203.0.113.99",),
    ),
    Entry("host.named", "/host/10.0.0.1", ok=303),
]
