"""Where the best prediction of each intron lies, against where branchpoints are."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.branchpoint_panels import TRUTH_STYLE, of
from splicebert.branchpoint_tables import BRANCHPOINT_POSITIONS, TRUTH
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def draw_positions(ax: Axes, rows: pd.DataFrame, styles: Mapping[str, Mapping]) -> None:
    """Draw branchpoints as bars, and a line a method; 5' is left.

    Parameters
    ----------
    ax
        Where to draw.
    rows
        Of BRANCHPOINT_POSITIONS, of one data set.
    styles
        Method -> label and colour.
    """
    truth = of(rows, method=TRUTH)
    ax.bar(-truth["distance"], truth["share"], width=0.85, color="0.82",
           label=f"{TRUTH_STYLE['label']} (n = {truth['n'].sum():,})")  # fmt: skip
    for method, style in styles.items():
        own = of(rows, method=method)
        label = f"{style['label']} (n = {own['n'].sum():,})"
        ax.plot(-own["distance"], own["share"], color=style["colour"], label=label, marker="o",
                markersize=2, linewidth=0.9)  # fmt: skip
    ax.set(xlabel="Position relative to the acceptor, nt", ylabel="Share of introns")
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def draw(positions: pd.DataFrame, styles: Mapping[str, Mapping]) -> Figure:
    """Draw a panel a data set, one below the other, from rows of BRANCHPOINT_POSITIONS."""
    datasets = list(positions["dataset"].unique())
    size = (150 * plotting.MM, 58 * len(datasets) * plotting.MM)
    figure, axes = plotting.plt.subplots(len(datasets), 1, figsize=size, squeeze=False)
    for ax, dataset in zip(axes[:, 0], datasets, strict=True):
        draw_positions(ax, of(positions, dataset=dataset), styles)
        ax.set_title(f"{dataset}: best prediction of each intron", loc="left")
    if len(datasets) > 1:
        plotting.label_panels(dict(zip("ABCDEFGH", axes[:, 0], strict=False)))
    return figure


def main(snakemake):
    inputs, outputs = snakemake.input, snakemake.output
    with job(snakemake) as log, plotting.style(inputs.style):
        positions = read_table(inputs.positions, BRANCHPOINT_POSITIONS)
        figure = draw(positions, snakemake.params.methods)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(positions, outputs.positions, BRANCHPOINT_POSITIONS)
        log.info("%d shares", len(positions))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
