"""Figure 1: balanced accuracy of the masked language model by region, repeat fractions under it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.conservation_tables import MLM_ACCURACY, REPEAT_FRACTIONS
from splicebert.jobs import job
from splicebert.palette import PURPLE
from splicebert.tables import read_table, write_table

REGIONS = {
    "protein_coding|UTR5": "5′ UTR",
    "protein_coding|CDS": "CDS",
    "protein_coding|intron": "intron",
    "protein_coding|UTR3": "3′ UTR",
    "lncRNA|exon": "lncRNA\nexon",
    "lncRNA|intron": "lncRNA\nintron",
}
BASES = {"all": "all bases", "nonrepeat": "outside repeats", "repeat": "in repeats"}
REPEAT_COLOUR = PURPLE
WIDTH = 0.26


def colours(colour: str) -> dict[str, object]:
    """Colours of the three choices of bases: the model's, a tint of it, that of repeats."""
    tint = tuple(0.45 * part + 0.55 for part in to_rgb(colour))
    return {"all": colour, "nonrepeat": tint, "repeat": REPEAT_COLOUR}


def draw_accuracy(ax: Axes, table: pd.DataFrame, look: dict) -> None:
    """Draw grouped bars, a group a region and a bar a choice of bases, with 95 % intervals.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Columns region, bases, value, low, high, n_bases, of one model.
    look
        Label and colour of the model.
    """
    for i, (bases, colour) in enumerate(colours(look["colour"]).items()):
        part = table[table["bases"] == bases].set_index("region").reindex(list(REGIONS))
        bars = plotting.error_bars(part["low"], part["value"], part["high"])
        ax.bar(
            np.arange(len(REGIONS)) + (i - 1) * WIDTH,
            part["value"],
            WIDTH * 0.92,
            color=colour,
            label=BASES[bases],
            # Without any interval (pre-computed results) no bar of length 0 either.
            yerr=bars if part["low"].notna().any() else None,
            error_kw={"linewidth": 0.7},
        )
    ax.axhline(0.25, color="0.4", linewidth=0.7, linestyle=(0, (4, 3)))
    ax.text(1.01, 0.25, "chance", transform=ax.get_yaxis_transform(), va="center", color="0.4")
    n = table.loc[(table["bases"] == "all") & table["region"].isin(REGIONS), "n_bases"].sum()
    ax.set(title=f"{look['label']} (n = {n:,} bases)", ylabel="Balanced accuracy", ylim=(0, 1))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def draw_repeats(ax: Axes, fractions: pd.DataFrame) -> None:
    """Draw the repeat fraction of each region as bars (columns region, fraction)."""
    part = fractions.set_index("region").reindex(list(REGIONS))
    ax.bar(range(len(REGIONS)), part["fraction"], 0.5, color=REPEAT_COLOUR)
    ax.set(ylabel="Repeat\nfraction", ylim=(0, 1), yticks=[0, 0.5, 1])
    ax.set(xticks=range(len(REGIONS)), xticklabels=REGIONS.values())
    ax.set_xlim(-0.6, len(REGIONS) - 0.4)


def draw(accuracy: pd.DataFrame, fractions: pd.DataFrame, models: dict) -> Figure:
    """Draw the whole figure: a row for each model (name -> label, colour), then the repeats."""
    rows = len(models)
    figure, axes = plotting.plt.subplots(
        rows + 1,
        1,
        figsize=(140 * plotting.MM, (45 * rows + 28) * plotting.MM),
        sharex=True,
        height_ratios=[2.4] * rows + [1],
    )
    for ax, (model, look) in zip(axes, models.items(), strict=False):
        draw_accuracy(ax, accuracy[accuracy["model"] == model], look)
    draw_repeats(axes[-1], fractions)
    for ax in axes:
        ax.tick_params(axis="x", length=0)
    figure.align_ylabels(axes)
    plotting.label_panels(dict(zip("ABCDEFGH", axes, strict=False)))
    return figure


def main(snakemake):
    dataset, models = snakemake.wildcards.dataset, snakemake.params.models
    with job(snakemake) as log, plotting.style(snakemake.input.style):
        table = read_table(snakemake.input.accuracy, MLM_ACCURACY)
        table = table[(table["dataset"] == dataset) & table["region"].isin(REGIONS)]
        fractions = read_table(snakemake.input.repeats, REPEAT_FRACTIONS)
        plotting.save(draw(table, fractions, models), snakemake.output.pdf, snakemake.output.png)
        write_table(table, snakemake.output.accuracy, MLM_ACCURACY)
        fractions = fractions[fractions["region"].isin(REGIONS)]
        write_table(fractions, snakemake.output.repeats, REPEAT_FRACTIONS)
        log.info("%d bars", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
