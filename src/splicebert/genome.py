"""Random access to genomes (FASTA) and per-base tracks (bigWig), 0-based half-open coordinates."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pysam

from .errors import FormatError, GenomeError
from .sequence import reverse_complement

log = logging.getLogger(__name__)
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def contig_aliases(chrom: str) -> tuple[str, ...]:
    """Names under which a contig may be known, the given one first: chr1 and 1, chrM and MT."""
    bare = chrom.removeprefix("chr")
    if bare in ("M", "MT"):
        return (chrom, "chrM", "MT", "M", "chrMT")
    return (chrom, bare, "chr" + bare)


def resolve_contig(chrom: str, contigs: Mapping[str, int], source: str) -> str:
    """Return the name under which `contigs` holds `chrom`: as it is, or chr1/1 and chrM/MT apart.

    Raises
    ------
    GenomeError
        No contig of that name, in either form.
    """
    for alias in contig_aliases(chrom):
        if alias in contigs:
            return alias
    some = ", ".join(list(contigs)[:5]) + (", …" if len(contigs) > 5 else "")
    raise GenomeError(
        f"{source}: no contig {chrom!r} (nor its chr/no-chr form); it holds {len(contigs)} "
        f"contigs: {some}. Use the genome on whose assembly the coordinates are"
    )


def read_contigs(fai: str | os.PathLike) -> dict[str, int]:
    """Contigs of a FASTA index (.fai): name -> length in nt."""
    with open(fai) as lines:
        return {name: int(length) for name, length, *_ in (line.split("\t") for line in lines)}


def rename_contigs(
    table: pd.DataFrame, contigs: Mapping[str, int], source: str, *, must_exist: bool
) -> pd.DataFrame:
    """Spell the contigs of a table as a genome does (1 becomes chr1, and the reverse).

    Parameters
    ----------
    table
        Has a column chrom.
    contigs
        Contigs of the genome.
    source
        Name of the genome's file, for the message.
    must_exist
        Whether a contig that the genome lacks is an error; else it keeps its name.

    Raises
    ------
    GenomeError
        A contig that the genome lacks, if `must_exist`.
    """
    names = {}
    for chrom in table["chrom"].unique():
        try:
            names[chrom] = resolve_contig(chrom, contigs, source)
        except GenomeError:
            if must_exist:
                raise
            names[chrom] = chrom
    return table.assign(chrom=table["chrom"].map(names).astype(object))


def check_within(table: pd.DataFrame, contigs: Mapping[str, int], source: str) -> None:
    """Raise GenomeError where an interval (chrom, start, end; 0-based) ends past its contig."""
    past = table[table["end"] > table["chrom"].map(contigs)]
    if len(past):
        first = past.iloc[0]
        raise GenomeError(
            f"{source}: {len(past)} intervals end past their contig, the first is "
            f"{first['chrom']}:{first['start']}-{first['end']} (0-based, half-open) on a contig of "
            f"{contigs[first['chrom']]} nt. Are the coordinates on another assembly?"
        )


def check_fasta(path: str | os.PathLike) -> bool:
    """Check that a FASTA can be read at random; return True where it is bgzip-compressed.

    Raises
    ------
    FormatError
        Missing or empty file, plain gzip instead of bgzip, a truncated bgzip, or no FASTA at all.
    """
    path = Path(path)
    if not path.is_file():
        raise FormatError("no such file; expected a FASTA (plain or bgzip)", path)
    with path.open("rb") as handle:
        head = handle.read(18)
        if not head:
            raise FormatError("the file is empty; expected a FASTA", path)
        if head[:2] == b"\x1f\x8b":
            _check_bgzf(path, head, handle)
            return True
    if not head.startswith(b">"):
        raise FormatError(
            f"expected '>' as the first character of a FASTA, found {head[:1]!r}", path, 1
        )
    return False


def _check_bgzf(path: Path, head: bytes, handle) -> None:
    if head[3:4] != b"\x04" or head[12:14] != b"BC":
        raise FormatError(
            "compressed with gzip, which can't be read at random; "
            "recompress it with 'gunzip -c FILE | bgzip > NEW' (bgzip comes with htslib)",
            path,
        )
    handle.seek(max(0, path.stat().st_size - len(_BGZF_END)))
    if handle.read() != _BGZF_END:
        raise FormatError("the bgzip file is truncated (no end marker); fetch it again", path)


def index_fasta(path: str | os.PathLike, fai: str | os.PathLike, gzi: str | os.PathLike) -> None:
    """Write the FASTA index (and the bgzip index; an empty file for a plain FASTA)."""
    compressed = check_fasta(path)
    fai_part, gzi_part = Path(f"{fai}.part"), Path(f"{gzi}.part")
    try:
        for part in (fai_part, gzi_part):
            part.touch()  # samtools would not tell a folder that can't be written from a bad FASTA
        extra = ["--gzi-idx", str(gzi_part)] if compressed else []
        pysam.faidx(str(path), "--fai-idx", str(fai_part), *extra, catch_stdout=False)
        os.replace(gzi_part, gzi)
        os.replace(fai_part, fai)
    except pysam.SamtoolsError as error:
        raise FormatError(
            "not a FASTA that can be indexed; it needs '>' headers, each with a sequence whose "
            f"lines, save the last, are equally long and not blank: {error}",
            path,
        ) from error
    finally:
        for part in (fai_part, gzi_part):
            part.unlink(missing_ok=True)


def _check_interval(chrom: str, start: int, end: int, strand: str) -> None:
    if end < start:
        raise GenomeError(f"{chrom}:{start}-{end} (0-based): the end lies before the start")
    if strand not in ("+", "-"):
        raise GenomeError(f"{chrom}:{start}-{end}: strand {strand!r}; expected + or -")


class Genome:
    """A FASTA read at random; only the pieces asked for are in memory.

    Parameters
    ----------
    path
        FASTA, plain or bgzip; lower case (soft-masked repeats) is kept.
    fai, gzi
        Its indices, where they are not beside it. Without them, and with none beside the FASTA,
        they are written beside it.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        fai: str | os.PathLike | None = None,
        gzi: str | os.PathLike | None = None,
    ) -> None:
        self.path = str(path)
        compressed = check_fasta(path)
        fai = f"{path}.fai" if fai is None else str(fai)
        gzi = f"{path}.gzi" if gzi is None else str(gzi)
        if not os.path.exists(fai) or (compressed and not os.path.exists(gzi)):
            self._index(fai, gzi, compressed)
        elif os.path.getmtime(fai) < os.path.getmtime(path):
            log.warning("%s is older than its FASTA; remove it if the FASTA has changed", fai)
        self._fasta = pysam.FastaFile(
            self.path,
            filepath_index=fai,
            filepath_index_compressed=gzi if compressed else None,
        )
        self.contigs: dict[str, int] = dict(
            zip(self._fasta.references, self._fasta.lengths, strict=True)
        )
        if not self.contigs:
            raise FormatError("the FASTA holds no sequence", path)

    def _index(self, fai: str, gzi: str, compressed: bool) -> None:
        scratch_gzi = gzi if compressed else f"{fai}.gzi.part"
        try:
            index_fasta(self.path, fai, scratch_gzi)
        except OSError as error:
            raise GenomeError(
                f"{self.path}: its index {fai} can't be written ({error.strerror}); pass fai= and "
                "gzi= in a folder that can"
            ) from error
        finally:
            if not compressed and os.path.exists(scratch_gzi):
                os.remove(scratch_gzi)

    def __enter__(self) -> Genome:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._fasta.close()

    def resolve(self, chrom: str) -> str:
        """Return the FASTA's own name of a contig (chr1 or 1); GenomeError where there is none."""
        return resolve_contig(chrom, self.contigs, self.path)

    def fetch(self, chrom: str, start: int, end: int, strand: str = "+") -> str:
        """Sequence of [start, end), 0-based half-open, N outside the contig, 5'->3' on `strand`.

        Raises
        ------
        GenomeError
            Unknown contig, end before start, or a strand other than + and -.
        """
        name = self.resolve(chrom)
        _check_interval(chrom, start, end, strand)
        length = self.contigs[name]
        inner = (min(max(start, 0), length), min(max(end, 0), length))
        core = self._fasta.fetch(name, *inner) if inner[0] < inner[1] else ""
        left = min(max(-start, 0), end - start)
        sequence = "N" * left + core
        sequence += "N" * (end - start - len(sequence))
        return sequence if strand == "+" else reverse_complement(sequence)


