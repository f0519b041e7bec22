"""ROC AUC and AP of the phastCons probes with intervals, their curves, and the density."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from splicebert.arrays import ArrayReader
from splicebert.conservation import known_bases
from splicebert.conservation_tables import DENSITY, PR_CURVES, PROBE_METRICS, PROBE_SCORES
from splicebert.jobs import job
from splicebert.statistics import Estimate, rank_scores
from splicebert.tables import read_table, stack, write_table

POINTS = 400


def curve(label: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    """Precision-recall curve at no more than POINTS recalls: columns recall and precision."""
    precision, recall, _ = precision_recall_curve(label, score)
    # From low to high recall, without the point (0, 1) that scikit-learn adds.
    precision, recall = precision[-2::-1], recall[-2::-1]
    wanted = np.unique(np.linspace(0, len(recall) - 1, POINTS).round().astype(int))
    return pd.DataFrame({"recall": recall[wanted], "precision": precision[wanted]})


def density(values: np.ndarray, bins: int = 50) -> pd.DataFrame:
    """Histogram density of phastCons in [0, 1]: columns low, high, density."""
    heights, edges = np.histogram(values, bins=bins, range=(0, 1), density=True)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "density": heights})


def metrics(scores: pd.DataFrame, about: dict, *, replicates: int, seed: int) -> pd.DataFrame:
    """Rows of PROBE_METRICS (without the head) from the scores of the test bases."""
    ranks = rank_scores(
        scores["label"].to_numpy(),
        scores["score"].to_numpy(),
        scores["window_id"].to_numpy(),
        replicates=replicates,
        seed=seed,
    )
    prevalence = Estimate(float(scores["label"].mean()), float("nan"), float("nan"))
    estimates = {"auc": ranks.auc, "ap": ranks.ap, "prevalence": prevalence}
    tail = (about["n_train"], about["n_test"], ",".join(about["test_chromosomes"]))
    rows = [(name, *value, *tail) for name, value in estimates.items()]
    return pd.DataFrame(rows, columns=PROBE_METRICS.names[3:])


def main(snakemake):
    inputs, params = snakemake.input, snakemake.params
    all_metrics, all_curves, all_densities = [], [], []
    with job(snakemake) as log:
        for head, path, about in zip(params.runs, inputs.scores, inputs.about, strict=True):
            scores = read_table(path, PROBE_SCORES)
            table = metrics(scores, json.loads(Path(about).read_text()), **params.bootstrap)
            points = curve(scores["label"].to_numpy(), scores["score"].to_numpy())
            for frame, tables in ((table, all_metrics), (points, all_curves)):
                for place, (column, value) in enumerate(
                    zip(("dataset", "model", "split"), head, strict=True)
                ):
                    frame.insert(place, column, value)
                tables.append(frame)
            log.info("%s:\n%s", " ".join(head), table.to_string(index=False))
        for dataset, path in zip(params.datasets, inputs.annotations, strict=True):
            with ArrayReader(path) as annotation:
                frame = density(annotation.read("phastcons")[known_bases(annotation)])
            frame.insert(0, "dataset", dataset)
            all_densities.append(frame)
        write_table(stack(all_metrics, PROBE_METRICS), snakemake.output.metrics, PROBE_METRICS)
        write_table(stack(all_curves, PR_CURVES), snakemake.output.curves, PR_CURVES)
        write_table(stack(all_densities, DENSITY), snakemake.output.density, DENSITY)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
