"""One intron with the attention of its donor and of its acceptor as arcs, exons under it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.attention_tables import EXAMPLE_ARCS, PARTS
from splicebert.jobs import job
from splicebert.palette import ACCEPTOR, DONOR
from splicebert.tables import read_table, write_table

# Direction -> name of the row's site, colour.
SITES = {
    "donor_to_acceptor": ("donor", DONOR),
    "acceptor_to_donor": ("acceptor", ACCEPTOR),
}
LOCAL = 10
"""An arc to a base as near as this (nt) can't be seen, and would set the scale of the others."""
POINTS = 32


def to_window(parts: pd.DataFrame) -> pd.DataFrame:
    """Put parts of the genome into the window read 5'->3': columns part, start, end (offsets)."""
    window = parts[parts["part"] == "window"].iloc[0]
    start, end = parts["start"] - window["start"], parts["end"] - window["start"]
    if window["strand"] == "-":
        length = window["end"] - window["start"]
        start, end = length - end, length - start
    return pd.DataFrame({"part": parts["part"], "start": start, "end": end})


def site_offsets(parts: pd.DataFrame) -> dict[str, int]:
    """Offsets of donor and acceptor, from parts in the window: the intron's first and last base."""
    intron = parts[parts["part"] == "example"].iloc[0]
    return {"donor": int(intron["start"]), "acceptor": int(intron["end"]) - 1}


def arcs(site: int, targets: np.ndarray) -> np.ndarray:
    """Half circles from a site to each target: float (targets, POINTS, 2), height 1 = half width.

    x is the offset, y half the distance at the top.
    """
    angle = np.linspace(0, np.pi, POINTS)
    middle, radius = (targets + site) / 2, np.abs(targets - site) / 2
    x = middle[:, None] - radius[:, None] * np.cos(angle)
    return np.stack([x, radius[:, None] * np.sin(angle)], axis=-1)


def draw_arcs(ax: Axes, row: pd.DataFrame, site: int, colour: str) -> None:
    """Draw an arc to every base but the nearest ones, the darker the more attention it gets.

    Parameters
    ----------
    ax
        Where to draw.
    row
        Columns offset, attention: one row of the map.
    site
        0-based offset of the row's base.
    colour
        Of the arcs.
    """
    far = row[(row["offset"] - site).abs() > LOCAL].sort_values("attention")
    strength = (far["attention"] / far["attention"].max()).to_numpy()
    colours = [(*to_rgb(colour), float(alpha)) for alpha in strength]
    targets = far["offset"].to_numpy(float)
    lines = LineCollection(arcs(site, targets), colors=colours, linewidths=0.3 + strength)
    ax.add_collection(lines)
    ax.set(ylim=(0, 1.05 * np.abs(targets - site).max() / 2), yticks=[])
    ax.spines["left"].set_visible(False)


def draw_parts(ax: Axes, parts: pd.DataFrame) -> None:
    """Draw exons as boxes, introns as lines, the example's line thicker."""
    for part, width in (("intron", 0.8), ("example", 2.0)):
        for row in parts[parts["part"] == part].itertuples():
            ax.plot([row.start, row.end], [0, 0], color="0.3", linewidth=width)
    exons = parts[parts["part"] == "exon"]
    boxes = list(zip(exons["start"], exons["end"] - exons["start"], strict=True))
    ax.broken_barh(boxes, (-0.4, 0.8), color="0.3", linewidth=0)
    ax.set(ylim=(-0.6, 0.6), yticks=[])
    ax.spines["left"].set_visible(False)


def draw(rows: pd.DataFrame, parts: pd.DataFrame, label: str) -> Figure:
    """Draw the whole figure.

    Parameters
    ----------
    rows
        Rows of EXAMPLE_ARCS of one layer.
    parts
        Rows of PARTS.
    label
        Title.
    """
    figure, axes = plotting.plt.subplots(
        3, 1, sharex=True, figsize=(180 * plotting.MM, 80 * plotting.MM), height_ratios=[3, 3, 0.6]
    )
    inside = to_window(parts)
    places = site_offsets(inside)
    for ax, (direction, (site, colour)) in zip(axes, SITES.items(), strict=False):
        row = rows[rows["direction"] == direction]
        draw_arcs(ax, row, places[site], colour)
        ax.set_title(f"Attention of the {site}", loc="left", color=colour)
        for place in places.values():
            ax.axvline(place, color="0.4", linewidth=0.6, linestyle=(0, (4, 3)))
    draw_parts(axes[-1], inside)
    window = parts[parts["part"] == "window"].iloc[0]
    where = f"{window['chrom']}:{window['start']:,}–{window['end']:,} ({window['strand']})"
    axes[-1].set(xlabel=f"nt in the window {where}, 5′→3′")
    axes[-1].set_xlim(0, window["end"] - window["start"])
    figure.suptitle(label)
    return figure


def main(snakemake):
    inputs, outputs, names = snakemake.input, snakemake.output, snakemake.wildcards
    with job(snakemake) as log, plotting.style(inputs.style):
        parts = read_table(inputs.parts, PARTS)
        rows = read_table(inputs.rows, EXAMPLE_ARCS)
        layer = rows["layer"].iloc[0]
        label = (
            f"{snakemake.params.models[names.model]['label']}, layer {layer}, maximum over heads"
        )
        plotting.save(draw(rows, parts, label), outputs.pdf, outputs.png)
        write_table(rows, outputs.rows, EXAMPLE_ARCS)
        write_table(parts, outputs.parts, PARTS)
        log.info("%s, layer %d", parts["pair_id"].iloc[0], layer)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
