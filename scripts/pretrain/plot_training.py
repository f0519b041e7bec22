"""Loss and validation cross-entropy against tokens; perplexity by region at the end."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.jobs import job
from splicebert.palette import BLUE, GREY, PURPLE, SKY
from splicebert.pretraining.tables import METRICS, PERPLEXITIES
from splicebert.tables import read_table, write_table

COLOURS = {"training": GREY, "validation": BLUE, "nonrepeat": SKY, "repeat": PURPLE}
BASES = {"nonrepeat": "outside repeats", "repeat": "in repeats"}
CHANCE = float(np.log(4))


def draw_curves(ax: Axes, metrics: pd.DataFrame) -> None:
    """Draw the cross-entropy of training and validation (METRICS) against tokens in millions."""
    measured = metrics[metrics["cross_entropy"].notna()]
    million = 1e-6
    ax.plot(
        metrics["tokens"] * million, metrics["loss"], color=COLOURS["training"], label="training"
    )
    ax.plot(
        measured["tokens"] * million,
        measured["cross_entropy"],
        color=COLOURS["validation"],
        marker="o",
        markersize=2.5,
        label="validation",
    )
    ax.axhline(CHANCE, color="0.4", linewidth=0.7, linestyle=(0, (4, 3)))
    ax.annotate("chance", (1.01, CHANCE), xycoords=ax.get_yaxis_transform(), va="center")
    ax.set(xlabel="Tokens (millions)", ylabel="Cross-entropy (nats a masked base)")
    ax.legend(loc="upper right")


def draw_regions(ax: Axes, regions: pd.DataFrame) -> None:
    """Draw bars of perplexity by region, outside and in repeats (PERPLEXITIES of one step)."""
    names = list(dict.fromkeys(regions["region"]))[::-1]
    for i, (bases, label) in enumerate(BASES.items()):
        part = regions[regions["bases"] == bases].set_index("region").reindex(names)
        place = np.arange(len(names)) + 0.2 - 0.4 * i
        ax.barh(place, part["perplexity"], 0.38, color=COLOURS[bases], label=label)
    ax.axvline(4, color="0.4", linewidth=0.7, linestyle=(0, (4, 3)))
    labels = [name.replace("_", " ").replace("|", ", ") for name in names]
    ax.set(yticks=range(len(names)), yticklabels=labels, xlabel="Perplexity", xlim=(1, None))
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def draw(metrics: pd.DataFrame, regions: pd.DataFrame) -> Figure:
    """Draw the whole figure from METRICS and the last step's PERPLEXITIES."""
    size = (170 * plotting.MM, 75 * plotting.MM)
    figure, (left, right) = plotting.plt.subplots(1, 2, figsize=size)
    draw_curves(left, metrics)
    draw_regions(right, regions)
    plotting.label_panels({"A": left, "B": right})
    return figure


def main(snakemake):
    inputs, output = snakemake.input, snakemake.output
    with job(snakemake), plotting.style(inputs.style):
        metrics = read_table(inputs.metrics, METRICS)
        regions = read_table(inputs.regions, PERPLEXITIES)
        regions = regions[(regions["step"] == regions["step"].max()) & (regions["n_bases"] > 0)]
        plotting.save(draw(metrics, regions), output.pdf, output.png)
        write_table(metrics, output.metrics, METRICS)
        write_table(regions, output.regions, PERPLEXITIES)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
