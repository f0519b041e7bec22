"""Sequence logos of the branchpoints and of the best prediction of each intron by each method."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.branchpoint_panels import looks, of
from splicebert.branchpoint_tables import BRANCHPOINT_LOGO
from splicebert.jobs import job
from splicebert.logos import draw_logo
from splicebert.tables import read_table, write_table


def draw(letters: pd.DataFrame, styles: Mapping[str, Mapping]) -> Figure:
    """Draw a row a method, the branchpoints on top, and a column a data set.

    Parameters
    ----------
    letters
        Rows of BRANCHPOINT_LOGO.
    styles
        Method -> label and colour.
    """
    datasets, methods = list(letters["dataset"].unique()), looks(styles)
    size = (75 * len(datasets) * plotting.MM, 27 * len(methods) * plotting.MM)
    figure, axes = plotting.plt.subplots(len(methods), len(datasets), figsize=size, squeeze=False)
    for column, dataset in zip(axes.T, datasets, strict=True):
        for ax, (method, look) in zip(column, methods.items(), strict=True):
            own = of(letters, dataset=dataset, method=method)
            draw_logo(ax, own)
            n = own.groupby("position")["count"].sum().max()
            ax.set_title(f"{look['label']} (n = {n:,})", loc="left")
        column[-1].set_xlabel("Position relative to the branchpoint, nt")
        if len(datasets) > 1:
            column[0].set_title(dataset, loc="right")
    return figure


def main(snakemake):
    inputs, outputs = snakemake.input, snakemake.output
    with job(snakemake) as log, plotting.style(inputs.style):
        letters = read_table(inputs.logo, BRANCHPOINT_LOGO)
        plotting.save(draw(letters, snakemake.params.methods), outputs.pdf, outputs.png)
        write_table(letters, outputs.logo, BRANCHPOINT_LOGO)
        log.info("%d letters", len(letters))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
