"""UMAP of every layer of one model: all sites, GT alone, AG alone."""

import pandas as pd
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.embedding_kinds import SUBSETS
from splicebert.embedding_panels import class_labels, draw_legend, draw_points, nmi_text
from splicebert.embedding_tables import CLUSTERING, LAYER_POINTS
from splicebert.jobs import job
from splicebert.tables import read_table, write_table

PANEL = 34
ROWS = {"all": "all sites", "donor": "GT alone", "acceptor": "AG alone"}


def draw(points: pd.DataFrame, scores: pd.DataFrame, label: str) -> Figure:
    """Draw the grid: a row a subset, a column a layer, NMI above each panel.

    Parameters
    ----------
    points
        LAYER_POINTS of one model.
    scores
        CLUSTERING of the same data set and model.
    label
        Name of the model.
    """
    layers = sorted(points["layer"].unique())
    subsets = [subset for subset in SUBSETS if (points["subset"] == subset).any()]
    size = (PANEL * len(layers) + 36, (PANEL + 5) * len(subsets) + 6)
    figure, axes = plotting.plt.subplots(
        len(subsets), len(layers), squeeze=False, figsize=[side * plotting.MM for side in size]
    )
    for row, subset in zip(axes, subsets, strict=True):
        for ax, layer in zip(row, layers, strict=True):
            here, own = (
                t[(t["subset"] == subset) & (t["layer"] == layer)] for t in (points, scores)
            )
            draw_points(ax, here)
            ax.set_title(f"layer {layer}\n{nmi_text(own)}", fontsize="small")
        row[0].set_ylabel(ROWS[subset])
    draw_legend(axes[0, -1], class_labels(points))
    n = points["site_id"].nunique()
    figure.suptitle(f"{label}, {n:,} sites", fontsize="large")
    return figure


def main(snakemake):
    inputs, output, wildcards = snakemake.input, snakemake.output, snakemake.wildcards
    with job(snakemake) as log, plotting.style(inputs.style):
        points = read_table(inputs.points, LAYER_POINTS)
        scores = read_table(inputs.clustering, CLUSTERING)
        own = (scores["dataset"] == wildcards.dataset) & (scores["method"] == wildcards.model)
        figure = draw(points, scores[own], snakemake.params.label)
        plotting.save(figure, output.pdf, output.png)
        write_table(points, output.points, LAYER_POINTS)
        log.info("%d points", len(points))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
