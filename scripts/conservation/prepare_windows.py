"""Tile canonical transcripts with windows and draw those of the two analyses."""

import pandas as pd

from splicebert.conservation import CONSERVATION_WINDOWS, draw, longest_per_gene, tile
from splicebert.errors import SpliceBERTError
from splicebert.jobs import job, open_genome
from splicebert.tables import TRANSCRIPTS, read_table, write_table
from splicebert.transcripts import read_tx_bed


def read_transcripts(path: str) -> pd.DataFrame:
    """Read the paper's BED6 of transcripts, or the canonical ones of a table of transcripts."""
    if path.endswith(".parquet"):
        table = read_table(path, TRANSCRIPTS)
        return table[table["is_canonical"]].reset_index(drop=True)
    return read_tx_bed(path)


def prepare(transcripts: pd.DataFrame, *, windows: dict, mlm: dict, probe: dict) -> pd.DataFrame:
    """Table of the windows that either analysis drew, in the order of the tiling.

    Parameters
    ----------
    transcripts
        Columns tx_id, gene_name, chrom, start, end (0-based half-open), strand.
    windows, mlm, probe
        Sections of the configuration: length, lead, skip_contigs; windows (how many), seed.
    """
    kept = transcripts[~transcripts["chrom"].isin(windows["skip_contigs"])].reset_index(drop=True)
    if kept.empty:
        raise SpliceBERTError(
            f"none of the {len(transcripts)} transcripts is left outside the contigs "
            f"{', '.join(windows['skip_contigs'])}; check conservation.windows.skip_contigs"
        )
    tiles = tile(longest_per_gene(kept), windows["length"], windows["lead"])
    for column, section in (("in_mlm", mlm), ("in_probe", probe)):
        tiles[column] = draw(len(tiles), section["windows"], section["seed"])
    return tiles[tiles["in_mlm"] | tiles["in_probe"]].reset_index(drop=True)


def main(snakemake):
    params = snakemake.params
    with job(snakemake) as log:
        table = prepare(
            read_transcripts(snakemake.input.transcripts),
            windows=params.windows,
            mlm=params.mlm,
            probe=params.probe,
        )
        with open_genome(snakemake) as genome:
            for chrom in table["chrom"].unique():
                genome.resolve(chrom)  # fail here rather than in the middle of inference
        write_table(table, snakemake.output.windows, CONSERVATION_WINDOWS)
        counts = table[["in_mlm", "in_probe"]].sum()
        log.info("%d windows: %d for the MLM, %d for the probe", len(table), *counts)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
