"""The sample incident: a deterministic generator of a company's AWS logs with one attack in them."""

from ashiato.demo.generate import DEFAULT_END, Counts, GeneratedEstate, generate, incident_day

__all__ = ["DEFAULT_END", "Counts", "GeneratedEstate", "generate", "incident_day"]
