"""Weights that were trained with fewer attention heads, in a model of more."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from ..models.modules import BertForMaskedLM


@torch.no_grad()
def recast_heads(model: BertForMaskedLM, before: int) -> None:
    """Make room for further heads in weights that were trained with fewer: changed in place.

    A hidden size has as many values a head as there are heads to share them. Each head becomes the
    nearest one with fewer values (largest singular values of its scores and of what it passes on,
    for normed inputs of equal variance); the further heads look anywhere and pass nothing on yet.

    Parameters
    ----------
    model
        Of the new number of heads, with the weights as they were trained.
    before
        Heads of the weights, fewer than the model's.
    """
    config, layers = model.config, model.bert.encoder.layer
    old, new = config.hidden_size // before, config.hidden_size // config.num_attention_heads
    norms = [model.bert.embeddings.LayerNorm, *(layer.output.LayerNorm for layer in layers)]
    for layer, norm in zip(layers, norms[:-1], strict=True):
        attention = layer.attention.self
        names = ("query", "key", "value")
        was = {name: _by_head(getattr(attention, name), before, norm) for name in names}
        out = layer.attention.output.dense
        passed = out.weight.double().split(old, dim=1)
        for part in (getattr(attention, name) for name in names):
            torch.nn.init.normal_(part.weight, std=config.initializer_range)
            part.bias.zero_()
        torch.nn.init.xavier_uniform_(attention.value.weight)
        out.weight.zero_()
        for head in range(before):
            rows = slice(head * new, (head + 1) * new)
            query, key, value = (was[name][head] for name in names)
            score = query.seen.T @ key.seen[:, :-1] * math.sqrt(new / old)
            left, size, right = _largest(score, new)
            query.put(attention.query, rows, (left * size.sqrt()).T)
            key.put(attention.key, rows, right * size.sqrt()[:, None], constant=False)
            left, size, right = _largest(passed[head] @ value.seen[:, :-1], new)
            kept = value.put(attention.value, rows, right)
            out.weight[:, rows] = (left * size).float()
            lost = passed[head] @ value.seen[:, -1] - (left * size) @ kept
            out.bias += lost.float()


class _Head(NamedTuple):
    """Rows of one head: weight and bias (values, hidden + 1) as they are and for normed inputs."""

    weight: torch.Tensor
    seen: torch.Tensor

    def put(
        self, part: torch.nn.Linear, rows: slice, wanted: torch.Tensor, *, constant: bool = True
    ) -> torch.Tensor:
        """Write the combination of this head's rows that is `wanted`; return its constants."""
        seen = self.seen if wanted.shape[1] == self.seen.shape[1] else self.seen[:, :-1]
        combined = wanted @ torch.linalg.pinv(seen)
        weight = combined @ self.weight
        part.weight[rows] = weight[:, :-1].float()
        part.bias[rows] = weight[:, -1].float() if constant else 0
        return combined @ self.seen[:, -1]


def _by_head(part: torch.nn.Linear, heads: int, norm: torch.nn.LayerNorm) -> list[_Head]:
    """Rows of each head in float64; the norm's scale and shift are put into those that it sees."""
    weight, bias = part.weight.double(), part.bias.double()
    as_it_is = torch.cat([weight, bias[:, None]], dim=1)
    constant = bias + weight @ norm.bias.double()
    seen = torch.cat([weight * norm.weight.double(), constant[:, None]], dim=1)
    return [_Head(*rows) for rows in zip(as_it_is.chunk(heads), seen.chunk(heads), strict=True)]


def _largest(matrix: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The largest `count` singular values of a matrix, and their vectors."""
    left, size, right = torch.linalg.svd(matrix, full_matrices=False)
    return left[:, :count], size[:count], right[:count]
