"""One file a command (or family of commands), found by its place here."""
