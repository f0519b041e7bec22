"""Balanced accuracy by region class and repeat, and perplexity, with bootstrap intervals."""

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayReader, ShardReader
from splicebert.conservation_tables import MLM_ACCURACY, MLM_SUMMARY
from splicebert.errors import FormatError
from splicebert.jobs import job
from splicebert.masking import NOT_CHOSEN
from splicebert.statistics import balanced_accuracy, bootstrap_counts, estimate
from splicebert.tables import REGION_NAMES, stack, write_table


def count_outcomes(
    bases: np.ndarray,
    predicted: np.ndarray,
    chosen: np.ndarray,
    regions: np.ndarray,
    repeat: np.ndarray,
) -> np.ndarray:
    """Count right and wrong predictions in each window.

    Parameters
    ----------
    bases, predicted
        uint8 (windows, nt), A 0, C 1, G 2, T 3.
    chosen, repeat
        bool (windows, nt): predicted at all; soft-masked.
    regions
        uint16 (windows, nt), bit k = region class k.

    Returns
    -------
    int32 (windows, classes + 1, 2, 4, 2): class (the last one is every base), repeat, true base,
    predicted rightly.
    """
    n_classes = len(REGION_NAMES)
    counts = np.zeros((len(bases), n_classes + 1, 2, 4, 2), np.int32)
    window, offset = np.nonzero(chosen)
    true = bases[window, offset]
    right = (predicted[window, offset] == true).astype(int)
    masked = repeat[window, offset].astype(int)
    bits = regions[window, offset] | (1 << n_classes)
    for column in range(n_classes + 1):
        inside = (bits >> column) & 1 == 1
        index = (window[inside], column, masked[inside], true[inside], right[inside])
        np.add.at(counts, index, 1)
    return counts


def scores_of(counts: np.ndarray) -> np.ndarray:
    """Balanced accuracies of summed counts (classes, 2, 4, 2) -> (classes, 3): all, non, repeat."""
    return np.stack(
        [balanced_accuracy(part) for part in (counts.sum(axis=1), counts[:, 0], counts[:, 1])],
        axis=-1,
    )


def accuracy_table(counts: np.ndarray, replicates: int, seed: int) -> pd.DataFrame:
    """Rows of MLM_ACCURACY (without data set and model) from the counts of `count_outcomes`."""
    total = counts.sum(axis=0)
    value, samples = scores_of(total), bootstrap_counts(counts, scores_of, replicates, seed)
    n = np.stack([total.sum(axis=(1, 2, 3)), *total.sum(axis=(2, 3)).T], axis=-1)
    rows = []
    for i, region in enumerate((*REGION_NAMES, "all")):
        for j, bases in enumerate(("all", "nonrepeat", "repeat")):
            rows.append((region, bases, *estimate(value[i, j], samples[:, i, j]), n[i, j]))
    return pd.DataFrame(rows, columns=MLM_ACCURACY.names[2:])


def summary_table(
    log_prob: np.ndarray,
    right: np.ndarray,
    chosen: np.ndarray,
    *,
    published: bool,
    replicates: int,
    seed: int,
) -> pd.DataFrame:
    """Accuracy, cross-entropy and perplexity of all predicted bases (rows of MLM_SUMMARY).

    Parameters
    ----------
    log_prob
        float32 (windows, nt), natural log of the probability of the true base.
    right, chosen
        bool (windows, nt).
    published
        Also 2 ** cross-entropy in nats, which the paper's code printed as perplexity.
    replicates, seed
        Of the bootstrap.
    """
    sums = np.stack(
        [
            np.where(chosen, -log_prob, 0).sum(axis=1, dtype=np.float64),
            (right & chosen).sum(axis=1),
            chosen.sum(axis=1),
        ],
        axis=1,
    )

    def scores(total: np.ndarray) -> np.ndarray:
        loss = total[0] / total[2]
        values = [total[1] / total[2], loss, np.exp(loss)]
        return np.array([*values, 2.0**loss] if published else values)

    names = ["accuracy", "cross_entropy", "perplexity"] + ["two_to_the_cross_entropy"] * published
    value, samples = scores(sums.sum(axis=0)), bootstrap_counts(sums, scores, replicates, seed)
    rows = [
        (name, *estimate(value[i], samples[:, i]), int(chosen.sum()))
        for i, name in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=MLM_SUMMARY.names[2:])


def main(snakemake):
    params = snakemake.params
    accuracy, summary = [], []
    with job(snakemake) as log:
        for number, ((dataset, model), annotation_path) in enumerate(
            zip(params.runs, snakemake.input.annotations, strict=True)
        ):
            own = slice(number * params.shards, (number + 1) * params.shards)
            paths = snakemake.input.predictions[own]
            with ArrayReader(annotation_path) as annotation, ShardReader(paths) as predictions:
                predictions.require_same_windows(annotation)
                if annotation.attributes["regions"] != list(REGION_NAMES):
                    raise FormatError(
                        "its region classes are not those of this version; remove it and run again",
                        annotation_path,
                    )
                bases, predicted = annotation.read("bases"), predictions.read("predicted")
                chosen = annotation.read("treatment") != NOT_CHOSEN
                regions, repeat = annotation.read("regions"), annotation.read("repeat")
                log_prob = predictions.read("log_prob")
            counts = count_outcomes(bases, predicted, chosen, regions, repeat)
            options = {
                "replicates": params.bootstrap["replicates"],
                "seed": params.bootstrap["seed"],
            }
            parts = (
                (accuracy, accuracy_table(counts, **options)),
                (
                    summary,
                    summary_table(
                        log_prob, predicted == bases, chosen, published=params.published, **options
                    ),
                ),
            )
            for tables, table in parts:
                table.insert(0, "dataset", dataset)
                table.insert(1, "model", model)
                tables.append(table)
            log.info("%s, %s:\n%s", dataset, model, parts[1][1].to_string(index=False))
        write_table(stack(accuracy, MLM_ACCURACY), snakemake.output.accuracy, MLM_ACCURACY)
        write_table(stack(summary, MLM_SUMMARY), snakemake.output.summary, MLM_SUMMARY)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
