"""`make demo` from a fresh copy: everything there, readable offline, and the same a second time."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.image import imread

from splicebert.genome import Genome
from splicebert.pretraining.corpus import choose_transcripts, corpus_index, write_corpus
from splicebert.tables import TRANSCRIPTS, read_table

FIGURES = (
    *("conservation/demo.mlm_accuracy", "conservation/demo.phastcons_probe", "embedding/umap"),
    *("embedding/demo-sites.demo.layers", "embedding/demo-usage.demo.layers"),
    *("embedding/demo-sites.scores", "embedding/demo-usage.scores"),
    *("embedding/demo-sites.baselines", "embedding/demo-usage.baselines"),
    *("embedding/demo-sites.baselines.layers", "embedding/demo-usage.baselines.layers"),
    *("attention/demo.demo.pair_scores", "attention/demo.demo.layer_profiles"),
    *("attention/demo.demo.heads", "attention/demo.demo.example"),
    *("variant/context_profiles", "variant/rank_scores"),
    *("variant/precision_recall", "variant/site_scores"),
    *("branchpoint/precision_recall", "branchpoint/scores"),
    *("branchpoint/positions", "branchpoint/logos"),
    *("splicesite/demo.scores", "splicesite/demo.precision_recall"),
    *("dependency/demo.demo.blocks", "dependency/demo.demo.region_1"),
    "dependency/demo.demo.region_2",
)
SMALL = {
    "demo": {"chromosomes": {"chr1": 60_000, "chr2": 60_000, "chr3": 50_000}},
    "conservation": {
        "bootstrap": {"replicates": 50},
        "mlm": {"models": ["demo"], "windows": 60},
        "probe": {"models": ["demo"], "windows": 40, "max_iter": 50},
    },
    "attention": {
        "models": ["demo"],
        "pairs": {"per_bin": 2},
        "introns": {"most": 10},
        "bootstrap": {"replicates": 20},
        "shards": 1,
    },
}  # fmt: skip


def test_make_demo_tells_where_figures_and_report_are(finished_demo):
    last = finished_demo.output.rstrip().splitlines()[-1]

    print(f"make demo: {finished_demo.seconds:.0f} s")
    assert str(finished_demo.folder / "results/figures") in last
    assert str(finished_demo.folder / "results/report.html") in last
    assert "setup:" not in finished_demo.output  # nothing was installed


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_can_be_read(demo, figure):
    stem = demo.folder / "results/figures" / figure

    image = imread(stem.with_name(f"{stem.name}.png"))
    assert min(image.shape[:2]) > 300
    assert 0.02 < (image[..., :3].min(axis=-1) < 0.9).mean() < 0.9  # neither blank nor black
    pdf = stem.with_name(f"{stem.name}.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert b"%%EOF" in pdf[-10:]
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf
    tables = [*stem.parent.glob(f"{stem.name}*.tsv"), *stem.parent.glob(f"{stem.name}*.tsv.gz")]
    assert tables
    for path in tables:
        assert len(pd.read_csv(path, sep="\t")) > 1


def test_no_text_of_a_figure_overlaps_or_is_cut_off(finished_demo):
    """Every plot job measures its text when it saves, and logs what can't be read."""
    logs = list((finished_demo.folder / "logs").rglob("*plot_*.log"))

    assert len(logs) > len(FIGURES)
    for path in logs:
        assert " WARNING " not in path.read_text(), path.read_text()


def test_published_numbers_stand_without_the_demos(demo):
    columns = ["branch", "dataset", "method", "metric", "value"]
    published = pd.read_csv(demo.folder / "config/published.tsv", sep="\t")
    table = pd.read_csv(demo.folder / "results/tables/published_vs_reproduced.tsv", sep="\t")
    page = (demo.folder / "results/tables/published_vs_reproduced.html").read_text()

    pd.testing.assert_frame_equal(table[columns], published[columns])
    assert table["reproduced"].isna().all()  # other data than the paper's
    assert page.count("<tr>") == len(published) + 1
    assert f"0 of {len(published)} published numbers" in page


def test_reproduced_numbers_are_there_all_the_same(demo):
    table = pd.read_csv(demo.folder / "results/conservation/tables/reproduced.tsv", sep="\t")

    by_base = table["metric"].isin(["auc", "ap"])  # the split of the paper, quirk and all
    assert set(table.loc[by_base, "protocol"]) == {"published"}
    assert "corrected" in set(table.loc[~by_base, "protocol"])
    assert {"balanced_accuracy", "perplexity", "auc", "ap", "fraction"} <= set(table["metric"])
    assert "two_to_the_cross_entropy" not in set(table["metric"])
    shares = table[table["metric"].isin(["balanced_accuracy", "auc", "ap", "fraction"])]["value"]
    assert shares.dropna().between(0, 1).all()


def test_the_demo_model_was_trained_on_this_genome(demo, tmp_path):
    """Its card would lie otherwise, and `snakemake pretrain` give another model."""
    resources = demo.folder / "resources"
    config = yaml.safe_load((demo.folder / "config/config.yaml").read_text())
    corpus = config["pretrain"]["corpora"]["demo"]
    table = read_table(resources / "reference/demo/transcripts.parquet", TRANSCRIPTS)
    table = choose_transcripts(table, corpus["transcripts"])
    with Genome(resources / "genomes/demo/genome.fa", fai=tmp_path / "fai") as genome:
        index = corpus_index(table, genome, corpus["validation"]["demo"])
        found = write_corpus(index, genome, tmp_path)
    about = json.loads((demo.folder / "config/demo_model/training.json").read_text())
    assert about["corpus"]["demo"] == found


