"""Measures Ashiato against its budgets, as ratios inside one run. `python -m benchmarks --help`.

A family of measurements is a module of this package with `ORDER` and `run(bench)`, found by its presence.
"""
