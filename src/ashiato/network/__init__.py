"""Addresses: own networks, where they belong, what they stand for."""
