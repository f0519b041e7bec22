"""Pair scores by group: quartiles, Mann-Whitney U and effect size against the random pairs."""

import numpy as np
import pandas as pd

from splicebert.attention_statistics import (
    block_mean,
    box,
    mann_whitney,
    matched_auc,
    matched_mann_whitney,
)
from splicebert.attention_tables import ALL_PAIR_SCORES, PAIR_GROUPS, PAIR_SCORES, PAIRS
from splicebert.derived_pairs import distance_bins
from splicebert.errors import FormatError
from splicebert.jobs import job
from splicebert.pairs import GROUPS
from splicebert.tables import read_table, stack, write_table

REFERENCE = "random_pair"


def join_scores(pairs: pd.DataFrame, shards: list[pd.DataFrame], source: str) -> pd.DataFrame:
    """Scores of all shards with what is known of each pair.

    Parameters
    ----------
    pairs
        Schema PAIRS.
    shards
        Schema PAIR_SCORES, in order.
    source
        The file of the pairs, for the message.

    Returns
    -------
    Columns of PAIRS (without the window), layer and score; pairs in order, layers within.

    Raises
    ------
    FormatError
        The scores are not of these pairs.
    """
    scores = pd.concat(shards, ignore_index=True)
    if list(scores["pair_id"].unique()) != list(pairs["pair_id"]):
        raise FormatError(
            f"its {len(pairs)} pairs are not the {scores['pair_id'].nunique()} that were scored; "
            "delete the older file and run again",
            source,
        )
    table = scores.merge(pairs, on="pair_id", how="left", validate="many_to_one")
    return table.drop(columns=["start", "end"])


def transcript_of(table: pd.DataFrame) -> pd.Series:
    """Name the transcript of each pair: what the bootstrap draws."""
    span = table["tx_start"].astype(str) + "-" + table["tx_end"].astype(str)
    return table["chrom"] + ":" + span + table["strand"]


def compare(
    own: pd.DataFrame, reference: pd.DataFrame, *, settings: dict, bootstrap: dict
) -> dict[str, float]:
    """Row of PAIR_GROUPS (without its head) of one group and layer.

    Parameters
    ----------
    own, reference
        Columns score, distance, transcript: the group's pairs, the random ones; no score is NaN.
    settings
        smallest, largest, stratum (nt): strata of distance.
    bootstrap
        replicates, seed.
    """
    values, random = own["score"].to_numpy(), reference["score"].to_numpy()
    mean = block_mean(values, own["transcript"].to_numpy(), **bootstrap)
    row = {"n": len(own), "mean": mean.value, "mean_low": mean.low, "mean_high": mean.high}
    row |= box(values)._asdict() | {"n_random": len(random)}
    if own is reference:
        return row
    row["u"], row["p_value"] = mann_whitney(values, random)
    both = pd.concat([own.assign(label=True), reference.assign(label=False)])
    limits = [settings[name] for name in ("smallest", "largest", "stratum")]
    strata = distance_bins(both["distance"].to_numpy(), *limits)
    shared = np.intersect1d(strata[both["label"]], strata[~both["label"]])
    row["n_matched"] = int(np.isin(strata[both["label"]], shared).sum())
    for name, low, high, stratum in (
        ("auc", "auc_low", "auc_high", strata * 0),
        ("matched_auc", "matched_low", "matched_high", strata),
    ):
        found = matched_auc(
            both["label"].to_numpy(),
            both["score"].to_numpy(),
            stratum=stratum,
            block=both["transcript"].to_numpy(),
            **bootstrap,
        )
        row |= {name: found.value, low: found.low, high: found.high}
    row["matched_u"], row["matched_p_value"] = matched_mann_whitney(
        both["label"].to_numpy(), both["score"].to_numpy(), strata
    )
    return row


def group_table(scores: pd.DataFrame, *, settings: dict, bootstrap: dict) -> pd.DataFrame:
    """Rows of PAIR_GROUPS without data set and model: every layer, every group that is there.

    Parameters
    ----------
    scores
        As from `join_scores`.
    settings, bootstrap
        As of `compare`.
    """
    known = scores.dropna(subset=["score"])
    known = known.assign(transcript=transcript_of(known))
    rows = []
    for layer, part in known.groupby("layer", sort=False):
        groups = dict(list(part.groupby("group", sort=False)))
        reference = groups.get(REFERENCE, part.head(0))
        for group in filter(groups.__contains__, GROUPS):
            found = compare(groups[group], reference, settings=settings, bootstrap=bootstrap)
            rows.append({"layer": layer, "group": group} | found)
    return pd.DataFrame(rows).reindex(columns=PAIR_GROUPS.names[2:])


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    all_scores, all_groups = [], []
    with job(snakemake) as log:
        for number, ((dataset, model), path) in enumerate(
            zip(params.runs, inputs.pairs, strict=True)
        ):
            files = inputs.scores[number * params.shards : (number + 1) * params.shards]
            shards = [read_table(file, PAIR_SCORES) for file in files]
            scores = join_scores(read_table(path, PAIRS), shards, path)
            groups = group_table(scores, settings=params.pairs, bootstrap=params.bootstrap)
            for frame, tables in ((scores, all_scores), (groups, all_groups)):
                tables.append(frame.assign(dataset=dataset, model=model))
            log.info("%s, %s:\n%s", dataset, model, groups.to_string(index=False))
        scores = stack(all_scores, ALL_PAIR_SCORES)[ALL_PAIR_SCORES.names]
        write_table(scores, snakemake.output.scores, ALL_PAIR_SCORES)
        write_table(stack(all_groups, PAIR_GROUPS), snakemake.output.groups, PAIR_GROUPS)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
