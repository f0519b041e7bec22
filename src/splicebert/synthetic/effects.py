"""Inclusion of exons, usage of splice sites and effects of variants, from the splicing model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from splicebert.synthetic import motifs, splicing
from splicebert.synthetic.grammar import (
    ACCEPTOR_OFFSETS,
    BRANCHPOINT_OFFSETS,
    DONOR_OFFSETS,
    Grammar,
)
from splicebert.synthetic.spec import GenomeSpec
from splicebert.synthetic.splicing import FLANK, Context

PLACES = {
    "donor": 0.08,
    "acceptor": 0.08,
    "branchpoint": 0.10,
    "donor_region": 0.22,
    "acceptor_region": 0.16,
    "exon": 0.20,
    "intron": 0.16,
}
"""Where variants are drawn, and the share drawn there, but for cryptic sites."""
CRYPTIC_SITES = 0.12
"""Share of the variants that make a cryptic splice site beside one: place `cryptic_site`."""
CLOSER = 2.0
"""By how much it comes closer to the site than the closest look-alike did, at least, bits."""
_AT_ONCE = 256
DATASETS = ("vexseq", "mfass")
_KEYS = ["chrom", "start", "end", "strand", "tx_id", "exon_number"]


def spliced_exons(
    grammar: Grammar,
    codes: dict[str, np.ndarray],
    transcripts: pd.DataFrame,
    exons: pd.DataFrame,
    branchpoints: pd.DataFrame,
) -> pd.DataFrame:
    """Return `SyntheticGenome.spliced_exons`.

    Parameters
    ----------
    grammar
        Matrices of the species.
    codes
        chrom -> uint8 (length,), forward strand.
    transcripts, exons, branchpoints
        Tables of `SyntheticGenome`.
    """
    canonical = transcripts.loc[transcripts["canonical"], "tx_id"]
    table = exons[exons["tx_id"].isin(canonical)]
    last = table.groupby("tx_id")["exon_number"].transform("max")
    table = table[(table["exon_number"] > 1) & (table["exon_number"] < last)][_KEYS]
    table = table.merge(
        branchpoints.assign(exon_number=branchpoints["intron_number"] + 1)[
            ["tx_id", "exon_number", "distance"]
        ],
        on=["tx_id", "exon_number"],
        validate="one_to_one",
    ).rename(columns={"distance": "branchpoint_distance"})
    if table.empty:
        return table.assign(**dict.fromkeys((*splicing.Terms._fields, "psi"), 0.0))
    terms = splicing.exon_terms(grammar, exon_context(codes, table))
    columns = {name: value.round(4) for name, value in terms._asdict().items()}
    return table.assign(**columns, psi=terms.psi.round(4)).reset_index(drop=True)


def exon_context(codes: dict[str, np.ndarray], table: pd.DataFrame) -> Context:
    """Read exons with their surroundings, 5'->3'.

    Parameters
    ----------
    codes
        chrom -> uint8 (length,), forward strand.
    table
        chrom, start, end (0-based, half-open), strand.
    """
    rows = table[["chrom", "start", "end", "strand"]].itertuples(index=False)
    return _context([_sense(codes, row) for row in rows])


def _context(whole: list[np.ndarray]) -> Context:
    return Context(
        np.stack([piece[:FLANK] for piece in whole]),
        [piece[FLANK:-FLANK] for piece in whole],
        np.stack([piece[-FLANK:] for piece in whole]),
    )


def with_usage(grammar: Grammar, sites: pd.DataFrame, spliced: pd.DataFrame) -> pd.DataFrame:
    """Add the usage of each splice site: its exon's psi.

    The sites of first and last exons, whose other end is no splice site, have the psi of an exon
    whose other terms are average.
    """
    exon = sites["intron_number"] + (sites["site"] == "acceptor")
    keys = ["tx_id", "exon_number"]
    joined = sites.assign(exon_number=exon).merge(
        spliced[[*keys, "psi"]], on=keys, how="left", validate="many_to_one"
    )
    alone = np.empty(len(sites))
    for site, pwm, weight in (
        ("donor", grammar.donor_mean, splicing.DONOR_WEIGHT),
        ("acceptor", grammar.acceptor_mean, splicing.ACCEPTOR_WEIGHT),
    ):
        here = (sites["site"] == site).to_numpy()
        expected = splicing.expected_strength(pwm, grammar.intron_bases)
        alone[here] = splicing.psi(weight * (sites["strength"].to_numpy()[here] - expected))
    usage = joined["psi"].fillna(pd.Series(alone)).round(4)
    return sites.assign(usage=usage.to_numpy())


def draw_variants(
    rng: np.random.Generator,
    spec: GenomeSpec,
    codes: dict[str, np.ndarray],
    spliced: pd.DataFrame,
) -> pd.DataFrame:
    """Return `SyntheticGenome.variants`: places of all kinds, and what they do to psi."""
    n = spec.variants if len(spliced) else 0
    cryptic = round(n * CRYPTIC_SITES)
    table = pd.concat(
        [
            _draw_places(rng, n - cryptic, spliced),
            _draw_cryptic_sites(rng, spec.grammar, cryptic, codes, spliced),
        ],
        ignore_index=True,
    )
    context = [_sense(codes, row) for row in table.itertuples(index=False)]
    local = table["local"].to_numpy() + FLANK
    ref = np.array([piece[i] for piece, i in zip(context, local, strict=True)], dtype=np.uint8)
    alt = ((ref + rng.integers(1, 4, size=len(ref))) % 4).astype(np.uint8)
    asked = table["base"].to_numpy()
    alt = np.where(asked >= 0, asked, alt).astype(np.uint8)
    for piece, i, base in zip(context, local, alt, strict=True):
        piece[i] = base
    minus = (table["strand"] == "-").to_numpy()
    letters = {
        name: motifs.ASCII[np.where(minus, motifs.COMPLEMENT[bases], bases)].tobytes().decode()
        for name, bases in (("ref", ref), ("alt", alt))
    }
    changed = splicing.exon_terms(spec.grammar, _context(context)).psi.round(4) if context else []
    position = np.where(minus, table["end"] - 1 - table["local"], table["start"] + table["local"])
    table = table.rename(columns={"start": "exon_start", "end": "exon_end"}).assign(
        position=position,
        **{name: list(text) for name, text in letters.items()},
        dataset=np.array(DATASETS)[np.arange(len(table)) % len(DATASETS)],
        alt_psi=changed,
    )
    table["delta_psi"] = (table["alt_psi"] - table["psi"]).round(4)
    columns = ["chrom", "position", "ref", "alt", "strand", "tx_id", "exon_number", "exon_start"]
    columns += ["exon_end", "place", "dataset", "psi", "alt_psi", "delta_psi"]
    rank = {chrom: i for i, chrom in enumerate(codes)}
    table = table.drop_duplicates(["chrom", "position", "alt"])
    order = np.lexsort((table["alt"], table["position"], table["chrom"].map(rank)))
    return table.iloc[order][columns].reset_index(drop=True)


def _sense(codes: dict[str, np.ndarray], row) -> np.ndarray:
    """Copy of an exon and FLANK nt on either side, 5'->3'."""
    piece = codes[row.chrom][row.start - FLANK : row.end + FLANK].copy()
    return piece if row.strand == "+" else motifs.COMPLEMENT[piece[::-1]]


def _draw_places(rng: np.random.Generator, n: int, spliced: pd.DataFrame) -> pd.DataFrame:
    """Draw n exons, and in each a base.

    Columns added: place; local, offset from the exon's first base, 5'->3'; base, code of the new
    base, here -1 for any.
    """
    table = spliced.iloc[rng.integers(max(len(spliced), 1), size=n)].reset_index(drop=True)
    place = rng.choice(list(PLACES), size=n, p=list(PLACES.values()))
    share = rng.random(n)
    local = [
        _offsets(name, row.end - row.start, row.branchpoint_distance)
        for name, row in zip(place, table.itertuples(index=False), strict=True)
    ]
    picked = [int(o[int(x * len(o))]) for o, x in zip(local, share, strict=True)]
    return table.assign(place=place, local=np.array(picked, dtype=np.int64), base=-1)


def _draw_cryptic_sites(
    rng: np.random.Generator,
    grammar: Grammar,
    n: int,
    codes: dict[str, np.ndarray],
    spliced: pd.DataFrame,
) -> pd.DataFrame:
    """Draw up to n exons beside which a base can make a cryptic site, each once, and such a change.

    Columns are those of `_draw_places`.
    """
    order = spliced.iloc[rng.permutation(len(spliced))].reset_index(drop=True)
    parts, found = [spliced.iloc[:0].assign(place="", local=0, base=0)], 0
    for start in range(0, len(order), _AT_ONCE):
        table = order.iloc[start : start + _AT_ONCE].reset_index(drop=True)
        changes = splicing.cryptic_site_changes(grammar, exon_context(codes, table), CLOSER)
        changes = changes.groupby("exon").sample(1, random_state=rng).iloc[: n - found]
        here = table.iloc[changes["exon"]].reset_index(drop=True)
        parts.append(
            here.assign(
                place="cryptic_site",
                local=changes["local"].to_numpy(),
                base=changes["base"].to_numpy(),
            )
        )
        found += len(here)
        if found == n:
            break
    return pd.concat(parts, ignore_index=True)


def _offsets(place: str, length: int, distance: int) -> np.ndarray:
    """Return the offsets of a kind of place around an exon of `length` nt."""
    kinds = np.full(length + 2 * FLANK, "intron", dtype=object)
    at = FLANK  # offset of the first exon base
    kinds[at : at + length] = "exon"
    kinds[at + ACCEPTOR_OFFSETS] = "acceptor_region"
    kinds[at + length + DONOR_OFFSETS] = "donor_region"
    kinds[at - distance + BRANCHPOINT_OFFSETS] = "branchpoint"
    kinds[at - 2 : at] = "acceptor"
    kinds[at + length : at + length + 2] = "donor"
    return np.flatnonzero(kinds == place) - FLANK
