"""The kinds of data sets of the variant branch, and the names that its tables and figures share."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A published set of variants with measured inclusion.

    title : name in the published table and in figures
    disrupting_below : delta_psi under which a variant is splice-disrupting, in the file's unit
    unit : of delta_psi
    """

    title: str
    disrupting_below: float
    unit: str


MPRA_KINDS = {
    "VexSeq": Kind("VexSeq", -24.0, "percent"),
    "MFASS": Kind("MFASS", -0.5, "fraction"),
}
MUTAGENESIS = "mutagenesis"
MUTAGENESIS_TITLE = "in-silico mutagenesis"

# Score of a model -> its name in the published table and in figures. All are turned so that a
# higher score means more disrupting.
MODEL_SCORES = {
    "delta_p": "dP",
    "context": "context",
    "splice_site": "splice-site KL",
}
COMPARATORS = {"phastcons": "phastCons", "phylop": "phyloP", "distance": "distance"}
SCORES = {**MODEL_SCORES, **COMPARATORS}
NO_MODEL = "."
"""What stands for the model of a comparator."""
SUBSETS = {"all": "all SNVs", "outside": "outside splice sites"}
"""Variants that are compared -> name in the published table."""
