"""How a fold is trained where nobody says otherwise; imports nothing, for quick `--help`."""

from __future__ import annotations

from typing import Any

# As in config/schemas/training.schema.yaml, for those who train without a configuration.
DEFAULTS: dict[str, Any] = {
    "optimiser": {"learning_rate": 1e-5, "weight_decay": 1e-6},
    "batch": {"size": 8, "accumulation": 1},
    "epochs": 200,
    "patience": 10,
    "schedule": {
        "kind": "plateau", "factor": 0.5, "patience": 1, "floor": 1e-7, "warmup_steps": 0,
    },
    "score": "ap",
    "class_weights": None,
    "precision": "auto",
    "attention_dropout": None,
    "hidden_dropout": None,
    "clip": None,
    "seed": 2020,
}  # fmt: skip
METHOD = {"initial": "pretrained", "freeze": 0}
