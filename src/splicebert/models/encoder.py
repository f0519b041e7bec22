"""The BERT encoder on packed sequences, computing only what is asked for.

Against `transformers`' BertModel, whose weights it takes and whose numbers it gives: query, key
and value in one product; the token-type embedding added to the word embeddings once; no padding;
the last layer that is wanted only on the rows that are wanted. The residual stream and layer
norms are float32 whatever the dtype of the products.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import torch
from torch.nn import functional

from ..errors import ModelError
from .attention import Backend, attend, attention_map_rows
from .linear import Dense, Int8, Linear, OneDNN, onednn_works
from .packing import Packed, Rows

# Above this share of the tokens, computing all of them is as fast as picking some.
FEW_ROWS = 0.75
MakeLinear = Callable[[torch.Tensor, torch.Tensor], Linear]


class Norm(NamedTuple):
    """Layer norm over the last axis: weight, bias : float32 (hidden,)."""

    weight: torch.Tensor
    bias: torch.Tensor
    eps: float

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise in float32."""
        return functional.layer_norm(x.float(), self.weight.shape, self.weight, self.bias, self.eps)


class Layer(NamedTuple):
    """One encoder layer. The separate query, key and key_value serve rows of the last layer."""

    query_key_value: Linear
    query: Linear
    key: Linear
    key_value: Linear
    output: Linear
    attention_norm: Norm
    up: Linear
    down: Linear
    norm: Norm


class Head(NamedTuple):
    """The masked-language-model head."""

    dense: Linear
    norm: Norm
    decoder: Linear


class Weights(NamedTuple):
    """Everything that the encoder needs.

    words : float32 (vocabulary, hidden), token type 0 added in; positions : float32 (positions,
    hidden); `gelu` : whether the activation is the exact GELU; activation : otherwise
    """

    words: torch.Tensor
    positions: torch.Tensor
    norm: Norm
    layers: tuple[Layer, ...]
    head: Head | None
    heads: int
    gelu: bool
    activation: Callable[[torch.Tensor], torch.Tensor]


class Dropout(NamedTuple):
    """Probabilities of training; none in inference."""

    hidden: float = 0.0
    attention: float = 0.0


NO_DROPOUT = Dropout()


def linear_maker(device: torch.device, dtype: str, *, compiled: bool = False) -> MakeLinear:
    """Return what makes the linear layers of a device and dtype, for inference.

    torch.compile takes no weights that oneDNN has laid out: `compiled` leaves them as they are.

    Raises
    ------
    ModelError
        int8 on another device than the CPU.
    """
    if dtype == "int8":
        if device.type != "cpu":
            raise ModelError(f"dtype int8 runs on the CPU only, not on {device}")
        return Int8
    if dtype == "float32" and device.type == "cpu" and not compiled and onednn_works():
        return OneDNN
    kind = getattr(torch, dtype)

    def fixed(tensor: torch.Tensor) -> torch.Tensor:
        # torch.compile takes the sizes of parameters, and of nothing else, for constants.
        return torch.nn.Parameter(tensor.detach().to(kind), requires_grad=False)

    return lambda weight, bias: Dense(fixed(weight), fixed(bias))


def _norm(module: torch.nn.LayerNorm) -> Norm:
    return Norm(module.weight, module.bias, module.eps)


def _layer(module: torch.nn.Module, make: MakeLinear) -> Layer:
    self_attention = module.attention.self
    parts = [self_attention.query, self_attention.key, self_attention.value]

    def fused(*which: int) -> Linear:
        return make(
            torch.cat([parts[i].weight for i in which]), torch.cat([parts[i].bias for i in which])
        )

    return Layer(
        fused(0, 1, 2),
        *(fused(0), fused(1), fused(1, 2)),
        make(module.attention.output.dense.weight, module.attention.output.dense.bias),
        _norm(module.attention.output.LayerNorm),
        make(module.intermediate.dense.weight, module.intermediate.dense.bias),
        make(module.output.dense.weight, module.output.dense.bias),
        _norm(module.output.LayerNorm),
    )


