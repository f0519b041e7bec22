"""Print how far this project's numbers are from those of the paper's own code, array by array.

    python tests/equality_table.py

reads the real data that the tests use (SPLICEBERT_SHARED, default ../shared).
"""

import functools
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from splicebert.attention_scores import around, pair_scores
from splicebert.formats import read_bed
from splicebert.genome import Genome, index_fasta
from splicebert.inference import Item, Runtime, run_hidden_states, run_logits
from splicebert.intervals import paint_features
from splicebert.models import SpliceBERT
from splicebert.scores import context_profile, exon_site_offsets
from splicebert.sites import centred_window, site_offsets
from splicebert.transcripts import read_gtf, region_classes
from splicebert.variant_inputs import number_groups, on_genome, place_snvs, read_snvs
from splicebert.variant_plan import run_groups
from splicebert.variant_queries import site_groups, snv_groups, strand_bases
from splicebert.variant_scores import largest_change, score_snv
from splicebert.variant_sites import place_sites

ROOT = Path(__file__).parents[1]
REAL = Path(os.environ.get("SPLICEBERT_SHARED", ROOT.parent / "shared")) / "real"
Row = tuple[str, str, float]


def annotation() -> Iterator[Row]:
    """Region classes derived from the GTF, painted on the published windows."""
    windows = json.loads((REAL / "published_code/annotation_intervals.json").read_text())
    names = json.loads((REAL / "regions.names.json").read_text())
    published = np.load(REAL / "published_code/annotation.npz")["matrix"]
    found = paint_features(
        region_classes(read_gtf(REAL / "annotation.gtf.gz")),
        pd.DataFrame(windows, columns=["chrom", "start", "end"]),
        sorted(names, key=names.get),
    )
    yield "annotation", str(published.shape), difference(found, published)


def hidden_states(genome: Genome) -> Iterator[Row]:
    """Hidden states at the dinucleotides, under the published protocol."""
    sites = read_bed(REAL / "ss-motif.bed.gz", min_columns=6)
    items, offsets = [], []
    for s in sites.itertuples(index=False):
        window = centred_window(s.start, s.end, 510)
        items.append(Item(genome.fetch(s.chrom, *window, s.strand)))
        offsets.append(site_offsets(s.start, s.end, window, s.strand, protocol="published"))
    for name in ("tiny.510nt", "tiny-human.510nt"):
        published = np.load(REAL / f"published_code/embedding.{name}.npz")["hidden_states"]
        model = SpliceBERT(REAL / "models" / name)
        states = run_hidden_states(
            model, items, Runtime.choose("cpu"), layers=range(model.n_layers)
        )
        found = [state[:, i:j] for state, (i, j) in zip(states, offsets, strict=True)]
        yield f"embedding.{name}", str(published.shape), difference(np.stack(found), published)


def pair_score(genome: Genome) -> Iterator[Row]:
    """Scores of pairs of splice sites, mean over the layers."""
    model = SpliceBERT(REAL / "models/tiny.1024nt")
    for path in sorted((REAL / "published_code").glob("attention.*.npz")):
        published, found = np.load(path), []
        for sample, p, q in zip(
            published["samples"], published["p_offset"], published["q_offset"], strict=True
        ):
            chrom, left, right, strand, *_ = sample
            sequence = genome.fetch(chrom, int(left), int(right), strand)
            rows = model.attention_rows([sequence], around(np.array([[p, q]])), maximum=True)
            found.append(pair_scores(rows[0].numpy(), int(p), int(q))[0])
        shape = str(published["pair_score"].shape)
        yield f"{path.stem} scores", shape, difference(np.array(found), published["pair_score"])


def attention(genome: Genome) -> Iterator[Row]:
    """Attention rows of the sites of each pair, maximum over the heads."""
    model = SpliceBERT(REAL / "models/tiny.1024nt")
    for path in sorted((REAL / "published_code").glob("attention.*.npz")):
        published = np.load(path)
        n = len(published["p_rows"])
        sequences = [
            genome.fetch(chrom, int(left), int(right), strand)
            for chrom, left, right, strand, *_ in published["samples"][:n]
        ]
        worst = 0.0
        for site in "pq":
            offsets = published[f"{site}_offset"][:n, None] + np.arange(-1, 2)
            rows = model.attention_rows(sequences, offsets).amax(dim=2).numpy()
            worst = max(worst, difference(rows, published[f"{site}_rows"]))
        yield path.stem, f"2 x {published['p_rows'].shape}", worst


