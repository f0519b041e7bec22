"""Figure 5: precision-recall curves of branchpoints, test sets of all folds pooled."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.branchpoint_panels import interval_text, of
from splicebert.branchpoint_tables import BRANCHPOINT_CURVES, BRANCHPOINT_PERFORMANCE
from splicebert.jobs import job
from splicebert.tables import read_table, write_table


def draw_curves(
    ax: Axes, curves: pd.DataFrame, performance: pd.DataFrame, styles: Mapping[str, Mapping]
) -> None:
    """Draw a curve a method, AP with its interval in the legend, chance as a dashed line.

    Parameters
    ----------
    ax
        Where to draw.
    curves, performance
        Rows of BRANCHPOINT_CURVES and BRANCHPOINT_PERFORMANCE of one data set.
    styles
        Method -> label and colour.
    """
    for method, style in styles.items():
        own, row = of(curves, method=method), of(performance, method=method, metric="ap").iloc[0]
        label = f"{style['label']}: AP {interval_text(row)}"
        ax.plot(own["recall"], own["precision"], color=style["colour"], label=label)
    ax.axhline(row["chance"], color="black", linewidth=0.6, linestyle=(0, (3, 2)),
               label=f"Chance: {row['chance']:.3f}")  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Recall", ylabel="Precision")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), fontsize=6)


def draw(curves: pd.DataFrame, performance: pd.DataFrame, styles: Mapping[str, Mapping]) -> Figure:
    """Draw a panel a data set from rows of BRANCHPOINT_CURVES and BRANCHPOINT_PERFORMANCE."""
    datasets = list(performance["dataset"].unique())
    size = (80 * len(datasets) * plotting.MM, (68 + 4 * len(styles)) * plotting.MM)
    figure, axes = plotting.plt.subplots(1, len(datasets), figsize=size, squeeze=False)
    for ax, dataset in zip(axes[0], datasets, strict=True):
        own = of(performance, dataset=dataset)
        draw_curves(ax, of(curves, dataset=dataset), own, styles)
        first = own.iloc[0]
        ax.set_title(f"{dataset}: {first['n_positive']:,} branchpoints, "
                     f"{first['n_introns']:,} introns", loc="left")  # fmt: skip
    if len(datasets) > 1:
        plotting.label_panels(dict(zip("ABCDEFGH", axes[0], strict=False)))
    return figure


def main(snakemake):
    inputs, outputs = snakemake.input, snakemake.output
    with job(snakemake) as log, plotting.style(inputs.style):
        curves = read_table(inputs.curves, BRANCHPOINT_CURVES)
        performance = read_table(inputs.performance, BRANCHPOINT_PERFORMANCE)
        figure = draw(curves, performance, snakemake.params.methods)
        plotting.save(figure, outputs.pdf, outputs.png)
        write_table(curves, outputs.curves, BRANCHPOINT_CURVES)
        log.info("%d points", len(curves))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