def test_report_opens_offline(demo):
    report = (demo.folder / "results/report.html").read_text()

    for title in ("Masked-base accuracy by region.", "phastCons from embeddings.",
                  "Published and reproduced.", "1 Conservation (Figure 1)",
                  "UMAP of splice sites.", "2 Embedding (Figure 2)", "3 Attention (Figure 3)",
                  "Attention between the two bases of a pair.",
                  "Attention around the other end of the intron.",
                  "Which head links donor and acceptor.", "One intron.",
                  "How far a variant is felt.", "Finding disrupting variants outside",
                  "Finding branchpoints.", "Branchpoints by method.",
                  "Position of the best prediction.", "Motif of the predicted sites.",
                  "Splice sites by species.", "Precision and recall of splice sites.",
                  "Dependency maps", "Dependency map.", "Blocks between sites."):  # fmt: skip
        assert title in report, title
    categories = re.search(r"var categories = (\{.*?\});?\n", report)
    assert categories, "the report has no categories"
    expected = {"1 Conservation (Figure 1)", "2 Embedding (Figure 2)", "3 Attention (Figure 3)"}
    expected |= {"4 Variant effects (Figure 4)", "5 Branchpoints (Figure 5)"}
    expected |= {
        "6 Splice sites (Figure 6)",
        "Dependency maps",
        "Published and reproduced",
        "Provenance",
    }
    assert expected == set(json.loads(categories[1]))
    embedded = re.findall(r'"data_uri": "data:([\w/]+)', report)
    assert embedded.count("image/png") == len(FIGURES)
    assert embedded.count("text/html") == 3  # interactive UMAP, table of all numbers, provenance
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", report):
        assert not re.search(r'(?:src|href)\s*=\s*["\']?(?:https?:)?//', tag), tag


def test_extension_was_built_by_its_rule(demo):
    built = list((demo.folder / "src/splicebert").glob("_intervals*.so"))

    assert len(built) == 1
    assert "rule compile_extension" in demo.output
    assert (demo.folder / "logs/setup/compile_extension.log").stat().st_size > 0


def test_every_job_left_a_log(demo):
    named = set(re.findall(r"^    log: (\S+)$", demo.output, re.MULTILINE))

    assert len(named) > 15
    for path in named:
        log = demo.folder / path
        assert log.is_file(), path
        assert "ERROR" not in log.read_text()
        assert "Traceback" not in log.read_text()


def test_inference_logs_say_what_ran_where(demo):
    folder = demo.folder / "logs/conservation/demo/demo"
    for name in ("infer_masked_bases.0.log", "infer_hidden_states.0.log"):
        text = (folder / name).read_text()
        for word in ("sha256", "device ", "dtype float32", "attention ", "torch ", "transformers "):
            assert word in text, (name, word)


def test_second_make_demo_runs_no_job(demo, execute, jobs):
    finished = execute("make", "demo", "CORES=2", cwd=demo.folder)

    assert finished.code == 0, finished.output
    assert "Nothing to be done" in finished.output
    assert not jobs(finished.output)


def test_moved_project_is_up_to_date(demo, planned, tmp_path):
    """Inputs are recorded by path: an absolute one would make everything again elsewhere."""
    moved = tmp_path / "moved"
    demo.folder.rename(moved)
    try:
        assert not planned(cwd=moved)
    finally:
        moved.rename(demo.folder)


def test_same_seed_gives_the_same_bytes(project, tmp_path, run, write_config):
    """Genome, inference on the CPU, fits, tables and figures; in two folders, on 1 and 2 cores."""
    shipped = yaml.safe_load((project / "config/config.yaml").read_text())
    small = SMALL | {"genomes": shipped["genomes"], "inference": {"device": "cpu", "threads": 1}}
    for branch in ("conservation", "attention"):
        small[branch]["datasets"] = shipped[branch]["datasets"]
    path = write_config(tmp_path / "small.yaml", small)
    tables = ("conservation/tables/reproduced", "attention/tables/pair_groups")
    targets = ("conservation", *(f"results/{table}.tsv" for table in tables))
    for cores in ("1", "2"):
        folder = tmp_path / cores
        folder.mkdir()
        run(*targets, "--cores", cores, "--configfile", path, "--directory", folder, cwd=project)

    compared = 0
    for part in ("resources/genomes/demo", "results/conservation/tables",
                 "results/attention/tables", "results/figures"):  # fmt: skip
        for file in filter(lambda p: p.is_file(), (tmp_path / "1" / part).rglob("*")):
            other = tmp_path / "2" / file.relative_to(tmp_path / "1")
            assert file.read_bytes() == other.read_bytes(), file.relative_to(tmp_path / "1")
            compared += 1
    assert compared >= 8 + 6 + 2 + 6
    table = pd.read_csv(tmp_path / "1/results/conservation/tables/probe_metrics.tsv", sep="\t")
    assert np.isfinite(table["value"]).all()


def test_the_picture_of_a_gene_is_drawn_by_its_rule(demo, run):
    target = "results/figures/demo/demo.gene.png"
    run(target, "--cores", "2", cwd=demo.folder)
    assert (demo.folder / target).read_bytes().startswith(b"\x89PNG")
    assert (demo.folder / target).with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    table = pd.read_csv((demo.folder / target).with_suffix(".tsv"), sep="\t")
    assert {"exon", "CDS", "domains", "donor", "acceptor"} <= set(table["part"])
    assert table.groupby("part")["value"].count()[["phastcons", "phylop"]].min() > 500
