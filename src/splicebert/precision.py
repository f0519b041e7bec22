"""Is a reduced precision good enough for this run? Measured on its first sequences, every time."""

from __future__ import annotations

import itertools
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from .sequence import A, T

if TYPE_CHECKING:
    from .inference import Item
    from .models.base import ModelAdapter
    from .runtime import Runtime

log = logging.getLogger(__name__)
SAMPLE = 16
# Largest error that is tolerated against float32; beyond it the run goes on in float32. Logits:
# KL(float32 || dtype) of the distribution over the tokens in nats, at any base; hidden states,
# attention and the logits of a classifier: absolute. Random weights of the true size stay a factor
# of four or more below these.
LIMITS = {
    "float16": {"logits": 1e-4, "hidden_states": 0.05, "attention": 2e-3, "classes": 0.05},
    "bfloat16": {"logits": 1e-2, "hidden_states": 0.5, "attention": 2e-2, "classes": 0.5},
    "int8": {"logits": 5e-2, "hidden_states": 2.0, "attention": 0.1, "classes": 2.0},
}
# Where two runs are subtracted: Spearman correlation of the KL of neighbouring bases of pairs of
# sequences that differ in few bases.
MIN_CORRELATION = 0.99
FEW_CHANGES = 3


def kl_divergence(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """KL(p || q) in nats over the last axis, float64, from logits."""
    p, q = p.double().log_softmax(-1), q.double().log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def largest_error(
    values: Sequence[torch.Tensor], reference: Sequence[torch.Tensor], kind: str
) -> float:
    """Error of a sample, in the unit of `LIMITS`; infinite where a value is not finite."""
    worst = 0.0
    for found, true in zip(values, reference, strict=True):
        if not (torch.isfinite(found).all() and torch.isfinite(true).all()):
            return float("inf")
        if found.numel():
            error = (
                kl_divergence(true, found)
                if kind == "logits"
                else (found.double() - true.double()).abs()
            )
            worst = max(worst, float(error.max()))
    return worst


def pair_correlation(
    values: Sequence[torch.Tensor], reference: Sequence[torch.Tensor], items: Sequence[Item]
) -> float | None:
    """Agreement with float32 on the difference of two sequences.

    Parameters
    ----------
    values, reference
        Logits (rows, vocabulary) of each item in the reduced precision and in float32.
    items
        The sample.

    Returns
    -------
    Spearman correlation of KL(second || first) by base over the four bases, of all neighbours
    in the sample that differ in 1 to 3 bases; None where there is no such pair.
    """
    kl: tuple[list, list] = ([], [])
    for number, (first, second) in enumerate(itertools.pairwise(items)):
        if not (_comparable(first, second) and 0 < _changes(first, second) <= FEW_CHANGES):
            continue
        for found, logits in zip(kl, (values, reference), strict=True):
            p, q = logits[number + 1][:, A : T + 1], logits[number][:, A : T + 1]
            found.append(kl_divergence(p, q).cpu().numpy())
    if not kl[0]:
        return None
    from scipy.stats import spearmanr  # takes longer to import than most samples to compare

    with warnings.catch_warnings():  # constant values have no correlation: NaN says so
        warnings.simplefilter("ignore")
        return float(spearmanr(np.concatenate(kl[0]), np.concatenate(kl[1])).statistic)


def _comparable(left: Item, right: Item) -> bool:
    if len(left.sequence) != len(right.sequence):
        return False
    return all(
        (a is None) == (b is None) and (a is None or np.array_equal(a, b))
        for a, b in ((left.mask, right.mask), (left.offsets, right.offsets))
    )


def _changes(left: Item, right: Item) -> int:
    return sum(a != b for a, b in zip(left.sequence, right.sequence, strict=True))


def check_sample(
    adapter: ModelAdapter,
    items: Iterable[Item],
    compute: Callable[[Sequence[Item]], torch.Tensor],
    runtime: Runtime,
    *,
    kind: str,
) -> Iterator[Item]:
    """Compare the first sequences with float32, log the error, and fall back where it is too big.

    Parameters
    ----------
    adapter
        The model; its dtype is set to float32 where the error is beyond `LIMITS`.
    items
        Of the run; all of them are yielded again, in order.
    compute
        Runs some items.
    runtime
        Bounds the sample: no more sequences are begun once `batch_nt` is reached.
    kind
        "logits", "hidden_states", "attention" or "classes".
    """
    items = iter(items)
    dtype = adapter.dtype
    if dtype == "float32":
        yield from items
        return
    sample = _sample(items, runtime.batch_nt)
    if sample:
        # Together, by the kernels of the run; float32 one by one, in little memory.
        reduced = [
            value
            for part in _parts(sample, runtime.batch_nt)
            for value in _split(compute(part).float(), part, kind)
        ]
        adapter.set_dtype("float32")
        exact = [compute([item]).float() for item in sample]
        problem = _judge(reduced, exact, sample, dtype, kind, runtime.purpose)
        if problem:
            log.warning("dtype %s: %s; going on in float32", dtype, problem)
        else:
            adapter.set_dtype(dtype)
    yield from itertools.chain(sample, items)


def _parts(sample: list[Item], batch_nt: int) -> list[list[Item]]:
    """Cut off the last sequence where the sample is more than a batch."""
    if len(sample) > 1 and sum(len(item.sequence) for item in sample) > batch_nt:
        return [sample[:-1], sample[-1:]]
    return [sample]


def _split(values: torch.Tensor, sample: Sequence[Item], kind: str) -> list[torch.Tensor]:
    if kind == "attention":
        return [values[row : row + 1, ..., : len(item.sequence)] for row, item in enumerate(sample)]
    return list(values.split([item.rows for item in sample]))


def _sample(items: Iterator[Item], batch_nt: int) -> list[Item]:
    sample: list[Item] = []
    while len(sample) < SAMPLE and sum(len(item.sequence) for item in sample) < batch_nt:
        item = next(items, None)
        if item is None:
            break
        sample.append(item)
    return sample


def _judge(
    values: Sequence[torch.Tensor],
    reference: Sequence[torch.Tensor],
    sample: Sequence[Item],
    dtype: str,
    kind: str,
    purpose: str,
) -> str:
    """Log the error of a sample; return what is wrong with it, empty where nothing is."""
    error, limit = largest_error(values, reference, kind), LIMITS[dtype][kind]
    unit = "KL (nats)" if kind == "logits" else "absolute"
    log.info(
        "dtype %s against float32 on %d sequences: largest error of %s %.2e, %s",
        dtype, len(sample), kind, error, unit,
    )  # fmt: skip
    if error > limit:
        return f"error {error:.2e} is above the limit {limit:.0e} for {kind}"
    if purpose != "difference" or kind != "logits":
        return ""
    correlation = pair_correlation(values, reference, sample)
    if correlation is None:
        return "no two neighbours of the sample differ in few bases, so it can't be judged"
    log.info("dtype %s: Spearman %.4f of the KL of sequence pairs", dtype, correlation)
    if not correlation >= MIN_CORRELATION:
        return f"Spearman {correlation:.3f} of the KL of pairs is below {MIN_CORRELATION}"
    return ""
