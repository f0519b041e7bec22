"""The embedding branch recovers what was planted: sites against decoys, strong against weak."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from splicebert.embedding_scores import contingency, normalised_mutual_information, site_blocks
from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES, SITE_PROBE
from splicebert.genome import Genome
from splicebert.sites import centred_window
from splicebert.statistics import bootstrap_counts, estimate
from splicebert.synthetic.grammar import ACCEPTOR_OFFSETS, DONOR_OFFSETS
from splicebert.tables import read_table
from truth.analyses import auc
from truth.claims import demands
from truth.margins import paired

RUNS = ("demo", "untrained", "baselines")
CHOICE = "chr1"  # where clusters choose a layer; measured on the other chromosomes
WINDOW = 510  # nt, of the demo; sites whose windows overlap are resampled together

PER_CLASS = {"demo-sites": 400, "decoys": 400, "shuffled": 250, "demo-usage": 500}
"""Sites of a class, where the demo takes 150: nearly all decoys."""
CLUSTERED = ("demo-sites", "decoys")
PIECE = 20  # nt; shuffled within such pieces, flanks keep their composition

LABELS = {
    ("donor", True): "GT(donor)", ("donor", False): "GT(non-donor)",
    ("acceptor", True): "AG(acceptor)", ("acceptor", False): "AG(non-acceptor)",
}  # fmt: skip


def write_sites(table, path):
    """BED of a motif set: columns chrom, start, end (0-based), tx_id, strand, site, positive."""
    with path.open("w") as out:
        for row in table.itertuples():
            name = f"{row.chrom}:{row.start}|{LABELS[row.site, row.positive]}"
            fields = (row.chrom, row.start, row.end, name, row.tx_id, row.strand)
            out.write("\t".join(map(str, fields)) + "\n")


def real_and_decoys(truth):
    """Real sites and decoys, which were drawn from the same matrices, as a motif set."""
    tables = [
        pd.read_csv(truth / f"{name}.tsv", sep="\t").assign(positive=name == "splice_sites")
        for name in ("splice_sites", "decoys")
    ]
    return pd.concat(tables)


def shuffle_flanks(window, site, rng):
    """Window with the bases around the site's motif shuffled, within pieces of PIECE nt."""
    codes, junction = np.array(list(window)), WINDOW // 2 - 1
    # The acceptor's offsets count from the first base of the exon, behind the AG.
    matrix = {"donor": DONOR_OFFSETS, "acceptor": ACCEPTOR_OFFSETS + 2}[site] + junction
    edges = [*range(matrix[0], 0, -PIECE), 0][::-1], [*range(matrix[-1] + 1, WINDOW, PIECE), WINDOW]
    for start, end in (piece for side in edges for piece in pairwise(side)):
        codes[start:end] = rng.permutation(codes[start:end])
    return "".join(codes)


def write_shuffled_flanks(folder):
    """In the demo's folder, a genome of windows of real sites, half of them with flanks shuffled.

    A donor and an acceptor of each transcript at most; a chromosome's windows lie side by side.
    """
    sites = pd.read_csv(folder / "resources/genomes/demo/truth/splice_sites.tsv", sep="\t")
    sites = sites.sample(frac=1, random_state=0).drop_duplicates(["tx_id", "site"])
    rng, contigs, rows = np.random.default_rng(0), {}, []
    with Genome(folder / "resources/genomes/demo/genome.fa") as genome:
        for row in sites.itertuples():
            left, right = centred_window(row.start, row.end, WINDOW)
            if left < 0 or right > genome.contigs[row.chrom]:
                continue
            window, positive = genome.fetch(row.chrom, left, right, row.strand), rng.random() < 0.5
            at = len(contigs.setdefault(row.chrom, [])) * WINDOW + WINDOW // 2 - 1
            contigs[row.chrom].append(window if positive else shuffle_flanks(window, row.site, rng))
            rows.append((row.chrom, at, at + 2, row.tx_id, "+", row.site, positive))
    lines = (f">{chrom}\n{''.join(windows)}\n" for chrom, windows in contigs.items())
    (folder / "shuffled.fa").write_text("".join(lines))
    columns = ["chrom", "start", "end", "tx_id", "strand", "site", "positive"]
    write_sites(pd.DataFrame(rows, columns=columns), folder / "shuffled.bed")


@pytest.fixture(scope="module")
def outputs(demo, run, with_untrained):
    """Results of the demo with a set of decoys and an untrained model of the same size."""
    folder = demo.folder
    config = with_untrained(folder)
    section = config["embedding"]
    section["models"].append("untrained")
    write_sites(real_and_decoys(folder / "resources/genomes/demo/truth"), folder / "decoys.bed")
    write_shuffled_flanks(folder)
    shuffled = {"assembly": "shuffled", "fasta": str(folder / "shuffled.fa")}
    config["genomes"]["shuffled"] = shuffled
    for name, genome in (("decoys", "demo"), ("shuffled", "shuffled")):
        own = {"genome": genome, "assembly": genome, "sites": str(folder / f"{name}.bed")}
        section["datasets"][name] = section["datasets"]["demo-sites"] | own
    for name, number in PER_CLASS.items():
        section["datasets"][name]["per_class"] = number
    run_table(run, folder, config, "probe")
    section["datasets"] = {name: section["datasets"][name] for name in CLUSTERED}
    run_table(run, folder, config, "clustering")
    return folder / "results/embedding"


