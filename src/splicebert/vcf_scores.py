"""Scores of one alternative on one strand, from the logits of its windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .inference import Item
from .scores import (
    REACH,
    context_score,
    exon_site_offsets,
    kl_per_base,
    largest_kl,
    probability_change,
    site_kl,
)
from .sequence import BASES
from .sites import site_offsets
from .variant_scores import N_IN_CONTEXT, PAST_WINDOW, context_reasons, known_profile
from .vcf_alleles import Locus
from .vcf_background import Background
from .vcf_sites import Place, Sites

NAN = float("nan")
SITE_NAMES = ("acceptor", "donor")
REASONS = {PAST_WINDOW: "past_window", N_IN_CONTEXT: "N_in_context"}
"""Why a context score is missing -> as the field `missing` says it."""


def items(locus: Locus) -> Iterator[Item]:
    """What is run: the reference, the alternative, for an SNV the reference masked there."""
    yield Item(locus.sequence)
    yield Item(locus.alternative)
    if locus.change.kind == "SNV":
        mask = np.zeros(len(locus.sequence), bool)
        mask[locus.offset] = True
        yield Item(locus.sequence, mask, np.array([locus.offset]))


def aligned_kl(ref: np.ndarray, alt: np.ndarray, locus: Locus) -> tuple[np.ndarray, np.ndarray]:
    """KL(alt || ref) at the bases that both alleles have, aligned by what is unchanged.

    Parameters
    ----------
    ref, alt : float32 (nt, 10)
        Logits of the two windows.
    locus
        The alternative.

    Returns
    -------
    by_base : float64 (nt,)
        By offset in the window of the reference; NaN where the alternative has no such base, and
        at N. The changed bases count where there are as many of either.
    folded : float64 (nt or less,)
        The change as one entry, `locus.offset`, between the bases before and behind it: what
        `context_profile` and `largest_kl` take. NaN at N.
    """
    offset, (before, after) = locus.offset, (len(bases) for bases in locus.bases)
    nt = len(ref)
    shared = nt - offset - max(before, after)
    if before == after:
        by_base = kl_per_base(alt, ref)
    else:
        by_base = np.full(nt, np.nan)
        by_base[:offset] = kl_per_base(alt[:offset], ref[:offset])
        behind = offset + before
        by_base[behind : behind + shared] = kl_per_base(
            alt[offset + after : offset + after + shared], ref[behind : behind + shared]
        )
    by_base[np.array(list(locus.sequence)) == "N"] = np.nan
    behind = by_base[offset + before : offset + before + shared]
    return by_base, np.concatenate([by_base[:offset], [0.0], behind])


def score(
    locus: Locus,
    ref: np.ndarray,
    alt: np.ndarray,
    masked: np.ndarray | None,
    place: Place | None = None,
    background: Background | None = None,
) -> dict[str, Any]:
    """Scores of an alternative, column name -> value.

    Parameters
    ----------
    locus
        The alternative in its windows.
    ref, alt : float32 (nt, 10)
        Logits of the two windows.
    masked : float32 (1, 10)
        Logits at an SNV's position, masked, in the reference; None for others.
    place
        Transcripts over it.
    background
        For the percentile.
    """
    by_base, folded = aligned_kl(ref, alt, locus)
    known = ~np.isnan(folded)
    profile = known_profile(folded, known, locus.offset, REACH)
    max_kl, distance = largest_kl(np.where(known, folded, 0.0), locus.offset)
    row: dict[str, Any] = {
        name: getattr(locus, name) for name in ("record", "chrom", "pos", "id", "ref", "alt")
    }
    row |= {"kind": locus.change.kind, "strand": locus.strand, "offset": locus.offset}
    row |= {"window_start": locus.window[0], "window_end": locus.window[1]}
    row |= _probabilities(locus, masked)
    row |= {"context_score": context_score(profile), "profile": profile}
    if background is not None:
        row["percentile"] = background.percentile(row["context_score"])
    row |= {"max_kl": max_kl, "max_kl_distance": distance}
    missing = ["delta_p:not_SNV"] if masked is None else []
    missing += [
        f"context_score:{REASONS[reason]}" for reason in context_reasons(known, locus.offset, REACH)
    ]
    if place is not None:
        row |= _place_scores(locus, by_base, place, missing)
    if locus.exon is not None:
        row |= _exon_scores(locus, by_base)
    row["missing"] = "&".join(missing) or "."
    return row


def _probabilities(locus: Locus, masked: np.ndarray | None) -> Mapping[str, float]:
    values = (NAN, NAN, NAN)
    if masked is not None:
        values = probability_change(masked[0], *(BASES.index(base) for base in locus.bases))
    return dict(zip(("p_ref", "p_alt", "delta_p"), values, strict=True))


def _exon_scores(locus: Locus, kl: np.ndarray) -> Mapping[str, Any]:
    """Scores at the splice sites of the variant's exon."""
    sites = exon_site_offsets(locus.exon, locus.window, locus.strand)
    donor, acceptor = (site_kl(kl, site) for site in sites)
    return {
        "exon_start": locus.exon[0],
        "exon_end": locus.exon[1],
        "donor_kl": donor,
        "acceptor_kl": acceptor,
        "splice_site_score": donor + acceptor,
    }


