"""A position-weight matrix of each fold, run on the fold's test sequences and on benchmarks."""

import pandas as pd

from splicebert.jobs import job
from splicebert.sequence import BASES
from splicebert.splicesite_baselines import each_fold, labels_of, score_rows
from splicebert.splicesite_pwm import WeightMatrix, encode, fit_best
from splicebert.splicesite_tables import PWM_WEIGHTS, SITE_SCORES
from splicebert.tables import read_table, write_table
from splicebert.training.tables import EXAMPLES


def weight_rows(matrix: WeightMatrix, fold: int) -> pd.DataFrame:
    """Rows of PWM_WEIGHTS of one fold."""
    table = pd.DataFrame(matrix.weights, columns=list(BASES))
    position = range(-matrix.flank, matrix.flank + 2)
    return table.assign(fold=fold, flank=matrix.flank, position=position)[PWM_WEIGHTS.names]


def main(snakemake):
    params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
    with job(snakemake) as log:
        examples = read_table(inputs.examples, EXAMPLES)
        benchmarks = {
            name: read_table(path, EXAMPLES)
            for name, path in zip(params.species, inputs.benchmarks, strict=True)
        }
        scores, weights = [], []
        for split in each_fold(examples, params.splits):
            known = [
                (encode(part["sequence"]), labels_of(part))
                for part in (split.train, split.validation)
            ]
            matrix = fit_best(*known, params.flanks, params.pseudocount)
            log.info("fold %d: flank %d", split.fold, matrix.flank)
            weights.append(weight_rows(matrix, split.fold))
            for name, table in {"test": split.test, **benchmarks}.items():
                logits = matrix.logits(encode(table["sequence"]))
                scores.append(score_rows(table, logits, name, split.fold))
        write_table(pd.concat(scores, ignore_index=True), outputs.scores, SITE_SCORES)
        write_table(pd.concat(weights, ignore_index=True), outputs.weights, PWM_WEIGHTS)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
