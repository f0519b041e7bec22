"""How long Snakemake thinks, and how much memory it takes, by the number of shards.

Dry runs in an empty folder, so that every job of the configuration is in the DAG: the paper's
configuration with all its `shards` at 1, 10 and 100, and a VCF cut into more and more shards. Each
is a process of its own; seconds are of its CPU, the imports and the reading of the rules included.

Examples:
  python scripts/benchmarks/benchmark_dag.py --output docs/dag.cpu.tsv
  python scripts/benchmarks/benchmark_dag.py --shards 1 400 --vcf-shards
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("conservation", "embedding", "attention", "variant", "dependency")
RUN = """
import io, json, re, sys, time
from contextlib import redirect_stderr, redirect_stdout
from snakemake.cli import main
began, text = time.monotonic(), io.StringIO()
with redirect_stdout(text), redirect_stderr(text):
    try:
        main(sys.argv[1:])
    except SystemExit as end:
        code = end.code
# Not ru_maxrss, which begins with the peak of the process that started this one.
peak = next(int(x.split()[1]) for x in open("/proc/self/status") if x.startswith("VmHWM"))
total = re.findall(r"^total +(\\d+)$", text.getvalue(), re.M)
if code or not total:
    sys.exit(text.getvalue()[-3000:])
print(json.dumps({"jobs": int(total[-1]), "cpu_seconds": time.process_time(),
                  "seconds": time.monotonic() - began, "peak_mib": peak / 1024}))
"""


def with_shards(config, shards):
    """The configuration with every section's shards set."""
    sections = {name: config[name] | {"shards": shards} for name in SECTIONS if name in config}
    return config | sections


def with_vcf(config, shards, folder):
    """Nothing but a VCF, scored by the paper's models in so many shards."""
    files = {name: str(folder / name) for name in ("own.vcf.gz", "annotation.gtf.gz")}
    for name in files.values():
        Path(name).touch()
    annotation = {"annotation": files["annotation.gtf.gz"], "annotation_format": "gtf"}
    genome = config["genomes"]["hg19"] | annotation
    own = {"genome": "hg19", "assembly": "hg19", "file": files["own.vcf.gz"]}
    vcfs = {"files": {"own": own}, "models": config["variant"]["models"], "shards": shards}
    return {
        "genomes": {"hg19": genome},
        "inference": config["inference"],
        "variant": {"vcfs": vcfs},
    }


def measure(config, folder):
    """Jobs, seconds and MiB of a dry run."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    words = ["-n", "--quiet", "rules", "--cores", "1", "--snakefile", ROOT / "Snakefile"]
    words += ["--workflow-profile", ROOT / "profiles/default"]
    words += ["--configfile", path, "--directory", folder / "run"]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, words)],
        capture_output=True, check=False, text=True, cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    return json.loads(done.stdout.splitlines()[-1])


def growth(rows):
    """Add what a job more costs, against the row before of the same case."""
    table = pd.DataFrame(rows)
    change = table.groupby("case")[["jobs", "cpu_seconds", "peak_mib"]].diff()
    table["ms_a_job_more"] = 1000 * change["cpu_seconds"] / change["jobs"]
    table["kib_a_job_more"] = 1024 * change["peak_mib"] / change["jobs"]
    return table


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=ROOT / "config/paper.yaml")
    parser.add_argument("--shards", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--vcf-shards", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--output", type=Path, help="also write the table there (TSV)")
    options = parser.parse_args()
    config = yaml.safe_load(options.config.read_text())
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = [(options.config.stem, n, with_shards(config, n)) for n in options.shards]
        cases += [("vcf", n, with_vcf(config, n, folder)) for n in options.vcf_shards]
        for case, shards, changed in cases:
            rows.append({"case": case, "shards": shards} | measure(changed, folder))
            print(rows[-1], file=sys.stderr, flush=True)
    table = growth(rows)
    print(table.to_string(index=False))
    if options.output:
        table.to_csv(options.output, sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
