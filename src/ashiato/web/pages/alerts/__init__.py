"""Alerts: the list that people work through, each one with its evidence, and what is expected."""

from ashiato.web.pages.alerts import acting, expected, listed, one
from ashiato.web.pages.alerts.words import area

__all__ = ["acting", "area", "expected", "listed", "one"]
