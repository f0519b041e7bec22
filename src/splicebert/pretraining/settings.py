"""What a pre-training run is told, and what the schema of the configuration can't check.

Importable without torch, because Snakemake reads it each time it builds the workflow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigError

SPECIALS = 2  # [CLS] and [SEP] of each fragment
# Keys of a run that decide its numbers: a checkpoint of others is refused, a change trains anew.
DECISIVE = (
    *("seed", "architecture", "start", "phases", "random_positions", "optimiser"),
    *("validation", "log_every"),
)


class Phase(NamedTuple):
    """Steps with fragments of min_length to max_length nt, batch_tokens tokens a batch."""

    min_length: int
    max_length: int
    steps: int
    batch_tokens: int


class Job(NamedTuple):
    """One run, as the JSON file that its processes read.

    run : name; settings : the keys of DECISIVE; hardware, checkpoint_every : of the configuration
    corpus : genome -> folder with codes.npy, transcripts.parquet and about.json
    fragments, bases : tables of the fixed validation fragments and of their masked bases
    folder : where the run keeps its state and its TensorBoard events
    model, metrics, regions : what it leaves: a folder and two TSV files
    """

    run: str
    settings: dict[str, Any]
    hardware: dict[str, Any]
    checkpoint_every: int
    corpus: dict[str, str]
    fragments: str
    bases: str
    folder: str
    model: str
    metrics: str
    regions: str

    def write(self, path: Path) -> None:
        """Write as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self._asdict(), indent=1) + "\n")

    @property
    def phases(self) -> list[Phase]:
        """Phases in their order."""
        return [Phase(**phase) for phase in self.settings["phases"]]


def read_job(path: str | Path) -> Job:
    """Read a job; ConfigError where keys are missing or unknown, or it makes no sense."""
    try:
        values = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not a readable JSON file ({error})") from error
    if not isinstance(values, dict) or set(values) != set(Job._fields):
        found = ", ".join(values) if isinstance(values, dict) else type(values).__name__
        raise ConfigError(f"{path}: found {found}; expected the keys {', '.join(Job._fields)}")
    lines = list(check_run(values["settings"], f"{path}: settings"))
    if lines:
        raise ConfigError("\n  ".join(lines))
    return Job(**values)


def decisive(run: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of a run of the configuration that decide its numbers."""
    return {key: run[key] for key in DECISIVE}


def total_steps(phases: list[Mapping[str, Any]]) -> int:
    """Optimiser steps of all phases."""
    return sum(phase["steps"] for phase in phases)


def check_run(run: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield what is wrong with the settings of a run, a line for every mistake."""
    sizes = run["architecture"]
    hidden, heads = sizes["hidden_size"], sizes["num_attention_heads"]
    if hidden % heads:
        name = f"{key}.architecture.num_attention_heads"
        yield f"{name}: {heads} does not divide hidden_size {hidden}"
    longest = sizes["max_position_embeddings"] - SPECIALS
    for number, phase in enumerate(run["phases"]):
        yield from _check_phase(phase, f"{key}.phases.{number}", longest)
    if run["validation"]["length"] > longest:
        yield (
            f"{key}.validation.length: {run['validation']['length']}; max_position_embeddings "
            f"allows at most {longest}"
        )
    if run["start"]["mean_with"] and not run["start"]["weights"]:
        yield f"{key}.start.mean_with: given, but no start.weights to take the mean with"
    before = run["start"]["heads"]
    if before and not run["start"]["weights"]:
        yield f"{key}.start.heads: {before}, but no start.weights whose heads they are"
    elif before and (hidden % before or before >= heads):
        yield (
            f"{key}.start.heads: {before}; expected a number that divides hidden_size {hidden} and "
            f"is less than num_attention_heads {heads} (null where it is the same)"
        )
    if run["start"]["offset_heads"]:
        yield from _check_offsets(run, key)


def _check_phase(phase: Mapping[str, int], key: str, longest: int) -> Iterator[str]:
    low, high = phase["min_length"], phase["max_length"]
    if low > high:
        yield f"{key}.min_length: {low} is more than max_length {high}"
    if high > longest:
        yield f"{key}.max_length: {high}; max_position_embeddings allows at most {longest}"
    if phase["batch_tokens"] < high + SPECIALS:
        yield (
            f"{key}.batch_tokens: {phase['batch_tokens']}; a fragment of {high} nt takes "
            f"{high + SPECIALS}"
        )


def _check_offsets(run: Mapping[str, Any], key: str) -> Iterator[str]:
    sizes, offsets = run["architecture"], run["start"]["offsets"]
    heads = sizes["num_hidden_layers"] * sizes["num_attention_heads"]
    if offsets and len(offsets) > heads:
        yield f"{key}.start.offsets: {len(offsets)} offsets for {heads} heads; allowed: {heads}"
    if run["start"]["weights"] and offsets is None:
        yield f"{key}.start.offsets: missing; name the heads of start.weights that start anew"
    first = sizes["num_attention_heads"]
    if run["start"]["weights"] and any(offset is not None for offset in (offsets or [])[first:]):
        yield (
            f"{key}.start.offsets: an offset behind the {first} heads of layer 1; in start.weights "
            "later layers need not hold positions, so only heads of layer 1 can start anew"
        )
    widths, most = run["start"]["widths"] or [], heads if offsets is None else len(offsets)
    if len(widths) > most:
        yield f"{key}.start.widths: {len(widths)} widths for {most} offsets; allowed: {most}"
    width = sizes["hidden_size"] // sizes["num_attention_heads"]
    if width % 2 or sizes["hidden_size"] % 4:
        yield (
            f"{key}.start.offset_heads: needs a hidden_size that 4 divides and an even width of a "
            f"head; found {sizes['hidden_size']} and {width}"
        )


def check_pretraining(config: Mapping[str, Any]) -> None:
    """Check what JSON schema can't: names of genomes and corpora, and sizes that fit each other.

    Raises
    ------
    ConfigError
        One line for every mistake.
    """
    section, lines = config["pretrain"], []
    for name, corpus in section["corpora"].items():
        lines += _check_corpus(corpus, f"pretrain.corpora.{name}", config["genomes"])
    for name, run in section["runs"].items():
        key = f"pretrain.runs.{name}"
        if run["corpus"] not in section["corpora"]:
            known = ", ".join(section["corpora"]) or "none"
            lines.append(f"{key}.corpus: unknown corpus {run['corpus']!r}; allowed: {known}")
        lines += check_run(run, key)
    if lines:
        raise ConfigError("configuration:\n  " + "\n  ".join(lines))


def _check_corpus(corpus: Mapping[str, Any], key: str, genomes: Mapping[str, Any]) -> Iterator[str]:
    for genome in corpus["genomes"]:
        if genome not in genomes:
            yield f"{key}.genomes: unknown genome {genome!r}; allowed: {', '.join(genomes)}"
        elif not genomes[genome]["annotation"]:
            yield f"genomes.{genome}.annotation: missing; {key} needs its transcripts"
    for genome in corpus["validation"]:
        if genome not in corpus["genomes"]:
            allowed = ", ".join(corpus["genomes"])
            yield f"{key}.validation: {genome!r} is no genome of this corpus; allowed: {allowed}"
    if not corpus["validation"]:
        yield f"{key}.validation: no chromosome to validate on; name one of some genome"
