"""The model that is fine-tuned: first weights, frozen layers, logits and losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import PreTrainedModel

from ..errors import ConfigError, ModelError
from ..inference import Item
from ..models.checkpoint import check_identity, read_config
from ..models.loading import TASKS as CLASSES
from ..models.loading import load
from ..models.modules import Engine
from ..models.packing import Packed, Rows, first_rows, some_rows
from ..models.tokens import Letters, Tokeniser, read_tokeniser
from ..vocabulary import BERTS
from .settings import TASKS, Job


class Learner(torch.nn.Module):
    """A classification model on packed sequences: no work on padding, nor on ignored bases.

    Attributes
    ----------
    model
        A transformers model of the lean encoder; its last layer runs on the labelled bases only.
    task : "token" or "sequence"
    tokeniser
        From nucleotides to the model's tokens; None: a token a nucleotide.
    """

    def __init__(
        self, model: PreTrainedModel, task: str, tokeniser: Tokeniser | None = None
    ) -> None:
        super().__init__()
        self.model, self.task, self.tokeniser = model, task, tokeniser or Letters()

    def read(self, items: Sequence[Item]) -> tuple[Packed, Rows]:
        """Tokens of sequences, and the rows whose logits are wanted."""
        sequences = [item.sequence for item in items]
        packed = self.tokeniser.pack(sequences, device=self.model.device)
        if self.task == "sequence":
            return packed, first_rows(packed)
        return packed, some_rows(packed, [item.offsets for item in items])

    def forward(self, packed: Packed, rows: Rows) -> torch.Tensor:
        """Logits of the rows: float32 (rows, labels)."""
        last = self.model.config.num_hidden_layers
        states = self.model.bert.encode_packed(packed, [last], rows)[last]
        if self.task == "sequence":
            states = self.model.bert.pooler(states[:, None])
        return self.model.classifier(self.model.dropout(states)).float()

    def losses(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Loss of each row: float32 (rows,), nats.

        Parameters
        ----------
        logits
            float32 (rows, labels): 1 label is the binary cross-entropy of its sigmoid, 2 the
            cross-entropy of their softmax.
        labels
            int64 (rows,).
        """
        if logits.shape[1] == 1:
            return functional.binary_cross_entropy_with_logits(
                logits[:, 0], labels.to(logits.dtype), reduction="none"
            )
        return functional.cross_entropy(logits, labels, reduction="none")


def build_learner(
    job: Job, device: torch.device, *, attention: str = "auto", dtype: str = "float32"
) -> Learner:
    """Build the model of a job with its first weights.

    Parameters
    ----------
    job
        What is trained.
    device
        Where.
    attention
        Back end.
    dtype
        Of the products in evaluation; those of training are the business of autocast.

    Raises
    ------
    ModelError, ConfigError
        A family without fine-tuning, a folder that can't be loaded, or more frozen layers than
        there are.
    """
    if job.task not in TASKS or job.num_labels not in TASKS[job.task]:
        raise ConfigError(
            f"task {job.task!r} with {job.num_labels} labels; expected token or sequence with 1 or "
            "2 labels"
        )
    if job.entry.get("adapter", "splicebert") not in BERTS:
        raise ModelError(
            f"model {job.model!r} is of adapter {job.entry['adapter']!r}, which can't be fine-tuned"
        )
    model = _first_weights(job)
    _set_dropout(model, job.settings)
    _freeze(model, job.method["freeze"])
    # transformers and `splicebert predict` read from it what a single label means.
    if job.num_labels == 1:
        model.config.problem_type = "multi_label_classification"
    model.bert.engine = Engine(attention, dtype)
    return Learner(model.to(device), job.task, read_tokeniser(job.entry["folder"]))


def _first_weights(job: Job) -> PreTrainedModel:
    folder, seed = Path(job.entry["folder"]), job.settings["seed"]
    check_identity(folder, job.entry.get("sha256") or {})
    if job.method["initial"] == "pretrained":
        return load(folder, job.task, num_labels=job.num_labels, device="cpu", seed=seed)
    config = read_config(folder)
    config.num_labels = job.num_labels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CLASSES[job.task](config)


def _set_dropout(model: PreTrainedModel, settings: dict[str, Any]) -> None:
    if settings["attention_dropout"] is not None:
        model.config.attention_probs_dropout_prob = settings["attention_dropout"]
    if settings["hidden_dropout"] is not None:
        model.config.hidden_dropout_prob = settings["hidden_dropout"]
        model.config.classifier_dropout = settings["hidden_dropout"]
        model.dropout.p = settings["hidden_dropout"]


def _freeze(model: PreTrainedModel, layers: int) -> None:
    """Stop the lowest layers, and with them the embeddings, from learning."""
    found = len(model.bert.encoder.layer)
    if layers > found:
        raise ConfigError(f"freeze: {layers} layers; the model has {found}")
    if layers:
        for part in (model.bert.embeddings, *model.bert.encoder.layer[:layers]):
            part.requires_grad_(False)


def longest_sequence(job: Job) -> int:
    """Most nucleotides that the model takes."""
    room = read_config(job.entry["folder"]).max_position_embeddings - 2
    return min(job.entry.get("max_length") or room, room)


def mean_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean loss of float32 (rows, labels) logits, nats, in float64."""
    values = np.asarray(logits, np.float64)
    other = values[:, 0] if values.shape[1] == 2 else np.zeros(len(values))
    margin = values[:, -1] - other
    return float(np.logaddexp(0.0, np.where(labels == 1, -margin, margin)).mean())
