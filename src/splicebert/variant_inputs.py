"""The variants of a published set (VCF) in the windows of their exons (protocol section 4)."""

from __future__ import annotations

from collections import Counter
from os import PathLike
from typing import Literal

import numpy as np
import pandas as pd

from .errors import FormatError
from .formats import parse_mpra_id, read_vcf
from .genome import Genome, Track, rename_contigs
from .sequence import BASES
from .sites import centred_window
from .variant_tables import SNV_TRACKS

Choice = Literal["error", "skip"]
MISMATCH = "REF not as in the genome"
NO_CONTIG = "on a contig that the genome lacks"


def split_snvs(table: pd.DataFrame, skipped: Counter) -> pd.DataFrame:
    """Keep the SNVs of a VCF, one row an alternative; count the others by reason.

    Parameters
    ----------
    table
        From `formats.read_vcf`.
    skipped
        Reason -> number of alternatives; added to.
    """
    alts = table["alt"].str.split(",")
    rows = table.loc[table.index.repeat(alts.str.len())].assign(alt=alts.explode())
    ref, alt = rows["ref"].str.upper(), rows["alt"].str.upper()
    reasons = {
        "no alternative (ALT is .)": alt == ".",
        "a symbolic allele or breakend": ~alt.str.fullmatch("[A-Z]+"),
        "an insertion, deletion or several bases": (ref.str.len() != 1) | (alt.str.len() != 1),
        "a base other than A, C, G, T": ~(ref.isin(list(BASES)) & alt.isin(list(BASES))),
        "ALT equal to REF": ref == alt,
    }
    keep = pd.Series(True, index=rows.index).to_numpy()
    for reason, wrong in reasons.items():
        skipped[reason] += int((keep & wrong.to_numpy()).sum())
        keep &= ~wrong.to_numpy()
    return rows[keep].reset_index(drop=True)


def read_snvs(path: str | PathLike, kind: str, skipped: Counter) -> pd.DataFrame:
    """Read the SNVs of a published set.

    Parameters
    ----------
    path
        VCF whose IDs are `mut_id|.|exon_start|exon_end|strand|ref_psi|delta_psi|label`.
    kind
        VexSeq (exon_start 1-based) or MFASS (0-based).
    skipped
        Reason -> number of other records; added to.

    Returns
    -------
    DataFrame
        In file order: variant_id, chrom, position (0-based), ref, alt (forward strand), strand,
        exon_start, exon_end (0-based half-open), ref_psi, delta_psi, line (1-based).
    """
    table = split_snvs(read_vcf(path), skipped)
    if table.empty:
        raise FormatError("holds no SNV; expected the variants of " + kind, path)
    exons = parse_mpra_id(table, kind, path)
    ref, alt = table["ref"].str.upper(), table["alt"].str.upper()
    line, pos = table["line"].astype(str), (table["start"] + 1).astype(str)
    return pd.DataFrame(
        {
            "variant_id": line + ":" + table["chrom"] + ":" + pos + ":" + ref + ">" + alt,
            "chrom": table["chrom"],
            "position": table["start"],
            "ref": ref,
            "alt": alt,
            **{name: exons[name] for name in ("strand", "exon_start", "exon_end")},
            **{name: exons[name] for name in ("ref_psi", "delta_psi")},
            "line": table["line"],
        }
    )


def on_genome(
    table: pd.DataFrame,
    genome: Genome,
    path: str | PathLike,
    skipped: Counter,
    *,
    mismatches: Choice = "error",
) -> pd.DataFrame:
    """Spell contigs as the genome does, and keep the variants whose REF is the genome's.

    Parameters
    ----------
    table
        From `read_snvs`.
    genome
        The assembly of the VCF.
    path
        Of the VCF, for messages.
    skipped
        Reason -> number; added to.
    mismatches
        error, or skip to leave out variants on unknown contigs or with another REF.

    Raises
    ------
    FormatError
        Names the line of the first such variant, if `mismatches` is error.
    """
    table = rename_contigs(table, genome.contigs, genome.path, must_exist=mismatches == "error")
    lacking = ~table["chrom"].isin(genome.contigs).to_numpy()
    skipped[NO_CONTIG] += int(lacking.sum())
    table = table[~lacking]
    found = [
        genome.fetch(row.chrom, row.position, row.position + 1).upper()
        for row in table.itertuples(index=False)
    ]
    wrong = np.array(found) != table["ref"].to_numpy(str)
    if wrong.any() and mismatches == "error":
        row = table.iloc[int(np.flatnonzero(wrong)[0])]
        raise FormatError(
            f"REF is {row['ref']!r}, the genome {genome.path} has "
            f"{found[int(np.flatnonzero(wrong)[0])]!r} at {row['chrom']}:{row['position'] + 1} "
            f"(1-based; {int(wrong.sum())} of {len(table)} variants). Is it the assembly of the "
            "VCF? variant.mpra.mismatches: skip leaves such variants out",
            path,
            int(row["line"]),
        )
    skipped[MISMATCH] += int(wrong.sum())
    return table[~wrong].reset_index(drop=True)


