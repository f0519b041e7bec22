"""From the records of a VCF to windows: strands, transcripts, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from splicebert.cli.writers import Table

from .errors import FormatError
from .vcf import Record
from .vcf_alleles import (
    NOTHING_TO_SCORE,
    REASONS,
    Change,
    Locus,
    Reference,
    Skip,
    check_reference,
    lay_exon_window,
    lay_window,
    longest_allele,
    read_change,
    read_exon,
    read_strand,
)
from .vcf_sites import Place, SiteIndex


@dataclass(frozen=True)
class Rules:
    """How variants become windows.

    length : nt of the windows
    strand : + or - for records without STRAND in INFO; None demands it
    exon_start : 'VexSeq' or 'MFASS' where IDs name exons, whose windows are centred on them
    index : transcripts, whose strands are scored; None takes the strand above
    strict : stop at the first alternative that can't be scored
    """

    length: int
    strand: str | None = None
    exon_start: str | None = None
    index: SiteIndex | None = None
    strict: bool = False


@dataclass
class Tally:
    """What a run did.

    records : of the VCF that were read
    alternatives : scored, each once
    rows : written: an alternative on a strand
    skipped : reason -> alternatives
    nt : of the sequences that were asked for, shared ones each time
    seconds : so far
    """

    records: int = 0
    alternatives: int = 0
    rows: int = 0
    nt: int = 0
    seconds: float = 0.0
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def faults(self) -> int:
        """Alternatives that should have been scored and could not."""
        return sum(n for reason, n in self.skipped.items() if reason not in NOTHING_TO_SCORE)

    def speed(self) -> str:
        """Variants and nucleotides a second, for the log."""
        seconds = max(self.seconds, 1e-9)
        return f"{self.alternatives / seconds:,.1f} variants/s, {self.nt / seconds:,.0f} nt/s"


class Planner:
    """Lays the windows of a VCF's alternatives and says which are left out.

    Parameters
    ----------
    rules
        How variants become windows.
    genome
        The assembly of the VCF.
    path
        Name of the VCF, for messages.
    tally
        Added to.
    skipped
        Table of what is left out; None writes none.
    """

    def __init__(
        self,
        rules: Rules,
        genome: Reference,
        path: str,
        tally: Tally,
        skipped: Table | None = None,
    ) -> None:
        self.rules, self.genome, self.path = rules, genome, path
        self.tally, self.skipped = tally, skipped
        self._longest = longest_allele(rules.length)

    def plan(self, records: Iterable[Record]) -> Iterator[tuple[Locus, Place | None]]:
        """Yield the alternatives in their windows, in the order of the file.

        Raises
        ------
        FormatError
            Names the line: no strand, an ID of another form; where the rules are strict, an
            alternative that can't be scored.
        """
        for record in records:
            self.tally.records += 1
            mismatch: Skip | bool | None = False  # not looked for yet
            for alt in record.alts:
                change = read_change(record, alt, self._longest)
                if not isinstance(change, Skip):
                    if mismatch is False:
                        mismatch = check_reference(record, self.genome)
                    change = mismatch or change
                skip = isinstance(change, Skip)
                yield from self._keep(
                    record, alt, [change] if skip else self._lay(record, alt, change)
                )

    def _lay(
        self, record: Record, alt: str, change: Change
    ) -> list[Skip | tuple[Locus, Place | None]]:
        rules = self.rules
        if rules.exon_start is not None:
            exon = read_exon(record, rules.exon_start, self.path)
            locus = lay_exon_window(record, alt, change, exon, rules.length, self.genome)
            return [locus if isinstance(locus, Skip) else (locus, None)]
        places: Sequence[Place | None] = (None,)
        if rules.index is not None:
            name = self.genome.resolve(record.chrom)
            places = rules.index.places(name, change.start, change.end)
            if not places:
                return [Skip("outside_transcripts", "no transcript on either strand")]
        out: list[Skip | tuple[Locus, Place | None]] = []
        for place in places:
            strand = place.strand if place else read_strand(record, rules.strand, self.path)
            locus = lay_window(record, alt, change, strand, rules.length, self.genome)
            out.append((locus, place))
        return out

    def _keep(
        self, record: Record, alt: str, found: Sequence[Skip | tuple[Locus, Place | None]]
    ) -> Iterator[tuple[Locus, Place | None]]:
        """Pass on windows; count, list or refuse what is left out."""
        if not isinstance(found[0], Skip):
            self.tally.alternatives += 1
            yield from found
            return
        skip = found[0]
        if self.rules.strict and skip.reason not in NOTHING_TO_SCORE:
            raise FormatError(
                f"{REASONS[skip.reason]}: {skip.detail}; without --strict such alternatives are "
                "left out and counted",
                self.path,
                record.line,
            )
        self.tally.skipped[skip.reason] += 1
        if self.skipped is not None:
            self.skipped.write(
                {
                    "record": [record.number],
                    "line": [record.line],
                    "chrom": [record.chrom],
                    "pos": [record.start + 1],
                    "id": [record.id],
                    "ref": [record.ref],
                    "alt": [alt],
                    "reason": [skip.reason],
                    "detail": [skip.detail],
                }
            )
