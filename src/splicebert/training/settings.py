"""What a fold is told: its examples, its method, and how it is trained.

Importable without torch, because Snakemake reads it each time it builds the workflow.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import ConfigError
from ..vocabulary import BERTS
from .defaults import DEFAULTS
from .tables import TEST, TRAINING, VALIDATION

TASKS = {"token": (1, 2), "sequence": (1, 2)}  # the numbers of labels that a task may have


class Split(NamedTuple):
    """Which folds a model is trained, validated and tested on.

    fold : number of this split, 0-based; folds : how many there are
    validation, test : folds counted from `fold` on, round the end; the rest is for training
    """

    fold: int
    folds: int
    validation: tuple[int, ...]
    test: tuple[int, ...]

    @classmethod
    def make(cls, fold: int, folds: int, validation: Iterable[int], test: Iterable[int]) -> Split:
        """Make a split and check it; ConfigError says what is wrong."""
        split = cls(int(fold), int(folds), tuple(map(int, validation)), tuple(map(int, test)))
        split.check()
        return split

    def check(self) -> None:
        """Raise ConfigError unless every part has a fold and none is in two."""
        if not 0 <= self.fold < self.folds:
            raise ConfigError(f"fold {self.fold}; expected 0 to {self.folds - 1}")
        held = [self._number(offset) for offset in (*self.validation, *self.test)]
        if not self.validation or not self.test or len(set(held)) < len(held):
            raise ConfigError(
                f"split of {self.folds} folds: validation {list(self.validation)}, test "
                f"{list(self.test)} (counted from the split's own fold); expected one fold or more "
                "for each, none for both"
            )
        if len(held) >= self.folds:
            raise ConfigError(
                f"split of {self.folds} folds: {len(held)} are for validation and test; expected "
                "one or more left for training. Take more folds"
            )

    def _number(self, offset: int) -> int:
        return (self.fold + offset) % self.folds

    def members(self, folds: np.ndarray) -> dict[str, np.ndarray]:
        """Rows of each part.

        Parameters
        ----------
        folds
            int (examples,), fold of each example; -1 is in no part.

        Returns
        -------
        training, validation, test -> int64 (rows,), in the order of the table
        """
        folds = np.asarray(folds)
        parts = {
            VALIDATION: [self._number(offset) for offset in self.validation],
            TEST: [self._number(offset) for offset in self.test],
        }
        held = [number for numbers in parts.values() for number in numbers]
        parts[TRAINING] = [number for number in range(self.folds) if number not in held]
        return {name: np.flatnonzero(np.isin(folds, numbers)) for name, numbers in parts.items()}


class Job(NamedTuple):
    """One fold of one method.

    split : which examples are for what
    task : "token" or "sequence"; num_labels : 1 (binary cross-entropy) or 2 (cross-entropy)
    model : name and entry of the model table, its folder as seen from here
    method : initial ("pretrained" or "random") and freeze (lower layers that do not learn)
    settings : as DEFAULTS
    """

    split: Split
    task: str
    num_labels: int
    model: str
    entry: dict[str, Any]
    method: dict[str, Any]
    settings: dict[str, Any]


def complete(settings: Mapping[str, Any], defaults: Mapping[str, Any] = DEFAULTS) -> dict[str, Any]:
    """Fill defaults into settings.

    Raises
    ------
    ConfigError
        An unknown key, or settings that make no sense together.
    """
    filled = _complete(settings, defaults, "")
    if defaults is DEFAULTS:
        lines = list(check_settings(filled, "training"))
        if lines:
            raise ConfigError("\n  ".join(lines))
    return filled


def _complete(values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str) -> dict:
    unknown = [key for key in values if key not in defaults]
    if unknown:
        raise ConfigError(
            f"training settings: unknown key {prefix}{unknown[0]}; allowed here: "
            f"{', '.join(defaults)}"
        )
    filled = copy.deepcopy(dict(defaults))
    for key, value in values.items():
        inner = isinstance(defaults[key], dict) and isinstance(value, Mapping)
        filled[key] = _complete(value, defaults[key], f"{prefix}{key}.") if inner else value
    return filled


def check_settings(settings: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield what the schema of the configuration can't see, a line for every mistake."""
    schedule, rate = settings["schedule"], settings["optimiser"]["learning_rate"]
    if schedule["floor"] > rate:
        yield (
            f"{key}.schedule.floor: {schedule['floor']} is more than optimiser.learning_rate {rate}"
        )
    size, parts = settings["batch"]["size"], settings["batch"]["accumulation"]
    if size % parts:
        yield f"{key}.batch.accumulation: {parts} does not divide batch.size {size}"


def check_method(method: Mapping[str, Any], key: str, models: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a method of a branch: its model must be there and trainable."""
    name = method["model"]
    able = [model for model, entry in models.items() if entry["adapter"] in BERTS]
    if name not in models:
        yield f"{key}.model: unknown model {name!r}; allowed: {', '.join(able)}"
    elif name not in able:
        yield f"{key}.model: {name!r} can't be fine-tuned; allowed: {', '.join(able)}"
    if method.get("freeze", 0) and method.get("initial") == "random":
        yield f"{key}.freeze: random layers would never learn; take initial: pretrained, or 0"
