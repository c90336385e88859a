"""Taking in: object → formats → lake, ledger, quarantine."""
