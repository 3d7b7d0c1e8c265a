"""Does independent units of work: one after the other here, or side by side in other processes.

Where a unit is done must not show in what comes of it, so a unit takes all that it needs from its
own description and leaves its result in a file.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

__all__ = ["each_done"]

Unit = TypeVar("Unit")


def each_done(
    work: Callable[[Unit], None], units: Sequence[Unit], *, workers: int
) -> Iterator[Unit]:
    """Do all units and tell of each as soon as it is done.

    Args:
        work: does one unit. With several workers it goes to another interpreter, so it and the
            units must be picklable: a function of a module, or a ``partial`` of one.
        units: what there is to do, in no order that matters.
        workers: how many processes work at once; with 1 it is this one.

    Yields:
        The finished units: in their order for one worker, else as they finish.

    Raises:
        BrokenProcessPool: if a process dies.
        Exception: whatever ``work`` raises; units that nobody has begun are left out then.
    """
    if min(workers, len(units)) <= 1:
        for unit in units:
            work(unit)
            yield unit
        return
    # Fresh interpreters: a forked copy of one whose torch has threads may hang.
    pool = ProcessPoolExecutor(min(workers, len(units)), mp_context=get_context("spawn"))
    try:
        waiting = {pool.submit(work, unit): unit for unit in units}
        for future in as_completed(waiting):
            future.result()
            yield waiting[future]
    finally:
        pool.shutdown(cancel_futures=True)
