"""The tables and names of the conservation branch, and how its windows are drawn and masked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .arrays import ArrayReader
from .errors import SpliceBERTError
from .tables import WINDOWS, Column

CONSERVATION_WINDOWS = WINDOWS.extend(
    "conservation windows",
    Column("tx_id", "str", "transcript that the window tiles"),
    Column("gene_name", "str", "gene of the transcript"),
    Column("in_mlm", "bool", "drawn for the accuracy of the masked language model"),
    Column("in_probe", "bool", "drawn for the phastCons probe"),
    extra=False,
)

# How a base was treated by the masking of BERT.
NOT_CHOSEN, MASKED, REPLACED, KEPT = range(4)


def longest_per_gene(transcripts: pd.DataFrame) -> pd.DataFrame:
    """Keep of each gene_name the transcript with the longest genomic span, the first on ties."""
    span = transcripts["end"] - transcripts["start"]
    order = span.sort_values(ascending=False, kind="stable").index
    kept = transcripts.loc[order].drop_duplicates("gene_name").index
    return transcripts.loc[transcripts.index.isin(kept)].reset_index(drop=True)


def tile(transcripts: pd.DataFrame, length: int, lead: int) -> pd.DataFrame:
    """Cut transcripts into adjacent windows (protocol section 1).

    Parameters
    ----------
    transcripts
        Columns tx_id, gene_name, chrom, start, end (0-based half-open), strand.
    length, lead
        nt of a window; nt before the lower end at which the first window starts.

    Returns
    -------
    DataFrame of window_id (tx_id:number, 0-based from the lower end), chrom, start (may lie below
    0), end, strand, tx_id, gene_name. The last window is the one that holds the last base.
    """
    left = transcripts["start"].to_numpy() - lead
    n = -(-(transcripts["end"].to_numpy() - left) // length)
    rows = np.repeat(np.arange(len(transcripts)), n)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(n) - n, n)
    source = transcripts.iloc[rows].reset_index(drop=True)
    start = left[rows] + number * length
    return pd.DataFrame(
        {
            "window_id": source["tx_id"] + ":" + pd.Series(number).astype(str),
            "chrom": source["chrom"],
            "start": start,
            "end": start + length,
            "strand": source["strand"],
            "tx_id": source["tx_id"],
            "gene_name": source["gene_name"],
        }
    )


def draw(n: int, size: int, seed: int) -> np.ndarray:
    """Draw `size` of `n` rows without replacement (all where there are fewer): bool (n,)."""
    chosen = np.random.default_rng(seed).permutation(n)[:size]
    return np.isin(np.arange(n), chosen)


def bert_masking(bases: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the bases to predict, as BERT's pre-training does.

    15 % of the known bases are chosen; of these 80 % are hidden behind [MASK], 10 % become a base
    drawn from A, C, G, T, and 10 % stay. Every model sees the same choice.

    Parameters
    ----------
    bases
        uint8 (windows, nt), A 0, C 1, G 2, T 3, N 4.
    seed
        Seed of the draws; row i depends on the seed and the rows before it, not on those behind.

    Returns
    -------
    treatment : uint8 (windows, nt), NOT_CHOSEN, MASKED, REPLACED or KEPT
    seen : uint8 (windows, nt), the bases that the model reads where it is not masked
    """
    draws = np.random.default_rng(seed).random((*bases.shape, 3), dtype=np.float32)
    chosen = (draws[..., 0] < 0.15) & (bases < 4)
    kinds = np.select([draws[..., 1] < 0.8, draws[..., 1] < 0.9], [MASKED, REPLACED], KEPT)
    treatment = np.where(chosen, kinds, NOT_CHOSEN).astype(np.uint8)
    drawn = (draws[..., 2] * 4).astype(np.uint8)
    return treatment, np.where(treatment == REPLACED, drawn, bases).astype(np.uint8)


def choose_test(groups: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose whole groups for the test, together as near to `fraction` of the rows as they allow.

    Parameters
    ----------
    groups
        (n,), the group (chromosome, window or base) of each row.
    fraction, seed
        Share of the rows wanted, and the seed of the order in which groups are tried.

    Returns
    -------
    bool (n,), True for the test. At least one group is on either side.

    Raises
    ------
    SpliceBERTError
        Fewer than two groups.
    """
    names, index, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise SpliceBERTError(
            f"all rows are in one group ({', '.join(map(str, names)) or 'none'}), so nothing keeps "
            "training and test apart; use the split 'window'"
        )
    if len(names) == len(groups):  # single rows: exactly the fraction
        test = np.zeros(len(groups), bool)
        chosen = np.random.default_rng(seed).permutation(len(groups))
        test[chosen[: min(max(1, round(fraction * len(groups))), len(groups) - 1)]] = True
        return test
    target, total, taken = fraction * len(groups), 0, []
    for name in np.random.default_rng(seed).permutation(len(names)):
        if abs(total + sizes[name] - target) < abs(total - target):
            total += sizes[name]
            taken.append(name)
    if not taken:  # even the smallest is more than twice what is wanted
        taken = [int(sizes.argmin())]
    if len(taken) == len(names):
        taken.pop()
    return np.isin(index, taken)


def known_bases(annotation: ArrayReader) -> np.ndarray:
    """Tell which bases have a value in every track: bool (windows, nt)."""
    names = [name for name in ("phastcons", "phylop") if name in annotation]
    return np.all([np.isfinite(annotation.read(name)) for name in names], axis=0)
