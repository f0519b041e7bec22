"""Figure 2: UMAP of the sites, a row a data set, a column a method, coloured by label."""

import pandas as pd
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.embedding_panels import (
    class_labels,
    draw_legend,
    draw_points,
    layer_text,
    method_styles,
    nmi_text,
)
from splicebert.embedding_scores import figure_layer
from splicebert.embedding_tables import CLUSTERING, LAYER_POINTS, POINTS
from splicebert.jobs import job
from splicebert.tables import read_table, write_table

PANEL = 44


def figure_points(points: pd.DataFrame, layers: dict, methods: list[str]) -> pd.DataFrame:
    """Points of the main figure (POINTS without the data set): all sites, each method at its layer.

    Parameters
    ----------
    points
        LAYER_POINTS of one run.
    layers
        Method -> layer; the last one of the others.
    methods
        Those of the figure.
    """
    parts = [points.head(0)]
    own = points[(points["subset"] == "all") & points["method"].isin(methods)]
    for method, part in own.groupby("method", sort=False):
        parts.append(part[part["layer"] == figure_layer(layers, method, part["layer"].unique())])
    return pd.concat(parts, ignore_index=True)[POINTS.names[1:]]


def draw(points: pd.DataFrame, scores: pd.DataFrame, looks: dict) -> Figure:
    """Draw the grid of panels.

    Parameters
    ----------
    points
        POINTS.
    scores
        CLUSTERING of the same data sets.
    looks
        Method -> label and colour, in the order of the columns.
    """
    datasets = list(points["dataset"].unique())
    size = (PANEL * len(looks) + 38, (PANEL + 6) * len(datasets))
    figure, axes = plotting.plt.subplots(
        len(datasets), len(looks), squeeze=False, figsize=[side * plotting.MM for side in size]
    )
    for row, dataset in enumerate(datasets):
        own = points[points["dataset"] == dataset]
        for ax, (method, look) in zip(axes[row], looks.items(), strict=True):
            part = own[own["method"] == method]
            if part.empty:
                ax.set_axis_off()
                continue
            layer = part["layer"].iloc[0]
            here = (scores["dataset"] == dataset) & (scores["method"] == method)
            here &= (scores["layer"] == layer) & (scores["subset"] == "all")
            draw_points(ax, part)
            ax.set_title(
                f"{look['label']}{layer_text(method, layer)}\n{nmi_text(scores[here])}",
                fontsize="medium",
            )
        axes[row, 0].set_ylabel(f"{dataset}\nn = {own['site_id'].nunique():,} sites")
        draw_legend(axes[row, -1], class_labels(own))
    plotting.label_panels(dict(zip("ABCDEFGH", axes[:, 0], strict=False)))
    return figure


def main(snakemake):
    inputs, params, output = snakemake.input, snakemake.params, snakemake.output
    looks = method_styles(params.models, params.flanks)
    with job(snakemake) as log, plotting.style(inputs.style):
        parts = []
        for (dataset, _), path in zip(params.runs, inputs.points, strict=True):
            part = figure_points(
                read_table(path, LAYER_POINTS), params.layers[dataset], list(looks)
            )
            part.insert(0, "dataset", dataset)
            parts.append(part)
        points = pd.concat(parts, ignore_index=True)
        figure = draw(points, read_table(inputs.clustering, CLUSTERING), looks)
        plotting.save(figure, output.pdf, output.png)
        write_table(points, output.points, POINTS)
        log.info("%d points", len(points))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
