"""What an edit makes again, and above all what it does not: inference."""

import os
import re
import shutil
import time
from contextlib import contextmanager

import yaml

INFERENCE = {
    "infer_conservation_mlm", "infer_conservation_hidden_states", "infer_embedding_hidden_states",
    "infer_attention_pairs", "infer_attention_introns", "infer_attention_example",
    "infer_variant_snvs", "infer_variant_mutagenesis", "train_branchpoint_fold",
    "infer_dependency_maps", "train_splicesite_fold", "predict_splicesite_benchmark",
}  # fmt: skip
PLOTS = {
    "plot_conservation_mlm_accuracy": 1, "plot_conservation_probe": 1, "plot_embedding_umap": 1,
    "plot_embedding_interactive": 1, "plot_embedding_layers": 4, "plot_embedding_scores": 2,
    "plot_embedding_baselines": 2, "plot_attention_pair_scores": 1,
    "plot_attention_layer_profiles": 1, "plot_attention_heads": 1, "plot_attention_example": 1,
    "plot_variant_context_profiles": 1, "plot_variant_rank_scores": 1,
    "plot_variant_precision_recall": 1, "plot_variant_site_scores": 1,
    "plot_branchpoint_precision_recall": 1, "plot_branchpoint_scores": 1,
    "plot_branchpoint_positions": 1, "plot_branchpoint_logos": 1,
    "plot_splicesite_scores": 1, "plot_splicesite_precision_recall": 1,
    "plot_dependency_map": 2, "plot_dependency_blocks": 1,
}  # fmt: skip
SUMMARIES = {
    "summarise_conservation_mlm": 1, "summarise_conservation_probe": 1,
    "summarise_embedding_clusters": 1, "summarise_embedding_probe": 1,
    "summarise_attention_pairs": 1, "summarise_attention_introns": 1,
    "summarise_attention_example": 1,
    "summarise_variant_snvs": 1, "summarise_variant_profiles": 1,
    "summarise_branchpoint_predictions": 1, "summarise_splicesite_scores": 1,
    "summarise_dependency_blocks": 1,
}  # fmt: skip
# The README's command for results that come from elsewhere, such as a clone.
REDRAW = ("figures", "--workflow-profile", "profiles/figures")


@contextmanager
def edited(path, text="\n# an edit\n"):
    """Append to a file; put it back, time and all, at the end."""
    before, status = path.read_bytes(), path.stat()
    path.write_bytes(before + text.encode())
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def demo_config(folder, change):
    """The demo's configuration, changed, in a file of its own beside it."""
    configuration = yaml.safe_load((folder / "config/config.yaml").read_text())
    change(configuration)
    path = folder / "results" / "changed.yaml"
    path.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return path


def test_edit_of_a_plot_script_redraws_that_figure_alone(demo, run, jobs, planned):
    figure = demo.folder / "results/figures/conservation/demo.phastcons_probe.png"
    before = figure.stat().st_mtime_ns
    with (demo.folder / "scripts/conservation/plot_probe.py").open("a") as script:
        script.write("# an edit\n")

    output = run("figures", "--cores", "2", cwd=demo.folder)

    assert jobs(output) == {"plot_conservation_probe": 1}
    assert figure.stat().st_mtime_ns > before
    assert not planned("figures", cwd=demo.folder)


def test_touched_inputs_are_not_new(demo, planned):
    """Small inputs are known by their content."""
    for name in ("src/splicebert/inference.py", "config/figures.mplstyle"):
        (demo.folder / name).touch()

    assert not planned("figures", cwd=demo.folder)


def test_edit_of_the_library_of_models_runs_inference_again(demo, planned):
    with edited(demo.folder / "src/splicebert/models/base.py"):
        jobs = planned("figures", cwd=demo.folder)

    assert set(jobs) >= INFERENCE | set(PLOTS)
    assert "make_demo_genome" not in jobs
    assert "prepare_conservation_windows" not in jobs


def test_edit_of_statistics_infers_nothing(demo, planned):
    with edited(demo.folder / "src/splicebert/statistics.py"):
        jobs = planned("figures", cwd=demo.folder)

    # The score on the validation fold decides when training stops, so that folds are made again.
    # So are the weight matrices, which look at an AUC, and what splits sites into blocks.
    folds = {"train_branchpoint_fold", "gather_branchpoint_folds", "fit_branchpoint_pwm"}
    folds |= {"train_splicesite_fold", "gather_splicesite_folds", "score_splicesite_pwm"}
    folds |= {"prepare_splicesite_examples", "prepare_splicesite_benchmark"}
    folds |= {"predict_splicesite_benchmark"}
    assert "plot_dependency_map" not in jobs  # it draws what a model gave, as it is
    rest = {name: count for name, count in jobs.items() if name not in folds}
    assert rest | {"plot_dependency_map": 2} == PLOTS | SUMMARIES


