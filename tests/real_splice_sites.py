"""Fine-tune a small model on real splice sites, against a position-weight matrix and from scratch.

    python tests/real_splice_sites.py --output real.tsv

runs the workflow's splice-site branch on human sites in Spliceator's form (SPLICEBERT_SHARED,
default ../shared) and on Arabidopsis sites that no model was trained on. The model is the demo's:
it knows a synthetic genome, and no real sequence. Prints AUC, average precision and F1 with 95 %
intervals, and what each method has more than the others.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
REAL = Path(os.environ.get("SPLICEBERT_SHARED", ROOT.parent / "shared")) / "real/splice_site"
TABLES = ("summary", "differences")


def files(site: str) -> tuple[dict, dict]:
    """Files of human sites, and of Arabidopsis."""
    stem = f"{REAL}/Benchmarks/Thaliana/SA_sequences_{site}_400_Final_3"
    human = {
        "positive": f"{REAL}/POS_{site}_600.csv",
        "negative": f"{REAL}/NEG_600_{site}.csv",
    }
    other = {"positive": f"{stem}.positive.txt", "negative": f"{stem}.negative.txt"}
    return human, other


def configuration(options: argparse.Namespace) -> dict:
    """The branch alone: stratified folds as in the paper, a rate for so small a model."""
    pairs = {site: files(site) for site in options.sites}
    human = {
        "files": {site: human for site, (human, _) in pairs.items()},
        "sites": options.sites,
        "benchmarks": {"Thaliana": {"files": {site: other for site, (_, other) in pairs.items()}}},
    }
    return {
        "genomes": {"none": {"assembly": "none", "fasta": "resources/none.fa"}},
        "inference": {"device": "cpu", "threads": 1},
        "splicesite": {
            "datasets": {"human": human},
            "methods": {
                "demo": {"model": "demo"},
                "scratch": {"model": "demo", "initial": "random"},
            },
            "windows": {"length": options.length},
            "folds": {"run": options.folds},
            "training": {
                "optimiser": {"learning_rate": options.rate, "weight_decay": 0.01},
                "batch": {"size": 16},
                "epochs": options.epochs,
                "schedule": {"kind": "linear", "floor": 0, "warmup_steps": 50},
                "hidden_dropout": 0.1,
                "attention_dropout": 0.1,
                "score": "auc",
            },
            "pwm": {"flanks": [10, 25, 50]},
        },
    }


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, help="write the table to this TSV")
    parser.add_argument("--folder", type=Path, help="working folder, kept (a temporary one)")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--sites", nargs="+", default=["donor", "acceptor"])
    parser.add_argument("--length", type=int, default=120, help="nt of a window (%(default)s)")
    parser.add_argument("--folds", type=int, default=3, help="of ten that are run (%(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="(%(default)s)")
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate (%(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "real.yaml"
    path.write_text(yaml.safe_dump(configuration(options), sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "splicesite", "--cores", options.cores]
    command += ["--quiet", "rules", "--snakefile", ROOT / "Snakefile"]
    command += ["--configfile", path, "--directory", folder]
    subprocess.run([str(part) for part in command], check=True)
    found = [
        pd.read_csv(folder / f"results/splicesite/tables/{name}.tsv", sep="\t") for name in TABLES
    ]
    for table in found:
        print(table.round(3).to_string(index=False), end="\n\n")
    if options.output:
        found[0].round(4).to_csv(options.output, sep="\t", index=False)


def main(arguments: list[str] | None = None) -> None:
    options = parse_arguments(arguments)
    if not REAL.is_dir():
        raise SystemExit(f"no folder {REAL}; set SPLICEBERT_SHARED to the one that holds real/")
    if options.folder:
        run(options, options.folder.resolve())
        return
    with tempfile.TemporaryDirectory() as folder:
        run(options, Path(folder))


if __name__ == "__main__":
    main()
