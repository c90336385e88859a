"""The command `ashiato`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; errors become a message and an exit status, never a traceback."""
    from ashiato.cli.app import run

    run()
