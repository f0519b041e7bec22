"""What the paper's analyses, a million variants and a transcriptome take: hours, disk, jobs.

nt to run come from the numbers below; hours from a measured throughput (`python -m
splicebert.benchmark` writes such a table, on a GPU as well); jobs from a dry run. Nothing of this
size has been run. Where a number of sequences is not at hand it is assumed, and the row says so.

Examples:
  python scripts/benchmarks/estimate_cost.py --output docs/cost.tsv --page docs/cost.md
  python scripts/benchmarks/estimate_cost.py --throughput gpu.tsv --route sdpa --dtype float16
"""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from benchmark_dag import measure, yaml

ROOT = Path(__file__).resolve().parents[2]
GIB = 2**30
HIDDEN, LAYERS, HALF = 512, 7, 2  # values, with the embedding output, bytes
EPOCHS = 20  # of a fold until its score has stalled; at most 200
BACKWARD = 2  # forward passes that a backward pass is worth


def passes(training, rest):
    """Forward passes that an epoch is worth, by the shares of examples trained on and looked at."""
    return training * (1 + BACKWARD) + rest


class Work(NamedTuple):
    """A step: `runs` times `items` sequences of `nt` nucleotides, each run `repeats` times.

    task : of the table of throughputs, with the length that stands for it
    size : bytes that an item leaves, before compression
    basis : where the numbers come from
    """

    branch: str
    step: str
    items: int
    nt: int
    repeats: float
    runs: int
    task: str
    length: int
    size: int
    basis: str


FOLDED = "assumed: sequences, epochs; a backward pass as two forward passes"
WORK = (
    Work("conservation", "masked bases", 100_000, 510, 1, 2, "MLM logits", 510, 510 * 17, "paper"),
    Work("conservation", "hidden states of the probe", 1_000, 510, 1, 2, "hidden states", 510,
         510 * HIDDEN * HALF, "paper"),
    Work("embedding", "sites of both sets", 40_000, 510, 1, 2, "hidden states", 510,
         2 * LAYERS * HIDDEN * HALF, "paper for one set, the other assumed to be as large"),
    Work("attention", "pairs", 42_000, 1000, 1, 1, "attention rows", 1000, 100,
         "assumed: six groups, seven bins of 1,000"),
    Work("attention", "introns", 48_109, 1000, 1, 1, "attention rows", 1000,
         6 * (2 * 201 + 2 * 16) * 4, "paper"),
    Work("variant", "VexSeq and MFASS", 1_971 + 27_733, 510, 3, 2, "MLM logits", 510, 700,
         "paper; at most, since variants of an exon share the reference"),
    Work("variant", "mutagenesis", 20_000, 510, 3, 2, "mutagenesis", 510, 254 * 4, "paper"),
    Work("branchpoint", "fine-tuning, 9 methods, 5 folds", 40_000, 510,
         EPOCHS * passes(0.6, 0.4), 45, "hidden states", 510, 27 * 8, FOLDED),
    Work("splicesite", "fine-tuning, 3 methods, 2 sites, 10 folds", 20_000, 400,
         EPOCHS * passes(0.7, 0.3), 60, "hidden states", 510, 8, FOLDED),
    Work("splicesite", "4 species", 40_000, 400, 1, 60, "hidden states", 510, 8,
         "assumed: 10,000 sequences a species and site"),
    Work("of your own", "1,000,000 SNVs", 1_000_000, 510, 3, 1, "MLM logits", 510, 200,
         "at most, as above; on one strand"),
    Work("of your own", "a transcriptome, last layer of every nt", 1_300_000_000 // 510, 510, 1, 1,
         "hidden states", 510, 510 * HIDDEN * HALF, "assumed: 1.3e9 nt of canonical pre-mRNA"),
)  # fmt: skip


def throughput(table, task, length, route, dtype):
    """Speed of a route in nt a second, from a table of `splicebert.benchmark`."""
    found = table[
        (table["task"] == task) & (table["length"].astype(str) == str(length))
        & (table["route"] == route) & (table["dtype"] == dtype)
    ]  # fmt: skip
    if len(found) != 1:
        raise SystemExit(
            f"{len(found)} rows with task {task!r}, length {length}, route {route!r}, dtype "
            f"{dtype!r}; routes are {', '.join(sorted(set(table['route'])))}"
        )
    return float(found["nt_per_s"].iloc[0])


def estimate(table, route, dtype):
    """A row for each step."""
    rows = []
    for work in WORK:
        nt = work.items * work.nt * work.repeats * work.runs
        speed = throughput(table, work.task, work.length, route, dtype)
        rows.append(
            {
                "branch": work.branch,
                "step": work.step,
                "sequences": work.items,
                "nt": round(nt),
                "nt_per_s": round(speed),
                "hours": round(nt / speed / 3600, 2),
                "hours_at_1e6_nt_per_s": round(nt / 1e6 / 3600, 3),
                "disk_gib": round(work.items * work.runs * work.size / GIB, 2),
                "numbers": work.basis,
            }
        )
    return pd.DataFrame(rows)


def count_jobs():
    """Jobs of the paper's configuration as shipped."""
    config = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        return measure(config, Path(folder))["jobs"]


PAGE = """# What it costs

Made by `scripts/benchmarks/estimate_cost.py`; the same as a table: [cost.tsv](cost.tsv).
**Estimates**: nothing of this size has been run. `hours` are those of {hardware}
({route}, {dtype}), at the throughput measured there ([benchmark.cpu.tsv](benchmark.cpu.tsv)).
No GPU has been measured: the column behind it holds GPU hours at one million nt/s, a unit and no
claim; at five million it is a fifth. Measure yours, and get the table for it:

<!-- not run: needs a GPU -->
```bash
python -m splicebert.benchmark --device cuda --out benchmark.gpu.tsv
python scripts/benchmarks/estimate_cost.py --throughput benchmark.gpu.tsv \\
    --route "flash" --dtype float16 # a route that the table has
```

{table}

Disk is what inference leaves, before compression. The paper's configuration as it is shipped,
downloads included, is {jobs:,} jobs; [dag.cpu.tsv](dag.cpu.tsv) holds what Snakemake takes to plan
more of them.

Growth is linear in the number of sequences for inference, training and their files, and in the
number of shards for jobs, planning time and memory. It is not for the neighbours and the layout of
the embedding's sites (a little faster than their number), and for dependency maps, where a
window of L nt is run 3 L + 1 times: the square of its length. The memory of `score-variants` did
not grow along a million records: [variants_memory.cpu.tsv](variants_memory.cpu.tsv).
"""


def markdown(table):
    """The table as markdown."""
    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    for row in table.itertuples(index=False):
        cells = (f"{v:,}" if isinstance(v, int | float) else str(v) for v in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--throughput", type=Path, default=ROOT / "docs/benchmark.cpu.tsv")
    parser.add_argument("--route", default="sdpa", help="of the table of throughputs")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--output", type=Path, help="also write the table there (TSV)")
    parser.add_argument("--page", type=Path, help="also write the page there (markdown)")
    options = parser.parse_args()
    measured = pd.read_csv(options.throughput, sep="\t")
    table = estimate(measured, options.route, options.dtype)
    print(table.to_string(index=False))
    if options.output:
        table.to_csv(options.output, sep="\t", index=False)
    if options.page:
        about = {"route": options.route, "dtype": options.dtype, "jobs": count_jobs()}
        about |= {"hardware": measured["hardware"].iloc[0], "table": markdown(table)}
        options.page.write_text(PAGE.format(**about))


if __name__ == "__main__":
    main()
