"""A mistake in the configuration is refused in words before any job runs; the rest is planned."""

import copy
import shutil
import subprocess
import sys

import pytest
import yaml

CONFIGURATION = {
    "genomes": {"mine": {"assembly": "toy", "fasta": "genome.fa", "annotation": "genes.gtf"}},
    "conservation": {
        "datasets": {"mine": {"genome": "mine", "assembly": "toy"}},
        "mlm": {"models": ["demo"], "windows": 10},
        "probe": {"models": []},
    },
}
# By what is checked one after the other: where values are put (None takes the key away), and what
# the message has to say. All mistakes of a check are told at once.
MISTAKES = {
    "schema": (
        {
            "conservatoin": {},
            "conservation.mlm.window": 10,
            "conservation.mlm.windows": "many",
            "conservation.probe.windows": 0,
            "conservation.protocol": "publish",
            "conservation.datasets.mine.assembly": None,
            "genomes.mine.fast": "genome.fa",
            "inference": {"device": "gpu"},
        },
        [
            "conservatoin: unknown key", "'conservation'",
            "conservation.mlm.window: unknown key", "models, windows, seed", "'windows'",
            "conservation.mlm.windows: found 'many'", "allowed: integer",
            "conservation.probe.windows: found 0", "2 or more",
            "conservation.protocol: found 'publish'", "corrected, published",
            "conservation.datasets.mine.assembly: missing",
            "genomes.mine.fast:", "inference.device:",
        ],
    ),
    "no genome": ({"genomes": None}, ["genomes: missing"]),
    "models table": ({"models_table": "nowhere.yaml"}, ["nowhere.yaml: no such file"]),
    "models": (
        {
            "models": {"mine": {"adapter": "onehot", "label": "m", "colour": "red",
                                "can": ["hidden_states"]}},
        },
        ["mine.colour: found 'red'", "#rrggbb"],
    ),
    "references": (
        {
            "conservation.mlm.models": ["SpliceBERT.510", "onehot"],
            "conservation.datasets.mine.genome": "yours",
            "conservation.datasets.hers": {"genome": "mine", "assembly": "hg19"},
        },
        [
            "conservation.mlm.models: unknown model 'SpliceBERT.510'", "SpliceBERT.510nt",
            "conservation.mlm.models: model 'onehot' gives no logits", "allowed:", "demo",
            "conservation.datasets.mine.genome: unknown genome 'yours'", "allowed: mine",
            "conservation.datasets.hers.assembly", "'hg19'", "allowed: toy", "Lift",
        ],
    ),
    "files": (
        {"genomes.mine.fasta": "nowhere.fa"},
        ["genomes.mine.fasta: no file 'nowhere.fa'", "exists"],
    ),
}  # fmt: skip


def changed(values):
    """The configuration with some keys set, or taken away."""
    configuration = copy.deepcopy(CONFIGURATION)
    for key, value in values.items():
        *path, last = key.split(".")
        section = configuration
        for part in path:
            section = section[part]
        if value is None:
            del section[last]
        else:
            section[last] = value
    return configuration


