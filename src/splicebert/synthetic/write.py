"""Write a synthetic genome in the file formats of real data."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig

from splicebert.synthetic.effects import DATASETS
from splicebert.synthetic.gtf import gtf_lines
from splicebert.synthetic.spec import SyntheticGenome

FILES = {
    "fasta": "genome.fa",
    "annotation": "annotation.gtf.gz",
    "phastcons": "phastcons.bw",
    "phylop": "phylop.bw",
    "splice_sites": "truth/splice_sites.tsv",
    "branchpoints": "truth/branchpoints.tsv",
    "repeats": "truth/repeats.tsv",
    "elements": "truth/elements.tsv",
    "spliced_exons": "truth/spliced_exons.tsv",
    "variants": "truth/variants.tsv",
    "decoys": "truth/decoys.tsv",
    "domains": "truth/domains.tsv",
    "vexseq": "variants.vexseq.vcf",
    "mfass": "variants.mfass.vcf",
    "usage": "splice_sites.usage.bed",
    "false_sites": "decoys.bed",
}
"""Name -> path inside the genome's folder."""
FASTA_WIDTH = 60
LOW_USAGE, HIGH_USAGE = 0.2, 0.8


def write_genome(genome: SyntheticGenome, folder: str | os.PathLike) -> dict[str, Path]:
    """Write all files of a genome; the same genome gives the same bytes.

    - `genome.fa`: plain FASTA, 60 columns, lower case = repeat.
    - `annotation.gtf.gz`: GENCODE-style GTF, 1-based, both ends included.
    - `phastcons.bw`, `phylop.bw`: bigWig, per base; bases without score are left out.
    - `variants.vexseq.vcf`, `variants.mfass.vcf`: the variants in the two forms of the published
      sets, their effect in the ID.
    - `splice_sites.usage.bed`: BED6 of the splice sites of low and of high usage in the form of the
      published set: the class is the last field of the name, the gene stands in the fifth column.
    - `decoys.bed`: BED6 of the dinucleotides of the decoys, their kind as name, their strength in
      bits as score.
    - `truth/*.tsv`: the tables of the same names in `SyntheticGenome`, with a header; 0-based,
      half-open, forward strand.

    Each file is written under a temporary name beside its own and renamed when complete.

    Parameters
    ----------
    genome
        What `make_genome` returned.
    folder
        Made if it isn't there.

    Returns
    -------
    paths
        The names of `FILES` -> written path.
    """
    paths = {name: Path(folder) / file for name, file in FILES.items()}
    _replace(paths["fasta"], lambda path: _write_fasta(genome.sequences, path))
    _replace(paths["annotation"], lambda path: _write_gtf(genome, path))
    for name in ("phastcons", "phylop"):
        _replace(paths[name], lambda path, name=name: _write_bigwig(genome.tracks[name], path))
    for name, file in FILES.items():
        if file.startswith("truth/"):
            _replace(paths[name], lambda path, name=name: _write_tsv(getattr(genome, name), path))
    _replace(paths["usage"], lambda path: _write_usage(genome.splice_sites, path))
    columns = ["chrom", "start", "end", "site", "strength", "strand"]
    _replace(paths["false_sites"], lambda path: _write_bed(genome.decoys[columns], path))
    for name in DATASETS:
        _replace(paths[name], lambda path, name=name: _write_vcf(genome, name, path))
    return paths


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write_fasta(sequences: dict[str, str], path: Path) -> None:
    with path.open("w", encoding="ascii", newline="\n") as out:
        for chrom, sequence in sequences.items():
            out.write(f">{chrom}\n")
            for i in range(0, len(sequence), FASTA_WIDTH):
                out.write(sequence[i : i + FASTA_WIDTH] + "\n")


def _write_gtf(genome: SyntheticGenome, path: Path) -> None:
    text = "".join(line + "\n" for line in gtf_lines(genome))
    # No file name and no time in the gzip header, so that the bytes depend on the text alone.
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as out,
    ):
        out.write(text.encode("ascii"))


def _write_bigwig(track: dict[str, np.ndarray], path: Path) -> None:
    """Write runs of scored bases with a step of 1 nt."""
    bigwig = pyBigWig.open(str(path), "w")
    bigwig.addHeader([(chrom, len(values)) for chrom, values in track.items()])
    for chrom, values in track.items():
        scored = np.r_[False, ~np.isnan(values), False]
        edges = np.flatnonzero(scored[1:] != scored[:-1])
        for start, end in edges.reshape(-1, 2).tolist():
            bigwig.addEntries(chrom, start, values=values[start:end], span=1, step=1)
    bigwig.close()


def _write_tsv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, sep="\t", index=False, lineterminator="\n")


def _write_bed(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, sep="\t", index=False, header=False, lineterminator="\n")


def _write_usage(sites: pd.DataFrame, path: Path) -> None:
    """Write sites used below LOW_USAGE or above HIGH_USAGE; the class reads `donor(SSE > 0.8)`."""
    with path.open("w", encoding="ascii", newline="\n") as out:
        for row in sites.itertuples(index=False):
            if LOW_USAGE <= row.usage <= HIGH_USAGE:
                continue
            side = f"< {LOW_USAGE}" if row.usage < LOW_USAGE else f"> {HIGH_USAGE}"
            name = f"{row.chrom}:{row.start}|{row.site}(SSE {side})"
            fields = (row.chrom, row.start, row.end, name, row.gene_id, row.strand)
            out.write("\t".join(map(str, fields)) + "\n")


def _write_vcf(genome: SyntheticGenome, dataset: str, path: Path) -> None:
    """Write variants with `mut_id|.|exon_start|exon_end|strand|ref_psi|delta_psi|label` as ID.

    As in the published files: VexSeq has a 1-based exon start and effects in percent, MFASS a
    0-based one and effects as fractions; the reference psi is a percentage in both.
    """
    percent = dataset == "vexseq"
    table = genome.variants[genome.variants["dataset"] == dataset]
    with path.open("w", encoding="ascii", newline="\n") as out:
        out.write("##fileformat=VCFv4.2\n")
        for chrom, sequence in genome.sequences.items():
            out.write(f"##contig=<ID={chrom},length={len(sequence)}>\n")
        out.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for row in table.itertuples():
            delta = round(row.delta_psi * 100, 2) if percent else row.delta_psi
            disrupts = delta < (-24 if percent else -0.5)
            exon = f"{row.exon_start + percent}|{row.exon_end}|{row.strand}"
            name = f"S{row.Index}|.|{exon}|{round(row.psi * 100, 2)}|{delta}|{disrupts}"
            fields = (row.chrom, row.position + 1, name, row.ref, row.alt, ".", ".", ".")
            out.write("\t".join(map(str, fields)) + "\n")
