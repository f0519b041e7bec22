"""What an analysis may ask of a model, whatever its family."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch

from ..errors import ModelError

log = logging.getLogger(__name__)


class ModelAdapter(ABC):
    """A model seen through nucleotides: special tokens, k-mers, T/U, case and N end inside.

    The nucleotide axis of every result has the length of the sequences, 5'->3'. Sequences of one
    call may differ in length: the axis then has the length of the longest, and what lies behind a
    shorter sequence's end is undefined.

    Attributes
    ----------
    name : str
        Name in the model table.
    min_length, max_length : int
        Shortest and longest sequence (nt) that the model was made for.
    vocab : tuple[str, ...]
        Meaning of the columns of `logits`; the four bases are among them as A, C, G, T.
    n_layers : int
        Layers of `hidden_states`, 0 = embedding output.
    hidden_size : int
        Values of a hidden state.
    neighbourhood : int
        Positions on either side whose hidden states belong to a base's features (0 for a model
        that sees the whole sequence). The caller then hands in sequences longer by as much.
    """

    name: str
    min_length: int
    max_length: int
    vocab: tuple[str, ...] = ()
    n_layers: int
    hidden_size: int
    neighbourhood: int = 0
    device: torch.device = torch.device("cpu")
    _warned: bool = False

    @abstractmethod
    def hidden_states(self, sequences: Sequence[str], layers: Sequence[int]) -> torch.Tensor:
        """Hidden states: float32 (batch, layers, nt, hidden), layers as asked (0 = embedding)."""

    def logits(self, sequences: Sequence[str], mask: np.ndarray | None = None) -> torch.Tensor:
        """MLM logits: float32 (batch, nt, vocab).

        Parameters
        ----------
        sequences
            Nucleotides 5'->3'.
        mask
            bool (batch, nt), bases to hide from the model; None hides nothing.
        """
        raise ModelError(f"model {self.name!r} has no masked-language-model head")

    def attention_rows(self, sequences: Sequence[str], offsets: np.ndarray) -> torch.Tensor:
        """Attention of some query bases: float32 (batch, layers, heads, rows, nt).

        Parameters
        ----------
        sequences
            Nucleotides 5'->3'.
        offsets
            int (batch, rows), 0-based positions whose rows are wanted. The columns of special
            tokens are left out, so a row sums to less than 1.
        """
        raise ModelError(f"model {self.name!r} has no attention")

    def describe(self) -> str:
        """One line for the log: what runs where, in which precision."""
        return f"model {self.name}, device {self.device}"

    def check(self, sequences: Sequence[str]) -> None:
        """Raise ModelError where a sequence is longer than the model can take, or empty.

        One shorter than what the model was trained on is run, with a warning in the log.
        """
        shortest = min(map(len, sequences), default=self.min_length)
        if shortest < self.min_length and not self._warned:
            self._warned = True
            log.warning(
                "model %s was trained on sequences of %d nt or more; one of %d nt is run all the "
                "same, but its numbers may mean little",
                self.name,
                self.min_length,
                shortest,
            )
        for row, sequence in enumerate(sequences):
            if not 0 < len(sequence) <= self.max_length:
                raise ModelError(
                    f"model {self.name!r}: sequence {row} of the batch (0-based) has "
                    f"{len(sequence)} nt; expected 1 to {self.max_length}. Cut it into windows"
                )


def rows_of(mask: np.ndarray | None, sequences: Sequence[str]) -> np.ndarray | None:
    """Check a mask's shape against its sequences; return it as bool (batch, longest)."""
    if mask is None:
        return None
    expected = (len(sequences), max(map(len, sequences)))
    if np.shape(mask) != expected:
        raise ModelError(f"mask has shape {np.shape(mask)}; expected (batch, nt) = {expected}")
    return np.asarray(mask, bool)