def fuse(
    bert: torch.nn.Module,
    head: torch.nn.Module | None = None,
    *,
    make: MakeLinear = Dense,
) -> Weights:
    """Take the weights of a transformers BertModel.

    Parameters
    ----------
    bert
        BertModel, encoder only.
    head
        The `cls` of a BertForMaskedLM, or None.
    make
        Makes a linear layer of weight and bias; with `Dense`, gradients flow to the modules.
    """
    config, table = bert.config, bert.embeddings
    activation = activation_of(config.hidden_act)
    return Weights(
        _words(table),
        table.position_embeddings.weight,
        _norm(table.LayerNorm),
        tuple(_layer(module, make) for module in bert.encoder.layer),
        None if head is None else _head(head.predictions, make),
        config.num_attention_heads,
        config.hidden_act == "gelu",
        activation,
    )


def activation_of(name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Activation function by transformers' name; KeyError for an unknown one."""
    if name == "gelu":
        return functional.gelu
    from transformers.activations import ACT2FN

    return ACT2FN[name]


def _words(table: torch.nn.Module) -> torch.Tensor:
    """Word embeddings with token type 0 added; no gradient to [PAD]'s own row, as in BERT."""
    words, padding = table.word_embeddings.weight, table.word_embeddings.padding_idx
    if padding is not None and words.requires_grad and torch.is_grad_enabled():
        keep = torch.ones(len(words), 1, device=words.device)
        keep[padding] = 0
        words = words * keep + words.detach() * (1 - keep)
    return words + table.token_type_embeddings.weight[0]


def _head(predictions: torch.nn.Module, make: MakeLinear) -> Head:
    transform, decoder = predictions.transform, predictions.decoder
    return Head(
        make(transform.dense.weight, transform.dense.bias),
        _norm(transform.LayerNorm),
        Dense(decoder.weight, decoder.bias),  # ten columns: float32 costs nothing
    )


def _act(weights: Weights, layer: Linear, x: torch.Tensor) -> torch.Tensor:
    return layer.gelu(x) if weights.gelu else weights.activation(layer(x))


def embed(weights: Weights, packed: Packed, dropout: Dropout = NO_DROPOUT) -> torch.Tensor:
    """Embedding output (layer 0): float32 (tokens, hidden)."""
    x = functional.embedding(packed.ids, weights.words)
    x = weights.norm(x + functional.embedding(packed.positions, weights.positions))
    return functional.dropout(x, dropout.hidden) if dropout.hidden else x


def _split(x: torch.Tensor, parts: int, heads: int) -> tuple[torch.Tensor, ...]:
    """(rows, parts * hidden) as `parts` views (rows, heads, d)."""
    return x.unflatten(1, (parts, heads, -1)).unbind(1)


def feed_forward(
    weights: Weights,
    layer: Layer,
    x: torch.Tensor,
    context: torch.Tensor,
    dropout: Dropout = NO_DROPOUT,
) -> torch.Tensor:
    """What a layer does after attention, row by row.

    Parameters
    ----------
    weights, layer
        Which activation; the layer.
    x
        float32 (rows, hidden), the layer's input (residual stream).
    context
        (rows, hidden), what attention gave.
    dropout
        In training.

    Returns
    -------
    float32 (rows, hidden)
    """
    y = layer.output(context)
    x = layer.attention_norm(x + (functional.dropout(y, dropout.hidden) if dropout.hidden else y))
    y = layer.down(_act(weights, layer.up, x))
    return layer.norm(x + (functional.dropout(y, dropout.hidden) if dropout.hidden else y))


def encode(
    weights: Weights,
    packed: Packed,
    backend: Backend,
    *,
    layers: Collection[int],
    rows: Rows | None = None,
    dropout: Dropout = NO_DROPOUT,
    finish: Callable[..., torch.Tensor] = feed_forward,
) -> dict[int, torch.Tensor]:
    """Run the encoder as far as is needed.

    Parameters
    ----------
    weights
        From `fuse`.
    packed
        Tokens.
    backend
        Attention back end.
    layers
        Layers whose states are wanted, 0 = embedding output.
    rows
        Tokens whose states are wanted; None: all.
    dropout
        In training.
    finish
        `feed_forward` or its compiled form.

    Returns
    -------
    layer -> float32 (tokens or rows, hidden)
    """
    states = {}
    x = embed(weights, packed, dropout)
    few = rows is not None and len(rows.index) < FEW_ROWS * len(packed.ids)
    if 0 in layers:
        states[0] = _pick(x, rows)
    for number, layer in enumerate(weights.layers[: max(layers)], 1):
        if few and number == max(layers):
            states[number] = _last_layer(weights, layer, x, packed, rows, backend, finish, dropout)
            break
        qkv = _split(layer.query_key_value(x), 3, weights.heads)
        context = attend(*qkv, packed, backend, dropout=dropout.attention)
        x = finish(weights, layer, x, context, dropout)
        if number in layers:
            states[number] = _pick(x, rows)
    return states


def _pick(x: torch.Tensor, rows: Rows | None) -> torch.Tensor:
    return x if rows is None else x[rows.index]


def _last_layer(
    weights: Weights,
    layer: Layer,
    x: torch.Tensor,
    packed: Packed,
    rows: Rows,
    backend: Backend,
    finish: Callable[..., torch.Tensor],
    dropout: Dropout,
) -> torch.Tensor:
    """A layer on the rows that are read: keys and values of all tokens, the rest of those rows."""
    wanted = x[rows.index]
    (q,) = _split(layer.query(wanted), 1, weights.heads)
    k, v = _split(layer.key_value(x), 2, weights.heads)
    context = attend(q, k, v, packed, backend, rows=rows, dropout=dropout.attention)
    return finish(weights, layer, wanted, context, dropout)


def mlm_logits(weights: Weights, states: torch.Tensor) -> torch.Tensor:
    """Logits of the tokens: float32 (rows, vocabulary), from last hidden states (rows, hidden)."""
    head = weights.head
    transformed = head.norm(_act(weights, head.dense, states))
    return head.decoder(transformed)


def attention_rows(
    weights: Weights,
    packed: Packed,
    rows: Rows,
    backend: Backend,
    *,
    maximum: bool = False,
    finish: Callable[..., torch.Tensor] = feed_forward,
) -> torch.Tensor:
    """Rows of the attention maps of every layer, from the layer's own queries and keys.

    Parameters
    ----------
    weights, packed, backend, finish
        As in `encode`; the back end carries the states from layer to layer.
    rows
        Query tokens, as many of every sequence.
    maximum
        Maximum over the heads instead of all heads.

    Returns
    -------
    float32 (sequences, layers, heads, rows, longest), without `heads` where `maximum`; columns of
    special tokens are left out, those behind a shorter sequence's end are 0.
    """
    shape = [len(packed.lengths), len(weights.layers), weights.heads, int(rows.counts[0])]
    shape += [int(packed.lengths.max()) - 2]
    if maximum:
        del shape[2]
    out = torch.zeros(shape, device=packed.ids.device)
    x = embed(weights, packed)
    last = len(weights.layers) - 1
    for number, layer in enumerate(weights.layers):
        if number == last:
            (q,) = _split(layer.query(x[rows.index]), 1, weights.heads)
            (k,) = _split(layer.key(x), 1, weights.heads)
        else:
            all_q, k, v = _split(layer.query_key_value(x), 3, weights.heads)
            q = all_q[rows.index]
        for group, found in zip(packed.groups, attention_map_rows(q, k, packed, rows), strict=True):
            here = slice(group.sequence, group.sequence + group.count)
            out[here, number, ..., : found.shape[-1]] = found.amax(1) if maximum else found
        if number < last:
            x = finish(weights, layer, x, attend(all_q, k, v, packed, backend), NO_DROPOUT)
    return out
