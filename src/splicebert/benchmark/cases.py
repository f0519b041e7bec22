"""The pieces of work: inputs, and how either route does them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from transformers import BertConfig, BertForMaskedLM

from ..inference import Item, run_attention_rows, run_hidden_states, run_logits
from ..models import SpliceBERT
from ..models.checkpoint import write_model
from ..runtime import Runtime
from ..sequence import BASES
from .published import Published, kl_by_base

LENGTHS = (510, 1000)
MIXED = (64, 1024)


class Work(NamedTuple):
    """One task.

    name : what is computed; length : nt of the sequences, "64-1024" where they are mixed
    nt : nucleotides that it stands for; tokens : of a sequence, for counting operations
    published, ours : compute it, given a route
    """

    name: str
    length: str
    nt: int
    tokens: int
    published: Callable[[Published], Sequence[np.ndarray]]
    ours: Callable[[SpliceBERT, Runtime], Sequence[np.ndarray]]


def write_random_model(folder: Path, seed: int, size: dict | None = None) -> None:
    """Write a model of SpliceBERT's true size with random weights, in the published form."""
    config = BertConfig(
        **{
            "vocab_size": 10, "hidden_size": 512, "num_hidden_layers": 6,
            "num_attention_heads": 16, "intermediate_size": 2048, "max_position_embeddings": 1026,
        } | (size or {})
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForMaskedLM(config)
    write_model(model, folder)


def sequences_of(lengths: Sequence[int], seed: int) -> list[str]:
    """Random sequences of A, C, G and T."""
    rng = np.random.default_rng(seed)
    letters = np.array(list(BASES))
    return ["".join(letters[rng.integers(0, 4, length)]) for length in lengths]


def states_work(length: int, count: int, seed: int) -> Work:
    """Last hidden states of every base."""
    sequences = sequences_of([length] * count, seed)

    def ours(model: SpliceBERT, runtime: Runtime) -> list[np.ndarray]:
        return [states[0] for states in run_hidden_states(model, map(Item, sequences), runtime)]

    nt = length * count
    published = partial(_hidden_states, sequences)
    return Work("hidden states", str(length), nt, length + 2, published, ours)


def _hidden_states(sequences: Sequence[str], route: Published) -> list[np.ndarray]:
    return route.hidden_states(sequences)


def logits_work(lengths: Sequence[int], name: str, seed: int) -> Work:
    """MLM logits of every base."""
    sequences = sequences_of(lengths, seed)

    def ours(model: SpliceBERT, runtime: Runtime) -> list[np.ndarray]:
        return list(run_logits(model, map(Item, sequences), runtime))

    tokens = int(np.average(lengths, weights=lengths)) + 2
    return Work(
        "MLM logits", name, sum(lengths), tokens, lambda route: route.logits(sequences), ours
    )


def attention_work(length: int, count: int, seed: int) -> Work:
    """Six attention rows a sequence, maximum over heads, all layers."""
    sequences = sequences_of([length] * count, seed)
    left, right = length // 4, 3 * length // 4
    offsets = np.array([[left - 1, left, left + 1, right - 1, right, right + 1]] * count)

    def ours(model: SpliceBERT, runtime: Runtime) -> list[np.ndarray]:
        items = [Item(s, offsets=o) for s, o in zip(sequences, offsets, strict=True)]
        return list(run_attention_rows(model, items, runtime))

    return Work(
        "attention rows", str(length), length * count, length + 2,
        lambda route: route.attention_rows(sequences, offsets), ours,
    )  # fmt: skip


def mutagenesis_work(length: int, count: int, seed: int) -> Work:
    """The three alternatives of the base in the middle: KL by base."""
    middle = length // 2
    sites = []
    for reference in sequences_of([length] * count, seed):
        others = [b for b in BASES if b != reference[middle]]
        sites.append(
            (reference, [reference[:middle] + b + reference[middle + 1 :] for b in others])
        )

    def ours(model: SpliceBERT, runtime: Runtime) -> list[np.ndarray]:
        items = (Item(s) for reference, others in sites for s in (reference, *others))
        logits = run_logits(model, items, runtime)
        out = []
        for _, others in sites:
            reference = next(logits)
            out += [kl_by_base(next(logits), reference) for _ in others]
        return out

    # nt of the answers: three alternatives a site.
    return Work(
        "mutagenesis", str(length), 3 * length * count, length + 2,
        lambda route: route.mutagenesis(sites), ours,
    )  # fmt: skip


def all_work(scale: int, seed: int, *, lengths: Sequence[int] = LENGTHS) -> list[Work]:
    """Return the tasks; `scale` batches of 16 sequences each (attention: half a batch).

    Parameters
    ----------
    scale
        How much work: 1 suits two CPU cores, 32 a GPU.
    seed
        Draws the sequences.
    lengths
        nt of the equal-length tasks.
    """
    rng = np.random.default_rng(seed)
    mixed = rng.integers(MIXED[0], MIXED[1] + 1, 32 * scale).tolist()
    work = []
    for length in lengths:
        work.append(states_work(length, 16 * scale, seed + 1))
        work.append(logits_work([length] * 16 * scale, str(length), seed + 2))
    work.append(logits_work(mixed, f"{MIXED[0]}-{MIXED[1]}", seed + 3))
    for length in lengths:
        work.append(attention_work(length, 8 * scale, seed + 4))
        work.append(mutagenesis_work(length, 4 * scale, seed + 5))
    return work
