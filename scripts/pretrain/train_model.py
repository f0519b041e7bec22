"""Train one run, here or in the processes that torchrun starts."""

import logging
import subprocess
import sys
from pathlib import Path

from splicebert.errors import SpliceBERTError
from splicebert.jobs import job
from splicebert.pretraining.__main__ import train
from splicebert.pretraining.settings import Job


def make_job(snakemake) -> Job:
    """Describe the job; its hardware is no parameter of the rule, as it decides no numbers."""
    params, output = snakemake.params, snakemake.output
    run = snakemake.config["pretrain"]["runs"][snakemake.wildcards.run]
    threads = max(1, snakemake.threads // run["hardware"]["processes"])
    hardware = dict(run["hardware"], threads=threads)
    if hardware["device"] == "auto" and not snakemake.resources.get("gpu", 0):
        hardware["device"] = "cpu"
    return Job(
        run=snakemake.wildcards.run,
        settings=params.settings,
        hardware=hardware,
        checkpoint_every=run["checkpoint_every"],
        corpus=params.corpus,
        fragments=snakemake.input.fragments,
        bases=snakemake.input.bases,
        folder=str(Path(output.metrics).parent),
        model=str(Path(output.weights).parent),
        metrics=output.metrics,
        regions=output.regions,
    )


def torchrun(path: Path, hardware: dict) -> list[str]:
    """Command that starts the processes of this machine."""
    return [
        *(sys.executable, "-m", "torch.distributed.run"),
        *(hardware["torchrun"] or ["--standalone"]),
        f"--nproc-per-node={hardware['processes']}",
        *("-m", "splicebert.pretraining", str(path)),
    ]


def launch(command: list[str], log: logging.Logger) -> None:
    """Run a command, its output to the log; SpliceBERTError where it fails."""
    log.info("%s", " ".join(command))
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, **options) as process:
        for line in process.stdout:
            log.info("%s", line.rstrip())
    if process.returncode:
        raise SpliceBERTError(f"torchrun ended with {process.returncode}; the log holds its output")


def main(snakemake):
    with job(snakemake) as log:
        work = make_job(snakemake)
        path = Path(work.folder) / "job.json"
        work.write(path)
        if work.hardware["processes"] == 1 and not work.hardware["torchrun"]:
            train(work)
            return
        launch(torchrun(path, work.hardware), log)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
