"""One-hot baselines by flank beside the models: NMI of the clusters, AUC of the probe."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.embedding_kinds import SITES
from splicebert.embedding_panels import COLOURS, method_styles
from splicebert.embedding_scores import figure_layer
from splicebert.embedding_tables import CLUSTERING, LAYER_PROBE, LAYER_SCORES
from splicebert.jobs import job
from splicebert.tables import read_table, write_table

METRICS = {"nmi": "NMI of Leiden clusters\n(all sites)", "auc": "AUC of the linear probe"}
SHIFT = 0.12
"""Distance of donors and acceptors from their method's place on the axis."""


def method_scores(
    clustering: pd.DataFrame, probe: pd.DataFrame, layers: dict, methods: list[str]
) -> pd.DataFrame:
    """Rows of LAYER_SCORES of each method's layer of the main figure.

    The NMI is that of all sites clustered together, as in the main figure.
    """
    together = clustering[(clustering["subset"] == "all") & (clustering["metric"] == "nmi")]
    parts = [together, probe[probe["metric"] == "auc"]]
    table = pd.concat([part[LAYER_SCORES.names] for part in parts], ignore_index=True)
    table = table[table["method"].isin(methods)]
    found = table.groupby("method")["layer"].unique()
    wanted = {method: figure_layer(layers, method, known) for method, known in found.items()}
    return table[table["layer"] == table["method"].map(wanted)].reset_index(drop=True)


def draw_pairs(ax: Axes, table: pd.DataFrame, looks: dict) -> None:
    """Draw a pair of points a method, donors and acceptors, with 95 % intervals.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Columns method, site, value, low, high, n_sites, of one metric.
    looks
        Method -> label, in the order of the axis.
    """
    for i, site in enumerate(SITES):
        part = table[table["site"] == site].set_index("method").reindex(list(looks))
        ax.errorbar(
            np.arange(len(looks)) + (2 * i - 1) * SHIFT,
            part["value"],
            yerr=plotting.error_bars(part["low"], part["value"], part["high"]),
            fmt="o",
            markersize=4,
            color=COLOURS[site, True],
            label=f"{site}s (n = {int(part['n_sites'].max()):,})",
            clip_on=False,
        )
    ax.set_xticks(range(len(looks)), [look["label"] for look in looks.values()], rotation=30)
    for label in ax.get_xticklabels():
        label.set_horizontalalignment("right")


def draw(table: pd.DataFrame, looks: dict) -> Figure:
    """Draw both panels (table: LAYER_SCORES of one data set, looks: method -> label)."""
    size = (max(110, 15 * len(looks) * 2 + 30) * plotting.MM, 62 * plotting.MM)
    figure, axes = plotting.plt.subplots(1, 2, figsize=size)
    for ax, (metric, name) in zip(axes, METRICS.items(), strict=True):
        draw_pairs(ax, table[table["metric"] == metric], looks)
        ax.set_ylabel(name)
    axes[0].set_ylim(0, None)
    axes[1].axhline(0.5, color="0.4", linewidth=0.7, linestyle=(0, (1, 2)))
    axes[1].set_ylim(None, 1.01)
    axes[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    plotting.label_panels(dict(zip("AB", axes, strict=True)))
    return figure


def main(snakemake):
    inputs, output, params = snakemake.input, snakemake.output, snakemake.params
    looks = method_styles(params.models, params.flanks)
    with job(snakemake) as log, plotting.style(inputs.style):
        tables = (read_table(inputs.clustering, CLUSTERING), read_table(inputs.probe, LAYER_PROBE))
        own = [t[t["dataset"] == snakemake.wildcards.dataset] for t in tables]
        table = method_scores(*own, params.layers, list(looks))
        plotting.save(draw(table, looks), output.pdf, output.png)
        write_table(table, output.scores, LAYER_SCORES)
        log.info("%d points", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
