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

    def hidden_states_packed(
        self,
        sequences: Sequence[str],
        layers: Sequence[int],
        offsets: Sequence[np.ndarray | None] | None = None,
    ) -> torch.Tensor:
        """One-hot rows: float32 (rows, 1, 4); layer 0 is the only one."""
        if any(layer not in (0, -1) for layer in layers):
            raise ModelError(f"model {self.name!r}: layers {list(layers)}; it has only layer 0")
        self.check(sequences)
        wanted = offsets if offsets is not None else [None] * len(sequences)
        parts = [
            one_hot(sequence)[slice(None) if rows is None else rows]
            for sequence, rows in zip(sequences, wanted, strict=True)
        ]
        return torch.from_numpy(np.concatenate(parts))[:, None].repeat(1, len(layers), 1)
