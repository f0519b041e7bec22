"""Figure 4: precision-recall curves of context scores and comparators outside the splice sites."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.jobs import job
from splicebert.tables import read_table, write_table
from splicebert.variant_panels import draw_curves, title_of
from splicebert.variant_tables import CURVES, PERFORMANCE


def choose(table: pd.DataFrame, subset: str, scores: list[str], datasets: Mapping) -> pd.DataFrame:
    """Rows of one subset and of some scores and data sets."""
    rows = (
        (table["subset"] == subset)
        & table["score"].isin(scores)
        & table["dataset"].isin(list(datasets))
    )
    return table[rows].reset_index(drop=True)


def draw(
    curves: pd.DataFrame,
    performance: pd.DataFrame,
    datasets: Mapping[str, str],
    styles: Mapping[str, Mapping],
) -> Figure:
    """Draw a panel a data set.

    Parameters
    ----------
    curves, performance
        Rows of CURVES and PERFORMANCE of one subset.
    datasets
        Data set -> kind.
    styles
        Model -> label and colour.
    """
    lines = performance[["model", "score"]].drop_duplicates().shape[0]
    size = (90 * len(datasets) * plotting.MM, (72 + 4 * lines) * plotting.MM)
    figure, axes = plotting.plt.subplots(1, len(datasets), figsize=size, squeeze=False)
    for ax, (dataset, kind) in zip(axes[0], datasets.items(), strict=True):
        own = [table[table["dataset"] == dataset] for table in (curves, performance)]
        draw_curves(ax, *own, styles)
        ax.set_title(title_of(dataset, kind), loc="left")
    plotting.label_panels(dict(zip("ABCDEFGH", axes[0], strict=False)))
    return figure


def main(snakemake):
    params, outputs, inputs = snakemake.params, snakemake.output, snakemake.input
    with job(snakemake) as log, plotting.style(inputs.style):
        chosen = [
            choose(read_table(path, schema), params.subset, params.scores, params.datasets)
            for path, schema in ((inputs.curves, CURVES), (inputs.performance, PERFORMANCE))
        ]
        figure = draw(*chosen, params.datasets, params.models)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(chosen[0], outputs.curves, CURVES)
        write_table(chosen[1], outputs.performance, PERFORMANCE)
        log.info("%d curves", len(chosen[1]))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
