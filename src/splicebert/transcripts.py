"""Transcripts, exons and introns of an annotation, and the region classes made of them."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.annotation_build import CODING, LNCRNA, build_tables
from splicebert.annotation_io import Models, parse_genepred, parse_gtf
from splicebert.tables import INTRONS, REGION_NAMES, REGIONS, validate
from splicebert.tx_bed import read_tx_bed, tx_to_bed

__all__ = [
    "REGION_NAMES",
    "Annotation",
    "choose_canonical",
    "introns",
    "read_annotation",
    "read_genepred",
    "read_gtf",
    "read_tx_bed",
    "region_classes",
    "tx_to_bed",
]


class Annotation(NamedTuple):
    """An annotation.

    Attributes
    ----------
    transcripts : DataFrame
        Schema `TRANSCRIPTS`; contigs in the order of the file, then by start, then in the order
        of the file.
    exons : DataFrame
        Schema `EXONS`; transcripts in that order, exons 5' to 3'.
    """

    transcripts: pd.DataFrame
    exons: pd.DataFrame


def read_gtf(path: str | PathLike, infer_gene_type: bool = False) -> Annotation:
    """Read a GTF file of GENCODE, Ensembl or UCSC.

    Coordinates become 0-based half-open. The coding range includes the stop codon, as in
    genePred: the stop_codon rows are joined to the CDS rows. Contig names stay as they are.

    Parameters
    ----------
    path
        Plain, gzip or bgzip; only transcript, exon, CDS and stop_codon rows are used.
    infer_gene_type
        Call a transcript without gene_type or gene_biotype protein_coding if it has a CDS, else
        lncRNA.

    Returns
    -------
    Annotation
        gene_name is the gene_id where the file has none. Old biotypes of long non-coding RNA
        (`LNCRNA_TYPES` of `splicebert.annotation_build`) become lncRNA. A transcript_id at
        several places becomes several transcripts, the second called `<id>_dup2`. is_canonical
        as from `choose_canonical`, with the tags Ensembl_canonical and MANE_Select.

    Raises
    ------
    FormatError
        Names the file and the 1-based line: fewer than 9 fields, no transcript_id or gene_id,
        start past end, a strand other than + or -, a row outside of its transcript, a transcript
        without exons, overlapping exons, a CDS outside of the exons' range, no gene type; no
        transcripts; a damaged file.
    """
    return _annotation(parse_gtf(path), path, infer_gene_type)


def read_genepred(path: str | PathLike) -> Annotation:
    """Read genePred, genePredExt, or UCSC's refGene with its leading bin column.

    Parameters
    ----------
    path
        Plain, gzip or bgzip; the form is told by the place of the strand.

    Returns
    -------
    Annotation
        gene_id and gene_name are name2 (the transcript where the file has none). The format has
        no gene type: protein_coding if there is a CDS, else lncRNA, which then includes small
        RNAs and pseudogenes. A name at several places: see `read_gtf`.

    Raises
    ------
    FormatError
        Names the file and the 1-based line: too few fields, a coordinate that is no whole
        number, a bad strand, exons that do not fit exonCount, txStart or txEnd, or overlap; no
        transcripts; a damaged file.
    """
    return _annotation(parse_genepred(path), path, infer_gene_type=True)


def read_annotation(path: str | PathLike, infer_gene_type: bool = False) -> Annotation:
    """Read a GTF file if `.gtf` is in its name, else genePred; see the two readers."""
    if ".gtf" in Path(path).name.lower():
        return read_gtf(path, infer_gene_type)
    return read_genepred(path)


def _annotation(models: Models, path: str | PathLike, infer_gene_type: bool) -> Annotation:
    transcripts, exons = build_tables(models, path, infer_gene_type)
    return Annotation(choose_canonical(transcripts), exons)


def choose_canonical(transcripts: pd.DataFrame) -> pd.DataFrame:
    """Choose one transcript of each gene name.

    Parameters
    ----------
    transcripts
        Schema `TRANSCRIPTS`; is_canonical marks those that the annotation names canonical.

    Returns
    -------
    DataFrame
        The same rows. is_canonical marks, of each gene_name, the longest on the genome of those
        that were marked, or of all where none was; of equally long ones the first row.
    """
    gene = pd.factorize(transcripts["gene_name"])[0]
    marked = transcripts["is_canonical"].to_numpy(dtype=bool)
    span = (transcripts["end"] - transcripts["start"]).to_numpy()
    order = np.lexsort((-span, ~marked, gene))
    chosen = np.zeros(len(transcripts), dtype=bool)
    chosen[order[np.diff(gene[order], prepend=-1) != 0]] = True
    return transcripts.assign(is_canonical=chosen)


def introns(exons: pd.DataFrame) -> pd.DataFrame:
    """Find the introns between the exons of each transcript.

    Parameters
    ----------
    exons
        Schema `EXONS`, in any order.

    Returns
    -------
    DataFrame
        Schema `INTRONS`, transcripts in the order of `exons`, introns 5' to 3'; intron k follows
        exon k. Exons that touch have no intron between them: its number is left out.

    Raises
    ------
    FormatError
        Exons of a transcript overlap.
    """
    owner = pd.factorize(exons["tx_id"])[0]
    order = np.lexsort((exons["exon_number"], owner))
    left, right = exons.iloc[order[:-1]], exons.iloc[order[1:]]
    same = owner[order[:-1]] == owner[order[1:]]
    plus = (left["strand"] == "+").to_numpy()
    # + strand: exon k ends where intron k starts;  - strand: exon k + 1 ends there.
    table = left.rename(columns={"exon_number": "intron_number"})[INTRONS.names]
    table["start"] = np.where(plus, left["end"], right["end"])
    table["end"] = np.where(plus, right["start"], left["start"])
    table = table[same & (table["start"] != table["end"]).to_numpy()]
    return validate(table, INTRONS)


def region_classes(annotation: Annotation, near: int = 100) -> pd.DataFrame:
    """Cut the canonical transcripts into the 12 region classes of the paper (Figure 1).

    Of protein_coding genes: exons in the pieces UTR5, CDS and UTR3; of lncRNA genes: exons. Of
    both: each whole intron; its first `near` bases (near_donor); its last ones (near_acceptor);
    what is left between them (deep_intronic_region). The two ends of an intron shorter than
    2 `near` overlap. A transcript of a protein_coding gene without a CDS gives introns only;
    other gene types give nothing. Pieces of no length are left out.

    Parameters
    ----------
    annotation
        Transcripts, of which the canonical ones are used, and exons.
    near
        Size of the ends of an intron, nt.

    Returns
    -------
    DataFrame
        Schema `REGIONS`, name one of `REGION_NAMES`; contigs in the order of the transcripts,
        then by start, end, name and strand. Transcripts that share a region each give a row.

    Raises
    ------
    ValueError
        `near` is negative.
    """
    if near < 0:
        raise ValueError(f"near is {near}, expected 0 or more nt")
    tx = annotation.transcripts
    used = tx[tx["is_canonical"] & tx["gene_type"].isin((CODING, LNCRNA))]
    columns = ["tx_id", "gene_type", "cds_start", "cds_end"]
    own = annotation.exons[annotation.exons["tx_id"].isin(used["tx_id"])]
    exons, gaps = (
        table.merge(used[columns], on="tx_id", validate="many_to_one")
        for table in (own, introns(own))
    )
    table = pd.concat(
        [
            _piece(exons[exons["gene_type"] == LNCRNA], "exon"),
            *_coding_pieces(exons[(exons["gene_type"] == CODING) & exons["cds_start"].notna()]),
            *_intron_pieces(gaps, near),
        ]
    )
    table = validate(table[table["start"] < table["end"]], REGIONS)
    order = dict(zip(tx["chrom"].unique(), range(len(tx)), strict=False))
    return table.iloc[
        table.assign(rank=table["chrom"].map(order))
        .sort_values(["rank", "start", "end", "name", "strand"], kind="stable")
        .index
    ].reset_index(drop=True)


def _piece(
    table: pd.DataFrame, part: object, start: object = None, end: object = None
) -> pd.DataFrame:
    """Return the intervals of a table, or others in their place, named gene_type|part."""
    return table.assign(
        start=table["start"] if start is None else start,
        end=table["end"] if end is None else end,
        name=table["gene_type"] + "|" + part,
    )[REGIONS.names]


def _coding_pieces(exons: pd.DataFrame) -> list[pd.DataFrame]:
    start, end = exons["start"], exons["end"]
    low, high = exons["cds_start"].astype("int64"), exons["cds_end"].astype("int64")
    plus = exons["strand"] == "+"
    # genome:  start ---[low === CDS === high)--- end;  UTR5 is left of it on +, right on -.
    return [
        _piece(exons, np.where(plus, "UTR5", "UTR3"), start, np.minimum(end, low)),
        _piece(exons, "CDS", np.maximum(start, low), np.minimum(end, high)),
        _piece(exons, np.where(plus, "UTR3", "UTR5"), np.maximum(start, high), end),
    ]


def _intron_pieces(gaps: pd.DataFrame, near: int) -> list[pd.DataFrame]:
    start, end = gaps["start"], gaps["end"]
    plus = gaps["strand"] == "+"
    return [
        _piece(gaps, "intron"),
        _piece(
            gaps, np.where(plus, "near_donor", "near_acceptor"), end=np.minimum(start + near, end)
        ),
        _piece(gaps, np.where(plus, "near_acceptor", "near_donor"), np.maximum(end - near, start)),
        _piece(gaps, "deep_intronic_region", start + near, end - near),
    ]
