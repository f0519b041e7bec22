"""phastCons and phyloP of the windows on which the probe is trained and tested."""

import contextlib

import numpy as np
import pandas as pd

from splicebert.arrays import ArrayWriter
from splicebert.conservation_tables import CONSERVATION_WINDOWS
from splicebert.errors import GenomeError
from splicebert.genome import Track, read_contigs, resolve_contig
from splicebert.jobs import job
from splicebert.tables import atomic_path, read_table


def check_phastcons(values: np.ndarray, path: str) -> None:
    """Raise ValueError where a track is no phastCons (values outside [0, 1])."""
    low, high = np.nanmin(values, initial=0.0), np.nanmax(values, initial=1.0)
    if low < 0 or high > 1:
        raise ValueError(
            f"{path}: values from {low:g} to {high:g}; phastCons lies in [0, 1]. Are phastcons and "
            "phylop swapped in the configuration?"
        )


def check_assembly(track: Track, windows: pd.DataFrame, contigs: dict[str, int]) -> None:
    """Raise GenomeError where a contig has another length in the track than in the genome."""
    for chrom in windows["chrom"].unique():
        found = track.contigs[resolve_contig(chrom, track.contigs, track.path)]
        if found != contigs[chrom]:
            raise GenomeError(
                f"{track.path}: contig {chrom} has {found} nt, in the genome {contigs[chrom]} nt; "
                "the track is on another assembly"
            )


def main(snakemake):
    tracks = {"phastcons": snakemake.input.phastcons}
    if snakemake.input.get("phylop"):
        tracks["phylop"] = snakemake.input.phylop
    with job(snakemake) as log, contextlib.ExitStack() as stack:
        windows = read_table(snakemake.input.windows, CONSERVATION_WINDOWS)
        length = int((windows["end"] - windows["start"]).iloc[0])
        opened = {name: stack.enter_context(Track(path)) for name, path in tracks.items()}
        for track in opened.values():
            check_assembly(track, windows, read_contigs(snakemake.input.fai))
        path = stack.enter_context(atomic_path(snakemake.output.annotation))
        fields = dict.fromkeys(tracks, ((length,), "float32"))
        writer = stack.enter_context(ArrayWriter(path, windows["window_id"], fields))
        missing = 0
        for w in windows.itertuples(index=False):
            row = {
                name: track.values(w.chrom, w.start, w.end, w.strand)
                for name, track in opened.items()
            }
            check_phastcons(row["phastcons"], tracks["phastcons"])
            missing += int(np.isnan(np.stack(list(row.values()))).any(axis=0).sum())
            writer.append(**row)
        log.info("%d windows, %d bases without a value are left out", len(windows), missing)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
