"""How far a run of the workflow is: read from the log that Snakemake writes while it runs.

A run that is cut off leaves no last words; then the log's age tells.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from .errors import SpliceBERTError

BRANCHES = (
    *("conservation", "embedding", "attention", "variant", "branchpoint", "splicesite"),
    *("dependency", "pretrain"),
)
SHARED = "shared"
"""Rules of no branch: genomes, downloads, the comparison with the paper."""

_STATS = re.compile(r"^Job stats:\njob +count\n[- ]+\n((?:\S+ +\d+\n)+)", re.MULTILINE)
_EVENT = re.compile(
    r"^\[(?P<time>\w{3} \w{3} [\d ]\d \d\d:\d\d:\d\d \d{4})\]"
    r"|^(?:local)?rule (?P<rule>\S+):$"
    r"|^    jobid: (?P<job>\d+)$"
    r"|^Finished jobid: (?P<done>\d+) "
    r"|^(?P<error>Error in rule) "
    r"|^(?P<end>Complete log\(s\):|Exiting because|WorkflowError)",
    re.MULTILINE,
)


class Job(NamedTuple):
    """A job that has been started.

    rule : its name; began : time; seconds : that it took, None while it is not done
    failed : whether its last attempt did
    """

    rule: str
    began: datetime
    seconds: float | None = None
    failed: bool = False


class Run(NamedTuple):
    """What a log tells.

    planned : jobs by rule; jobs : the started ones by id; ended : whether Snakemake has stopped
    """

    planned: Counter[str]
    jobs: dict[str, Job]
    ended: bool


class Row(NamedTuple):
    """A branch, or all of them: jobs planned, done, running, failed; seconds left.

    seconds : about, None where nothing is known; at_least : rules without an example are left out
    """

    branch: str
    planned: int
    done: int
    running: int
    failed: int
    seconds: float | None
    at_least: bool


def newest_log(folder: Path) -> Path:
    """Log of the latest run in a working folder; SpliceBERTError where there is none."""
    logs = sorted((folder / ".snakemake" / "log").glob("*.snakemake.log"))
    if not logs:
        raise SpliceBERTError(
            f"no run of Snakemake in {folder.resolve()}; name the folder that it was started in, "
            "or that its --directory names"
        )
    return logs[-1]


def read_run(text: str) -> Run:
    """Read a log, also of a run that goes on."""
    stats = _STATS.search(text)
    planned: Counter[str] = Counter()
    for line in stats[1].splitlines() if stats else []:
        rule, count = line.split()
        if rule != "total":
            planned[rule] = int(count)
    jobs: dict[str, Job] = {}
    time, rule, error, ended = datetime.min, "", False, False
    for event in _EVENT.finditer(text, stats.end() if stats else 0):
        if event["time"]:
            time, rule, error = datetime.strptime(event["time"], "%a %b %d %H:%M:%S %Y"), "", False
        elif event["rule"]:
            rule = event["rule"]
        elif event["error"]:
            error = True
        elif event["job"] and error and event["job"] in jobs:
            jobs[event["job"]] = jobs[event["job"]]._replace(failed=True)
        elif event["job"] and rule:
            jobs[event["job"]] = Job(rule, time)
        elif event["done"] in jobs:
            job = jobs[event["done"]]
            seconds = (time - job.began).total_seconds()
            jobs[event["done"]] = job._replace(seconds=seconds, failed=False)
        elif event["end"]:
            ended = True
    return Run(planned, jobs, ended)


def branch_of(rule: str) -> str:
    """Branch of a rule, by its name."""
    return next((branch for branch in BRANCHES if branch in rule), SHARED)


def summarise(run: Run, now: datetime) -> list[Row]:
    """A row for each branch that has jobs, and one for all.

    The time left takes a job to last as long as those of its rule that are done, and as many of
    them at once as on average so far.
    """
    branches = [b for b in (*BRANCHES, SHARED) if any(branch_of(r) == b for r in run.planned)]
    rows = [_row(run, now, b, [r for r in run.planned if branch_of(r) == b]) for b in branches]
    return [*rows, _row(run, now, "all", list(run.planned))]


def _row(run: Run, now: datetime, branch: str, rules: list[str]) -> Row:
    own = [job for job in run.jobs.values() if job.rule in rules]
    done = [job for job in own if job.seconds is not None]
    failed = [job for job in own if job.failed]
    running = [] if run.ended else [j for j in own if j.seconds is None and not j.failed]
    planned = sum(run.planned[rule] for rule in rules)
    seconds, unknown = 0.0, 0
    for rule in rules:
        taken = [job.seconds for job in done if job.rule == rule]
        left = run.planned[rule] - len(taken)
        if left and taken:
            gone = sum(_since(job, now) for job in running if job.rule == rule)
            seconds += max(left * sum(taken) / len(taken) - gone, 0)
        elif left:
            unknown += left
    known = bool(seconds) or not unknown
    return Row(
        branch, planned, len(done), len(running), len(failed),
        seconds / _at_once(run, now) if known else None, bool(unknown),
    )  # fmt: skip


def _since(job: Job, now: datetime) -> float:
    return max((now - job.began).total_seconds(), 0)


def _at_once(run: Run, now: datetime) -> float:
    """Jobs that ran at the same time, on average."""
    if not run.jobs:
        return 1
    busy = sum(_since(j, now) if j.seconds is None else j.seconds for j in run.jobs.values())
    whole = max(_since(job, now) for job in run.jobs.values())
    return max(busy / whole, 1) if whole else 1


def describe(run: Run, rows: list[Row]) -> str:
    """Lines for a terminal."""
    lines = [f"{'branch':14}{'done':>12}{'running':>9}{'failed':>8}  time left"]
    for row in rows:
        counts = f"{row.done}/{row.planned}"
        lines.append(
            f"{row.branch:14}{counts:>12}{row.running:>9}{row.failed:>8}  {_left(run, row)}"
        )
    running = Counter(j.rule for j in run.jobs.values() if j.seconds is None and not j.failed)
    if run.ended:
        lines.append("the run has ended")
    elif running:
        lines.append("running: " + ", ".join(f"{n} x {rule}" for rule, n in running.items()))
    return "\n".join(lines)


def _left(run: Run, row: Row) -> str:
    if row.done == row.planned:
        return "done"
    if run.ended:
        return "not done"
    if row.seconds is None:
        return "not known yet"
    time = timedelta(seconds=round(row.seconds))
    return f"{'at least' if row.at_least else 'about'} {time}"
