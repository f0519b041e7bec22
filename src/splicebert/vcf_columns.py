"""Columns of the tables of variants."""

from __future__ import annotations

from splicebert.cli.writers import Column

from .scores import REACH

SKIPPED = (
    Column("record", "int"),
    Column("line", "int"),
    Column("chrom", "str"),
    Column("pos", "int"),
    *(Column(name, "str") for name in ("id", "ref", "alt", "reason", "detail")),
)


def score_columns(
    *,
    transcripts: bool = False,
    exon: bool = False,
    background: bool = False,
    profile: bool = False,
) -> list[Column]:
    """Columns of the scores, one row an alternative and strand.

    Parameters
    ----------
    transcripts
        With what an annotation tells.
    exon
        With the splice sites of the exon that a window is centred on.
    background
        With a percentile.
    profile
        With k(1) to k(100).
    """
    columns = [Column("record", "int"), Column("chrom", "str"), Column("pos", "int")]
    columns += [Column(name, "str") for name in ("id", "ref", "alt", "kind", "strand")]
    columns += [Column(name, "int") for name in ("window_start", "window_end", "offset")]
    if transcripts:
        columns += [Column(name, "str") for name in ("gene_name", "tx_id", "gene_type", "region")]
        columns += [Column("n_transcripts", "int")]
    columns += [Column(name, "float") for name in ("p_ref", "p_alt", "delta_p", "context_score")]
    columns += [Column("percentile", "float")] if background else []
    columns += [Column("max_kl", "float"), Column("max_kl_distance", "int")]
    if transcripts:
        for name in ("site", "top_site"):
            columns += [Column(name, "str"), *_site(name)]
        columns += [*_site("donor"), *_site("acceptor")]
    if exon:
        columns += [Column(name, "int") for name in ("exon_start", "exon_end")]
        sites = ("donor_kl", "acceptor_kl", "splice_site_score")
        columns += [Column(name, "float") for name in sites]
    columns += [Column("missing", "str")]
    return [*columns, Column("profile", "vector", REACH, 1)] if profile else columns


def _site(name: str) -> list[Column]:
    return [Column(f"{name}_distance", "int?"), Column(f"{name}_kl", "float")]
