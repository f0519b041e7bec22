"""Alternatives of a VCF: what they change, and the windows of either allele."""

from __future__ import annotations

import re
from os import PathLike
from typing import NamedTuple

from .errors import FormatError, SpliceBERTError
from .formats import EXON_START_BASE, MPRA_PATTERN
from .genome import Genome
from .scores import REACH
from .sequence import reverse_complement
from .sites import centred_window, site_offsets, window_around
from .vcf import Record

REASONS = {
    "no_alternative": "no alternative (ALT is .)",
    "outside_transcripts": "in no transcript of the annotation",
    "same_as_ref": "ALT equal to REF",
    "symbolic": "a symbolic allele, a breakend or *",
    "not_acgt": "a base other than A, C, G, T",
    "too_long": "longer than a window has room for",
    "not_snv": "an insertion, deletion or several bases, where --protocol-id takes SNVs alone",
    "unknown_contig": "a contig that the genome lacks",
    "past_contig": "a position behind the end of its contig",
    "ref_mismatch": "REF not as in the genome",
    "outside_window": "outside the window of its exon",
}
# There is nothing to score, so that leaving them out is no fault.
NOTHING_TO_SCORE = frozenset(("no_alternative", "outside_transcripts"))
STRANDS = {"+": "+", "-": "-", "1": "+", "-1": "-", "+1": "+"}
_INFO_STRAND = re.compile(r"(?:^|;)STRAND=([^;]*)")
_BASES = re.compile(r"[ACGT]+")
_LETTERS = re.compile(r"[A-Z]+")
_EXON_ID = re.compile(MPRA_PATTERN)


class Change(NamedTuple):
    """What an alternative changes, the bases that both alleles share at either end cut off.

    start : 0-based, forward strand; of an insertion the base that it stands before
    ref, alt : upper case, forward strand; ref is empty for an insertion, alt for a deletion
    """

    start: int
    ref: str
    alt: str

    @property
    def end(self) -> int:
        """0-based exclusive end of the changed bases of the reference."""
        return self.start + len(self.ref)

    @property
    def kind(self) -> str:
        """SNV, MNV, insertion, deletion or indel."""
        if len(self.ref) == len(self.alt):
            return "SNV" if len(self.ref) == 1 else "MNV"
        if not self.ref:
            return "insertion"
        return "indel" if self.alt else "deletion"


class Skip(NamedTuple):
    """Why an alternative is left out.

    reason : a key of `REASONS`
    detail : a sentence with what was found
    """

    reason: str
    detail: str


class Locus(NamedTuple):
    """An alternative in its window on one strand.

    record : number of the VCF's record, from 1
    chrom, pos, id, ref, alt : as in the VCF, pos 1-based
    change : what it changes, forward strand
    strand : + or -, on which the window is read
    window : of the reference, 0-based half-open, forward strand
    offset : 0-based, of the first changed base in the window read 5'->3'
    sequence, alternative : both alleles, of equal length, 5'->3', upper case
    bases : the changed bases of both on that strand
    exon : 0-based half-open where the window is centred on one, else None
    """

    record: int
    chrom: str
    pos: int
    id: str
    ref: str
    alt: str
    change: Change
    strand: str
    window: tuple[int, int]
    offset: int
    sequence: str
    alternative: str
    bases: tuple[str, str]
    exon: tuple[int, int] | None = None


