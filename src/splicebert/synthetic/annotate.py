"""Tables of genes, transcripts, exons, splice sites and branchpoints, in genomic coordinates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from splicebert.synthetic import motifs
from splicebert.synthetic.genes import Layout
from splicebert.synthetic.grammar import (
    ACCEPTOR_OFFSETS,
    BRANCHPOINT_OFFSETS,
    DONOR_OFFSETS,
    Grammar,
)
from splicebert.synthetic.sequence import Painted
from splicebert.synthetic.spec import GenomeSpec

INTERVAL = ["chrom", "start", "end", "strand"]


def gene_table(layout: Layout) -> pd.DataFrame:
    """Return `SyntheticGenome.genes`."""
    genes = layout.genes
    number = np.arange(1, len(genes) + 1)
    coding = genes["coding"].to_numpy()
    return genes[INTERVAL].assign(
        gene_id=[f"SYNG{n:08d}.1" for n in number],
        gene_name=[f"{'SYN' if c else 'LNCSYN'}{n}" for c, n in zip(coding, number, strict=True)],
        gene_type=np.where(coding, "protein_coding", "lncRNA"),
    )


def transcript_tables(
    rng: np.random.Generator, layout: Layout, painted: Painted
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `SyntheticGenome.transcripts` and `SyntheticGenome.exons`.

    Half of the genes with two transcripts have the shorter one first, so that the first
    transcript of a gene is not always the canonical one.
    """
    genes = gene_table(layout)
    second = _second_transcripts(layout, painted)
    row = np.repeat(np.arange(len(genes)), 1 + second)
    rank = np.arange(len(row)) - np.flatnonzero(np.r_[True, row[1:] != row[:-1]])[row]
    canonical_rank = np.where(second & (rng.random(len(genes)) < 0.5), 1, 0)

    transcripts = genes.iloc[row].reset_index(drop=True)
    transcripts = transcripts[INTERVAL].assign(
        tx_id=[f"SYNT{n:08d}.1" for n in range(1, len(row) + 1)],
        tx_name=transcripts["gene_name"] + "-" + (201 + rank).astype(str),
        tx_type=transcripts["gene_type"],
        gene_id=transcripts["gene_id"],
        canonical=rank == canonical_rank[row],
        **{k: v[row] for k, v in _coding_bounds(layout, painted).items()},
    )
    return transcripts, _exon_table(layout, transcripts, row)


def _exon_table(layout: Layout, transcripts: pd.DataFrame, gene: np.ndarray) -> pd.DataFrame:
    """Give each transcript its gene's exons, less the skipped one where it isn't canonical."""
    exons = layout.exons.assign(
        **layout.to_genomic(layout.exons["gene"], layout.exons["start"], layout.exons["end"]),
        skipped=layout.exons["exon_number"].to_numpy() - 1
        == layout.genes["skip"].to_numpy()[layout.exons["gene"]],
    )
    owners = transcripts[["tx_id", "canonical"]].assign(gene=gene)
    table = owners.merge(exons, on="gene", validate="many_to_many")
    table = table[table["canonical"] | ~table["skipped"]]
    number = table.groupby("tx_id", sort=False).cumcount() + 1
    return table.assign(exon_number=number)[[*INTERVAL, "tx_id", "exon_number"]].reset_index(
        drop=True
    )


def _coding_bounds(layout: Layout, painted: Painted) -> dict[str, np.ndarray]:
    """Return the genomic cds_start and cds_end of each gene, -1 where there is none."""
    coding = np.flatnonzero(layout.genes["coding"])
    genes = layout.genes.iloc[coding]
    first = painted.mrna[genes["cds_start"]]
    last = painted.mrna[genes["cds_end"] - 1]
    where = layout.to_genomic(coding, first, last + 1)
    bounds = {}
    for name in ("start", "end"):
        bounds[f"cds_{name}"] = np.full(len(layout.genes), -1, dtype=np.int64)
        bounds[f"cds_{name}"][coding] = where[name]
    return bounds


def _second_transcripts(layout: Layout, painted: Painted) -> np.ndarray:
    """Tell which genes have a second transcript: bool (genes,).

    A coding gene has one if the skipped exon lies within the coding sequence, clear of the start
    and stop codon, and the codon across the new junction is no stop codon.
    """
    genes, exons = layout.genes, layout.exons
    wanted = genes["skip"].to_numpy() >= 0
    first = np.flatnonzero(exons["exon_number"].to_numpy() == 1)
    skipped = exons.iloc[first + np.maximum(genes["skip"].to_numpy(), 0)]
    left = skipped["mrna"].to_numpy()
    right = left + (skipped["end"] - skipped["start"]).to_numpy()
    start, end = genes["cds_start"].to_numpy(), genes["cds_end"].to_numpy()
    inside = (left >= start + 3) & (right <= end - 3)
    for i in np.flatnonzero(wanted & inside & (start >= 0)):
        split = (left[i] - start[i]) % 3
        bases = np.r_[left[i] - split : left[i], right[i] : right[i] + 3 - split]
        codon = motifs.codon_numbers(painted.codes[painted.mrna[bases]])
        inside[i] = codon not in motifs.STOP_CODONS
    return wanted & (inside | (start < 0))


