"""Families of operations, one module each: found by being here (see docs/words.md)."""
