"""Fine-tune one fold: train, validate and test after each epoch, keep the best weights."""

from pathlib import Path

import torch

from splicebert.jobs import choose_device, job
from splicebert.runtime import Runtime
from splicebert.training.defaults import METHOD
from splicebert.training.examples import read_examples
from splicebert.training.run import Outputs, evaluation_runtime, train_fold
from splicebert.training.settings import Job, Split, complete


def make_job(snakemake) -> Job:
    """Describe the fold."""
    params = snakemake.params
    method = {key: params.method.get(key, value) for key, value in METHOD.items()}
    return Job(
        split=Split.make(*(params.split[key] for key in Split._fields)),
        task=params.task,
        num_labels=params.num_labels,
        model=params.method["model"],
        entry=params.model,
        method=method,
        settings=complete(params.settings),
    )


def make_runtime(snakemake, settings: dict) -> Runtime:
    """Device, and batches and precision of evaluation."""
    torch.set_num_threads(snakemake.threads)
    batch_nt = snakemake.config["inference"]["batch_nt"]
    return evaluation_runtime(choose_device(snakemake), settings, batch_nt)


def main(snakemake):
    output = snakemake.output
    with job(snakemake) as log:
        work = make_job(snakemake)
        runtime = make_runtime(snakemake, work.settings)
        about = train_fold(
            work,
            read_examples(snakemake.input.examples, work.task),
            Outputs(Path(output.metrics), Path(output.predictions), Path(output.weights).parent),
            runtime,
            attention=snakemake.config["inference"]["attention"],
        )
        log.info("best epoch %d of %d", about["best_epoch"], about["epochs"])


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
