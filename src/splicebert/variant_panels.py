"""What several figures of the variant branch share: panels of curves, their colours and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from .palette import DARK, GREY, PURPLE, VERMILION
from .variant_kinds import COMPARATORS, MODEL_SCORES, MPRA_KINDS, NO_MODEL

COMPARATOR_COLOURS = {"phastcons": VERMILION, "phylop": PURPLE, "distance": DARK}
LINES = {"delta_p": (0, (3, 1.5)), "context": "-", "splice_site": "-"}
SDV_COLOUR, OTHER_COLOUR = VERMILION, GREY


def method_look(model: str, score: str, styles: Mapping[str, Mapping]) -> dict:
    """Label, colour and line of a score; `styles` gives label and colour of each model."""
    if model == NO_MODEL:
        return {"label": COMPARATORS[score], "color": COMPARATOR_COLOURS[score], "linestyle": "-"}
    look = styles[model]
    return {
        "label": f"{look['label']} {MODEL_SCORES[score]}",
        "color": look["colour"],
        "linestyle": LINES[score],
    }


def title_of(dataset: str, kind: str) -> str:
    """Title of a data set's panel: its name, and the kind where the name does not say it."""
    title = MPRA_KINDS[kind].title if kind in MPRA_KINDS else kind
    return dataset if title.lower() in dataset.lower() else f"{dataset} ({title})"


def known_runs(table: pd.DataFrame, models: Sequence[str]) -> list[tuple[str, str]]:
    """(model, score) in the order of the legend: models as configured, comparators last."""
    pairs = table[["model", "score"]].drop_duplicates().itertuples(index=False, name=None)
    order = [*models, NO_MODEL]
    scores = [*MODEL_SCORES, *COMPARATORS]
    kept = [pair for pair in pairs if pair[0] in order]
    return sorted(kept, key=lambda pair: (order.index(pair[0]), scores.index(pair[1])))


def interval_text(value: float, low: float, high: float) -> str:
    """A number with its interval, as 0.182 (0.12–0.25)."""
    if pd.isna(value):
        return "–"
    text = f"{value:.3f}"
    return text if pd.isna(low) else f"{text} ({low:.2f}–{high:.2f})"


def draw_curves(
    ax: Axes, curves: pd.DataFrame, performance: pd.DataFrame, styles: Mapping[str, Mapping]
) -> None:
    """Draw precision-recall curves, the AP of each and the counts of variants in the legend.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        Rows of CURVES of one data set and subset.
    performance
        Rows of PERFORMANCE of the same, of the scores to draw.
    styles
        Model -> label and colour.
    """
    for model, score in known_runs(performance, list(styles)):
        chosen = (performance["model"] == model) & (performance["score"] == score)
        row = performance[chosen].iloc[0]
        curve = curves[(curves["model"] == model) & (curves["score"] == score)]
        look = method_look(model, score, styles)
        area = interval_text(row["ap"], row["ap_low"], row["ap_high"])
        counts = f"{row['n_disrupting']:,} / {row['n_other']:,}"
        look["label"] = f"{look['label']}: {area}; {counts}"
        ax.plot(curve["recall"], curve["precision"], linewidth=1, **look)
    total = performance["n_disrupting"] + performance["n_other"]
    share = (performance["n_disrupting"] / total).max()
    ax.axhline(share, color="0.4", linewidth=0.7, linestyle=(0, (1, 2)))
    top = max([1.4 * share, *(1.08 * curves["precision"])])
    ax.set(xlim=(0, 1), ylim=(0, min(top, 1.02)), xlabel="Recall", ylabel="Precision")
    ax.legend(
        title="AP (95 % interval); SDV / other", loc="upper left", bbox_to_anchor=(0, -0.22),
        alignment="left",
    )  # fmt: skip