def run_table(run, folder, config, name):
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    target = f"results/embedding/tables/{name}.tsv"
    run(target, "--cores", "2", "--configfile", path, cwd=folder)


def read_scores(folder, site):
    """Sites of a kind: label, block, chromosome; and (method, layer) -> its probe's scores."""
    sites = read_table(folder / "inputs.parquet", EMBEDDING_SITES)
    sites = sites.assign(block=site_blocks(sites, WINDOW)).set_index("site_id")
    sites = sites.loc[sites["site"] == site, ["positive", "block", "chrom"]]
    runs = [read_table(folder / run / "probe.parquet", SITE_PROBE) for run in RUNS]
    scores = {
        key: part.set_index("site_id")["score"].loc[sites.index].to_numpy()
        for key, part in pd.concat(runs).query("site == @site").groupby(["method", "layer"])
    }
    return sites, scores


def by_the_best_layer(sites, scores, method):
    """Scores of each chromosome's sites by the layer with the highest AUC on the others."""
    label, layers = sites["positive"].to_numpy(), [key for key in scores if key[0] == method]
    chosen, found = {}, np.empty(len(sites))
    for chrom in sites["chrom"].unique():
        here = (sites["chrom"] == chrom).to_numpy()
        key = max(layers, key=lambda key: roc_auc_score(label[~here], scores[key][~here]))
        found[here], chosen[chrom] = scores[key][here], key[1]
    layers = sorted(set(map(int, chosen.values())))
    print(f"{method}, layers {layers}: AUC {roc_auc_score(label, found):.3f}")
    return found


def auc_over(folder, site, control):
    """AUC of the demo model, and what it has more than the control's: Estimates."""
    sites, scores = read_scores(folder, site)
    label, block = sites["positive"].to_numpy(), sites["block"]
    both = [by_the_best_layer(sites, scores, method) for method in ("demo", control)]
    return auc(label, both[0], block), paired(roc_auc_score, label, both, block)


@pytest.mark.parametrize("demand", demands("embedding", "probe"))
def test_some_layer_tells_classes_better_than(outputs, demand):
    dataset, site = demand.case
    own, more = auc_over(outputs / dataset, site, demand.control)
    print(f"{own.low:.3f} to {own.high:.3f}; over {demand.control} {more.value:.3f} "
          f"({more.low:.3f} to {more.high:.3f})")  # fmt: skip
    assert own.low > 0.5  # chance
    assert more.low > demand.least


@pytest.fixture(scope="module")
def clusters(outputs):
    """Data set -> clusters of its GT alone and AG alone: method, layer, label, block, chrom."""
    found = {}
    for dataset in CLUSTERED:
        folder = outputs / dataset
        sites = read_table(folder / "inputs.parquet", EMBEDDING_SITES)
        columns = ["site_id", "chrom", "site", "positive"]
        sites = sites[columns].assign(block=site_blocks(sites, WINDOW))
        runs = [read_table(folder / run / "clusters.parquet", CLUSTERS) for run in RUNS]
        table = pd.concat(runs).merge(sites, on="site_id")
        found[dataset] = table[table["subset"] == table["site"]]
    return found


def nmi_over(clusters, site, control):
    """NMI of the demo model less that of the control's, each by its best layer on CHOICE.

    Measured on the other chromosomes, with a bootstrap of the same sites. As in `agreement`,
    replicates are shifted: each holds sites twice, which agree with themselves.
    """
    clusters = clusters[clusters["site"] == site]
    runs = {key: run.set_index("site_id").sort_index()
            for key, run in clusters.groupby(["method", "layer"])}  # fmt: skip

    def counts(key, *, choice):
        part = runs[key][(runs[key]["chrom"] == CHOICE) == choice]
        return contingency(part["block"], part["cluster"], part["positive"])

    def on_choice(key):
        return normalised_mutual_information(counts(key, choice=True).sum(axis=0))

    best = [max((key for key in runs if key[0] == method), key=on_choice)
            for method in ("demo", control)]  # fmt: skip
    tables = [counts(key, choice=False) for key in best]
    width = tables[0].shape[1]

    def both(total):
        return np.array([normalised_mutual_information(n) for n in np.split(total, [width])])

    tables = np.concatenate(tables, axis=1)
    value = both(tables.sum(axis=0))
    print(*(f"{method}, layer {layer}: {nmi:.3f}"
            for (method, layer), nmi in zip(best, value, strict=True)))  # fmt: skip
    draws = bootstrap_counts(tables, both, 500, seed=0)
    draws = draws - draws.mean(axis=0) + value
    return estimate(value[0] - value[1], draws[:, 0] - draws[:, 1])


@pytest.mark.parametrize("demand", demands("embedding", "clusters"))
def test_clusters_follow_the_label_more_than(clusters, demand):
    dataset, site = demand.case
    found = nmi_over(clusters[dataset], site, demand.control)
    print(f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})")
    assert found.low > demand.least
