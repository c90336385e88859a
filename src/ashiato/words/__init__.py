"""Sentences about records, in English and Japanese."""
