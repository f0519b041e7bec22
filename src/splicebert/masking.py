"""The masking of BERT: which bases a model has to predict, and what it sees instead of them."""

from __future__ import annotations

import numpy as np

# How a base was treated by the masking of BERT.
NOT_CHOSEN, MASKED, REPLACED, KEPT = range(4)


def bert_masking(bases: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the bases to predict, as BERT's pre-training does.

    15 % of the known bases are chosen; of these 80 % are hidden behind [MASK], 10 % become one
    drawn from A, C, G, T and N, as in the paper's code, and 10 % stay. N is never chosen (the
    paper's code may choose it). Every model sees the same choice.

    Parameters
    ----------
    bases
        uint8 (windows, nt), A 0, C 1, G 2, T 3, N 4.
    seed
        Seed of the draws; row i depends on the seed and the rows before it, not on those behind.

    Returns
    -------
    treatment : uint8 (windows, nt), NOT_CHOSEN, MASKED, REPLACED or KEPT
    seen : uint8 (windows, nt), the bases that the model reads where it is not masked
    """
    return masking_of(bases, np.random.default_rng(seed).random((*bases.shape, 3), np.float32))


def masking_of(bases: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Do what `bert_masking` does, with random numbers that were drawn before.

    Parameters
    ----------
    bases
        uint8 (..., nt), A 0, C 1, G 2, T 3, N 4.
    draws
        float32 (..., nt, 3), uniform in [0, 1): whether chosen, how treated, which base instead.

    Returns
    -------
    treatment, seen
        As of `bert_masking`.
    """
    chosen = (draws[..., 0] < 0.15) & (bases < 4)
    kinds = np.select([draws[..., 1] < 0.8, draws[..., 1] < 0.9], [MASKED, REPLACED], KEPT)
    treatment = np.where(chosen, kinds, NOT_CHOSEN).astype(np.uint8)
    drawn = (draws[..., 2] * 5).astype(np.uint8)
    return treatment, np.where(treatment == REPLACED, drawn, bases).astype(np.uint8)
