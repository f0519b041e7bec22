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
    call may differ in length: packed results are rows, sequence by sequence, without padding; in
    the others the axis has the length of the longest, with zeros behind a shorter sequence's end.
    A family implements the packed methods and `attention_rows`, as far as it can.

    Attributes
    ----------
    name : str
        Name in the model table.
    min_length, max_length : int
        Shortest and longest sequence (nt) that the model was made for.
    vocab : tuple[str, ...]
        Meaning of the columns of `logits`: `sequence.VOCABULARY` for every family that has them,
        because scores read the bases there. A family of other tokens brings them into this order.
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
    dtype: str = "float32"
    _warned: bool = False

    @abstractmethod
    def hidden_states_packed(
        self,
        sequences: Sequence[str],
        layers: Sequence[int],
        offsets: Sequence[np.ndarray | None] | None = None,
    ) -> torch.Tensor:
        """Hidden states, without padding: float32 (rows, layers, hidden).

        Parameters
        ----------
        sequences
            Nucleotides 5'->3'.
        layers
            0 = embedding output; negative ones count from the end.
        offsets
            0-based positions wanted of each sequence; None (for one or for all) takes all. The
            rows are those positions, sequence by sequence.
        """

    def logits_packed(
        self,
        sequences: Sequence[str],
        masks: Sequence[np.ndarray | None] | None = None,
        offsets: Sequence[np.ndarray | None] | None = None,
    ) -> torch.Tensor:
        """MLM logits, without padding: float32 (rows, vocab).

        Parameters
        ----------
        sequences
            Nucleotides 5'->3'.
        masks
            bool (nt,) of each sequence, bases to hide from the model; None hides nothing.
        offsets
            As in `hidden_states_packed`.
        """
        raise ModelError(f"model {self.name!r} has no masked-language-model head")

    def attention_rows(
        self,
        sequences: Sequence[str],
        offsets: np.ndarray,
        *,
        maximum: bool = False,
        masks: Sequence[np.ndarray | None] | None = None,
    ) -> torch.Tensor:
        """Attention of some query bases: float32 (batch, layers, heads, rows, nt).

        Parameters
        ----------
        sequences
            Nucleotides 5'->3'.
        offsets
            int (batch, rows), 0-based positions whose rows are wanted. The columns of special
            tokens are left out, so a row sums to less than 1.
        maximum
            Maximum over the heads: (batch, layers, rows, nt).
        masks
            As in `logits_packed`: where a base that is hidden looks, say.
        """
        raise ModelError(f"model {self.name!r} has no attention")

    def hidden_states(self, sequences: Sequence[str], layers: Sequence[int]) -> torch.Tensor:
        """Hidden states: float32 (batch, layers, nt, hidden), layers as asked (0 = embedding)."""
        states = self.hidden_states_packed(sequences, layers)
        return _padded(states, sequences).transpose(1, 2)

    def logits(self, sequences: Sequence[str], mask: np.ndarray | None = None) -> torch.Tensor:
        """MLM logits: float32 (batch, nt, vocab).

        Parameters
        ----------
        sequences
            Nucleotides 5'->3'.
        mask
            bool (batch, nt), bases to hide from the model; None hides nothing.
        """
        return _padded(self.logits_packed(sequences, rows_of(mask, sequences)), sequences)

    def set_dtype(self, dtype: str) -> None:
        """Change the precision of what follows (see `runtime.DTYPES`)."""
        if dtype != self.dtype:
            raise ModelError(f"model {self.name!r} runs in {self.dtype} only, not in {dtype}")

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


def rows_of(mask: np.ndarray | None, sequences: Sequence[str]) -> list[np.ndarray] | None:
    """Check a mask's shape against its sequences; return each sequence's own part."""
    if mask is None:
        return None
    expected = (len(sequences), max(map(len, sequences)))
    if np.shape(mask) != expected:
        raise ModelError(f"mask has shape {np.shape(mask)}; expected (batch, nt) = {expected}")
    return [np.asarray(row, bool)[: len(s)] for row, s in zip(mask, sequences, strict=True)]


def _padded(rows: torch.Tensor, sequences: Sequence[str]) -> torch.Tensor:
    """(rows of all sequences, ...) as (batch, longest, ...); zeros behind the shorter ones."""
    parts = rows.split([len(sequence) for sequence in sequences])
    return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)
