"""Compare ways to paint annotated features onto windows: how fast, and are they equal?

Routes:
  tabix        one tabix query a window, then Python writes each feature into the matrix, which is
               how the paper's own code annotates windows (its bgzip and tabix index are not timed)
  splicebert   splicebert.intervals.paint_features: makes an index of the features, then paints
  paint only   the same, the index made before the clock starts

The features are a synthetic annotation (transcripts with exons, introns up to 100 kb and the 12
region names of the conservation analysis), or those of --regions.

The first run of a route may spend more on fresh memory than on painting: hence --repeats.

Examples:
  python scripts/benchmarks/benchmark_intervals.py
  python scripts/benchmarks/benchmark_intervals.py --regions regions.bed.gz --output speed.tsv
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pysam

from splicebert.intervals import FeatureIndex, paint_features

CONTIG_LENGTH = 100_000_000
INTRON_PARTS = ("intron", "near_donor", "deep_intronic_region", "near_acceptor")


def synthetic_features(n_rows, seed):
    """Isoforms of random genes on 3 contigs: chrom, start, end, name; about n_rows rows."""
    rng = np.random.default_rng(seed)
    rows = []
    while len(rows) < n_rows:
        n_exons = rng.integers(4, 16)
        exon = np.minimum(rng.lognormal(5, 0.6, n_exons).astype(int) + 30, 5_000)
        intron = np.minimum(rng.lognormal(7.5, 1.5, n_exons).astype(int) + 210, 100_000)
        start = rng.integers(CONTIG_LENGTH - 2_000_000)
        start = start + np.cumsum(exon + intron) - exon - intron
        gene = np.stack([start, start + exon], axis=1)
        chrom = f"chr{rng.integers(1, 4)}"
        for _ in range(rng.integers(1, 9)):
            isoform = gene[rng.random(n_exons) < 0.8]
            rows += transcript_rows(chrom, isoform, coding=rng.random() < 0.6)
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "name"])


def transcript_rows(chrom, exons, *, coding):
    """Feature rows of one transcript on the forward strand; exons : int (n, 2), ascending."""
    biotype = "protein_coding" if coding else "lncRNA"
    rows = []
    for i, (start, end) in enumerate(exons):
        part = "exon"
        if coding:
            part = "UTR5" if i == 0 else "UTR3" if i == len(exons) - 1 else "CDS"
        rows.append((chrom, start, end, f"{biotype}|{part}"))
    for left, right in zip(exons[:-1, 1], exons[1:, 0], strict=True):
        ends = [(left, right), (left, left + 100), (left + 100, right - 100), (right - 100, right)]
        rows += [
            (chrom, *span, f"{biotype}|{part}")
            for part, span in zip(INTRON_PARTS, ends, strict=True)
        ]
    return rows


def random_windows(features, n_windows, length, seed):
    """Windows at random places of random features: chrom, start, end."""
    rng = np.random.default_rng(seed)
    features = features[features["start"] < features["end"]]
    chosen = features.iloc[rng.integers(len(features), size=n_windows)]
    centre = rng.integers(chosen["start"], chosen["end"])
    start = centre - length // 2
    return pd.DataFrame(
        {"chrom": chosen["chrom"].to_numpy(), "start": start, "end": start + length}
    )


def write_tabix(features, folder):
    """Write features as a bgzipped, indexed BED; returns its path."""
    bed = Path(folder, "features.bed")
    features.sort_values(["chrom", "start", "end"])[["chrom", "start", "end", "name"]].to_csv(
        bed, sep="\t", header=False, index=False
    )
    return pysam.tabix_index(str(bed), preset="bed", force=True)


def paint_tabix(path, windows, names):
    """One query a window, one slice a feature; uint8 (n_windows, length, n_names)."""
    column = {name: i for i, name in enumerate(names)}
    length = int(windows["end"].iloc[0] - windows["start"].iloc[0])
    matrix = np.zeros((len(windows), length, len(names)), dtype=np.uint8)
    with pysam.TabixFile(path) as table:
        known = set(table.contigs)
        for row, window in enumerate(windows.itertuples(index=False)):
            if window.chrom not in known:
                continue
            for line in table.fetch(window.chrom, max(window.start, 0), window.end):
                _, start, end, name = line.split("\t")[:4]
                left, right = int(start) - window.start, int(end) - window.start
                matrix[row, max(left, 0) : min(right, length), column[name]] = 1
    return matrix


def fastest(route, repeats):
    """Seconds of the fastest of some runs, and what the last one returned."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = route()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), result


def compare(features, windows, names, repeats):
    """Time all routes on the same windows; a table with one row a route."""
    index = FeatureIndex(features, names)
    with tempfile.TemporaryDirectory() as folder:
        path = write_tabix(features, folder)
        routes = {
            "tabix": lambda: paint_tabix(path, windows, names),
            "splicebert": lambda: paint_features(features, windows, names),
            "paint only": lambda: index.paint(windows),
        }
        rows, expected, slowest = [], None, None
        for name, route in routes.items():
            seconds, matrix = fastest(route, repeats)
            expected, slowest = (matrix, seconds) if expected is None else (expected, slowest)
            # In place and unsigned: 1 where the two differ, without a wider copy.
            difference = int(np.bitwise_xor(matrix, expected).max())
            rows.append((name, len(windows), seconds, len(windows) / seconds, slowest / seconds))
            rows[-1] += (difference,)
    columns = ["route", "windows", "seconds", "windows_per_s", "ratio", "max_abs_difference"]
    return pd.DataFrame(rows, columns=columns)


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--regions", help="BED (may be gzipped): chrom start end name; no header")
    parser.add_argument("--output", help="write the table to this TSV")
    parser.add_argument("--windows", type=int, default=10_000, help="how many (%(default)s)")
    parser.add_argument("--length", type=int, default=510, help="nt a window (%(default)s)")
    parser.add_argument(
        "--features", type=int, default=300_000, help="synthetic features (about %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=3, help="keep the fastest of (%(default)s)")
    parser.add_argument("--seed", type=int, default=2020, help="random seed (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.regions:
        columns = ["chrom", "start", "end", "name"]
        features = pd.read_csv(
            options.regions, sep="\t", header=None, comment="#", usecols=range(4), names=columns
        )
    else:
        features = synthetic_features(options.features, options.seed)
    names = sorted(features["name"].unique())
    windows = random_windows(features, options.windows, options.length, options.seed)
    table = compare(features, windows, names, options.repeats)
    spans = features["end"] - features["start"]
    print(
        f"{len(features)} features of {len(names)} names on {features['chrom'].nunique()} contigs, "
        f"longest {spans.max()} nt; windows of {options.length} nt; fastest of {options.repeats}"
    )
    print(table.to_string(index=False, float_format="{:.4g}".format))
    if options.output:
        table.to_csv(options.output, sep="\t", index=False)


if __name__ == "__main__":
    main()