def test_edit_of_the_style_redraws_all_figures_alone(demo, planned):
    with edited(demo.folder / "config/figures.mplstyle"):
        assert planned("figures", cwd=demo.folder) == PLOTS


def test_edit_of_the_extension_compiles_and_paints_again(demo, planned):
    with edited(demo.folder / "src/splicebert/_intervals.pyx"):
        jobs = planned("figures", cwd=demo.folder)

    assert jobs["compile_extension"] == jobs["annotate_conservation_mlm"] == 1
    assert "make_demo_genome" not in jobs


def test_colour_redraws_figures_alone(demo, planned):
    table = yaml.safe_load((demo.folder / "config/models.yaml").read_text())
    entry = table["demo"] | {"colour": "#D55E00", "label": "Another name"}
    path = demo_config(demo.folder, lambda c: c.update(models={"demo": entry}))

    # Maps of the one-hot baselines hold no model.
    of_models = PLOTS | {"plot_embedding_layers": 2}
    assert planned("figures", "--configfile", path, cwd=demo.folder) == of_models


def test_more_iterations_fit_again_and_infer_nothing(demo, planned):
    path = demo_config(demo.folder, lambda c: c["conservation"]["probe"].update(max_iter=201))

    jobs = planned("figures", "--configfile", path, cwd=demo.folder)

    assert jobs == {
        "fit_conservation_probe": 4, "summarise_conservation_probe": 1,
        "plot_conservation_probe": 1,
    }  # fmt: skip


def test_protocol_runs_no_inference_again(demo, planned):
    path = demo_config(demo.folder, lambda c: c["conservation"].update(protocol="published"))

    jobs = planned("--configfile", path, cwd=demo.folder)

    assert not INFERENCE & set(jobs)
    assert "fit_conservation_probe" not in jobs
    assert jobs["summarise_conservation_mlm"] == jobs["collect_conservation_reproduced"] == 1


def test_usage_bounds_make_no_set_again_that_brings_its_own_classes(demo, planned):
    path = demo_config(demo.folder, lambda c: c["embedding"].update(usage={"min_reads": 50}))

    assert not planned("figures", "--configfile", path, cwd=demo.folder)


def test_resolution_clusters_again_and_infers_nothing(demo, planned):
    path = demo_config(demo.folder, lambda c: c["embedding"]["clusters"].update(resolution=0.5))

    jobs = planned("embedding", "--configfile", path, cwd=demo.folder)

    assert jobs["cluster_embedding_sites"] == 4  # two data sets, the model and the baselines
    assert jobs["write_embedding_h5ad"] == 2
    assert not INFERENCE & set(jobs)
    assert "fit_embedding_probe" not in jobs


def test_cores_and_gpus_are_no_reason_to_infer_again(demo, planned):
    """Resources may change from machine to machine."""
    assert not planned("--cores", "1", "--resources", "gpu=0", cwd=demo.folder)


def test_the_readme_and_the_profile_name_the_command_and_every_plot(root):
    assert "snakemake " + " ".join(REDRAW) in (root / "README.md").read_text()
    profile = yaml.safe_load((root / "profiles/figures/config.yaml").read_text())
    rules = "".join(path.read_text() for path in (root / "rules").glob("*.smk"))
    plots = set(re.findall(r"^rule (plot_\w+):", rules, re.M))
    assert set(profile["allowed-rules"]) == plots | {"figures"}


def test_figures_are_drawn_again_from_what_a_run_left(demo, planned):
    """All of them, up to date or not, and nothing else."""
    assert planned(*REDRAW, cwd=demo.folder) == PLOTS


def test_clone_with_the_tables_alone_redraws_every_figure(demo, tmp_path, run, jobs, planned):
    """In a clone what git brings is newer; genomes, model output, records of a run are not there.

    The figures are the same, byte for byte.
    """
    clone = tmp_path / "clone"
    made = ("results", "resources", "logs", "benchmarks", ".snakemake", "_intervals*.so")
    ignored = shutil.ignore_patterns(*made)
    shutil.copytree(demo.folder, clone, symlinks=True, ignore=ignored)
    for tables in demo.folder.glob("results/*/tables"):
        shutil.copytree(tables, clone / tables.relative_to(demo.folder))
    now = time.time()
    for path in clone.rglob("*"):
        if path.is_file() and ".venv" not in path.parts:
            age = 60 if path.relative_to(clone).parts[0] == "results" else 0
            os.utime(path, (now - age, now - age))

    assert set(planned("figures", cwd=clone)) >= INFERENCE  # what the command is there to prevent
    assert jobs(run(*REDRAW, cwd=clone)) == PLOTS
    figures = [p for p in (demo.folder / "results/figures").rglob("*") if p.is_file()]
    assert len(figures) > 26 * 3
    for path in figures:
        again = clone / path.relative_to(demo.folder)
        assert again.read_bytes() == path.read_bytes(), path.name
