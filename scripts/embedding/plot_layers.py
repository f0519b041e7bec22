"""UMAP of every layer of one model, or of every one-hot baseline: all sites, GT alone, AG alone."""

import pandas as pd
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.embedding_kinds import SUBSETS
from splicebert.embedding_panels import (
    class_labels,
    draw_legend,
    draw_points,
    method_styles,
    nmi_text,
)
from splicebert.embedding_tables import CLUSTERING, LAYER_POINTS
from splicebert.jobs import job
from splicebert.tables import read_table, write_table

PANEL = 34
ROWS = {"all": "all sites", "donor": "GT alone", "acceptor": "AG alone"}


def draw(
    points: pd.DataFrame, scores: pd.DataFrame, label: str, baselines: dict[str, dict]
) -> Figure:
    """Draw the grid: a row a subset, a column a layer or a baseline, NMI above each panel.

    Parameters
    ----------
    points
        LAYER_POINTS of one model, or of the baselines.
    scores
        CLUSTERING of the same data set.
    label
        Name of the model, or of the baselines together.
    baselines
        Method -> label of the baselines, in the order of the columns; of a model none.
    """
    layers = sorted(points["layer"].unique())
    columns = [(method, 0) for method in baselines] or [
        (points["method"].iloc[0], layer) for layer in layers
    ]
    subsets = [subset for subset in SUBSETS if (points["subset"] == subset).any()]
    size = (PANEL * len(columns) + 36, (PANEL + 5) * len(subsets) + 6)
    figure, axes = plotting.plt.subplots(
        len(subsets), len(columns), squeeze=False, figsize=[side * plotting.MM for side in size]
    )
    for row, subset in zip(axes, subsets, strict=True):
        for ax, (method, layer) in zip(row, columns, strict=True):
            here, own = (
                t[(t["subset"] == subset) & (t["method"] == method) & (t["layer"] == layer)]
                for t in (points, scores)
            )
            draw_points(ax, here)
            name = baselines[method]["label"] if baselines else f"layer {layer}"
            ax.set_title(f"{name}\n{nmi_text(own)}", fontsize="small")
        row[0].set_ylabel(ROWS[subset])
    draw_legend(axes[0, -1], class_labels(points))
    n = points["site_id"].nunique()
    figure.suptitle(f"{label}, {n:,} sites", fontsize="large")
    return figure


def main(snakemake):
    inputs, output, params = snakemake.input, snakemake.output, snakemake.params
    with job(snakemake) as log, plotting.style(inputs.style):
        points = read_table(inputs.points, LAYER_POINTS)
        scores = read_table(inputs.clustering, CLUSTERING)
        own = scores[scores["dataset"] == snakemake.wildcards.dataset]
        figure = draw(points, own, params.label, method_styles({}, params.flanks))
        plotting.save(figure, output.pdf, output.png)
        write_table(points, output.points, LAYER_POINTS)
        log.info("%d points", len(points))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
