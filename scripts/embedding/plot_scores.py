"""NMI of the clusters and AUC of the probe by layer, donors and acceptors apart."""

import pandas as pd
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.embedding_kinds import DINUCLEOTIDE, SITES
from splicebert.embedding_panels import draw_lines, method_styles
from splicebert.embedding_tables import CLUSTERING, LAYER_PROBE, LAYER_SCORES
from splicebert.jobs import job
from splicebert.tables import read_table, write_table

METRICS = {"nmi": "NMI of Leiden clusters", "auc": "AUC of the linear probe"}


def layer_scores(clustering: pd.DataFrame, probe: pd.DataFrame) -> pd.DataFrame:
    """Rows of LAYER_SCORES: NMI of each dinucleotide clustered alone, AUC of its probe."""
    alone = clustering[(clustering["subset"] != "all") & (clustering["metric"] == "nmi")]
    parts = [alone, probe[probe["metric"] == "auc"]]
    return pd.concat([part[LAYER_SCORES.names] for part in parts], ignore_index=True)


def draw(table: pd.DataFrame, looks: dict) -> Figure:
    """Draw the four panels.

    Parameters
    ----------
    table
        LAYER_SCORES of one data set.
    looks
        Method -> label and colour, in the order of the legend.
    """
    figure, axes = plotting.plt.subplots(
        2, 2, figsize=(150 * plotting.MM, 105 * plotting.MM), sharex=True, sharey="row"
    )
    for row, (metric, name) in zip(axes, METRICS.items(), strict=True):
        for ax, site in zip(row, SITES, strict=True):
            here = table[(table["metric"] == metric) & (table["site"] == site)]
            draw_lines(ax, here, looks)
        row[0].set_ylabel(name)
    for ax, site in zip(axes[0], SITES, strict=True):
        n = table.loc[table["site"] == site, "n_sites"].max()
        ax.set(title=f"{DINUCLEOTIDE[site]} ({site}), n = {n:,}", ylim=(0, None))
    for ax in axes[1]:
        ax.axhline(0.5, color="0.4", linewidth=0.7, linestyle=(0, (1, 2)))
        ax.set(xlabel="Layer (0 = embedding output)", ylim=(None, 1.01))
        ax.xaxis.get_major_locator().set_params(integer=True)
    marks = dict(zip(*axes[0, 1].get_legend_handles_labels()[::-1], strict=True))
    order = [look["label"] for look in looks.values() if look["label"] in marks]
    axes[0, 1].legend(
        [marks[label] for label in order], order, loc="upper left", bbox_to_anchor=(1.0, 1.0)
    )
    plotting.label_panels(dict(zip("ABCD", axes.ravel(), strict=True)))
    return figure


def main(snakemake):
    inputs, output, params = snakemake.input, snakemake.output, snakemake.params
    looks = method_styles(params.models, params.flanks)
    with job(snakemake) as log, plotting.style(inputs.style):
        tables = (read_table(inputs.clustering, CLUSTERING), read_table(inputs.probe, LAYER_PROBE))
        own = [t[t["dataset"] == snakemake.wildcards.dataset] for t in tables]
        table = layer_scores(*own)
        table = table[table["method"].isin(looks)].reset_index(drop=True)
        plotting.save(draw(table, looks), output.pdf, output.png)
        write_table(table, output.scores, LAYER_SCORES)
        log.info("%d scores", len(table))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
