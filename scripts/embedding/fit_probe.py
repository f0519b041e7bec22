"""Linear probe of every layer: logistic regressions, each chromosome tested by the others."""

import logging

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from splicebert.embedding import FeatureReader
from splicebert.embedding_kinds import SITES
from splicebert.embedding_tables import EMBEDDING_SITES, SITE_PROBE
from splicebert.errors import SpliceBERTError
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def chromosome_folds(chrom: np.ndarray, folds: int) -> np.ndarray:
    """Spread chromosomes over folds of about equal size: int64 (n,), the fold of each row.

    The largest chromosome goes first, each to the fold that holds least; there are as many folds
    as chromosomes where these are fewer.

    Raises
    ------
    SpliceBERTError
        A single chromosome.
    """
    names, index, sizes = np.unique(chrom, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise SpliceBERTError(
            f"all {len(chrom)} sites lie on {', '.join(map(str, names)) or 'no chromosome'}; the "
            "probe is tested on other chromosomes than it is trained on and needs two or more"
        )
    held = np.zeros(min(folds, len(names)), np.int64)
    fold = np.empty(len(names), np.int64)
    for number in np.argsort(-sizes, kind="stable"):
        fold[number] = held.argmin()
        held[held.argmin()] += sizes[number]
    return fold[index]


def require_both_classes(label: np.ndarray, fold: np.ndarray, site: str) -> None:
    """Raise SpliceBERTError where the sites outside a fold are of one class."""
    for number in np.unique(fold):
        train = label[fold != number]
        if train.all() or not train.any():
            raise SpliceBERTError(
                f"of the {len(train)} {site} sites outside fold {number} {int(train.sum())} are "
                "positive; both classes are needed. Take more sites (per_class) or fewer folds "
                "(embedding.probe.folds)"
            )


def cross_scores(
    features: np.ndarray, label: np.ndarray, fold: np.ndarray, settings: dict
) -> np.ndarray:
    """Score each site by the probe that was trained on the other folds.

    Parameters
    ----------
    features
        float32 (sites, values).
    label
        bool (sites,), the positives.
    fold
        int (sites,).
    settings
        C (inverse strength of the L2 penalty on standardised features), max_iter.

    Returns
    -------
    float32 (sites,), probability of a positive.
    """
    score = np.empty(len(label), np.float32)
    for number in np.unique(fold):
        test = fold == number
        regression = LogisticRegression(C=settings["C"], max_iter=settings["max_iter"])
        # The training rows are a copy already: standardised in place.
        probe = make_pipeline(StandardScaler(copy=False), regression)
        probe.fit(features[~test], label[~test])
        score[test] = probe.predict_proba(features[test])[:, 1]
    return score


def probe_layers(sites: pd.DataFrame, reader: FeatureReader, settings: dict) -> pd.DataFrame:
    """Rows of SITE_PROBE: every representation, donors and acceptors apart."""
    log, tables = logging.getLogger(__name__), []
    label, fold = sites["positive"].to_numpy(), np.empty(len(sites), int)
    kinds = {site: (sites["site"] == site).to_numpy() for site in SITES}
    kinds = {site: own for site, own in kinds.items() if own.any()}
    for site, own in kinds.items():
        fold[own] = chromosome_folds(sites["chrom"].to_numpy()[own], settings["folds"])
        require_both_classes(label[own], fold[own], site)
    for representation in reader.representations:
        features = reader.read(representation)
        for site, own in kinds.items():
            columns = {
                "method": representation.method,
                "layer": representation.layer,
                "site": site,
                "site_id": sites["site_id"].to_numpy()[own],
                "fold": fold[own],
                "score": cross_scores(features[own], label[own], fold[own], settings),
            }
            tables.append(pd.DataFrame(columns))
        log.info("%s layer %d", *representation[:2])
    return pd.concat(tables, ignore_index=True)


def main(snakemake):
    with job(snakemake) as log:
        sites = read_table(snakemake.input.sites, EMBEDDING_SITES)
        with FeatureReader(snakemake.input.features, sites["site_id"]) as reader:
            table = probe_layers(sites, reader, snakemake.params.settings)
        write_table(table, snakemake.output.scores, SITE_PROBE)
        log.info("%d scores of %d sites", len(table), len(sites))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
