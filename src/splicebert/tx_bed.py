"""Transcripts as BED6, with the names that the paper's files have."""

from __future__ import annotations

from os import PathLike

import pandas as pd

from splicebert.annotation_build import merge_lncrna
from splicebert.bed import bed_rows, check_strand, parse_bed
from splicebert.tables import TX_BED, validate
from splicebert.textfile import raise_first, split_lines


def tx_to_bed(transcripts: pd.DataFrame) -> pd.DataFrame:
    """Put transcripts into the BED6 form of the paper.

    Parameters
    ----------
    transcripts
        tx_id, gene_id, gene_name, gene_type, chrom, start, end, strand.

    Returns
    -------
    DataFrame
        chrom, start, end, name, score (`.`), strand, for `write_bed`; name is
        `tx_id|gene_id|gene_name|gene_type|.`.
    """
    bed = transcripts[["chrom", "start", "end"]].reset_index(drop=True)
    fields = transcripts[["tx_id", "gene_id", "gene_name", "gene_type"]]
    bed["name"] = ["|".join((*row, ".")) for row in fields.itertuples(index=False)]
    bed["score"] = "."
    bed["strand"] = transcripts["strand"].to_numpy()
    return bed


def read_tx_bed(path: str | PathLike) -> pd.DataFrame:
    """Read transcripts from a BED6 file in the form of the paper.

    Parameters
    ----------
    path
        The name is `tx_id|gene_id|gene_name|gene_type` with any further fields, or
        `tx_id|gene_name`.

    Returns
    -------
    DataFrame
        Schema `TX_BED`, in file order. gene_id is gene_name, and gene_type missing, where the
        name has two fields; old biotypes of long non-coding RNA become lncRNA.

    Raises
    ------
    FormatError
        As `read_bed`; also a name of another form, a transcript of no strand, a tx_id
        given twice.
    """
    lines = split_lines(path)
    rows = bed_rows(lines)
    bed = parse_bed(lines, rows, min_columns=6)
    parts = bed["name"].str.split("|", expand=True).reindex(columns=range(4))
    raise_first(
        parts[1].isna() | (parts[0] == ""),
        lines,
        rows,
        lambda i: (
            f"name is {bed['name'][i]!r}, expected 'tx_id|gene_id|gene_name|gene_type|.' or "
            "'tx_id|gene_name'"
        ),
    )
    check_strand(bed["strand"], lines, rows, ("+", "-"))
    raise_first(
        parts[0].duplicated(),
        lines,
        rows,
        lambda i: f"tx_id {parts[0][i]!r} a second time, expected each transcript once",
    )
    short = parts[2].isna()
    table = bed[["chrom", "start", "end", "strand"]].assign(
        tx_id=parts[0],
        gene_id=parts[1],
        gene_name=parts[2].where(~short, parts[1]),
        gene_type=merge_lncrna(parts[3]),
    )
    return validate(table, TX_BED, path)
