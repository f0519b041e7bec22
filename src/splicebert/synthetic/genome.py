"""Make a whole synthetic genome."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from splicebert.synthetic import annotate, chromosome, conservation, effects, motifs
from splicebert.synthetic.genes import place_genes
from splicebert.synthetic.sequence import paint_genes
from splicebert.synthetic.spec import INTERGENIC, REGION_NAMES, GenomeSpec, SyntheticGenome
from splicebert.synthetic.vocabulary import Vocabulary, draw_vocabulary


def make_genome(spec: GenomeSpec, seed: int) -> SyntheticGenome:
    """Make a genome whose splicing grammar, repeats and selection are known.

    Parameters
    ----------
    spec
        Size and make-up.
    seed
        Seed of `numpy.random.default_rng`. The same spec and seed give the same genome.

    Returns
    -------
    genome
        Sequences, annotation, conservation tracks and the truth behind them.
    """
    rng = np.random.default_rng(seed)
    layout = place_genes(rng, spec)
    vocabulary = draw_vocabulary(rng, spec)
    painted = paint_genes(rng, spec, layout, vocabulary)
    transcripts, exons = annotate.transcript_tables(rng, layout, painted)
    parts = {}
    for name in spec.chromosomes:
        chrom = chromosome.lay_out(rng, spec, name, layout, painted)
        parts[name] = _complete(rng, spec, chrom, vocabulary)
    codes = {name: part.codes for name, part in parts.items()}
    branchpoints = annotate.branchpoint_table(layout, painted, transcripts)
    spliced = effects.spliced_exons(spec.grammar, codes, transcripts, exons, branchpoints)
    sites = annotate.splice_site_table(spec, layout, painted, transcripts)
    return SyntheticGenome(
        sequences={name: part.sequence for name, part in parts.items()},
        genes=annotate.gene_table(layout),
        transcripts=transcripts,
        exons=exons,
        splice_sites=effects.with_usage(spec.grammar, sites, spliced),
        branchpoints=branchpoints,
        spliced_exons=spliced,
        variants=effects.draw_variants(rng, spec, codes, spliced),
        decoys=annotate.decoy_table(spec, layout, painted, transcripts),
        domains=annotate.domain_table(layout, painted, transcripts),
        repeats=pd.concat([part.repeats for part in parts.values()], ignore_index=True),
        elements=pd.concat([part.elements for part in parts.values()], ignore_index=True),
        tracks={
            track: {name: part.tracks[track] for name, part in parts.items()}
            for track in ("phastcons", "phylop")
        },
        selection={name: part.selection for name, part in parts.items()},
        regions={name: part.region for name, part in parts.items()},
    )


class _Part(NamedTuple):
    """What one chromosome adds to the fields of `SyntheticGenome` of the same names."""

    sequence: str
    codes: np.ndarray
    region: np.ndarray
    elements: pd.DataFrame
    repeats: pd.DataFrame
    selection: np.ndarray
    tracks: dict[str, np.ndarray]


def _complete(
    rng: np.random.Generator,
    spec: GenomeSpec,
    chrom: chromosome.Chromosome,
    vocabulary: Vocabulary,
) -> _Part:
    """Put elements, repeats and conservation on a chromosome with genes."""
    elements = chromosome.add_elements(rng, spec, chrom, vocabulary)
    repeats = chromosome.add_repeats(rng, spec, chrom, vocabulary)
    selection = conservation.selection_coefficients(rng, chrom)
    tracks = conservation.conservation_tracks(rng, spec, selection)
    return _Part(_text(chrom), chrom.codes, chrom.region, elements, repeats, selection, tracks)


def _text(chrom: chromosome.Chromosome) -> str:
    """Return the soft-masked sequence."""
    # ASCII letters differ from their lower case by bit 5 (32).
    return (motifs.ASCII[chrom.codes] | (chrom.repeat * np.uint8(32))).tobytes().decode("ascii")


def summarise(genome: SyntheticGenome) -> dict[str, float]:
    """Count what is in a genome.

    Returns
    -------
    counts
        Counts of genes, transcripts, introns (of canonical transcripts), repeats, elements;
        shares (0..1) of transcribed bases, of repeats in each region (`repeat_<region>`), of
        bases without score, and of scored bases with phastCons >= 0.8.
    """
    letters = np.frombuffer("".join(genome.sequences.values()).encode(), dtype=np.uint8)
    lower = letters >= ord("a")
    region = np.concatenate(list(genome.regions.values()))
    phastcons = np.concatenate(list(genome.tracks["phastcons"].values()))
    scored = ~np.isnan(phastcons)
    counts: dict[str, float] = {
        "bases": len(letters),
        "genes": len(genome.genes),
        "protein_coding_genes": int((genome.genes["gene_type"] == "protein_coding").sum()),
        "transcripts": len(genome.transcripts),
        "introns": len(genome.branchpoints),
        "repeats": len(genome.repeats),
        "elements": len(genome.elements),
        "domains": len(genome.domains),
        "decoys": len(genome.decoys),
        "variants": len(genome.variants),
        "transcribed": float((region != INTERGENIC).mean()),
        "repeat": float(lower.mean()),
    }
    for code, name in enumerate(REGION_NAMES):
        here = region == code
        counts[f"repeat_{name}"] = float(lower[here].mean()) if here.any() else 0.0
    counts["no_score"] = float(1 - scored.mean())
    counts["phastcons_high"] = float((phastcons[scored] >= 0.8).mean()) if scored.any() else 0.0
    return counts
