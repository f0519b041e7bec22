"""One-hot nucleotides as a model: the baseline that knows only the sequence nearby."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..errors import ModelError
from ..sequence import one_hot
from .base import ModelAdapter


class OneHot(ModelAdapter):
    """Each base as (A, C, G, T); a base's features are those of its neighbourhood.

    Parameters
    ----------
    name
        Name in the model table.
    flank
        nt on either side that belong to a base's features: 2 * flank + 1 bases in all.
    """

    n_layers = 1
    hidden_size = 4
    min_length = 1
    max_length = 1 << 30

    def __init__(
        self, *, name: str = "onehot", flank: int = 250, device: str = "cpu", dtype: str = "float32"
    ) -> None:
        if flank < 0:
            raise ModelError(f"model {name!r}: flank is {flank}; expected 0 or more nt")
        self.name = name
        self.neighbourhood = flank

    def hidden_states(self, sequences: Sequence[str], layers: Sequence[int]) -> torch.Tensor:
        """One-hot rows: float32 (batch, 1, nt, 4); layer 0 is the only one."""
        if any(layer not in (0, -1) for layer in layers):
            raise ModelError(f"model {self.name!r}: layers {list(layers)}; it has only layer 0")
        self.check(sequences)
        out = np.zeros((len(sequences), 1, max(map(len, sequences)), 4), np.float32)
        for row, sequence in enumerate(sequences):
            out[row, 0, : len(sequence)] = one_hot(sequence)
        return torch.from_numpy(np.repeat(out, len(layers), axis=1))
