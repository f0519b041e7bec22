"""Section 4: scores of the variants (*.output.pkl), in-silico mutagenesis."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.scores import REACH, context_profile, context_score
from splicebert.variant_kinds import MPRA_KINDS
from splicebert.variant_tables import SITES, SNV_SCORES, SNV_TRACKS, SNVS

from . import SPACING, UNPLACED
from .archive import require
from .arrays import read_arrays, require_shape

MUTAGENESIS_FILE = "insilico_mutation_in_transcripts.pkl"
NO_DISTANCE = -100
ROUNDING = 1e-4
"""A KL of the authors' half-precision run may lie so far below 0."""
_COMMON = (
    *("donor_starts", "acceptor_ends", "phastcons_scores", "phylop_scores", "ref_psi"),
    *("delta_psi", "is_exonic", "distance"),
)
_OF_MODEL = ("prob_change_scores", "donor_kl", "acceptor_kl")
_SITE_ARRAYS = {
    "kl": 2,
    **dict.fromkeys(("chrom", "position", "in_exon", "exon_to_donor", "exon_to_acceptor"), 1),
    **dict.fromkeys(("intron_to_donor", "intron_to_acceptor", "phastcons", "phylop"), 1),
}


def variants_file(kind: str, model: str) -> str:
    """Name of the file of a set (VexSeq or MFASS) and one of the authors' models."""
    return f"{kind.lower()}.{model}.output.pkl"


def read_variants(path: str | PathLike) -> dict[str, np.ndarray]:
    """Read the arrays of one set and one model that figures need; see docs/precomputed.md."""
    axes = dict.fromkeys((*_COMMON, *_OF_MODEL), 1) | {"kl_distance": 2}
    found = read_arrays(path, axes)
    require_shape(found, ["kl_distance"], (None, REACH), path)
    return found


def require_same_variants(
    first: dict[str, np.ndarray], other: dict[str, np.ndarray], path: str | PathLike
) -> None:
    """Raise FormatError unless two models were run on the same variants."""
    for name in ("delta_psi", "distance", "is_exonic"):
        same = np.array_equal(first[name], other[name], equal_nan=True)
        require(same, f"its {name} is not that of the other models' files", path)


def variant_ids(n: int) -> list[str]:
    """Name variants by their place in the file, from 0."""
    return [f"row:{row}" for row in range(n)]


def snv_table(found: dict[str, np.ndarray], kind: str, path: str | PathLike) -> pd.DataFrame:
    """Rows of SNVS; position, bases and strand, which the file does not hold, are placeholders.

    The exon has its own length, as its two splice sites have it.
    """
    require(kind in MPRA_KINDS, f"no set {kind}", path)
    n = len(found["delta_psi"])
    start = np.arange(n, dtype=np.int64) * SPACING
    first, after = (found[name].astype(np.int64) for name in ("acceptor_ends", "donor_starts"))
    right = bool(((first >= 0) & (first < after) & (after < SPACING)).all())
    require(right, "an exon that ends before it begins", path)
    columns = {
        "variant_id": variant_ids(n),
        "chrom": UNPLACED,
        "position": start,
        "ref": "N",
        "alt": "N",
        "strand": "+",
        "exon_start": start + first,
        "exon_end": start + after,
        "start": start,
        "end": start + int(after.max()) + 1,
        "offset": -1,
        "is_exonic": found["is_exonic"] != 0,
        "distance": found["distance"].astype(np.int64),
        "ref_psi": found["ref_psi"].astype(float),
        "delta_psi": found["delta_psi"].astype(float),
        "group": np.arange(n),
    }
    return pd.DataFrame(columns)[SNVS.names]


def track_table(found: dict[str, np.ndarray]) -> pd.DataFrame:
    """Rows of SNV_TRACKS."""
    n = len(found["delta_psi"])
    columns = {name: found[f"{name}_scores"].astype(float) for name in ("phastcons", "phylop")}
    return pd.DataFrame({"variant_id": variant_ids(n), **columns})[SNV_TRACKS.names]


def score_table(found: dict[str, np.ndarray], path: str | PathLike) -> pd.DataFrame:
    """Rows of SNV_SCORES; p_ref and p_alt alone are not in the file."""
    columns = {"variant_id": variant_ids(len(found["delta_psi"]))}
    columns["delta_p"] = found["prob_change_scores"].astype(float)
    for name in ("donor_kl", "acceptor_kl"):
        columns[name] = _not_negative(found[name].astype(float), name, path)
    columns["context_score"] = [context_score(row) for row in found["kl_distance"].astype(float)]
    return pd.DataFrame(columns).reindex(columns=SNV_SCORES.names).assign(reason=None)


def _not_negative(values: np.ndarray, name: str, path: str | PathLike) -> np.ndarray:
    lowest = np.nanmin(values, initial=0.0)
    require(lowest >= -ROUNDING, f"{name} falls to {lowest:g}; expected 0 or more", path)
    return np.where(values < 0, 0.0, values)


class Mutagenesis(NamedTuple):
    """Mutated sites: their table, and KL by distance, float32 (sites, reach)."""

    sites: pd.DataFrame
    profiles: np.ndarray


def read_mutagenesis(path: str | PathLike) -> Mutagenesis:
    """Read insilico_mutation_in_transcripts.pkl; the strand is not in it and is given as +."""
    found = read_arrays(path, _SITE_ARRAYS)
    n, length = found["kl"].shape
    centre = length // 2
    kl = found["kl"].astype(np.float32)
    profiles = np.stack([context_profile(row, centre, length - centre - 1) for row in kl])
    exonic, position = found["in_exon"].astype(np.int64) != 0, found["position"].astype(np.int64)
    chrom = found["chrom"].astype(str).astype(object)
    columns = {
        "site_id": [
            f"{c}:{p}:{row}" for row, (c, p) in enumerate(zip(chrom, position, strict=True))
        ],
        "chrom": chrom,
        "position": position,
        "strand": "+",
        "tx_id": ".",
        "start": position - centre,
        "end": position - centre + length,
        "offset": centre,
        "is_exonic": exonic,
        **{
            f"{site}_distance": _distances(
                np.where(exonic, found[f"exon_to_{site}"], found[f"intron_to_{site}"])
            )
            for site in ("donor", "acceptor")
        },
        "phastcons": found["phastcons"].astype(float),
        "phylop": found["phylop"].astype(float),
        "group": np.arange(n),
    }
    return Mutagenesis(pd.DataFrame(columns)[SITES.names], profiles.astype(np.float32))


def _distances(values: np.ndarray) -> pd.Series:
    """Distances, missing at the outer ends of the first and the last exon."""
    values = values.astype(np.int64)
    return pd.Series(values, dtype="Int64").mask(values == NO_DISTANCE)
