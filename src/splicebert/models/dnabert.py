"""DNABERT (Ji et al. 2021, btab083): a BERT of overlapping k-mers, seen base by base.

What a base's token predicts is a k-mer; its probability goes to the base in the k-mer's own place
(`tokens.Kmers`), so that A, C, G, T have the sums over a quarter of the k-mers each:

    k = 3    P(A) = P(AAA) + P(AAC) + ... + P(TAT)     the k-mers with A in the middle

Hiding a base hides all k tokens that see it. What the paper's code does otherwise is in
docs/dnabert.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional
from transformers import BertConfig

from ..errors import ModelError
from ..sequence import MASK
from .bert import BertAdapter
from .tokens import Kmers, read_kmers

# Logit of the letter N, which no k-mer has: its probability is 0, its logarithm finite.
NEVER = -1e4
# Logits of k-mers that are held at a time, of some rows: 64 MiB.
MOST_LOGITS = 1 << 24


class Marginal:
    """Decoder of an MLM head that sums over k-mers: order VOCABULARY, float32.

    The special tokens keep their logits, so that a softmax over the ten columns is the model's own
    over its whole vocabulary.
    """

    def __init__(self, decoder: torch.nn.Linear, tokeniser: Kmers) -> None:
        bases = torch.from_numpy(tokeniser.tokens_of_bases()).flatten()
        order = torch.cat([torch.arange(MASK + 1), bases]).to(decoder.weight.device)
        self.weight, self.bias = decoder.weight[order], decoder.bias[order]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Logits float32 (rows, 10) of float32 (rows, hidden)."""
        rows = max(MOST_LOGITS // len(self.bias), 1)
        return torch.cat([self._some(part) for part in x.split(rows)])

    def _some(self, x: torch.Tensor) -> torch.Tensor:
        logits = functional.linear(x.float(), self.weight, self.bias)
        special, kmers = logits[:, : MASK + 1], logits[:, MASK + 1 :]
        bases = kmers.unflatten(1, (4, -1)).logsumexp(-1)
        return torch.cat([special, special.new_full((len(x), 1), NEVER), bases], dim=1)


class DNABERT(BertAdapter):
    """The masked language model of k-mers of Ji et al. 2021; see `BertAdapter`.

    Attributes
    ----------
    k : int
        Length of the k-mers, from vocab.txt.
    """

    # Checkpoints of its time hold a pooler, which masked language modelling never trained.
    may_ignore = ("bert.pooler.",)
    tokeniser: Kmers

    def read_tokeniser(self, folder: str | Path) -> Kmers:
        """Read the k-mers of vocab.txt."""
        return read_kmers(folder)

    @property
    def k(self) -> int:
        """Length of the k-mers."""
        return self.tokeniser.k

    def _check_config(self, config: BertConfig) -> None:
        words = len(self.tokeniser.words)
        if config.vocab_size != words:
            raise ModelError(
                f"{self.folder}: vocab.txt has {words} tokens (all {self.k}-mers and 5 more), "
                f"config.json says vocab_size {config.vocab_size}"
            )

    def _set_lengths(self, min_length: int | None, max_length: int | None) -> None:
        super()._set_lengths(max(min_length or 1, self.k), max_length)

    def set_dtype(self, dtype: str) -> None:
        """Change the precision: float32, float16, bfloat16 or int8 (products only)."""
        super().set_dtype(dtype)
        head = self._weights.head
        marginal = Marginal(self._model.cls.predictions.decoder, self.tokeniser)
        self._weights = self._weights._replace(head=head._replace(decoder=marginal))

    def check(self, sequences: Sequence[str]) -> None:
        """Raise ModelError where a sequence is too short for a k-mer, or too long."""
        self.tokeniser.check(sequences)
        super().check(sequences)
