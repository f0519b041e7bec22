"""Print what differs from the paper's code by design, with the numbers of both ways.

    python tests/deviation_table.py

reads the finished demo in this folder (resources, results).
"""

import functools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import average_precision_score

from splicebert.embedding_scores import contingency, normalised_mutual_information
from splicebert.genome import Genome
from splicebert.inference import Item, Runtime, run_hidden_states, run_logits
from splicebert.models import SpliceBERT
from splicebert.sites import centred_window, site_offsets
from splicebert.splicesite_scores import measure
from splicebert.training.gather import gather
from splicebert.training.metrics import classification
from splicebert.variant_inputs import number_groups
from splicebert.variant_plan import run_groups
from splicebert.variant_queries import site_groups
from splicebert.variant_scores import largest_change
from splicebert.variant_sites import place_sites

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
PROTOCOLS = ("corrected", "published")
LENGTH = 510
SITES = 30
CLUSTERS = {"components": 128, "neighbours": 15, "resolution": 1, "iterations": 10, "seed": 0}
Row = tuple[str, str, float, float]


def read(path: str) -> pd.DataFrame:
    """A table of the demo's results."""
    return pd.read_csv(RESULTS / path, sep="\t")


def conservation() -> Iterator[Row]:
    """Perplexity in base e and with base 2 on nats; the probe by chromosome and by base."""
    summary = read("conservation/tables/mlm_summary.tsv").set_index(["model", "metric"])["value"]
    nats = summary["demo", "cross_entropy"]
    yield "conservation", "perplexity", np.exp(nats), 2**nats
    metrics = read("conservation/tables/probe_metrics.tsv")
    value = metrics.set_index(["model", "metric", "split"])["value"]
    for model in ("demo", "onehot"):
        for metric in ("auc", "ap"):
            both = (value[model, metric, split] for split in ("chromosome", "base"))
            yield "conservation", f"probe of phastCons, {model}, {metric.upper()}", *both


def embedding() -> Iterator[Row]:
    """NMI of clusters, states of the dinucleotide or on the minus strand one base before it."""
    sys.path.append(str(ROOT / "scripts/embedding"))
    from cluster_sites import embed

    sites = pd.read_parquet(RESULTS / "embedding/demo-sites/inputs.parquet")
    model, found = SpliceBERT(ROOT / "config/demo_model"), {}
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())["embedding"]
    layer = config["datasets"]["demo-sites"]["layers"]["demo"]  # of the main figure
    settings = CLUSTERS | config["clusters"]  # scanpy's layout thins the graph that is clustered
    with Genome(ROOT / "resources/genomes/demo/genome.fa") as genome:
        windows = [centred_window(s.start, s.end, LENGTH) for s in sites.itertuples()]
        items = [
            Item(genome.fetch(s.chrom, *window, s.strand))
            for s, window in zip(sites.itertuples(), windows, strict=True)
        ]
    states = np.stack(
        [
            state[0].astype(np.float16).astype(np.float32)  # as the workflow keeps them
            for state in run_hidden_states(model, items, Runtime.choose("cpu"), layers=[layer])
        ]
    )
    for protocol in PROTOCOLS:
        offsets = np.array(
            [
                site_offsets(s.start, s.end, window, s.strand, protocol=protocol)[0]
                for s, window in zip(sites.itertuples(), windows, strict=True)
            ]
        )
        rows = np.arange(len(sites))[:, None]
        features = states[rows, offsets[:, None] + np.arange(2)].reshape(len(sites), -1)
        cluster, _ = embed(features, settings)
        for site, own in sites.groupby("site").indices.items():
            label = sites["positive"].to_numpy()[own].astype(int)
            counts = contingency(np.zeros(len(own), int), cluster[own], label).sum(axis=0)
            found[site, protocol] = normalised_mutual_information(counts)
    for site in ("donor", "acceptor"):
        yield "embedding", f"NMI, {site}s", *(found[site, protocol] for protocol in PROTOCOLS)


def variant() -> Iterator[Row]:
    """Average precision of phastCons as it is and rounded to float16."""
    scores = read("variant/tables/snv_scores.tsv.gz")
    below = {"demo-vexseq": -24, "demo-mfass": -0.5}
    for dataset, own in scores.dropna(subset=["phastcons"]).groupby("dataset"):
        disrupting, values = own["delta_psi"] < below[dataset], own["phastcons"].to_numpy()
        both = (average_precision_score(disrupting, v) for v in (values, np.float16(values)))
        yield "variant", f"phastCons, {dataset}, AP", *both


def mutagenesis() -> Iterator[Row]:
    """KL far from mutated sites by log-softmax and from clipped probabilities."""
    sites = pd.read_parquet(RESULTS / "variant/demo-mutagenesis/inputs.sites.parquet")[:SITES]
    model, found = SpliceBERT(ROOT / "config/demo_model"), {p: [] for p in PROTOCOLS}
    run = functools.partial(run_logits, model, runtime=Runtime.choose("cpu", purpose="difference"))
    with Genome(ROOT / "resources/genomes/demo/genome.fa") as genome:
        sites = number_groups(place_sites(sites[["chrom", "position", "strand"]], LENGTH), genome)
        for _, _, answer in run_groups(site_groups(sites, genome), run):
            for protocol, kept in found.items():
                kept.append(largest_change(answer, published=protocol == "published"))
    far = np.abs(np.arange(LENGTH) - LENGTH // 2) > 100
    values = [np.stack(kept)[:, far] for kept in found.values()]
    yield "variant", "mutagenesis: median KL beyond 100 nt", *map(np.median, values)
    yield "variant", "mutagenesis: share of these below 0", *((v < 0).mean() for v in values)


def branchpoint() -> Iterator[Row]:
    """Softmax and each fold's own epoch; sigmoid of one logit and one epoch for all folds."""
    folds = sorted((RESULTS / "branchpoint/demo/demo").glob("fold*"))
    names = ("metrics.tsv", "predictions.parquet")
    metrics, predictions = ([fold / name for fold in folds] for name in names)
    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for protocol in PROTOCOLS:
            files = (out / f"{protocol}.parquet", out / f"{protocol}.json")
            how = {"score": "ap", "patience": 10, "protocol": protocol}
            gather(metrics, predictions, *files, **how)
            chosen = pd.read_parquet(files[0])
            scores[protocol] = classification(chosen["label"], chosen["score"])
    for metric in ("ap", "auc", "f1"):
        both = (getattr(scores[protocol], metric) for protocol in PROTOCOLS)
        yield "branchpoint", metric.upper(), *both


def splicesite() -> Iterator[Row]:
    """F1 on another species at a probability and at a logit of 0.5."""
    for site in ("donor", "acceptor"):
        path = RESULTS / f"splicesite/demo.{site}/demo/benchmark.distant.parquet"
        scores = pd.read_parquet(path).assign(group="all")
        both = (measure(scores, p, replicates=1, seed=0).mean()[2] for p in PROTOCOLS)
        yield "splicesite", f"F1 on another species, {site}s", *both


def main() -> None:
    """Print the table."""
    if not (RESULTS / "splicesite/tables/summary.tsv").exists():
        raise SystemExit(f"{RESULTS}: no finished demo; run `snakemake --cores 2` first")
    print("| branch | number | corrected | published |\n|---|---|---|---|")
    for analysis in (conservation, embedding, variant, mutagenesis, branchpoint, splicesite):
        for branch, name, corrected, published in analysis():
            print(f"| {branch} | {name} | {corrected:.6g} | {published:.6g} |", flush=True)


if __name__ == "__main__":
    main()
