"""The tables and names of the conservation branch, and how its windows are drawn and masked."""

from __future__ import annotations

from os import PathLike

import numpy as np
import pandas as pd

from .arrays import ArrayReader
from .errors import SpliceBERTError
from .formats import read_bed
from .tables import REGIONS, read_table

ORDERS = 200


def read_regions(path: str | PathLike) -> pd.DataFrame:
    """Read region classes from a BED (class in column 4) or from a table of them."""
    if str(path).endswith(".parquet"):
        return read_table(path, REGIONS)
    return read_bed(path, min_columns=4)


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


def sample_rows(n: int, size: int, seed: int) -> np.ndarray:
    """Sample `size` of `n` rows without replacement (all where there are fewer): bool (n,)."""
    chosen = np.random.default_rng(seed).permutation(n)[:size]
    return np.isin(np.arange(n), chosen)


def choose_test(groups: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Choose whole groups for the test, together as near to `fraction` of the rows as they allow.

    Parameters
    ----------
    groups
        (n,), the group (chromosome, window or base) of each row.
    fraction, seed
        Share of the rows wanted, and the seed of the orders in which groups are tried; the
        nearest of ORDERS tries is taken.

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
    target, rng = fraction * len(groups), np.random.default_rng(seed)
    tries = [_fill(sizes, target, rng.permutation(len(names))) for _ in range(ORDERS)]
    taken = min(tries, key=lambda chosen: abs(sizes[chosen].sum() - target))
    return np.isin(index, taken)


def _fill(sizes: np.ndarray, target: float, order: np.ndarray) -> list[int]:
    """Take groups in order while each brings the total nearer to the target; never none or all."""
    total, taken = 0, []
    for group in order:
        if abs(total + sizes[group] - target) < abs(total - target):
            total += sizes[group]
            taken.append(int(group))
    if not taken:  # even the smallest is more than twice what is wanted
        return [int(sizes.argmin())]
    return taken[:-1] if len(taken) == len(sizes) else taken


def overlap_groups(windows: pd.DataFrame, margin: int = 0) -> np.ndarray:
    """Number the groups of windows that overlap, or lie no more than `margin` nt apart.

    Parameters
    ----------
    windows
        Columns chrom, start, end (0-based half-open), in any order.
    margin
        nt that a window's features reach past its ends, on either side.

    Returns
    -------
    int64 (windows,), the same number for windows of one group.
    """
    order = windows.sort_values(["chrom", "start"], kind="stable")
    reach = (order["end"] + 2 * margin).groupby(order["chrom"]).cummax()
    before = reach.groupby(order["chrom"]).shift(fill_value=-(1 << 62))
    number = (order["start"] >= before).cumsum()
    return number.reindex(windows.index).to_numpy(np.int64)


def known_bases(annotation: ArrayReader) -> np.ndarray:
    """Tell which bases have a value in every track: bool (windows, nt)."""
    names = [name for name in ("phastcons", "phylop") if name in annotation]
    return np.all([np.isfinite(annotation.read(name)) for name in names], axis=0)
