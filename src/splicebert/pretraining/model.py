"""The model that is trained: its first weights, and its loss as one module."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import BertConfig

from ..errors import ModelError
from ..models.checkpoint import load_exactly, read_state_dict
from ..models.modules import BertForMaskedLM, Engine
from ..models.packing import Packed, Rows
from ..sequence import PAD, VOCABULARY
from .recast import recast_heads

TIED = ("cls.predictions.decoder.",)
"""Names of tensors that are others as well, so that a file may leave them out."""
OF_TASKS = ("bert.pooler.", "cls.seq_relationship.")
"""Names of tensors that masked-language modelling has no use for."""
AMPLITUDE = math.sqrt(4 / 3)
"""Of the sinusoids in the normed embeddings of a model that starts with offset heads, for an
initializer_range of 0.02."""
LEAST = 0.1
"""Scale, in the normed embeddings, of a sinusoid that a head starts with."""


def build_model(settings: dict[str, Any]) -> BertForMaskedLM:
    """Return the model of a run with its first weights.

    They depend on the seed alone, or are those of the file `start.weights`, relative to the working
    folder, or the mean of this and of `start.mean_with`. ModelError where a file does not hold a
    model of the run's architecture, or heads are to start anew in a model without the position
    table that they need.
    """
    config = BertConfig(vocab_size=len(VOCABULARY), pad_token_id=PAD, **settings["architecture"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings["seed"])
        model = BertForMaskedLM(config)
        model.bert.engine = Engine(dtype="float32")  # of evaluation; autocast overrules it
        start = settings["start"]
        if start["weights"]:
            load_start(model, start["weights"])
            if start["mean_with"]:
                first = {name: value.clone() for name, value in model.state_dict().items()}
                load_start(model, start["mean_with"])
                both = model.state_dict()
                model.load_state_dict({name: (first[name] + both[name]) / 2 for name in both})
            if start["heads"]:
                recast_heads(model, start["heads"])
            if start["offset_heads"]:
                require_sinusoids(model, start["weights"])
        elif start["offset_heads"]:
            prepare_for_offset_heads(model)
        if start["offset_heads"]:
            start_with_offset_heads(model, start["offsets"], start["widths"], start["gain"])
            frozen = model.bert.embeddings.position_embeddings
            frozen.requires_grad_(not start["freeze_positions"])
    return model


def load_start(model: BertForMaskedLM, path: str) -> None:
    """Load weights to go on from; ModelError where they are of another architecture."""
    load_exactly(model, read_state_dict(path), path, may_miss=TIED, may_ignore=OF_TASKS)


def head_offsets(heads: int) -> list[int]:
    """Offsets of so many heads: -1, 1, -2, 2, …."""
    return [(number // 2 + 1) * (1 if number % 2 else -1) for number in range(heads)]


@torch.no_grad()
def start_with_offset_heads(
    model: BertForMaskedLM,
    offsets: list[int | None] | None = None,
    widths: list[float | None] | None = None,
    gain: float = 3.0,
) -> None:
    """Start attention heads as "look k bases away" heads, so that training need not find them.

    With learned absolute positions a small model needs very long to discover relative offsets. A
    head's query is its key rotated by the head's offset: attention is highest k bases away. Heads
    of layer 1 of a trained model can be started anew: what they pass on stays as it is, but for
    sinusoids that are brought back.

    Parameters
    ----------
    model
        That `prepare_for_offset_heads` has prepared, perhaps trained since; changed in place.
    offsets
        Offset of each head, layer by layer; heads of None and behind the list stay as they are.
        None: those of `head_offsets`.
    widths
        About how far such a head looks to either side of its offset, nt (standard deviation of its
        attention); None, or a head behind the list: at that base alone. So a wide head reads
        composition.
    gain
        Scale of queries and keys: how sharply a head starts.
    """
    config = model.config
    heads, frequency = config.num_attention_heads, _frequencies(config.hidden_size // 2)
    offsets = head_offsets(config.num_hidden_layers * heads) if offsets is None else offsets
    size = config.hidden_size // heads
    norm = model.bert.embeddings.LayerNorm
    for number, (offset, width) in enumerate(zip_longest(offsets, widths or [])):
        if offset is None:
            continue
        layer, head = divmod(number, heads)
        attention = model.bert.encoder.layer[layer].attention.self
        rows = slice(head * size, (head + 1) * size)
        pairs = _sharp(frequency, size) if width is None else _wide(frequency, size, width, gain)
        used = np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel()
        _revive(norm, attention.value, used)
        query, key = _rotation(frequency, pairs, offset, (size, config.hidden_size))
        for part, weight in ((attention.query, query), (attention.key, key)):
            part.weight[rows] = 0
            part.weight[rows, used] = torch.from_numpy(gain * weight[:, used]) / norm.weight[used]
            part.bias[rows] = -part.weight[rows] @ norm.bias


def _revive(norm: torch.nn.LayerNorm, value: torch.nn.Linear, used: np.ndarray) -> None:
    """Give sinusoids back a scale in the normed embeddings, where training has let it vanish.

    A scale that no head needed falls to nothing, and without a scale none gets a gradient. The new
    one is small, and values leave it out, so that the model goes on much as before.
    """
    gone = used[norm.weight[used].abs().numpy() < LEAST]
    norm.weight[gone], norm.bias[gone] = LEAST, 0
    value.weight[:, gone] = 0


@torch.no_grad()
def prepare_for_offset_heads(model: BertForMaskedLM) -> None:
    """Give first weights that offset heads need: changed in place.

    Half of the hidden values start as sinusoids of the position, the words take the other half.
    """
    _start_embeddings(model.bert.embeddings, model.config.hidden_size // 2)
    for layer in model.bert.encoder.layer:  # 0.02 is too small for so narrow a model
        for part in (layer.attention.self.value, layer.attention.output.dense):
            torch.nn.init.xavier_uniform_(part.weight)
        for part in (layer.intermediate.dense, layer.output.dense):
            torch.nn.init.xavier_uniform_(part.weight)


def _frequencies(half: int) -> np.ndarray:
    """Of the sinusoids in `half` of the hidden values, radians a base: float64 (half // 2,)."""
    return math.pi / 1.3 ** np.arange(half // 2)


def _waves(rows: int, half: int) -> torch.Tensor:
    """Position table of offset heads, sine and cosine in turn: float32 (rows, half)."""
    angle = np.arange(rows)[:, None] * _frequencies(half)
    wave = np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(rows, -1)
    return torch.from_numpy(0.05 * wave).float()


def require_sinusoids(model: BertForMaskedLM, source: str) -> None:
    """Raise ModelError unless a model has kept the position table of offset heads."""
    table = model.bert.embeddings.position_embeddings.weight.detach()
    wanted = _waves(len(table), model.config.hidden_size // 2)
    if not torch.allclose(table[:, : wanted.shape[1]], wanted, atol=1e-4):
        raise ModelError(
            f"{source}: its position table is not that of a run with start.offset_heads and "
            "start.freeze_positions, so heads can't start at an offset in it; leave out "
            "start.offset_heads to go on from these weights as they are"
        )


def _start_embeddings(table: torch.nn.Module, half: int) -> None:
    """Positions as sinusoids in one half of the hidden values, words in the other."""
    positions = table.position_embeddings.weight
    waves = _waves(len(positions), half)
    half = waves.shape[1]
    positions.zero_()[:, :half] = waves
    table.word_embeddings.weight[:, :half] = 0
    table.word_embeddings.weight[:, half:] *= 2.5
    table.token_type_embeddings.weight.zero_()


def _sharp(frequency: np.ndarray, size: int) -> np.ndarray:
    """Choose the sinusoids of a head of `size` values that sees one base: int64 (pairs,)."""
    # Steps of 11 to 140 degrees a base: together they tell one offset from all others nearby.
    highest = min(len(frequency) - 1, 10)
    return np.unique(np.linspace(1, highest, size // 2).round().astype(int))


def _wide(frequency: np.ndarray, size: int, width: float, gain: float) -> np.ndarray:
    """Choose neighbouring sinusoids, by which attention falls off like a normal curve of `width`.

    At d bases from the offset a head's score is the sum of gain**2 A**2 cos(f d) / sqrt(size) over
    its sinusoids, A being their amplitude in the normed embeddings. For small d this is a constant
    less d**2 / (2 sigma**2).
    """
    curvature = gain**2 * AMPLITUDE**2 / math.sqrt(size) * frequency**2
    first = np.arange(len(frequency))
    last = np.minimum(first + size // 2, len(frequency))
    sums = np.concatenate([[0], np.cumsum(curvature)])
    sigma = 1 / np.sqrt(sums[last] - sums[first])
    best = int(np.abs(np.log(sigma / width)).argmin())
    return np.arange(best, last[best])


def _rotation(
    frequency: np.ndarray, pairs: np.ndarray, offset: int, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Query and key weights, float32 (size of a head, hidden), of a head looking `offset` away."""
    query, key = np.zeros((2, *shape), np.float32)
    for i, pair in enumerate(pairs):
        cos, sin = math.cos(frequency[pair] * offset), math.sin(frequency[pair] * offset)
        columns = [2 * pair, 2 * pair + 1]
        key[2 * i : 2 * i + 2, columns] = np.eye(2)
        query[2 * i : 2 * i + 2, columns] = [[cos, sin], [-sin, cos]]
    return query, key


class MaskedLoss(torch.nn.Module):
    """Sum of the cross-entropies of the masked tokens, in nats.

    A module of its own, so that the hooks of DistributedDataParallel see its forward.
    """

    def __init__(self, model: BertForMaskedLM) -> None:
        super().__init__()
        self.model = model

    def forward(self, packed: Packed, rows: Rows, labels: torch.Tensor) -> torch.Tensor:
        """Return the sum: float32 ()."""
        if not len(labels):  # every process needs a gradient of every parameter
            return sum((p.sum() * 0 for p in self.parameters() if p.requires_grad), 0.0)
        return functional.cross_entropy(self.logits(packed, rows), labels, reduction="sum")

    def logits(self, packed: Packed, rows: Rows) -> torch.Tensor:
        """Logits of the masked tokens: float32 (predicted, vocabulary)."""
        last = self.model.config.num_hidden_layers
        states = self.model.bert.encode_packed(packed, [last], rows)[last]
        return self.model.cls(states).float()
