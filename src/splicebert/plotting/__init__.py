"""How every figure is drawn and saved: one style, text that can be read, deterministic files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..tables import atomic_path
from .text import text_problems

log = logging.getLogger(__name__)
MM = 1 / 25.4  # journals give widths in mm, matplotlib takes inches


@contextmanager
def style(path: str | Path) -> Iterator[None]:
    """Draw with a matplotlib style file."""
    with plt.style.context(path):
        yield


def save(figure: Figure, pdf: str | Path, png: str | Path) -> None:
    """Save as PDF (fonts embedded) and PNG, the same bytes each time, and close the figure.

    Text that overlaps or is cut off is told in the log: it depends on the data, so that it must
    not keep a figure from being drawn. None of the demo's figures has any, which a test sees to.
    """
    for problem in text_problems(figure):
        log.warning("%s: %s", Path(png).name, problem)
    figure.set_layout_engine("none")  # it is laid out by now; each file would do so again
    with atomic_path(pdf) as path:
        figure.savefig(path, format="pdf", metadata={"CreationDate": None, "Producer": None})
    with atomic_path(png) as path:
        figure.savefig(path, format="png", metadata={"Software": None})
    plt.close(figure)


def label_panels(axes: Mapping[str, Axes]) -> None:
    """Write each panel's letter above its upper left corner."""
    for letter, ax in axes.items():
        ax.annotate(
            letter,
            (0, 1),
            xycoords="axes fraction",
            xytext=(-30, 6),
            textcoords="offset points",
            fontweight="bold",
            fontsize="large",
            va="bottom",
        )


def error_bars(low: Any, value: Any, high: Any) -> list[Any]:
    """Distances of an interval's bounds from its value, as `yerr` wants them; NaN becomes 0."""
    return [(value - low).clip(lower=0).fillna(0), (high - value).clip(lower=0).fillna(0)]
