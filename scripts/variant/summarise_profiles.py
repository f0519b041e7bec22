"""Median KL by distance of both groups of every data set, and the sizes of the groups."""

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayReader
from splicebert.errors import FormatError
from splicebert.jobs import job
from splicebert.tables import read_table, stack, write_table
from splicebert.variant_inputs import outside_splice_sites
from splicebert.variant_kinds import MUTAGENESIS
from splicebert.variant_statistics import median_profile
from splicebert.variant_tables import GROUP_COUNTS, PROFILES, SITES, SNVS


def read_groups(path: str, kind: str, threshold: float) -> pd.DataFrame:
    """Read the variants or sites of a data set: columns id, group, and subset "outside" (bool).

    Parameters
    ----------
    path
        Table of SNVS or SITES.
    kind
        Of the data set.
    threshold
        delta_psi below it is disrupting; phastCons at or above it is conserved.
    """
    if kind == MUTAGENESIS:
        table = read_table(path, SITES)
        group = np.where(table["phastcons"] >= threshold, "conserved", "not conserved")
        return pd.DataFrame({"id": table["site_id"], "group": group, "outside": False})
    table = read_table(path, SNVS)
    table = table[table["delta_psi"].notna()]
    group = np.where(table["delta_psi"] < threshold, "disrupting", "other")
    return pd.DataFrame(
        {"id": table["variant_id"], "group": group, "outside": outside_splice_sites(table)}
    )


def count_groups(groups: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Rows of GROUP_COUNTS of one data set, without its name."""
    subsets = {"sites": groups} if kind == MUTAGENESIS else {
        "all": groups, "outside": groups[groups["outside"]]
    }  # fmt: skip
    names = ("conserved", "not conserved") if kind == MUTAGENESIS else ("disrupting", "other")
    return pd.DataFrame(
        [
            {"kind": kind, "subset": subset, "group": name, "n": int((part["group"] == name).sum())}
            for subset, part in subsets.items()
            for name in names
        ]
    )


def read_profiles(paths: list[str]) -> pd.DataFrame:
    """Profiles of all shards: float32 (n, distances), index the variant or site."""
    parts = []
    for path in paths:
        with ArrayReader(path) as reader:
            parts.append(pd.DataFrame(reader.read("kl"), index=reader.window_ids))
    return pd.concat(parts)


def profile_table(groups: pd.DataFrame, profiles: pd.DataFrame, source: str) -> pd.DataFrame:
    """Rows of PROFILES of one run, without its head: median and quartiles by group.

    Raises
    ------
    FormatError
        A variant or site has no profile.
    """
    lacking = ~groups["id"].isin(profiles.index)
    if lacking.any() or profiles.index.has_duplicates:
        raise FormatError(
            f"{int(lacking.sum())} of its {len(groups)} rows have no profile among the "
            f"{len(profiles)}; delete the older file and run again",
            source,
        )
    parts = []
    for name, rows in groups.groupby("group", sort=True):
        parts.append(median_profile(profiles.loc[rows["id"]].to_numpy()).assign(group=name))
    return pd.concat(parts, ignore_index=True)


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    tables, counts = [], {}
    with job(snakemake) as log:
        for number, (dataset, model, kind, threshold) in enumerate(params.runs):
            source = inputs.inputs[number]
            groups = read_groups(source, kind, threshold)
            counts[dataset] = count_groups(groups, kind).assign(dataset=dataset)
            files = inputs.profiles[number * params.shards : (number + 1) * params.shards]
            table = profile_table(groups, read_profiles(files), source)
            tables.append(table.assign(dataset=dataset, model=model, kind=kind))
        write_table(stack(tables, PROFILES), snakemake.output.profiles, PROFILES)
        sizes = stack(counts.values(), GROUP_COUNTS)
        write_table(sizes, snakemake.output.counts, GROUP_COUNTS)
        log.info("\n%s", sizes.to_string(index=False))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
