"""Sequence logos: letters of the bases, as high as they are informative."""

from __future__ import annotations

import logomaker
import pandas as pd
from matplotlib.axes import Axes

from .palette import BASES


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
    heights = letters.pivot(index="position", columns="base", values="bits").fillna(0)
    names = {base: "U" if rna and base == "T" else base for base in BASES}
    logomaker.Logo(
        heights.rename(columns=names),
        ax=ax,
        color_scheme={names[base]: colour for base, colour in BASES.items()},
        font_name="DejaVu Sans",
    )
    ax.set(ylim=(0, 2), ylabel="Bits", xticks=list(heights.index))
