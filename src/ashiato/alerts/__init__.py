"""Findings become alerts, alerts incidents; what is sent, and to whom."""