class Track:
    """A bigWig read at random; bases without a value are NaN."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = str(path)
        if not os.path.isfile(path):
            raise FormatError("no such file; expected a bigWig", path)
        try:
            self._bigwig = pyBigWig.open(self.path)
            is_bigwig = self._bigwig is not None and self._bigwig.isBigWig()
        except (RuntimeError, MemoryError) as error:
            raise FormatError(f"not a bigWig, or a broken one: {error}", path) from error
        if not is_bigwig:
            raise FormatError("not a bigWig", path)
        self.contigs: dict[str, int] = dict(self._bigwig.chroms() or {})

    def __enter__(self) -> Track:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._bigwig.close()

    def values(self, chrom: str, start: int, end: int, strand: str = "+") -> np.ndarray:
        """Values of [start, end), 0-based half-open, 5'->3' on `strand`.

        Returns
        -------
        float32 (end - start,), NaN where the track has no value and outside the contig.

        Raises
        ------
        GenomeError
            Unknown contig, end before start, or a strand other than + and -.
        """
        name = resolve_contig(chrom, self.contigs, self.path)
        _check_interval(chrom, start, end, strand)
        out = np.full(end - start, np.nan, np.float32)
        left, right = max(start, 0), min(end, self.contigs[name])
        if left < right:
            found = self._bigwig.values(name, left, right, numpy=True)
            if len(found):  # none at all from a bigWig without any value
                out[left - start : right - start] = found
        return out if strand == "+" else out[::-1].copy()
