"""When Python looks for garbage."""

from __future__ import annotations

import gc


def collect_garbage_seldom() -> None:
    """For processes that make many objects and no cycles: a tenth of the time of reading went into looking.

    What is there now is left out for good, and the rest is looked at after 50,000 new containers.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
