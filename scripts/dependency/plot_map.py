"""The dependency map of one region: a heat map with the gene track above it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from splicebert import plotting
from splicebert.dependency_scores import intron_blocks
from splicebert.dependency_tables import (
    DEPENDENCY_INTRONS,
    DEPENDENCY_PARTS,
    DEPENDENCY_WINDOWS,
    MAP_CELLS,
)
from splicebert.jobs import job
from splicebert.palette import ACCEPTOR, BRANCHPOINT, DONOR
from splicebert.tables import read_table, write_table

COLOURS, MISSING = "magma_r", "0.85"
SITES = {"donor": DONOR, "branchpoint": BRANCHPOINT, "acceptor": ACCEPTOR}
TOP = 99.5
"""Percentile of the cells at which the colours end: neighbours would set the scale of the rest."""


def map_of(cells: pd.DataFrame, window: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Map and genome positions of a window (a row of DEPENDENCY_WINDOWS) from its MAP_CELLS."""
    length = int(window["end"] - window["start"])
    values = np.full((length, length), np.nan, np.float32)
    values[cells["mutated_offset"], cells["observed_offset"]] = cells["dependency"]
    offsets = np.arange(length)
    plus = window["strand"] == "+"
    return values, window["start"] + offsets if plus else window["end"] - 1 - offsets


def to_window(parts: pd.DataFrame, window: pd.Series) -> pd.DataFrame:
    """Parts of the genome in a window read 5'->3': columns part, tx_id, start, end (offsets)."""
    start, end = parts["start"] - window["start"], parts["end"] - window["start"]
    if window["strand"] == "-":
        length = window["end"] - window["start"]
        start, end = length - end, length - start
    return parts[["part", "tx_id"]].assign(start=start, end=end).reset_index(drop=True)


def sites_of(inside: pd.DataFrame, length: int) -> pd.DataFrame:
    """Sites in the window, from its parts: columns site, offset; each place once.

    The donor is the intron's first base, the acceptor its last one.
    """
    introns = inside[inside["part"] == "intron"]
    points = inside[inside["part"] == "branchpoint"]
    table = pd.concat(
        [
            pd.DataFrame({"site": "donor", "offset": introns["start"]}),
            pd.DataFrame({"site": "branchpoint", "offset": points["start"]}),
            pd.DataFrame({"site": "acceptor", "offset": introns["end"] - 1}),
        ],
        ignore_index=True,
    )
    return table[table["offset"].between(0, length - 1)].drop_duplicates(ignore_index=True)


def draw_track(ax: Axes, inside: pd.DataFrame, sites: pd.DataFrame, length: int) -> None:
    """Draw a line a transcript: exons as boxes, introns as lines; sites in their colours.

    Parameters
    ----------
    ax
        Where to draw; x is the offset in the window.
    inside
        From `to_window`.
    sites
        From `sites_of`.
    length
        nt of the window.
    """
    lanes = list(dict.fromkeys(inside["tx_id"]))
    for lane, tx_id in enumerate(lanes):
        own = inside[inside["tx_id"] == tx_id].assign(
            start=lambda t: t["start"].clip(0, length), end=lambda t: t["end"].clip(0, length)
        )
        for row in own[own["part"] == "intron"].itertuples():
            ax.plot([row.start, row.end], [lane, lane], color="0.3", linewidth=0.8, zorder=1)
        exons = own[own["part"] == "exon"]
        boxes = list(zip(exons["start"], exons["end"] - exons["start"], strict=True))
        ax.broken_barh(boxes, (lane - 0.3, 0.6), color="0.3", linewidth=0)
    for site, colour in SITES.items():
        offsets = sites.loc[sites["site"] == site, "offset"] + 0.5
        if len(offsets):
            y = np.full(len(offsets), -0.75)
            ax.plot(offsets, y, "v", color=colour, markersize=3.5, label=site, clip_on=False)
    if len(sites):
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)
    ax.set(ylim=(max(len(lanes), 1) - 0.4, -1.1), yticks=[])
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=0, labelbottom=False)


