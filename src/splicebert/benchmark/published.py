"""The way of the published scripts, rebuilt from plain transformers: the yardstick.

A tokenizer call for each sequence in a Dataset, a DataLoader, padding to the longest of the batch,
eager attention, one batch after the other, results collected in a list. On a GPU under autocast, as
the published scripts run. Attention maps and mutagenesis are as theirs: full maps of every layer,
gradients not switched off for the maps; reference and alternative run for each of the three
alternatives of a site, two forwards each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer


class Sequences(Dataset):
    """Sequences tokenised one by one."""

    def __init__(self, sequences: Sequence[str], tokenizer) -> None:
        self.sequences, self.tokenizer = sequences, tokenizer

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> torch.Tensor:
        text = " ".join(self.sequences[index].upper().replace("U", "T"))
        return torch.as_tensor(self.tokenizer.encode(text))


def collate(items: list[torch.Tensor]) -> torch.Tensor:
    """Pad to the longest: int64 (batch, tokens)."""
    return torch.nn.utils.rnn.pad_sequence(items, batch_first=True)


class Published:
    """The published route on one device.

    Parameters
    ----------
    folder
        Model folder.
    batch_size
        Sequences a batch.
    device
        Where it runs.
    attention
        transformers' attention: eager as published; sdpa for a fairer yardstick.
    exact
        Without autocast, which the published scripts use on a GPU.
    """

    def __init__(
        self,
        folder: Path,
        *,
        batch_size: int,
        device: torch.device,
        attention: str = "eager",
        exact: bool = False,
    ) -> None:
        self.batch_size, self.device = batch_size, device
        self._half = device.type == "cuda" and not exact
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        options = {"attn_implementation": attention, "output_hidden_states": True}
        self.encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False, **options)
        self.mlm = AutoModelForMaskedLM.from_pretrained(folder, **options)
        for model in (self.encoder, self.mlm):
            model.to(device).eval()

    def _batches(self, sequences: Sequence[str]) -> Iterator[torch.Tensor]:
        loader = DataLoader(
            Sequences(sequences, self.tokenizer), batch_size=self.batch_size, collate_fn=collate
        )
        for ids in loader:
            yield ids.to(self.device)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.float16, enabled=self._half)

    def _run(self, model: torch.nn.Module, sequences: Sequence[str]) -> Iterator[tuple]:
        with torch.no_grad(), self._autocast():
            for ids in self._batches(sequences):
                yield model(ids, attention_mask=(ids != 0).long()), ids

    def hidden_states(self, sequences: Sequence[str]) -> list[np.ndarray]:
        """Last hidden states of each sequence: float32 (nt, hidden)."""
        out = []
        for result, ids in self._run(self.encoder, sequences):
            states = result.hidden_states[-1].float().cpu().numpy()
            lengths = (ids != 0).sum(1).tolist()
            out += [row[1 : n - 1] for row, n in zip(states, lengths, strict=True)]
        return out

    def logits(self, sequences: Sequence[str]) -> list[np.ndarray]:
        """MLM logits of each sequence: float32 (nt, 10)."""
        out = []
        for result, ids in self._run(self.mlm, sequences):
            logits = result.logits.float().cpu().numpy()
            lengths = (ids != 0).sum(1).tolist()
            out += [row[1 : n - 1] for row, n in zip(logits, lengths, strict=True)]
        return out

    def attention_rows(self, sequences: Sequence[str], offsets: np.ndarray) -> list[np.ndarray]:
        """Maximum over heads of some rows of full maps: float32 (layers, rows, nt) each."""
        out, model = [], self.encoder
        before = model.config._attn_implementation
        model.set_attn_implementation("eager")
        position = 0
        with self._autocast():
            for ids in self._batches(sequences):
                maps = model(ids, output_attentions=True).attentions
                maximum = torch.stack([layer.detach().amax(1) for layer in maps], 1)
                for row in maximum[..., 1:-1, 1:-1].float().cpu().numpy():
                    out.append(row[:, offsets[position]])
                    position += 1
                del maps, maximum
        model.set_attn_implementation(before)
        return out

    def mutagenesis(self, sites: Sequence[tuple[str, Sequence[str]]]) -> list[np.ndarray]:
        """KL(alternative || reference) by base, of each alternative: float32 (nt,) each."""
        pairs = [(reference, other) for reference, others in sites for other in others]
        reference = self.logits([pair[0] for pair in pairs])
        alternative = self.logits([pair[1] for pair in pairs])
        return [kl_by_base(a, r) for a, r in zip(alternative, reference, strict=True)]


def kl_by_base(alternative: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """KL(alternative || reference) over the ten tokens, in nats: float64 (nt,), from logits."""
    a = torch.from_numpy(alternative).double().log_softmax(-1)
    r = torch.from_numpy(reference).double().log_softmax(-1)
    return (a.exp() * (a - r)).sum(-1).numpy()
