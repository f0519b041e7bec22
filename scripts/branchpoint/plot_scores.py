"""Average precision, AUC, F1 and top-1 accuracy of each method, with intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.branchpoint_panels import TITLES, interval_text, of
from splicebert.branchpoint_tables import BRANCHPOINT_PERFORMANCE
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def draw_metric(ax: Axes, rows: pd.DataFrame, styles: Mapping[str, Mapping]) -> None:
    """Draw a dot with its interval a method, the numbers beside it, and chance as a line.

    Parameters
    ----------
    ax
        Where to draw.
    rows
        Of BRANCHPOINT_PERFORMANCE, of one data set and metric.
    styles
        Method -> label and colour; from top to bottom.
    """
    for place, (method, style) in enumerate(styles.items()):
        row = of(rows, method=method)
        errors = np.array(plotting.error_bars(row["low"], row["value"], row["high"]))
        ax.errorbar(row["value"].to_numpy(), [place], xerr=errors, fmt="o", markersize=4,
                    color=style["colour"], linewidth=0.9, clip_on=False)  # fmt: skip
        ax.annotate(interval_text(row.iloc[0]), (1.03, place), va="center", fontsize=5.5,
                    xycoords=("axes fraction", "data"), annotation_clip=False)  # fmt: skip
    chance = rows["chance"].iloc[0]
    ax.axvline(chance, color="black", linewidth=0.6, linestyle=(0, (3, 2)))
    ax.annotate(f"chance {chance:.2f}", (chance, -0.55), xytext=(2, 0), fontsize=5,
                textcoords="offset points", va="top")  # fmt: skip
    low = min(chance, rows["low"].fillna(rows["value"]).min(), rows["value"].min())
    ax.set(xlim=(max(0.0, low - 0.05), 1.03), ylim=(len(styles) - 0.4, -0.8))
    ax.grid(axis="x", linewidth=0.3, color="0.87")


def label_methods(axes: Sequence[Axes], styles: Mapping[str, Mapping]) -> None:
    """Write the names of the methods beside the first panel of a row."""
    for number, ax in enumerate(axes):
        names = [style["label"] for style in styles.values()] if number == 0 else []
        ax.set_yticks(range(len(names)), names)
        ax.tick_params(axis="y", length=0)


def draw(performance: pd.DataFrame, styles: Mapping[str, Mapping]) -> Figure:
    """Draw a row a data set, a panel a metric, from rows of BRANCHPOINT_PERFORMANCE."""
    datasets = list(performance["dataset"].unique())
    size = (215 * plotting.MM, len(datasets) * (22 + 6.5 * len(styles)) * plotting.MM)
    figure, axes = plotting.plt.subplots(len(datasets), len(TITLES), figsize=size, squeeze=False)
    for row, dataset in zip(axes, datasets, strict=True):
        for ax, (metric, title) in zip(row, TITLES.items(), strict=True):
            own = of(performance, dataset=dataset, metric=metric)
            draw_metric(ax, own, styles)
            first = f"{dataset}: {own['n_introns'].max():,} introns\n" * (metric == "ap")
            ax.set_title(first + title, loc="left")
        label_methods(row, styles)
    return figure


def main(snakemake):
    inputs, outputs = snakemake.input, snakemake.output
    with job(snakemake) as log, plotting.style(inputs.style):
        performance = read_table(inputs.performance, BRANCHPOINT_PERFORMANCE)
        figure = draw(performance, snakemake.params.methods)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(performance, outputs.performance, BRANCHPOINT_PERFORMANCE)
        log.info("%d numbers", len(performance))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
