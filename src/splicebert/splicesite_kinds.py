"""Names of the splice-site branch: sites, sets, methods without a model, metrics."""

from .embedding_kinds import DINUCLEOTIDE, SITES

__all__ = [
    "DINUCLEOTIDE",
    "MAXENTSCAN_FILES",
    "METRICS",
    "SITES",
    "TEST",
    "site_offset",
]

TEST = "test"
"""Name of the test folds among the sets; the others are species."""
METRICS = {"auc": "AUC", "ap": "AP", "f1": "F1"}
MAXENTSCAN_FILES = ("score5.pl", "score3.pl", "me2x5", "splicemodels")


def site_offset(length: int) -> int:
    """0-based offset of the first base of the dinucleotide in a sequence of an even length."""
    return length // 2 - 1
