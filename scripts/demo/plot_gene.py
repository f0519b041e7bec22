"""A gene of the synthetic genome with everything that was planted in it."""

import numpy as np
import pandas as pd
import pyBigWig
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from splicebert import plotting
from splicebert.jobs import job
from splicebert.palette import ACCEPTOR, BLUE, DONOR, GREEN, GREY, ORANGE, PURPLE, VERMILION
from splicebert.tables import atomic_path

# Row of the upper panel -> colour, label.
ROWS = {
    "exons": (BLUE, "Exons (thick: coding)"),
    "domains": (PURPLE, "Protein domains"),
    "elements": (GREEN, "Conserved elements"),
    "repeats": (GREY, "Repeats"),
    "decoys": (VERMILION, "Decoys"),
    "branchpoints": (ORANGE, "Branchpoints"),
}


def choose_gene(spliced: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> str:
    """Return the transcript of 4 to 7 spliced exons that shows most kinds of planted sequence."""
    sizes = spliced.groupby("tx_id")["exon_number"].count()
    candidates = sizes[sizes.between(4, 7)].index
    if candidates.empty:
        return sizes.idxmax()
    spans = spliced.groupby("tx_id").agg({"chrom": "first", "start": "min", "end": "max"})
    rank = {
        tx: (len([name for name in ("domains", "elements", "repeats", "decoys")
                  if len(within(tables[name], span))]), span.start - span.end)
        for tx, span in spans.loc[candidates].iterrows()
    }  # fmt: skip
    return max(rank, key=rank.get)


def within(table: pd.DataFrame, span) -> pd.DataFrame:
    """Rows of a table that touch chrom, start, end of a span."""
    near = (table["end"] > span.start) & (table["start"] < span.end)
    return table[(table["chrom"] == span.chrom) & near]


def read_exons(path: str, tx_id: str) -> pd.DataFrame:
    """Exon and CDS rows of a transcript in a GTF: feature, chrom, start, end (0-based)."""
    names = ["chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes"]
    table = pd.read_csv(path, sep="\t", names=names, comment="#", quoting=3)
    table = table[table["attributes"].str.contains(f'transcript_id "{tx_id}"', regex=False)]
    return table.assign(start=table["start"] - 1)


def draw_parts(ax: Axes, tables: dict[str, pd.DataFrame], gtf: pd.DataFrame, span) -> None:
    """Draw a row of boxes for each kind of planted sequence."""
    for y, (name, (colour, _)) in enumerate(ROWS.items()):
        if name == "exons":
            ax.plot([span.start, span.end], [y, y], color="0.4", linewidth=0.7, zorder=0)
            boxes = [("exon", 0.3), ("CDS", 0.62)]
            parts = [(gtf[gtf["feature"] == kind], height) for kind, height in boxes]
        else:
            parts = [(within(tables[name], span), 0.55)]
        for table, height in parts:
            # A box narrower than a line can't be seen: 1/400 of the picture at least.
            width = np.maximum(table["end"] - table["start"], (span.end - span.start) / 400)
            boxes = list(zip(table["start"], width, strict=True))
            ax.broken_barh(boxes, (y - height / 2, height), color=colour, linewidth=0)
    ax.set(ylim=(len(ROWS) - 0.4, -0.6), yticks=range(len(ROWS)))
    ax.set_yticklabels([label for _, label in ROWS.values()])


def draw_usage(ax: Axes, sites: pd.DataFrame) -> None:
    """Draw the usage of each site as a stem: donors and acceptors in their colours."""
    for site, colour in (("donor", DONOR), ("acceptor", ACCEPTOR)):
        rows = sites[sites["site"] == site]
        ax.vlines(rows["start"] + 1, 0, rows["usage"], color=colour, linewidth=1)
        ax.plot(rows["start"] + 1, rows["usage"], "o", ms=3, color=colour, label=site.capitalize())
    ax.set(ylim=(0, 1.08), ylabel="Usage")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)