def draw_map(ax: Axes, values: np.ndarray, sites: pd.DataFrame) -> AxesImage:
    """Draw a cell a pair of positions, mutated ones from top to bottom; a line at each site.

    Parameters
    ----------
    ax
        Where to draw.
    values
        float (nt, nt), NaN where nothing is known.
    sites
        From `sites_of`.
    """
    length = len(values)
    known = values[np.isfinite(values)]
    limit = float(np.percentile(known, TOP)) if len(known) else 1.0
    image = ax.imshow(
        values, cmap=plotting.plt.get_cmap(COLOURS).with_extremes(bad=MISSING), vmin=0,
        vmax=limit or 1.0, extent=(0, length, length, 0), aspect="auto", interpolation="none",
    )  # fmt: skip
    for row in sites.itertuples():
        style = {"color": SITES[row.site], "linewidth": 0.4, "linestyle": (0, (3, 4))}
        ax.axvline(row.offset + 0.5, **style)
        ax.axhline(row.offset + 0.5, **style)
    ax.spines[:].set_visible(True)
    return image


def mark_blocks(ax: Axes, blocks: Sequence[dict[str, tuple[int, int]]]) -> None:
    """Frame the blocks of donor and acceptor of each intron, both directions."""
    for sites in blocks:
        for rows, columns in (("donor", "acceptor"), ("acceptor", "donor")):
            (top, bottom), (left, right) = sites[rows], sites[columns]
            ax.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, linewidth=0.5,
                          edgecolor="0.2")
            )  # fmt: skip


def label_axes(ax: Axes, positions: np.ndarray, window: pd.Series) -> None:
    """Write genome positions (1-based) at the ticks of both axes."""
    names = FuncFormatter(
        lambda x, _: f"{positions[int(x)] + 1:,}" if 0 <= x < len(positions) else ""
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=True))
        axis.set_major_formatter(names)
    where = f"{window['chrom']} ({window['strand']}), 5′→3′"
    ax.set(xlabel=f"Observed position, {where}", ylabel="Mutated position")


def draw(
    values: np.ndarray, positions: np.ndarray, parts: pd.DataFrame, window: pd.Series,
    *, label: str, blocks: Sequence[dict[str, tuple[int, int]]] = (),
) -> Figure:  # fmt: skip
    """Draw the whole figure.

    Parameters
    ----------
    values, positions
        From `map_of`.
    parts
        DEPENDENCY_PARTS of the window.
    window
        Row of DEPENDENCY_WINDOWS.
    label
        Name of the model.
    blocks
        Of each intron, from `dependency_scores.intron_blocks`; framed.
    """
    length = len(values)
    inside = to_window(parts, window)
    sites = sites_of(inside, length)
    lanes = max(inside["tx_id"].nunique(), 1)
    figure, axes = plotting.plt.subplots(
        2, 1, sharex=True, figsize=(125 * plotting.MM, (116 + 5 * lanes) * plotting.MM),
        height_ratios=[5 + 5 * lanes, 100],
    )  # fmt: skip
    draw_track(axes[0], inside, sites, length)
    image = draw_map(axes[1], values, sites)
    mark_blocks(axes[1], blocks)
    axes[1].set_xlim(0, length)
    label_axes(axes[1], positions, window)
    bar = figure.colorbar(image, ax=axes, extend="max", shrink=0.5, aspect=30)
    bar.set_label("Dependency (log2 odds)")
    figure.suptitle(f"{window['name']}, {label}")
    return figure


def main(snakemake):
    inputs, outputs, names = snakemake.input, snakemake.output, snakemake.wildcards
    with job(snakemake) as log, plotting.style(inputs.style):
        window = read_table(inputs.window, DEPENDENCY_WINDOWS).iloc[0]
        parts = read_table(inputs.parts, DEPENDENCY_PARTS)
        introns = read_table(inputs.introns, DEPENDENCY_INTRONS)
        cells = read_table(inputs.cells, MAP_CELLS)
        values, positions = map_of(cells, window)
        place, sizes = (window["start"], window["end"]), snakemake.params.blocks
        blocks = [intron_blocks(intron, place, sizes) for intron in introns.to_dict("records")]
        label = snakemake.params.models[names.model]["label"]
        figure = draw(values, positions, parts, window, label=label, blocks=blocks)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(cells, outputs.cells, MAP_CELLS)
        write_table(parts, outputs.parts, DEPENDENCY_PARTS)
        log.info("%s: %d of %d cells", window["window_id"], len(cells), values.size)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
