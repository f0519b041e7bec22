"""A fine-tuned classification folder, run through the engine."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch

from ..errors import ModelError
from ..inference import Item, Runtime, stream
from ..models.attention import choose_backend, products_dtype
from ..models.checkpoint import (
    load_exactly,
    read_config,
    read_state_dict,
    weights_file,
)
from ..models.modules import BertForSequenceClassification, BertForTokenClassification, Engine
from ..models.packing import Packed, Rows, all_rows, first_rows, some_rows
from ..models.tokens import Letters, Tokeniser, read_tokeniser
from ..precision import check_sample
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
    dtype : str
        Of the matrix products.
    num_labels : int
    problem_type : str or None
        As config.json has it.
    """

    head: Literal["token", "sequence"]

    def __init__(self, choice: Choice, runtime: Runtime, attention: str = "auto") -> None:
        self._runtime, self._attention = runtime, attention
        self.head, self._model, self._tokeniser = load_module(choice)
        self._model.eval().requires_grad_(False).to(runtime.device)
        self.set_dtype(runtime.dtype)
        config = self._model.config
        self.num_labels, self.problem_type = config.num_labels, config.problem_type
        backend = choose_backend(attention, runtime.device, products_dtype(runtime.dtype))
        labels = ", ".join(str(config.id2label[label]) for label in range(self.num_labels))
        log.info(
            "model %s (%s head, labels %s), attention %s; %s",
            choice.name, self.head, labels, backend, runtime.describe(),
        )  # fmt: skip

    def set_dtype(self, dtype: str) -> None:
        """Change the precision of the matrix products."""
        self.dtype = dtype
        self._model.bert.engine = Engine(self._attention, dtype)

    def run(self, items: Iterable[Item], *, progress: bool = True) -> Iterator[np.ndarray]:
        """Logits of each sequence, in order: float32 (nt or offsets, labels).

        Of a sequence head (labels,).
        """
        options: dict = {"progress": progress, "label": "predict"}
        if self.head == "sequence":
            options["split"] = lambda values, _: list(values)
            # For the comparison with float32 a sequence is one row.
            items = (item._replace(offsets=np.zeros(1, np.int64)) for item in items)
        checked = check_sample(self, items, self._compute, self._runtime, kind="classes")
        return stream(checked, self._compute, self._runtime, **options)

    @torch.inference_mode()
    def _compute(self, batch: Sequence[Item]) -> torch.Tensor:
        sequences = [item.sequence for item in batch]
        packed = self._tokeniser.pack(sequences, device=self._runtime.device)
        last = self._model.config.num_hidden_layers
        rows = self._rows(packed, batch)
        states = self._model.bert.encode_packed(packed, [last], rows)[last]
        if self.head == "sequence":
            states = self._model.bert.pooler(states[:, None])
        return self._model.classifier(states)

    def _rows(self, packed: Packed, batch: Sequence[Item]) -> Rows:
        if self.head == "sequence":
            return first_rows(packed)
        if all(item.offsets is None for item in batch):
            return all_rows(packed)
        return some_rows(packed, [item.offsets for item in batch])


def load_module(choice: Choice) -> tuple[str, torch.nn.Module, Tokeniser]:
    """Load a classification folder, head included; return the kind of head, model and tokeniser.

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
    known = (choice.folder / "vocab.txt").exists()
    tokeniser = read_tokeniser(choice.folder) if known else Letters()
    words = len(tokeniser.words)
    if config.vocab_size != words:
        raise ModelError(f"{choice.folder}: a vocabulary of {config.vocab_size}; expected {words}")
    head, make = ARCHITECTURES[found[0]]
    module = make(config)
    load_exactly(module, read_state_dict(weights_file(choice.folder)), choice.folder)
    return head, module, tokeniser
