"""Masked-language-model training of a small SpliceBERT on transcripts."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from transformers import BertForMaskedLM

from .genome import Genome
from .masking import MASKED, NOT_CHOSEN, bert_masking
from .sequence import CLS, MASK, SEP, A, N, base_codes

log = logging.getLogger(__name__)
CODE_TO_TOKEN = np.array([A, A + 1, A + 2, A + 3, N])
IGNORED = -100


def transcript_codes(transcripts: pd.DataFrame, genome: Genome) -> list[np.ndarray]:
    """Base codes of each transcript, 5'->3': uint8 (nt,)."""
    return [
        base_codes(genome.fetch(t.chrom, t.start, t.end, t.strand))
        for t in transcripts.itertuples(index=False)
    ]


def fragments(
    sequences: list[np.ndarray], length: int, batch: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield batches of random fragments, uint8 (batch, length); long transcripts come up more."""
    usable = [s for s in sequences if len(s) >= length]
    room = np.array([len(s) - length + 1 for s in usable], float)
    while True:
        chosen = rng.choice(len(usable), size=batch, p=room / room.sum())
        starts = [int(rng.integers(len(usable[i]) - length + 1)) for i in chosen]
        yield np.stack([usable[i][s : s + length] for i, s in zip(chosen, starts, strict=True)])