def _place_scores(
    locus: Locus, kl: np.ndarray, place: Place, missing: list[str]
) -> Mapping[str, Any]:
    """Transcript, region and splice sites; what is missing is added to `missing`."""
    row: dict[str, Any] = {
        name: getattr(place, name)
        for name in ("tx_id", "gene_name", "gene_type", "region", "n_transcripts")
    }
    distances = place.sites.distances(locus.change.start, locus.change.end)
    values = sites_kl(kl, place.sites, locus)
    for kind in (1, 0):
        name = SITE_NAMES[kind]
        nearest = _nearest(distances, place.sites.is_donor == kind)
        row |= _site(name, nearest, distances, values)
        _explain(name, nearest, values, locus, place.sites, missing)
    nearest = _nearest(distances, np.ones(len(distances), bool))
    row["site"] = "." if nearest is None else SITE_NAMES[int(place.sites.is_donor[nearest])]
    row |= _site("site", nearest, distances, values)
    top = None if np.isnan(values).all() else int(np.nanargmax(values))
    row["top_site"] = "." if top is None else SITE_NAMES[int(place.sites.is_donor[top])]
    row |= _site("top_site", top, distances, values)
    return row


def _site(
    name: str, number: int | None, distances: np.ndarray, values: np.ndarray
) -> Mapping[str, Any]:
    distance = None if number is None else int(distances[number])
    kl = NAN if number is None else float(values[number])
    return {f"{name}_distance": distance, f"{name}_kl": kl}


def _nearest(distances: np.ndarray, among: np.ndarray) -> int | None:
    """The site at the smallest distance; of two the first; None without any."""
    if not among.any():
        return None
    return int(np.where(among, np.abs(distances), np.iinfo(np.int64).max).argmin())


def sites_kl(kl: np.ndarray, sites: Sites, locus: Locus) -> np.ndarray:
    """Mean KL of the two intron bases of each site, float64 (sites,).

    Of the one where the alternative lacks the other or the other is N; NaN where that is so of
    both, and where they do not lie in the window.
    """
    first, (left, right) = sites.first_bases(), locus.window
    out = np.full(len(first), np.nan)
    for number in np.flatnonzero((first >= left) & (first + 2 <= right)):
        start = int(first[number])
        begin, end = site_offsets(start, start + 2, locus.window, locus.strand)
        known = kl[begin:end][~np.isnan(kl[begin:end])]
        out[number] = known.mean() if len(known) else np.nan
    return out


def _explain(
    name: str,
    nearest: int | None,
    values: np.ndarray,
    locus: Locus,
    sites: Sites,
    missing: list[str],
) -> None:
    """Say why the KL at the nearest site of a kind is missing."""
    if nearest is None:
        missing.append(f"{name}_kl:no_intron")
    elif np.isnan(values[nearest]):
        first, (left, right) = int(sites.first_bases()[nearest]), locus.window
        inside = left <= first and first + 2 <= right
        if not inside:
            missing.append(f"{name}_kl:outside_window")
            return
        begin, end = site_offsets(first, first + 2, locus.window, locus.strand)
        missing.append(f"{name}_kl:{'N' if 'N' in locus.sequence[begin:end] else 'changed'}")
