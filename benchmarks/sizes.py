"""How much load each measurement takes: `default` for the budgets, `quick` to try, `tiny` for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Sizes of one run. Events are distinct CloudTrail events; `copies` repeat them with fresh event ids."""

    name: str
    events: int = 200_000
    copies: int = 5
    days: int = 10
    real_copies: int = 350
    #: Records for baselines that are slow by design.
    slow_records: int = 40_000
    flow_base: int = 100_000
    flow_records: int = 1_000_000
    small_objects: int = 3_872
    large_objects: int = 20
    #: Turns of what takes a minute, of what takes seconds, and of the parts.
    long_repeats: int = 2
    repeats: int = 3
    switch_repeats: int = 1
    commits: tuple[int, ...] = (1, 100, 1_000)
    commit_rows: int = 500
    commits_a_day: int = 100
    day_rows: int = 500_000
    lookup_rows: tuple[int, ...] = (1_000_000, 10_000_000)
    lookup_days: int = 90
    lookup_repeats: int = 7
    #: Configuration items over three years, and the resources that they are of.
    config_items: tuple[tuple[int, int], ...] = ((1_000_000, 50_000),)
    start_up_runs: int = 7
    watch_seconds: int = 300

    @property
    def full(self) -> bool:
        """Whether the load is what the budgets speak of."""
        return self.name in ("default", "large")


SIZES = {
    s.name: s
    for s in (
        Sizes("default"),
        Sizes("large", lookup_rows=(10_000_000, 100_000_000), config_items=((10_000_000, 50_000),)),
        Sizes(
            "quick",
            events=20_000, copies=2, days=2, real_copies=6, slow_records=5_000,
            flow_base=20_000, flow_records=200_000, small_objects=968, large_objects=5,
            long_repeats=1, repeats=1, switch_repeats=1, commits=(1, 20, 80), commits_a_day=20, day_rows=60_000,
            lookup_rows=(50_000, 200_000), lookup_repeats=2, config_items=((100_000, 5_000),), start_up_runs=3, watch_seconds=30,
        ),
        Sizes(
            "tiny",
            events=1_500, copies=2, days=1, real_copies=1, slow_records=500,
            flow_base=2_000, flow_records=8_000, small_objects=40, large_objects=4,
            long_repeats=1, repeats=1, switch_repeats=1, commits=(1, 3, 6), commit_rows=50, commits_a_day=3, day_rows=2_000,
            lookup_rows=(1_200, 2_400), lookup_days=12, lookup_repeats=1, config_items=((4_000, 300),), start_up_runs=1, watch_seconds=3,
        ),
    )
}  # fmt: skip
