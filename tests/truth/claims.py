"""What the demo must recover of its planted truth, and by what margin: one table for all analyses.

A claim holds if the 95 % interval of its score lies above `least`, and the interval of each control
below `most` of that control. Controls are the same measurement of an untrained model of the same
size, of shuffled labels, or of a one-hot encoding or weight matrix.
"""

from collections.abc import Callable
from typing import NamedTuple

from truth import analyses


class Control(NamedTuple):
    """What must fail: model (`trained` or `untrained`), upper bound, options of measure."""

    name: str
    model: str
    most: float
    options: dict = {}  # noqa: RUF012 - read only


class Claim(NamedTuple):
    """One row: analysis, what is recovered, how it is measured, least score, controls.

    `pending` says why the committed demo model does not reach it yet; such a row must fail, and a
    model that reaches it makes the test ask for the word to be taken out.
    """

    analysis: str
    what: str
    measure: Callable
    least: float
    controls: tuple[Control, ...]
    options: dict = {}  # noqa: RUF012 - read only
    pending: str = ""


SHUFFLED = Control("shuffled labels", "trained", 0.60, {"shuffled": True})
OTHER_ACCEPTOR = Control("another intron's acceptor", "trained", 0.60, {"swapped": True})

COMPOSITION = "an untrained model's attention tells a tract's bases from others as well"

CLAIMS = [
    Claim(
        "embedding",
        "states of GT tell donors from other GTs",
        analyses.separates_sites,
        0.90,
        (Control("untrained", "untrained", 0.70), SHUFFLED),
        {"site": "donor"},
    ),
    Claim(
        "embedding",
        "states of AG tell acceptors from other AGs",
        analyses.separates_sites,
        0.75,
        (Control("untrained", "untrained", 0.70), SHUFFLED),
        {"site": "acceptor"},
    ),
    Claim(
        "attention",
        "a donor's +3 looks to its own acceptor, its +4 and +5 do not: difference of AUC",
        analyses.only_the_class_base_links,
        0.20,
        (
            Control("untrained", "untrained", 0.20),
            Control("shuffled labels", "trained", 0.20, {"shuffled": True}),
        ),
    ),
    Claim(
        "attention",
        "a head looks from a donor's +3 to its own acceptor, not as far upstream",
        analyses.links_introns,
        0.75,
        (Control("untrained", "untrained", 0.65),),
        {"other": "upstream"},
        pending=COMPOSITION,
    ),
    Claim(
        "attention",
        "a head looks from a donor's +3 to its own acceptor, not to another as far away",
        analyses.links_introns,
        0.55,
        (Control("untrained", "untrained", 0.65),),
        {"other": "acceptor"},
        pending=COMPOSITION,
    ),
    *(
        Claim(
            "attention",
            f"an acceptor tells the model its donor's hidden {base}",
            analyses.tells_variants,
            0.55,
            (Control("untrained", "untrained", 0.60), OTHER_ACCEPTOR, SHUFFLED),
            {"base": base},
            pending="" if base == "+3" else "the demo model has learned one bit, the tract's",
        )
        for base in analyses.CLASS_BASES
    ),
    Claim(
        "variant",
        "the splice-site score finds disrupting variants outside the dinucleotides",
        analyses.finds_disrupting,
        0.60,
        (Control("untrained", "untrained", 0.60), SHUFFLED),
        {"score": "sites"},
    ),
    Claim(
        "variant",
        "the context score finds disrupting variants outside the dinucleotides",
        analyses.finds_disrupting,
        0.55,
        (Control("untrained", "untrained", 0.60), SHUFFLED),
        {"score": "context"},
    ),
    Claim(
        "branchpoint",
        "states tell branchpoints among the 27 bases before exons",
        analyses.finds_branchpoints,
        0.97,
        (Control("untrained", "untrained", 0.95), SHUFFLED),
    ),
    Claim(
        "splicesite",
        "a probe of the demo's states finds donors of the distant species",
        analyses.crosses_species,
        0.85,
        (Control("untrained", "untrained", 0.70),),
        {"site": "donor"},
    ),
]
