"""Tables are worked on two at a time, because one alone leaves most of a machine idle.

Between the tasks of a small table the driver plans, and nothing else runs: two tables at a time
take 0.7 of the time of one after the other on two cores (23 silver tables: 32 s against 46 s).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 2


def two_at_once(
    work: Callable[[T], R], items: Iterable[T], on_result: Callable[[R], None]
) -> list[R]:
    """Return ``work`` of each item, in order; ``on_result`` gets each in this thread.

    What is running when an exception ends the waiting is left behind, what is not is not begun.
    """
    results = []
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for result in pool.map(work, items):
            results.append(result)
            on_result(result)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return results
