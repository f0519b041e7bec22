"""Draw the site sets of the embedding branch from an annotation, or from the usage of sites."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .embedding_kinds import DINUCLEOTIDE, SITES
from .embedding_sites import finish, motif_label, usage_label
from .errors import SpliceBERTError

if TYPE_CHECKING:
    from .genome import Genome

log = logging.getLogger(__name__)
ROUNDS = 40
"""Of random positions, before a genome counts as too small for the dinucleotides asked for."""


def annotated_sites(introns: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Donor and acceptor dinucleotides of introns, each place once.

    Parameters
    ----------
    introns
        tx_id, chrom, start, end (0-based half-open), strand.
    transcripts
        tx_id, gene_name.

    Returns
    -------
    DataFrame of chrom, start, end, strand, site, gene (of the first transcript).
    """
    gene = introns["tx_id"].map(transcripts.set_index("tx_id")["gene_name"])
    plus = introns["strand"] == "+"
    parts = []
    for site in SITES:
        low = plus if site == "donor" else ~plus  # the site lies at the intron's lower end
        start = introns["start"].where(low, introns["end"] - 2)
        columns = {"start": start, "end": start + 2, "site": site, "gene": gene}
        parts.append(introns[["chrom", "strand"]].assign(**columns))
    table = pd.concat(parts, ignore_index=True)
    return table.drop_duplicates(["chrom", "start", "strand", "site"]).reset_index(drop=True)


def balanced(table: pd.DataFrame, per_class: int | None, rng: np.random.Generator) -> pd.DataFrame:
    """Draw equally many positives and negatives of each kind of site, file order kept.

    Parameters
    ----------
    table
        Columns site and positive.
    per_class
        Sites of each class; fewer where a class has fewer. None keeps everything.
    rng
        Draws.

    Raises
    ------
    SpliceBERTError
        Of neither kind there are both classes; a kind that lacks one is left out with a warning.
    """
    if per_class is None:
        return table
    chosen, lacking = [], []
    for site in SITES:
        rows = [np.flatnonzero((table["site"] == site) & (table["positive"] == p)) for p in (1, 0)]
        size = min(per_class, *map(len, rows))
        chosen += [rng.permutation(own)[:size] for own in rows]
        if not size:
            lacking.append(f"{len(rows[0])} positive and {len(rows[1])} negative {site}s")
    if len(lacking) == len(SITES):
        raise SpliceBERTError(
            f"there are {' and '.join(lacking)}; per_class draws as many of each class and needs "
            "both. Give sites of both classes, or leave per_class out to keep them all"
        )
    if lacking:
        log.warning("%s: these are left out, per_class draws as many of each class", *lacking)
    return table.iloc[np.sort(np.concatenate(chosen))].reset_index(drop=True)


