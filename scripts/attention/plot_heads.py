"""Which head of which layer links donor and acceptor: a heat map of enrichment, both directions."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from splicebert import plotting
from splicebert.attention_tables import HEAD_ENRICHMENT
from splicebert.jobs import job
from splicebert.tables import read_table, write_table

TITLES = {"donor_to_acceptor": "Donor → acceptor", "acceptor_to_donor": "Acceptor → donor"}
COLOURS = "PuOr_r"


def log_enrichment(table: pd.DataFrame) -> pd.DataFrame:
    """log2 of the enrichment of one direction: rows layers, columns heads; NaN where it is 0."""
    values = table.pivot(index="layer", columns="head", values="enrichment").astype(float)
    return np.log2(values.where(values > 0))


def draw_heat_map(ax: Axes, values: pd.DataFrame, limit: float) -> AxesImage:
    """Draw a cell a head, the highest one with its enrichment written in.

    Parameters
    ----------
    ax
        Where to draw.
    values
        As from `log_enrichment`.
    limit
        log2 enrichment at either end of the colours; the middle is no enrichment.
    """
    image = ax.imshow(values, cmap=COLOURS, vmin=-limit, vmax=limit, aspect="auto")
    ax.set_xticks(range(values.shape[1]), values.columns)
    ax.set_yticks(range(values.shape[0]), values.index)
    ax.set(xlabel="Head", ylabel="Layer")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    known = values.to_numpy()
    if np.isfinite(known).any():
        row, column = np.unravel_index(np.nanargmax(known), known.shape)
        colour = "white" if known[row, column] > 0.6 * limit else "black"
        ax.text(column, row, f"{2 ** known[row, column]:.2g}", ha="center", va="center",
                fontsize=5.5, color=colour)  # fmt: skip
    return image


def draw(table: pd.DataFrame, label: str) -> Figure:
    """Draw the whole figure of one model (its label) from rows of HEAD_ENRICHMENT."""
    values = {
        direction: log_enrichment(table[table["direction"] == direction]) for direction in TITLES
    }
    largest = np.nanmax([np.abs(part.to_numpy()) for part in values.values()], initial=1.0)
    layers, heads = next(iter(values.values())).shape
    size = ((40 + 2 * max(4.2 * heads, 40)) * plotting.MM, (30 + 6 * layers) * plotting.MM)
    figure, axes = plotting.plt.subplots(1, 2, figsize=size)
    for ax, (direction, part) in zip(axes, values.items(), strict=True):
        image = draw_heat_map(ax, part, largest)
        ax.set_title(TITLES[direction], loc="left")
    bar = figure.colorbar(image, ax=axes, label="Enrichment")
    ticks = np.linspace(-largest, largest, 5)
    bar.set_ticks(ticks, labels=[f"{2**tick:.2g}" for tick in ticks])
    figure.suptitle(f"{label}: mean over {int(table['n'].max()):,} introns")
    return figure


def main(snakemake):
    outputs, names = snakemake.output, snakemake.wildcards
    with job(snakemake) as log, plotting.style(snakemake.input.style):
        table = read_table(snakemake.input.heads, HEAD_ENRICHMENT)
        own = (table["dataset"] == names.dataset) & (table["model"] == names.model)
        table = table[own].reset_index(drop=True)
        label = snakemake.params.models[names.model]["label"]
        plotting.save(draw(table, label), outputs.pdf, outputs.png)
        write_table(table, outputs.heads, HEAD_ENRICHMENT)
        log.info("%d heads", len(table) // len(TITLES))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
