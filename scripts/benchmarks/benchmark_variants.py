"""Peak memory and speed of `splicebert score-variants` by the number of records.

Everything is made for the run: a genome with genes, VCFs of SNVs, insertions and deletions, and a
random checkpoint, tiny unless `--true-size`. Each VCF is scored in a process of its own, as table,
annotated VCF and list of what is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TRUE = {"hidden_size": 512, "num_hidden_layers": 6, "num_attention_heads": 16}
CONTIG, GENE, INTRON = 4_000_000, 20_000, 900
RUN = """
import json, sys
from splicebert.cli import main
code = main(sys.argv[1:])
# Not ru_maxrss, which begins with the peak of the process that started this one.
peak = next(int(x.split()[1]) for x in open("/proc/self/status") if x.startswith("VmHWM"))
print(json.dumps({"code": code, "peak": peak / 1024}))
"""


def make_model(folder: Path, size: dict[str, int], length: int) -> Path:
    """Save a masked language model with random weights."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    from splicebert.sequence import VOCABULARY

    torch.manual_seed(1)
    more = {"vocab_size": 10, "max_position_embeddings": length + 2, "initializer_range": 0.1}
    config = BertConfig(**size, **more, intermediate_size=4 * size["hidden_size"])
    BertForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


def make_genome(folder: Path, rng: np.random.Generator) -> tuple[Path, Path, str]:
    """Write a FASTA of one contig, and a GTF whose genes cover a quarter of it, + and - in turn."""
    sequence = "".join(rng.choice(list("ACGT"), CONTIG))
    (folder / "genome.fa").write_text(f">chr1\n{sequence}\n")
    with (folder / "genes.gtf").open("w") as handle:
        for number, start in enumerate(range(0, CONTIG - GENE, 4 * GENE)):
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


def measure(folder: Path, vcf: Path, options: list[str]) -> tuple[float, str]:
    """Peak resident memory in MiB, and the last line of the log."""
    command = ["score-variants", str(vcf), "-o", str(folder / "out.parquet"), "--annotated"]
    command += [str(folder / "out.vcf.gz"), *options]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *command],
        check=False, capture_output=True, text=True, env={**os.environ},
    )  # fmt: skip
    if done.returncode or json.loads(done.stdout.splitlines()[-1])["code"] not in (0, 3):
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])["peak"], done.stderr.splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--length", type=int, default=510)
    parser.add_argument("--true-size", action="store_true", help="6 layers of 512")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-nt", type=int, help="nucleotides a batch (default: by device)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(1)
        size = TRUE if args.true_size else TINY
        (folder / "model").mkdir()
        model = make_model(folder / "model", size, args.length)
        genome, genes, sequence = make_genome(folder, rng)
        options = ["-m", str(model), "--genome", str(genome), "--annotation", str(genes)]
        options += [
            "--length",
            str(args.length),
            "--any-length",
            "--device",
            args.device,
            "--batch-nt",
            "8192",
        ]
        for records in args.records:
            vcf = make_vcf(folder / f"{records}.vcf", sequence, records, rng)
            peak, line = measure(folder, vcf, options)
            print(f"{records} records: peak {peak:.0f} MiB; {line}", flush=True)


if __name__ == "__main__":
    main()
