"""Block scores: dependency between the sites of introns against blocks alike in the same maps."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.dependency_tables import BLOCK_SUMMARY, BLOCKS
from splicebert.jobs import job
from splicebert.palette import BRANCHPOINT, GREY, VERMILION
from splicebert.tables import read_table, write_table

# Link -> label, colour.
LINKS = {
    "donor_acceptor": ("donor –\nacceptor", VERMILION),
    "branchpoint_acceptor": ("branchpoint –\nacceptor", BRANCHPOINT),
}
BACKGROUND = GREY
MOST_LINES = 200
"""Beyond so many introns lines would be a smear: the means and intervals are drawn alone."""


def interval(summary: pd.DataFrame, link: str, quantity: str) -> pd.DataFrame:
    """Row of BLOCK_SUMMARY of a link and a quantity, as a frame."""
    return summary[(summary["link"] == link) & (summary["quantity"] == quantity)]


def draw_mean(ax: Axes, x: float, row: pd.DataFrame, colour: str) -> None:
    """Draw a mean with its 95 % interval."""
    bars = np.array(plotting.error_bars(row["low"], row["mean"], row["high"]))
    mean = row["mean"].to_numpy()
    ax.errorbar([x] * len(mean), mean, yerr=bars, fmt="o", markersize=4, color=colour, zorder=3)


def draw_scores(ax: Axes, blocks: pd.DataFrame, summary: pd.DataFrame) -> None:
    """Draw background and score of each link: a line an intron, and the means.

    Parameters
    ----------
    ax
        Where to draw.
    blocks, summary
        BLOCKS and BLOCK_SUMMARY of one data set and model.
    """
    for place, (link, (_, colour)) in enumerate(LINKS.items()):
        own = blocks[(blocks["link"] == link) & blocks["score"].notna()]
        left, right = place - 0.18, place + 0.18
        if len(own) <= MOST_LINES:
            pairs = own[["background_mean", "score"]].to_numpy().T
            ax.plot([left, right], pairs, color="0.8", linewidth=0.5, zorder=1)
        draw_mean(ax, left, interval(summary, link, "background_mean"), BACKGROUND)
        draw_mean(ax, right, interval(summary, link, "score"), colour)
    ax.set(ylabel="Mean dependency of a\nblock (log2 odds)", ylim=(0, None))
    label_links(ax, summary)


def draw_ranks(ax: Axes, blocks: pd.DataFrame, summary: pd.DataFrame) -> None:
    """Draw the share of the background blocks below each score: a point an intron, and means."""
    for place, (link, (_, colour)) in enumerate(LINKS.items()):
        own = blocks[(blocks["link"] == link) & blocks["rank"].notna()]
        # Spread evenly in the order of the rows: nothing random in a figure.
        spread = [place - 0.2 + 0.3 * (i % 9 - 4) / 9 for i in range(len(own))]
        ax.plot(spread, own["rank"], "o", markersize=1.8, color="0.75", zorder=1)
        draw_mean(ax, place, interval(summary, link, "rank"), colour)
    ax.axhline(0.5, color="0.4", linewidth=0.7, linestyle=(0, (4, 3)), zorder=0)
    ax.set(ylabel="Background blocks\nbelow the score", ylim=(0, 1.03))
    label_links(ax, summary)


def label_links(ax: Axes, summary: pd.DataFrame) -> None:
    """Name the links below the axis, with the number of introns behind each."""
    counts = [interval(summary, link, "score")["n"] for link in LINKS]
    names = [
        f"{label}\nn = {int(n.iloc[0]) if len(n) else 0:,}"
        for (label, _), n in zip(LINKS.values(), counts, strict=True)
    ]
    ax.set_xticks(range(len(LINKS)), names)
    ax.set_xlim(-0.5, len(LINKS) - 0.5)
    ax.tick_params(axis="x", length=0)


def draw(blocks: pd.DataFrame, summary: pd.DataFrame, label: str) -> Figure:
    """Draw the whole figure of one model (its label) from BLOCKS and BLOCK_SUMMARY."""
    figure, axes = plotting.plt.subplots(1, 2, figsize=(130 * plotting.MM, 65 * plotting.MM))
    draw_scores(axes[0], blocks, summary)
    draw_ranks(axes[1], blocks, summary)
    plotting.label_panels(dict(zip("AB", axes, strict=True)))
    figure.suptitle(f"{label}: blocks between sites (colour), and background (grey)")
    return figure


def main(snakemake):
    inputs, outputs, names = snakemake.input, snakemake.output, snakemake.wildcards
    with job(snakemake) as log, plotting.style(inputs.style):
        own = {}
        for name, schema in (("blocks", BLOCKS), ("summary", BLOCK_SUMMARY)):
            table = read_table(inputs[name], schema)
            mine = (table["dataset"] == names.dataset) & (table["model"] == names.model)
            own[name] = table[mine].reset_index(drop=True)
        label = snakemake.params.models[names.model]["label"]
        plotting.save(draw(**own, label=label), outputs.pdf, outputs.png)
        write_table(own["blocks"], outputs.blocks, BLOCKS)
        write_table(own["summary"], outputs.summary, BLOCK_SUMMARY)
        log.info("%d blocks", len(own["blocks"]))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
