"""Position weight matrix and distance prior: fitted on each fold's training introns alone."""

import numpy as np
import pandas as pd

from splicebert.branchpoint_pwm import Bases, collect_bases, fit, matrix_table, score
from splicebert.branchpoint_tables import BRANCHPOINT_MATRIX, BRANCHPOINT_ZONES
from splicebert.jobs import job
from splicebert.tables import read_table, write_table
from splicebert.training.metrics import probability
from splicebert.training.settings import Split
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES, TEST, TRAINING


def choose(bases: Bases, examples: np.ndarray) -> Bases:
    """Bases of some examples (rows of the table)."""
    chosen = np.isin(bases.example, examples)
    return Bases(*(column[chosen] for column in bases))


def predict_fold(
    names: pd.Series, folds: pd.Series, bases: Bases, split: Split, pwm: dict
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of CHOSEN_PREDICTIONS of a split's test introns, and rows of BRANCHPOINT_MATRIX.

    Parameters
    ----------
    names, folds
        Of each example.
    bases
        Candidates of all examples.
    split
        Which folds train and test.
    pwm
        upstream, downstream, pseudocount, prior_pseudocount.
    """
    members = split.members(folds.to_numpy())
    model = fit(
        choose(bases, members[TRAINING]),
        upstream=pwm["upstream"],
        pseudocount=pwm["pseudocount"],
        prior_pseudocount=pwm["prior_pseudocount"],
    )
    test = choose(bases, members[TEST])
    logit = score(model, test).astype(np.float32)
    table = pd.DataFrame(
        {
            "fold": split.fold,
            "epoch": 1,
            "example_id": names.to_numpy()[test.example],
            "offset": test.offset,
            "label": test.label,
            "logit": logit,
            "logit_negative": np.float32(0),
            "score": probability(logit),
        }
    )
    return table, matrix_table(model, split.fold, int(bases.distance.min()))


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    with job(snakemake) as log:
        examples = read_table(snakemake.input.examples, EXAMPLES)
        zones = read_table(snakemake.input.zones, BRANCHPOINT_ZONES)
        table = examples.merge(
            zones[["example_id", "acceptor"]], on="example_id", validate="one_to_one"
        )
        bases = collect_bases(
            table["sequence"], table["labels"], table["acceptor"],
            (params.pwm["upstream"], params.pwm["downstream"]),
        )  # fmt: skip
        parts = [
            predict_fold(table["example_id"], table["fold"], bases, Split.make(**split), params.pwm)
            for split in params.splits
        ]
        predictions, matrices = (pd.concat(p, ignore_index=True) for p in zip(*parts, strict=True))
        write_table(predictions, outputs.predictions, CHOSEN_PREDICTIONS)
        write_table(matrices, outputs.matrices, BRANCHPOINT_MATRIX)
        log.info("%d bases of %d introns", len(predictions), predictions["example_id"].nunique())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