def masked_batch(codes: np.ndarray, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels of a batch, int64 (batch, length + 2), labels IGNORED where unmasked."""
    treatment, seen = bert_masking(codes, seed)
    ids = np.pad(CODE_TO_TOKEN[seen], ((0, 0), (1, 1)), constant_values=((0, 0), (CLS, SEP)))
    labels = np.pad(CODE_TO_TOKEN[codes], ((0, 0), (1, 1)))
    kinds = np.pad(treatment, ((0, 0), (1, 1)))
    ids[kinds == MASKED] = MASK
    return torch.from_numpy(ids), torch.from_numpy(np.where(kinds == NOT_CHOSEN, IGNORED, labels))


@torch.no_grad()
def start_with_offset_heads(model: BertForMaskedLM, gain: float = 1.6) -> None:
    """Start attention heads as "look k bases away" heads, so that training need not find them.

    With learned absolute positions a small model needs very long to discover relative offsets. Half
    of the hidden values start as sinusoids of the position (the words take the other half), and a
    head's query is its key rotated by the head's offset: attention is highest k bases away. The
    positions stay as they are, so that offsets mean the same everywhere; all else goes on learning.

    Parameters
    ----------
    model
        Changed in place.
    gain
        Scale of queries and keys: how sharply a head starts.
    """
    config, table = model.config, model.bert.embeddings
    hidden, heads = config.hidden_size, config.num_attention_heads
    width, half = hidden // heads, hidden // 2
    frequency = math.pi / 1.3 ** np.arange(half // 2)
    angle = np.arange(config.max_position_embeddings)[:, None] * frequency
    wave = np.stack([np.sin(angle), np.cos(angle)], axis=2).reshape(len(angle), half)
    table.position_embeddings.weight.zero_()[:, :half] = torch.from_numpy(0.05 * wave)
    table.position_embeddings.requires_grad_(False)
    table.word_embeddings.weight[:, :half] = 0
    table.word_embeddings.weight[:, half:] *= 2.5
    table.token_type_embeddings.weight.zero_()
    magnitudes = np.arange(config.num_hidden_layers * heads) // 2 + 1
    signs = np.tile([-1, 1], len(magnitudes) // 2)
    for number, (magnitude, sign) in enumerate(zip(magnitudes, signs, strict=True)):
        layer, head = divmod(number, heads)
        attention = model.bert.encoder.layer[layer].attention.self
        rows = slice(head * width, (head + 1) * width)
        pairs = np.sort(np.random.default_rng(number).choice(half // 2, width // 2, replace=False))
        query, key = np.zeros((2, width, hidden), np.float32)
        for i, pair in enumerate(pairs):
            turn = frequency[pair] * sign * magnitude
            cos, sin = math.cos(turn), math.sin(turn)
            columns = [2 * pair, 2 * pair + 1]
            key[2 * i : 2 * i + 2, columns] = np.eye(2)
            query[2 * i : 2 * i + 2, columns] = [[cos, sin], [-sin, cos]]
        attention.query.weight[rows] = torch.from_numpy(gain * query)
        attention.key.weight[rows] = torch.from_numpy(gain * key)
    for layer in model.bert.encoder.layer:  # 0.02 is too small for so narrow a model
        for part in (layer.attention.self.value, layer.attention.output.dense):
            torch.nn.init.xavier_uniform_(part.weight)
        for part in (layer.intermediate.dense, layer.output.dense):
            torch.nn.init.xavier_uniform_(part.weight)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 5 % of the steps, then a cosine down to nothing."""
    warm_up = max(1, steps // 20)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


@torch.inference_mode()
def validate(model: BertForMaskedLM, batches: list[np.ndarray]) -> tuple[float, float]:
    """Cross-entropy (nats) and accuracy on fixed batches with fixed masks."""
    model.eval()
    losses, right, n = 0.0, 0, 0
    for seed, codes in enumerate(batches):
        ids, labels = masked_batch(codes, seed)
        chosen = labels != IGNORED
        logits = model(input_ids=ids).logits[chosen]
        losses += float(torch.nn.functional.cross_entropy(logits, labels[chosen], reduction="sum"))
        right += int((logits.argmax(-1) == labels[chosen]).sum())
        n += int(chosen.sum())
    model.train()
    return losses / n, right / n


def optimisers(model: BertForMaskedLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the encoder, AdamW for all other parameters; rates are set later."""
    matrices = [p for n, p in model.named_parameters() if "encoder.layer" in n and p.ndim == 2]
    known = set(map(id, matrices))
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    return [
        torch.optim.Muon(matrices, weight_decay=0.01),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def train_step(
    model: BertForMaskedLM, codes: np.ndarray, seed: list[int], tools: list[torch.optim.Optimizer]
) -> None:
    """Do one step on fragments that start anywhere in the position table."""
    ids, labels = masked_batch(codes, seed)
    room = model.config.max_position_embeddings - ids.shape[1]
    starts = np.random.default_rng(seed).integers(room + 1, size=(len(ids), 1))
    positions = torch.from_numpy(starts + np.arange(ids.shape[1]))
    chosen = labels != IGNORED
    hidden = model.bert(input_ids=ids, position_ids=positions).last_hidden_state
    loss = torch.nn.functional.cross_entropy(model.cls(hidden[chosen]), labels[chosen])
    for tool in tools:
        tool.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for tool in tools:
        tool.step()


def train(
    model: BertForMaskedLM, sequences: list[np.ndarray], held_out: list[np.ndarray], settings: dict
) -> list[dict]:
    """Train in place, phase by phase; return the validation curve."""
    tools, rates = optimisers(model), (settings["muon_rate"], settings["adamw_rate"])
    rng = np.random.default_rng(settings["seed"])
    steps = sum(phase["steps"] for phase in settings["phases"])
    curve, begin, step = [], time.monotonic(), 0
    for phase in settings["phases"]:
        batches = fragments(sequences, phase["length"], phase["batch"], rng)
        for _ in range(phase["steps"]):
            for tool, rate in zip(tools, rates, strict=True):
                tool.param_groups[0]["lr"] = learning_rate(step, steps, rate)
            train_step(model, next(batches), [settings["seed"], step], tools)
            step += 1
            if step % settings["every"] == 0 or step == steps:
                cross_entropy, accuracy = validate(model, held_out)
                curve.append(
                    {
                        "step": step,
                        "seconds": round(time.monotonic() - begin),
                        "cross_entropy": round(cross_entropy, 4),
                        "accuracy": round(accuracy, 4),
                    }
                )
                log.info("%s", curve[-1])
    return curve
