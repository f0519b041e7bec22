"""AUC, AP and F1 of every method on the test folds and on each species, and their differences."""

from collections.abc import Iterator

import pandas as pd

from splicebert.errors import FormatError
from splicebert.jobs import job
from splicebert.splicesite_kinds import TEST
from splicebert.splicesite_scores import (
    difference_rows,
    fold_rows,
    mean_curve,
    measure,
    summary_rows,
)
from splicebert.splicesite_tables import (
    FOLD_METRICS,
    SITE_CURVES,
    SITE_DIFFERENCES,
    SITE_SCORES,
    SITE_SUMMARY,
)
from splicebert.tables import read_table, stack, write_table
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES


def read_scores(path: str, name: str | None) -> pd.DataFrame:
    """Rows of SITE_SCORES: of one benchmark, of all sets (None), or of the gathered test folds."""
    if name != TEST:
        return read_table(path, SITE_SCORES)
    table = read_table(path, CHOSEN_PREDICTIONS)
    return table.assign(set=TEST, fold=table["fold"].astype("int32"))[SITE_SCORES.names]


def with_groups(scores: pd.DataFrame, groups: dict[str, pd.Series]) -> pd.DataFrame:
    """Add the group of each sequence; `groups` is set -> group by example_id.

    Raises
    ------
    FormatError
        A score of a sequence that is not in its set, or of another label.
    """
    parts = []
    for name, rows in scores.groupby("set", sort=False):
        group = rows["example_id"].map(groups[name])
        if group.isna().any():
            first = rows.loc[group.isna(), "example_id"].iloc[0]
            raise FormatError(
                f"{name}: {group.isna().sum()} scores of sequences that are not in it, the first "
                f"{first!r}; delete the older file and run again"
            )
        parts.append(rows.assign(group=group))
    return pd.concat(parts, ignore_index=True)


def read_groups(runs: dict, examples: list[str], benchmarks: list[str]) -> dict:
    """Run -> set -> group of each sequence by example_id."""
    found, files = {}, iter(benchmarks)
    for (run, about), path in zip(runs.items(), examples, strict=True):
        paths = {TEST: path} | {species: next(files) for species in about["species"]}
        found[run] = {
            name: read_table(file, EXAMPLES).set_index("example_id")["group"]
            for name, file in paths.items()
        }
    return found


def collect(
    sources: list[tuple], paths: list[str], groups: dict
) -> Iterator[tuple[str, str, dict[str, pd.DataFrame]]]:
    """Yield run, set and the scores of each method."""
    tables: dict[tuple, dict[str, list]] = {}
    for (run, method, name), path in zip(sources, paths, strict=True):
        scores = with_groups(read_scores(path, name), groups[run])
        for key, rows in scores.groupby("set", sort=False):
            tables.setdefault((run, key), {})[method] = rows.reset_index(drop=True)
    for (run, name), methods in tables.items():
        yield run, name, methods


def main(snakemake):
    params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
    results = {s: [] for s in (FOLD_METRICS, SITE_SUMMARY, SITE_DIFFERENCES, SITE_CURVES)}
    with job(snakemake) as log:
        groups = read_groups(params.runs, inputs.examples, inputs.benchmarks)
        for run, name, methods in collect(params.sources, inputs.scores, groups):
            about = params.runs[run]
            head = {"dataset": about["name"], "site": about["site"], "set": name}
            measured = {
                method: measure(scores, params.protocol, **params.bootstrap)
                for method, scores in methods.items()
            }
            for method, found in measured.items():
                own, scores = head | {"method": method}, methods[method]
                results[FOLD_METRICS].append(fold_rows(found, scores).assign(**own))
                results[SITE_SUMMARY].append(summary_rows(found).assign(**own))
                results[SITE_CURVES].append(mean_curve(scores).assign(**own))
            results[SITE_DIFFERENCES].append(difference_rows(measured).assign(**head))
        for schema, path in zip(
            results, (outputs.folds, outputs.summary, outputs.differences, outputs.curves),
            strict=True,
        ):  # fmt: skip
            rows = [table for table in results[schema] if len(table)]
            write_table(stack(rows, schema), path, schema)
        log.info("\n%s", stack(results[SITE_SUMMARY], SITE_SUMMARY).to_string(index=False))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
