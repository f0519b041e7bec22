"""A fine-tuned classification folder, run through the engine."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch

from ..errors import ModelError
from ..inference import Item, Runtime, stream
from ..models.attention import choose_backend
from ..models.checkpoint import (
    check_vocabulary,
    load_exactly,
    read_config,
    read_state_dict,
    weights_file,
)
from ..models.modules import BertForSequenceClassification, BertForTokenClassification, Engine
from ..sequence import PAD, VOCABULARY, token_batch
from .model import Choice

log = logging.getLogger(__name__)
ARCHITECTURES = {
    "BertForTokenClassification": ("token", BertForTokenClassification),
    "BertForSequenceClassification": ("sequence", BertForSequenceClassification),
}


class Classifier:
    """A model with a classification head.

    Attributes
    ----------
    head : "token" or "sequence"
    num_labels : int
    problem_type : str or None
        As config.json has it.
    """

    head: Literal["token", "sequence"]

    def __init__(self, choice: Choice, runtime: Runtime, attention: str = "auto") -> None:
        self._runtime = runtime
        self.head, self._model = load_module(choice)
        self._model.bert.engine = Engine(attention, runtime.dtype)
        self._model.eval().requires_grad_(False).to(runtime.device)
        config = self._model.config
        self.num_labels, self.problem_type = config.num_labels, config.problem_type
        kind = getattr(torch, runtime.dtype, torch.float32)  # of attention; int8 has float32
        backend = choose_backend(attention, runtime.device, kind)
        labels = ", ".join(str(config.id2label[label]) for label in range(self.num_labels))
        log.info(
            "model %s (%s head, labels %s), attention %s; %s",
            choice.name, self.head, labels, backend, runtime.describe(),
        )  # fmt: skip

    def run(self, items: Iterable[Item], *, progress: bool = True) -> Iterator[np.ndarray]:
        """Logits of each sequence, in order: float32 (nt, labels); sequence heads (labels,)."""
        options: dict = {"progress": progress, "label": "predict"}
        options |= {} if self.head == "token" else {"split": lambda values, _: list(values)}
        return stream(items, self._compute, self._runtime, **options)

    @torch.inference_mode()
    def _compute(self, batch: Sequence[Item]) -> torch.Tensor:
        ids, lengths = token_batch([item.sequence for item in batch])
        inputs = {"input_ids": torch.from_numpy(ids)}
        if lengths.min() < lengths.max():
            inputs["attention_mask"] = torch.from_numpy(ids != PAD).long()
        device = self._runtime.device
        inputs = {name: tensor.to(device) for name, tensor in inputs.items()}
        logits = self._model(**inputs).logits.float()
        if self.head == "sequence":
            return logits
        return torch.cat([row[1 : n + 1] for row, n in zip(logits, lengths, strict=True)])


def load_module(choice: Choice) -> tuple[str, torch.nn.Module]:
    """Load a classification folder, head included; return the kind of head and the model.

    Raises
    ------
    ModelError
        config.json names no classification model, or the weights are not its.
    """
    config = read_config(choice.folder)
    found = [name for name in config.architectures or () if name in ARCHITECTURES]
    if len(found) != 1:
        raise ModelError(
            f"{choice.folder / 'config.json'}: architectures is {config.architectures}; predict "
            f"needs a fine-tuned model, one of {', '.join(ARCHITECTURES)}"
        )
    if (choice.folder / "vocab.txt").exists():
        check_vocabulary(choice.folder)
    if config.vocab_size != len(VOCABULARY):
        raise ModelError(
            f"{choice.folder}: a vocabulary of {config.vocab_size}; expected {len(VOCABULARY)}"
        )
    head, make = ARCHITECTURES[found[0]]
    module = make(config)
    load_exactly(module, read_state_dict(weights_file(choice.folder)), choice.folder)
    return head, module
