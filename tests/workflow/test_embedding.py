"""The embedding branch to the end: site sets of every source, shards, files, tables, figures."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from splicebert.arrays import ArrayReader
from splicebert.embedding_shards import layer_field
from splicebert.embedding_sites import read_site_bed
from splicebert.embedding_tables import CLUSTERING, CLUSTERS, EMBEDDING_SITES, LAYER_PROBE
from splicebert.tables import read_table

DATASETS = ("drawn", "bed")
SOURCES = (*DATASETS, "junctions")
SHARDS = 2
ON_DEMO = {"genome": "demo", "assembly": "demo", "per_class": 40}
LAYERS = 4  # of the demo model, with the embedding output
TRUTH = "resources/genomes/demo/truth/splice_sites.tsv"


def junction_lines(sites):
    """SJ.out.tab of 100 transcripts a gene, each of which includes an exon with its donor's usage.

    Exon i joins exon j with 100 p_i (1 - p_i+1) ... (1 - p_j-1) p_j reads, first and last exon
    always included: then the usage of a site, from junctions alone, is that of its exon.
    """
    wide = sites.pivot(index=["tx_id", "intron_number"], columns="site")
    for _, rows in wide.groupby(level=0):
        chrom, strand = rows["chrom"]["donor"].iloc[0], rows["strand"]["donor"].iloc[0]
        # The end of the intron that lies beside the exon: lower on one strand, upper on the other.
        donor = rows["start" if strand == "+" else "end"]["donor"].tolist()
        acceptor = rows["end" if strand == "+" else "start"]["acceptor"].tolist()
        included = [1.0, *rows["usage"]["donor"].tolist()[1:], 1.0]
        for i, first in enumerate(donor):
            reads = 100 * included[i]
            for j, last in enumerate(acceptor[i:], i + 1):
                count, reads = round(reads * included[j]), reads * (1 - included[j])
                low, high = sorted((first, last))
                if count:
                    sign = 1 if strand == "+" else 2
                    yield f"{chrom}\t{low + 1}\t{high}\t{sign}\t1\t1\t{count}\t0\t30\n"


@pytest.fixture(scope="module")
def configuration(project):
    """A small genome, and a data set of either kind that needs no file of the paper."""
    shipped = yaml.safe_load((project / "config/config.yaml").read_text())
    return {
        "demo": {"chromosomes": {"chr1": 200_000, "chr2": 150_000, "chr3": 150_000}},
        "genomes": shipped["genomes"],
        "inference": {"device": "cpu", "threads": 1},
        "embedding": {
            "datasets": {
                "drawn": ON_DEMO | {"kind": "motif", "layers": {"demo": 2}},
                "bed": ON_DEMO
                | {"kind": "usage", "sites": "resources/genomes/demo/splice_sites.usage.bed"},
            },
            "models": ["demo"],
            "flanks": [5, 40],
            "figure": {"flank": 40},
            "shards": SHARDS,
            "clusters": {"epochs": 30, "components": 20},
            "probe": {"folds": 3},
            "bootstrap": {"replicates": 50},
        },
    }


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, run, write_config):
    """Working folder after a run of the branch, the arguments of that run, and its output."""
    folder = tmp_path_factory.mktemp("embedding")
    path = write_config(folder / "small.yaml", configuration)
    arguments = ("--configfile", path, "--directory", folder)
    output = run("embedding", "--cores", "2", *arguments, cwd=project)
    return folder, arguments, output


@pytest.fixture(scope="module")
def sites_of(finished, configuration, project, run, write_config):
    """Function (data set): its sites. Those of junctions are made of the finished genome."""
    folder, _, _ = finished
    truth = pd.read_csv(folder / TRUTH, sep="\t")
    (folder / "SJ.out.tab").write_text("".join(junction_lines(truth)))
    dataset = ON_DEMO | {"kind": "usage", "junctions": ["SJ.out.tab"]}
    section = configuration["embedding"] | {"datasets": {"junctions": dataset}}
    path = write_config(folder / "junctions.yaml", configuration | {"embedding": section})
    run("results/embedding/junctions/inputs.parquet", "--cores", "1", "--configfile", path,
        "--directory", folder, cwd=project)  # fmt: skip

    def read(name):
        return read_table(folder / "results/embedding" / name / "inputs.parquet", EMBEDDING_SITES)

    return read


def table(folder, name, schema):
    return read_table(folder / "results/embedding/tables" / name, schema)


def test_every_figure_and_file_is_there(finished):
    folder, _, _ = finished
    figures = folder / "results/figures/embedding"
    names = [
        "umap",
        *(
            f"{d}.{n}"
            for d in DATASETS
            for n in ("demo.layers", "baselines.layers", "scores", "baselines")
        ),
    ]
    for name in names:
        for suffix in ("pdf", "png"):
            assert (figures / f"{name}.{suffix}").stat().st_size > 5000
        assert list(figures.glob(f"{name}.tsv*"))
    for dataset in DATASETS:
        assert (folder / "results/embedding" / dataset / "demo/sites.h5ad").exists()
    logs = "".join(path.read_text() for path in (folder / "logs/embedding").rglob("*.log"))
    assert "Traceback" not in logs


def test_each_source_gives_balanced_sites(sites_of):
    for dataset in SOURCES:
        counts = sites_of(dataset).groupby(["site", "positive"]).size()
        assert len(counts) == 4, dataset
        assert counts["donor", True] == counts["donor", False]
        assert counts["acceptor", True] == counts["acceptor", False]
        assert counts.min() >= 10


def test_drawn_sites_are_the_planted_ones_and_others(finished, sites_of):
    folder, _, _ = finished
    truth = pd.read_csv(folder / TRUTH, sep="\t")
    keys = ["chrom", "start", "strand", "site"]
    planted = set(truth[keys].itertuples(index=False, name=None))
    sites = sites_of("drawn")
    known = [key in planted for key in sites[keys].itertuples(index=False, name=None)]
    assert known == sites["positive"].tolist()
    assert sites["gene"].notna().all()


def test_usage_from_junctions_follows_the_planted_usage(finished, sites_of):
    folder, _, _ = finished
    truth = pd.read_csv(folder / TRUTH, sep="\t")
    keys = ["chrom", "start", "strand", "site"]
    sites = sites_of("junctions")
    merged = sites.merge(truth[[*keys, "usage", "intron_number"]], on=keys, how="left")
    inner = merged[(merged["site"] == "donor") & (merged["intron_number"] > 1)]
    assert len(inner) > 20
    positive = inner["positive"].to_numpy()
    assert inner["usage_y"][positive].mean() > inner["usage_y"][~positive].mean() + 0.5
    assert sites.loc[sites["positive"], "usage"].min() > 0.8
    assert sites.loc[~sites["positive"], "usage"].max() < 0.2


def test_usage_from_the_bed_is_the_files_own(finished, sites_of):
    folder, _, _ = finished
    bed = read_site_bed(folder / "resources/genomes/demo/splice_sites.usage.bed", "usage")
    label = bed.set_index("site_id")["label"]
    sites = sites_of("bed")
    assert sites["label"].tolist() == label[sites["site_id"]].tolist()


def test_shards_hold_all_layers_of_all_sites_in_float16(finished, sites_of):
    folder, _, _ = finished
    ids = []
    for shard in range(SHARDS):
        name = f"hidden_states.{shard}-of-{SHARDS}.zarr.zip"
        with ArrayReader(folder / "results/embedding/drawn/demo" / name) as reader:
            ids += list(reader.window_ids)
            for layer in range(LAYERS):
                states = reader.read(f"layer{layer}")
                assert states.dtype == np.float16
                assert states.shape[:2] == (len(reader), 2)
                assert np.isfinite(states).all()
    assert ids == sites_of("drawn")["site_id"].tolist()


def test_tables_hold_every_layer_and_baseline(finished):
    folder, _, _ = finished
    clustering = table(folder, "clustering.tsv", CLUSTERING)
    probe = table(folder, "probe.tsv", LAYER_PROBE)
    methods = {("demo", k) for k in range(LAYERS)} | {("onehot5", 0), ("onehot40", 0)}
    for found in (clustering, probe):
        for dataset in DATASETS:
            own = found[found["dataset"] == dataset]
            assert set(own[["method", "layer"]].itertuples(index=False, name=None)) == methods
    assert clustering.loc[clustering["metric"] == "nmi", "value"].between(0, 1).all()
    assert probe["value"].between(0, 1).all()
    assert (probe["low"] <= probe["value"] + 1e-6).all()
    assert (probe["high"] >= probe["value"] - 1e-6).all()
    # The embedding output of a dinucleotide is the same everywhere: it can't tell classes.
    alone = (clustering["layer"] == 0) & (clustering["method"] == "demo")
    alone &= (clustering["subset"] != "all") & (clustering["metric"] == "nmi")
    assert (clustering.loc[alone, "value"] < 0.01).all()
    first = (probe["method"] == "demo") & (probe["layer"] == 0) & (probe["metric"] == "auc")
    assert (probe.loc[first, "value"] - 0.5).abs().max() < 0.1


def test_the_clusters_of_all_sites_tell_gt_from_ag(finished, sites_of):
    folder, _, _ = finished
    for dataset in DATASETS:
        path = folder / "results/embedding" / dataset / "demo/clusters.parquet"
        clusters = read_table(path, CLUSTERS)
        sites = sites_of(dataset)[["site_id", "site"]]
        own = clusters[(clusters["layer"] == 0) & (clusters["subset"] == "all")].merge(sites)
        assert own["cluster"].nunique() == 2
        assert (own.groupby("cluster")["site"].nunique() == 1).all()


def test_the_h5ad_file_opens_in_scanpy_and_says_what_its_columns_are(finished, sites_of):
    import scanpy

    folder, _, _ = finished
    sites = sites_of("drawn")
    data = scanpy.read_h5ad(folder / "results/embedding/drawn/demo/sites.h5ad")
    for basis in ("umap", "umap_own"):
        axes = scanpy.pl.embedding(data, basis, color="label", show=False)
        assert len(axes.collections[0].get_offsets()) == len(sites)
    assert data.obs_names.tolist() == sites["site_id"].tolist()
    assert data.uns["model"] == "demo"
    assert data.uns["layer"] == 2  # of the configuration
    assert data.obsm["X_umap"].shape == data.obsm["X_umap_own"].shape == (len(sites), 2)
    assert set(data.obs.columns) <= set(data.uns["columns"])
    name = f"hidden_states.0-of-{SHARDS}.zarr.zip"
    with ArrayReader(folder / "results/embedding/drawn/demo" / name) as reader:
        states = reader.read("layer2").astype(np.float32).reshape(len(reader), -1)
    np.testing.assert_array_equal(np.asarray(data.X)[: len(states)], states)
    assert data.obs["positive"].astype(bool).tolist() == sites["positive"].tolist()


def test_the_interactive_page_is_one_file_that_needs_no_network(finished):
    folder, _, _ = finished
    page = (folder / "results/figures/embedding/umap.html").read_text(encoding="utf-8")
    assert "Plotly.newPlot" in page
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page):
        assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', tag), tag
    for dataset in DATASETS:
        assert f"{dataset}: Demo model" in page


def test_nothing_is_done_twice(finished, project, planned):
    _, arguments, _ = finished
    assert not planned("embedding", *arguments, cwd=project)


def test_the_layer_of_the_figure_infers_and_clusters_nothing(
    finished, configuration, project, planned, write_config
):
    folder, _, _ = finished
    section = configuration["embedding"]
    drawn = section["datasets"]["drawn"] | {"layers": {"demo": 1}}
    changed = configuration | {
        "embedding": section | {"datasets": section["datasets"] | {"drawn": drawn}}
    }
    path = write_config(folder / "layer.yaml", changed)
    jobs = planned("embedding", "--configfile", path, "--directory", folder, cwd=project)
    assert set(jobs) == {
        "collect_embedding_reproduced", "plot_embedding_baselines", "plot_embedding_interactive",
        "plot_embedding_umap", "write_embedding_h5ad",
    }  # fmt: skip


def test_one_core_gives_the_same_bytes(finished, configuration, project, tmp_path, run,
                                       write_config):  # fmt: skip
    folder, _, _ = finished
    section = configuration["embedding"]
    small = configuration | {
        "embedding": section | {"datasets": {"drawn": section["datasets"]["drawn"]}}
    }
    path = write_config(tmp_path / "small.yaml", small)
    names = ("inputs.parquet", "demo/clusters.parquet", "demo/probe.parquet",
             "baselines/probe.parquet")  # fmt: skip
    targets = [f"results/embedding/drawn/{name}" for name in names]
    run(*targets, "--cores", "1", "--configfile", path, "--directory", tmp_path, cwd=project)
    for target in targets:
        assert (tmp_path / target).read_bytes() == (folder / target).read_bytes(), target


# --- the paper's forms, on slices of hg19


def test_published_protocol_through_the_workflow(shared, project, tmp_path, run, write_config):
    real = shared / "real"
    models = ("tiny.510nt",)  # the other one: tests/test_embedding.py
    config = {
        "genomes": {"hg19": {"assembly": "hg19", "fasta": str(real / "genome.fa.gz")}},
        "models": {
            name: {"adapter": "splicebert", "label": name, "colour": "#0072B2",
                   "can": ["hidden_states"], "folder": str(real / "models" / name)}
            for name in models
        },
        "inference": {"device": "cpu", "threads": 1},
        "embedding": {
            "protocol": "published",
            "datasets": {
                "ss-motif": {
                    "genome": "hg19", "assembly": "hg19", "kind": "motif", "published": True,
                    "sites": str(real / "ss-motif.bed.gz"),
                }
            },
            "models": list(models),
            "shards": 2,
        },
    }  # fmt: skip
    path = write_config(tmp_path / "real.yaml", config)
    targets = [
        f"results/embedding/ss-motif/{model}/hidden_states.{shard}-of-2.zarr.zip"
        for model in models
        for shard in range(2)
    ]
    run(*targets, "--cores", "2", "--configfile", path, "--directory", tmp_path, cwd=project)
    for number, model in enumerate(models):
        with np.load(real / f"published_code/embedding.{model}.npz") as file:
            expected = file["hidden_states"]
        found = []
        for target in targets[2 * number : 2 * number + 2]:
            with ArrayReader(tmp_path / target) as reader:
                layers = [reader.read(f"layer{k}") for k in range(expected.shape[1])]
                found.append(np.stack(layers, axis=1))
        states = np.concatenate(found).astype(np.float32)
        np.testing.assert_allclose(states, expected, rtol=1e-3, atol=1e-3)  # kept in float16


def test_a_run_killed_in_inference_goes_on_at_its_shard(
    finished, project, check_resumption, tmp_path
):
    """Last of this file: what depends on the shards is older than they are from here on."""
    folder, arguments, _ = finished
    names = [f"hidden_states.{number}-of-{SHARDS}.zarr.zip" for number in range(SHARDS)]
    shards = [folder / "results/embedding/bed/demo" / name for name in names]
    before = [shutil.move(path, tmp_path) for path in shards]
    rule = "infer_embedding_hidden_states"
    check_resumption(shards, *arguments, rule=rule, folder=folder, cwd=project)
    for path, old in zip(shards, before, strict=True):
        with ArrayReader(path) as found, ArrayReader(old) as expected:
            assert list(found.window_ids) == list(expected.window_ids)
            for layer in range(LAYERS):
                field = layer_field(layer)
                np.testing.assert_array_equal(found.read(field), expected.read(field))
