"""SpliceBERT: any folder in the form of the Zenodo archive (BERT, one token a nucleotide)."""

from __future__ import annotations

from pathlib import Path

from .bert import BertAdapter
from .checkpoint import check_vocabulary
from .tokens import Letters


class SpliceBERT(BertAdapter):
    """The masked language model of pre-mRNA of Chen et al. 2024 (bbae163); see `BertAdapter`."""

    def read_tokeniser(self, folder: str | Path) -> Letters:
        """Check the ten tokens of vocab.txt."""
        check_vocabulary(folder)
        return Letters()
