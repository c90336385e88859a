"""Search: everybody reads, each their own accounts; SQL is for analysts and above."""

from web.matrix_entry import Entry

OTHERS = ("333333333333", "shop-audit")
SQL = "SELECT recipientAccountId, count(*) AS n FROM cloudtrail GROUP BY 1"
ENTRIES = [
    Entry("search.search", "/search?from=all", hides=OTHERS, shows=("shop-",)),
    Entry("search.document", "/search/json?from=all", hides=OTHERS),
    Entry("search.export", "/search/export?from=all&kind=csv", hides=OTHERS),
    Entry("search.complete", "/search/complete?q=recipientAccountId:&from=all", hides=OTHERS),
    Entry("search.sql", f"/search/sql?sql={SQL.replace(' ', '%20')}", hides=OTHERS),
    Entry("search.sql_export", f"/search/sql/export?sql={SQL.replace(' ', '%20')}", hides=OTHERS),
]
