"""What a run will take: `python -m splicebert.pretraining.estimate --config FILE --run NAME`.

Sizes, memory and FLOPs are computed from the configuration. Hours need a throughput: measured here
by timing real steps (`--measure`), or given (`--nt-per-second`); none is assumed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..configuration import check, read_schema, read_yaml
from ..errors import ConfigError, SpliceBERTError
from ..learning.mixed import autocast
from .batches import make_batch, to_model
from .corpus import Corpus
from .fragments import draw_lengths
from .model import MaskedLoss, build_model
from .optimisers import optimisers
from .processes import Process, choose_device
from .settings import SPECIALS, Job, Phase, check_pretraining, decisive, total_steps
from .tables import CORPUS_INDEX, TRAINING
from .trainer import Trainer

MASKED_SHARE = 0.15
DRAWS = 200  # batches drawn to learn how many tokens one holds
TOY_NT = 2_000_000


def read_run(path: Path, name: str, schema: Path) -> dict[str, Any]:
    """Read a run of a configuration; ConfigError where there is none of that name."""
    config = check(read_yaml(path), read_schema(schema), str(path))
    check_pretraining(config)
    runs = config["pretrain"]["runs"]
    if name not in runs:
        raise ConfigError(f"{path}: no run {name!r}; there are {', '.join(runs) or 'none'}")
    return runs[name]


def batch_size(phase: Phase) -> tuple[float, float, float]:
    """Mean nucleotides and tokens of a batch, and tokens of the fragment that a token lies in.

    Batches are drawn, not computed, since the last fragment has to fit.
    """
    rng = np.random.default_rng(0)
    drawn = [draw_lengths(phase, rng) for _ in range(DRAWS)]
    nt, n = sum(int(d.sum()) for d in drawn), sum(map(len, drawn))
    tokens = nt + SPECIALS * n
    squares = sum(int(((d + SPECIALS) ** 2).sum()) for d in drawn)
    return nt / DRAWS, tokens / DRAWS, squares / tokens


def flops_a_token(sizes: dict[str, int], length: float) -> float:
    """Floating-point operations of forward and backward a token, in fragments of `length` tokens.

    A backward pass takes twice the products of a forward pass. The last layer gives keys and
    values of all tokens, and the rest, like the head, for masked ones only.
    """
    hidden, inner = sizes["hidden_size"], sizes["intermediate_size"]
    key_value = 4 * hidden**2
    rest = 4 * hidden**2 + 4 * hidden * inner + 4 * length * hidden
    layers = sizes["num_hidden_layers"]
    forward = layers * key_value + (layers - 1 + MASKED_SHARE) * rest
    return 3 * (forward + MASKED_SHARE * 2 * hidden**2)


def _from_nothing(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that read no weights: what a step takes does not depend on them."""
    return settings | {"start": settings["start"] | {"weights": None, "mean_with": None}}


def activation_bytes(settings: dict[str, Any], length: int, precision: torch.dtype) -> float:
    """Bytes that a token's activations take between forward and backward.

    Counted: the tensors that autograd keeps for one fragment and for two, and their difference.
    Attention dropout is left out, so that attention is kept as flash kernels keep it.
    """
    sizes = settings["architecture"] | {"attention_probs_dropout_prob": 0.0}
    loss = MaskedLoss(build_model(_from_nothing(settings) | {"architecture": sizes})).train()
    one, two = (_kept_bytes(loss, count, length, precision) for count in (1, 2))
    return (two - one) / (length + SPECIALS)


def _kept_bytes(loss: MaskedLoss, count: int, length: int, precision: torch.dtype) -> int:
    storages: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    codes = np.random.default_rng(0).integers(0, 4, count * length).astype(np.uint8)
    treatment = (np.arange(len(codes)) % round(1 / MASKED_SHARE) == 0).astype(np.uint8)
    batch = make_batch(codes, treatment, codes, np.full(count, length))
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        autocast(torch.device("cpu"), str(precision).removeprefix("torch.")),
    ):
        value = loss(*to_model(batch, torch.device("cpu")))
    del value
    return sum(storages.values())


def state_bytes(settings: dict[str, Any]) -> dict[str, int]:
    """Parameters, and bytes of weights, gradients and optimiser in a process (all float32)."""
    model = build_model(_from_nothing(settings))
    made = optimisers(model, settings["optimiser"])
    moments = {"adamw": 2, "muon": 1}
    kept = sum(
        moments[name] * p.numel()
        for name, optimiser in made.items()
        for group in optimiser.param_groups
        for p in group["params"]
    )
    weights = sum(p.numel() for p in model.parameters())
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {
        "parameters": weights,
        "weights": 4 * weights,
        "gradients": 4 * learning,
        "optimiser": 4 * kept,
    }


