"""The splicing model of the synthetic world: what share of transcripts includes an exon.

logit(psi) = BASE + DONOR_WEIGHT (donor - its mean) + ACCEPTOR_WEIGHT (acceptor - its mean)
           + BRANCHPOINT_WEIGHT (branchpoint - its mean) + ENHANCER_WEIGHT (enhancers - silencers)
           - COMPETITION_WEIGHT (how far look-alikes nearby come close)

Strengths are log-odds of the matrices against intron sequence (bits). Everything is computed from
the sequence alone, so that the effect of any variant is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.synthetic import motifs
from splicebert.synthetic.grammar import (
    ACCEPTOR_OFFSETS,
    BRANCHPOINT_OFFSETS,
    BRANCHPOINT_RANGE,
    DONOR_OFFSETS,
    Grammar,
)

BASE = 1.5
DONOR_WEIGHT, ACCEPTOR_WEIGHT, BRANCHPOINT_WEIGHT = 0.75, 0.6, 0.5
ENHANCER_WEIGHT, COMPETITION_WEIGHT = 0.7, 1.0
FLANK = 64
"""Intron bases that the model reads on either side of an exon, nt."""
REACH = 50
"""Largest distance of a competing look-alike from its site, nt."""
LEAST = 48
"""Shortest exon, nt."""
_WITHIN = 24
_MARGIN = 2.0


class Context(NamedTuple):
    """Sequence of exons with their surroundings, 5'->3'.

    Parameters
    ----------
    before : uint8 (n, FLANK)
        Intron bases before the exon.
    exons
        Sequence of uint8 arrays, each at least LEAST nt.
    after : uint8 (n, FLANK)
        Intron bases behind the exon.
    """

    before: np.ndarray
    exons: list[np.ndarray]
    after: np.ndarray


class Terms(NamedTuple):
    """Terms of the model, each float64 (n,), in logit units; their sum and BASE is logit(psi)."""

    donor: np.ndarray
    acceptor: np.ndarray
    branchpoint: np.ndarray
    enhancers: np.ndarray
    competition: np.ndarray

    @property
    def psi(self) -> np.ndarray:
        """Share of the transcripts that include the exon: float64 (n,), 0..1."""
        return psi(sum(self))


def psi(logit: np.ndarray) -> np.ndarray:
    """Inclusion from the sum of the terms: float64, 0..1."""
    return 1 / (1 + np.exp(-np.clip(BASE + logit, -50, 50)))


def exon_terms(grammar: Grammar, context: Context) -> Terms:
    """Compute the terms of exons.

    Parameters
    ----------
    grammar
        Matrices of the species.
    context
        Sequence.
    """
    bases = grammar.intron_bases
    (donor, near_donor), (acceptor, near_acceptor) = (
        _site(*place, bases) for place in _sites(grammar, context)
    )
    branchpoint = _best_branchpoint(grammar, context.before)
    counts = np.array([_count(grammar, exon) for exon in context.exons], dtype=float)
    mean = grammar.donor_mean, grammar.acceptor_mean, grammar.branchpoint
    expected = [expected_strength(pwm, bases) for pwm in mean]
    return Terms(
        DONOR_WEIGHT * (donor - expected[0]),
        ACCEPTOR_WEIGHT * (acceptor - expected[1]),
        BRANCHPOINT_WEIGHT * (branchpoint - expected[2]),
        ENHANCER_WEIGHT * counts,
        -COMPETITION_WEIGHT * (near_donor + near_acceptor),
    )


def expected_strength(pwm: np.ndarray, background: np.ndarray) -> float:
    """Mean log-odds of sequences drawn from a matrix, bits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nansum(pwm * np.log2(pwm / background)))


def cryptic_site_changes(grammar: Grammar, context: Context, least: float) -> pd.DataFrame:
    """Find the single bases whose change makes a cryptic site: a look-alike closer than any was.

    Parameters
    ----------
    grammar
        Matrices of the species.
    context
        Sequence.
    least
        By how much the look-alike must come closer than the closest now is, bits.

    Returns
    -------
    changes
        exon (row of `context`), local (offset from the exon's first base, 5'->3'), base (code of
        the new base); ordered by them, each once. The bases of the site's own matrix are left out.
    """
    lengths = np.array([len(exon) for exon in context.exons])
    shifts = lengths - _WITHIN, np.full(len(lengths), -FLANK)
    parts = [
        _cryptic_sites_near(*place, grammar.intron_bases, least).assign(
            local=lambda found, shift=shift: found["local"] + shift[found["exon"]]
        )
        for place, shift in zip(_sites(grammar, context), shifts, strict=True)
    ]
    columns = ["exon", "local", "base"]
    return pd.concat(parts)[columns].drop_duplicates().sort_values(columns, ignore_index=True)


