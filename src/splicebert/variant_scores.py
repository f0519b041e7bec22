"""Scores of variants and of mutagenesis sites from planned runs; NaN with a reason where missing.

The published code slices with negative indices where a context reaches past the window, and so
takes bases of its other end. Here nothing is wrapped around: what lies outside is missing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .scores import (
    REACH,
    context_profile,
    context_score,
    kl_all_tokens,
    kl_per_base,
    log_softmax,
    probability_change,
    site_kl,
)
from .sequence import BASES, base_codes
from .variant_plan import Answer

OUTSIDE = "the variant lies outside the window"
PAST_WINDOW = "the context reaches past the window"
N_IN_CONTEXT = "N within the context"


class SnvScores(NamedTuple):
    """Scores of a variant.

    p_ref, p_alt, delta_p : at the hidden position, softmax over all tokens; delta_p = p_alt - p_ref
    donor_kl, acceptor_kl : mean KL(alt || ref) of the site's two bases, nats; NaN where missing
    context_score : sum of ln(max(k(d), 1e-6)); NaN where a k(d) is missing
    reason : why a score is missing, None where none is
    profile : float64 (REACH,), k(1) to k(REACH)
    """

    p_ref: float
    p_alt: float
    delta_p: float
    donor_kl: float
    acceptor_kl: float
    context_score: float
    reason: str | None
    profile: np.ndarray


def no_scores(reason: str = OUTSIDE) -> SnvScores:
    """Scores of a variant that can't be run."""
    nan = float("nan")
    return SnvScores(nan, nan, nan, nan, nan, nan, reason, np.full(REACH, nan))


def known_profile(kl: np.ndarray, known: np.ndarray, offset: int, reach: int) -> np.ndarray:
    """k(d) = (KL[offset - d] + KL[offset + d]) / 2 where both bases are there and known.

    Parameters
    ----------
    kl
        float (nt,).
    known
        bool (nt,), False at N.
    offset, reach
        0-based position of the variant; largest distance.

    Returns
    -------
    float64 (reach,), d = 1..reach; NaN where either base lies outside the window or is N.
    """
    distance = np.arange(1, reach + 1)
    before, after = offset - distance, offset + distance
    inside = (before >= 0) & (after < len(kl))
    both = known[np.where(inside, before, offset)] & known[np.where(inside, after, offset)]
    values = context_profile(np.where(np.isnan(kl), 0.0, kl), offset, reach)
    return np.where(inside & both, values, np.nan)


def context_reasons(known: np.ndarray, offset: int, reach: int) -> list[str]:
    """Why k(d) is missing for some d up to `reach`; nothing where none is."""
    reasons = []
    if offset - reach < 0 or offset + reach >= len(known):
        reasons.append(PAST_WINDOW)
    if not known[max(offset - reach, 0) : offset + reach + 1].all():
        reasons.append(N_IN_CONTEXT)
    return reasons


def snv_rows(
    offset: int, sites: tuple[tuple[int, int] | None, ...], length: int, reach: int = REACH
) -> np.ndarray:
    """Offsets at which a variant's two sequences are read: its context and the exon's sites.

    Parameters
    ----------
    offset
        0-based position of the variant.
    sites
        From `exon_site_offsets`.
    length, reach
        Of the window, and largest distance of the context, nt.

    Returns
    -------
    int64 (rows,), sorted, each once.
    """
    context = np.arange(max(offset - reach, 0), min(offset + reach + 1, length))
    return np.unique(np.concatenate([context, *(np.arange(*s) for s in sites if s is not None)]))


def score_snv(
    answer: Answer,
    sequence: str,
    offset: int,
    bases: tuple[str, str],
    sites: tuple[tuple[int, int] | None, tuple[int, int] | None],
) -> SnvScores:
    """Scores of a variant from its runs.

    Parameters
    ----------
    answer
        Of a query with one alternative and the masked run, read at `snv_rows`.
    sequence
        The reference window, 5'->3'.
    offset
        0-based position of the variant.
    bases
        REF and ALT on the strand of the window.
    sites
        Donor and acceptor of the exon, from `exon_site_offsets`.
    """
    known = base_codes(sequence) < len(BASES)
    kl = kl_per_base(answer.alternatives[0], answer.reference)
    profile = known_profile(kl, known, offset, REACH)
    reasons = context_reasons(known, offset, REACH)
    site_scores = []
    for name, site in zip(("donor", "acceptor"), sites, strict=True):
        if site is None:
            reasons.append(f"the {name} lies outside the window")
        elif not known[slice(*site)].all():
            reasons.append(f"N in the {name}")
            site = None  # noqa: PLW2901
        site_scores.append(site_kl(kl, site))
    change = probability_change(answer.masked, *map(BASES.index, bases))
    score = context_score(profile)
    return SnvScores(*change, *site_scores, score, "; ".join(reasons) or None, profile)


def largest_change(answer: Answer, *, published: bool) -> np.ndarray:
    """KL(alt || ref) over all ten tokens, maximum over the alternatives of a site, in nats.

    Parameters
    ----------
    answer
        Of a query with three alternatives, read at every position.
    published
        Clip probabilities to [1e-6, 1 - 1e-6], as the paper's code does; the result may then fall
        a little below 0.

    Returns
    -------
    float64 (nt,)
    """
    if published:
        return kl_all_tokens(answer.alternatives, answer.reference).max(axis=0)
    alt, ref = log_softmax(answer.alternatives), log_softmax(answer.reference)
    return np.maximum((np.exp(alt) * (alt - ref)).sum(axis=-1), 0.0).max(axis=0)
