"""MaxEntScan on the test sequences of each fold and on benchmarks.

Its score, in bits, becomes a logit by a logistic regression on the fold's training sequences.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from splicebert.jobs import job
from splicebert.maxentscan import score_motifs, site_motif
from splicebert.splicesite_baselines import each_fold, labels_of, score_rows
from splicebert.splicesite_kinds import site_offset
from splicebert.splicesite_tables import SITE_SCORES
from splicebert.tables import read_table, write_table
from splicebert.training.tables import EXAMPLES


def scan(folder: str, site: str, examples: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Add a column bits; a motif with N gets the lowest score. Also the number of these."""
    motifs = [site_motif(s, site, site_offset(len(s))) for s in examples["sequence"]]
    bits = score_motifs(folder, site, motifs)
    unknown = np.isnan(bits)
    lowest = bits[~unknown].min() if not unknown.all() else 0.0
    return examples.assign(bits=np.where(unknown, lowest, bits)), int(unknown.sum())


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    with job(snakemake) as log:
        paths = {"examples": inputs.examples} | dict(
            zip(params.species, inputs.benchmarks, strict=True)
        )
        tables = {}
        for name, path in paths.items():
            tables[name], unknown = scan(params.folder, params.site, read_table(path, EXAMPLES))
            log.info("%s: %d sequences, %d with N", name, len(tables[name]), unknown)
        examples = tables.pop("examples")
        scores = []
        for split in each_fold(examples, params.splits):
            fitted = LogisticRegression(C=1e6, max_iter=1000)
            fitted.fit(split.train[["bits"]].to_numpy(), labels_of(split.train))
            for name, table in {"test": split.test, **tables}.items():
                logits = fitted.decision_function(table[["bits"]].to_numpy())
                scores.append(score_rows(table, logits, name, split.fold))
        table = pd.concat(scores, ignore_index=True)
        write_table(table, snakemake.output.scores, SITE_SCORES)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
