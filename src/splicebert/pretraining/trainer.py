"""The training loop: one process or many, from nothing or from a checkpoint."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from ..learning.checkpoint import load_checkpoint, newest, read_state, save_checkpoint
from ..learning.mixed import autocast
from ..learning.prefetch import ahead
from ..models.checkpoint import sha256
from .batches import read_share, to_model
from .corpus import Corpus, Pool, pool
from .evaluation import evaluate, read_validation
from .fragments import Fragments, draw_step, passes
from .metrics import Metrics
from .model import MaskedLoss, build_model
from .optimisers import optimisers, rate_share, set_rates
from .processes import Process
from .progress import Clock, Progress, StepData
from .settings import Job, Phase, total_steps
from .tables import TRAINING

log = logging.getLogger(__name__)


@dataclass
class Trainer:
    """A run in one of its processes.

    Attributes
    ----------
    job, process
        What to do; who this is.
    corpus
        Opened.
    """

    job: Job
    process: Process
    corpus: Corpus
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        settings, hardware = self.job.settings, self.job.hardware
        self.model = build_model(settings).to(self.process.device)
        self.loss = MaskedLoss(self.model)
        self.optimisers = optimisers(self.model, settings["optimiser"])
        self.learning = [p for p in self.model.parameters() if p.requires_grad]
        self.parallel: torch.nn.Module = self.loss
        if self.process.size > 1:
            self.parallel = DistributedDataParallel(self.loss, forward_sync_buffers=False)
        self.precision = hardware["precision"]
        self.steps = total_steps(settings["phases"])
        self.state = Path(self.job.folder) / "state"
        files = [settings["start"][key] for key in ("weights", "mean_with")]
        found = [sha256(path) if path else None for path in files]
        self.sha256 = {"weights_sha256": found[0], "mean_with_sha256": found[1]}
        self._pools: dict[Phase, Pool] = {}

    @property
    def fingerprint(self) -> dict:
        """What a checkpoint has to agree with."""
        texts = {genome: about["sha256"] for genome, about in self.corpus.about.items()}
        return self.job.settings | {"corpus": texts} | self.sha256

    def resume(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        found = newest(self.state / "checkpoints")
        if found is None:
            return
        state = read_state(found, self.fingerprint)
        load_checkpoint(found, self.model, self.optimisers)
        self.progress = Progress(**state["progress"])
        log.info("going on from %s", found)

    def save(self) -> None:
        """Write a checkpoint."""
        state = {
            "step": self.progress.step,
            "progress": vars(self.progress),
            "fingerprint": self.fingerprint,
        }
        save_checkpoint(self.state / "checkpoints", self.model, self.optimisers, state)

    def phase(self, step: int) -> Phase:
        """Phase of a step (from 0)."""
        for phase in self.job.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        raise IndexError(f"step {step} behind the last of {self.steps}")

    def draw(self, step: int) -> Fragments:
        """Draw the whole batch of a step."""
        phase, settings = self.phase(step), self.job.settings
        if phase not in self._pools:
            self._pools[phase] = pool(self.corpus, TRAINING, phase.min_length, phase.max_length)
        random = settings["random_positions"]
        positions = self.model.config.max_position_embeddings if random else None
        return draw_step(self._pools[phase], phase, settings["seed"], step, positions=positions)

    def read(self, step: int) -> StepData:
        """Read this process's share of a step."""
        fragments, size = self.draw(step), self.process.size
        micro = self.job.hardware["micro_tokens"]
        count = passes(self.phase(step).batch_tokens, size, micro)
        batches = read_share(
            self.corpus, fragments, rank=self.process.rank, processes=size, passes=count
        )
        predicted = sum(len(batch.labels) for batch in batches)
        return StepData(batches, predicted, fragments.tokens, int(fragments.length.sum()))

    def backward(self, data: StepData) -> torch.Tensor:
        """Fill the gradients of a step; return its loss, nats a masked base: float64 ().

        The sums of all passes and processes are divided by all masked bases of the step, so that
        it does not matter how the step was shared out.
        """
        device, size = self.process.device, self.process.size
        predicted = self.process.total(torch.tensor(float(data.predicted), device=device))
        predicted = predicted.clamp(min=1)
        nats = torch.zeros((), dtype=torch.float64, device=device)
        for number, batch in enumerate(data.batches):
            last = number == len(data.batches) - 1
            wait = size > 1 and not last
            with self.parallel.no_sync() if wait else contextlib.nullcontext():
                with autocast(device, self.precision):
                    loss = self.parallel(*to_model(batch, device))
                # DistributedDataParallel takes the mean of the processes' gradients
                (loss * (size / predicted)).backward()
            nats += loss.detach()
        return self.process.total(nats) / predicted

    def step(self, data: StepData) -> tuple[torch.Tensor, torch.Tensor]:
        """Do one step; return its loss and the norm of its gradient."""
        settings, step = self.job.settings["optimiser"], self.progress.step
        if self.model.config.hidden_dropout_prob or self.model.config.attention_probs_dropout_prob:
            # Dropout, too, depends on seed, step and process alone.
            words = [self.job.settings["seed"], step, self.process.rank + 1]
            torch.manual_seed(int(np.random.SeedSequence(words).generate_state(1)[0]))
        loss = self.backward(data)
        norm = torch.nn.utils.clip_grad_norm_(self.learning, settings["clip"])
        set_rates(self.optimisers, rate_share(step, self.steps, settings), settings)
        for optimiser in self.optimisers.values():
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        return loss, norm

    def run(self) -> Metrics | None:
        """Train to the end; return the metrics where this process writes them."""
        device = self.process.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            return self._run()

    def _run(self) -> Metrics | None:
        self.resume()
        validation = read_validation(self.job, self.corpus, self.process)
        metrics = None
        if self.process.leads:
            metrics = Metrics(self.state, Path(self.job.folder) / "tensorboard", self.progress.step)
        self.loss.train()
        clock = Clock(self.progress, self.process.device)
        for data in ahead(self.read, range(self.progress.step, self.steps)):
            clock.add(data, *self.step(data))
            step = self.progress.step
            table = None
            if self._due(step, self.job.settings["validation"]["every"]):
                clock.stop()
                table = evaluate(self.loss, validation, self.process, self.precision)
            if table is not None or self._due(step, self.job.settings["log_every"]):
                row = clock.row()
                row["rate"] = rate_share(step - 1, self.steps, self.job.settings["optimiser"])
                if metrics:
                    metrics.add(row, table)
            if self._due(step, self.job.checkpoint_every) and self.process.leads:
                clock.settle()
                self.save()
            clock.start()
        self.process.wait()
        return metrics

    def _due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == self.steps
