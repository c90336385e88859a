"""The first page: everybody, each with their own accounts."""

from web.matrix_entry import Entry

ENTRIES = [Entry("overview.overview", "/", hides=("shop-audit",), shows=("shop-dev",))]
