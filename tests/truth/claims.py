"""What the demo must recover of its planted truth, and by what margin: one table for all analyses.

CLAIMS are measured in memory by test_truth.py: a claim holds if the 95 % interval of its score lies
above `least`, and the interval of each control below `most` of that control. DEMANDS are checked
on the outputs of the demo, or by tests that need more than a function of a model and a genome.
Controls are the same measurement of an untrained model of the same size, of a model that went on
without the dependency of donor and acceptor, of shuffled labels or windows, or of a one-hot
encoding or weight matrix.

`pending` says why the committed demo model does not reach a row yet. Such a row must fail, and a
model that reaches it makes the test ask for the word to be taken out.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from truth import analyses

ANALYSES = (
    *("conservation", "embedding", "attention", "variant", "branchpoint", "splicesite"),
    "dependency",
)


class Control(NamedTuple):
    """What must fail: model (`trained` or `untrained`), upper bound, options of measure, genome.

    The genome is `world`, the demo's, or `uncoupled`, without the dependency of donor and acceptor.
    """

    name: str
    model: str
    most: float
    options: dict = {}  # noqa: RUF012 - read only
    world: str = "world"


class Claim(NamedTuple):
    """One row: analysis, what is recovered, how it is measured, least score, controls."""

    analysis: str
    what: str
    measure: Callable
    least: float
    controls: tuple[Control, ...]
    options: dict = {}  # noqa: RUF012 - read only
    pending: str = ""


class Demand(NamedTuple):
    """One row of a test that measures more than one thing.

    analysis, what
        What is to be recovered.
    test, case
        Name under which the test asks for its rows, and what it needs to know to measure this one.
    control
        What the demo model (or the case's) is compared with, which must be worse, or must fail by
        itself.
    least
        What the measured number must exceed: a score (its lower bound), or its difference to the
        control's (where this is paired, its lower bound).
    most
        What the control's upper bound must stay below, if that is asked for.
    pending
        As above.
    """

    analysis: str
    what: str
    test: str
    case: tuple[str, ...] = ()
    control: str = "chance"
    least: float = 0.0
    most: float | None = None
    pending: str = ""


def not_yet(reason: str) -> pytest.MarkDecorator:
    """Mark of a row that is pending: its assertion, and nothing else, must fail."""
    return pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError)


def demands(analysis: str, test: str) -> list:
    """Rows of a test as parameters, pending ones marked; KeyError where there are none."""
    rows = [row for row in DEMANDS if (row.analysis, row.test) == (analysis, test)]
    if not rows:
        raise KeyError((analysis, test))
    return [
        pytest.param(
            row,
            id="-".join((*row.case, row.control)),
            marks=[not_yet(row.pending)] if row.pending else [],
        )
        for row in rows
    ]


SHUFFLED = Control("shuffled labels", "trained", 0.60, {"shuffled": True})
OTHER_ACCEPTOR = Control("another intron's acceptor", "trained", 0.60, {"swapped": True})
UNCOUPLED = Control("genome without the dependency", "trained", 0.60, world="uncoupled")

SHUFFLED_PAIRING = "a donor's own acceptor is not told from a later one as far away"

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
        "a donor's hidden +3 looks to its own acceptor, +4 and +5 do not: difference of AUC",
        analyses.only_the_class_base_links,
        0.30,
        (
            Control("untrained", "untrained", 0.10),
            Control("shuffled labels", "trained", 0.20, {"shuffled": True}),
        ),
    ),
    Claim(
        "attention",
        "a head looks from a donor's hidden +3 to its own acceptor, not to a later one as far away",
        analyses.links_introns,
        0.55,
        (Control("untrained", "untrained", 0.60),),
        pending=SHUFFLED_PAIRING,
    ),
    *(
        Claim(
            "attention",
            f"an acceptor tells the model its donor's hidden {base}",
            analyses.tells_variants,
            0.55,
            (Control("untrained", "untrained", 0.60), OTHER_ACCEPTOR, UNCOUPLED, SHUFFLED),
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
        0.50,
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

MATRIX = "a probe of the bases next to a site is close to the matrix that sites were drawn from"
COMPOSED = "decoys differ by the composition around them, and one-hot of 100 nt holds all of that"
TRACT = "one-hot holds the tract, and its clusters follow the label at least as well"
PLACE = "what weakens a site changes single bases that psi adds up, and dP tells of these directly"
UNPLANTED = "no base of a branchpoint was drawn with one of its acceptor"

CONSERVATION = [
    *(
        Demand(
            "conservation", f"states tell conserved bases: {metric} over the control's",
            "probe", (metric,), control, least=0.03,
        )
        for metric in ("ap", "auc")
        for control in ("onehot", "untrained")
    ),
    *(
        Demand("conservation", "states tell conserved bases", "probe_auc", (split,), least=0.55)
        for split in ("base", "chromosome")
    ),
    Demand("conservation", "repeats are predicted better", "accuracy", ("repeat",),
           "other bases of introns", least=0.05),
    Demand("conservation", "protein domains are predicted better", "accuracy", ("domain",),
           "other coding sequence", least=0.05),
    Demand("conservation", "introns are predicted better", "accuracy", ("intron",),
           "coding sequence without a domain"),
    Demand("conservation", "masked bases are predicted: accuracy over the control's", "mlm",
           ("accuracy",), "untrained", least=0.05, most=0.32),
]  # fmt: skip

LEAST_AUC = {"demo-sites": 0.05, "decoys": 0.05, "shuffled": 0.05, "demo-usage": 0.03}
"""By how much the AUC of a data set must exceed the control's."""

EMBEDDING = [
    *(
        Demand(
            "embedding", f"some layer tells the classes of {dataset}: AUC over the control's",
            "probe", (dataset, site), control, least=LEAST_AUC[dataset], pending=pending,
        )
        for dataset, site, control, pending in (
            ("demo-sites", "donor", "untrained", ""),
            ("demo-sites", "donor", "onehot10", MATRIX),
            ("demo-sites", "donor", "onehot100", MATRIX),
            ("demo-sites", "acceptor", "untrained", ""),
            ("demo-sites", "acceptor", "onehot10", MATRIX),
            ("demo-sites", "acceptor", "onehot100", MATRIX),
            ("decoys", "donor", "untrained", ""),
            ("decoys", "donor", "onehot10", ""),
            ("decoys", "donor", "onehot100", COMPOSED),
            ("decoys", "acceptor", "untrained", ""),
            ("decoys", "acceptor", "onehot10", ""),
            ("decoys", "acceptor", "onehot100", COMPOSED),
            *(("shuffled", site, control, "")
               for site in ("donor", "acceptor")
               for control in ("untrained", "onehot10", "onehot100")),
            ("demo-usage", "donor", "untrained", ""),
            ("demo-usage", "donor", "onehot10", MATRIX),
            ("demo-usage", "donor", "onehot100", ""),
            ("demo-usage", "acceptor", "untrained", ""),
            ("demo-usage", "acceptor", "onehot10", MATRIX),
            ("demo-usage", "acceptor", "onehot100", MATRIX),
        )
    ),
    *(
        Demand(
            "embedding", f"clusters of {dataset} follow the label: NMI over the control's",
            "clusters", (dataset, site), control, pending=pending,
        )
        for dataset, site, control, pending in (
            ("demo-sites", "donor", "untrained", ""),
            ("demo-sites", "donor", "onehot10", ""),
            ("demo-sites", "donor", "onehot100", ""),
            ("demo-sites", "acceptor", "untrained", ""),
            ("demo-sites", "acceptor", "onehot10", TRACT),
            ("demo-sites", "acceptor", "onehot100", ""),
            ("decoys", "donor", "untrained", ""),
            ("decoys", "donor", "onehot10", ""),
            ("decoys", "donor", "onehot100", ""),
            ("decoys", "acceptor", "untrained", ""),
            ("decoys", "acceptor", "onehot10", ""),
            ("decoys", "acceptor", "onehot100", ""),
        )
    ),
]  # fmt: skip

ATTENTION = [
    Demand("attention", "a donor's hidden +3 looks to its own acceptor, +4 and +5 do not: of a "
           "model that went on with the demo's genome, over one that went on without the "
           "dependency", "class base", ("coupled",), "uncoupled", least=0.1),
    Demand("attention", "introns exceed random pairs at the same distance: AUC in a chosen layer",
           "pairs", (), least=0.65),
    Demand("attention", "introns exceed random pairs at the same distance: AUC in a chosen layer",
           "pairs", (), "untrained", least=0.65, most=0.60),
    Demand("attention", "introns exceed pairs of a donor and a later acceptor at the same distance:"
           " AUC in that layer", "shuffled pairs", (), "shuffled pairing", least=0.50,
           pending=SHUFFLED_PAIRING),
]  # fmt: skip

UNREACHED = {
    ("alike", "distance"): PLACE,
    ("alike", "delta_p"): PLACE,
    ("both ways", "size of delta_p"): "how much a base is expected tells as well that it matters",
}
VARIANT = [
    *(
        Demand(
            "variant", f"the {score} score finds disrupting variants: average precision over",
            "precision", (variants, score), control,
            pending=UNREACHED.get((variants, control), ""),
        )
        for variants, score, controls in (
            ("anywhere", "sites", ("chance", "distance", "delta_p", "untrained sites")),
            ("alike", "context", ("chance", "untrained context_unfloored", "distance", "delta_p")),
            ("both ways", "context",
             ("chance", "untrained context_unfloored", "distance", "delta_p", "size of delta_p")),
        )
        for control in controls
    ),
    Demand("variant", "a mutated conserved base is felt more at equal distance: ln KL",
           "conserved", ("CDS", "intron"), "untrained"),
]  # fmt: skip

DEPENDENCY = [
    Demand("dependency", "a mutated tract moves its own donor's +3: rank among places as far apart",
           "tract", (), "shuffled windows", least=0.6),
    Demand("dependency", "the block between the ends of an intron: rank among blocks alike",
           "block", ("donor_acceptor",), "shuffled windows", least=0.5),
    Demand("dependency", "the block between branchpoint and acceptor: rank among blocks alike",
           "block", ("branchpoint_acceptor",), "shuffled windows", least=0.5, pending=UNPLANTED),
]  # fmt: skip

BRANCHPOINT = [
    Demand("branchpoint", "fine-tuned, above chance: average precision", "chance", ("demo",),
           least=0.6),
    Demand("branchpoint", "from scratch, above chance: average precision", "chance", ("scratch",)),
    Demand("branchpoint", "fine-tuned, over the control: average precision", "better", (),
           "scratch", least=0.3),
    Demand("branchpoint", "fine-tuned, over the control: average precision", "better", (), "pwm"),
]  # fmt: skip

SPLICESITE = [
    *(
        Demand("splicesite", "fine-tuned, above chance: AUC", "auc", (site, name), least=least)
        for site in ("donor", "acceptor")
        for name, least in (("test", 0.8), ("distant", 0.55))
    ),
    *(
        Demand(
            "splicesite", "fine-tuned, over the control: average precision", "better", (site,),
            control,
        )
        for site in ("donor", "acceptor")
        for control in ("scratch", "pwm")
    ),
    *(
        Demand("splicesite", "the second species is harder: average precision", "harder", (site,))
        for site in ("donor", "acceptor")
    ),
]  # fmt: skip

DEMANDS = [*CONSERVATION, *EMBEDDING, *ATTENTION, *VARIANT, *BRANCHPOINT, *SPLICESITE, *DEPENDENCY]
