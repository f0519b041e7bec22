"""From parsed transcript models to the tables of transcripts and exons."""

from __future__ import annotations

from os import PathLike

import numpy as np
import pandas as pd

from splicebert.annotation_io import Models
from splicebert.errors import FormatError
from splicebert.tables import EXONS, TRANSCRIPTS, validate

# Biotypes of GENCODE and Ensembl before they were merged into lncRNA (GENCODE 31, Ensembl 97).
LNCRNA_TYPES = frozenset(
    (
        *("lncRNA", "lincRNA", "antisense", "antisense_RNA", "processed_transcript"),
        *("sense_intronic", "sense_overlapping", "non_coding", "macro_lncRNA", "ncrna_host"),
        *("3prime_overlapping_ncRNA", "3prime_overlapping_ncrna"),
        *("bidirectional_promoter_lncRNA", "bidirectional_promoter_lncrna"),
    )
)
CODING, LNCRNA = "protein_coding", "lncRNA"


def build_tables(
    models: Models, path: str | PathLike, infer_gene_type: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sort, number and check parsed transcripts.

    Parameters
    ----------
    models
        From a parser of `splicebert.annotation_io`.
    path
        The file, for error messages.
    infer_gene_type
        Whether a transcript without gene type gets one by its CDS.

    Returns
    -------
    transcripts, exons : DataFrame
        Schemas `TRANSCRIPTS` and `EXONS`; is_canonical marks what the tags of the file name.

    Raises
    ------
    FormatError
        Names the file and the line of a transcript without exons or gene type, with exons that
        overlap, or with a CDS outside of them.
    """
    tx = pd.DataFrame({name: pd.Series(values) for name, values in models.tx.items()})
    by_position = np.lexsort((models.exon_start, models.exon_tx))
    owner, start, end = (a[by_position] for a in models[1:])
    n_exons = np.bincount(owner, minlength=len(tx))
    _raise_for(tx, n_exons == 0, "has no exon rows", path)
    same = owner[1:] == owner[:-1]
    overlap = np.bincount(owner[1:][same & (start[1:] < end[:-1])], minlength=len(tx)) > 0
    _raise_for(tx, overlap, "has exons that overlap; expected each base in one exon", path)
    first = np.concatenate([[0], np.cumsum(n_exons)[:-1]])
    tx["start"], tx["end"], tx["n_exons"] = start[first], end[first + n_exons - 1], n_exons
    for name in ("cds_start", "cds_end"):
        tx[name] = tx[name].astype("Int64")
    outside = ((tx["cds_start"] < tx["start"]) | (tx["cds_end"] > tx["end"])).fillna(False)
    _raise_for(tx, outside, "has a CDS outside of its exons' range", path)
    tx["gene_type"] = _gene_types(tx, infer_gene_type, path)
    tx["tx_id"] = _unique_ids(tx["tx_id"])
    tx["is_canonical"] = tx["tagged"].astype(bool)
    order = np.lexsort((tx["start"], pd.factorize(tx["chrom"])[0]))
    table = validate(tx.loc[order, TRANSCRIPTS.names], TRANSCRIPTS, path)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return table, _number_exons(table, rank[owner], start, end)


def _raise_for(tx: pd.DataFrame, wrong: np.ndarray, text: str, path: str | PathLike) -> None:
    rows = np.flatnonzero(wrong)
    if rows.size:
        name, line = tx["tx_id"][rows[0]], int(tx["line"][rows[0]])
        more = f" ({rows.size} such transcripts)" if rows.size > 1 else ""
        raise FormatError(f"transcript {name} {text}{more}", path, line)


def _gene_types(tx: pd.DataFrame, infer: bool, path: str | PathLike) -> pd.Series:
    missing = tx["gene_type"].isna()
    if not infer:
        text = (
            "has neither gene_type nor gene_biotype; set infer_gene_type to call it "
            f"{CODING} if it has a CDS, else {LNCRNA}"
        )
        _raise_for(tx, missing, text, path)
    inferred = pd.Series(np.where(tx["cds_start"].isna(), LNCRNA, CODING))
    return merge_lncrna(tx["gene_type"].astype(object).where(~missing, inferred))


def merge_lncrna(gene_type: pd.Series) -> pd.Series:
    """Return gene types with the old names of long non-coding RNA replaced by lncRNA."""
    return gene_type.where(~gene_type.isin(LNCRNA_TYPES), LNCRNA)


def _unique_ids(ids: pd.Series) -> pd.Series:
    """Name the second and later transcripts of an id `<id>_dup2`, `<id>_dup3` and so on."""
    repeated = ids.duplicated()
    if not repeated.any():
        return ids
    ids, taken = ids.copy(), set(ids)
    for row in np.flatnonzero(repeated):
        number = 2
        while (name := f"{ids[row]}_dup{number}") in taken:
            number += 1
        ids[row] = name
        taken.add(name)
    return ids


def _number_exons(
    transcripts: pd.DataFrame, owner: np.ndarray, start: np.ndarray, end: np.ndarray
) -> pd.DataFrame:
    order = np.lexsort((start, owner))
    owner, start, end = owner[order], start[order], end[order]
    count = transcripts["n_exons"].to_numpy()
    rank = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
    minus = (transcripts["strand"] == "-").to_numpy()[owner]
    exons = transcripts.loc[owner, ["tx_id", "chrom", "strand"]].reset_index(drop=True)
    exons["start"], exons["end"] = start, end
    exons["exon_number"] = np.where(minus, count[owner] - rank, rank + 1)
    return validate(exons.loc[np.lexsort((exons["exon_number"], owner))], EXONS)
