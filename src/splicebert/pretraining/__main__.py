"""Train one run: `python -m splicebert.pretraining job.json`, alone or as a process of torchrun."""

from __future__ import annotations

import argparse
import logging
import sys

from ..errors import SpliceBERTError
from .settings import Job, read_job


def train(job: Job) -> None:
    """Train a run from nothing or from its newest checkpoint, and write its outputs."""
    from .corpus import Corpus
    from .outputs import write_outputs
    from .processes import joined
    from .trainer import Trainer

    with joined(job.hardware) as process:
        if not process.leads:
            logging.getLogger().setLevel(logging.WARNING)
        trainer = Trainer(job, process, Corpus(job.corpus))
        metrics = trainer.run()
        if metrics is not None:
            write_outputs(trainer, metrics)


def main(arguments: list[str] | None = None) -> int:
    """Read the job, train, and say in one line what is wrong with it."""
    parser = argparse.ArgumentParser(prog="python -m splicebert.pretraining", description=__doc__)
    parser.add_argument("job", help="JSON file of a job (results/pretrain/<run>/job.json)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        train(read_job(options.job))
    except SpliceBERTError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
