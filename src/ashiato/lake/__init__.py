"""The lake: Apache Iceberg tables, written exactly once, read at a pinned snapshot."""
