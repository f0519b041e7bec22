"""Annotation of a synthetic genome as GENCODE-style GTF."""

from __future__ import annotations

import numpy as np
import pandas as pd

from splicebert.synthetic.spec import SyntheticGenome

FEATURES = ("gene", "transcript", "exon", "CDS", "start_codon", "stop_codon")
"""GTF features written, in the order of rows that begin at the same base."""
SOURCE = "SYNTHETIC"


def gtf_lines(genome: SyntheticGenome) -> list[str]:
    """Return the annotation as GTF lines.

    Lines are sorted by chromosome (in the genome's order), start and feature. As in GENCODE, CDS
    rows leave the stop codon out, and the canonical transcript's rows carry the tag
    `Ensembl_canonical`.

    Returns
    -------
    lines
        A `##` comment line, then 9 tab-separated columns; 1-based, both ends included.
    """
    table = pd.concat([_genes(genome), _transcripts(genome), *_parts(genome)])
    rank = {chrom: i for i, chrom in enumerate(genome.sequences)}
    feature = table["feature"].map({name: i for i, name in enumerate(FEATURES)})
    order = np.lexsort((table["key"], feature, table["start"], table["chrom"].map(rank)))
    columns = ["chrom", "feature", "start", "end", "strand", "frame", "attributes"]
    rows = table.iloc[order][columns].itertuples(index=False, name=None)
    lines = ["##description: synthetic genome with planted splice sites", "##format: gtf"]
    for chrom, feature, start, end, strand, frame, attributes in rows:
        fields = (chrom, SOURCE, feature, start + 1, end, ".", strand, frame, attributes)
        lines.append("\t".join(map(str, fields)))
    return lines


def _genes(genome: SyntheticGenome) -> pd.DataFrame:
    return genome.genes.assign(
        feature="gene",
        frame=".",
        key=genome.genes["gene_id"],
        attributes=_text(genome.genes, ("gene_id", "gene_type", "gene_name")),
    )


def _transcripts(genome: SyntheticGenome) -> pd.DataFrame:
    """Return transcript rows, with the attributes that their parts begin with."""
    names = genome.genes[["gene_id", "gene_type", "gene_name"]]
    table = genome.transcripts.merge(names, on="gene_id", validate="many_to_one")
    table = table.rename(columns=lambda name: name.replace("tx_", "transcript_"))
    keys = ("gene_id", "transcript_id", "gene_type", "gene_name", "transcript_type")
    base = _text(table, (*keys, "transcript_name"))
    tag = np.where(table["canonical"], ' tag "basic"; tag "Ensembl_canonical";', ' tag "basic";')
    return table.assign(
        feature="transcript",
        frame=".",
        key=table["transcript_id"],
        base=base,
        tag=tag,
        attributes=base + tag,
    )


def _text(table: pd.DataFrame, keys: tuple[str, ...]) -> pd.Series:
    """Join columns as `key "value";`."""
    parts = [key + ' "' + table[key].astype(str) + '";' for key in keys]
    return parts[0].str.cat(parts[1:], sep=" ")


def _parts(genome: SyntheticGenome) -> list[pd.DataFrame]:
    """Return exon, CDS, start codon and stop codon rows."""
    owners = _transcripts(genome)
    columns = ["transcript_id", "base", "tag", "cds_start", "cds_end"]
    exons = genome.exons.merge(
        owners[columns], left_on="tx_id", right_on="transcript_id", validate="many_to_one"
    )
    number = " exon_number " + exons["exon_number"].astype(str) + ";"
    exons = exons.assign(
        frame=".", key=exons["tx_id"], attributes=exons["base"] + number + exons["tag"]
    )
    plus = exons["strand"] == "+"
    # The codons' bases, in the first and last 3 of the coding range; which is which by strand.
    low, high = exons["cds_start"], exons["cds_end"]
    start_codon = pd.DataFrame({"left": low.where(plus, high - 3)})
    stop_codon = pd.DataFrame({"left": (high - 3).where(plus, low)})
    return [
        exons.assign(feature="exon"),
        _with_frame(_clipped(exons, low.where(plus, low + 3), (high - 3).where(plus, high), "CDS")),
        _clipped(exons, start_codon["left"], start_codon["left"] + 3, "start_codon", frame=0),
        _clipped(exons, stop_codon["left"], stop_codon["left"] + 3, "stop_codon", frame=0),
    ]


def _clipped(
    exons: pd.DataFrame, left: pd.Series, right: pd.Series, feature: str, frame: int | None = None
) -> pd.DataFrame:
    """Cut coding exons to [left, right) and drop what is empty."""
    cut = exons.assign(
        feature=feature,
        start=np.maximum(exons["start"], left),
        end=np.minimum(exons["end"], right),
    )
    cut = cut[(exons["cds_start"] >= 0) & (cut["start"] < cut["end"])]
    return cut if frame is None else cut.assign(frame=frame)


def _with_frame(cds: pd.DataFrame) -> pd.DataFrame:
    """Set `frame`: the bases at a CDS row's 5' end that belong to the codon before it."""
    length = cds["end"] - cds["start"]
    before = length.groupby(cds["tx_id"], sort=False).cumsum() - length
    return cds.assign(frame=-before % 3)
