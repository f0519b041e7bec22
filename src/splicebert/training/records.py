"""What a fold leaves while it trains: metrics, TensorBoard events, predictions, best weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from ..learning.events import event_writer
from ..tables import FLOAT_FORMAT, atomic_path, write_table
from .evaluation import Evaluation, split_logits
from .examples import Examples
from .progress import Progress
from .tables import PREDICTIONS, TEST, TRAINING, VALIDATION


class Records:
    """Files of a fold under way.

    Parameters
    ----------
    state
        Folder of what is only needed until the fold is done.
    events
        Folder of TensorBoard events.

    Attributes
    ----------
    rows : list of [epoch, split, metric, value]
        Rows of METRICS. Values have the digits of the TSV, so that who reads that finds the same
        best epoch.
    """

    def __init__(self, state: Path, events: Path) -> None:
        self.state, self.events = state, events
        self.rows: list[list[Any]] = []
        self._board: Any = None

    def open(self, epoch: int) -> None:
        """Begin to write events behind an epoch."""
        self._board = event_writer(self.events, epoch)

    def close(self) -> None:
        """Close the events."""
        self._board.close()

    def add(self, epoch: int, loss: float, found: Mapping[str, Evaluation], rate: float) -> None:
        """Add the metrics of an epoch."""
        values = {(TRAINING, "loss"): loss}
        for name in (VALIDATION, TEST):
            values[name, "loss"] = found[name].loss
            values |= {(name, key): value for key, value in found[name].scores._asdict().items()}
        for (split, metric), value in values.items():
            self.rows.append([epoch, split, metric, float(FLOAT_FORMAT % value)])
            if np.isfinite(value):
                self._board.add_scalar(f"{metric}/{split}", value, epoch)
        self._board.add_scalar("rate", rate, epoch)
        self._board.flush()

    def value(self, epoch: int, split: str, metric: str) -> float:
        """Return one of the values of an epoch."""
        return next(row[3] for row in self.rows if row[:3] == [epoch, split, metric])

    def score(self, epoch: int, metric: str) -> float:
        """Return the validation score of an epoch."""
        return self.value(epoch, VALIDATION, metric)

    def line(self, epoch: int) -> str:
        """Return the metrics of an epoch in words."""
        parts: dict[str, list[str]] = {}
        for number, split, metric, value in self.rows:
            if number == epoch:
                parts.setdefault(split, []).append(f"{metric} {value:.4g}")
        return "; ".join(f"{split} {' '.join(values)}" for split, values in parts.items())

    def _weights(self, epoch: int) -> Path:
        return self.state / "best" / f"epoch-{epoch:05d}.safetensors"

    def _part(self, epoch: int) -> Path:
        return self.state / "predictions" / f"epoch-{epoch:05d}.parquet"

    def keep(self, epoch: int, learner: torch.nn.Module) -> None:
        """Keep the weights of an epoch."""
        tensors = {
            name: parameter.detach().cpu().contiguous()
            for name, parameter in learner.named_parameters()
        }
        with atomic_path(self._weights(epoch)) as path:
            save_file(tensors, path)

    def load_best(self, epoch: int, learner: torch.nn.Module) -> None:
        """Put the weights of an epoch that was kept into a model."""
        tensors = load_file(self._weights(epoch))
        with torch.no_grad():
            for name, parameter in learner.named_parameters():
                parameter.copy_(tensors[name])

    def keep_predictions(self, epoch: int, examples: Examples, logits: np.ndarray) -> None:
        """Write what an epoch predicts of the test examples."""
        counts = [len(labels) for labels in examples.labels]
        positive, negative = split_logits(logits)
        table = pd.DataFrame(
            {
                "epoch": np.int16(epoch),
                "example_id": np.repeat(np.array(examples.ids, object), counts),
                "offset": np.concatenate(examples.offsets).astype(np.int32),
                "label": examples.all_labels(),
                "logit": positive,
                "logit_negative": negative,
            }
        )
        write_table(table, self._part(epoch), PREDICTIONS)

    def parts(self) -> list[Path]:
        """Return the files of all epochs' predictions."""
        return sorted((self.state / "predictions").glob("epoch-*.parquet"))

    def restore(self, rows: list[list[Any]], progress: Progress) -> None:
        """Go back to a checkpoint: what came after it, of a process that was killed, goes."""
        self.rows = rows
        for path in self.parts():
            if path > self._part(progress.epoch):
                path.unlink()
        self.forget(progress.best_epoch)

    def forget(self, best: int) -> None:
        """Remove the weights of all epochs but one."""
        for path in (self.state / "best").glob("epoch-*"):
            if path != self._weights(best):
                path.unlink()
