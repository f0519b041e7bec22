"""Figure 1: balanced accuracy of the masked language model by region, repeat fractions under it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from measure_repeats import REPEAT_FRACTIONS
from summarise_mlm import MLM_ACCURACY

from splicebert import plotting
from splicebert.jobs import job
from splicebert.tables import read_table, write_table

REGIONS = {
    "protein_coding|UTR5": "5′ UTR",
    "protein_coding|CDS": "CDS",
    "protein_coding|intron": "intron",
    "protein_coding|UTR3": "3′ UTR",
    "lncRNA|exon": "lncRNA\nexon",
    "lncRNA|intron": "lncRNA\nintron",
}
BASES = {"all": "All bases", "nonrepeat": "Outside repeats", "repeat": "In repeats"}
REPEAT_COLOUR = "#CC79A7"


def draw_accuracy(ax: Axes, table: pd.DataFrame, models: dict, title: str) -> None:
    """Draw grouped bars, a group a region and a bar a model, with 95 % intervals.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Columns region, model, value, low, high, for one choice of bases.
    models
        Model -> {label, colour}, in the order of the bars.
    title
        Which bases count.
    """
    width = 0.8 / len(models)
    for i, (model, look) in enumerate(models.items()):
        part = table[table["model"] == model].set_index("region").reindex(list(REGIONS))
        x = np.arange(len(REGIONS)) + (i - (len(models) - 1) / 2) * width
        ax.bar(
            x,
            part["value"],
            width * 0.92,
            color=look["colour"],
            label=look["label"],
            yerr=plotting.error_bars(part["low"], part["value"], part["high"]),
            error_kw={"linewidth": 0.7},
        )
    ax.axhline(0.25, color="0.4", linewidth=0.7, linestyle=(0, (4, 3)))
    ax.set(title=title, xticks=range(len(REGIONS)), xticklabels=[], xlim=(-0.6, len(REGIONS) - 0.4))
    ax.tick_params(axis="x", length=0)


def draw_repeats(ax: Axes, fractions: pd.DataFrame) -> None:
    """Draw the repeat fraction of each region as bars (columns region, fraction)."""
    part = fractions.set_index("region").reindex(list(REGIONS))
    ax.bar(range(len(REGIONS)), part["fraction"], 0.7, color=REPEAT_COLOUR)
    ax.set(
        xticks=range(len(REGIONS)),
        xticklabels=REGIONS.values(),
        xlim=(-0.6, len(REGIONS) - 0.4),
        ylim=(0, 1),
        yticks=[0, 0.5, 1],
    )
    ax.tick_params(axis="x", length=0)


def draw(accuracy: pd.DataFrame, fractions: pd.DataFrame, models: dict) -> Figure:
    """Draw the whole figure: a column for each choice of bases."""
    figure, axes = plotting.plt.subplots(
        2,
        len(BASES),
        figsize=(180 * plotting.MM, 82 * plotting.MM),
        sharey="row",
        height_ratios=[3, 1],
    )
    for column, (bases, title) in enumerate(BASES.items()):
        draw_accuracy(axes[0, column], accuracy[accuracy["bases"] == bases], models, title)
        draw_repeats(axes[1, column], fractions)
    axes[0, 0].set(ylabel="Balanced accuracy", ylim=(0, 1))
    axes[1, 0].set_ylabel("Repeat fraction")
    axes[0, -1].text(
        len(REGIONS) - 0.4, 0.26, "chance", ha="right", va="bottom", color="0.4", fontsize=6
    )
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(models))
    plotting.label_panels({"A": axes[0, 0], "B": axes[1, 0]})
    return figure


def main(snakemake):
    dataset, models = snakemake.wildcards.dataset, snakemake.params.models
    with job(snakemake) as log, plotting.style(snakemake.input.style):
        table = read_table(snakemake.input.accuracy, MLM_ACCURACY)
        table = table[(table["dataset"] == dataset) & table["region"].isin(REGIONS)]
        fractions = read_table(snakemake.input.repeats, REPEAT_FRACTIONS)
        plotting.save(draw(table, fractions, models), snakemake.output.pdf, snakemake.output.png)
        write_table(table, snakemake.output.table, MLM_ACCURACY)
        log.info("%d bars", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
