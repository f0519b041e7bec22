"""Train a fold and write what it leaves."""

from __future__ import annotations

import json
import logging
import math
import platform
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow.parquet as pq
import torch

from ..errors import ModelError
from ..learning.mixed import products
from ..models.checkpoint import sha256, weights_file, write_model
from ..runtime import Runtime
from ..tables import atomic_path, write_table
from .examples import Examples, check_examples, check_parts, count_shared, digest, make_examples
from .model import build_learner, longest_sequence
from .settings import Job
from .tables import METRICS, SPLITS, TRAINING
from .trainer import CHECKPOINT_SECONDS, Trainer

log = logging.getLogger(__name__)


class Outputs(NamedTuple):
    """Where a fold leaves what it is for: two tables and a model folder."""

    metrics: Path
    predictions: Path
    model: Path


def outputs_in(folder: str | Path) -> Outputs:
    """Outputs of the usual names in a folder."""
    folder = Path(folder)
    return Outputs(folder / "metrics.tsv", folder / "predictions.parquet", folder / "model")


def evaluation_runtime(
    device: str, settings: dict[str, Any], batch_nt: int | None = None
) -> Runtime:
    """Where a fold trains, and how it is evaluated: float32 on a CPU, float16 products on a GPU.

    Parameters
    ----------
    device
        auto, cpu, cuda or cuda:N.
    settings
        Of training; precision float32 evaluates in float32, too.
    batch_nt
        Nucleotides a batch of evaluation; None suits the device.
    """
    dtype = "float32" if settings["precision"] == "float32" else "auto"
    return Runtime.choose(device, dtype, batch_nt, purpose="probability")


def train_fold(
    job: Job,
    table: pd.DataFrame,
    outputs: Outputs,
    runtime: Runtime,
    *,
    attention: str = "auto",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> dict[str, Any]:
    """Train one fold, from nothing or from its newest checkpoint.

    Parameters
    ----------
    job
        What to train.
    table
        EXAMPLES; those in none of the job's folds are not looked at.
    outputs
        What is written; checkpoints and events lie beside the metrics, in state/ and tensorboard/.
    runtime
        Device, and batches and precision of evaluation.
    attention
        Attention back end.
    checkpoint_seconds
        Time between checkpoints within an epoch.

    Returns
    -------
    What training.json of the model folder holds.

    Raises
    ------
    SpliceBERTError
        Examples, model or settings that can't be used, or a checkpoint of other ones.
    """
    check_examples(table, job.task)
    parts = split_examples(table, job)
    check_parts(parts)
    check_lengths(parts, job)
    learner = build_learner(job, runtime.device, attention=attention, dtype=runtime.dtype)
    folder = outputs.metrics.parent
    trainer = Trainer(
        job, parts, learner, runtime, folder, fingerprint(job, parts), checkpoint_seconds
    )
    log.info("fold %d: %s", job.split.fold, _describe_parts(parts))
    trainer.run()
    about = describe(trainer)
    write_outputs(trainer, outputs, about)
    return about


def split_examples(table: pd.DataFrame, job: Job) -> dict[str, Examples]:
    """Return training, validation and test -> their examples."""
    members = job.split.members(table["fold"].to_numpy())
    return {name: make_examples(table.iloc[members[name]], job.task) for name in SPLITS}


def check_lengths(parts: dict[str, Examples], job: Job) -> None:
    """Raise ModelError for a sequence that is longer than the model takes."""
    most = longest_sequence(job)
    for part in parts.values():
        for name, sequence in zip(part.ids, part.sequences, strict=True):
            if len(sequence) > most:
                raise ModelError(
                    f"example {name!r} has {len(sequence)} nt; model {job.model!r} takes at most "
                    f"{most}. Cut the sequences"
                )


def fingerprint(job: Job, parts: dict[str, Examples]) -> dict[str, Any]:
    """All that decides the numbers of a fold, for its checkpoints."""
    weights = sha256(weights_file(job.entry["folder"]))
    return {
        "split": json.loads(json.dumps(job.split)),
        "task": [job.task, job.num_labels],
        "model": job.model,
        "weights": weights,
        "method": job.method,
        "settings": job.settings,
        "examples": {name: digest(part) for name, part in parts.items()},
    }


def _describe_parts(parts: dict[str, Examples]) -> str:
    lines = []
    for name, part in parts.items():
        labels = part.all_labels()
        lines.append(
            f"{name} {len(part.ids)} examples, {int(labels.sum())} of {len(labels)} labels positive"
        )
    shared = count_shared(parts)
    if any(shared.values()):
        log.warning("sequences that also occur in training: %s", shared)
    return "; ".join(lines)


def describe(trainer: Trainer) -> dict[str, Any]:
    """Everything that decided the weights, what they score, and what training took."""
    job, progress, device = trainer.job, trainer.progress, trainer.runtime.device
    lengths = [len(sequence) for sequence in trainer.parts[TRAINING].sequences]
    on_gpu = device.type == "cuda"
    return {
        "model": job.model,
        "method": job.method,
        "task": job.task,
        "num_labels": job.num_labels,
        "split": job.split._asdict(),
        "settings": job.settings,
        "examples": {name: len(part.ids) for name, part in trainer.parts.items()},
        "shared_with_training": count_shared(trainer.parts),
        "parameters": sum(p.numel() for p in trainer.learner.parameters()),
        "learning_parameters": sum(p.numel() for p in trainer.learning),
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "metrics": _best_metrics(trainer),
        "lengths": [min(lengths), max(lengths)],
        "seconds": round(progress.seconds, 1),
        "hardware": {
            "device": torch.cuda.get_device_name(device) if on_gpu else platform.machine(),
            "threads": torch.get_num_threads(),
            "precision": str(products(device, job.settings["precision"])).removeprefix("torch."),
        },
        "torch": torch.__version__,
        "fingerprint": trainer.fingerprint,
    }


def _best_metrics(trainer: Trainer) -> dict[str, dict[str, float | None]]:
    """Metrics of the best epoch: split -> metric -> value, None for one that is not defined."""
    found: dict[str, dict[str, float | None]] = {name: {} for name in SPLITS}
    for epoch, split, metric, value in trainer.records.rows:
        if epoch == trainer.progress.best_epoch:
            found[split][metric] = None if math.isnan(value) else value
    return found


def write_outputs(trainer: Trainer, outputs: Outputs, about: dict[str, Any]) -> None:
    """Write metrics, predictions and the model of the best epoch; then drop the checkpoints."""
    metrics = pd.DataFrame(trainer.records.rows, columns=METRICS.names)
    write_table(metrics, outputs.metrics, METRICS)
    with atomic_path(outputs.predictions) as path:
        join_parquet(trainer.records.parts(), path)
    trainer.records.load_best(trainer.progress.best_epoch, trainer.learner)
    with atomic_path(outputs.model) as folder:
        learner = trainer.learner
        write_model(learner.model.eval().cpu(), folder, learner.tokeniser.words)
        (folder / "training.json").write_text(json.dumps(about, indent=1) + "\n")
    shutil.rmtree(outputs.metrics.parent / "state", ignore_errors=True)


def join_parquet(parts: list[Path], path: Path) -> None:
    """Write tables of one schema behind one another, a row group each."""
    schema = pq.read_schema(parts[0])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pq.read_table(part, partitioning=None))
