"""What a model has to run for variants: each distinct sequence once, those that belong together.

A group is one reference window. All variants in it share its run, all variants of a position share
the run with that position hidden, and each alternative sequence is run once:

    variants   12 A>C   12 A>G   40 T>C          runs   reference, 3 alternatives, masked 12, 40
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from .errors import SpliceBERTError
from .inference import Item
from .sequence import VOCABULARY


class Query(NamedTuple):
    """What is asked of one position of a reference window.

    name : of the variant or site
    offset : 0-based, in the window read 5'->3'
    alternatives : bases to put there, on the strand of the window
    masked : whether the reference is also run with the position hidden
    rows : int64 (rows,), sorted offsets at which both sequences are read
    """

    name: str
    offset: int
    alternatives: tuple[str, ...]
    masked: bool
    rows: np.ndarray


class Group(NamedTuple):
    """A reference window (5'->3', upper case) with all that is asked of it."""

    sequence: str
    queries: tuple[Query, ...]


class Answer(NamedTuple):
    """Logits for a query.

    reference : float32 (nt, 10), NaN where it was not read
    alternatives : float32 (alternatives, nt, 10), likewise
    masked : float32 (10,) at the hidden position, or None
    """

    reference: np.ndarray
    alternatives: np.ndarray
    masked: np.ndarray | None


def shard_groups(table: pd.DataFrame, shard: int, shards: int, key: str) -> pd.DataFrame:
    """Rows of one shard: whole groups, so that no reference runs in two shards.

    Parameters
    ----------
    table
        Has a column group, whole numbers from 0.
    shard, shards
        Which (0-based) of how many parts of about as many groups.
    key
        Name of the setting of `shards`, for the message.

    Raises
    ------
    SpliceBERTError
        Fewer groups than shards.
    """
    n = int(table["group"].max()) + 1 if len(table) else 0
    if n < shards:
        raise SpliceBERTError(
            f"{n} reference windows can't be cut into {shards} shards; set {key} to {max(n, 1)} "
            "or less"
        )
    low, high = n * shard // shards, n * (shard + 1) // shards
    return table[table["group"].between(low, high - 1)].reset_index(drop=True)


def substitute(sequence: str, offset: int, base: str) -> str:
    """Put another base at an offset (0-based) of a sequence."""
    return sequence[:offset] + base + sequence[offset + 1 :]


def runs_of(group: Group) -> dict[tuple, Item]:
    """Return the distinct runs of a group.

    Returns
    -------
    dict
        () -> the reference; (offset, base) -> an alternative; (offset,) -> the reference with that
        position hidden. All but the last are read at the union of the queries' rows: then
        neighbours in the stream can be compared, as the check of a precision does.
    """
    rows = np.unique(np.concatenate([query.rows for query in group.queries]))
    runs = {(): Item(group.sequence, None, rows)}
    for query in group.queries:
        for base in query.alternatives:
            changed = substitute(group.sequence, query.offset, base)
            runs.setdefault((query.offset, base), Item(changed, None, rows))
    for query in group.queries:
        if query.masked and (query.offset,) not in runs:
            mask = np.zeros(len(group.sequence), bool)
            mask[query.offset] = True
            runs[(query.offset,)] = Item(group.sequence, mask, np.array([query.offset]))
    return runs


def answers_of(
    group: Group, runs: dict[tuple, Item], results: Iterable[np.ndarray]
) -> Iterator[tuple[Query, Answer]]:
    """Put the results of a group's runs (rows, 10) together, query by query."""
    logits = {}
    for (key, item), values in zip(runs.items(), results, strict=True):
        full = np.full((len(group.sequence), len(VOCABULARY)), np.nan, np.float32)
        full[item.offsets] = values
        logits[key] = full
    for query in group.queries:
        yield (
            query,
            Answer(
                logits[()],
                np.stack([logits[query.offset, base] for base in query.alternatives]),
                logits[(query.offset,)][query.offset] if query.masked else None,
            ),
        )


def run_groups(
    groups: Iterable[Group], run: Callable[[Iterable[Item]], Iterator[np.ndarray]]
) -> Iterator[tuple[Group, Query, Answer]]:
    """Run groups and yield what was asked, in order.

    Parameters
    ----------
    groups
        Read lazily.
    run
        Function of items that yields their logits (rows, 10) in order, and may read ahead.
    """
    waiting: deque[tuple[Group, dict[tuple, Item]]] = deque()

    def items() -> Iterator[Item]:
        for group in groups:
            waiting.append((group, runs_of(group)))
            yield from waiting[-1][1].values()

    results = iter(run(items()))
    for first in results:
        group, runs = waiting.popleft()
        values = [first, *(next(results) for _ in range(len(runs) - 1))]
        for query, answer in answers_of(group, runs, values):
            yield group, query, answer


class Savings(NamedTuple):
    """How many sequences a plan runs, and how many the published code runs for the same."""

    runs: int
    published: int
    nt: int


def count_runs(groups: Iterable[Group]) -> Savings:
    """Count the runs of groups; the published code runs a reference for each alternative."""
    runs = published = nt = 0
    for group in groups:
        items = runs_of(group)
        runs += len(items)
        nt += sum(len(item.sequence) for item in items.values())
        published += sum(2 * len(q.alternatives) + q.masked for q in group.queries)
    return Savings(runs, published, nt)