@pytest.fixture
def workdir(tmp_path):
    """A working folder with the files that the configuration names."""
    for name in ("genome.fa", "genes.gtf"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("check", MISTAKES)
def test_mistakes_are_named_with_what_is_allowed(project, workdir, refuse, write_config, check):
    values, words = MISTAKES[check]
    path = write_config(workdir / "my.yaml", changed(values))

    output = refuse("-n", "--configfile", path, "--directory", workdir, cwd=project)

    for word in words:
        assert word in output, output
    assert "Traceback" not in output
    assert "Job stats" not in output
    assert sorted(p.name for p in workdir.iterdir() if p.name != ".snakemake") == [
        "genes.gtf", "genome.fa", "my.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["genomes: [unclosed", "- a\n- list\n"])
def test_configfile_that_is_no_mapping(project, workdir, refuse, text):
    path = workdir / "broken.yaml"
    path.write_text(text)

    output = refuse("-n", "--configfile", path, "--directory", workdir, cwd=project)

    # Snakemake reads the file before the Snakefile, and says this itself.
    assert "Config file" in output, output
    assert "Traceback" not in output, output


def test_paper_is_planned_in_an_empty_folder(project, tmp_path, execute, jobs, record_property):
    finished = execute(
        "snakemake", "-n", "--configfile", project / "config/paper.yaml", "--directory", tmp_path,
        cwd=project,
    )  # fmt: skip

    assert finished.code == 0, finished.output
    print(f"dry run of config/paper.yaml: {finished.seconds:.1f} s")
    record_property("seconds", finished.seconds)
    planned = jobs(finished.output)
    assert planned["download_source"] == 6  # weights, data, hg19, GRCh38, phastCons, phyloP
    assert planned["decompress_genome"] == 2
    assert planned["extract_annotation"] == 1  # names the genes of splice sites
    assert planned["infer_conservation_mlm"] == 2 * 8  # models, shards
    assert planned["infer_conservation_hidden_states"] == 3 * 8  # one-hot, too
    assert planned["unpack_data_conservation"] == planned["unpack_data_embedding"] == 1
    assert planned["infer_embedding_hidden_states"] == 2 * 2 * 8  # data sets, models, shards
    assert planned["cluster_embedding_sites"] == planned["fit_embedding_probe"] == 2 * 3
    assert planned["infer_attention_pairs"] == planned["infer_attention_introns"] == 16
    assert planned["plot_attention_layer_profiles"] == 1
    assert planned["unpack_data_conservation"] == planned["unpack_data_attention"] == 1
    assert planned["infer_variant_snvs"] == 2 * 2 * 16  # data sets, models, shards
    assert planned["infer_variant_mutagenesis"] == 2 * 16
    assert planned["unpack_data_variant"] == 1
    assert planned["train_branchpoint_fold"] == 9 * 5  # methods, folds
    assert planned["unpack_data_branchpoint"] == 1
    assert planned["train_splicesite_fold"] == 2 * 3 * 10  # sites, methods, folds
    assert planned["predict_splicesite_benchmark"] == 2 * 3 * 4  # sites, methods, species
    assert planned["unpack_data_splicesite"] == 1
    assert "make_demo_genome" not in planned  # nor the demo, whose configuration it replaces
    assert "conservation/demo" not in finished.output


@pytest.mark.parametrize(
    ("part", "rules"),
    [
        ("mlm", ["summarise_conservation_mlm", "plot_conservation_mlm_accuracy"]),
        ("probe", ["summarise_conservation_probe", "annotate_conservation_probe",
                   "plot_conservation_probe"]),
    ],
)  # fmt: skip
def test_an_analysis_without_models_is_left_out(
    project, workdir, planned, write_config, part, rules
):
    configuration = copy.deepcopy(CONFIGURATION)
    configuration["genomes"]["mine"]["phastcons"] = "genes.gtf" if part == "mlm" else None
    configuration["conservation"]["mlm"]["models"] = ["demo"] * (part != "mlm")
    configuration["conservation"]["probe"]["models"] = ["onehot"] * (part != "probe")
    path = write_config(workdir / "my.yaml", configuration)

    jobs = planned("--configfile", path, "--directory", workdir, cwd=project)

    assert not set(rules) & set(jobs)
    assert jobs["collect_conservation_reproduced"] == 1


def test_branches_without_models_plan_nothing(project, workdir, planned, write_config):
    branches = ("attention", "dependency", "variant")
    configuration = copy.deepcopy(CONFIGURATION)
    own = configuration["conservation"]["datasets"]["mine"]
    kinds = {"variant": {"kind": "mutagenesis"}}
    for branch in branches:
        dataset = own | kinds.get(branch, {})
        configuration[branch] = {"datasets": {"mine": dataset}, "models": []}
    configuration["genomes"]["mine"] |= {"phastcons": "genes.gtf", "phylop": "genes.gtf"}
    path = write_config(workdir / "my.yaml", configuration)

    jobs = planned(*branches, "--configfile", path, "--directory", workdir, cwd=project)

    assert not any(rule.startswith(("infer_", "prepare_")) for rule in jobs), jobs


def test_two_data_sets_on_two_genomes_are_planned(project, workdir, planned, run, write_config):
    configuration = copy.deepcopy(CONFIGURATION)
    configuration["genomes"]["mine"]["phastcons"] = "genes.gtf"
    configuration["genomes"]["yours"] = configuration["genomes"]["mine"] | {"assembly": "other"}
    configuration["conservation"]["datasets"]["yours"] = {"genome": "yours", "assembly": "other"}
    configuration["conservation"]["probe"]["models"] = ["demo", "onehot"]
    path = write_config(workdir / "my.yaml", configuration)

    arguments = ("--configfile", path, "--directory", workdir)
    jobs = planned(*arguments, cwd=project)

    for rule, count in {
        "extract_annotation": 2, "index_genome": 2, "prepare_conservation_windows": 4,
        "infer_conservation_mlm": 2, "infer_conservation_hidden_states": 4,
        "fit_conservation_probe": 8, "summarise_conservation_probe": 1,
        "plot_conservation_probe": 2,
    }.items():  # fmt: skip
        assert jobs[rule] == count, (rule, jobs)
    assert "make_demo_genome" not in jobs


def test_configuration_of_the_readme_is_planned(project, tmp_path, planned):
    """The README's own genome, with its files in another place."""
    readme = (project / "README.md").read_text()
    if "# my.yaml" not in readme:
        pytest.skip("the README shows no configuration called my.yaml")
    text = readme.split("# my.yaml\n", 1)[1].split("```", 1)[0].replace("/data", str(tmp_path))
    for value in yaml.safe_load(text)["genomes"]["mine"].values():
        if str(tmp_path) in value:
            (tmp_path / value).touch()
    for name in ("config.json", "vocab.txt", "model.safetensors"):
        (tmp_path / "my_model").mkdir(exist_ok=True)
        (tmp_path / "my_model" / name).touch()
    (tmp_path / "SJ.out.tab").touch()
    (tmp_path / "my.yaml").write_text(text)

    jobs = planned("--configfile", tmp_path / "my.yaml", "--directory", tmp_path, cwd=project)

    assert jobs["infer_conservation_mlm"] == 2  # the published one, mine
    assert jobs["infer_conservation_hidden_states"] == 3  # and one-hot
    assert jobs["infer_embedding_hidden_states"] == 2  # drawn sites, sites of junctions
    assert jobs["infer_attention_pairs"] == jobs["infer_attention_introns"] == 1
    assert jobs["download_source"] == 1  # the weights


def test_every_other_shipped_configuration_is_planned(project, tmp_path, planned):
    for path in sorted((project / "config").glob("*.yaml")):
        if path.stem != "paper" and "genomes" in yaml.safe_load(path.read_text()):
            assert planned("--configfile", path, "--directory", tmp_path / path.stem, cwd=project)


@pytest.mark.parametrize(
    "command",
    [
        ["snakemake", "--lint"],
        ["snakefmt", "--check", "Snakefile", "rules"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
    ],
    ids=lambda command: "-".join(command[:2]),
)
def test_style(project, execute, command):
    if shutil.which(command[0], path=f"{sys.prefix}/bin") is None:
        pytest.skip(f"no {command[0]} in this environment")

    finished = execute(*command, cwd=project)

    assert finished.code == 0, finished.output


def test_no_torch_while_the_workflow_is_built(project):
    """A cluster's jobs build the workflow again: seconds and memory for nothing."""
    code = "import sys, splicebert.configuration; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True)
