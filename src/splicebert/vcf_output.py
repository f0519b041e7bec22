"""The VCF again, with the scores in INFO: bgzip, indexed, the rest of each record as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from .errors import SpliceBERTError
from .tables import FLOAT_FORMAT, atomic_path
from .textfile import open_lines

DETAIL = "SPLICEBERT"
# Of each alternative, on the strand with its largest context score: INFO key -> column, meaning.
BY_ALLELE = {
    "SB_CONTEXT": ("context_score", "context score"),
    "SB_PERCENTILE": ("percentile", "percentile of the context score among in-silico SNVs"),
    "SB_DELTA_P": ("delta_p", "P(alt) - P(ref) at the hidden base, SNVs only"),
    "SB_MAX_KL": ("max_kl", "largest KL in the window, nats"),
    "SB_SITE_KL": ("top_site_kl", "KL at the most changed annotated splice site, nats"),
}
# Columns that repeat what the record says.
REPEATED = ("record", "chrom", "pos", "id", "ref", "profile")
# Longest contig that a .tbi can hold.
TBI_LIMIT = 1 << 29
_ENCODED = {ord(c): f"%{ord(c):02X}" for c in " ,;=|%\t"}


class AnnotatedVcf:
    """Copies the records of a VCF, reading it again, and adds the scores of those that have some.

    Parameters
    ----------
    source
        The VCF.
    target
        The bgzip file to write.
    columns
        Names of the columns of the rows.
    bounds
        First and last record number.
    """

    def __init__(
        self,
        source: str | PathLike,
        target: Path,
        columns: Sequence[str],
        bounds: tuple[int, int],
    ) -> None:
        self._detail = [name for name in columns if name not in REPEATED]
        self._by_allele = {k: v[0] for k, v in BY_ALLELE.items() if v[0] in columns}
        self._bounds = bounds
        self._file = pysam.BGZFile(str(target), "wb")
        self._lines = open_lines(source)
        self._number = 0
        self._header()

    def _header(self) -> None:
        ours = tuple(f"##INFO=<ID={key},".encode() for key in (DETAIL, *BY_ALLELE))
        for _, line in self._lines:
            if line.startswith(b"#CHROM"):
                self._file.write(self._declarations().encode())
            if not line.startswith(ours):
                self._file.write(_ended(line))
            if line.startswith(b"#CHROM"):
                return

    def _declarations(self) -> str:
        fields = "|".join("allele" if name == "alt" else name for name in self._detail)
        lines = [
            f'##INFO=<ID={DETAIL},Number=.,Type=String,Description="SpliceBERT scores, one for '
            f'each alternative and strand (. for a missing value). Format: {fields}">\n'
        ]
        for key in self._by_allele:
            lines.append(
                f'##INFO=<ID={key},Number=A,Type=Float,Description="SpliceBERT: '
                f'{BY_ALLELE[key][1]}; on the strand with the largest context score">\n'
            )
        return "".join(lines)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the records up to that of `rows`, which are all of one record, and it with them."""
        fields = self._copy_to(rows[0]["record"]).rstrip(b"\r\n").split(b"\t")
        fields[7] = self._info(fields[7].decode(), fields[4].decode().split(","), rows).encode()
        self._file.write(b"\t".join(fields) + b"\n")

    def _copy_to(self, number: int) -> bytes:
        """Copy the records before one, and return its line; without such a one, empty."""
        for _, line in self._lines:
            if line.startswith(b"#") or not line.strip():
                continue
            self._number += 1
            if self._number == number:
                return line
            if self._bounds[0] <= self._number <= self._bounds[1]:
                self._file.write(_ended(line))
            if self._number >= self._bounds[1]:
                break
        return b""

    def _info(self, info: str, alts: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
        keys = {DETAIL, *BY_ALLELE}
        kept = [x for x in info.split(";") if x not in (".", "") and x.split("=")[0] not in keys]
        best = [_best([row for row in rows if row["alt"] == alt]) for alt in alts]
        for key, name in self._by_allele.items():
            kept.append(f"{key}=" + ",".join(_text(row.get(name)) for row in best))
        details = ("|".join(_text(row.get(name)) for name in self._detail) for row in rows)
        return ";".join([*kept, f"{DETAIL}=" + ",".join(details)])

    def close(self, complete: bool = True) -> None:
        """Copy what is left, and close."""
        if complete:
            self._copy_to(0)
        self._lines.close()
        self._file.close()


def _ended(line: bytes) -> bytes:
    """A line that ends in a line feed."""
    return line.rstrip(b"\r\n") + b"\n"


def _best(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row with the largest context score; none without rows."""
    return max(rows, key=lambda row: np.nan_to_num(row["context_score"], nan=-np.inf), default={})


def _text(value: Any) -> str:
    if value is None or value == "":
        return "."
    if isinstance(value, float):
        return "." if np.isnan(value) else FLOAT_FORMAT % value
    return str(value).translate(_ENCODED)


def check_vcf_output(path: str, unsorted: int, source: str) -> None:
    """Raise SpliceBERTError unless an annotated VCF can be written there, and indexed.

    Parameters
    ----------
    path
        Of the output.
    unsorted
        From `vcf.survey`.
    source
        Name of the VCF.
    """
    if not path.endswith(".vcf.gz"):
        raise SpliceBERTError(f"output {path}: expected a name in .vcf.gz; it is bgzip-compressed")
    if unsorted:
        raise SpliceBERTError(
            f"{source}: line {unsorted}: not sorted by contig and position, so that its annotated "
            "VCF could not be indexed; sort it (`bcftools sort`)"
        )


@contextmanager
def open_annotated(
    path: str,
    source: str | PathLike,
    columns: Sequence[str],
    bounds: tuple[int, int],
    csi: bool,
) -> Iterator[AnnotatedVcf]:
    """Write an annotated VCF and its index, .csi or .tbi.

    Both appear when the block ends, and not at all when it raises. Parameters as of
    `AnnotatedVcf`.
    """
    index = f"{path}.{'csi' if csi else 'tbi'}"
    with atomic_path(index) as temporary_index, atomic_path(path) as temporary:
        vcf = AnnotatedVcf(source, temporary, columns, bounds)
        try:
            yield vcf
        except BaseException:
            vcf.close(complete=False)
            raise
        vcf.close()
        build_index(temporary, temporary_index, csi)


def needs_csi(contigs: Mapping[str, int]) -> bool:
    """Whether a contig is too long for a .tbi."""
    return max(contigs.values()) >= TBI_LIMIT


def join_vcfs(parts: Sequence[str | PathLike], path: str, csi: bool) -> None:
    """Put the annotated VCFs of consecutive shards behind one another, and index them.

    Parameters
    ----------
    parts
        In the order of their records; the header is the first one's.
    path
        To be written, with its index beside it.
    csi
        Whether the index is a .csi.
    """
    index = f"{path}.{'csi' if csi else 'tbi'}"
    with atomic_path(index) as temporary_index, atomic_path(path) as temporary:
        with pysam.BGZFile(str(temporary), "wb") as out:
            for number, part in enumerate(parts):
                for _, line in open_lines(part):
                    if number == 0 or not line.startswith(b"#"):
                        out.write(line)
        build_index(temporary, temporary_index, csi)


def build_index(path: Path, index: Path, csi: bool) -> None:
    """Index a bgzip-compressed VCF."""
    pysam.tabix_index(
        str(path),
        preset="vcf",
        csi=csi,
        index=str(index),
        force=True,
        keep_original=True,
        min_shift=14 if csi else 0,
    )
