"""Protein domains and enhancers in exons, decoys in introns: painted in the sense space."""

from __future__ import annotations

import numpy as np
import pandas as pd

from splicebert.synthetic import motifs
from splicebert.synthetic.genes import Layout, ranges
from splicebert.synthetic.grammar import ACCEPTOR_OFFSETS, DONOR_OFFSETS, Grammar
from splicebert.synthetic.spec import GenomeSpec
from splicebert.synthetic.vocabulary import DOMAIN_CODONS, Vocabulary, descend, piece

DECOY_DISTANCE = 60
"""Smallest distance of a decoy from the ends of its intron, nt."""
_ENHANCED = 0.6


def free_codons(coding: np.ndarray, kept: np.ndarray) -> pd.DataFrame:
    """Return the runs of codons that may be painted over, as start and codons.

    Parameters
    ----------
    coding : int64 (codons, 3)
        Sense positions of the codons' bases.
    kept : bool (sense length,)
        Bases that nothing may overwrite.
    """
    whole = coding[:, 2] - coding[:, 0] == 2  # no intron inside
    rows = coding[whole & ~kept[coding].any(axis=1), 0]
    breaks = np.flatnonzero(np.diff(rows, prepend=-9) != 3)
    lengths = np.diff(breaks, append=len(rows))
    return pd.DataFrame({"start": rows[breaks], "codons": lengths})


def paint_domains(
    rng: np.random.Generator,
    spec: GenomeSpec,
    vocabulary: Vocabulary,
    runs: pd.DataFrame,
    codes: np.ndarray,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Write pieces of protein domains over codons, in frame, in place.

    Returns
    -------
    domains
        start, end (sense space), family.
    selection : float32 (sense length,)
        Selection of the domains' bases, 0 elsewhere.
    """
    selection = np.zeros(len(codes), dtype=np.float32)
    shortest, rows = DOMAIN_CODONS[0], []
    roomy = runs[runs["codons"] >= shortest]
    roomy = roomy[rng.random(len(roomy)) < spec.domain_fraction]
    for start, codons in roomy[["start", "codons"]].to_numpy().tolist():
        number = int(rng.integers(len(vocabulary.domains)))
        family = vocabulary.domains[number]
        length = min(codons, len(family.codes) // 3)
        cut = int(rng.integers(len(family.codes) // 3 - length + 1))
        left = start + 3 * int(rng.integers(codons - length + 1))
        part, here = piece(family, 3 * cut, 3 * length), slice(left, left + 3 * length)
        codes[here], selection[here] = descend(rng, part), part.selection
        rows.append((left, left + 3 * length, f"DOMAIN{number + 1}"))
    return pd.DataFrame(rows, columns=["start", "end", "family"]), selection


def paint_enhancers(
    rng: np.random.Generator,
    grammar: Grammar,
    layout: Layout,
    coding: np.ndarray,
    kept: np.ndarray,
    codes: np.ndarray,
) -> np.ndarray:
    """Write one enhancer into most exons, in frame where they are coding, in place.

    Returns
    -------
    windows : int64 (enhancers, 6)
        Sense positions.
    """
    exons = layout.exons
    inside = np.zeros(len(codes), dtype=bool)
    inside[ranges(exons["start"], exons["end"] - exons["start"])] = True
    inside[coding.ravel()] = False  # a place in coding sequence begins at a codon's first base
    inside[coding[:, 0]] = True
    noncoding = inside.copy()
    noncoding[coding[:, 0]] = False
    words = np.array([motifs.encode(word) for word in grammar.enhancers])
    windows = []
    for start, end in exons[["start", "end"]].to_numpy().tolist():
        places = np.arange(start, max(start, end - 6))[inside[start : max(start, end - 6)]]
        six = places[:, None] + np.arange(6)
        frames = np.where(noncoding[places], noncoding[six].all(axis=1), True)
        frames &= ~kept[six].any(axis=1)
        if frames.any() and rng.random() < _ENHANCED:
            windows.append(six[frames][rng.integers(frames.sum())])
    chosen = np.array(windows, dtype=np.int64).reshape(-1, 6)
    whole = _whole_codons(chosen, coding, noncoding)
    chosen = chosen[whole]
    codes[chosen] = words[rng.integers(len(words), size=len(chosen))]
    return chosen


def _whole_codons(windows: np.ndarray, coding: np.ndarray, noncoding: np.ndarray) -> np.ndarray:
    """Tell which windows are all non-coding, or two whole codons side by side."""
    begins = np.zeros(len(noncoding), dtype=bool)
    begins[coding[coding[:, 2] - coding[:, 0] == 2, 0]] = True
    two = begins[windows[:, 0]] & begins[windows[:, 3]]
    return two | noncoding[windows].all(axis=1)


def paint_decoys(
    rng: np.random.Generator,
    spec: GenomeSpec,
    layout: Layout,
    codes: np.ndarray,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw sequences from the splice-site matrices inside introns, in place.

    Returns
    -------
    decoys
        start, end (the dinucleotide, sense space), site, gene (row of `Layout.genes`).
    mask : bool (sense length,)
        Their bases.
    """
    grammar, introns = spec.grammar, layout.introns
    margin = DECOY_DISTANCE + len(ACCEPTOR_OFFSETS)
    roomy = introns[introns["end"] - introns["start"] > 2 * margin + 2]
    roomy = roomy[rng.random(len(roomy)) < spec.decoy_fraction]
    first = rng.integers(roomy["start"] + margin, roomy["end"] - margin)
    is_donor = rng.random(len(roomy)) < 0.5
    kind = rng.choice(len(grammar.class_p), size=len(roomy), p=grammar.class_p)
    mask = np.zeros(len(codes), dtype=bool)
    for picked, offsets, matrices in (
        (is_donor, DONOR_OFFSETS, grammar.donor),
        (~is_donor, ACCEPTOR_OFFSETS, grammar.acceptor),
    ):
        windows = first[picked][:, None] + offsets
        codes[windows] = motifs.sample_pwm(rng, matrices[kind[picked]])
        mask[windows] = True
    # The dinucleotide: behind a donor's junction, before an acceptor's.
    start = np.where(is_donor, first, first - 2)
    table = pd.DataFrame(
        {
            "start": start,
            "end": start + 2,
            "site": np.where(is_donor, "donor", "acceptor"),
            "gene": roomy["gene"].to_numpy(),
        }
    )
    return table, mask
