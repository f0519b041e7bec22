"""How far a run is, from its log."""

from datetime import datetime

import pytest

from splicebert.cli import main
from splicebert.errors import SpliceBERTError
from splicebert.run_progress import describe, newest_log, read_run, summarise

STATS = """Building DAG of jobs...
Job stats:
job                          count
-------------------------  -------
make_demo_genome                 1
infer_attention_pairs            4
train_branchpoint_fold           2
figures                          1
total                            8

"""
FIRST = """[Sat Nov 28 16:00:00 2026]
localrule make_demo_genome:
    log: logs/x.log
    jobid: 3
[Sat Nov 28 16:00:10 2026]
Finished jobid: 3 (Rule: make_demo_genome)
1 of 8 steps (12%) done
[Sat Nov 28 16:00:10 2026]
rule infer_attention_pairs:
    input: a
    jobid: 5
    wildcards: shard=0

[Sat Nov 28 16:00:10 2026]
rule train_branchpoint_fold:
    jobid: 7
Job 7 has been submitted with SLURM jobid 8 (log: x).
[Sat Nov 28 16:00:30 2026]
Finished jobid: 5 (Rule: infer_attention_pairs)
[Sat Nov 28 16:00:30 2026]
rule infer_attention_pairs:
    jobid: 6
"""
FAILED = """[Sat Nov 28 16:00:40 2026]
Error in rule train_branchpoint_fold:
    message: killed
    jobid: 7
    input: b
"""
AGAIN = """Trying to restart job 7.
[Sat Nov 28 16:00:40 2026]
rule train_branchpoint_fold:
    jobid: 7
"""
NOW = datetime(2026, 11, 28, 16, 0, 50)


def rows_of(text, now=NOW):
    return {row.branch: row for row in summarise(read_run(text), now)}


def counts(row):
    return row.planned, row.done, row.running, row.failed


def test_jobs_are_counted_by_branch():
    rows = rows_of(STATS + FIRST)
    assert list(rows) == ["attention", "branchpoint", "shared", "all"]
    assert counts(rows["attention"]) == (4, 1, 1, 0)
    assert counts(rows["branchpoint"]) == (2, 0, 1, 0)
    assert counts(rows["all"]) == (8, 2, 2, 0)


def test_a_rule_may_have_a_model_in_its_name():
    """Names that rules get from the model table hold dots and hyphens."""
    name = "unpack_models_SpliceBERT-human.510nt"
    stats = STATS.replace("make_demo_genome   ", f"{name}  ")
    rows = rows_of(stats + FIRST.replace("make_demo_genome", name))
    assert counts(rows["shared"]) == (2, 1, 0, 0)


def test_time_left_is_that_of_the_same_rule_and_of_jobs_at_once():
    rows = rows_of(STATS + FIRST)
    # 3 jobs of 20 s are left, of which one has run 20 s; 10 + 20 + 40 + 20 s of jobs in 50 s.
    assert rows["attention"].seconds == pytest.approx((3 * 20 - 20) / (90 / 50))
    assert not rows["attention"].at_least
    assert rows["branchpoint"].seconds is None  # none of its rule is done
    assert rows["all"].at_least
    assert rows["all"].seconds == rows["attention"].seconds


def test_a_failed_job_is_failed_until_it_runs_again():
    assert counts(rows_of(STATS + FIRST + FAILED)["branchpoint"]) == (2, 0, 0, 1)
    assert counts(rows_of(STATS + FIRST + FAILED + AGAIN)["branchpoint"]) == (2, 0, 1, 0)


def test_a_run_that_has_ended_has_no_time_left():
    text = STATS + FIRST + FAILED + "Exiting because a job execution failed.\nComplete log(s): x\n"
    run = read_run(text)
    assert run.ended
    shown = describe(run, summarise(run, NOW))
    assert "the run has ended" in shown
    assert "about" not in shown
    assert shown.count("not done") == 4


@pytest.mark.parametrize("text", ["", "Building DAG of jobs...\nNothing to be done.\n"])
def test_a_log_without_jobs(text):
    (row,) = summarise(read_run(text), NOW)
    assert counts(row) == (0, 0, 0, 0)


def test_the_command_shows_the_newest_run(tmp_path, capsys):
    with pytest.raises(SpliceBERTError, match="no run of Snakemake"):
        newest_log(tmp_path)
    folder = tmp_path / ".snakemake/log"
    folder.mkdir(parents=True)
    (folder / "2026-11-27T1.snakemake.log").write_text("")
    (folder / "2026-11-28T1.snakemake.log").write_text(STATS + FIRST)
    assert main(["progress", str(tmp_path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["branch", "done", "running", "failed", "time", "left"]
    assert shown[1].split()[:5] == ["attention", "1/4", "1", "0", "about"]
    assert shown[-1] == "running: 1 x train_branchpoint_fold, 1 x infer_attention_pairs"
