#!/usr/bin/env python3
"""Submit a job of the executor cluster-generic: `submit.py JOBSCRIPT` prints the job's id.

Snakemake writes what a job needs into its script. The command of SLURM has been run; those of SGE
and PBS follow their manuals, and sites differ (parallel environment, memory, GPUs).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

LOGS = Path("logs/cluster")

# Scheduler -> its command, and what is added for a job that asks for a GPU.
COMMANDS = {
    "slurm": (
        "sbatch --parsable --job-name={name} --output={logs}/%j.{name}.log --ntasks=1 "
        "--cpus-per-task={threads} --mem={mem_mb} --time={runtime}",
        "--gpus={gpu}",
    ),
    "sge": (  # h_vmem is counted for each slot
        "qsub -terse -cwd -V -j y -N {name} -o {logs} -pe smp {threads} "
        "-l h_vmem={mem_mb_a_cpu}M -l h_rt={seconds}",
        "-l gpu={gpu}",
    ),
    "pbs": (
        "qsub -V -j oe -N {name} -o {logs} -l walltime={seconds} "
        "-l select=1:ncpus={threads}:mem={mem_mb}mb:ngpus={gpu}",
        "",
    ),
}


def read_properties(jobscript: Path) -> dict:
    """Rule, threads and resources of a job, from the line `# properties = {...}`."""
    found = re.search(r"^# properties = (.*)$", jobscript.read_text(), re.MULTILINE)
    if not found:
        raise SystemExit(f"{jobscript}: no line '# properties = ...'; Snakemake writes one")
    return json.loads(found[1])


def command(scheduler: str, properties: dict, options: str = "") -> list[str]:
    """Words of the submit command, without the script."""
    if scheduler not in COMMANDS:
        raise SystemExit(f"CLUSTER_SCHEDULER={scheduler!r}; known are {', '.join(COMMANDS)}")
    resources, threads = properties["resources"], properties["threads"]
    gpu = resources.get("gpu", 0)
    values = {
        "name": properties.get("rule") or properties.get("groupid", "job"),
        "logs": LOGS,
        "threads": threads,
        "mem_mb": resources["mem_mb"],
        "mem_mb_a_cpu": -(-resources["mem_mb"] // threads),
        "runtime": resources["runtime"],
        "seconds": resources["runtime"] * 60,
        "gpu": gpu,
    }
    base, for_gpu = COMMANDS[scheduler]
    words = f"{base} {for_gpu if gpu else ''}".format(**values)
    return [*words.split(), *shlex.split(options)]


def main() -> None:
    """Submit the script that the command line names last."""
    script = Path(sys.argv[-1])
    environment = os.environ
    words = command(
        environment.get("CLUSTER_SCHEDULER", "slurm"),
        read_properties(script),
        environment.get("CLUSTER_OPTIONS", ""),
    )
    LOGS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([*words, str(script)], stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout.strip())
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
