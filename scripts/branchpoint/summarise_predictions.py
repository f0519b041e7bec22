"""How well each method finds branchpoints, where its best predictions lie, and their motif."""

from collections.abc import Iterator

import pandas as pd

from splicebert.branchpoint_scores import (
    Measured,
    best_bases,
    check_same_bases,
    count_distances,
    count_letters,
    difference_rows,
    measure,
)
from splicebert.branchpoint_tables import (
    BRANCHPOINT_BEST,
    BRANCHPOINT_CURVES,
    BRANCHPOINT_DIFFERENCES,
    BRANCHPOINT_LOGO,
    BRANCHPOINT_PERFORMANCE,
    BRANCHPOINT_POSITIONS,
    BRANCHPOINT_ZONES,
    TRUTH,
)
from splicebert.jobs import job
from splicebert.tables import Schema, read_table, stack, write_table
from splicebert.training.tables import CHOSEN_PREDICTIONS, EXAMPLES
from splicebert.variant_statistics import precision_recall


def read_dataset(inputs, params, dataset: str) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Zones of a data set with their sequences, and the predictions of each method."""
    number = params.datasets.index(dataset)
    zones = read_table(inputs.zones[number], BRANCHPOINT_ZONES)
    examples = read_table(inputs.examples[number], EXAMPLES)
    zones = zones.merge(
        examples[["example_id", "sequence"]], on="example_id", validate="one_to_one"
    )
    predictions = {
        method: read_table(path, CHOSEN_PREDICTIONS)
        for (name, method), path in zip(params.runs, inputs.predictions, strict=True)
        if name == dataset
    }
    check_same_bases(predictions)
    return zones, predictions


def performance(table: pd.DataFrame, measured: Measured) -> pd.DataFrame:
    """Rows of BRANCHPOINT_PERFORMANCE of one method, without their head."""
    label = table["label"].to_numpy()
    counts = {"n_positive": int((label == 1).sum()), "n_negative": int((label == 0).sum())}
    counts["n_introns"] = table["example_id"].nunique()
    return pd.DataFrame(
        [
            {"metric": metric, **one.estimate._asdict(), "chance": one.chance, **counts}
            for metric, one in measured.performance().items()
        ]
    )


def measure_all(predictions: dict[str, pd.DataFrame], bootstrap: dict) -> dict[str, Measured]:
    """Measure each method on the same draws of introns."""
    return {
        method: measure(
            table["label"].to_numpy(), table["score"].to_numpy(),
            table["example_id"].to_numpy(), **bootstrap,
        )
        for method, table in predictions.items()
    }  # fmt: skip


def place_sites(sites: pd.DataFrame, zones: pd.DataFrame, flanks: tuple[int, int]) -> pd.DataFrame:
    """Add distance to the acceptor and the sequence around each site (example_id, offset)."""
    columns = ["example_id", "acceptor", "sequence"]
    table = sites.merge(zones[columns], on="example_id", validate="many_to_one")
    padded = "N" * flanks[0] + table["sequence"] + "N" * flanks[1]
    width = sum(flanks) + 1
    around = [s[o : o + width] for s, o in zip(padded, table["offset"], strict=True)]
    return table.assign(distance=table["acceptor"] - table["offset"], sequence=around)


def describe(sites: pd.DataFrame, params) -> Iterator[tuple[Schema, pd.DataFrame]]:
    """Yield the tables of placed sites, without their head."""
    zone = (params.zone["nearest"], params.zone["farthest"])
    yield BRANCHPOINT_BEST, sites
    yield BRANCHPOINT_POSITIONS, count_distances(sites["distance"], zone)
    yield BRANCHPOINT_LOGO, count_letters(list(sites["sequence"]), params.logo["upstream"])


def summarise(
    zones: pd.DataFrame, predictions: dict[str, pd.DataFrame], params
) -> Iterator[tuple[Schema, pd.DataFrame]]:
    """Yield schema and table (without dataset) of one data set."""
    truth = next(iter(predictions.values())).query("label == 1").assign(score=float("nan"))
    sites = {TRUTH: truth}
    measured = measure_all(predictions, params.bootstrap)
    yield BRANCHPOINT_DIFFERENCES, difference_rows(measured)
    for method, table in predictions.items():
        rows = performance(table, measured[method])
        yield BRANCHPOINT_PERFORMANCE, rows.assign(method=method)
        label, score = (table["label"] == 1).to_numpy(), table["score"].to_numpy()
        yield BRANCHPOINT_CURVES, precision_recall(label, score).assign(method=method)
        sites[method] = best_bases(table)
    flanks = (params.logo["upstream"], params.logo["downstream"])
    for method, chosen in sites.items():
        for schema, table in describe(place_sites(chosen, zones, flanks), params):
            yield schema, table.assign(method=method)


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    files = {
        BRANCHPOINT_PERFORMANCE: outputs.performance,
        BRANCHPOINT_DIFFERENCES: outputs.differences,
        BRANCHPOINT_CURVES: outputs.curves,
        BRANCHPOINT_BEST: outputs.best,
        BRANCHPOINT_POSITIONS: outputs.positions,
        BRANCHPOINT_LOGO: outputs.logo,
    }
    parts: dict[Schema, list[pd.DataFrame]] = {schema: [] for schema in files}
    with job(snakemake) as log:
        for dataset in params.datasets:
            read = read_dataset(snakemake.input, params, dataset)
            for schema, table in summarise(*read, params):
                parts[schema].append(table.assign(dataset=dataset)[schema.names])
        for schema, path in files.items():
            write_table(stack(parts[schema], schema), path, schema)
        log.info("\n%s", pd.concat(parts[BRANCHPOINT_PERFORMANCE]).to_string(index=False))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
