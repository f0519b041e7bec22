"""Memory and speed of `splicebert score-variants` by the number of records.

Everything is made for the run: a genome with genes, VCFs of SNVs, insertions and deletions, and a
random checkpoint, tiny unless `--true-size`. Each VCF is scored in a process of its own, as table,
annotated VCF and list of what is left out, and its resident memory is sampled meanwhile (Linux).

Columns of the table, a row a run:
  records, shard      of the VCF, and which part of it was scored
  length              nt of a window
  rows, seconds       of the output; from the first window to the last row
  variants_per_s, nt_per_s   as the command logs them
  peak_mib            largest resident memory from the start of the process to its end
  mib_25 ... mib_100  largest resident memory in each quarter of the part's records
  own_25 ... own_100  the same without mapped files (RssAnon)

Examples:
  python scripts/benchmarks/benchmark_variants.py --records 100000 1000000 --output memory.tsv
  python scripts/benchmarks/benchmark_variants.py --records 100000 --format tsv --no-annotated
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from watch_process import quarters, watch

from splicebert.benchmark.cases import write_random_model
from splicebert.benchmark.machine import hardware

TINY = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
}  # fmt: skip
CONTIG, GENE, INTRON = 4_000_000, 20_000, 900
RUN = """
import json, sys
from splicebert.cli import main
code = main(sys.argv[1:])
# Not ru_maxrss, which begins with the peak of the process that started this one.
peak = next(int(x.split()[1]) for x in open("/proc/self/status") if x.startswith("VmHWM"))
print(json.dumps({"code": code, "peak": peak / 1024}))
"""
LAST = re.compile(r"(\d+) rows, .* in ([\d.]+) s: ([\d,.]+) variants/s, ([\d,]+) nt/s")


def make_genome(folder: Path, covered: float, rng: np.random.Generator) -> tuple[Path, Path, str]:
    """Write a FASTA of one contig, and a GTF whose genes cover a share of it, + and - in turn."""
    sequence = "".join(rng.choice(list("ACGT"), CONTIG))
    (folder / "genome.fa").write_text(f">chr1\n{sequence}\n")
    with (folder / "genes.gtf").open("w") as handle:
        for number, start in enumerate(range(0, CONTIG - GENE, round(GENE / covered))):
            name = f'gene_id "g{number}"; transcript_id "t{number}"; gene_type "lncRNA";'
            for left in range(start, start + GENE, INTRON + 100):
                place = f"{left + 1}\t{left + 100}\t.\t{'+-'[number % 2]}"
                handle.write(f"chr1\tx\texon\t{place}\t.\t{name}\n")
    return folder / "genome.fa", folder / "genes.gtf", sequence


def make_vcf(path: Path, sequence: str, records: int, rng: np.random.Generator) -> Path:
    """Write sorted records: SNVs, one in ten an insertion or deletion, one in fifty wrong."""
    starts = np.sort(rng.integers(10, len(sequence) - 20, records))
    with path.open("w") as handle:
        handle.write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for number, start in enumerate(starts.tolist()):
            ref = sequence[start]
            alt = "ACGT"["ACGT".index(ref) - 1]
            if number % 20 == 0:
                alt = ref + "ACG"[: 1 + number % 3]
            elif number % 20 == 10:
                ref, alt = sequence[start : start + 5], ref
            elif number % 50 == 1:
                ref, alt = alt, ref
            handle.write(f"chr1\t{start + 1}\tv{number}\t{ref}\t{alt}\t.\t.\t.\n")
    return path


def measure(vcf: Path, command: list[str], shard: str, every: float) -> dict[str, float]:
    """Score a VCF and return the columns of the table."""
    log = vcf.with_suffix(".log")
    with log.open("w") as handle:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, "score-variants", str(vcf), *command, "--shard", shard],
            stdout=subprocess.PIPE, stderr=handle, text=True,
        )  # fmt: skip
        samples = watch(process, vcf, log, ": records ", every)
        out = process.communicate()[0]
    if process.returncode or json.loads(out.splitlines()[-1])["code"] not in (0, 3):
        sys.exit(log.read_text())
    found = LAST.search(log.read_text().splitlines()[-1])
    numbers = [float(text.replace(",", "")) for text in found.groups()]
    row = dict(zip(("rows", "seconds", "variants_per_s", "nt_per_s"), numbers, strict=True))
    row["peak_mib"] = json.loads(out.splitlines()[-1])["peak"]
    for name, key in (("mib", "resident"), ("own", "own")):
        row |= {f"{name}_{25 * (i + 1)}": x for i, x in enumerate(quarters(samples, key, shard))}
    return row


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--shards", nargs="+", default=["1/1"], metavar="I/N", help="parts to run")
    parser.add_argument("--length", type=int, default=510)
    parser.add_argument("--covered", type=float, default=0.25, help="share of bases in genes")
    parser.add_argument("--true-size", action="store_true", help="6 layers of 512")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-nt", default="8192", help="nucleotides a batch")
    parser.add_argument("--format", choices=("parquet", "tsv"), default="parquet")
    parser.add_argument("--no-annotated", action="store_true", help="no annotated VCF")
    parser.add_argument("--every", type=float, default=1, help="seconds between samples")
    parser.add_argument("--output", help="TSV to write")
    return parser.parse_args()


def main() -> None:
    args, rows = parse(), []
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = device if args.device == "auto" else torch.device(args.device)
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(1)
        size = {} if args.true_size else TINY
        size = size | {"max_position_embeddings": args.length + 2}
        write_random_model(folder / "model", 1, size)
        genome, genes, sequence = make_genome(folder, args.covered, rng)
        command = ["-m", str(folder / "model"), "--genome", str(genome), "--annotation", str(genes)]
        command += ["--length", str(args.length), "--any-length", "--device", args.device]
        command += ["--batch-nt", args.batch_nt, "-o", str(folder / f"out.{args.format}")]
        if not args.no_annotated:
            command += ["--annotated", str(folder / "out.vcf.gz")]
        for records in args.records:
            vcf = make_vcf(folder / f"{records}.vcf", sequence, records, rng)
            for shard in args.shards:
                row = {"records": records, "shard": shard, "length": args.length}
                row |= measure(vcf, command, shard, args.every)
                rows.append(row | {"hardware": hardware(device)})
                print(pd.Series(row).to_string(float_format="{:.6g}".format), flush=True)
                if args.output:
                    table = pd.DataFrame(rows)
                    table.to_csv(args.output, sep="\t", index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