def variants(genome: Genome) -> Iterator[Row]:
    """Scores of the synthetic variants, and the mutagenesis, under the published protocol."""
    runtime = Runtime.choose("cpu", purpose="difference")
    for kind in ("VexSeq", "MFASS"):
        path = REAL / f"synthetic_snv.{kind}.vcf.gz"
        snvs = on_genome(read_snvs(path, kind, Counter()), genome, path, Counter())
        snvs = number_groups(place_snvs(snvs, 510), genome)
        rows = {row.variant_id: row for row in snvs.itertuples(index=False)}
        for name in ("tiny.510nt", "tiny-human.510nt"):
            model, scores = SpliceBERT(REAL / "models" / name), {}
            run = functools.partial(run_logits, model, runtime=runtime)
            for group, query, answer in run_groups(snv_groups(snvs, genome), run):
                row = rows[query.name]
                exon, window = (row.exon_start, row.exon_end), (row.start, row.end)
                sites = exon_site_offsets(exon, window, row.strand)
                bases = strand_bases(row)
                scores[query.name] = score_snv(answer, group.sequence, query.offset, bases, sites)
            found = [scores[name] for name in snvs["variant_id"]]
            published = np.load(REAL / f"published_code/variant.{kind.lower()}.{name}.npz")
            for array, field in (
                ("prob_change_scores", "delta_p"),
                ("donor_kl", "donor_kl"),
                ("acceptor_kl", "acceptor_kl"),
                ("kl_distance", "profile"),
            ):
                values = np.array([getattr(one, field) for one in found])
                worst = difference(values, published[array])
                yield f"variant.{kind.lower()}.{name} {array}", str(values.shape), worst


def mutagenesis(genome: Genome) -> Iterator[Row]:
    """KL around mutated sites, under the published protocol."""
    published = np.load(REAL / "published_code/mutagenesis.tiny.510nt.npz")
    sites = pd.DataFrame(published["site"][:, :2], columns=["chrom", "position"])
    sites = sites.assign(position=sites["position"].astype("int64"), strand=published["strand"])
    sites = number_groups(place_sites(sites, 510), genome)
    model = SpliceBERT(REAL / "models/tiny.510nt")
    run = functools.partial(run_logits, model, runtime=Runtime.choose("cpu", purpose="difference"))
    found = {
        query.name: largest_change(answer, published=True)
        for _, query, answer in run_groups(site_groups(sites, genome), run)
    }
    kl = np.stack([found[name] for name in sites["site_id"]])
    yield "mutagenesis kl", str(kl.shape), difference(kl, published["kl"])
    folded = np.stack([context_profile(row, 255, reach=254) for row in kl])
    yield "mutagenesis folded", str(folded.shape), difference(folded, published["folded"])


def difference(found: np.ndarray, published: np.ndarray) -> float:
    """Largest absolute difference of two arrays of one shape."""
    if found.shape != published.shape:
        raise SystemExit(f"shapes {found.shape} and {published.shape}")
    return float(np.abs(found.astype(float) - published.astype(float)).max())


def main() -> None:
    """Print the table."""
    if not REAL.is_dir():
        raise SystemExit(f"{REAL}: no such folder; name the data with SPLICEBERT_SHARED")
    print("| array | shape | largest absolute difference |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        fai, gzi = f"{folder}/genome.fai", f"{folder}/genome.gzi"
        index_fasta(REAL / "genome.fa.gz", fai, gzi)
        with Genome(REAL / "genome.fa.gz", fai=fai, gzi=gzi) as genome:
            for rows in (
                annotation(),
                hidden_states(genome),
                attention(genome),
                pair_score(genome),
                variants(genome),
                mutagenesis(genome),
            ):
                for name, shape, value in rows:
                    print(f"| {name} | {shape} | {value:.1e} |", flush=True)


if __name__ == "__main__":
    main()
