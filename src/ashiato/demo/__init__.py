"""The sample incident: a deterministic generator of a company's AWS logs with one attack in them."""

from ashiato.demo.generate import DEFAULT_END, Counts, GeneratedEstate, generate, incident_day
from ashiato.demo.small_objects import SmallObjects, generate_small_objects

__all__ = [
    "DEFAULT_END",
    "Counts",
    "GeneratedEstate",
    "SmallObjects",
    "generate",
    "generate_small_objects",
    "incident_day",
]
