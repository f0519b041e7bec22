"""Sequence logos: letters of the bases, as high as they are informative."""

from __future__ import annotations

import functools

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from .palette import BASES

WIDTH = 0.94


@functools.cache
def letter(base: str) -> Path:
    """Outline of a letter in the unit square, lower left corner at 0, 0."""
    path = TextPath((0, 0), base, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = path.get_extents()
    move = Affine2D().translate(-box.x0, -box.y0).scale(1 / box.width, 1 / box.height)
    return move.transform_path(path)


def draw_logo(ax: Axes, letters: pd.DataFrame, *, rna: bool = True) -> None:
    """Draw the letters of each position above one another, the highest on top.

    Parameters
    ----------
    ax
        Where to draw; x is the position, y bits.
    letters
        Columns position, base (ACGT) and bits; NaN and 0 draw nothing.
    rna
        Whether T is written as U.
    """
    for position, own in letters.groupby("position"):
        bottom = 0.0
        for row in own.sort_values(["bits", "base"]).itertuples():
            if not row.bits > 0:
                continue
            shape = Affine2D().scale(WIDTH, row.bits).translate(position - WIDTH / 2, bottom)
            path = letter("U" if rna and row.base == "T" else row.base)
            ax.add_patch(PathPatch(shape.transform_path(path), color=BASES[row.base], linewidth=0))
            bottom += row.bits
    places = sorted(letters["position"].unique())
    ax.set(xlim=(places[0] - 0.6, places[-1] + 0.6), ylim=(0, 2), ylabel="Bits")
    ax.set_xticks(places)
