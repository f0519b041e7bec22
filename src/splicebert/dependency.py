"""Nucleotide dependency maps: what a mutation at i changes at j, for every i and j of a window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from .errors import ModelError
from .inference import Item, run_logits
from .models.base import ModelAdapter
from .runtime import Runtime
from .sequence import BASES, base_codes

STATUS = ("known", "not A, C, G or T", "outside the contig")
"""Meaning of the codes of `position_status`: why a row and a column of a map are NaN."""
KNOWN, UNKNOWN, OUTSIDE = range(3)
_LETTERS = str.maketrans("U", "T")


def position_status(sequence: str, window: tuple[int, int], size: int, strand: str) -> np.ndarray:
    """Tell which positions of a window have a map, and why others have none.

    Parameters
    ----------
    sequence
        The window 5'->3'.
    window
        Its start and end on the genome, 0-based half-open, forward strand; may leave the contig.
    size
        Length of the contig in nt.
    strand
        + or -.

    Returns
    -------
    uint8 (nt,), codes of `STATUS`, 5'->3'.
    """
    at = genome_positions(window, strand)
    known = np.where(base_codes(sequence) < len(BASES), KNOWN, UNKNOWN)
    return np.where((at < 0) | (at >= size), OUTSIDE, known).astype(np.uint8)


def genome_positions(window: tuple[int, int], strand: str) -> np.ndarray:
    """Position on the genome of each base of a window read 5'->3': int64 (nt,), 0-based.

    + strand    start, start + 1 .. end - 1
    - strand    end - 1, end - 2 .. start
    """
    positions = np.arange(*window, dtype=np.int64)
    return positions if strand == "+" else positions[::-1].copy()


def log2_odds(logits: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """log2 of p / (1 - p) of each base, p being its probability among the four bases.

    Parameters
    ----------
    logits
        float (..., vocab).
    columns
        Columns of A, C, G and T.

    Returns
    -------
    float64 (..., 4), order ACGT. It is the base's logit less the logarithm of the sum over the
    other three: no probability is rounded to 1 on the way, so that no floor is needed.
    """
    bases = np.asarray(logits)[..., list(columns)].astype(np.float64)
    others = np.stack([np.delete(bases, b, axis=-1) for b in range(len(BASES))], axis=-2)
    largest = others.max(axis=-1)
    total = np.exp(others - largest[..., None]).sum(axis=-1)
    return (bases - largest - np.log(total)) / np.log(2)


def mutants(sequence: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, mutated sequence) of the three alternatives of each known base, in order."""
    codes = base_codes(sequence)
    for offset in np.flatnonzero(codes < len(BASES)):
        for base in BASES[: codes[offset]] + BASES[codes[offset] + 1 :]:
            yield int(offset), sequence[:offset] + base + sequence[offset + 1 :]


def count_nt(sequences: Iterable[str]) -> int:
    """Nucleotides that the model reads for the maps of some sequences, each different one once."""
    different = {_plain(sequence) for sequence in sequences}
    return sum(len(s) * (1 + 3 * int((base_codes(s) < len(BASES)).sum())) for s in different)


def dependency_maps(
    model: ModelAdapter, sequences: Sequence[str], runtime: Runtime, **options
) -> Iterator[np.ndarray]:
    """Nucleotide dependency map of each sequence.

    The definition of da Silva et al. 2025, Nucleotide dependency analysis of genomic language
    models detects functional elements (Nature Genetics, doi:10.1038/s41588-025-02347-3):

        e[i, j] = max over a, b of | log2 odds(b at j | i mutated to a)
                                     - log2 odds(b at j | reference) |

    with a one of the three bases that i is not, and b one of the four bases. No position is
    masked. Probabilities are those of the four bases among themselves.

    Parameters
    ----------
    model
        Any adapter with logits.
    sequences
        Nucleotides 5'->3'; case is ignored, U is read as T, any other letter as N. A sequence
        that comes again is not run again: the reference and its 3 mutants a position, each once.
    runtime
        Where and in which precision; purpose "difference". A map does not depend on the batch.
    options
        Of `inference.stream`: label, progress, total_nt (see `count_nt`).

    Yields
    ------
    float32 (nt, nt), row i the mutated and column j the observed position, 0 or more. NaN: the
    diagonal, and the row and the column of a position that is not A, C, G or T.

    Raises
    ------
    ModelError
        The model has no masked-language-model head, or a sequence is too long for it.
    """
    plain = [_plain(sequence) for sequence in sequences]
    last = {sequence: number for number, sequence in enumerate(plain)}
    made = _different_maps(model, list(last), runtime, options)
    kept: dict[str, np.ndarray] = {}
    for number, sequence in enumerate(plain):
        if sequence not in kept:
            kept[sequence] = next(made)
        if last[sequence] == number:
            yield kept.pop(sequence)
        else:
            yield kept[sequence].copy()


def _plain(sequence: str) -> str:
    """Upper case with T for U, so that the same nucleotides are the same text."""
    return sequence.upper().translate(_LETTERS)


def _different_maps(
    model: ModelAdapter, sequences: Sequence[str], runtime: Runtime, options: dict
) -> Iterator[np.ndarray]:
    """Maps of sequences that are all different, all through one stream of the engine."""
    if any(base not in model.vocab for base in BASES):
        raise ModelError(f"model {model.name!r} gives no logits of A, C, G and T")
    columns = [model.vocab.index(base) for base in BASES]
    results = run_logits(model, _items(sequences), runtime, **options)
    for sequence in sequences:
        yield _gather(sequence, results, columns)


def _items(sequences: Iterable[str]) -> Iterator[Item]:
    for sequence in sequences:
        yield Item(sequence)
        for _, mutant in mutants(sequence):
            yield Item(mutant)


def _gather(sequence: str, results: Iterator[np.ndarray], columns: Sequence[int]) -> np.ndarray:
    """Put the results of one sequence, the reference first, into its map."""
    known = base_codes(sequence) < len(BASES)
    out = np.full((len(sequence), len(sequence)), np.nan, np.float32)
    reference = log2_odds(next(results), columns)
    for row in np.flatnonzero(known):
        alternatives = np.stack([next(results) for _ in range(len(BASES) - 1)])
        change = np.abs(log2_odds(alternatives, columns) - reference).max(axis=(0, 2))
        out[row, known] = change[known]
    np.fill_diagonal(out, np.nan)
    return out


def map_fields(length: int) -> dict[str, tuple[tuple[int, ...], str]]:
    """Arrays of a file of maps of windows of `length` nt, for `arrays.ArrayWriter`.

    map : float32 (length, length), row the mutated and column the observed position
    status : uint8 (length,), codes of `STATUS`
    position : int64 (length,), 0-based position on the genome of each row and column
    """
    one = (length,)
    return {"map": ((length, length), "float32"), "status": (one, "uint8"),
            "position": (one, "int64")}  # fmt: skip


def map_attributes() -> dict[str, object]:
    """What a file of maps says of itself."""
    return {
        "map": "rows: mutated position; columns: observed position; 5'->3'",
        "unit": "log2 odds, largest absolute change over 3 alternatives and 4 bases",
        "status": list(STATUS),
        "position": "0-based, forward strand",
    }
