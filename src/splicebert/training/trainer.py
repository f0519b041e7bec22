"""The training loop of one fold: from nothing or from a checkpoint, to its early stop."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ..inference import Item
from ..learning.checkpoint import load_checkpoint, newest, read_state, save_checkpoint
from ..learning.mixed import autocast, grad_scaler
from ..learning.prefetch import ahead
from ..models.packing import Packed, Rows, to_device
from ..runtime import Runtime
from .evaluation import evaluate
from .examples import Examples, balanced_weights
from .model import Learner
from .progress import Lines, Progress
from .records import Records
from .schedule import Schedule
from .settings import Job
from .tables import TEST, TRAINING, VALIDATION

log = logging.getLogger(__name__)
CHECKPOINT_SECONDS = 600.0
# First words of the seeds of what is drawn.
ORDER, DROPOUT = 1, 2


class Pass(NamedTuple):
    """What goes through the model at once; labels : int64 (rows,)."""

    packed: Packed
    rows: Rows
    labels: torch.Tensor


@dataclass
class Trainer:
    """One fold.

    Attributes
    ----------
    job
        What to do.
    parts
        training, validation, test -> examples.
    learner
        With its first weights, on its device.
    runtime
        Device of the learner, and batches of evaluation.
    folder
        Of state/ and tensorboard/.
    fingerprint
        What a checkpoint has to agree with.
    checkpoint_seconds
        Time between checkpoints within an epoch; there is one after each epoch, too. Changes no
        numbers.
    """

    job: Job
    parts: dict[str, Examples]
    learner: Learner
    runtime: Runtime
    folder: Path
    fingerprint: dict[str, Any]
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        settings, device = self.job.settings, self.runtime.device
        self.settings = settings
        self.size = settings["batch"]["size"]
        self.steps = math.ceil(len(self.parts[TRAINING].ids) / self.size)
        self.learning = [p for p in self.learner.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.learning,
            lr=settings["optimiser"]["learning_rate"],
            weight_decay=settings["optimiser"]["weight_decay"],
            fused=True,
        )
        self.scaler = grad_scaler(device, settings["precision"])
        self.schedule = Schedule(self.optimiser, settings, settings["epochs"] * self.steps)
        self.weights = torch.from_numpy(self._class_weights()).to(device)
        # Checkpoints of other settings are left alone, until a run is done and removes them all.
        self.state = self.folder / "state" / _key(self.fingerprint)
        self.records = Records(self.state, self.folder / "tensorboard")

    def _class_weights(self) -> np.ndarray:
        wanted = self.settings["class_weights"]
        if wanted == "balanced":
            return balanced_weights(self.parts[TRAINING].all_labels())
        return np.array(wanted or [1, 1], np.float32)

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done, or the score has not risen for too long."""
        epoch, patience = self.progress.epoch, self.settings["patience"]
        waited = epoch - self.progress.best_epoch
        return epoch >= self.settings["epochs"] or (patience is not None and waited >= patience)

    def run(self) -> None:
        """Train to the end."""
        device = self.runtime.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            self.resume()
            self.records.open(self.progress.epoch)
            began = time.monotonic()
            while not self.finished:
                self.train_epoch()
                self.finish_epoch()
                self.progress.seconds += time.monotonic() - began
                began = time.monotonic()
                self.save()
            self.records.close()

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        found = newest(self.state / "checkpoints")
        if found is None:
            return
        state = read_state(found, self.fingerprint)
        load_checkpoint(found, self.learner, {"adamw": self.optimiser})
        self.progress = Progress(**state["progress"])
        self.schedule.restore(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        self.records.restore(state["records"], self.progress)
        log.info("going on from %s", found)

    def save(self) -> None:
        """Write a checkpoint; then what only the one before needed can go."""
        state = {
            "step": self.progress.step,
            "progress": vars(self.progress),
            "schedule": self.schedule.state(),
            "scaler": self.scaler.state_dict(),
            "records": self.records.rows,
            "fingerprint": self.fingerprint,
        }
        folder = self.state / "checkpoints"
        save_checkpoint(folder, self.learner, {"adamw": self.optimiser}, state)
        self.records.forget(self.progress.best_epoch)

    def draw(self, epoch: int) -> np.ndarray:
        """Order of the training examples in an epoch (0-based): int64 (examples,)."""
        words = [ORDER, self.settings["seed"], self.job.split.fold, epoch]
        return np.random.default_rng(words).permutation(len(self.parts[TRAINING].ids))

    def read(self, rows: np.ndarray) -> list[Pass]:
        """Read a batch as the passes of its accumulation."""
        part = self.parts[TRAINING]
        size = math.ceil(self.size / self.settings["batch"]["accumulation"])
        passes = []
        for first in range(0, len(rows), size):
            some = rows[first : first + size]
            # Neighbours of one length are computed together.
            some = sorted(some, key=lambda row: len(part.sequences[row]))
            items = [Item(part.sequences[row], None, part.offsets[row]) for row in some]
            labels = np.concatenate([part.labels[row] for row in some]).astype(np.int64)
            labels = to_device(labels, self.runtime.device)
            passes.append(Pass(*self.learner.read(items), labels))
        return passes

    def train_epoch(self) -> None:
        """Do the batches of an epoch that are not done yet."""
        progress, order = self.progress, self.draw(self.progress.epoch)
        sums = torch.tensor(
            [progress.loss, progress.weight], dtype=torch.float64, device=self.runtime.device
        )
        self.learner.train()
        lines = Lines(progress, self.steps)
        saved = time.monotonic()
        batches = ahead(
            lambda number: self.read(order[number * self.size : (number + 1) * self.size]),
            range(progress.batch, self.steps),
        )
        for passes in batches:
            sums += self.step(passes)
            progress.batch += 1
            progress.step += 1
            lines.after_step(sums)
            due = time.monotonic() - saved >= self.checkpoint_seconds
            if due and progress.batch < self.steps:
                progress.loss, progress.weight = sums.tolist()
                self.save()
                saved = time.monotonic()
        lines.close()
        progress.loss, progress.weight = sums.tolist()

    def step(self, passes: list[Pass]) -> torch.Tensor:
        """Do one step; return the sums of weighted losses and of weights: float64 (2,).

        The losses of all passes are divided by the weight of the whole batch, so that it does not
        matter how the batch was cut.
        """
        if self._drops_out():
            # Dropout depends on seed, fold and step alone.
            words = [DROPOUT, self.settings["seed"], self.job.split.fold, self.progress.step]
            torch.manual_seed(int(np.random.SeedSequence(words).generate_state(1)[0]))
        self.schedule.before_step(self.progress.step)
        total = torch.stack([self.weights[p.labels].sum() for p in passes]).sum()
        loss = torch.zeros((), dtype=torch.float64, device=self.runtime.device)
        for packed, rows, labels in passes:
            with autocast(self.runtime.device, self.settings["precision"]):
                logits = self.learner(packed, rows)
            losses = self.learner.losses(logits, labels) * self.weights[labels]
            self.scaler.scale(losses.sum() / total).backward()
            loss += losses.detach().sum()
        if self.settings["clip"] is not None:
            self.scaler.unscale_(self.optimiser)
            torch.nn.utils.clip_grad_norm_(self.learning, self.settings["clip"])
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        return torch.stack([loss, total.double()])

    def _drops_out(self) -> bool:
        config = self.learner.model.config
        return bool(
            config.hidden_dropout_prob
            or config.attention_probs_dropout_prob
            or self.learner.model.dropout.p
        )

    def finish_epoch(self) -> None:
        """Evaluate, keep the weights where they are the best, and set the rate of the next."""
        progress = self.progress
        epoch = progress.epoch + 1
        found = {
            name: evaluate(self.learner, self.parts[name], self.runtime)
            for name in (VALIDATION, TEST)
        }
        rate = self.optimiser.param_groups[0]["lr"]
        self.records.add(epoch, progress.loss / progress.weight, found, rate)
        score = self.records.score(epoch, self.settings["score"])
        if score > progress.best_score:
            progress.best_score, progress.best_epoch = score, epoch
            self.records.keep(epoch, self.learner)
        self.records.keep_predictions(epoch, self.parts[TEST], found[TEST].logits)
        self.schedule.after_epoch(score)
        progress.epoch, progress.batch = epoch, 0
        progress.loss, progress.weight = 0.0, 0.0
        log.info(
            "epoch %d: %s; best epoch %d; %.0f s",
            epoch, self.records.line(epoch), progress.best_epoch, progress.seconds,
        )  # fmt: skip


def _key(fingerprint: dict[str, Any]) -> str:
    text = json.dumps(fingerprint, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
