"""Figures 1 to 4 from an archive in the authors' form: no model, no genome."""

import pandas as pd
import pytest
import yaml

import authors_archive as authors

ARCHIVE = "resources/downloads/pre-computed_results.tar.gz"
MODEL = "SpliceBERT.510nt"


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A working folder that holds the archive where it belongs."""
    folder = tmp_path_factory.mktemp("precomputed")
    authors.pack(authors.write_results(folder / "authors"), folder / ARCHIVE)
    return folder


@pytest.fixture(scope="module")
def fewer(project, packed, write_config):
    """The shipped configuration with one model and fewer data sets, for speed."""
    config = yaml.safe_load((project / "config/precomputed.yaml").read_text())
    config["conservation"]["mlm"]["models"] = [MODEL]
    config["conservation"]["probe"] |= {"models": [MODEL], "splits": ["base"]}
    config["embedding"]["datasets"].pop("SSE-K562")
    config["variant"]["datasets"].pop("MFASS")
    for branch in ("embedding", "variant"):
        config[branch]["models"] = [MODEL]
    for branch in ("conservation", "embedding", "attention", "variant"):
        config[branch]["bootstrap"] = {"replicates": 20}
    return write_config(packed / "fewer.yaml", config)


def test_the_shipped_configuration_plans_no_model_and_no_download(project, packed, planned):
    jobs = planned("--configfile", project / "config/precomputed.yaml", "--directory", packed,
                   cwd=project)  # fmt: skip
    assert jobs["unpack_precomputed_results"] == 1
    assert jobs["convert_precomputed_clusters"] == jobs["convert_precomputed_variants"] == 2
    assert jobs["compare_published"] == 1
    words = ("infer", "download", "prepare", "annotate", "decompress", "index", "measure", "train")
    assert not [name for name in jobs if name.startswith(words)], jobs


def test_figures_from_the_archive(project, packed, fewer, execute):
    done = execute("snakemake", "--cores", "2", "--configfile", fewer, "--directory", packed,
                   cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    print(f"figures from pre-computed results: {done.seconds:.0f} s")

    figures = packed / "results/figures"
    found = {str(path.relative_to(figures)) for path in figures.rglob("*.png")}
    assert found == {
        "conservation/gencode.v41lift37.mlm_accuracy.png",
        "conservation/gencode.v41lift37.phastcons_probe.png",
        "embedding/umap.png",
        f"embedding/ss-motif.{MODEL}.layers.png",
        "attention/gencode.v41lift37.SpliceBERT.1024nt.pair_scores.png",
        "attention/gencode.v41lift37.SpliceBERT.1024nt.layer_profiles.png",
        *(f"variant/{name}.png" for name in ("context_profiles", "rank_scores")),
        *(f"variant/{name}.png" for name in ("precision_recall", "site_scores")),
    }
    costs = pd.read_csv(packed / "results/provenance.tsv", sep="\t").set_index("rule")
    assert costs.loc["convert_precomputed_variants", "jobs"] == 1
    table = pd.read_csv(packed / "results/tables/published_vs_reproduced.tsv", sep="\t")
    filled = table[table["reproduced"].notna()]
    assert set(filled["branch"]) == {"conservation", "embedding", "attention", "variant"}
    probe = filled["dataset"] == "phastCons>=0.8"
    assert set(filled.loc[~probe, "protocol"]) == {"authors' pre-computed"}
    assert not filled["method"].isin(["repeats"]).any()
    sites = filled[filled["dataset"] == "in-silico mutagenesis"]
    assert sites["reproduced"].tolist() == [12, 48]  # phastCons from 0 to 1 of 60 sites


def test_a_missing_archive_is_told_in_one_sentence(project, tmp_path, refuse):
    output = refuse("--cores", "1", "--configfile", project / "config/precomputed.yaml",
                    "--directory", tmp_path, cwd=project)  # fmt: skip
    assert f"{ARCHIVE}: no such file; download pre-computed_results.tar.gz by hand" in output
    assert not (tmp_path / "results").exists()
