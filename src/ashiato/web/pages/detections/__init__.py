"""Detections: which rules there are, what each looks for and how often it was right, and trying one on the past."""

from ashiato.web.pages.detections import coverage, listed, rule, switching
from ashiato.web.pages.detections.words import area

__all__ = ["area", "coverage", "listed", "rule", "switching"]
