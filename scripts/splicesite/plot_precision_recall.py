"""Precision and recall of every method on the test folds and on each species."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.jobs import job
from splicebert.splicesite_kinds import SITES
from splicebert.splicesite_panels import draw_curves, set_names
from splicebert.splicesite_tables import SITE_CURVES, SITE_SUMMARY
from splicebert.tables import read_table, write_table


def draw(
    curves: pd.DataFrame, summary: pd.DataFrame, species: list[str], styles: Mapping[str, Mapping]
) -> Figure:
    """Draw a row a site and a column a set, and under each panel its legend.

    Parameters
    ----------
    curves, summary
        Rows of SITE_CURVES and SITE_SUMMARY of one training set.
    species
        In order.
    styles
        Method -> label and colour, in order.
    """
    sites = [site for site in SITES if (curves["site"] == site).any()]
    sets = set_names(species)
    heights = (56, 6 + 4 * len(styles))
    size = (78 * len(sets) * plotting.MM, sum(heights) * len(sites) * plotting.MM)
    # A legend has a row of its own: as part of a panel it would make the panel narrow.
    figure, axes = plotting.plt.subplots(
        2 * len(sites), len(sets), figsize=size, squeeze=False, height_ratios=heights * len(sites)
    )
    for row, legends, site in zip(axes[::2], axes[1::2], sites, strict=True):
        for ax, below, (name, title) in zip(row, legends, sets.items(), strict=True):
            own = [t[(t["site"] == site) & (t["set"] == name)] for t in (curves, summary)]
            draw_curves(ax, *own, styles)
            ax.set_title(f"{site.capitalize()}s, {title}", loc="left")
            below.legend(
                *ax.get_legend_handles_labels(), title="AP (95 % interval)", loc="upper left",
                alignment="left", borderaxespad=0,
            )  # fmt: skip
            below.set_axis_off()
    plotting.label_panels(dict(zip("ABCDEFGHIJKL", axes[::2].ravel(), strict=False)))
    return figure


def main(snakemake):
    params, outputs, inputs = snakemake.params, snakemake.output, snakemake.input
    with job(snakemake) as log, plotting.style(inputs.style):
        tables = []
        for path, schema in ((inputs.curves, SITE_CURVES), (inputs.summary, SITE_SUMMARY)):
            table = read_table(path, schema)
            own = table["dataset"] == snakemake.wildcards.name
            tables.append(table[own].reset_index(drop=True))
        figure = draw(*tables, params.species, params.methods)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(tables[0], outputs.curves, SITE_CURVES)
        log.info("%d curves", len(tables[0].groupby(["site", "set", "method"])))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
