"""Examples: read, checked, and as batches that a model takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from os import PathLike
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import FormatError, SpliceBERTError
from ..inference import Item
from ..tables import read_table
from .tables import EXAMPLES, IGNORED


class Examples(NamedTuple):
    """Examples in the order of their table.

    ids, sequences : of each
    offsets : int64 (labels,) of each, 0-based positions of its labels; [0] for a whole sequence
    labels : int8 (labels,) of each, 0 or 1
    """

    ids: list[str]
    sequences: list[str]
    offsets: list[np.ndarray]
    labels: list[np.ndarray]

    def take(self, rows: np.ndarray) -> Examples:
        """Return the examples of some rows, in the order of `rows`."""
        return Examples(*([column[row] for row in rows] for column in self))

    def items(self) -> Iterator[Item]:
        """Yield what the engine of inference runs."""
        for sequence, offsets in zip(self.sequences, self.offsets, strict=True):
            yield Item(sequence, None, offsets)

    def all_labels(self) -> np.ndarray:
        """Labels of all examples behind one another: int8 (labels,)."""
        return np.concatenate(self.labels) if self.labels else np.empty(0, np.int8)

    @property
    def total_nt(self) -> int:
        """Nucleotides of all sequences."""
        return sum(map(len, self.sequences))


def read_examples(path: str | PathLike, task: str) -> pd.DataFrame:
    """Read a table of examples and check its labels; see `check_examples`."""
    table = read_table(path, EXAMPLES)
    check_examples(table, task, path)
    return table


def check_examples(table: pd.DataFrame, task: str, path: str | PathLike | None = None) -> None:
    """Check what the schema of EXAMPLES can't.

    Raises
    ------
    FormatError
        An empty sequence, labels other than 0, 1 and (token task) -100, none that counts, or a
        number of them that is neither that of the nucleotides (token task) nor 1 (sequence task).
    """
    rows = zip(table["example_id"], table["sequence"], table["labels"], strict=True)
    for name, sequence, labels in rows:
        fault = _fault(sequence, labels, task)
        if fault:
            raise FormatError(f"example {name!r}: {fault}", path)


def _fault(sequence: str, labels: np.ndarray, task: str) -> str:
    wanted = len(sequence) if task == "token" else 1
    if not sequence:
        return "an empty sequence; expected nucleotides"
    if len(labels) != wanted:
        return f"{len(labels)} labels for {len(sequence)} nt; task {task} needs {wanted}"
    counted = labels[labels != IGNORED] if task == "token" else labels
    wrong = counted[(counted != 0) & (counted != 1)]
    if len(wrong):
        return f"label {wrong[0]}; expected 0 or 1" + ", or -100 for ignored" * (task == "token")
    return "" if len(counted) else "no label but -100; leave it out"


def make_examples(table: pd.DataFrame, task: str) -> Examples:
    """Turn a checked table into examples: ignored labels fall away here."""
    labels = [np.asarray(values, np.int8) for values in table["labels"]]
    if task == "token":
        offsets = [np.flatnonzero(values != IGNORED) for values in labels]
        labels = [values[where] for values, where in zip(labels, offsets, strict=True)]
    else:
        offsets = [np.zeros(1, np.int64) for _ in labels]
    return Examples(list(table["example_id"]), list(table["sequence"]), offsets, labels)


def digest(examples: Examples) -> str:
    """Hexadecimal sha256 of examples: what a checkpoint must agree with."""
    made = hashlib.sha256()
    columns = (examples.ids, examples.sequences, examples.offsets, examples.labels)
    for name, sequence, offsets, labels in zip(*columns, strict=True):
        made.update(f"{name}\t{sequence}\t{len(offsets)}\n".encode())
        made.update(offsets.astype(np.int64).tobytes() + labels.tobytes())
    return made.hexdigest()


def check_parts(parts: dict[str, Examples]) -> None:
    """Raise SpliceBERTError for a part without examples, or training or validation of one class."""
    for name, part in parts.items():
        values = np.unique(part.all_labels())
        if not len(part.ids):
            raise SpliceBERTError(f"the {name} part has no examples; look at the column fold")
        if name != "test" and len(values) < 2:
            raise SpliceBERTError(
                f"all {len(part.ids)} examples of the {name} part are of class {values[0]}; "
                "expected both classes. Take fewer folds, or how: stratified"
            )


def balanced_weights(labels: np.ndarray) -> np.ndarray:
    """Class weights that give both classes the same sum: float32 (2,), labels 0 and 1."""
    counts = np.bincount(labels, minlength=2)
    return (len(labels) / (2 * counts)).astype(np.float32)


def count_shared(parts: dict[str, Examples]) -> dict[str, int]:
    """How many sequences of the other parts occur in training, too, by part."""
    known = set(parts["training"].sequences)
    return {
        name: sum(sequence in known for sequence in part.sequences)
        for name, part in parts.items()
        if name != "training"
    }
