"""Configuration over time: resources, their items, what differs, and the operations behind each change."""
