"""Many objects fetched at once, within a bound on bytes held."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ashiato.sources.objects import ObjectRef, ObjectUnavailable, Source

Fetched = tuple[ObjectRef, bytes | ObjectUnavailable]


def fetch_all(
    source: Source, refs: Iterable[ObjectRef], *, workers: int | None = None, most_bytes: int = 64 << 20
) -> Iterator[Fetched]:
    """Each reference with its bytes or the reason why not, as they arrive.

    An object that was overwritten after it was listed comes with the reference to what it is now. At most
    `most_bytes` of objects (or one, if it is larger) and 4 × `workers` objects are held or on their way;
    `workers` are as many as the source is worth. `refs` is read lazily in the calling thread.
    SourceUnavailable ends the iteration.
    """
    workers = workers or source.at_once
    if workers == 1:
        for ref in refs:
            yield fetch_one(source, ref)
        return
    pool = ThreadPoolExecutor(workers, "ashiato-fetch")
    running: dict[Future[Fetched], ObjectRef] = {}
    done: deque[Future[Fetched]] = deque()
    waiting = iter(refs)
    ahead: ObjectRef | None = next(waiting, None)
    held = 0
    try:
        while ahead is not None or running or done:
            while (
                ahead is not None
                and len(running) + len(done) < workers * 4
                and (held == 0 or held + ahead.size <= most_bytes)
            ):
                running[pool.submit(fetch_one, source, ahead)] = ahead
                held += ahead.size
                ahead = next(waiting, None)
            if not done:
                done.extend(wait(running, return_when=FIRST_COMPLETED).done)
            future = done.popleft()
            ref = running.pop(future)
            yield future.result()
            held -= ref.size
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def fetch_one(source: Source, ref: ObjectRef, *, replaced: bool = False) -> Fetched:
    """One reference with its bytes or the reason why not; an overwritten object as it is now."""
    try:
        return ref, source.fetch(ref)
    except ObjectUnavailable as error:
        if error.replacement is not None and not replaced:
            return fetch_one(source, error.replacement, replaced=True)
        return ref, error
