"""Train and test the phastCons probe: logistic regression on hidden states."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from splicebert.arrays import ArrayReader, ShardReader
from splicebert.conservation import (
    choose_test,
    known_bases,
    overlap_groups,
)
from splicebert.conservation_tables import CONSERVATION_WINDOWS, PROBE_SCORES
from splicebert.errors import SpliceBERTError
from splicebert.jobs import job
from splicebert.tables import atomic_path, read_table, write_table


def features(hidden: np.ndarray, known: np.ndarray, neighbourhood: int) -> np.ndarray:
    """Features of the known bases.

    Parameters
    ----------
    hidden
        float16 (windows, nt + 2 * neighbourhood, hidden).
    known
        bool (windows, nt).
    neighbourhood
        Positions on either side whose values are a base's own.

    Returns
    -------
    float32 (bases, (2 * neighbourhood + 1) * hidden), windows and offsets in order.
    """
    width = 2 * neighbourhood + 1
    rows = int(known.sum())
    out = np.empty((rows, width * hidden.shape[-1]), np.float32)
    filled = 0
    for values, keep in zip(hidden, known, strict=True):
        view = np.lib.stride_tricks.sliding_window_view(values, width, axis=0)
        n = int(keep.sum())
        out[filled : filled + n] = view[keep].transpose(0, 2, 1).reshape(n, out.shape[1])
        filled += n
    return out


def groups_of(split: str, windows: pd.DataFrame, row: np.ndarray, margin: int) -> np.ndarray:
    """Group of each base that may not be torn apart by the split.

    Parameters
    ----------
    split
        base, window (windows that overlap, or reach into one another, stay together) or chromosome.
    windows
        Table of the windows.
    row
        int (bases,), the window of each base.
    margin
        nt that a base's features reach past its window.
    """
    if split == "base":
        return np.arange(len(row))
    group = (
        windows["chrom"].to_numpy() if split == "chromosome" else overlap_groups(windows, margin)
    )
    return group[row]


def require_both_classes(label: np.ndarray, test: np.ndarray) -> None:
    """Raise SpliceBERTError where training or test hold one class alone."""
    for name, part in (("training", label[~test]), ("test", label[test])):
        if part.all() or not part.any():
            raise SpliceBERTError(
                f"the {name} set of {len(part)} bases has {int(part.sum())} conserved ones; both "
                "classes are needed. Draw more windows (conservation.probe.windows) or check the "
                "phastCons track"
            )


def fit(X: np.ndarray, label: np.ndarray, max_iter: int) -> Pipeline:
    """Logistic regression on standardised features; `X` is standardised in place."""
    model = make_pipeline(StandardScaler(copy=False), LogisticRegression(max_iter=max_iter))
    return model.fit(X, label)


def main(snakemake):
    split, settings = snakemake.wildcards.split, snakemake.params.probe
    with (
        job(snakemake) as log,
        ArrayReader(snakemake.input.annotation) as annotation,
        ShardReader(snakemake.input.hidden_states) as hidden,
    ):
        hidden.require_same_windows(annotation)
        table = read_table(snakemake.input.windows, CONSERVATION_WINDOWS).set_index("window_id")
        windows = table.loc[annotation.window_ids].reset_index()
        known = known_bases(annotation)
        row, offset = np.nonzero(known)
        label = annotation.read("phastcons")[known] >= settings["threshold"]
        margin = hidden.attributes["neighbourhood"]
        groups = groups_of(split, windows, row, margin)
        test = choose_test(groups, settings["test_fraction"], settings["seed"])
        require_both_classes(label, test)
        X = features(hidden.read("hidden_states"), known, margin)
        model = fit(X[~test], label[~test], settings["max_iter"])
        score = model.predict_proba(X[test])[:, 1].astype(np.float32)
        scores = pd.DataFrame(
            {
                "window_id": annotation.window_ids[row[test]],
                "offset": offset[test],
                "label": label[test],
                "score": score,
            }
        )
        write_table(scores, snakemake.output.scores, PROBE_SCORES)
        about = {
            "n_train": int((~test).sum()),
            "n_test": int(test.sum()),
            "prevalence": float(label[test].mean()),
            "iterations": int(model[-1].n_iter_[0]),
            "test_chromosomes": sorted(set(windows["chrom"].to_numpy()[row[test]])),
        }
        with atomic_path(snakemake.output.about) as path:
            Path(path).write_text(json.dumps(about, indent=1) + "\n")
        log.info("split by %s: %s", split, about)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
