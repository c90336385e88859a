"""AWS Config: configuration items, their differences, the operations behind each change, the state as of a moment."""
