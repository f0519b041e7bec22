"""What the families of BERTs share: a model folder, run by the lean encoder."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import transformers
from transformers import BertConfig

from ..errors import ModelError
from ..sequence import VOCABULARY
from .attention import best_backend, choose_backend, products_dtype
from .base import ModelAdapter
from .checkpoint import (
    check_identity,
    load_exactly,
    read_config,
    read_state_dict,
    weights_file,
)
from .compiling import compile_once
from .encoder import (
    activation_of,
    attention_rows,
    encode,
    feed_forward,
    fuse,
    linear_maker,
    mlm_logits,
)
from .packing import Packed, Rows, all_rows, joined_masks, some_rows
from .tokens import Tokeniser
from .tree import BertParameters

log = logging.getLogger(__name__)
DTYPES = ("float32", "float16", "bfloat16", "int8")
HEADS = {"token": "BertForTokenClassification", "sequence": "BertForSequenceClassification"}


class BertAdapter(ModelAdapter, ABC):
    """A BERT for masked-language modelling with a token a nucleotide.

    A family says what its tokens are (`read_tokeniser`).

    Parameters
    ----------
    folder
        config.json, vocab.txt and one weights file.
    name
        Name in the model table.
    min_length, max_length
        nt; None takes 1 and the number of positions less [CLS] and [SEP].
    sha256
        Known checksums, file name -> sha256.
    device, dtype
        Where and in which precision it runs: float32, float16, bfloat16 or int8. Only the matrix
        products are in that precision; residual stream, softmax, layer norms and results are
        float32.
    attention
        Attention back end: auto, eager, sdpa or flash.
    compiled
        Whether torch.compile fuses what follows attention in each layer.

    Attributes
    ----------
    tokeniser : Tokeniser
        From nucleotides to the family's tokens.
    may_ignore : tuple[str, ...]
        First letters of tensors of a checkpoint that are of no use here.
    """

    vocab = VOCABULARY
    may_ignore: tuple[str, ...] = ()

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        sha256: Mapping[str, str] | None = None,
        device: str | torch.device = "cpu",
        dtype: str = "float32",
        attention: str = "auto",
        compiled: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.name = name or self.folder.name
        self.tokeniser = self.read_tokeniser(folder)
        config = read_config(folder)
        self._check_config(config)
        self.checksums = check_identity(folder, sha256 or {})
        try:
            activation_of(config.hidden_act)
            self._model = BertParameters(config)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"{folder}: config.json gives no BERT ({error})") from error
        # The decoder shares the word embeddings: safetensors written by transformers leave it out.
        state = read_state_dict(weights_file(folder))
        load_exactly(
            self._model,
            state,
            folder,
            may_miss=("cls.predictions.decoder.",),
            may_ignore=self.may_ignore,
        )
        self._model.tie_weights()
        self.device = torch.device(device)
        self.attention = attention
        self._finish = compile_once(feed_forward) if compiled else feed_forward
        self._place()
        if dtype in DTYPES:  # refuses a back end that this dtype can't have
            self.backend = choose_backend(attention, self.device, products_dtype(dtype))
            self.dtype = dtype
        self.set_dtype(dtype)
        self._set_lengths(min_length, max_length)

    @abstractmethod
    def read_tokeniser(self, folder: str | Path) -> Tokeniser:
        """Read vocab.txt; ModelError where it is missing or not of this family."""

    def _check_config(self, config: BertConfig) -> None:
        """Raise ModelError where config.json does not suit the vocabulary."""

    def _place(self) -> None:
        self._model.eval().requires_grad_(False).to(self.device)
        self.n_layers = self._model.config.num_hidden_layers + 1
        self.hidden_size = self._model.config.hidden_size

    def _set_lengths(self, min_length: int | None, max_length: int | None) -> None:
        room = self._model.config.max_position_embeddings - 2
        if max_length is not None and max_length > room:
            raise ModelError(
                f"model {self.name!r}: max_length {max_length} nt; its position table has room "
                f"for {room}"
            )
        self.min_length = min_length or 1
        self.max_length = max_length or room

    def set_dtype(self, dtype: str) -> None:
        """Change the precision: float32, float16, bfloat16 or int8 (products only)."""
        if dtype not in DTYPES:
            raise ModelError(f"dtype {dtype!r}; expected one of {', '.join(DTYPES)}")
        backend = best_backend(self.attention, self.device, dtype)
        make = linear_maker(self.device, dtype, compiled=self._finish is not feed_forward)
        self._weights = fuse(self._model.bert, self._model.cls, make=make)
        if dtype != self.dtype or backend != self.backend:
            log.info("model %s: dtype %s, attention %s", self.name, dtype, backend)
        self.backend, self.dtype = backend, dtype

    def describe(self) -> str:
        """One line for the log."""
        return (
            f"model {self.name} ({self.n_layers - 1} layers, hidden {self.hidden_size}), device "
            f"{self.device}, dtype {self.dtype}, attention {self.backend}, "
            f"{'compiled, ' if self._finish is not feed_forward else ''}"
            f"torch {torch.__version__}, transformers {transformers.__version__}"
        )

    def _pack(
        self, sequences: Sequence[str], masks: Sequence[np.ndarray | None] | None = None
    ) -> Packed:
        self.check(sequences)
        masks = joined_masks(masks, sequences)
        return self.tokeniser.pack(sequences, masks, device=self.device)

    def _rows(self, packed: Packed, offsets: Sequence[np.ndarray | None] | None) -> Rows:
        return all_rows(packed) if offsets is None else some_rows(packed, offsets)

    def _check_offsets(self, sequences: Sequence[str], offsets: np.ndarray) -> None:
        if offsets.ndim != 2 or len(offsets) != len(sequences):
            raise ModelError(
                f"model {self.name!r}: offsets of shape {offsets.shape}; expected "
                f"({len(sequences)}, rows)"
            )

    @torch.inference_mode()
    def logits_packed(
        self,
        sequences: Sequence[str],
        masks: Sequence[np.ndarray | None] | None = None,
        offsets: Sequence[np.ndarray | None] | None = None,
    ) -> torch.Tensor:
        """MLM logits, order VOCABULARY: float32 (rows, 10); see the base class."""
        packed = self._pack(sequences, masks)
        last = self.n_layers - 1
        states = self._encode(packed, [last], self._rows(packed, offsets))
        return mlm_logits(self._weights, states[last])

    @torch.inference_mode()
    def hidden_states_packed(
        self,
        sequences: Sequence[str],
        layers: Sequence[int],
        offsets: Sequence[np.ndarray | None] | None = None,
    ) -> torch.Tensor:
        """Hidden states: float32 (rows, layers, hidden), 0 = embedding output."""
        wrong = [layer for layer in layers if not -self.n_layers <= layer < self.n_layers]
        if wrong:
            raise ModelError(
                f"model {self.name!r}: no layer {wrong[0]}; it has 0 (embedding) to "
                f"{self.n_layers - 1}"
            )
        wanted = [layer % self.n_layers for layer in layers]
        packed = self._pack(sequences)
        states = self._encode(packed, wanted, self._rows(packed, offsets))
        if len(wanted) == 1:
            return states[wanted[0]][:, None]
        return torch.stack([states[layer] for layer in wanted], dim=1)

    def _encode(self, packed: Packed, layers: Sequence[int], rows: Rows) -> dict:
        return encode(
            self._weights, packed, self.backend, layers=layers, rows=rows, finish=self._finish
        )

    @torch.inference_mode()
    def attention_rows(
        self,
        sequences: Sequence[str],
        offsets: np.ndarray,
        *,
        maximum: bool = False,
        masks: Sequence[np.ndarray | None] | None = None,
    ) -> torch.Tensor:
        """Attention rows: float32 (batch, layers, [heads,] rows, nt); see the base class.

        They come from each layer's own queries and keys: no full map is ever made.
        """
        offsets = np.asarray(offsets)
        self._check_offsets(sequences, offsets)
        packed = self._pack(sequences, masks)
        rows = some_rows(packed, list(offsets))
        return attention_rows(
            self._weights, packed, rows, self.backend, maximum=maximum, finish=self._finish
        )

    def module(
        self, head: Literal["token", "sequence"], num_labels: int, seed: int
    ) -> torch.nn.Module:
        """Return a transformers classification model on this encoder, its head drawn from `seed`.

        The head (and, for sequences, the pooler) is not part of the checkpoint: it is initialised
        as transformers does, from `seed` alone. The caller may train it; this adapter is untouched.
        """
        if head not in HEADS:
            raise ModelError(f"head {head!r}; expected one of {', '.join(HEADS)}")
        config = type(self._model.config)(**self._model.config.to_dict())
        config.num_labels = num_labels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = getattr(transformers, HEADS[head])(config)
        state = {k: v.clone() for k, v in self._model.state_dict().items()}
        load_exactly(
            module,
            state,
            self.folder,
            may_miss=("classifier.", "bert.pooler."),
            may_ignore=("cls.",),
        )
        return module.to(self.device)
