"""What a finished run leaves: model folder, training.json, metrics."""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path

import torch

from ..models.checkpoint import write_model
from ..tables import atomic_path
from .metrics import Metrics
from .trainer import Trainer


def describe(trainer: Trainer) -> dict:
    """Everything that decided the weights, and what training took."""
    job, progress, process = trainer.job, trainer.progress, trainer.process
    return {
        "run": job.run,
        "settings": job.settings,
        **trainer.sha256,
        "corpus": trainer.corpus.about,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "steps": progress.step,
        "tokens": progress.tokens,
        "seconds": round(progress.seconds, 1),
        "hardware": {
            "device": device_name(process.device),
            "processes": process.size,
            "threads": torch.get_num_threads(),
            "precision": precision(trainer),
            "passes": max(len(trainer.read(0).batches), 1),
        },
        "torch": torch.__version__,
    }


def device_name(device: torch.device) -> str:
    """Name of the GPU, or kind of the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})"


def precision(trainer: Trainer) -> str:
    """Dtype of the products in training."""
    asked, on_gpu = trainer.precision, trainer.process.device.type == "cuda"
    if asked == "auto":
        return "bfloat16" if on_gpu else "float32"
    return asked


def write_outputs(trainer: Trainer, metrics: Metrics) -> None:
    """Write the model folder and the metrics, then drop the checkpoints.

    Without that, a later run with edited code would find the old end and train nothing.
    """
    job = trainer.job
    with atomic_path(job.model) as folder:
        write_model(trainer.model.cpu(), folder)
        about = json.dumps(describe(trainer), indent=1)
        (folder / "training.json").write_text(about + "\n")
    for name, target in (("metrics", job.metrics), ("regions", job.regions)):
        with atomic_path(target) as path:
            shutil.copyfile(metrics.paths[name], path)
    metrics.close()
    shutil.rmtree(Path(trainer.state))
