"""The background that a variant's context score is compared with: random in-silico SNVs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .errors import FormatError, SpliceBERTError
from .genome import Genome
from .sequence import BASES
from .vcf import Record
from .vcf_alleles import Change, Locus, Reference, lay_window
from .vcf_sites import Place, SiteIndex

KEY = b"splicebert.background"
ATTEMPTS = 100


def describe(model: Path, genome: Genome, length: int) -> dict[str, Any]:
    """What a background belongs to.

    Parameters
    ----------
    model
        Folder of the model.
    genome, length
        Genome and windows, nt.

    Returns
    -------
    dict
        model: sha256 of its weights; genome: sha256 of its contigs' names and lengths; length.
    """
    weights = [model / name for name in ("model.safetensors", "pytorch_model.bin")]
    with next(path for path in weights if path.is_file()).open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    contigs = "\n".join(f"{name}\t{size}" for name, size in sorted(genome.contigs.items()))
    return {
        "model": digest,
        "genome": hashlib.sha256(contigs.encode()).hexdigest(),
        "length": length,
    }


class Background:
    """Context scores of random SNVs.

    Parameters
    ----------
    scores : float (n,)
        In any order; 1 or more.
    """

    def __init__(self, scores: np.ndarray) -> None:
        self._scores = np.sort(np.asarray(scores, np.float64))

    def __len__(self) -> int:
        return len(self._scores)

    def percentile(self, score: float) -> float:
        """Percent of the background whose score is at most this one: 0 to 100; NaN of NaN."""
        if np.isnan(score):
            return float("nan")
        rank = np.searchsorted(self._scores, score, side="right")
        return 100.0 * float(rank) / len(self._scores)


def read_background(path: str | PathLike, expected: Mapping[str, Any]) -> Background:
    """Read a background and check that it is of the same model, genome and length of windows.

    Parameters
    ----------
    path
        Written by `splicebert variant-background`.
    expected
        From `describe`.

    Raises
    ------
    FormatError
        Not such a file; it holds no score; it belongs to something else.
    """
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise FormatError(f"not a parquet file: {error}", path) from error
    with file:
        about = (file.schema_arrow.metadata or {}).get(KEY)
        if about is None:
            raise FormatError("no background; make one with `splicebert variant-background`", path)
        found = json.loads(about)
        for key, what in (("model", "model"), ("genome", "genome"), ("length", "window length")):
            if found.get(key) != expected[key]:
                raise FormatError(
                    f"this background belongs to another {what} ({found.get(key)}; this run's is "
                    f"{expected[key]}); make one with `splicebert variant-background`",
                    path,
                )
        scores = file.read(["context_score"])["context_score"].to_numpy()
    scores = scores[~np.isnan(scores)]
    if not len(scores):
        raise FormatError("holds no context score", path)
    return Background(scores)


def draw_loci(
    index: SiteIndex, genome: Reference, length: int, count: int, seed: int
) -> Iterator[tuple[Locus, Place]]:
    """Draw SNVs in transcripts: a base of their spans on a strand, then one of three alternatives.

    Every base of a strand that lies in a transcript is as likely, however many lie over it; bases
    other than A, C, G and T are drawn again. Sorted by position, in the order of the annotation's
    contigs.

    Raises
    ------
    SpliceBERTError
        Hardly a base of the transcripts is A, C, G or T.
    """
    rng = np.random.default_rng(seed)
    spans = _merged_spans(index)
    ends = np.cumsum([end - start for _, _, start, end in spans])
    drawn: list[tuple[int, int, str]] = []
    for _ in range(ATTEMPTS):
        for place in np.sort(rng.integers(0, ends[-1], count - len(drawn))):
            row = int(np.searchsorted(ends, place, side="right"))
            position = int(place - ends[row]) + spans[row][3]
            base = genome.fetch(spans[row][0], position, position + 1)
            others = [x for x in BASES if x != base]
            alt = others[rng.integers(3)]
            if base in BASES:
                drawn.append((row, position, alt))
        if len(drawn) == count:
            break
    else:
        raise SpliceBERTError(
            f"only {len(drawn)} of {count} bases drawn in transcripts are A, C, G or T; is "
            f"{genome.path} the genome of the annotation?"
        )
    for number, (row, position, alt) in enumerate(sorted(drawn), start=1):
        chrom, strand, _, _ = spans[row]
        ref = genome.fetch(chrom, position, position + 1)
        record = Record(number, number, chrom, position, ".", ref, (alt,), ".")
        change = Change(position, ref, alt)
        (place,) = (p for p in index.places(chrom, position, position + 1) if p.strand == strand)
        yield lay_window(record, alt, change, strand, length, genome), place


def _merged_spans(index: SiteIndex) -> list[tuple[str, str, int, int]]:
    """Spans of the transcripts of each contig and strand, overlapping ones merged."""
    out: list[tuple[str, str, int, int]] = []
    for (chrom, strand), group in index.transcripts.groupby(["chrom", "strand"], sort=False):
        bounds = sorted(zip(group["start"].tolist(), group["end"].tolist(), strict=True))
        left, right = bounds[0]
        for start, end in bounds[1:]:
            if start > right:
                out.append((chrom, strand, left, right))
                left, right = start, end
            right = max(right, end)
        out.append((chrom, strand, left, right))
    return out
