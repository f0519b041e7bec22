"""Train the demo model by masked-language modelling on the transcripts of the demo genome."""

import json
import platform
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForMaskedLM

from splicebert.conservation import longest_per_gene
from splicebert.jobs import job, open_genome
from splicebert.models.checkpoint import write_model
from splicebert.pretraining import (
    fragments,
    start_with_offset_heads,
    train,
    transcript_codes,
)
from splicebert.sequence import VOCABULARY
from splicebert.tables import TRANSCRIPTS, atomic_path, read_table

CARD = """# Demo model

A small SpliceBERT ({parameters:,} parameters: {num_hidden_layers} layers, hidden size
{hidden_size}, {num_attention_heads} heads) for the embedded demo, in the form of the published
model folders. It was trained by masked-language modelling (15 % of the bases, 80/10/10) on the
canonical transcripts of the synthetic demo genome and on nothing else. It knows nothing about real
genomes.

Made by `snakemake --cores {threads} resources/models/demo` (rules/pretrain.smk): seed {seed},
{steps} steps, {seconds} s on {threads} CPU threads ({processor}), torch {torch}.
Validation on fragments of 510 nt from transcripts of {held_out}, which training did not see:

| step | cross-entropy (nats) | accuracy |
|---|---|---|
{curve}
"""


def card(about: dict) -> str:
    """Model card from what is known about a training run."""
    curve = about["validation"]
    shown = [point for point in curve if point["step"] % 1000 == 0 or point is curve[-1]]
    rows = [f"| {p['step']} | {p['cross_entropy']:.4f} | {p['accuracy']:.4f} |" for p in shown]
    return CARD.format(
        **about["architecture"],
        **{k: about[k] for k in ("parameters", "threads", "processor", "torch", "held_out")},
        seed=about["settings"]["seed"],
        steps=curve[-1]["step"],
        seconds=curve[-1]["seconds"],
        curve="\n".join(rows),
    )


def about_training(snakemake, model: BertForMaskedLM, curve: list[dict]) -> dict:
    """Everything that decided the weights, and how training went."""
    return {
        "architecture": snakemake.params.architecture,
        "settings": snakemake.params.settings,
        "held_out": snakemake.params.held_out,
        "threads": snakemake.threads,
        "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
        "validation": curve,
    }


def main(snakemake):
    settings, held_out_chrom = snakemake.params.settings, snakemake.params.held_out
    with job(snakemake), open_genome(snakemake) as genome:
        torch.set_num_threads(snakemake.threads)
        torch.manual_seed(settings["seed"])
        table = read_table(snakemake.input.transcripts, TRANSCRIPTS)
        table = longest_per_gene(table[table["is_canonical"]].reset_index(drop=True))
        is_held_out = table["chrom"] == held_out_chrom
        other = fragments(
            transcript_codes(table[is_held_out], genome), 510, 32, np.random.default_rng(0)
        )
        config = BertConfig(
            vocab_size=len(VOCABULARY),
            pad_token_id=0,
            attention_probs_dropout_prob=0.0,
            hidden_dropout_prob=0.0,
            **snakemake.params.architecture,
        )
        model = BertForMaskedLM(config)
        start_with_offset_heads(model)
        training = transcript_codes(table[~is_held_out], genome)
        curve = train(model, training, [next(other) for _ in range(4)], settings)
        folder = Path(snakemake.output.folder)
        with atomic_path(folder) as path:
            write_model(model, path)
            about = about_training(snakemake, model, curve)
            (path / "training.json").write_text(json.dumps(about, indent=1) + "\n")
            (path / "README.md").write_text(card(about))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
