"""Figure 4: median KL by distance, disrupting against other variants, conserved against not."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.jobs import job
from splicebert.palette import BLUE
from splicebert.tables import read_table, write_table
from splicebert.variant_kinds import MUTAGENESIS, MUTAGENESIS_TITLE
from splicebert.variant_panels import OTHER_COLOUR, SDV_COLOUR, title_of
from splicebert.variant_tables import GROUP_COUNTS, PROFILES


def group_looks(threshold: float) -> dict[str, tuple[str, str]]:
    """Group -> label, colour."""
    return {
        "disrupting": ("SDV", SDV_COLOUR),
        "other": ("other", OTHER_COLOUR),
        "conserved": (f"phastCons ≥ {threshold:g}", BLUE),
        "not conserved": (f"phastCons < {threshold:g}", OTHER_COLOUR),
    }


def draw_panel(ax: Axes, profiles: pd.DataFrame, looks: Mapping) -> None:
    """Draw the median and the quartiles of each group by distance, on a log axis.

    Parameters
    ----------
    ax
        Where to draw.
    profiles
        Rows of PROFILES of one run.
    looks
        As from `group_looks`.
    """
    for group, (label, colour) in looks.items():
        part = profiles[profiles["group"] == group]
        part = part[part["median"] > 0]
        if part.empty:
            continue
        ax.fill_between(part["distance"], part["q1"].clip(lower=part["median"].min() / 100),
                        part["q3"], color=colour, alpha=0.15, linewidth=0)  # fmt: skip
        name = f"{label} (n = {part['n'].max():,})"  # with a value at some distance
        ax.plot(part["distance"], part["median"], color=colour, linewidth=1, label=name)
    ax.set(yscale="log", xlim=(0, None))
    ax.legend(loc="upper right")


def draw(
    profiles: pd.DataFrame,
    datasets: Mapping[str, str],
    styles: Mapping[str, Mapping],
    threshold: float,
) -> Figure:
    """Draw a row a model and a column a data set.

    Parameters
    ----------
    profiles
        Rows of PROFILES.
    datasets
        Data set -> kind.
    styles
        Model -> label and colour.
    threshold
        phastCons of a conserved site.
    """
    size = (65 * len(datasets) * plotting.MM, 55 * len(styles) * plotting.MM)
    figure, axes = plotting.plt.subplots(len(styles), len(datasets), figsize=size, squeeze=False)
    for row, (model, look) in zip(axes, styles.items(), strict=True):
        for ax, (dataset, kind) in zip(row, datasets.items(), strict=True):
            own = profiles[(profiles["dataset"] == dataset) & (profiles["model"] == model)]
            if own.empty:
                ax.remove()
                continue
            draw_panel(ax, own, group_looks(threshold))
            site = kind == MUTAGENESIS
            ax.set_xlabel(f"nt from the {'mutated site' if site else 'variant'}")
            ax.set_title(MUTAGENESIS_TITLE if site else title_of(dataset, kind), loc="left")
        row[0].set_ylabel(f"{look['label']}\nmedian KL (nats)")
    plotting.label_panels(dict(zip("ABCDEFGHIJKL", figure.axes, strict=False)))
    return figure


def main(snakemake):
    params, outputs, inputs = snakemake.params, snakemake.output, snakemake.input
    with job(snakemake) as log, plotting.style(inputs.style):
        profiles = read_table(inputs.profiles, PROFILES)
        counts = read_table(inputs.counts, GROUP_COUNTS)
        figure = draw(profiles, params.datasets, params.models, params.threshold)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(profiles, outputs.profiles, PROFILES)
        write_table(counts, outputs.counts, GROUP_COUNTS)
        log.info("%d profiles", len(profiles.groupby(["dataset", "model", "group"])))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
