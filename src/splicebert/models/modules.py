"""SpliceBERT as transformers models whose encoder is the lean one.

The classes have the names, parameters, inputs and outputs of transformers' own, so that Trainer,
save_pretrained and from_pretrained work, and either side reads what the other has written. Padded
batches are packed inside: padding costs nothing, and hidden states at padding are 0.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import torch
import transformers
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

from .attention import Backend, best_backend
from .compiling import compile_once
from .encoder import Dense, Dropout, Weights, encode, feed_forward, fuse, linear_maker
from .packing import Packed, Rows, pack_tensor, to_device

# Arguments that the lean encoder does not know; others, such as Trainer's, don't concern it.
FOREIGN = ("inputs_embeds", "encoder_hidden_states", "encoder_attention_mask", "past_key_values")


class Engine(NamedTuple):
    """How an encoder runs: attention back end; dtype of the products in inference; compiled."""

    attention: str = "auto"
    dtype: str = "auto"
    compiled: bool = False


class BertModel(transformers.BertModel):
    """transformers' BertModel on packed sequences.

    Without gradients the products run in the dtype of `engine`; with gradients in that of the
    parameters, or of autocast. Whatever the lean encoder does not do (attention maps, embeddings
    or positions handed in, left padding, gradient checkpointing, parameters that are not float32)
    transformers' own code does.

    Attributes
    ----------
    engine : Engine
    """

    def __init__(self, config: transformers.BertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config, add_pooling_layer=add_pooling_layer)
        self.engine = Engine()
        self._fused: tuple[tuple, Weights] | None = None
        self._compiled = None

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        **others,
    ) -> BaseModelOutputWithPoolingAndCrossAttentions | tuple:
        """Run the encoder; arguments and results as of transformers' BertModel.

        Parameters
        ----------
        input_ids
            int64 (batch, tokens), with [CLS] and [SEP].
        attention_mask
            (batch, tokens), 1 for tokens, 0 for padding behind them.
        token_type_ids, position_ids
            Anything but zeros, and 0, 1, 2, …, goes to transformers' own code.
        output_attentions
            Attention maps: transformers' own code, back end eager.
        output_hidden_states
            Also the embedding output and every layer's states.
        return_dict
            False: a tuple.
        others
            For transformers' own code.
        """
        config = self.config
        maps = config.output_attentions if output_attentions is None else output_attentions
        lengths = None
        if not maps and position_ids is None and input_ids is not None and self._plain(others):
            lengths = _lengths(input_ids, attention_mask, token_type_ids)
        if lengths is None:
            return self._by_transformers(
                maps,
                input_ids=input_ids,
                attention_mask=attention_mask,
                token_type_ids=token_type_ids,
                position_ids=position_ids,
                output_hidden_states=output_hidden_states,
                return_dict=return_dict,
                **others,
            )
        every = output_hidden_states
        every = config.output_hidden_states if every is None else every
        states = self._run(input_ids, lengths, every=bool(every))
        last = states[-1]
        out = BaseModelOutputWithPoolingAndCrossAttentions(
            last_hidden_state=last,
            pooler_output=None if self.pooler is None else self.pooler(last),
            hidden_states=tuple(states) if every else None,
        )
        return_dict = config.return_dict if return_dict is None else return_dict
        return out if return_dict else out.to_tuple()

    def _plain(self, others: dict) -> bool:
        layer = self.encoder.layer[0]
        checkpointing = self.training and getattr(layer, "gradient_checkpointing", False)
        if self.config.is_decoder or checkpointing:
            return False
        return self.dtype == torch.float32 and all(others.get(name) is None for name in FOREIGN)

    def _by_transformers(self, maps: bool, **arguments):
        before = self.config._attn_implementation
        if maps and before != "eager":  # the other back ends give no maps
            self.set_attn_implementation("eager")
        try:
            return super().forward(output_attentions=maps, **arguments)
        finally:
            if self.config._attn_implementation != before:
                self.set_attn_implementation(before)

    def _run(self, input_ids: torch.Tensor, lengths: np.ndarray, *, every: bool) -> list:
        last = self.config.num_hidden_layers
        wanted = range(last + 1) if every else [last]
        packed, index = _pack_padded(input_ids, lengths)
        states = self.encode_packed(packed, wanted)
        return [_unpack(states[layer], index, input_ids.shape) for layer in wanted]

    def encode_packed(
        self, packed: Packed, layers: Collection[int], rows: Rows | None = None
    ) -> dict[int, torch.Tensor]:
        """Hidden states of packed tokens, as `encoder.encode` gives them.

        Parameters
        ----------
        packed
            Tokens.
        layers
            0 = embedding output.
        rows
            Tokens whose states are wanted; None: all.
        """
        dtype = self._dtype()
        return encode(
            self._weights(dtype),
            packed,
            self._backend(dtype),
            layers=layers,
            rows=rows,
            dropout=self._dropout(),
            finish=self._finish(),
        )

    def _backend(self, dtype: torch.dtype) -> Backend:
        name = "float32" if self.engine.dtype == "int8" else str(dtype).removeprefix("torch.")
        return best_backend(self.engine.attention, self.device, name)

    def _dtype(self) -> torch.dtype:
        """Dtype of the products."""
        device = self.device.type
        if torch.is_grad_enabled() or self.training or torch.is_autocast_enabled(device):
            autocast = torch.is_autocast_enabled(device)
            return torch.get_autocast_dtype(device) if autocast else self.dtype
        asked = self.engine.dtype
        if asked == "auto":
            return torch.float16 if device == "cuda" else torch.float32
        return torch.float32 if asked == "int8" else getattr(torch, asked)

    def _dropout(self) -> Dropout:
        if not self.training:
            return Dropout()
        return Dropout(self.config.hidden_dropout_prob, self.config.attention_probs_dropout_prob)

    def _finish(self):
        if not self.engine.compiled:
            return feed_forward
        if self._compiled is None:
            self._compiled = compile_once(feed_forward)
        return self._compiled

    def _weights(self, dtype: torch.dtype) -> Weights:
        """Fused weights: anew for each step of training, kept while no parameter changes."""
        if torch.is_grad_enabled() or self.training or torch.is_autocast_enabled(self.device.type):
            self._fused = None  # a step may follow, which a fused optimiser does not let see
            return fuse(self, make=Dense)
        kind = "int8" if self.engine.dtype == "int8" else str(dtype).removeprefix("torch.")
        state = (kind, self.device, *map(_identity, self.parameters()))
        if self._fused is None or self._fused[0] != state:
            make = linear_maker(self.device, kind, compiled=self.engine.compiled)
            self._fused = (state, fuse(self, make=make))
        return self._fused[1]

    def train(self, mode: bool = True) -> BertModel:
        """Switch training on or off; fused weights are made anew.

        They notice every change of a parameter but one through its `.data`: after such a change
        call `eval()`.
        """
        self._fused = None
        return super().train(mode)

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_fused": None, "_compiled": None}


def _identity(parameter: torch.Tensor) -> tuple[int, int]:
    """Changes when a parameter is replaced or changed in place."""
    version = 0 if parameter.is_inference() else parameter._version
    return parameter.data_ptr(), version


def _lengths(
    input_ids: torch.Tensor, mask: torch.Tensor | None, token_types: torch.Tensor | None
) -> np.ndarray | None:
    """Tokens of each sequence; None where the input is not plain, padded on the right."""
    if token_types is not None and bool(token_types.any()):
        return None
    batch, tokens = input_ids.shape
    if mask is None:
        return np.full(batch, tokens, np.int64)
    if mask.ndim != 2:
        return None
    real = mask.cpu().numpy().astype(bool)  # waits for the GPU once
    lengths = real.sum(1)
    plain = lengths.all() and np.array_equal(real, np.arange(tokens) < lengths[:, None])
    return lengths if plain else None


def _pack_padded(
    input_ids: torch.Tensor, lengths: np.ndarray
) -> tuple[Packed, torch.Tensor | None]:
    """Pack a padded batch; also where each token was, None where there is no padding."""
    tokens = input_ids.shape[1]
    real = np.arange(tokens) < lengths[:, None]
    index = None if real.all() else to_device(np.flatnonzero(real), input_ids.device)
    flat = input_ids.reshape(-1)
    return pack_tensor(flat if index is None else flat[index], lengths), index


def _unpack(states: torch.Tensor, index: torch.Tensor | None, shape: torch.Size) -> torch.Tensor:
    """(tokens, hidden) as (batch, tokens, hidden), 0 at padding."""
    if index is None:
        return states.view(*shape, -1)
    padded = states.new_zeros(shape.numel(), states.shape[-1])
    return padded.index_copy(0, index, states).view(*shape, -1)


class BertForMaskedLM(transformers.BertForMaskedLM):
    """transformers' class of this name on the lean encoder."""

    def __init__(self, config: transformers.BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.post_init()


class BertForTokenClassification(transformers.BertForTokenClassification):
    """transformers' class of this name on the lean encoder."""

    def __init__(self, config: transformers.BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.post_init()


class BertForSequenceClassification(transformers.BertForSequenceClassification):
    """transformers' class of this name on the lean encoder."""

    def __init__(self, config: transformers.BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config)
        self.post_init()


__all__ = [
    "BertForMaskedLM",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
    "Engine",
]
