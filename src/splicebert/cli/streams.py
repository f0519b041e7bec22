"""Results of the engine beside what they belong to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from ..inference import Item

Subject = TypeVar("Subject")


def attach(
    pairs: Iterable[tuple[Subject, Item]],
    run: Callable[[Iterable[Item]], Iterable[np.ndarray]],
) -> Iterator[tuple[Subject, np.ndarray]]:
    """Run items and give each result with its subject.

    Parameters
    ----------
    pairs
        A subject (a record, a variant) and what is run for it; read lazily.
    run
        Function of the items that yields one result each, in input order, and may read ahead.
    """
    waiting: deque[Subject] = deque()

    def items() -> Iterator[Item]:
        for subject, item in pairs:
            waiting.append(subject)
            yield item

    for result in run(items()):
        yield waiting.popleft(), result