def place_snvs(table: pd.DataFrame, length: int) -> pd.DataFrame:
    """Add the window centred on the exon, the variant's offset in it, and its place by the exon.

        + strand    . . a a [ e x o n ) d d . .
        distance    2 1 0 0   1 2 2 1   0 . .      to the nearer intron base beside the exon

    Parameters
    ----------
    table
        Columns position, strand, exon_start, exon_end (0-based half-open).
    length
        nt of a window.

    Returns
    -------
    DataFrame with start, end, offset (below 0 or past the window where the variant is not in it),
    is_exonic, and distance: 0 at the intron's base next to the exon, 1 at the other base of a
    dinucleotide and at the exon's outermost base.
    """
    position, first, after = (table[name] for name in ("position", "exon_start", "exon_end"))
    start, end = centred_window(first, after, length)
    plus = table["strand"] == "+"
    return table.assign(
        start=start,
        end=end,
        offset=(position - start).where(plus, end - 1 - position),
        is_exonic=(position >= first) & (position < after),
        distance=np.minimum((position - (first - 1)).abs(), (position - after).abs()),
    )


def outside_splice_sites(table: pd.DataFrame) -> pd.Series:
    """Tell the variants outside the dinucleotides: exonic, or 2 nt or more away (protocol 4)."""
    return table["is_exonic"] | (table["distance"] >= 2)


def number_groups(table: pd.DataFrame, genome: Genome) -> pd.DataFrame:
    """Number the distinct reference sequences in the order in which they come: column group."""
    places = table[["chrom", "start", "end", "strand"]].drop_duplicates()
    sequences = [genome.fetch(*row).upper() for row in places.itertuples(index=False)]
    number = pd.Series(pd.factorize(np.array(sequences, object))[0], index=places.index, name="n")
    keys = list(places.columns)
    joined = table[keys].merge(places.assign(group=number), on=keys, validate="many_to_one")
    return table.assign(group=joined["group"].to_numpy())


def draw_snvs(table: pd.DataFrame, most: int | None, seed: int) -> pd.DataFrame:
    """Draw at most so many variants without replacement, in file order (None: all)."""
    if most is None or len(table) <= most:
        return table
    chosen = np.random.default_rng(seed).choice(len(table), most, replace=False)
    return table.iloc[np.sort(chosen)].reset_index(drop=True)


def read_tracks(
    table: pd.DataFrame, phastcons: str | None, phylop: str | None, *, published: bool
) -> pd.DataFrame:
    """Conservation (phastCons, phyloP) of variants; missing where there is no track or value.

    Parameters
    ----------
    table
        Columns variant_id, chrom, position.
    phastcons, phylop
        bigWig files, or None.
    published
        Round to float16, as the paper's code keeps them.
    """
    out = table[["variant_id"]].reset_index(drop=True)
    for name, path in (("phastcons", phastcons), ("phylop", phylop)):
        values = track_values(table, path)
        rounded = values.astype(np.float16) if published else values
        out[name] = rounded.astype(np.float64)
    return out[SNV_TRACKS.names]


def track_values(table: pd.DataFrame, path: str | None) -> np.ndarray:
    """Values of a bigWig at single positions (chrom, position): float32 (n,), NaN where none."""
    if not path:
        return np.full(len(table), np.nan, np.float32)
    with Track(path) as track:
        return np.array(
            [
                track.values(row.chrom, row.position, row.position + 1)[0]
                for row in table.itertuples(index=False)
            ],
            np.float32,
        )
