"""Write the model card: how the model was made, and how well it predicts masked bases."""

import json
from pathlib import Path

import pandas as pd

from splicebert.jobs import job
from splicebert.pretraining.tables import METRICS, PERPLEXITIES
from splicebert.tables import atomic_path, read_table

CARD = """# {run}

A SpliceBERT in the form of the published model folders: {parameters:,} parameters, {layers} layers,
hidden size {hidden}, {heads} heads, fragments of at most {longest} nt. It was trained by
masked-language modelling (15 % of the bases; of these 80 % hidden, 10 % replaced, 10 % kept) on the
transcripts of the genomes below, read 5' to 3' with their introns, {start}.

Made by `{command}`: seed {seed}, {steps:,} steps, {tokens:,} tokens, {time} on
{processes} x {device} ({threads} CPU threads each, {precision} products), torch {torch}.
All settings: training.json.

| genome | trained on | held out for validation |
|---|---|---|
{genomes}

| phase | fragments (nt) | steps | tokens a batch |
|---|---|---|---|
{phases}

## Validation

{fragments} fragments of {length} nt from the chromosomes held out, with the same masks every time;
cross-entropy in nats a masked base (chance is 1.386), perplexity is its exponential.

| step | cross-entropy | perplexity | accuracy |
|---|---|---|---|
{curve}

After the last step, by region (of the annotation, on either strand) and inside or outside repeats
(lower case in the FASTA):

| region | bases | masked bases | cross-entropy | perplexity | accuracy |
|---|---|---|---|---|---|
{regions}
"""
CURVE_ROWS = 12


def row(*cells: object) -> str:
    """One line of a Markdown table; fractions with 4 digits, a | inside a cell escaped."""
    shown = [f"{c:.4f}" if isinstance(c, float) else str(c).replace("|", "\\|") for c in cells]
    return f"| {' | '.join(shown)} |"


def thin(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most about so many rows at equal distances, the last one among them."""
    every = -(-len(table) // most)
    return table.iloc[::-1].iloc[::every].iloc[::-1]


def genome_row(name: str, about: dict) -> str:
    """Describe the text of one genome."""
    cells = []
    for split in ("training", "validation"):
        part = about.get(split)
        cells.append(f"{part['transcripts']:,} transcripts, {part['nt']:,} nt" if part else "none")
    if "validation" in about:
        cells[1] += f" ({', '.join(about['validation']['chromosomes'])})"
    return row(name, *cells)


def duration(seconds: float) -> str:
    """Seconds as hours or minutes."""
    return f"{seconds / 3600:.1f} h" if seconds > 7200 else f"{seconds / 60:.1f} min"


def card(about: dict, metrics: pd.DataFrame, regions: pd.DataFrame, command: str) -> str:
    """Model card from training.json, METRICS and PERPLEXITIES."""
    settings, hardware = about["settings"], about["hardware"]
    sizes, validation = settings["architecture"], settings["validation"]
    measured = metrics[metrics["cross_entropy"].notna()]
    last = regions[(regions["step"] == regions["step"].max()) & (regions["n_bases"] > 0)]
    measures = ["cross_entropy", "perplexity", "accuracy"]
    return CARD.format(
        **{key: about[key] for key in ("run", "parameters", "steps", "tokens", "torch")},
        **{key: hardware[key] for key in ("device", "processes", "threads", "precision")},
        start=origin(about),
        layers=sizes["num_hidden_layers"],
        hidden=sizes["hidden_size"],
        heads=sizes["num_attention_heads"],
        longest=sizes["max_position_embeddings"] - 2,
        command=command,
        seed=settings["seed"],
        time=duration(about["seconds"]),
        genomes="\n".join(genome_row(*item) for item in about["corpus"].items()),
        phases="\n".join(phase_row(*item) for item in enumerate(settings["phases"], 1)),
        fragments=validation["fragments"],
        length=validation["length"],
        curve="\n".join(
            row(*values)
            for values in thin(measured[["step", *measures]], CURVE_ROWS).itertuples(index=False)
        ),
        regions="\n".join(
            row(*values)
            for values in last[["region", "bases", "n_bases", *measures]].itertuples(index=False)
        ),
    )


def origin(about: dict) -> str:
    """Say what training began with."""
    start = about["settings"]["start"]
    if not start["weights"]:
        return "and on nothing else"
    first = f"`{start['weights']}` (sha256 {about['weights_sha256']})"
    if not start["mean_with"]:
        return f"going on from\n{first}"
    second = f"`{start['mean_with']}` (sha256 {about['mean_with_sha256']})"
    return f"going on from the mean of\n{first} and\n{second}"


def phase_row(number: int, phase: dict) -> str:
    """Describe one phase."""
    low, high = phase["min_length"], phase["max_length"]
    lengths = str(low) if low == high else f"{low}-{high}"
    return row(number, lengths, phase["steps"], phase["batch_tokens"])


def main(snakemake):
    inputs = snakemake.input
    with job(snakemake):
        text = card(
            json.loads(Path(inputs.about).read_text()),
            read_table(inputs.metrics, METRICS),
            read_table(inputs.regions, PERPLEXITIES),
            snakemake.params.command,
        )
        with atomic_path(snakemake.output.card) as path:
            path.write_text(text)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
