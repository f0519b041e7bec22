"""What the figures of the splice-site branch share: order of sets, titles, boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .splicesite_kinds import METRICS, TEST

BOX_WIDTH = 0.8


def set_names(species: Iterable[str]) -> dict[str, str]:
    """Set -> its title, the test folds first."""
    return {TEST: "test folds"} | {name: name for name in species}


def draw_boxes(
    ax: Axes, folds: pd.DataFrame, metric: str, sets: Mapping[str, str], styles: Mapping
) -> None:
    """Draw a box over the folds, and each fold as a dot, of every set and method.

    Parameters
    ----------
    ax
        Where to draw.
    folds
        Rows of FOLD_METRICS of one site.
    metric
        Column to draw.
    sets
        Set -> title, in order.
    styles
        Method -> label and colour, in order.
    """
    width = BOX_WIDTH / max(len(styles), 1)
    for number, (method, look) in enumerate(styles.items()):
        own = folds[folds["method"] == method]
        values = [own.loc[own["set"] == name, metric].dropna().to_numpy() for name in sets]
        at = np.arange(len(sets)) + (number + 0.5) * width - BOX_WIDTH / 2
        ax.boxplot(
            values, positions=at, widths=0.85 * width, showfliers=False, patch_artist=True,
            manage_ticks=False, boxprops={"facecolor": look["colour"], "alpha": 0.35,
            "linewidth": 0.6}, medianprops={"color": look["colour"], "linewidth": 1.2},
            whiskerprops={"linewidth": 0.6}, capprops={"linewidth": 0.6},
        )  # fmt: skip
        for x, dots in zip(at, values, strict=True):
            spread = np.linspace(-0.2, 0.2, len(dots)) * width if len(dots) > 1 else [0.0]
            ax.plot(x + np.array(spread[: len(dots)]), dots, "o", markersize=1.8,
                    color=look["colour"], markeredgewidth=0)  # fmt: skip
    ax.set_xticks(range(len(sets)), list(sets.values()))
    ax.set(xlim=(-0.6, len(sets) - 0.4), ylabel=METRICS[metric])
    if metric != "f1":
        ax.axhline(0.5, color="0.4", linewidth=0.7, linestyle=(0, (1, 2)), zorder=0)


def draw_curves(ax: Axes, curves: pd.DataFrame, summary: pd.DataFrame, styles: Mapping) -> None:
    """Draw mean precision-recall curves with the range of the folds, AP in their labels.

    Parameters
    ----------
    ax
        Where to draw.
    curves, summary
        Rows of SITE_CURVES and SITE_SUMMARY of one site and set.
    styles
        Method -> label and colour, in order.
    """
    for method, look in styles.items():
        curve = curves[curves["method"] == method]
        row = summary[(summary["method"] == method) & (summary["metric"] == "ap")]
        if curve.empty or row.empty:
            continue
        found = row.iloc[0]
        label = f"{look['label']}: {found['value']:.3f}"
        if pd.notna(found["low"]):
            label += f" ({found['low']:.2f}–{found['high']:.2f})"
        ax.fill_between(curve["recall"], curve["lowest"], curve["highest"],
                        color=look["colour"], alpha=0.15, linewidth=0)  # fmt: skip
        ax.plot(curve["recall"], curve["precision"], color=look["colour"], linewidth=1, label=label)
    ax.axhline(curves["chance"].mean(), color="0.4", linewidth=0.7, linestyle=(0, (1, 2)))
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Recall", ylabel="Precision")