def draw_track(ax: Axes, values: np.ndarray, start: int, label: str) -> None:
    """Draw a conservation track."""
    ax.fill_between(np.arange(start, start + len(values)), values, step="mid", color="0.35", lw=0)
    ax.set_ylabel(label)


def draw(
    tables: dict[str, pd.DataFrame], gtf: pd.DataFrame, tracks: dict[str, np.ndarray], span
) -> Figure:
    """Draw the picture of a gene.

    Parameters
    ----------
    tables
        Truth tables by name.
    gtf
        Rows of the gene's transcript.
    tracks
        `phastcons` and `phylop`, float (span,).
    span
        chrom, start, end (0-based, half-open), strand, tx_id.
    """
    figure, axes = plotting.plt.subplots(
        4, 1, sharex=True, figsize=(180 * plotting.MM, 100 * plotting.MM),
        height_ratios=[2.4, 1, 1, 1],
    )  # fmt: skip
    draw_parts(axes[0], tables, gtf, span)
    sites = tables["splice_sites"]
    draw_usage(axes[1], sites[sites["tx_id"] == span.tx_id])
    draw_track(axes[2], tracks["phastcons"], span.start, "phastCons")
    draw_track(axes[3], tracks["phylop"], span.start, "phyloP")
    axes[3].set(xlabel=f"{span.chrom} (nt)", xlim=(span.start, span.end))
    arrow = "5'→3' from left to right" if span.strand == "+" else "5'→3' from right to left"
    axes[0].set_title(f"{span.tx_id}, {arrow}", loc="left")
    figure.align_ylabels(axes)
    return figure


def read_tracks(paths: dict[str, str], span) -> dict[str, np.ndarray]:
    """Values of the tracks on a span."""
    found = {}
    for name, path in paths.items():
        with pyBigWig.open(path) as track:
            found[name] = track.values(span.chrom, span.start, span.end, numpy=True)
    return found


def plotted(
    tables: dict[str, pd.DataFrame], gtf: pd.DataFrame, tracks: dict[str, np.ndarray], span
) -> pd.DataFrame:
    """Everything that `draw` draws: part, chrom, start, end, value (of a site or a track)."""
    kinds = {kind: gtf[gtf["feature"] == kind] for kind in ("exon", "CDS")}
    kinds |= {name: within(tables[name], span) for name in ROWS if name != "exons"}
    sites = tables["splice_sites"]
    for site, rows in sites[sites["tx_id"] == span.tx_id].groupby("site"):
        kinds[site] = rows.assign(value=rows["usage"])
    for name, values in tracks.items():
        start = np.arange(span.start, span.start + len(values))
        kinds[name] = pd.DataFrame({"start": start, "end": start + 1, "value": values})
    parts = [rows.assign(part=name, chrom=span.chrom) for name, rows in kinds.items()]
    columns = ["part", "chrom", "start", "end", "value"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def main(snakemake):
    inputs = snakemake.input
    names = ["splice_sites", "branchpoints", "spliced_exons", "decoys", "domains", "repeats"]
    with job(snakemake) as log, plotting.style(inputs.style):
        tables = {n: pd.read_csv(inputs[n], sep="\t") for n in (*names, "elements")}
        tx_id = choose_gene(tables["spliced_exons"], tables)
        gtf = read_exons(inputs.annotation, tx_id)
        span = gtf[gtf["feature"] == "transcript"].iloc[0].copy()
        span["tx_id"] = tx_id
        tracks = read_tracks({n: inputs[n] for n in ("phastcons", "phylop")}, span)
        figure = draw(tables, gtf, tracks, span)
        plotting.save(figure, snakemake.output.pdf, snakemake.output.png)
        with atomic_path(snakemake.output.table) as path:
            plotted(tables, gtf, tracks, span).to_csv(
                path, sep="\t", index=False, float_format="%.6g"
            )
        log.info("%s", tx_id)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
