"""Peak memory and wall time of the embedding and attention branches at the paper's numbers.

Runs the workflow on a synthetic genome of 65 Mb: 20,000 sites, every layer and the five one-hot
baselines; introns up to 800 nt, as many as in the paper (48,109). The models have random weights,
for what their states say makes no difference here:

  embedding   6 layers, hidden size 512, as in the paper: 7 x 1,024 values a site. Windows of
              32 nt, because the time of inference is not what is measured (`splicebert.benchmark`
              is for that)
  attention   6 layers, hidden size 32, 2 heads; windows of the paper's length

With `--true-size` both models are as large as the paper's, with windows of 1,024 and 1,000 nt, for
the memory that inference takes with fewer sites and introns: it is streamed, so that their number
adds little.

What a job took is Snakemake's own benchmark: seconds of the clock and of the cores, and the largest
resident set in MB.

Examples:
  python scripts/benchmarks/benchmark_scale.py --output scale.tsv
  python scripts/benchmarks/benchmark_scale.py --branches embedding --per-class 500 --megabases 4
  python scripts/benchmarks/benchmark_scale.py --true-size --per-class 60 --introns 240 --per-bin 1
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from splicebert.benchmark.cases import write_random_model

ROOT = Path(__file__).resolve().parents[2]
CHROMOSOME = 2_500_000  # nt
FLANKS = [10, 20, 50, 100, 200]


def model_entry(folder, can):
    return {
        "adapter": "splicebert", "label": folder.name, "colour": "#0072B2", "can": can,
        "folder": str(folder), "weights": "model.safetensors", "max_length": 1024,
    }  # fmt: skip


def configuration(options, folder):
    """Write the models and return the workflow's configuration."""
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    narrow = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 128}
    write_random_model(folder / "wide", 0)
    write_random_model(folder / "narrow", 0, narrow)
    attention_model = "wide" if options.true_size else "narrow"
    data = {"genome": "demo", "assembly": "demo"}
    chromosomes = max(2, round(options.megabases * 1e6 / CHROMOSOME))
    sites = data | {"kind": "motif", "per_class": options.per_class}
    return {
        "demo": {"chromosomes": {f"chr{i + 1}": CHROMOSOME for i in range(chromosomes)}},
        "genomes": {"demo": shipped["genomes"]["demo"]},
        "models": {
            "wide": model_entry(folder / "wide", ["hidden_states", "attention"]),
            "narrow": model_entry(folder / "narrow", ["attention"]),
        },
        "inference": {"device": options.device, "threads": options.cores},
        "embedding": {
            "datasets": {"sites": sites} if "embedding" in options.branches else {},
            "models": ["wide"],
            "flanks": FLANKS,
            "windows": {"length": 1024 if options.true_size else 32},
        },
        "attention": {
            "datasets": {"introns": data} if "attention" in options.branches else {},
            "models": [attention_model],
            "pairs": {"per_bin": options.per_bin},  # the introns are far more
            "introns": {"most": options.introns},
        },
    }


def collect(folder):
    """Snakemake's benchmarks: one row a job, branch, job, seconds, cpu_seconds, peak_mb."""
    rows = []
    for path in sorted((folder / "benchmarks").rglob("*.tsv")):
        job = path.relative_to(folder / "benchmarks").with_suffix("")
        if job.parts[0] in ("embedding", "attention"):
            found = pd.read_csv(path, sep="\t", na_values=["-", "NA"]).iloc[0]
            values = (found["s"], found["cpu_time"], found["max_rss"])
            rows.append((job.parts[0], "/".join(job.parts[1:]), *map(float, values)))
    columns = ["branch", "job", "seconds", "cpu_seconds", "peak_mb"]
    return pd.DataFrame(rows, columns=columns).round({"seconds": 1, "cpu_seconds": 1, "peak_mb": 0})


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", help="write the table to this TSV")
    parser.add_argument("--folder", help="working folder, kept (a temporary one)")
    parser.add_argument("--branches", nargs="+", default=["embedding", "attention"])
    parser.add_argument("--cores", type=int, default=2, help="of Snakemake (%(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (%(default)s)")
    parser.add_argument("--megabases", type=float, default=65, help="genome (%(default)s)")
    parser.add_argument("--per-class", type=int, default=5000, help="sites (%(default)s)")
    parser.add_argument("--introns", type=int, default=48_109, help="at most (%(default)s)")
    parser.add_argument("--per-bin", type=int, default=50, help="pairs (%(default)s)")
    parser.add_argument("--true-size", action="store_true", help="the paper's model in both")
    return parser.parse_args(arguments)


def run(options, folder):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scale.yaml"
    path.write_text(yaml.safe_dump(configuration(options, folder), sort_keys=False))
    command = [sys.executable, "-m", "snakemake", *options.branches, "--cores", options.cores]
    command += ["--snakefile", ROOT / "Snakefile", "--configfile", path, "--directory", folder]
    subprocess.run([str(part) for part in command], check=True)
    table = collect(folder)
    for name in ("embedding/sites/inputs", "attention/introns/inputs.introns"):
        path = folder / f"results/{name}.parquet"
        if path.exists():
            print(f"{name}: {len(pd.read_parquet(path))}")
    print(table.to_string(index=False))
    if options.output:
        table.to_csv(options.output, sep="\t", index=False)


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.folder:
        run(options, Path(options.folder).resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(options, Path(folder))


if __name__ == "__main__":
    main()
