"""SNVs of a VCF in their windows: read, checked against the genome, put on their strand."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from ..errors import FormatError, GenomeError
from ..formats import parse_mpra_id
from ..genome import Genome
from ..sequence import BASES, reverse_complement
from ..sites import centred_window, site_offsets

log = logging.getLogger(__name__)
STRANDS = {"+": "+", "-": "-", "1": "+", "-1": "-", "+1": "+"}
_INFO_STRAND = re.compile(r"(?:^|;)STRAND=([^;]*)")


class Variant(NamedTuple):
    """An SNV in its window.

    chrom, pos : as in the VCF, pos 1-based
    id, ref, alt : as in the VCF, forward strand
    strand : + or -, on which the window is read
    window : 0-based half-open, forward strand
    exon : likewise, or None
    offset : 0-based, in the window read 5'->3'
    sequence : the reference, 5'->3'
    bases : REF and ALT on that strand
    """

    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    strand: str
    window: tuple[int, int]
    exon: tuple[int, int] | None
    offset: int
    sequence: str
    bases: tuple[str, str]

    @property
    def alternative(self) -> str:
        """The window with the alternative base."""
        return self.sequence[: self.offset] + self.bases[1] + self.sequence[self.offset + 1 :]


class Rules(NamedTuple):
    """How windows are laid.

    length : nt
    strand : + or - for records without STRAND in INFO; None demands it
    exon_start : 'VexSeq' or 'MFASS' where IDs name exons, whose windows are centred on them
    skip_mismatches : count records whose REF is not the genome's instead of refusing them
    """

    length: int
    strand: str | None = None
    exon_start: str | None = None
    skip_mismatches: bool = False


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


def lay_windows(
    table: pd.DataFrame, genome: Genome, rules: Rules, path: str, skipped: Counter
) -> Iterator[Variant]:
    """Yield the variants in their windows, in file order.

    Parameters
    ----------
    table
        From `split_snvs`.
    genome
        The assembly of the VCF.
    rules
        How windows are laid.
    path
        Name of the VCF, for messages.
    skipped
        Reason -> number; added to.

    Raises
    ------
    FormatError
        Names the line: REF that is not the genome's, an unknown contig, no strand, an ID of
        another form.
    """
    if rules.exon_start is not None and len(table):
        exons = parse_mpra_id(table, rules.exon_start, path)
        table = table.assign(**exons[["exon_start", "exon_end", "strand"]])
    for row in table.itertuples():
        try:
            problem = _mismatch(row, genome)
        except GenomeError as error:
            problem = str(error)
        if problem and not rules.skip_mismatches:
            raise FormatError(
                f"{problem}; --skip-mismatches leaves such records out", path, row.line
            )
        if problem:
            skipped["REF not as in the genome"] += 1
            continue
        strand, exon, window = _place(row, rules, path)
        if not window[0] <= row.start < window[1]:
            skipped["outside the window of its exon"] += 1
            continue
        yield _variant(row, genome, strand, window, exon)


def _mismatch(row: NamedTuple, genome: Genome) -> str:
    """What is wrong with REF, empty where nothing is."""
    found = genome.fetch(row.chrom, row.start, row.start + 1).upper()
    if found == row.ref.upper():
        return ""
    size = genome.contigs[genome.resolve(row.chrom)]
    what = repr(found) if row.start < size else f"no such position, it ends at {size}"
    return (
        f"REF is {row.ref!r}, the genome {genome.path} has {what} at {row.chrom}:{row.start + 1} "
        "(1-based, forward strand). Is it the assembly of the VCF?"
    )


def _place(
    row: NamedTuple, rules: Rules, path: str
) -> tuple[str, tuple[int, int] | None, tuple[int, int]]:
    """Strand, exon and window of a record."""
    if rules.exon_start is not None:
        exon = (row.exon_start, row.exon_end)
        return row.strand, exon, centred_window(*exon, rules.length)
    strand = _strand(row, rules, path)
    return strand, None, window_around(row.start, rules.length, strand)


def window_around(position: int, length: int, strand: str) -> tuple[int, int]:
    """Window in which `position` has the offset length // 2 when it is read 5'->3' on `strand`.

    As in the paper's mutagenesis; with an even length the strands' windows differ by one base, so
    that either strand sees as many bases upstream.
    """
    left, right = centred_window(position, position + 1, length)
    shift = 1 if strand == "-" and length % 2 == 0 else 0
    return left + shift, right + shift


def _strand(row: NamedTuple, rules: Rules, path: str) -> str:
    found = _INFO_STRAND.search(row.info)
    if found is None and rules.strand is None:
        raise FormatError(
            "INFO has no STRAND=+ or STRAND=-; a pre-mRNA has a strand: give --strand + or - for "
            "records without it",
            path,
            row.line,
        )
    if found is None:
        return rules.strand
    if found[1] not in STRANDS:
        raise FormatError(f"STRAND in INFO is {found[1]!r}, expected + or -", path, row.line)
    return STRANDS[found[1]]


def _variant(
    row: NamedTuple,
    genome: Genome,
    strand: str,
    window: tuple[int, int],
    exon: tuple[int, int] | None,
) -> Variant:
    offset, _ = site_offsets(row.start, row.start + 1, window, strand)
    alleles = (row.ref.upper(), row.alt.upper())
    bases = alleles if strand == "+" else tuple(map(reverse_complement, alleles))
    sequence = genome.fetch(row.chrom, *window, strand).upper()
    place = (row.chrom, row.start + 1, row.id, row.ref, row.alt)
    return Variant(*place, strand, window, exon, offset, sequence, bases)
