"""Section 3: rows of attention of pairs of sites and of introns (*.att.v2.pkl)."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.attention_scores import AROUND, link_profiles, pair_scores
from splicebert.attention_tables import PAIRS

from . import SPACING, UNPLACED
from .archive import require
from .arrays import read_arrays, require_shape

INTRONS_FILE = "gencode.v41lift37.MANE.intron.for_attention.att.v2.pkl"


def pairs_file(group: str) -> str:
    """Name of the file of a group of pairs."""
    return f"hg19.{group}.1000_per_group.att.v2.pkl"


class AttentionRows(NamedTuple):
    """Rows of attention around the two sites of each pair, maximum over the heads.

    p_rows, q_rows : float16 (pairs, layers, 3, nt), the rows p-1, p, p+1 and q-1, q, q+1
    p, q : int64 (pairs,), offsets of the sites in the window, 5'->3'
    types : str (pairs, 2), D, A or .
    """

    p_rows: np.ndarray
    q_rows: np.ndarray
    p: np.ndarray
    q: np.ndarray
    types: np.ndarray


def read_rows(path: str | PathLike) -> AttentionRows:
    """Read a file of section 3: p_att, q_att, pos1, pos2, type1, type2, dist."""
    axes = {"p_att": 4, "q_att": 4, "pos1": 1, "pos2": 1, "type1": 1, "type2": 1, "dist": 1}
    found = read_arrays(path, axes)
    _, layers, _, nt = found["p_att"].shape
    require_shape(found, ["p_att", "q_att"], (None, layers, len(AROUND), nt), path)
    p, q = (found[name].astype(np.int64) for name in ("pos1", "pos2"))
    both = np.stack([p, q])
    inside = bool(((both > 0) & (both < nt - 1)).all())
    require(inside, f"sites at {both.min()} to {both.max()} in a window of {nt} nt", path)
    same = bool((np.abs(p - q) == found["dist"].astype(np.int64)).all())
    require(same, "dist is not the distance of pos1 and pos2", path)
    types = np.stack([found[name].astype(str) for name in ("type1", "type2")], axis=1)
    types = np.where(np.isin(types, ["D", "A"]), types, ".")
    return AttentionRows(found["p_att"], found["q_att"], p, q, types)


def pair_table(rows: AttentionRows, group: str) -> pd.DataFrame:
    """Rows of PAIRS without coordinates, which the file does not hold: each on its own.

    A site lies at the start of its window plus its offset.
    """
    n, nt = len(rows.p), rows.p_rows.shape[-1]
    start = np.arange(n, dtype=np.int64) * SPACING
    columns = {
        "pair_id": [f"{group}:{row}" for row in range(n)],
        "group": group,
        "chrom": f"{UNPLACED}:{group}",
        "p": start + rows.p,
        "q": start + rows.q,
        "strand": "+",
        "tx_start": start,
        "tx_end": start + nt,
        "type1": rows.types[:, 0].astype(object),
        "type2": rows.types[:, 1].astype(object),
        "distance": np.abs(rows.p - rows.q),
        "start": start,
        "end": start + nt,
    }
    return pd.DataFrame(columns)[PAIRS.names]


def all_scores(rows: AttentionRows) -> np.ndarray:
    """Scores of every pair: float32 (pairs, layers + 1), first of the mean over the layers."""
    scores = np.empty((len(rows.p), rows.p_rows.shape[1] + 1), np.float32)
    for row, (p, q) in enumerate(zip(rows.p, rows.q, strict=True)):
        values = np.concatenate([rows.p_rows[row], rows.q_rows[row]], axis=1).astype(np.float32)
        scores[row] = pair_scores(values, int(p), int(q))
    return scores


def require_introns(rows: AttentionRows, path: str | PathLike) -> None:
    """Raise FormatError unless every pair is a donor and an acceptor."""
    kinds = np.char.add(rows.types[:, 0], rows.types[:, 1])
    wrong = sorted(set(kinds[~np.isin(kinds, ["DA", "AD"])]))
    require(not wrong, f"sites of types {', '.join(wrong)}; expected D and A", path)


def intron_profiles(rows: AttentionRows, row: int, flank: int) -> np.ndarray:
    """Profiles of one intron, of the sites' own rows: float32 (layers, 2, 2 * flank + 1)."""
    own = np.stack([rows.p_rows[row, :, 1], rows.q_rows[row, :, 1]], axis=1).astype(np.float32)
    sites = [int(rows.p[row]), int(rows.q[row])]
    if rows.types[row, 0] == "A":
        own, sites = own[:, ::-1], sites[::-1]
    return link_profiles(own, *sites, flank)
