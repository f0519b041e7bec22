"""The embedding branch recovers what was planted: sites against decoys, strong against weak."""

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from splicebert.embedding_scores import contingency, normalised_mutual_information, site_blocks
from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES, SITE_PROBE
from splicebert.statistics import bootstrap_counts, estimate
from splicebert.tables import read_table
from truth.analyses import auc
from truth.claims import demands
from truth.margins import paired

RUNS = ("demo", "untrained", "baselines")
WINDOW = 510  # nt, of the demo; sites whose windows overlap are resampled together

ALL = {"per_class": 1000}
"""Sites of a class where the demo takes 150: all decoys, and most sites of low usage."""

LABELS = {
    ("donor", True): "GT(donor)", ("donor", False): "GT(non-donor)",
    ("acceptor", True): "AG(acceptor)", ("acceptor", False): "AG(non-acceptor)",
}  # fmt: skip


def write_decoys(truth, path):
    """BED of real sites and of decoys, which were drawn from the same matrices, as a motif set."""
    tables = [
        pd.read_csv(truth / f"{name}.tsv", sep="\t").assign(positive=name == "splice_sites")
        for name in ("splice_sites", "decoys")
    ]
    with path.open("w") as out:
        for row in pd.concat(tables).itertuples():
            name = f"{row.chrom}:{row.start}|{LABELS[row.site, row.positive]}"
            fields = (row.chrom, row.start, row.end, name, row.tx_id, row.strand)
            out.write("\t".join(map(str, fields)) + "\n")


@pytest.fixture(scope="module")
def outputs(demo, run, with_untrained):
    """Results of the demo with a set of decoys and an untrained model of the same size."""
    folder = demo.folder
    config = with_untrained(folder)
    section = config["embedding"]
    section["models"].append("untrained")
    bed = folder / "decoys.bed"
    write_decoys(folder / "resources/genomes/demo/truth", bed)
    section["datasets"]["decoys"] = section["datasets"]["demo-sites"] | {"sites": str(bed)} | ALL
    section["datasets"]["demo-usage"] |= ALL
    run_table(run, folder, config, "probe")
    del section["datasets"]["demo-usage"]
    run_table(run, folder, config, "clustering")
    return folder / "results/embedding"


def run_table(run, folder, config, name):
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    target = f"results/embedding/tables/{name}.tsv"
    run(target, "--cores", "2", "--configfile", path, cwd=folder)


def read_scores(folder, site):
    """Sites of a kind with label and block, and (method, layer) -> its probe's scores of them."""
    sites = read_table(folder / "inputs.parquet", EMBEDDING_SITES)
    sites = sites.assign(block=site_blocks(sites, WINDOW)).set_index("site_id")
    sites = sites.loc[sites["site"] == site, ["positive", "block"]]
    runs = [read_table(folder / run / "probe.parquet", SITE_PROBE) for run in RUNS]
    scores = {
        key: part.set_index("site_id")["score"].loc[sites.index].to_numpy()
        for key, part in pd.concat(runs).query("site == @site").groupby(["method", "layer"])
    }
    return sites, scores


def auc_over(folder, site, control):
    """AUC of the demo model's best layer, and what it has more than the control's: Estimates."""
    sites, scores = read_scores(folder, site)
    label, best = sites["positive"].to_numpy(), []
    for method in ("demo", control):
        values = {key: roc_auc_score(label, score) for key, score in scores.items()
                  if key[0] == method}  # fmt: skip
        key = max(values, key=values.get)
        print(f"{method}, layer {key[1]}: AUC {values[key]:.3f}")
        best.append(scores[key])
    return auc(label, best[0], sites["block"]), paired(roc_auc_score, label, best, sites["block"])


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
    """Data set -> clusters of its sites of either kind alone, with method, layer, label, block."""
    found = {}
    for dataset in ("demo-sites", "decoys"):
        folder = outputs / dataset
        sites = read_table(folder / "inputs.parquet", EMBEDDING_SITES)
        sites = sites[["site_id", "site", "positive"]].assign(block=site_blocks(sites, WINDOW))
        runs = [read_table(folder / run / "clusters.parquet", CLUSTERS) for run in RUNS]
        table = pd.concat(runs).merge(sites, on="site_id")
        found[dataset] = table[table["subset"] == table["site"]]
    return found


def nmi_over(clusters, site, control):
    """NMI of the demo model's best layer less that of the control's, bootstrap of the same sites.

    As in `agreement`, replicates are shifted: each holds sites twice, which agree with themselves.
    """
    clusters = clusters[clusters["site"] == site]
    runs = {key: run.set_index("site_id").sort_index()
            for key, run in clusters.groupby(["method", "layer"])}  # fmt: skip
    counts = {key: contingency(run["block"], run["cluster"], run["positive"])
              for key, run in runs.items()}  # fmt: skip
    value = {key: normalised_mutual_information(n.sum(axis=0)) for key, n in counts.items()}
    best = [max((key for key in value if key[0] == method), key=value.get)
            for method in ("demo", control)]  # fmt: skip
    print(*(f"{method}, layer {layer}: {value[method, layer]:.3f}" for method, layer in best))
    width = counts[best[0]].shape[1]

    def both(total):
        return np.array([normalised_mutual_information(n) for n in np.split(total, [width])])

    counts = np.concatenate([counts[key] for key in best], axis=1)
    draws = bootstrap_counts(counts, both, 500, seed=0)
    draws = draws - draws.mean(axis=0) + both(counts.sum(axis=0))
    return estimate(value[best[0]] - value[best[1]], draws[:, 0] - draws[:, 1])


@pytest.mark.parametrize("demand", demands("embedding", "clusters"))
def test_clusters_follow_the_label_more_than(clusters, demand):
    dataset, site = demand.case
    found = nmi_over(clusters[dataset], site, demand.control)
    print(f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})")
    assert found.low > demand.least
