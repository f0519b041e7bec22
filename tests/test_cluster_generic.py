"""The scripts of profiles/cluster-generic: commands of schedulers, and the state of a job."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

PROFILE = Path(__file__).parents[1] / "profiles/cluster-generic"
PROPERTIES = {
    "type": "single", "rule": "train_branchpoint_fold", "threads": 3,
    "resources": {"tmpdir": "/tmp", "mem_mb": 8000, "runtime": 90, "gpu": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def submit():
    spec = importlib.util.spec_from_file_location("submit", PROFILE / "submit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def jobscript(tmp_path):
    path = tmp_path / "snakejob.sh"
    path.write_text(f"#!/bin/sh\n# properties = {json.dumps(PROPERTIES)}\necho\n")
    return path


WORDS = {
    "slurm": ({"sbatch", "--parsable", "--cpus-per-task=3", "--mem=8000", "--time=90"}, "--gpus=1"),
    "sge": ({"qsub", "-terse", "smp", "3", "h_vmem=2667M", "h_rt=5400"}, "gpu=1"),
    "pbs": ({"qsub", "walltime=5400"}, "select=1:ncpus=3:mem=8000mb:ngpus=1"),
}


@pytest.mark.parametrize("scheduler", WORDS)
def test_commands_hold_what_a_job_needs(submit, jobscript, scheduler):
    expected, gpu = WORDS[scheduler]
    properties = submit.read_properties(jobscript)
    words = submit.command(scheduler, properties, "-q 'a b'")
    assert expected | {gpu} <= set(words)
    assert words[-2:] == ["-q", "a b"]

    del properties["resources"]["gpu"]
    without = submit.command(scheduler, properties)
    assert expected <= set(without)
    assert gpu not in without
    assert "{" not in "".join(words + without)


def test_an_unknown_scheduler_is_named(submit):
    with pytest.raises(SystemExit, match=r"lsf.*slurm, sge, pbs"):
        submit.command("lsf", PROPERTIES)


def fake(folder, **answers):
    """Commands that print what they are to answer, in a folder for PATH."""
    for name, text in answers.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_a_submission_hands_the_script_over_and_prints_the_id(tmp_path, jobscript):
    path = fake(tmp_path, sbatch=f'echo "$@" > {tmp_path}/call; echo 17')
    done = subprocess.run(
        ["python3", PROFILE / "submit.py", jobscript],
        cwd=tmp_path, env=path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "17\n"
    assert (tmp_path / "call").read_text().split()[-1] == str(jobscript)
    assert (tmp_path / "logs/cluster").is_dir()


@pytest.mark.parametrize(
    ("squeue", "sacct", "expected"),
    [
        ("echo COMPLETED", "exit 1", "success"),
        ("echo OUT_OF_MEMORY", "exit 1", "failed"),
        ("echo PENDING", "exit 1", "running"),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", "exit 1",
         "running"),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "echo COMPLETED",
         "success"),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "exit 1", "failed"),
        ("true", "echo 'CANCELLED by 0'", "failed"),
    ],
)  # fmt: skip
def test_the_state_of_a_job(tmp_path, squeue, sacct, expected):
    path = fake(tmp_path, squeue=squeue, sacct=sacct)
    done = subprocess.run(
        [PROFILE / "status.sh", "17"], env=path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
