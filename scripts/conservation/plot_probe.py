"""Figure 1: density of phastCons, and precision-recall curves of the probes."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.conservation_tables import DENSITY, PR_CURVES, PROBE_METRICS
from splicebert.jobs import job
from splicebert.palette import VERMILION
from splicebert.tables import read_table, write_table


def draw_density(ax: Axes, table: pd.DataFrame, threshold: float) -> None:
    """Draw the density of phastCons (columns low, high, density) with the threshold's line."""
    edges = [*table["low"], table["high"].iloc[-1]]
    ax.stairs(table["density"], edges, fill=True, color="0.75")
    ax.stairs(table["density"], edges, color="0.35", linewidth=0.7)
    ax.axvline(threshold, color=VERMILION, linestyle=(0, (4, 3)))
    ax.text(
        threshold - 0.02, 0.97, f"conserved\n≥ {threshold:g}", transform=ax.get_xaxis_transform(),
        ha="right", va="top", color=VERMILION,
    )  # fmt: skip
    # Most bases have a phastCons near 0: on a linear axis nothing else would be seen.
    ax.set(xlabel="phastCons", ylabel="Density", xlim=(0, 1), yscale="log")


def draw_curves(ax: Axes, curves: pd.DataFrame, metrics: pd.DataFrame, models: dict) -> None:
    """Draw a precision-recall curve a model, its AP and interval in the legend.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        Columns model, recall, precision, of one split.
    metrics
        Columns model, metric, value, low, high, of the same split.
    models
        Model -> {label, colour}, in the order of the legend.
    """
    for model, look in models.items():
        part = curves[curves["model"] == model]
        ap = metrics[(metrics["model"] == model) & (metrics["metric"] == "ap")].iloc[0]
        label = f"{look['label']}  {ap['value']:.3f} ({ap['low']:.3f}–{ap['high']:.3f})"
        ax.plot(part["recall"], part["precision"], color=look["colour"], label=label)
    prevalence = metrics.loc[metrics["metric"] == "prevalence", "value"].iloc[0]
    ax.axhline(prevalence, color="0.4", linewidth=0.7, linestyle=(0, (4, 3)),
               label=f"Prevalence  {prevalence:.3f}")  # fmt: skip
    ax.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.02))
    ax.legend(title="AP (95 % interval)", loc="upper right", alignment="right", borderaxespad=0)


def draw(
    *,
    density: pd.DataFrame,
    curves: pd.DataFrame,
    metrics: pd.DataFrame,
    models: dict,
    splits: list[str],
    threshold: float,
) -> Figure:
    """Draw the whole figure: the density, then the curves of each split.

    Parameters
    ----------
    density, curves, metrics
        Tables of one data set.
    models
        Model -> {label, colour}.
    splits
        Splits in the order of the panels.
    threshold
        phastCons from which a base is conserved.
    """
    n = 1 + len(splits)
    figure, axes = plotting.plt.subplots(1, n, figsize=(68 * n * plotting.MM, 62 * plotting.MM))
    draw_density(axes[0], density, threshold)
    for ax, split in zip(axes[1:], splits, strict=True):
        own = metrics[metrics["split"] == split]
        draw_curves(ax, curves[curves["split"] == split], own, models)
        ax.set_title(f"Test on other {split}s\nn = {own['n_test'].max():,} bases")
    plotting.label_panels(dict(zip("ABCDE", axes, strict=False)))
    return figure


def of_dataset(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Rows of one data set."""
    return table[table["dataset"] == dataset].reset_index(drop=True)


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    with job(snakemake) as log, plotting.style(inputs.style):
        schemas = {"density": DENSITY, "curves": PR_CURVES, "metrics": PROBE_METRICS}
        tables = {
            name: of_dataset(read_table(inputs[name], schema), snakemake.wildcards.dataset)
            for name, schema in schemas.items()
        }
        figure = draw(
            **tables, models=params.models, splits=params.splits, threshold=params.threshold
        )
        plotting.save(figure, snakemake.output.pdf, snakemake.output.png)
        for name, table in tables.items():
            write_table(table, snakemake.output[name], schemas[name])
        log.info("%d curves", tables["curves"].groupby(["model", "split"]).ngroups)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
