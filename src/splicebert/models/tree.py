"""The parameters of a BERT for masked-language modelling, by the names of its checkpoints.

Inference needs the tensors alone: what `encoder.fuse` makes of them does the work. Without
transformers' own module, whose import takes longer than many a job computes, a process starts in
half the time; the names, shapes and ties are those of its BertForMaskedLM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import BertConfig


class Tree(nn.Module):
    """A module that holds others by name and computes nothing."""

    def __init__(self, /, **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


class BertParameters(nn.Module):
    """Parameters of BertForMaskedLM; their values are whatever memory held.

    Parameters
    ----------
    config
        Sizes, the name of the activation, eps of the layer norms.

    Raises
    ------
    ValueError
        hidden_size is no multiple of num_attention_heads.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        if config.hidden_size % config.num_attention_heads:
            raise ValueError(
                f"hidden_size {config.hidden_size} is not a multiple of num_attention_heads "
                f"{config.num_attention_heads}"
            )
        self.config = config
        self.bert = Tree(
            embeddings=_embeddings(config),
            encoder=Tree(
                layer=nn.ModuleList(_layer(config) for _ in range(config.num_hidden_layers))
            ),
        )
        self.bert.config = config
        self.cls = Tree(predictions=_head(config))

    def tie_weights(self) -> None:
        """Share the word embeddings with the decoder, and its bias with the head's."""
        decoder = self.cls.predictions.decoder
        decoder.weight = self.bert.embeddings.word_embeddings.weight
        decoder.bias = self.cls.predictions.bias


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def _norm(config: BertConfig) -> nn.LayerNorm:
    return nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)


def _table(rows: int, config: BertConfig, padding: int | None = None) -> nn.Embedding:
    return nn.Embedding(
        rows, config.hidden_size, padding, _weight=torch.empty(rows, config.hidden_size)
    )


def _embeddings(config: BertConfig) -> Tree:
    return Tree(
        word_embeddings=_table(config.vocab_size, config, config.pad_token_id),
        position_embeddings=_table(config.max_position_embeddings, config),
        token_type_embeddings=_table(config.type_vocab_size, config),
        LayerNorm=_norm(config),
    )


def _layer(config: BertConfig) -> Tree:
    hidden, inner = config.hidden_size, config.intermediate_size
    products = {name: _linear(hidden, hidden) for name in ("query", "key", "value")}
    return Tree(
        attention=Tree(
            self=Tree(**products),
            output=Tree(dense=_linear(hidden, hidden), LayerNorm=_norm(config)),
        ),
        intermediate=Tree(dense=_linear(hidden, inner)),
        output=Tree(dense=_linear(inner, hidden), LayerNorm=_norm(config)),
    )


def _head(config: BertConfig) -> Tree:
    hidden = config.hidden_size
    return Tree(
        bias=nn.Parameter(torch.empty(config.vocab_size)),
        transform=Tree(dense=_linear(hidden, hidden), LayerNorm=_norm(config)),
        decoder=_linear(hidden, config.vocab_size),
    )
