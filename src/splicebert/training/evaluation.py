"""Logits and scores of a model on examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..inference import Item, stream
from ..runtime import Runtime
from .examples import Examples
from .metrics import Scores, classification, probability
from .model import Learner, mean_loss


class Evaluation(NamedTuple):
    """What a model gives.

    logits : float32 (labels of all examples, 1 or 2); loss : nats a label, unweighted
    """

    logits: np.ndarray
    loss: float
    scores: Scores


def run_logits(
    learner: Learner, examples: Examples, runtime: Runtime, *, progress: bool = False
) -> np.ndarray:
    """Logits of the labelled positions, example by example: float32 (rows, labels).

    Needs no labels: `Examples` of offsets alone will do.
    """

    @torch.inference_mode()
    def compute(batch: Sequence[Item]) -> torch.Tensor:
        return learner(*learner.read(batch))

    training = learner.training
    learner.eval()
    results = stream(
        examples.items(), compute, runtime, progress=progress, total_nt=examples.total_nt
    )
    found = list(results)
    learner.train(training)
    return np.concatenate(found)


def split_logits(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits of class 1 and of class 0 (0 where there is one label), each float32 (rows,)."""
    if logits.shape[1] == 1:
        return logits[:, 0], np.zeros(len(logits), np.float32)
    return logits[:, 1], logits[:, 0]


def evaluate(learner: Learner, examples: Examples, runtime: Runtime) -> Evaluation:
    """Run a model on examples and score it against their labels."""
    logits = run_logits(learner, examples, runtime)
    labels = examples.all_labels()
    scores = classification(labels, probability(*split_logits(logits)))
    return Evaluation(logits, mean_loss(logits, labels), scores)
