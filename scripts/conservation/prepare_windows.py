"""Tile canonical transcripts with windows and sample those of one analysis."""

import logging

import pandas as pd

from splicebert.conservation import longest_per_gene, sample_rows, tile
from splicebert.conservation_tables import CONSERVATION_WINDOWS
from splicebert.errors import GenomeError, SpliceBERTError
from splicebert.genome import check_within, contig_aliases, read_contigs, rename_contigs
from splicebert.jobs import job
from splicebert.tables import TRANSCRIPTS, read_table, write_table
from splicebert.tx_bed import read_tx_bed


def read_transcripts(path: str) -> pd.DataFrame:
    """Read the paper's BED6 of transcripts, or the canonical ones of a table of transcripts."""
    if path.endswith(".parquet"):
        table = read_table(path, TRANSCRIPTS)
        return table[table["is_canonical"]].reset_index(drop=True)
    return read_tx_bed(path)


def without_contigs(transcripts: pd.DataFrame, skip: list[str]) -> pd.DataFrame:
    """Leave out contigs, named with or without chr."""
    skipped = {alias for name in skip for alias in contig_aliases(name)}
    kept = transcripts[~transcripts["chrom"].isin(skipped)].reset_index(drop=True)
    if kept.empty:
        raise SpliceBERTError(
            f"none of the {len(transcripts)} transcripts is left outside the contigs "
            f"{', '.join(skip)}; check conservation.windows.skip_contigs"
        )
    return kept


def on_genome(
    transcripts: pd.DataFrame, contigs: dict[str, int], source: str, missing: str
) -> pd.DataFrame:
    """Spell contigs as the genome does; those that it lacks are an error, or are left out."""
    table = rename_contigs(transcripts, contigs, source, must_exist=False)
    known = table["chrom"].isin(contigs)
    if not known.all():
        names = table.loc[~known, "chrom"].unique()
        some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        found = f"{source}: {(~known).sum()} transcripts lie on {len(names)} contigs that it lacks"
        if missing == "error" or not known.any():
            raise GenomeError(
                f"{found}: {some}; it holds {len(contigs)} contigs, such as {next(iter(contigs))}. "
                "Use the genome of the annotation's assembly, or leave them out with "
                "conservation.windows.missing_contigs: skip"
            )
        logging.getLogger(__name__).warning("%s, left out: %s", found, some)
    check_within(table[known], contigs, source)
    return table[known].reset_index(drop=True)


def prepare(
    transcripts: pd.DataFrame, contigs: dict, *, windows: dict, sample: dict, source: str = "genome"
) -> pd.DataFrame:
    """Tile transcripts and sample windows, in the order of the tiling (CONSERVATION_WINDOWS).

    Parameters
    ----------
    transcripts
        Columns tx_id, gene_name, chrom, start, end (0-based half-open), strand.
    contigs
        Contig -> length of the genome; the windows' contigs are spelt as here.
    windows, sample
        Of the configuration: length, lead, skip_contigs, missing_contigs; windows (how many), seed.
    source
        The genome's file, for messages.
    """
    kept = without_contigs(transcripts, windows["skip_contigs"])
    kept = longest_per_gene(on_genome(kept, contigs, source, windows["missing_contigs"]))
    tiles = tile(kept, windows["length"], windows["lead"])
    return tiles[sample_rows(len(tiles), sample["windows"], sample["seed"])].reset_index(drop=True)


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    with job(snakemake) as log:
        table = prepare(
            read_transcripts(inputs.transcripts),
            read_contigs(inputs.fai),
            windows=params.windows,
            sample=params.sample,
            source=inputs.fasta,
        )
        write_table(table, snakemake.output.windows, CONSERVATION_WINDOWS)
        log.info("%d windows on %d contigs", len(table), table["chrom"].nunique())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