def splice_site_table(
    spec: GenomeSpec, layout: Layout, painted: Painted, transcripts: pd.DataFrame
) -> pd.DataFrame:
    """Return `SyntheticGenome.splice_sites`, still without usage."""
    introns, canonical = layout.introns, transcripts[transcripts["canonical"]]
    gene, number = introns["gene"].to_numpy(), introns["intron_number"].to_numpy()
    start, end, grammar = introns["start"].to_numpy(), introns["end"].to_numpy(), spec.grammar
    tables = []
    for site, left, junction, kind in (
        ("donor", start, start, painted.intron_class),
        ("acceptor", end - 2, end, painted.acceptor_class),
    ):
        columns = {
            **layout.to_genomic(gene, left, left + 2),
            "site": site,
            "tx_id": canonical["tx_id"].to_numpy()[gene],
            "gene_id": canonical["gene_id"].to_numpy()[gene],
            "intron_number": number,
            "intron_class": kind,
            "strength": _strength(grammar, site, painted.codes, junction),
        }
        tables.append(pd.DataFrame(columns))
    return _in_order(pd.concat(tables), transcripts)


def _strength(grammar: Grammar, site: str, codes: np.ndarray, junction: np.ndarray) -> np.ndarray:
    """Log-odds of the sequence at junctions (sense space): float64 (n,), bits."""
    donor = site == "donor"
    offsets = DONOR_OFFSETS if donor else ACCEPTOR_OFFSETS
    pwm = grammar.donor_mean if donor else grammar.acceptor_mean
    windows = np.asarray(junction)[:, None] + offsets
    return motifs.log_odds(pwm, codes[windows], grammar.intron_bases).round(4)


def decoy_table(
    spec: GenomeSpec, layout: Layout, painted: Painted, transcripts: pd.DataFrame
) -> pd.DataFrame:
    """Return `SyntheticGenome.decoys`."""
    table, canonical = painted.decoys, transcripts[transcripts["canonical"]]
    gene, donor = table["gene"].to_numpy(), (table["site"] == "donor").to_numpy()
    junction = np.where(donor, table["start"], table["end"])
    strength = np.empty(len(table))
    for site in ("donor", "acceptor"):
        here = donor == (site == "donor")
        strength[here] = _strength(spec.grammar, site, painted.codes, junction[here])
    columns = {
        **layout.to_genomic(gene, table["start"], table["end"]),
        "site": table["site"].to_numpy(),
        "tx_id": canonical["tx_id"].to_numpy()[gene],
        "strength": strength,
    }
    return _in_order(pd.DataFrame(columns), transcripts)


def domain_table(layout: Layout, painted: Painted, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Return `SyntheticGenome.domains`."""
    table, canonical = painted.domains, transcripts[transcripts["canonical"]]
    start = table["start"].to_numpy()
    gene = np.searchsorted(layout.genes["sense"].to_numpy(), start, side="right") - 1
    columns = {
        **layout.to_genomic(gene, start, table["end"].to_numpy()),
        "tx_id": canonical["tx_id"].to_numpy()[gene],
        "family": table["family"].to_numpy(),
    }
    return _in_order(pd.DataFrame(columns), transcripts)


def branchpoint_table(layout: Layout, painted: Painted, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Return `SyntheticGenome.branchpoints`."""
    introns, canonical = layout.introns, transcripts[transcripts["canonical"]]
    gene, exon_start = introns["gene"].to_numpy(), introns["end"].to_numpy()
    position = exon_start - painted.distance
    bases = motifs.ASCII[painted.codes[position[:, None] + BRANCHPOINT_OFFSETS]]
    table = pd.DataFrame(
        {
            **layout.to_genomic(gene, position, position + 1),
            "tx_id": canonical["tx_id"].to_numpy()[gene],
            "intron_number": introns["intron_number"].to_numpy(),
            "acceptor": layout.to_genomic(gene, exon_start, exon_start + 1)["start"],
            "distance": painted.distance,
            "motif": [row.tobytes().decode() for row in bases],
        }
    )
    return _in_order(table, transcripts)


def _in_order(table: pd.DataFrame, transcripts: pd.DataFrame) -> pd.DataFrame:
    """Sort by chromosome (in the genome's order) and position."""
    rank = {chrom: i for i, chrom in enumerate(transcripts["chrom"].unique())}
    order = np.lexsort((table["end"], table["start"], table["chrom"].map(rank)))
    return table.iloc[order].reset_index(drop=True)
