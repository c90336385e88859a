"""Memory of processes that make and let go of much: what Python and the C library are told beforehand."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from functools import cache
from pathlib import Path

#: glibc's numbers of the options (malloc.h), and bytes.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = 256 << 20
_LARGE = 64 << 20


@cache
def seek_garbage_seldom() -> None:
    """For a process that makes many objects and no cycles: what is there now is left out of every look for garbage
    for good, the rest is looked at after 50,000 new containers. A second call does nothing."""
    # What is garbage now would stay for good.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@cache
def expect_much() -> None:
    """For a process that is about to read or write many records; a second call does nothing.

    Garbage: a tenth of the time of reading went into looking for some.

    Memory: a megabyte of text that is let go of is kept for the next one, instead of being given back to the
    system and asked for page by page again (4 % of the time of taking in).
    """
    seek_garbage_seldom()
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        # Other C libraries have no such function.
        if mallopt is not None:
            mallopt(_M_TRIM_THRESHOLD, _KEPT)
            mallopt(_M_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Give memory that was let go of back to the system, after much was read once."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        # Other C libraries have no such function.
        if trim is not None:
            trim(0)


def peak_rss() -> int:
    """The largest resident set of this process so far, in bytes."""
    try:
        # ru_maxrss would also count what the parent held at the time of fork.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
