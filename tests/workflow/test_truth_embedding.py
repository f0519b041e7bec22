"""The embedding branch recovers what was planted: sites against decoys, strong against weak."""

import pandas as pd
import pytest
import yaml

from truth.claims import demands

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
def tables(demo, run, with_untrained):
    """Tables of the demo with a set of decoys and an untrained model of the same size."""
    folder = demo.folder
    config = with_untrained(folder)
    section = config["embedding"]
    section["models"].append("untrained")
    bed = folder / "decoys.bed"
    write_decoys(folder / "resources/genomes/demo/truth", bed)
    section["datasets"]["decoys"] = section["datasets"]["demo-sites"] | {"sites": str(bed)}
    run_table(run, folder, config, "probe")
    section["datasets"] = {"demo-sites": section["datasets"]["demo-sites"]}
    run_table(run, folder, config, "clustering")
    return {
        name: pd.read_csv(folder / f"results/embedding/tables/{name}.tsv", sep="\t")
        for name in ("clustering", "probe")
    }


def run_table(run, folder, config, name):
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    target = f"results/embedding/tables/{name}.tsv"
    run(target, "--cores", "2", "--configfile", path, cwd=folder)


def best(tables, dataset, site, method):
    """Row of the layer of a method with the highest AUC."""
    table = tables["probe"]
    table = table[(table["dataset"] == dataset) & (table["site"] == site)]
    table = table[(table["metric"] == "auc") & (table["method"] == method)]
    return table.loc[table["value"].idxmax()]


@pytest.mark.parametrize("demand", demands("embedding", "probe"))
def test_some_layer_tells_classes_better_than(tables, demand):
    trained, other = (best(tables, *demand.case, method) for method in ("demo", demand.control))
    interval = f"{trained['low']:.3f}-{trained['high']:.3f}"
    print(f"layer {trained['layer']}: AUC {trained['value']:.3f} ({interval}), "
          f"{demand.control} {other['value']:.3f}")  # fmt: skip
    assert trained["value"] > other["value"] + demand.least
    assert trained["low"] > 0.5  # chance


@pytest.mark.parametrize("demand", demands("embedding", "clusters"))
def test_clusters_follow_the_label_more_than(tables, demand):
    (site,) = demand.case
    table = tables["clustering"]
    table = table[(table["dataset"] == "demo-sites") & (table["site"] == site)]
    table = table[(table["subset"] == site) & (table["metric"] == "nmi")]
    best = table.loc[table.groupby("method")["value"].idxmax()].set_index("method")
    print(best[["layer", "value", "low", "high"]].to_string())
    assert best.loc["demo", "low"] > best.loc[demand.control, "high"] + demand.least
