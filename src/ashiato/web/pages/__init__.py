"""One module (or package) an area of pages, each with its `area`; found by its place here."""
