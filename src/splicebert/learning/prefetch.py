"""Batches read ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def ahead(make: Callable[[int], Made], steps: range) -> Iterator[Made]:
    """Yield `make(step)` of each step; the next one is made meanwhile."""
    with ThreadPoolExecutor(1) as worker:
        waiting = worker.submit(make, steps[0]) if steps else None
        for step in steps:
            found = waiting.result()
            waiting = worker.submit(make, step + 1) if step + 1 in steps else None
            yield found
