"""On SLURM, and on what stands in for it: what jobs ask for, and runs that are cut off."""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

TABLES = "results/attention/tables/pair_groups.tsv"
FIGURE = "results/figures/attention/demo.demo.pair_scores.png"
FOLD = "results/branchpoint/demo/demo/fold0"
INPUTS = (
    "results/attention/demo/inputs.pairs.parquet",
    "results/branchpoint/demo/examples.parquet",
)
WITH_A_MODEL = re.compile(r"infer_|train_|predict_|score_variant_")
SEEN_SOON = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20")


def reduced(project):
    """The smallest configuration that infers, trains and draws, on a GPU if there is one."""
    shipped = yaml.safe_load((project / "config/config.yaml").read_text())
    config = {"genomes": shipped["genomes"], "inference": {"device": "auto", "threads": 1}}
    config["demo"] = {"chromosomes": {"chr1": 200_000, "chr2": 150_000, "chr3": 150_000}}
    config["attention"] = shipped["attention"] | {
        "pairs": {"per_bin": 2}, "introns": {"most": 20}, "bootstrap": {"replicates": 20},
        "shards": 2,
    }  # fmt: skip
    config["branchpoint"] = shipped["branchpoint"] | {
        "most": 300, "methods": {"demo": {"model": "demo"}},
        "training": shipped["branchpoint"]["training"] | {"epochs": 6},
    }  # fmt: skip
    return config


@pytest.fixture(scope="module")
def prepared(project, tmp_path_factory, run, write_config):
    """Working folder with what comes before a model, and the arguments of its runs."""
    folder = tmp_path_factory.mktemp("cluster")
    path = write_config(folder / "small.yaml", reduced(project))
    run(*INPUTS, "--cores", "2", "--configfile", path, "--directory", folder, cwd=project)
    return folder, ("--configfile", path)


@pytest.fixture
def copy(prepared, tmp_path):
    """Such a folder for one test, and the arguments of its runs."""
    folder = shutil.copytree(prepared[0], tmp_path / "run")
    return folder, (*prepared[1], "--directory", folder)


@pytest.fixture(scope="module")
def local(prepared, project, tmp_path_factory, run):
    """Such a folder after a run here that nothing has disturbed."""
    folder = shutil.copytree(prepared[0], tmp_path_factory.mktemp("local") / "run")
    targets = (FIGURE, f"{FOLD}/metrics.tsv")
    run(*targets, "--cores", "2", *prepared[1], "--directory", folder, cwd=project)
    return folder


def made(folder):
    """Contents of what a run made, without what tells the time."""
    paths = (folder / "results").rglob("*")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.is_file() and "tensorboard" not in path.parts and path.name != "training.json"
    }


