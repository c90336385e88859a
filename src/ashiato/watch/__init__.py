"""The loop: sources, taking in, evaluation, alerts."""
