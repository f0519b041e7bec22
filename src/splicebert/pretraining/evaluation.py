"""Cross-entropy, perplexity and accuracy on the validation fragments, by region and repeat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from ..learning.mixed import autocast
from ..tables import read_table
from .batches import Batch, make_batch, pieces, to_model
from .corpus import Corpus
from .model import MaskedLoss
from .processes import Process
from .settings import Job
from .tables import VALIDATION_BASES, VALIDATION_FRAGMENTS
from .validation import GROUPS, fragment_codes, group_members

MICRO_TOKENS = {"cpu": 4096, "cuda": 65536}


class Validation(NamedTuple):
    """What one process evaluates.

    batches : fragments with their masks; members : bool (groups, masked bases of the batches)
    """

    batches: list[Batch]
    members: np.ndarray


def read_validation(job: Job, corpus: Corpus, process: Process) -> Validation:
    """Read the fragments and masks of a run, those of this process."""
    fragments = read_table(job.fragments, VALIDATION_FRAGMENTS)
    bases = read_table(job.bases, VALIDATION_BASES)
    mine = np.arange(len(fragments)) % process.size == process.rank
    codes = np.stack(list(fragment_codes(corpus, fragments)))[mine]
    bases = bases[mine[bases["fragment"]]]
    treatment, seen = np.zeros_like(codes), codes.copy()
    place = (np.cumsum(mine)[bases["fragment"]] - 1, bases["position"].to_numpy())
    treatment[place], seen[place] = bases["treatment"], bases["seen"]
    lengths = np.full(len(codes), codes.shape[1])
    most = job.hardware["micro_tokens"] or MICRO_TOKENS[process.device.type]
    batches = [
        make_batch(codes[i].ravel(), treatment[i].ravel(), seen[i].ravel(), lengths[i])
        for i in pieces(lengths, most)
    ]
    return Validation(batches, group_members(bases))


@torch.no_grad()
def evaluate(
    loss: MaskedLoss, validation: Validation, process: Process, precision: str
) -> pd.DataFrame:
    """Evaluate the model on the fragments of all processes (PERPLEXITIES without `step`)."""
    training = loss.training
    loss.eval()
    sums = np.zeros((len(GROUPS), 3))
    first = 0
    for batch in validation.batches:
        packed, rows, labels = to_model(batch, process.device)
        with autocast(process.device, precision):
            logits = loss.logits(packed, rows)
        nats = functional.cross_entropy(logits, labels, reduction="none").double()
        right = (logits.argmax(-1) == labels).double()
        values = torch.stack([torch.ones_like(nats), nats, right], 1).cpu().numpy()
        sums += validation.members[:, first : first + len(values)] @ values
        first += len(values)
    loss.train(training)
    total = process.total(torch.from_numpy(sums).to(process.device)).cpu().numpy()
    return _table(total)


def _table(sums: np.ndarray) -> pd.DataFrame:
    """Rows of GROUPS from sums float64 (groups, 3): bases, nats, right."""
    n, nats, right = sums.T
    known = np.where(n > 0, n, np.nan)
    table = pd.DataFrame(GROUPS, columns=["region", "bases"])
    return table.assign(
        n_bases=n.astype(np.int64),
        cross_entropy=nats / known,
        perplexity=np.exp(nats / known),
        accuracy=right / known,
    )
