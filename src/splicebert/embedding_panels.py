"""Panels that several figures of the embedding branch draw."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from . import plotting
from .embedding import flank_method
from .embedding_kinds import SITES
from .palette import ACCEPTOR, DONOR, GREY, ORANGE, SKY

# Positives (real, high usage) dark, the others of the same dinucleotide light.
COLOURS = {
    ("donor", True): DONOR,
    ("donor", False): SKY,
    ("acceptor", True): ACCEPTOR,
    ("acceptor", False): ORANGE,
}
CLASSES = pd.MultiIndex.from_tuples(COLOURS, names=["site", "positive"])
BASELINE_COLOUR = GREY
ONE_HOT = re.compile(r"onehot\d+")


def layer_text(method: str, layer: int) -> str:
    """What a title says of the layer; nothing for a one-hot baseline, which has none."""
    return "" if ONE_HOT.fullmatch(method) else f", layer {layer}"


def draw_points(ax: Axes, table: pd.DataFrame) -> None:
    """Draw a UMAP, coloured by class; in a random order, so that no class hides another.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Columns x, y, site, positive.
    """
    table = table.iloc[np.random.default_rng(0).permutation(len(table))]
    keys = zip(table["site"], table["positive"], strict=True)
    ax.scatter(
        table["x"],
        table["y"],
        s=float(np.clip(4000 / max(len(table), 1), 0.3, 5)),
        c=[COLOURS[key] for key in keys],
        linewidths=0,
        rasterized=True,
    )
    ax.set(xticks=[], yticks=[])
    ax.margins(0.04)


def class_labels(table: pd.DataFrame) -> dict[tuple[str, bool], str]:
    """Label of each class that a table (columns site, positive, label) holds, in a fixed order."""
    first = table.drop_duplicates(["site", "positive"]).set_index(["site", "positive"])["label"]
    return {key: first[key] for key in CLASSES if key in first.index}


def draw_legend(ax: Axes, labels: Mapping[tuple[str, bool], str], *, outside: bool = True) -> None:
    """Name the classes beside (or in) a panel."""
    marks = [
        Line2D([], [], marker="o", linestyle="", markersize=3.5, color=COLOURS[key], label=label)
        for key, label in labels.items()
    ]
    place = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if outside else {"loc": "center"}
    ax.legend(handles=marks, **place)


def nmi_text(scores: pd.DataFrame) -> str:
    """NMI as written into a panel.

    Parameters
    ----------
    scores
        CLUSTERING of one method, layer and subset.
    """
    nmi = scores[scores["metric"] == "nmi"].set_index("site")["value"]
    found = [f"{site} {nmi[site]:.2f}" for site in SITES if site in nmi.index]
    return "NMI " + ", ".join(found)


def method_styles(models: Mapping[str, Mapping], flanks: list[int]) -> dict[str, dict]:
    """Label and colour of models and one-hot baselines, in order."""
    baselines = {
        flank_method(flank): {"label": f"One-hot ±{flank} nt", "colour": BASELINE_COLOUR}
        for flank in flanks
    }
    return {name: dict(look) for name, look in models.items()} | baselines


def draw_lines(ax: Axes, table: pd.DataFrame, looks: Mapping[str, Mapping]) -> None:
    """Draw a score by layer, a line a method with its 95 % intervals.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Columns method, layer, value, low, high, of one metric and site.
    looks
        Method -> label and colour; a method with one layer is a dashed line across.
    """
    for method, look in looks.items():
        part = table[table["method"] == method].sort_values("layer")
        if len(part) == 1:
            row = part.iloc[0]
            ax.axhline(row["value"], color=look["colour"], linestyle=(0, (4, 3)), linewidth=0.9,
                       label=look["label"])  # fmt: skip
            ax.axhspan(row["low"], row["high"], color=look["colour"], alpha=0.15, linewidth=0)
        elif len(part):
            ax.errorbar(
                part["layer"],
                part["value"],
                yerr=plotting.error_bars(part["low"], part["value"], part["high"]),
                color=look["colour"],
                marker="o",
                markersize=2.5,
                elinewidth=0.7,
                clip_on=False,
                label=look["label"],
            )