def longest_allele(length: int) -> int:
    """Longest change that a window of `length` nt takes: 100 nt are left on either side."""
    return max(1, length - length // 2 - REACH)


def trim(start: int, ref: str, alt: str) -> Change:
    """Cut the bases that two alleles share off their ends, the last ones first."""
    end = 0
    while end < min(len(ref), len(alt)) and ref[-1 - end] == alt[-1 - end]:
        end += 1
    ref, alt = ref[: len(ref) - end], alt[: len(alt) - end]
    first = 0
    while first < min(len(ref), len(alt)) and ref[first] == alt[first]:
        first += 1
    return Change(start + first, ref[first:], alt[first:])


def read_change(record: Record, alt: str, longest: int) -> Change | Skip:
    """What an alternative of a record changes, or why it can't be scored."""
    ref, alt = record.ref.upper(), alt.upper()
    if alt == ".":
        return Skip("no_alternative", "ALT is .")
    if not _LETTERS.fullmatch(alt):
        return Skip("symbolic", f"ALT is {alt}, expected bases")
    if not (_BASES.fullmatch(ref) and _BASES.fullmatch(alt)):
        return Skip("not_acgt", "expected A, C, G and T alone")
    if ref == alt:
        return Skip("same_as_ref", "expected another allele")
    change = trim(record.start, ref, alt)
    size = max(len(change.ref), len(change.alt))
    if size > longest:
        return Skip("too_long", f"changes {size} nt, the windows take {longest}")
    return change


def check_reference(record: Record, genome: Reference) -> Skip | None:
    """Why a record does not fit the genome; None where it does."""
    size = genome.size(record.chrom)
    if size is None:
        return Skip("unknown_contig", genome.problem(record.chrom))
    end = record.start + len(record.ref)
    place = f"{record.chrom}:{record.start + 1} (1-based, forward strand)"
    if end > size:
        return Skip(
            "past_contig",
            f"REF {_short(record.ref)} at {place}: no such position, it ends at {size}. Is it the "
            "assembly of the VCF?",
        )
    found = genome.fetch(record.chrom, record.start, end)
    if found != record.ref.upper():
        return Skip(
            "ref_mismatch",
            f"REF is {_short(record.ref)}, the genome {genome.path} has {_short(found)} at "
            f"{place}. Is it the assembly of the VCF?",
        )
    return None


def _short(bases: str) -> str:
    return repr(bases if len(bases) <= 20 else f"{bases[:20]}...")


class Reference:
    """A genome read in pieces: records that lie close together share one read of the file."""

    PIECE = 1 << 15

    def __init__(self, genome: Genome) -> None:
        self._genome = genome
        self.path = genome.path
        self._names: dict[str, str | None] = {}
        self._problems: dict[str, str] = {}
        self._piece = ("", 0, "")

    def resolve(self, chrom: str) -> str | None:
        """The FASTA's own name of a contig (chr1 or 1); None where it has none."""
        if chrom not in self._names:
            try:
                self._names[chrom] = self._genome.resolve(chrom)
            except SpliceBERTError as error:
                self._names[chrom] = None
                self._problems[chrom] = str(error)
        return self._names[chrom]

    def size(self, chrom: str) -> int | None:
        """Length of a contig, nt; None where the genome has none of that name."""
        name = self.resolve(chrom)
        return None if name is None else self._genome.contigs[name]

    def problem(self, chrom: str) -> str:
        """What is wrong with a contig that is not there."""
        return self._problems[chrom]

    def fetch(self, chrom: str, start: int, end: int) -> str:
        """Bases of [start, end), forward strand, upper case, N outside the contig."""
        name, first, bases = self._piece
        if name != chrom or start < first or end > first + len(bases):
            first = start - 2048
            bases = self._genome.fetch(chrom, first, max(end, start + self.PIECE)).upper()
            self._piece = (chrom, first, bases)
        return bases[start - first : end - first]


def lay_window(
    record: Record, alt: str, change: Change, strand: str, length: int, genome: Reference
) -> Locus:
    """Put an alternative into windows of either allele.

        reference     u u u u [R R R] d d d d d      u: length // 2 bases upstream of the change
        alternative   u u u u [A] d d d d d d d      d: what follows, as much as the window holds

    So all alternatives that begin at a base, read 5'->3', share the window of the reference, in
    which an SNV has the offset length // 2.
    """
    upstream = length // 2
    start, end = change.start, change.end
    around = genome.fetch(record.chrom, start - length, end + length)
    before, after = around[:length], around[length + len(change.ref) :]
    bases = (change.ref, change.alt)
    window = window_around(start if strand == "+" else end - 1, length, strand)
    if strand == "+":
        head, tail = before[length - upstream :], after
    else:
        head, tail = reverse_complement(after[:upstream]), reverse_complement(before)
        bases = (reverse_complement(change.ref), reverse_complement(change.alt))
    sequence, alternative = ((head + allele + tail)[:length] for allele in bases)
    place = (record.number, record.chrom, record.start + 1, record.id, record.ref, alt)
    return Locus(*place, change, strand, window, upstream, sequence, alternative, bases)


def lay_exon_window(
    record: Record, alt: str, change: Change, exon: Exon, length: int, genome: Reference
) -> Locus | Skip:
    """Put an SNV into the window that is centred on its exon."""
    if change.kind != "SNV":
        return Skip("not_snv", f"{change.kind} of {max(map(len, change[1:]))} nt")
    start, end, strand = exon
    window = centred_window(start, end, length)
    if not window[0] <= change.start < window[1]:
        return Skip("outside_window", f"the window of its exon is {window[0]}-{window[1]}")
    offset, _ = site_offsets(change.start, change.end, window, strand)
    sequence, bases = genome.fetch(record.chrom, *window), (change.ref, change.alt)
    if strand == "-":
        sequence = reverse_complement(sequence)
        bases = (reverse_complement(change.ref), reverse_complement(change.alt))
    alternative = sequence[:offset] + bases[1] + sequence[offset + 1 :]
    place = (record.number, record.chrom, record.start + 1, record.id, record.ref, alt)
    alleles = (sequence, alternative, bases)
    return Locus(*place, change, strand, window, offset, *alleles, (start, end))


class Exon(NamedTuple):
    """Start and end, 0-based half-open, and strand of an exon."""

    start: int
    end: int
    strand: str


def read_exon(record: Record, convention: str, path: str | PathLike) -> Exon:
    """Read the exon in the ID of a variant of the MPRA sets; FormatError for an ID without one."""
    found = _EXON_ID.fullmatch(record.id)
    start = int(found["exon_start"]) - EXON_START_BASE[convention] if found else -1
    if not found or not 0 <= start < int(found["exon_end"]):
        raise FormatError(
            f"ID is {record.id!r}, expected mut_id|.|exon_start|exon_end|strand|ref_psi|delta_psi|"
            f"label with start < end when exon_start is {EXON_START_BASE[convention]}-based",
            path,
            record.line,
        )
    return Exon(start, int(found["exon_end"]), found["strand"])


def read_strand(record: Record, default: str | None, path: str | PathLike) -> str:
    """STRAND in INFO, else the default; FormatError where there is neither."""
    found = _INFO_STRAND.search(record.info)
    if found is None and default is None:
        raise FormatError(
            "INFO has no STRAND=+ or STRAND=-; a pre-mRNA has a strand: give --annotation, or "
            "--strand + or - for records without it",
            path,
            record.line,
        )
    if found is None:
        return default
    if found[1] not in STRANDS:
        raise FormatError(f"STRAND in INFO is {found[1]!r}, expected + or -", path, record.line)
    return STRANDS[found[1]]
