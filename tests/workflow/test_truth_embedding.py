"""The embedding branch recovers what was planted: sites against decoys, strong against weak."""

import pandas as pd
import pytest
import yaml

MARGIN = 0.05
"""How much more of the AUC the trained model's best layer must reach than a control's."""
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


MATRIX = "a probe of the bases next to a site is close to the matrix that sites were drawn from"
MOTIF = "the demo model hardly looks past the motif, which decoys have, too"
NOT_YET = {
    ("demo-sites", "donor", "onehot10"): MATRIX,
    ("demo-sites", "donor", "onehot100"): MATRIX,
    ("demo-sites", "acceptor", "onehot10"): MATRIX,
    ("demo-sites", "acceptor", "onehot100"): MATRIX,
    ("demo-usage", "donor", "onehot10"): MATRIX,
    ("demo-usage", "acceptor", "onehot10"): MATRIX,
    ("demo-usage", "acceptor", "onehot100"): MATRIX,
    ("clusters", "donor", "onehot10"): MATRIX,
    ("clusters", "acceptor", "onehot10"): MATRIX,
    ("clusters", "acceptor", "onehot100"): MATRIX,
} | {
    ("decoys", site, control): MOTIF
    for site in ("donor", "acceptor")
    for control in ("untrained", "onehot10", "onehot100")
}


def expect(request, *case):
    """Mark a case that the committed demo model does not reach: it must fail."""
    if case in NOT_YET:
        expected = {"reason": NOT_YET[case], "strict": True, "raises": AssertionError}
        request.applymarker(pytest.mark.xfail(**expected))


@pytest.mark.parametrize("control", ["untrained", "onehot10", "onehot100"])
@pytest.mark.parametrize("site", ["donor", "acceptor"])
@pytest.mark.parametrize("dataset", ["demo-sites", "decoys", "demo-usage"])
def test_some_layer_tells_classes_better_than(tables, dataset, site, control, request):
    expect(request, dataset, site, control)
    trained, other = (best(tables, dataset, site, method) for method in ("demo", control))
    interval = f"{trained['low']:.3f}-{trained['high']:.3f}"
    print(f"layer {trained['layer']}: AUC {trained['value']:.3f} ({interval}), "
          f"{control} {other['value']:.3f}")  # fmt: skip
    assert trained["value"] > other["value"] + MARGIN
    assert trained["low"] > 0.5


@pytest.mark.parametrize("control", ["untrained", "onehot10", "onehot100"])
@pytest.mark.parametrize("site", ["donor", "acceptor"])
def test_clusters_follow_the_label_more_than(tables, site, control, request):
    expect(request, "clusters", site, control)
    table = tables["clustering"]
    table = table[(table["dataset"] == "demo-sites") & (table["site"] == site)]
    table = table[(table["subset"] == site) & (table["metric"] == "nmi")]
    best = table.loc[table.groupby("method")["value"].idxmax()].set_index("method")
    print(best[["layer", "value", "low", "high"]].to_string())
    assert best.loc["demo", "low"] > best.loc[control, "high"]
