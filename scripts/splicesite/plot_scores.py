"""Figure 6: AUC, AP and F1 over the folds, by species and method."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from splicebert import plotting
from splicebert.jobs import job
from splicebert.splicesite_kinds import METRICS, SITES
from splicebert.splicesite_panels import draw_boxes, set_names
from splicebert.splicesite_tables import FOLD_METRICS
from splicebert.tables import read_table, write_table


def draw(folds: pd.DataFrame, species: list[str], styles: Mapping[str, Mapping]) -> Figure:
    """Draw a row a site and a column a metric.

    Parameters
    ----------
    folds
        Rows of FOLD_METRICS of one training set.
    species
        In order.
    styles
        Method -> label and colour, in order.
    """
    sites = [site for site in SITES if (folds["site"] == site).any()]
    sets = set_names(species)
    width = max(55, 14 * len(sets) + 3 * len(sets) * len(styles))
    size = (len(METRICS) * width * plotting.MM, (48 * len(sites) + 8) * plotting.MM)
    figure, axes = plotting.plt.subplots(len(sites), len(METRICS), figsize=size, squeeze=False)
    for row, site in zip(axes, sites, strict=True):
        own = folds[folds["site"] == site]
        for ax, metric in zip(row, METRICS, strict=True):
            draw_boxes(ax, own, metric, sets, styles)
            ax.set_title(f"{site.capitalize()}s, {own['fold'].nunique()} folds", loc="left")
    handles = [Patch(facecolor=s["colour"], alpha=0.6, label=s["label"]) for s in styles.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))
    plotting.label_panels(dict(zip("ABCDEF", axes.ravel(), strict=False)))
    return figure


def main(snakemake):
    params, outputs, inputs = snakemake.params, snakemake.output, snakemake.input
    with job(snakemake) as log, plotting.style(inputs.style):
        folds = read_table(inputs.folds, FOLD_METRICS)
        folds = folds[folds["dataset"] == snakemake.wildcards.name].reset_index(drop=True)
        plotting.save(draw(folds, params.species, params.methods), outputs.pdf, outputs.png)
        write_table(folds, outputs.folds, FOLD_METRICS)
        log.info("%d rows", len(folds))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
