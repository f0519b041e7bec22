"""How far a fold is, and how it says so."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass

import torch
from tqdm import tqdm

log = logging.getLogger(__name__)
LINE_SECONDS = 60.0


@dataclass
class Progress:
    """How far a fold is.

    Attributes
    ----------
    epoch, batch
        Epochs that are done; batches of the one under way.
    step
        All batches.
    loss, weight
        Sums over the epoch under way: weighted losses (nats) and their weights.
    best_epoch, best_score
        1-based epoch of the best validation score so far.
    seconds
        Spent, by all starts of the run.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    weight: float = 0.0
    best_epoch: int = 0
    best_score: float = -math.inf
    seconds: float = 0.0


class Lines:
    """A progress bar on a terminal, a line a minute in the log.

    Parameters
    ----------
    progress
        Of the fold, kept up to date by the trainer.
    steps
        Of an epoch.
    """

    def __init__(self, progress: Progress, steps: int) -> None:
        self.progress, self.steps, self.began = progress, steps, time.monotonic()
        self.last, self.first = self.began, progress.batch
        label = f"epoch {progress.epoch + 1}"
        self.bar = tqdm(total=steps, initial=self.first, desc=label, unit="step", disable=None)

    def after_step(self, sums: torch.Tensor) -> None:
        """Count a step; sums : float64 (2,), of losses and of weights in this epoch."""
        self.bar.update()
        now = time.monotonic()
        if now - self.last < LINE_SECONDS:
            return
        self.last, done = now, self.progress.batch
        loss, weight = sums.tolist()
        log.info(
            "epoch %d: step %d of %d, training loss %.4g, %.3g s a step",
            self.progress.epoch + 1, done, self.steps, loss / weight,
            (now - self.began) / (done - self.first),
        )  # fmt: skip

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