def _sites(grammar: Grammar, context: Context) -> list[tuple]:
    """First four arguments of `_site` for donor and acceptor: what lies around each."""
    head = np.stack([exon[:_WITHIN] for exon in context.exons])
    tail = np.stack([exon[-_WITHIN:] for exon in context.exons])
    return [
        (grammar.donor_mean, DONOR_OFFSETS, np.hstack([tail, context.after]), _WITHIN),
        (grammar.acceptor_mean, ACCEPTOR_OFFSETS, np.hstack([context.before, head]), FLANK),
    ]


def _site(
    pwm: np.ndarray, offsets: np.ndarray, codes: np.ndarray, junction: int, background: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Strength of the site at a junction, and by how much look-alikes nearby come within 2 bits.

    Parameters
    ----------
    pwm, offsets
        Matrix and its offsets from the base behind the junction.
    codes : uint8 (n, length)
        Sequence.
    junction
        Offset of the base behind the junction.
    background : float64 (4,)
        Composition that the matrix is compared with.
    """
    scores = motifs.scan(pwm, codes, background)
    at = junction + int(offsets[0])
    own = scores[:, at].copy()
    return own, _closeness(scores[:, _others(scores.shape[1], at)].max(axis=1), own)


def _others(places: int, at: int) -> np.ndarray:
    """Tell which places are within reach of a site: bool (places,)."""
    distance = np.abs(np.arange(places) - at)
    return (distance <= REACH) & (distance > 0)


def _closeness(rival: np.ndarray, own: np.ndarray) -> np.ndarray:
    """By how much a look-alike comes within 2 bits of a site: float64, bits, 0 or more."""
    close = np.where(np.isfinite(rival), rival - np.maximum(own, 0) + _MARGIN, 0)
    return np.maximum(close, 0)


def _cryptic_sites_near(
    pwm: np.ndarray,
    offsets: np.ndarray,
    codes: np.ndarray,
    junction: int,
    background: np.ndarray,
    least: float,
) -> pd.DataFrame:
    """`cryptic_site_changes` of one site: exon, local (offset in `codes`), base."""
    own, close = _site(pwm, offsets, codes, junction, background)
    at = junction + int(offsets[0])
    table = motifs.log_odds_table(pwm, background)
    windows = np.lib.stride_tricks.sliding_window_view(codes, len(pwm), axis=1)
    others = np.flatnonzero(_others(windows.shape[1], at))
    each = table[np.arange(len(pwm)), windows[:, others]]  # (n, others, positions)
    missing = np.isinf(each)
    known = np.where(missing, 0, each)
    rest = known.sum(axis=2, keepdims=True) - known
    rest[missing.sum(axis=2, keepdims=True) - missing > 0] = -np.inf
    score = rest[..., None] + table  # (n, others, positions, nt): with that base there
    gain = _closeness(score, own[:, None, None, None]) - close[:, None, None, None]
    exon, place, position, base = np.nonzero(gain >= least)
    local = others[place] + position
    free = (local < at) | (local >= at + len(pwm))
    found = pd.DataFrame({"exon": exon, "local": local, "base": base})[free]
    return found.reset_index(drop=True)


def _best_branchpoint(grammar: Grammar, before: np.ndarray) -> np.ndarray:
    """Strength of the best branchpoint 18 to 44 nt before the exon: float64 (n,), bits.

    A sequence without any counts as 4 bits below the weakest that the matrix allows.
    """
    scores = motifs.scan(grammar.branchpoint, before, grammar.intron_bases)
    nearest, farthest = BRANCHPOINT_RANGE
    first = FLANK - farthest + int(BRANCHPOINT_OFFSETS[0])
    best = scores[:, first : first + farthest - nearest + 1].max(axis=1)
    table = motifs.log_odds_table(grammar.branchpoint, grammar.intron_bases)
    weakest = np.where(np.isfinite(table), table, np.inf).min(axis=1).sum()
    return np.maximum(best, weakest - 4)


def _count(grammar: Grammar, exon: np.ndarray) -> int:
    """Enhancers less silencers in an exon, overlaps counted once a place."""
    text = motifs.ASCII[exon].tobytes().decode()
    found = [
        sum(text.count(word) for word in words) for words in (grammar.enhancers, grammar.silencers)
    ]
    return found[0] - found[1]