def assert_same(folder, other):
    found, expected = made(folder), made(other)
    assert set(found) == set(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert {TABLES, FIGURE, f"{FOLD}/metrics.tsv", f"{FOLD}/predictions.parquet"} <= set(found)


# --- what jobs ask for, without a scheduler


def planned_resources(output):
    """(rule, resources) of each job of a dry run."""
    for name, resources in re.findall(
        r"^(?:local)?rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", output, re.MULTILINE
    ):
        yield name, dict(part.split("=") for part in resources.split(", "))


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_jobs_that_run_a_model_ask_for_one_gpu_and_no_other_does(
    project, tmp_path, run, write_config, device
):
    config = yaml.safe_load((project / "config/config.yaml").read_text())
    config["inference"]["device"] = device
    config["conservation"]["probe"]["models"] = ["demo"]  # onehot has no weights to put on a GPU
    config["variant"]["vcfs"] = {"files": {"own": {
        "genome": "demo", "assembly": "demo", "file": "resources/genomes/demo/variants.mfass.vcf",
    }}, "models": ["demo"]}  # fmt: skip
    path = write_config(tmp_path / "config.yaml", config)
    output = run("-n", "--configfile", path, "--directory", tmp_path, cwd=project)
    jobs = [job for job in planned_resources(output) if job[0] != "all"]

    assert {"train_splicesite_fold", "score_variant_shard", "plot_embedding_umap"} <= dict(
        jobs
    ).keys()
    for name, resources in jobs:
        wanted = "1" if device == "auto" and WITH_A_MODEL.match(name) else "0"
        assert resources.get("gpu", "0") == wanted, name
        assert int(resources["mem_mb"]) >= 1000
        assert int(resources["runtime"]) >= 5


def stand_in(folder, name, text):
    (folder / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / name).chmod(0o755)


REQUESTS = {  # target: memory, minutes, GPU
    "results/embedding/demo-sites/demo/hidden_states.0-of-1.zarr.zip": (4000, 120, True),
    "results/branchpoint/demo/demo/fold0/metrics.tsv": (8000, 1440, True),
    "results/splicesite/demo.donor/demo/benchmark.distant.parquet": (4000, 240, True),
    "results/dependency/tables/blocks.tsv": (4000, 60, False),
    "results/figures/conservation/demo.phastcons_probe.png": (1000, 5, False),
    "results/attention/demo/inputs.pairs.parquet": (4000, 30, False),
}


def write_empty_files(folder, names):
    """Files of one age, so that none is older than what it is made from."""
    now = time.time()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        os.utime(folder / name, (now, now))


def has_plugin(name):
    return importlib.util.find_spec(f"snakemake_executor_plugin_{name}") is not None


@pytest.mark.skipif(not has_plugin("slurm"), reason="the extra `slurm` is not installed")
def test_the_profile_of_slurm_asks_for_what_a_rule_needs(
    project, tmp_path, execute, run, write_config
):
    """An sbatch that refuses all it is given, and is given each job twice."""
    config = yaml.safe_load((project / "config/config.yaml").read_text())
    config["inference"] = {"device": "auto", "threads": 3}
    arguments = ("--configfile", write_config(tmp_path / "config.yaml", config))
    arguments += ("--directory", tmp_path)
    summary = run("--summary", *REQUESTS, *arguments, cwd=project)
    made = re.findall(r"^((?:results|resources)/\S+)\t", summary, re.MULTILINE)
    write_empty_files(tmp_path, made)
    fakes = tmp_path / "bin"
    fakes.mkdir()
    for name in ("sbatch", "squeue", "sacct", "scontrol", "scancel", "sinfo", "sacctmgr", "sshare"):
        (fakes / name).write_text("#!/bin/bash\nexit 0\n")
        (fakes / name).chmod(0o755)
    (fakes / "sbatch").write_text(f'#!/bin/bash\necho "$@" >> {tmp_path}/sbatch.log\nexit 1\n')

    finished = execute(
        "env", f"PATH={fakes}:{sys.prefix}/bin:{os.environ['PATH']}",
        "snakemake", *REQUESTS, "--force", "--workflow-profile", project / "profiles/slurm",
        "--rerun-triggers", "mtime", "--keep-going", "--retries", "1", *arguments, cwd=project,
    )  # fmt: skip

    assert finished.code
    calls = (tmp_path / "sbatch.log").read_text().splitlines()
    assert len(calls) == 2 * len(REQUESTS), finished.output
    found = sorted(
        (int(memory), int(minutes), "--gpus=1" in call)
        for call in calls
        for minutes, memory in re.findall(r"-t (\d+) .*?--mem (\d+) ", call)
    )
    requests = REQUESTS.values()
    assert found == sorted((memory * k, *rest) for memory, *rest in requests for k in (1, 2))
    for call in calls:
        assert ("--cpus-per-task=3" in call) == ("--gpus=1" in call)


# --- SLURM itself


def command(*words, seconds=60):
    """Run a command that may hang; its output, or None where it failed."""
    try:
        done = subprocess.run(
            [str(w) for w in words], capture_output=True, check=False, text=True, timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def cleared():
    """Cancel what a run that was killed has left in the queue; whether the node is idle then."""
    command("scancel", "--user", "root")
    for _ in range(30):
        if "idle" in (command("sinfo", "--noheader", "--Node", "--format", "%T") or ""):
            return True
        time.sleep(1)
    return False


@pytest.fixture(scope="module")
def slurm(shared, tmp_path_factory):
    """A SLURM of this machine alone, with a GPU that is none; stopped at the end."""
    if not (shared / "slurm/up.sh").exists():
        pytest.skip("no scripts that bring SLURM up in the folder of test data")
    if not has_plugin("slurm"):
        pytest.skip("the extra `slurm` is not installed")
    if os.geteuid() or not shutil.which("apt-get"):
        pytest.skip("SLURM is installed by apt-get, as root")
    conf = Path("/etc/slurm/slurm.conf")
    if conf.exists() and "ClusterName=onenode\n" not in conf.read_text():
        pytest.skip("this machine has a SLURM of its own")
    kit = shutil.copytree(shared / "slurm", tmp_path_factory.mktemp("slurm") / "kit")
    for path in kit.iterdir():
        path.chmod(0o755)
    if not shutil.which("slurmctld") and command(kit / "install.sh", seconds=300) is None:
        pytest.skip("SLURM can't be installed")
    settings = dict(re.findall(r"(CPUs|RealMemory)=(\d+)", command("slurmd", "-C") or ""))
    text = (kit / "slurm.conf").read_text()
    text = re.sub(r"RealMemory=\d+", f"RealMemory={settings.get('RealMemory', 20000)}", text)
    (kit / "slurm.conf").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SLURM_CONF", raising=False)  # see tests/conftest.py
        if "idle" not in (command(kit / "up.sh", seconds=120) or "") and not cleared():
            command(kit / "down.sh", "--munge")
            pytest.skip("SLURM can't be brought up")
        yield
        command(kit / "down.sh", "--munge")


def jobs_of(folder):
    """What SLURM tells of the jobs of a working folder, by name: a list of each, in order."""
    jobs = {}
    for line in command("scontrol", "--oneliner", "show", "job").splitlines():
        fields = dict(re.findall(r"([\w/]+)=(\S*)", line))
        if fields.get("WorkDir") == str(folder):
            jobs.setdefault(fields.get("Comment") or fields["JobName"], []).append(fields)
    return jobs


def test_a_run_on_slurm(slurm, copy, local, project, run):
    folder, arguments = copy
    # Less memory than Python with torch takes, then enough: SLURM kills the first attempt.
    memory = ("--set-resources", "train_branchpoint_fold:mem_mb=250*attempt**3")
    output = run(
        FIGURE, f"{FOLD}/metrics.tsv", "--workflow-profile", project / "profiles/slurm",
        *SEEN_SOON, *memory, *arguments, cwd=project,
    )  # fmt: skip
    jobs = jobs_of(folder)

    assert len(jobs) == 5, output
    assert sum(map(len, jobs.values())) == 6
    for name, attempts in jobs.items():
        rule = name.split("_wildcards")[0].removeprefix("rule_")
        for job in attempts:
            wanted = "gres:gpu:1" if WITH_A_MODEL.match(rule) else None
            assert job.get("TresPerJob") == wanted
        assert attempts[-1]["JobState"] == "COMPLETED"
    killed, again = jobs["rule_train_branchpoint_fold_wildcards_demo_demo_0"]
    assert killed["JobState"] != "COMPLETED"
    assert (killed["MinMemoryNode"], again["MinMemoryNode"]) == ("250M", "2000M")
    assert "exceeded memory limit" in Path(killed["StdErr"]).read_text()
    assert_same(folder, local)


def test_a_job_of_the_generic_profile_on_slurm(slurm, copy, local, project, run):
    folder, arguments = copy
    name = TABLES.replace("tables/pair_groups.tsv", "demo/demo/pair_scores.000.parquet")
    profile = project / "profiles/cluster-generic"
    run(name, "--workflow-profile", profile, *arguments, cwd=project)

    (job,) = jobs_of(folder)["infer_attention_pairs"]
    assert (job["JobState"], job["MinMemoryNode"]) == ("COMPLETED", "8000M")
    assert job["TresPerJob"] == "gres:gpu:1"
    assert (folder / name).read_bytes() == (local / name).read_bytes()


# --- a run that is cut off


def descendants(pid):
    """Process ids below one, by their command line."""
    found, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            found[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    below = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in below} - below
        if not more:
            return {child: found.get(child, "") for child in below - {pid}}
        below |= more


def cut_off(project, arguments, stop):
    """Start a run, stop it when training has left one more checkpoint; its exit code.

    stop : Function (process id of Snakemake, process id of the training)
    """
    state = Path(arguments[-1]) / FOLD / "state"
    words = ["snakemake", FIGURE, f"{FOLD}/metrics.tsv", "--cores", "2", *map(str, arguments)]
    known, limit = set(state.glob("*/checkpoints/step-*")), time.monotonic() + 300
    # What a shell starts in the background ignores Ctrl-C, and would hand that on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        words, cwd=project, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not set(state.glob("*/checkpoints/step-*")) - known:
            assert process.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.02)
        below = descendants(process.pid)
        stop(process.pid, max(pid for pid, line in below.items() if "train_fold.py" in line))
        return process.wait(timeout=120)
    finally:
        for pid in (*descendants(process.pid), process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        signal.signal(signal.SIGINT, before)


def test_a_run_that_is_cut_off_goes_on_and_gives_the_same_bytes(copy, local, project, run):
    folder, arguments = copy
    stops = {
        "Ctrl-C": lambda main, job: os.killpg(main, signal.SIGINT),
        "a job killed": lambda main, job: os.kill(job, signal.SIGKILL),
        "everything killed": lambda main, job: os.killpg(main, signal.SIGKILL),
    }
    for name, stop in stops.items():
        assert cut_off(project, arguments, stop), name
        assert not (folder / FOLD / "metrics.tsv").exists(), name
    run("--unlock", *arguments, cwd=project)  # what Snakemake was killed in is locked

    run(FIGURE, f"{FOLD}/metrics.tsv", "--cores", "2", *arguments, cwd=project)

    log = (folder / "logs/branchpoint/demo/demo/fold0/train_fold.log").read_text()
    assert "going on from" in log
    assert_same(folder, local)
