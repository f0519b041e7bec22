"""SpliceBERT: any folder in the form of the Zenodo archive (BERT, one token a nucleotide)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import transformers
from transformers import (
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
)

from ..errors import ModelError
from ..sequence import MASK, PAD, VOCABULARY, token_batch
from .base import ModelAdapter, rows_of
from .checkpoint import (
    check_identity,
    check_vocabulary,
    load_exactly,
    read_config,
    read_state_dict,
    weights_file,
)

HEADS = {"token": BertForTokenClassification, "sequence": BertForSequenceClassification}


class SpliceBERT(ModelAdapter):
    """The masked language model of pre-mRNA of Chen et al. 2024 (bbae163).

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
        Where and in which precision it runs; "bfloat16" means autocast, results stay float32.
    """

    vocab = VOCABULARY

    def __init__(
        self,
        folder: str | Path,
        *,
        name: str | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        sha256: Mapping[str, str] | None = None,
        device: str | torch.device = "cpu",
        dtype: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        self.folder = Path(folder)
        self.name = name or self.folder.name
        check_vocabulary(folder)
        config = read_config(folder)
        self.checksums = check_identity(folder, sha256 or {})
        try:
            self._model = BertForMaskedLM(config)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"{folder}: config.json gives no BERT ({error})") from error
        # The decoder shares the word embeddings: safetensors written by transformers leave it out.
        state = read_state_dict(weights_file(folder))
        load_exactly(self._model, state, folder, may_miss=("cls.predictions.decoder.",))
        self._model.tie_weights()
        self._place(device, dtype)
        self._set_lengths(min_length, max_length)

    def _place(self, device: str | torch.device, dtype: str) -> None:
        self.device = torch.device(device)
        self.dtype = dtype
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

    def describe(self) -> str:
        """One line for the log."""
        attention = self._model.config._attn_implementation
        return (
            f"model {self.name} ({self.n_layers - 1} layers, hidden {self.hidden_size}), device "
            f"{self.device}, dtype {self.dtype}, attention {attention}, torch {torch.__version__}, "
            f"transformers {transformers.__version__}"
        )

    def _inputs(self, sequences: Sequence[str], mask: np.ndarray | None = None) -> dict:
        self.check(sequences)
        ids, lengths = token_batch(sequences)
        hidden = rows_of(mask, sequences)
        if hidden is not None:
            hidden = hidden & (np.arange(hidden.shape[1]) < lengths[:, None])
            ids[:, 1:-1][hidden] = MASK
        inputs = {"input_ids": torch.from_numpy(ids).to(self.device)}
        if lengths.min() < lengths.max():  # any mask disables the fast kernels: none where equal
            inputs["attention_mask"] = torch.from_numpy(ids != PAD).to(self.device).long()
        return inputs

    def _check_offsets(self, sequences: Sequence[str], offsets: np.ndarray) -> None:
        lengths = np.array([len(sequence) for sequence in sequences])
        if offsets.ndim != 2 or len(offsets) != len(sequences):
            raise ModelError(
                f"model {self.name!r}: offsets of shape {offsets.shape}; expected "
                f"({len(sequences)}, rows)"
            )
        wrong = np.argwhere((offsets < 0) | (offsets >= lengths[:, None]))
        if len(wrong):
            row, column = wrong[0]
            raise ModelError(
                f"model {self.name!r}: offset {offsets[row, column]} (0-based) of sequence {row}; "
                f"expected 0 to {lengths[row] - 1}"
            )

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == "bfloat16")

    @torch.inference_mode()
    def logits(self, sequences: Sequence[str], mask: np.ndarray | None = None) -> torch.Tensor:
        """MLM logits over the ten tokens: float32 (batch, nt, 10); see the base class."""
        with self._autocast():
            out = self._model(**self._inputs(sequences, mask)).logits
        return out[:, 1:-1].float()

    @torch.inference_mode()
    def hidden_states(self, sequences: Sequence[str], layers: Sequence[int]) -> torch.Tensor:
        """Hidden states: float32 (batch, layers, nt, hidden), 0 = embedding output."""
        wrong = [layer for layer in layers if not -self.n_layers <= layer < self.n_layers]
        if wrong:
            raise ModelError(
                f"model {self.name!r}: no layer {wrong[0]}; it has 0 (embedding) to "
                f"{self.n_layers - 1}"
            )
        with self._autocast():
            states = self._model.bert(
                **self._inputs(sequences), output_hidden_states=True
            ).hidden_states
        return torch.stack([states[layer][:, 1:-1].float() for layer in layers], dim=1)

    @torch.inference_mode()
    def attention_rows(self, sequences: Sequence[str], offsets: np.ndarray) -> torch.Tensor:
        """Attention rows: float32 (batch, layers, heads, rows, nt); see the base class.

        The full maps of one layer at a time are computed and cut to the rows.
        """
        self._check_offsets(sequences, np.asarray(offsets))
        rows = torch.as_tensor(np.asarray(offsets), device=self.device, dtype=torch.long) + 1
        backend = self._model.config._attn_implementation
        self._model.set_attn_implementation("eager")
        try:
            with self._autocast():
                maps = self._model.bert(
                    **self._inputs(sequences), output_attentions=True
                ).attentions
        finally:
            self._model.set_attn_implementation(backend)
        batch = torch.arange(len(sequences), device=self.device)[:, None]
        # Indexing (batch, heads, query, key) with (batch, rows) puts heads behind the rows.
        picked = [layer[batch, :, rows, 1:-1].transpose(1, 2).float() for layer in maps]
        return torch.stack(picked, dim=1)

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
            module = HEADS[head](config)
        state = {k: v.clone() for k, v in self._model.state_dict().items()}
        load_exactly(
            module,
            state,
            self.folder,
            may_miss=("classifier.", "bert.pooler."),
            may_ignore=("cls.",),
        )
        return module.to(self.device)