def random_dinucleotides(
    transcripts: pd.DataFrame,
    genome: Genome,
    known: set[tuple[str, int, str]],
    *,
    counts: Mapping[str, int],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw GT and AG inside transcripts, on their strand, that are no annotated site.

    Every position of every transcript is equally likely, those of overlapping transcripts more so.

    Parameters
    ----------
    transcripts
        chrom, start, end (0-based half-open), strand, gene_name.
    genome
        Sequence.
    known
        (chrom, start, strand) of annotated sites of either kind, and of others not to draw.
    counts
        How many of each kind, donor (GT) and acceptor (AG).
    rng
        Draws.

    Raises
    ------
    SpliceBERTError
        So many are not found.
    """
    length = (transcripts["end"] - transcripts["start"] - 1).clip(lower=0).to_numpy(float)
    site_of = {pair: site for site, pair in DINUCLEOTIDE.items()}
    found: dict[tuple[str, int, str], tuple[str, str]] = {}
    left = dict(counts)
    for _ in range(ROUNDS):
        if not any(left.values()):
            break
        size = 16 * max(left.values()) + 64
        tx = rng.choice(len(transcripts), size=size, p=length / length.sum())
        offset = (rng.random(size) * length[tx]).astype(np.int64)
        rows = transcripts.iloc[tx][["chrom", "start", "strand", "gene_name"]]
        for row, shift in zip(rows.itertuples(index=False), offset.tolist(), strict=True):
            start = int(row.start) + shift
            place = (row.chrom, start, row.strand)
            site = site_of.get(genome.fetch(row.chrom, start, start + 2, row.strand).upper())
            if site and left[site] and place not in known and place not in found:
                found[place] = (site, row.gene_name)
                left[site] -= 1
    if any(left.values()):
        raise SpliceBERTError(
            f"{genome.path}: {ROUNDS} rounds of random positions left {left} non-sites to find "
            "inside its transcripts; lower per_class of the data set in the configuration"
        )
    rows = [(c, s, s + 2, strand, *found[c, s, strand]) for c, s, strand in found]
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "strand", "site", "gene"])


def draw_motif_sites(
    transcripts: pd.DataFrame,
    introns: pd.DataFrame,
    genome: Genome,
    *,
    per_class: int,
    seed: int,
    negatives: pd.DataFrame | None = None,
    share: float = 1.0,
) -> pd.DataFrame:
    """Splice-site set of a genome: annotated GT donors and AG acceptors, and as many that are none.

    Parameters
    ----------
    transcripts, introns
        Of the annotation, contigs spelt as in the genome; introns of all transcripts, since a site
        of any of them is real.
    genome
        Sequence.
    per_class, seed
        Sites of each of the four classes (fewer where there are fewer real ones); draws.
    negatives
        Dinucleotides that are no sites, which come first: chrom, start, end (0-based half-open),
        strand, site. None draws all that are no sites from transcripts.
    share
        Of the sites that are none, how many are of `negatives`, 0 to 1 (all of these where there
        are fewer, with a warning); the others are drawn from transcripts, at other places.

    Returns
    -------
    DataFrame
        Schema `EMBEDDING_SITES`, sorted by position.
    """
    rng = np.random.default_rng(seed)
    real = annotated_sites(introns, transcripts)
    known = set(real[["chrom", "start", "strand"]].itertuples(index=False, name=None))
    chosen = []
    for site in SITES:
        pool = real[real["site"] == site]
        order = pool.iloc[rng.permutation(len(pool))]
        chosen.append(_canonical(order, genome, per_class))
    counts = dict(zip(SITES, map(len, chosen), strict=True))
    if not all(counts.values()):
        raise SpliceBERTError(
            f"{genome.path}: found {counts} annotated GT donors and AG acceptors; is the "
            "annotation on another assembly?"
        )
    false = []
    if negatives is not None:
        false.append(_take(negatives, counts, share, seed))
        known |= set(negatives[["chrom", "start", "strand"]].itertuples(index=False, name=None))
        counts = {site: n - int((false[0]["site"] == site).sum()) for site, n in counts.items()}
    if any(counts.values()):
        false.append(random_dinucleotides(transcripts, genome, known, counts=counts, rng=rng))
    parts = [part.assign(positive=True) for part in chosen]
    parts += [part.assign(positive=False) for part in false if len(part)]
    table = pd.concat(parts, ignore_index=True)
    table = table.sort_values(["chrom", "start", "strand"], ignore_index=True, kind="stable")
    table["label"] = [
        motif_label(s, p) for s, p in zip(table["site"], table["positive"], strict=True)
    ]
    return finish(table.assign(usage=np.nan))


def _take(
    negatives: pd.DataFrame, counts: Mapping[str, int], share: float, seed: int
) -> pd.DataFrame:
    """Draw a share of so many negatives of each kind; fewer, with a warning, where there are."""
    taken = []
    for site, count in counts.items():
        own, asked = negatives[negatives["site"] == site], round(share * count)
        order = np.random.default_rng(seed).permutation(len(own))[:asked]
        taken.append(own.iloc[np.sort(order)])
        if len(order) < asked:
            log.warning("%d negatives of %ss are given, %d were to be; others are drawn",
                        len(order), site, asked)  # fmt: skip
    return pd.concat(taken, ignore_index=True).assign(gene=None)


def _canonical(sites: pd.DataFrame, genome: Genome, limit: int) -> pd.DataFrame:
    """The first `limit` sites, in order, that read GT (donor) or AG (acceptor)."""
    kept = []
    for number, r in enumerate(sites.itertuples(index=False)):
        if len(kept) == limit:
            break
        if genome.fetch(r.chrom, r.start, r.end, r.strand).upper() == DINUCLEOTIDE[r.site]:
            kept.append(number)
    return sites.iloc[kept]


def draw_usage_sites(
    usage: pd.DataFrame, genome: Genome, settings: Mapping, *, per_class: int, seed: int
) -> pd.DataFrame:
    """Usage set: GT donors and AG acceptors of low and of high usage, equally many of each.

    Parameters
    ----------
    usage
        As from `junctions.site_usage`, with a column gene.
    genome
        Sequence.
    settings
        low, high: usage below and above which a site is in a class; min_reads at the site.
    per_class, seed
        Sites of each of the four classes, fewer where there are fewer; draws.
    """
    seen = usage[usage["reads"] >= settings["min_reads"]]
    low, high = settings["low"], settings["high"]
    table = seen[(seen["usage"] < low) | (seen["usage"] > high)].reset_index(drop=True)
    table = _canonical(table, genome, len(table)).reset_index(drop=True)
    table["positive"] = table["usage"] > high
    log.info(
        "%d sites with reads, %d with %d or more, %d of these GT or AG and below %g or above %g",
        *(len(usage), len(seen), settings["min_reads"], len(table), low, high),
    )
    if table["positive"].nunique() < 2:
        raise SpliceBERTError(
            f"no site has a usage below {low:g} where another has one above {high:g}, of "
            f"{len(seen)} sites with {settings['min_reads']} reads or more; give more junctions "
            "or change embedding.usage"
        )
    table = balanced(table, per_class, np.random.default_rng(seed))
    table["label"] = [
        usage_label(s, p, low, high) for s, p in zip(table["site"], table["positive"], strict=True)
    ]
    return finish(table)
