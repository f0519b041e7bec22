"""Nucleotides a second, peak memory and error of every route, on the machine at hand."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers

from ..models.checkpoint import read_config
from ..runtime import DTYPES, Runtime
from ..sequence import packed_tokens
from ..tables import atomic_path
from .cases import Work, all_work, sequences_of, write_random_model
from .machine import Ceilings, hardware, seconds, wait
from .memory import peak_mib
from .published import Published, Sequences
from .routes import Route, routes
from .table import add_ratios, show

Results = Sequence[np.ndarray]
CPU = torch.device("cpu")
GPU_SECONDS = 1.0
log = logging.getLogger("splicebert.benchmark")
DESCRIPTION = """\
Compares the published route (plain transformers: a tokenizer call a sequence, DataLoader, eager
attention, batches of 8 and 16, autocast on a GPU) with this library's engine in every attention
back end and dtype that the machine has: hidden states, MLM logits, attention rows and in-silico
mutagenesis, at SpliceBERT's true size with random weights. Routes take turns, so that a busy
machine slows all of them; the median of the rounds is told. `error` is the largest absolute
difference from the published route in float32; `floor` the share of the speed that the machine's
own matrix product and memory copy, at their fastest in the same run, would allow.
"""


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m splicebert.benchmark",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda (default: auto)")
    parser.add_argument("--out", default="benchmark.tsv", help="TSV (default: benchmark.tsv)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of every task (default: 3)")
    parser.add_argument("--scale", type=int, help="amount of work (default: 1; GPU: 32)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all cores)")
    parser.add_argument("--task", action="append", help="only this task; may be repeated")
    parser.add_argument("--route", action="append", help="only routes that begin so, and published")
    parser.add_argument(
        "--dtype", action="append", choices=DTYPES,
        help="of this library's routes; may be repeated (default: all but float16 on a CPU, which "
        "few CPUs can do, and all but int8 on a GPU)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of weights and sequences")
    parser.add_argument("--compile", action="store_true", help="also routes with torch.compile")
    parser.add_argument("--tiny", action="store_true", help="a tiny model: only to try the script")
    return parser.parse_args(argv)


@dataclass
class Measured:
    """Seconds of each round, peak memory (MiB) and largest error of a route."""

    times: list[float] = field(default_factory=list)
    peak: float = 0.0
    error: float = 0.0

    @property
    def median(self) -> float:
        """Seconds."""
        return float(np.median(self.times))

    def take(self, function: Callable[[], Results], device: torch.device) -> Results:
        """Run once more; on a GPU as often as makes a time worth measuring."""
        results: list[Results] = []
        least = GPU_SECONDS if device.type == "cuda" else 0

        def work() -> None:
            wait(device)
            start, runs = time.perf_counter(), 0
            while not runs or time.perf_counter() - start < least:
                results[:] = [function()]
                runs += 1
            wait(device)
            self.times.append((time.perf_counter() - start) / runs)

        self.peak = max(self.peak, peak_mib(work, device))
        return results[0]


def largest_difference(results: Results, reference: Results) -> float:
    """Largest absolute difference of two lists of arrays."""
    return max(
        float(np.abs(np.asarray(a, np.float64) - b).max())
        for a, b in zip(results, reference, strict=True)
    )


def measure(work: Work, candidates: Sequence[Route], exact: Published, rounds: int) -> list[dict]:
    """Run one task by every route in turn, some rounds; one row a route.

    All are compared with `exact`, the published route in float32.
    """
    reference = work.published(exact)
    found = {route: Measured() for route in candidates}
    device = exact.device
    if device.type == "cuda":  # kernels are chosen, or compiled, at the first call
        for route in candidates:
            route.run(work)
    for number in range(rounds):
        for route, measured in found.items():
            results = measured.take(lambda r=route: r.run(work), device)
            if number == 0:
                measured.error = largest_difference(results, reference)
            del results
    return [
        {
            "task": work.name,
            "length": work.length,
            "route": route.name,
            "dtype": route.dtype,
            "seconds": measured.median,
            "nt_per_s": work.nt / measured.median,
            "peak_mib": measured.peak,
            "error": measured.error,
            "tokens": work.tokens,
        }
        for route, measured in found.items()
    ]


def encoding_rows(folder: Path, seed: int) -> list[dict]:
    """Tokenisation: nt/s of the tokenizer a sequence, and of the lookup table for all at once."""
    sequences = sequences_of([1000] * 200, seed)
    items = Sequences(sequences, Published(folder, batch_size=1, device=CPU).tokenizer)
    theirs = np.concatenate([items[i].numpy() for i in range(len(items))])
    same = np.array_equal(theirs, packed_tokens(sequences)[0])
    routes = {
        "published, batch 8": lambda: [items[i] for i in range(len(items))],
        "lookup table": lambda: packed_tokens(sequences),
    }
    nt = sum(map(len, sequences))
    rows = []
    for name, function in routes.items():
        best = seconds(function, CPU)
        rows.append(
            {
                "task": "encoding",
                "length": "1000",
                "route": name,
                "dtype": "int64",
                "seconds": best,
                "nt_per_s": nt / best,
                "peak_mib": float("nan"),
                "error": 0.0 if same else float("nan"),
                "tokens": 1002,
            }
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the TSV."""
    args = parse(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(args.threads or os.cpu_count() or 1)
    device = Runtime.choose(args.device, "float32").device
    scale = args.scale or (32 if device.type == "cuda" else 1)
    about = (
        f"{hardware(device)}; torch {torch.__version__}, transformers {transformers.__version__}"
    )
    log.info("%s", about)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "random"
        tiny = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
        write_random_model(folder, args.seed, tiny if args.tiny else None)
        table = _measure_all(folder, device, scale, args)
    table["hardware"] = hardware(device)
    table["torch"], table["transformers"] = torch.__version__, transformers.__version__
    with atomic_path(args.out) as path:
        table.to_csv(path, sep="\t", index=False, float_format="%.6g")
    print(f"{about}\n\n{show(table)}")
    log.info("written: %s", args.out)
    return 0


def _measure_all(
    folder: Path, device: torch.device, scale: int, args: argparse.Namespace
) -> pd.DataFrame:
    unfit = "int8" if device.type == "cuda" else "float16"
    dtypes = args.dtype or [dtype for dtype in DTYPES if dtype != unfit]
    candidates = list(routes(folder, device, dtypes, compiled=args.compile))
    if args.route:
        keep = ("published", *args.route)
        candidates = [route for route in candidates if route.name.startswith(keep)]
    ceilings = Ceilings(device, sorted({route.dtype.split()[0] for route in candidates}))
    rows = encoding_rows(folder, args.seed) if not args.task or "encoding" in args.task else []
    exact = Published(folder, batch_size=8, device=device, exact=True)
    for work in all_work(scale, args.seed):
        if args.task and work.name not in args.task:
            continue
        log.info("%s, %s nt", work.name, work.length)
        fitting = [route for route in candidates if not route.tasks or work.name in route.tasks]
        rows += measure(work, fitting, exact, args.rounds)
        ceilings.measure()
    flops = ceilings.flops
    for dtype, value in flops.items():
        log.info("matrix product, %s: %.0f GFLOP/s", dtype, value / 1e9)
    log.info("copy: %.1f GB/s", ceilings.copy / 1e9)
    table = add_ratios(pd.DataFrame(rows), flops, read_config(folder), ceilings.copy)
    table["matmul_flops"] = [flops.get(d.split()[0], np.nan) for d in table["dtype"]]
    table["copy_bytes"] = ceilings.copy
    return table


if __name__ == "__main__":
    sys.exit(main())
