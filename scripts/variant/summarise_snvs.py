"""How well each score finds the splice-disrupting variants, on all SNVs and outside the sites."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from splicebert.errors import FormatError
from splicebert.jobs import job
from splicebert.tables import read_table, stack, write_table
from splicebert.variant_inputs import outside_splice_sites
from splicebert.variant_kinds import COMPARATORS, MODEL_SCORES, NO_MODEL
from splicebert.variant_statistics import detection, precision_recall, rank_boxes
from splicebert.variant_tables import (
    ALL_SNV_SCORES,
    BOXES,
    CURVES,
    PERFORMANCE,
    SNV_SCORES,
    SNV_TRACKS,
    SNVS,
)


def join_scores(
    snvs: pd.DataFrame, tracks: pd.DataFrame, shards: list[pd.DataFrame], source: str
) -> pd.DataFrame:
    """Variants with their conservation and the scores of all shards.

    Raises
    ------
    FormatError
        The scores are not of these variants.
    """
    scores = pd.concat(shards, ignore_index=True)
    if set(scores["variant_id"]) != set(snvs["variant_id"]) or len(scores) != len(snvs):
        raise FormatError(
            f"its {len(snvs)} variants are not the {len(scores)} that were scored; delete the "
            "older file and run again",
            source,
        )
    for part in (tracks, scores):
        snvs = snvs.merge(part, on="variant_id", how="left", validate="one_to_one")
    return snvs.drop(columns="group")


def turned_scores(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Every score by name (SCORES), turned so that higher means more disrupting.

    A disrupting variant is one whose base the model expects less, so dP changes its sign.
    """
    return {
        "delta_p": -table["delta_p"],
        "context": table["context_score"],
        "splice_site": table["donor_kl"] + table["acceptor_kl"],
        "phastcons": table["phastcons"],
        "phylop": table["phylop"],
        "distance": -table["distance"],
    }


def exon_of(table: pd.DataFrame) -> pd.Series:
    """Name the exon of each variant: what the bootstrap draws."""
    span = table["exon_start"].astype(str) + "-" + table["exon_end"].astype(str)
    return table["chrom"] + ":" + span + table["strand"]


def evaluate(
    table: pd.DataFrame, score: pd.Series, bootstrap: dict
) -> tuple[dict, pd.DataFrame, pd.DataFrame]:
    """Row of PERFORMANCE, rows of CURVES and of BOXES of one score, all without their head.

    Parameters
    ----------
    table
        Variants of one subset, with a column disrupting (bool).
    score
        Of each, higher = more disrupting; NaN where missing.
    bootstrap
        replicates, seed.
    """
    known = score.notna()
    label, values = table.loc[known, "disrupting"].to_numpy(), score[known].to_numpy(float)
    found = detection(label, values, exon_of(table[known]).to_numpy(), **bootstrap)
    boxes, test = rank_boxes(label, values)
    row = {"n_disrupting": int(label.sum()), "n_other": int((~label).sum()),
           "n_missing": int((~known).sum())}  # fmt: skip
    for name, value in (("ap", found.ap), ("auc", found.auc)):
        row |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
    row |= test._asdict()
    curve = precision_recall(label, values) if label.any() else pd.DataFrame()
    counts = {"disrupting": row["n_disrupting"], "other": row["n_other"]}
    drawn = [{"group": name, "n": counts[name], **b._asdict()} for name, b in boxes.items()]
    return row, curve, pd.DataFrame(drawn)


def evaluate_run(
    table: pd.DataFrame, names: list[str], bootstrap: dict
) -> Iterator[tuple[dict, dict, pd.DataFrame, pd.DataFrame]]:
    """Yield head, row, curve and boxes of each subset and score; see `evaluate`."""
    subsets = {"all": np.ones(len(table), bool), "outside": outside_splice_sites(table).to_numpy()}
    for subset, mask in subsets.items():
        part = table[mask]
        scores = turned_scores(part)
        for name in names:
            yield {"subset": subset, "score": name}, *evaluate(part, scores[name], bootstrap)


def main(snakemake):
    params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
    results = {schema: [] for schema in (ALL_SNV_SCORES, PERFORMANCE, CURVES, BOXES)}
    seen = set()
    with job(snakemake) as log:
        for number, (dataset, model, below) in enumerate(params.runs):
            files = inputs.scores[number * params.shards : (number + 1) * params.shards]
            snvs = read_table(inputs.snvs[number], SNVS)
            tracks = read_table(inputs.tracks[number], SNV_TRACKS)
            shards = [read_table(file, SNV_SCORES) for file in files]
            table = join_scores(snvs, tracks, shards, inputs.snvs[number])
            head = {"dataset": dataset, "model": model}
            results[ALL_SNV_SCORES].append(table.assign(**head)[ALL_SNV_SCORES.names])
            table = table[table["delta_psi"].notna()].reset_index(drop=True)
            table["disrupting"] = table["delta_psi"] < below
            todo = [(model, list(MODEL_SCORES))]
            todo += [] if dataset in seen else [(NO_MODEL, list(COMPARATORS))]
            seen.add(dataset)
            for method, names in todo:
                for what, row, curve, boxes in evaluate_run(table, names, params.bootstrap):
                    head = {"dataset": dataset, "model": method, **what}
                    results[PERFORMANCE].append(pd.DataFrame([head | row]))
                    results[CURVES].append(curve.assign(**head))
                    results[BOXES].append(boxes.assign(**head))
        for schema, path in (
            (ALL_SNV_SCORES, outputs.scores),
            (PERFORMANCE, outputs.performance),
            (CURVES, outputs.curves),
            (BOXES, outputs.boxes),
        ):
            write_table(stack([f for f in results[schema] if len(f)], schema), path, schema)
        log.info("\n%s", stack(results[PERFORMANCE], PERFORMANCE).to_string(index=False))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
