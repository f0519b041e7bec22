"""Learning rate: linear warm-up, then constant, linear decay, or halving on a plateau."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau


class Schedule:
    """Sets the rate of an optimiser before each step.

    Parameters
    ----------
    optimiser
        Whose rate.
    settings
        Of the training: `schedule` and `optimiser`.
    steps
        Of all epochs, for the linear decay.
    """

    def __init__(
        self, optimiser: torch.optim.Optimizer, settings: dict[str, Any], steps: int
    ) -> None:
        self.optimiser, self.steps = optimiser, steps
        self.settings, self.highest = settings["schedule"], settings["optimiser"]["learning_rate"]
        self.rate = self.highest
        self._plateau = ReduceLROnPlateau(
            optimiser,
            mode="max",
            factor=self.settings["factor"],
            patience=self.settings["patience"],
            min_lr=self.settings["floor"],
        )

    def before_step(self, step: int) -> None:
        """Set the rate of a step, 0-based."""
        self._set(self.rate_at(step))

    def rate_at(self, step: int) -> float:
        """Rate of a step, 0-based, of the epoch under way."""
        warm_up = self.settings["warmup_steps"]
        if step < warm_up:
            return self.rate * (step + 1) / warm_up
        if self.settings["kind"] != "linear":
            return self.rate
        done = (step - warm_up) / max(1, self.steps - warm_up)
        return max(self.settings["floor"], self.highest * (1 - done))

    def after_epoch(self, score: float) -> None:
        """Look at the validation score of an epoch."""
        if self.settings["kind"] == "plateau":
            self._set(self.rate)
            self._plateau.step(score)
            self.rate = self.optimiser.param_groups[0]["lr"]

    def _set(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, for JSON."""
        return {"rate": self.rate, "plateau": self._plateau.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.rate = state["rate"]
        self._plateau.load_state_dict(state["plateau"])
