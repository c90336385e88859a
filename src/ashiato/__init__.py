"""Ashiato keeps, watches and traces the footprints in AWS accounts."""

__version__ = "0.1.0"
