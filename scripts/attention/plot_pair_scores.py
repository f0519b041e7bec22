"""Figure 3: attention between the bases of pairs by group, and its excess over random pairs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.attention_tables import PAIR_GROUPS
from splicebert.jobs import job
from splicebert.palette import BLUE, GREY, ORANGE, PURPLE, SKY, VERMILION
from splicebert.tables import read_table, write_table

# Group -> label, colour.
GROUPS = {
    "intronic_pair": ("D-A\n(intron)", VERMILION),
    "exonic_pair": ("D-A\n(exon)", ORANGE),
    "unpair": ("D-A\n(unpair)", PURPLE),
    "donor_pair": ("D-D", BLUE),
    "acceptor_pair": ("A-A", SKY),
    "random_pair": ("random", GREY),
}


def draw_boxes(ax: Axes, table: pd.DataFrame) -> None:
    """Draw a box a group on a log axis, its number of pairs above it.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Rows of PAIR_GROUPS of one layer: columns group, n, whisker_low, q1, median, q3,
        whisker_high.
    """
    rows = table[table["n"] > 0].set_index("group")
    drawn = [group for group in GROUPS if group in rows.index]
    names = {"whislo": "whisker_low", "q1": "q1", "med": "median", "q3": "q3",
             "whishi": "whisker_high"}  # fmt: skip
    stats = [
        {key: rows.loc[group, name] for key, name in names.items()} | {"label": GROUPS[group][0]}
        for group in drawn
    ]
    boxes = ax.bxp(
        stats, positions=range(len(drawn)), widths=0.6, showfliers=False, patch_artist=True,
        medianprops={"color": "black"},
    )["boxes"]  # fmt: skip
    for place, (patch, group) in enumerate(zip(boxes, drawn, strict=True)):
        patch.set(facecolor=GROUPS[group][1], linewidth=0.7)
        ax.text(place, 1.01, f"{rows.loc[group, 'n']:,}", ha="center", va="bottom",
                transform=ax.get_xaxis_transform(), fontsize=6)  # fmt: skip
    ax.text(-0.02, 1.01, "n =", ha="right", va="bottom", transform=ax.transAxes, fontsize=6)
    ax.set(yscale="log", ylabel="Attention between the two bases")
    ax.tick_params(axis="x", length=0)


def draw_effects(ax: Axes, table: pd.DataFrame) -> None:
    """Draw, by layer, how often a group's score exceeds a random pair's at matched distance.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Rows of PAIR_GROUPS: columns layer, group, matched_auc, matched_low, matched_high.
    """
    layers = list(dict.fromkeys(table["layer"]))
    compared = set(table["group"][table["matched_auc"].notna()])
    groups = [group for group in GROUPS if group in compared]
    for number, group in enumerate(groups):
        part = table[table["group"] == group].set_index("layer").reindex(layers)
        label, colour = GROUPS[group]
        ax.errorbar(
            [i + 0.13 * (number - (len(groups) - 1) / 2) for i in range(len(layers))],
            part["matched_auc"],
            yerr=plotting.error_bars(
                part["matched_low"], part["matched_auc"], part["matched_high"]
            ),
            fmt="o", markersize=2.5, linewidth=0.7, color=colour, label=label.replace("\n", " "),
        )  # fmt: skip
    ax.axhline(0.5, color="0.4", linewidth=0.7, linestyle=(0, (4, 3)))
    names = ["mean of\nlayers" if layer == "mean" else layer for layer in layers]
    ax.set(xlabel="Layer", ylabel="AUC against random pairs\nof the same distance", ylim=(0, 1.02))
    ax.set_xticks(range(len(layers)), names)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def draw(table: pd.DataFrame, label: str) -> Figure:
    """Draw the whole figure of one model (its label) from rows of PAIR_GROUPS."""
    figure, axes = plotting.plt.subplots(
        1, 2, figsize=(180 * plotting.MM, 65 * plotting.MM), width_ratios=[1, 1.2]
    )
    draw_boxes(axes[0], table[table["layer"] == "mean"])
    draw_effects(axes[1], table)
    axes[0].set_title(f"{label}, mean of layers", pad=14)
    plotting.label_panels(dict(zip("AB", axes, strict=True)))
    return figure


def main(snakemake):
    names, outputs = snakemake.wildcards, snakemake.output
    with job(snakemake) as log, plotting.style(snakemake.input.style):
        table = read_table(snakemake.input.groups, PAIR_GROUPS)
        own = (table["dataset"] == names.dataset) & (table["model"] == names.model)
        table = table[own].reset_index(drop=True)
        label = snakemake.params.models[names.model]["label"]
        plotting.save(draw(table, label), outputs.pdf, outputs.png)
        write_table(table, outputs.groups, PAIR_GROUPS)
        log.info("%d groups", table["group"].nunique())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
