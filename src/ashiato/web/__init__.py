"""The pages: rendered on the server, no logic."""
