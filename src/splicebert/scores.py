"""Scores of variants from the logits of a masked language model (protocol section 4).

Pure NumPy. Logits are float32 in the order of `splicebert.sequence.VOCABULARY`; scores are
computed in float64, because a Kullback-Leibler divergence between two nearly equal distributions
is a small difference of large terms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .errors import SpliceBERTError
from .sequence import A, T
from .sites import site_offsets

REACH = 100
FLOOR = 1e-6
_BASES = slice(A, T + 1)


def log_softmax(logits: ArrayLike) -> np.ndarray:
    """Natural logarithm of the softmax over the last axis, float64, without overflow."""
    values = np.asarray(logits, np.float64)
    shifted = values - values.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def base_log_probs(logits: ArrayLike) -> np.ndarray:
    """Logarithms of the probabilities of the four bases among themselves.

    Parameters
    ----------
    logits : float32 (..., 10)
        Order VOCABULARY.

    Returns
    -------
    float64 (..., 4), order ACGT; their exponentials sum to 1.
    """
    return log_softmax(np.asarray(logits)[..., _BASES])


def base_probabilities(logits: ArrayLike, *, bases_only: bool = False) -> np.ndarray:
    """Probabilities of the four bases.

    Parameters
    ----------
    logits : float32 (..., 10)
        Order VOCABULARY.
    bases_only
        Softmax over A, C, G, T alone; else over all ten tokens, as the protocol has it, and then
        the four sum to a little less than 1.

    Returns
    -------
    float64 (..., 4), order ACGT
    """
    if bases_only:
        return np.exp(base_log_probs(logits))
    return np.exp(log_softmax(logits))[..., _BASES]


def kl_per_base(alt_logits: ArrayLike, ref_logits: ArrayLike) -> np.ndarray:
    """KL(alt || ref) of the predicted bases at each position, in nats.

    sum over A, C, G, T of P_alt ln(P_alt / P_ref), with the softmax over the four bases only.

    Parameters
    ----------
    alt_logits, ref_logits : float32 (..., 10)
        Of the alternative and the reference sequence, neither masked.

    Returns
    -------
    float64 (...,), 0 or more
    """
    alt, ref = base_log_probs(alt_logits), base_log_probs(ref_logits)
    return np.maximum((np.exp(alt) * (alt - ref)).sum(axis=-1), 0.0)  # rounding may give -1e-17


def kl_all_tokens(alt_logits: ArrayLike, ref_logits: ArrayLike, floor: float = FLOOR) -> np.ndarray:
    """KL(alt || ref) over all ten tokens, as in the in-silico mutagenesis, in nats.

    Probabilities are clipped to [floor, 1 - floor], so that they need not sum to 1 and the result
    may fall below 0 by as little. The protocol takes the maximum over the three alternatives of a
    site, and folds it by distance as `context_profile` does (window of 510 nt, offset 255, reach
    254).

    Parameters
    ----------
    alt_logits, ref_logits : float32 (..., 10)
        Order VOCABULARY; shapes broadcast.
    floor
        Least probability.

    Returns
    -------
    float64 (...,)
    """
    alt, ref = (np.clip(np.exp(log_softmax(x)), floor, 1 - floor) for x in (alt_logits, ref_logits))
    return (alt * np.log(alt / ref)).sum(axis=-1)


def probability_change(logits: ArrayLike, ref: int, alt: int) -> tuple[float, float, float]:
    """P(ref), P(alt) and their difference at a masked base.

    Parameters
    ----------
    logits : float32 (10,)
        At the variant's position, masked, in the reference sequence.
    ref, alt
        Base codes on the strand that the model read: A 0, C 1, G 2, T 3.

    Returns
    -------
    P(ref), P(alt) (softmax over all ten tokens), and delta_p = P(alt) - P(ref), -1 to 1
    """
    probs = base_probabilities(logits)
    return float(probs[ref]), float(probs[alt]), float(probs[alt] - probs[ref])


def context_profile(kl: ArrayLike, offset: int, reach: int = REACH) -> np.ndarray:
    """KL by distance from the variant: k(d) = (KL[offset - d] + KL[offset + d]) / 2.

    Parameters
    ----------
    kl : float (nt,)
        From `kl_per_base`.
    offset
        0-based position of the variant.
    reach
        Largest distance, nt.

    Returns
    -------
    float64 (reach,), d = 1..reach. Where one of the two positions lies outside the window k(d) is
    the other's value; NaN where both do.
    """
    values = np.asarray(kl, np.float64)
    _check_offset(offset, len(values))
    padded = np.full(len(values) + 2 * reach, np.nan)
    padded[reach : reach + len(values)] = values
    before = padded[offset : offset + reach][::-1]
    after = padded[offset + reach + 1 : offset + 2 * reach + 1]
    alone = np.where(np.isnan(before), after, before)
    both = (before + after) / 2
    return np.where(np.isnan(both), alone, both)


def context_score(profile: ArrayLike, floor: float = FLOOR) -> float:
    """Sum over d of ln(max(k(d), floor)); NaN where a k(d) is missing."""
    return float(np.log(np.maximum(np.asarray(profile, np.float64), floor)).sum())


def largest_kl(kl: ArrayLike, offset: int) -> tuple[float, int]:
    """Largest KL at a base other than the variant's own, and where.

    At the variant the two sequences differ, and KL there tells mostly that the model reads them.

    Parameters
    ----------
    kl : float (nt,)
        From `kl_per_base`; 2 nt or more.
    offset
        0-based position of the variant.

    Returns
    -------
    The KL in nats, and its distance from the variant in nt: negative upstream (5'), positive
    downstream. The first of several equal ones.
    """
    values = np.array(kl, np.float64)
    _check_offset(offset, len(values))
    values[offset] = -1.0
    where = int(values.argmax())
    return float(values[where]), where - offset


def exon_site_offsets(
    exon: tuple[int, int], window: tuple[int, int], strand: str
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Donor and acceptor dinucleotides of an exon, as offsets in a window read 5'->3'.

        + strand    a a [ e x o n ) d d         donor: the two bases after the exon
        - strand    d d [ e x o n ) a a         acceptor: the two bases before it, 5'->3'

    Parameters
    ----------
    exon, window
        Start and end, 0-based half-open, forward strand.
    strand
        + or -.

    Returns
    -------
    Donor and acceptor, each as first offset and exclusive end, or None outside the window.
    """
    lower, upper = (exon[0] - 2, exon[0]), (exon[1], exon[1] + 2)
    donor, acceptor = (upper, lower) if strand == "+" else (lower, upper)
    return _offsets_within(donor, window, strand), _offsets_within(acceptor, window, strand)


def _offsets_within(
    site: tuple[int, int], window: tuple[int, int], strand: str
) -> tuple[int, int] | None:
    if site[0] < window[0] or site[1] > window[1]:
        return None
    return site_offsets(*site, window, strand)


def site_kl(kl: ArrayLike, site: tuple[int, int] | None) -> float:
    """Mean KL of a splice site's two bases; NaN without a site.

    The splice-site score is the sum of the donor's and the acceptor's.

    Parameters
    ----------
    kl : float (nt,)
        From `kl_per_base`.
    site
        First offset and exclusive end, from `exon_site_offsets`.
    """
    return float("nan") if site is None else float(np.asarray(kl)[slice(*site)].mean())


def _check_offset(offset: int, length: int) -> None:
    if not 0 <= offset < length:
        raise SpliceBERTError(f"offset {offset} (0-based); expected 0 to {length - 1}")
