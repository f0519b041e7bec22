"""Figure 3: attention of donors around their acceptors and of acceptors around their donors."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from splicebert import plotting
from splicebert.attention_tables import ENRICHMENT, LAYER_PROFILES
from splicebert.jobs import job
from splicebert.palette import ACCEPTOR, DONOR
from splicebert.tables import read_table, write_table

# Direction -> title, name of the other site, colour of the row's site.
DIRECTIONS = {
    "donor_to_acceptor": ("Donor → acceptor", "acceptor", DONOR),
    "acceptor_to_donor": ("Acceptor → donor", "donor", ACCEPTOR),
}


def draw_profile(ax: Axes, profile: pd.DataFrame, enriched: pd.Series, colour: str) -> None:
    """Draw one layer and direction; its scale and enrichment are written above.

    Parameters
    ----------
    ax
        Where to draw.
    profile
        Columns relative_position (nt from the other site, negative upstream) and median.
    enriched
        enrichment and scale (the highest median).
    colour
        Of the line.
    """
    position, median = profile["relative_position"], profile["median"]
    ax.fill_between(position, median, color=colour, alpha=0.25, linewidth=0)
    ax.plot(position, median, color=colour, linewidth=0.8)
    ax.text(
        1, 1.02, f"0–{enriched['scale']:.2g}   {enriched['enrichment']:.2f}×", ha="right",
        va="bottom", transform=ax.transAxes, fontsize=6,
    )  # fmt: skip
    ax.set(yticks=[], xlim=(position.min(), position.max()))
    ax.xaxis.set_major_locator(MaxNLocator(5, prune="both"))  # not at the corners: panels touch
    if enriched["scale"] > 0:
        ax.set_ylim(0, enriched["scale"])


def draw(profiles: pd.DataFrame, enrichment: pd.DataFrame, label: str) -> Figure:
    """Draw the whole figure: a row a layer, a column a direction.

    Parameters
    ----------
    profiles, enrichment
        Rows of LAYER_PROFILES and ENRICHMENT of one data set and model.
    label
        Of the model.
    """
    layers = sorted(profiles["layer"].unique())
    figure, axes = plotting.plt.subplots(
        len(layers), 2, sharex=True, squeeze=False,
        figsize=(120 * plotting.MM, (14 + 19 * len(layers)) * plotting.MM),
    )  # fmt: skip
    values = enrichment.set_index(["layer", "direction"])
    for row, layer in zip(axes, layers, strict=True):
        own = profiles[profiles["layer"] == layer]
        for ax, (direction, (title, site, colour)) in zip(row, DIRECTIONS.items(), strict=True):
            part = own[own["direction"] == direction]
            draw_profile(ax, part, values.loc[(layer, direction)], colour)
            if layer == layers[0]:
                ax.set_title(title, loc="left")
            if layer == layers[-1]:
                ax.set_xlabel(f"nt from the {site}")
        row[0].set_ylabel(f"Layer {layer}")
    figure.suptitle(f"{label}: median attention over {int(enrichment['n'].max()):,} introns")
    return figure


def main(snakemake):
    inputs, outputs, names = snakemake.input, snakemake.output, snakemake.wildcards
    with job(snakemake) as log, plotting.style(inputs.style):
        tables = {}
        for name, schema in (("profiles", LAYER_PROFILES), ("enrichment", ENRICHMENT)):
            table = read_table(inputs[name], schema)
            own = (table["dataset"] == names.dataset) & (table["model"] == names.model)
            tables[name] = table[own].reset_index(drop=True)
            write_table(tables[name], outputs[name], schema)
        label = snakemake.params.models[names.model]["label"]
        plotting.save(draw(**tables, label=label), outputs.pdf, outputs.png)
        log.info("%d layers", tables["enrichment"]["layer"].nunique())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
