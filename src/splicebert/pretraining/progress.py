"""How far a run is, and what its steps took."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from .batches import Batch


@dataclass
class Progress:
    """How far a run is.

    Attributes
    ----------
    step, tokens
        Done.
    seconds
        Spent on them, by all starts of the run.
    since
        Steps since the last row of metrics, with their sums of loss and of gradient norm.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    since: int = 0
    loss: float = 0.0
    norm: float = 0.0


@dataclass
class StepData:
    """What one process reads for a step.

    Attributes
    ----------
    batches
        One for each pass.
    predicted
        Masked bases in them.
    tokens, nt
        Of the whole step, all processes together.
    """

    batches: list[Batch]
    predicted: int
    tokens: int
    nt: int


class Clock:
    """Time and sums of the steps, kept on the device until they are asked for.

    Parameters
    ----------
    progress
        Kept up to date.
    device
        Of the losses.
    """

    def __init__(self, progress: Progress, device: torch.device) -> None:
        self.progress, self.device = progress, device
        self.sums = torch.tensor([progress.loss, progress.norm], dtype=torch.float64, device=device)
        self.nt, self.busy = 0, 0.0
        self.began: float | None = None
        self.start()

    def start(self) -> None:
        """Count the time from now on, if it stood still."""
        if self.began is None:
            self.began = time.monotonic()

    def stop(self) -> None:
        """Count no time until `start`."""
        if self.began is None:
            return
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        spent = time.monotonic() - self.began
        self.progress.seconds += spent
        self.busy += spent
        self.began = None

    def add(self, data: StepData, loss: torch.Tensor, norm: torch.Tensor) -> None:
        """Count a step."""
        self.sums += torch.stack([loss.detach().double(), norm.detach().double()])
        self.progress.step += 1
        self.progress.since += 1
        self.progress.tokens += data.tokens
        self.nt += data.nt

    def settle(self) -> None:
        """Bring `progress` up to date."""
        self.stop()
        self.progress.loss, self.progress.norm = self.sums.tolist()

    def row(self) -> dict:
        """Return a row of METRICS without rate and validation; what follows counts anew."""
        self.settle()
        progress = self.progress
        row = {
            "step": progress.step,
            "tokens": progress.tokens,
            "seconds": progress.seconds,
            "loss": progress.loss / progress.since,
            "gradient_norm": progress.norm / progress.since,
            "nt_per_second": self.nt / self.busy,
        }
        self.sums.zero_()
        progress.since, progress.loss, progress.norm = 0, 0.0, 0.0
        self.nt, self.busy = 0, 0.0
        return row