def measure(run: dict[str, Any], phase: Phase, *, steps: int, tokens: int) -> float:
    """Time real steps of this process on random bases: nt a second.

    Parameters
    ----------
    run
        Of the configuration.
    phase
        Whose fragments.
    steps
        How many, after one that is not counted.
    tokens
        Most tokens of a batch here; a larger batch is cut to it.
    """
    smaller = phase._replace(
        batch_tokens=max(min(tokens, phase.batch_tokens), phase.max_length + 2)
    )
    settings = _from_nothing(decisive(run)) | {
        "phases": [smaller._replace(steps=steps + 1)._asdict()]
    }
    torch.set_num_threads(run["hardware"]["threads"])
    with tempfile.TemporaryDirectory() as folder:
        _write_toy(Path(folder))
        job = Job("measure", settings, run["hardware"], 1, {}, "", "", folder, "", "", "")
        device = choose_device(run["hardware"]["device"])
        trainer = Trainer(job, Process(0, 1, device), Corpus({"toy": folder}))
        trainer.loss.train()
        nt = 0
        for step in range(steps + 1):
            data = trainer.read(step)
            trainer.step(data)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if step == 0:
                begin = time.monotonic()
            else:
                nt += data.nt
        return nt / (time.monotonic() - begin)


def _write_toy(folder: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 4, TOY_NT).astype(np.uint8)
    np.save(folder / "codes.npy", codes)
    row = ("toy", "toy", 0, TOY_NT, "+", 0, TOY_NT, TRAINING)
    pd.DataFrame([row], columns=CORPUS_INDEX.names).to_parquet(folder / "transcripts.parquet")
    (folder / "about.json").write_text('{"sha256": "toy"}')


def report(run: dict[str, Any], speeds: list[float] | None, source: str) -> list[str]:
    """Say what a run takes; hours only where speeds (nt a second, by phase) are known."""
    settings, sizes = decisive(run), run["architecture"]
    state = state_bytes(settings)
    longest = max(phase["max_length"] for phase in run["phases"])
    lines = [
        f"parameters        {state['parameters']:,}",
        f"state a process   {_mib(sum(state.values()) - state['parameters'])} (weights "
        f"{_mib(state['weights'])}, gradients {_mib(state['gradients'])}, optimiser "
        f"{_mib(state['optimiser'])})",
    ]
    for name in ("float32", "bfloat16"):
        kept = activation_bytes(settings, longest, getattr(torch, name))
        lines.append(f"activations       {kept / 1024:,.1f} KiB a token with {name} products")
    totals = np.zeros(4)
    for number, values in enumerate(run["phases"]):
        phase = Phase(**values)
        nt, tokens, length = batch_size(phase)
        flops = tokens * phase.steps * flops_a_token(sizes, length)
        hours = nt * phase.steps / speeds[number] / 3600 if speeds else 0.0
        totals += nt * phase.steps, tokens * phase.steps, flops, hours
        lines.append(
            f"phase {number + 1}           {phase.steps:,} steps of {tokens:,.0f} tokens "
            f"({nt:,.0f} nt, {phase.min_length}-{phase.max_length} nt a fragment), {flops:.3g} FLOP"
            + (f", {speeds[number]:,.0f} nt/s: {hours:,.2f} h" if speeds else "")
        )
    lines.append(
        f"all               {total_steps(run['phases']):,} steps, {totals[1]:,.0f} tokens, "
        f"{totals[0]:,.0f} nt, {totals[2]:.3g} FLOP"
        + (f", {totals[3]:,.2f} h ({source})" if speeds else "")
    )
    if not speeds:
        lines.append("hours             unknown: give --measure or --nt-per-second")
    return lines


def _mib(size: float) -> str:
    return f"{size / 2**20:,.1f} MiB"


def main(arguments: list[str] | None = None) -> int:
    """Print the estimate of a run."""
    parser = argparse.ArgumentParser(
        prog="python -m splicebert.pretraining.estimate", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--config", type=Path, required=True, help="configuration (YAML)")
    parser.add_argument("--run", required=True, help="name of a run under pretrain.runs")
    parser.add_argument("--schema", type=Path, default=Path("config/schemas/config.schema.yaml"))
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--measure", action="store_true", help="time real steps on this machine")
    speed.add_argument("--nt-per-second", type=float, help="throughput of all processes together")
    parser.add_argument("--measure-steps", type=int, default=3)
    parser.add_argument("--measure-tokens", type=int, default=16384, help="most tokens a step")
    options = parser.parse_args(arguments)
    try:
        run = read_run(options.config, options.run, options.schema)
    except SpliceBERTError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    phases, speeds, source = [Phase(**phase) for phase in run["phases"]], None, ""
    if options.nt_per_second:
        speeds, source = [options.nt_per_second] * len(phases), "at the throughput given"
    elif options.measure:
        size = {"steps": options.measure_steps, "tokens": options.measure_tokens}
        speeds = [measure(run, phase, **size) for phase in phases]
        source = "one process on this machine, measured"
    print("\n".join(report(run, speeds, source)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
