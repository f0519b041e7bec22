"""Figure 4: rank-normalised scores of disrupting and of other variants, with one-sided t tests."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from splicebert import plotting
from splicebert.jobs import job
from splicebert.tables import read_table, write_table
from splicebert.variant_kinds import SUBSETS
from splicebert.variant_panels import (
    OTHER_COLOUR,
    SDV_COLOUR,
    known_runs,
    method_look,
    title_of,
)
from splicebert.variant_tables import BOXES, PERFORMANCE

GROUPS = {"disrupting": ("SDV", SDV_COLOUR), "other": ("other", OTHER_COLOUR)}
PARTS = {"whislo": "whisker_low", "q1": "q1", "med": "median", "q3": "q3", "whishi": "whisker_high"}


def p_text(value: float) -> str:
    """A p value in a few characters."""
    if pd.isna(value):
        return "–"
    return f"{value:.2f}" if value >= 0.01 else f"{value:.0e}".replace("e-0", "e-")


def count_text(counts: pd.Series) -> str:
    """Variants of a group with a score: one number, or the range over the scores that are drawn."""
    drawn = counts[counts > 0]
    low, high = (drawn.min(), drawn.max()) if len(drawn) else (0, 0)
    return f"{high:,}" if low == high else f"{low:,}–{high:,}"


def draw_boxes(
    ax: Axes, boxes: pd.DataFrame, performance: pd.DataFrame, styles: Mapping[str, Mapping]
) -> None:
    """Draw two boxes a score, and the p of the test between them above.

    Parameters
    ----------
    ax
        Where to draw.
    boxes, performance
        Rows of BOXES and PERFORMANCE of one data set and subset.
    styles
        Model -> label and colour.
    """
    runs = known_runs(performance, list(styles))
    for place, (model, score) in enumerate(runs):
        own = boxes[(boxes["model"] == model) & (boxes["score"] == score) & (boxes["n"] > 0)]
        for shift, (group, (_, colour)) in zip((-0.2, 0.2), GROUPS.items(), strict=True):
            part = own[own["group"] == group]
            if part.empty:
                continue
            stats = {key: part[name].iloc[0] for key, name in PARTS.items()}
            drawn = ax.bxp([stats], positions=[place + shift], widths=0.34, showfliers=False,
                           patch_artist=True, medianprops={"color": "black"})  # fmt: skip
            drawn["boxes"][0].set(facecolor=colour, linewidth=0.6)
        chosen = (performance["model"] == model) & (performance["score"] == score)
        ax.text(place, 1.02, p_text(performance.loc[chosen, "p_value"].iloc[0]), ha="center",
                va="bottom", fontsize=5.5, rotation=30)  # fmt: skip
    ax.text(-0.02, 1.06, "p =", ha="right", va="bottom", transform=ax.transAxes, fontsize=5.5)
    labels = [method_look(model, score, styles)["label"] for model, score in runs]
    ax.set_xticks(range(len(runs)), labels, rotation=40, ha="right")
    ax.set(ylim=(0, 1.0), xlim=(-0.6, len(runs) - 0.4), ylabel="Rank, 0 to 1")
    sizes = {"disrupting": "n_disrupting", "other": "n_other"}
    ax.legend(
        handles=[
            Patch(color=colour, label=f"{label} (n = {count_text(performance[sizes[group]])})")
            for group, (label, colour) in GROUPS.items()
        ],
        loc="upper left", bbox_to_anchor=(1.0, 1.0),
    )  # fmt: skip


def draw(
    boxes: pd.DataFrame,
    performance: pd.DataFrame,
    datasets: Mapping[str, str],
    styles: Mapping[str, Mapping],
) -> Figure:
    """Draw a row a data set: all variants, and those outside the splice sites.

    Parameters
    ----------
    boxes, performance
        Rows of BOXES and PERFORMANCE.
    datasets
        Data set -> kind.
    styles
        Model -> label and colour.
    """
    count = 3 + 3 * len(styles)
    size = (2 * (45 + 8 * count) * plotting.MM, 68 * len(datasets) * plotting.MM)
    figure, axes = plotting.plt.subplots(len(datasets), 2, figsize=size, squeeze=False)
    for row, (dataset, kind) in zip(axes, datasets.items(), strict=True):
        for ax, (subset, name) in zip(row, SUBSETS.items(), strict=True):
            own = [
                table[(table["dataset"] == dataset) & (table["subset"] == subset)]
                for table in (boxes, performance)
            ]
            draw_boxes(ax, *own, styles)
            ax.set_title(f"{title_of(dataset, kind)}, {name}", loc="left", pad=18)
    plotting.label_panels(dict(zip("ABCDEFGH", axes.ravel(), strict=False)))
    return figure


def main(snakemake):
    params, outputs, inputs = snakemake.params, snakemake.output, snakemake.input
    with job(snakemake) as log, plotting.style(inputs.style):
        boxes = read_table(inputs.boxes, BOXES)
        performance = read_table(inputs.performance, PERFORMANCE)
        figure = draw(boxes, performance, params.datasets, params.models)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(boxes, outputs.boxes, BOXES)
        write_table(performance, outputs.performance, PERFORMANCE)
        log.info("%d boxes", len(boxes))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
