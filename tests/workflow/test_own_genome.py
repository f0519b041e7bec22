"""A small genome of one's own, and what is said where one of its files is wrong."""

import gzip
import re

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from splicebert.formats import read_bed

LENGTH = 12_000
CONTIGS = ("chr1", "chr2")
ONEHOT = {"adapter": "onehot", "label": "One-hot", "colour": "#999999", "flank": 2,
          "can": ["hidden_states"]}  # fmt: skip


def write_fasta(path, contigs):
    rng = np.random.default_rng(1)
    lines = []
    for name in contigs:
        sequence = "".join(np.array(list("ACGTacgt"))[rng.integers(0, 8, LENGTH)])
        lines += [f">{name}", *(sequence[i : i + 60] for i in range(0, LENGTH, 60))]
    path.write_text("\n".join(lines) + "\n")


def gtf_lines(contigs, *, gene_type):
    """Two genes a contig, one on either strand, three exons each; the first is coding."""
    for contig in contigs:
        for number, (strand, first) in enumerate((("+", 1001), ("-", 6001))):
            name = f"{contig}.{number}"
            kind = "lncRNA" if number else "protein_coding"
            tail = f'gene_id "G{name}"; transcript_id "T{name}";'
            tail += f' gene_type "{kind}";' if gene_type else ""
            exons = [(first + 1000 * i, first + 1000 * i + 299) for i in range(3)]
            rows = [("transcript", exons[0][0], exons[-1][1])]
            rows += [("exon", *exon) for exon in exons]
            rows += [] if number else [("CDS", *exons[1])]
            for feature, start, end in rows:
                yield f"{contig}\tx\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{tail}\n"


def write_gtf(path, contigs=CONTIGS, *, gene_type=True):
    path.write_bytes(gzip.compress("".join(gtf_lines(contigs, gene_type=gene_type)).encode()))


def write_track(path, contigs, low, high):
    values = np.random.default_rng(2).uniform(low, high, LENGTH)
    with pyBigWig.open(str(path), "w") as track:
        track.addHeader([(name, LENGTH) for name in contigs])
        for name in contigs:
            track.addEntries(name, 0, values=values.tolist(), span=1, step=1)


def write_bed(path, line_end):
    rows = [f"{c}\t1000\t1300\tprotein_coding|CDS\t.\t+" for c in CONTIGS]
    path.write_bytes((line_end.join(rows) + line_end).encode())


@pytest.fixture(scope="module")
def genomes(tmp_path_factory):
    """Files of good and bad genomes, and the entries of the configuration that name them."""
    folder = tmp_path_factory.mktemp("genomes")
    write_fasta(folder / "genome.fa", CONTIGS)
    write_fasta(folder / "short.fa", CONTIGS[:1])
    write_gtf(folder / "genes.gtf.gz")
    write_gtf(folder / "untyped.gtf.gz", gene_type=False)
    (folder / "cut.gtf.gz").write_bytes((folder / "genes.gtf.gz").read_bytes()[:-40])
    write_track(folder / "phastcons.bw", CONTIGS, 0, 1)
    write_track(folder / "short.bw", CONTIGS[:1], 0, 1)
    write_track(folder / "phylop.bw", CONTIGS, -5, 5)
    write_bed(folder / "regions.bed", "\n")
    write_bed(folder / "crlf.bed", "\r\n")
    good = {"assembly": "toy", "fasta": "genome.fa", "annotation": "genes.gtf.gz",
            "phastcons": "phastcons.bw", "phylop": "phylop.bw"}  # fmt: skip
    changes = {
        "good": {},
        "short": {"fasta": "short.fa"},
        "untyped": {"annotation": "untyped.gtf.gz"},
        "inferred": {"annotation": "untyped.gtf.gz", "infer_gene_type": True},
        "cut": {"annotation": "cut.gtf.gz"},
        "hole": {"phastcons": "short.bw"},
        "swapped": {"phastcons": "phylop.bw", "phylop": "phastcons.bw"},
        "crlf": {},
    }
    files = ("fasta", "annotation", "phastcons", "phylop")
    entries = {
        name: {k: str(folder / v) if k in files else v for k, v in (good | change).items()}
        for name, change in changes.items()
    }
    return folder, entries


def configure(entries, **datasets):
    return {
        "genomes": entries,
        "models": {"onehot": ONEHOT},
        "inference": {"device": "cpu", "threads": 1},
        "conservation": {
            "datasets": {
                name: {"genome": name, "assembly": "toy"} | datasets.get(name, {})
                for name in entries
            },
            "bootstrap": {"replicates": 20},
            "mlm": {"models": ["demo"], "windows": 8},
            "probe": {"models": ["onehot"], "windows": 8, "max_iter": 20},
        },
    }


@pytest.fixture(scope="module")
def failed(genomes, project, tmp_path_factory, refuse, write_config):
    """One run over all genomes that goes on after a failure: its folder and its output."""
    folder, entries = genomes
    workdir = tmp_path_factory.mktemp("own")
    path = write_config(
        workdir / "own.yaml", configure(entries, crlf={"regions": str(folder / "crlf.bed")})
    )
    targets = [
        f"results/conservation/{name}/{kind}_windows.zarr.zip"
        for name, kind in (
            ("good", "mlm"), ("good", "probe"), ("short", "probe"), ("untyped", "probe"),
            ("inferred", "probe"), ("cut", "probe"), ("hole", "probe"), ("swapped", "probe"),
            ("crlf", "mlm"),
        )
    ]  # fmt: skip
    output = refuse(*targets, "--cores", "2", "--keep-going", "--configfile", path, "--directory",
                    workdir, cwd=project)  # fmt: skip
    return workdir, output


FAILURES = {
    "FASTA without a contig": (
        "prepare_conservation_windows",
        ["short.fa", "that it lacks: chr2", "missing_contigs: skip"],
        "results/conservation/short/inputs.probe.parquet",
    ),
    "GTF without gene types": (
        "extract_annotation", ["untyped.gtf.gz", "infer_gene_type"],
        "resources/reference/untyped/regions.parquet",
    ),
    "truncated annotation": (
        "extract_annotation", ["cut.gtf.gz", "truncated gzip file"],
        "resources/reference/cut/regions.parquet",
    ),
    "bigWig without a contig": (
        "annotate_conservation_probe", ["short.bw", "no contig 'chr2'"],
        "results/conservation/hole/probe_windows.zarr.zip",
    ),
    "tracks swapped": (
        "annotate_conservation_probe", ["phylop.bw", "swapped"],
        "results/conservation/swapped/probe_windows.zarr.zip",
    ),
    "BED with CR LF": (
        "annotate_conservation_mlm", ["crlf.bed", "CR"],
        "results/conservation/crlf/mlm_windows.zarr.zip",
    ),
}  # fmt: skip


def said_by(rule, output):
    """What jobs of a rule said: from the rule's name to the end of the line.

    Snakemake writes kilobytes at a time, in pieces between which a job's line may land.
    """
    return re.findall(rf"\b{rule}: .*", output)


@pytest.mark.parametrize("failure", FAILURES)
def test_one_line_names_the_file_and_what_is_wrong(failed, failure):
    workdir, output = failed
    rule, words, absent = FAILURES[failure]

    lines = said_by(rule, output)
    named = [line for line in lines if all(word in line for word in words)]
    assert len(set(named)) == 1, "\n".join(lines)
    assert not (workdir / absent).exists()
    assert not list((workdir / absent).parent.glob(".tmp-*"))  # no half-written file either


def test_logs_say_it_too(failed):
    workdir, _ = failed
    text = (workdir / "logs/reference/untyped/extract_annotation.log").read_text()

    assert "infer_gene_type" in text
    assert "ERROR" in text


@pytest.mark.parametrize(
    "path",
    [
        "results/conservation/good/mlm_windows.zarr.zip",
        "results/conservation/good/probe_windows.zarr.zip",
        "results/conservation/inferred/probe_windows.zarr.zip",
        "results/conservation/hole/inputs.probe.parquet",
        "results/conservation/crlf/inputs.mlm.parquet",
        "resources/reference/short/regions.parquet",
        "resources/reference/cut/genome.fai",
    ],
)
def test_what_was_right_is_there(failed, path):
    workdir, _ = failed

    assert (workdir / path).exists()


def test_gene_types_can_be_inferred(failed):
    """The toy's gene types are those that the rule infers: CDS or none."""
    workdir, _ = failed
    good, inferred = (
        pd.read_parquet(workdir / f"resources/reference/{name}/regions.parquet")
        for name in ("good", "inferred")
    )

    pd.testing.assert_frame_equal(good, inferred)


def test_the_masked_language_model_alone(genomes, project, failed, run, write_config):
    """Without the probe no track is needed."""
    _, entries = genomes
    workdir, _ = failed
    configuration = configure({"good": entries["good"] | {"phastcons": None, "phylop": None}})
    configuration["conservation"]["probe"]["models"] = []
    path = write_config(workdir / "mlm.yaml", configuration)
    target = "results/conservation/tables/reproduced.tsv"

    run(target, "--cores", "2", "--configfile", path, "--directory", workdir, cwd=project)

    metrics = set(pd.read_csv(workdir / target, sep="\t")["metric"])
    assert {"perplexity", "balanced_accuracy", "fraction"} <= metrics
    assert not {"auc", "ap"} & metrics


def test_nothing_is_written_beside_the_users_files(failed, genomes):
    folder, entries = genomes

    assert {p.suffix for p in folder.iterdir()} <= {".fa", ".gz", ".bw", ".bed"}
    assert entries["good"]["fasta"] == str(folder / "genome.fa")


def test_soft_masked_bases_are_the_repeats(genomes, project, failed, run):
    folder, _ = genomes
    workdir, _ = failed
    target = "resources/reference/good/repeats.bed.gz"

    run(target, "--cores", "1", "--configfile", workdir / "own.yaml", "--directory", workdir,
        cwd=project)  # fmt: skip

    repeats = read_bed(workdir / target)
    lower = sum(c.islower() for c in (folder / "genome.fa").read_text() if c in "ACGTacgt")
    contig_letters = 2 * len("c")  # of the names chr1 and chr2
    assert (repeats["end"] - repeats["start"]).sum() == lower - contig_letters


def test_model_folder_without_weights(genomes, project, tmp_path, refuse, write_config):
    _, entries = genomes
    (tmp_path / "model").mkdir()
    for name in ("config.json", "vocab.txt"):
        (tmp_path / "model" / name).write_bytes((project / "config/demo_model" / name).read_bytes())
    configuration = configure({"good": entries["good"]})
    configuration["models"]["mine"] = {"adapter": "splicebert", "label": "Mine",
                                       "colour": "#0072B2", "folder": str(tmp_path / "model"),
                                       "can": ["logits", "hidden_states"]}  # fmt: skip
    configuration["conservation"]["mlm"]["models"] = ["mine"]
    path = write_config(tmp_path / "my.yaml", configuration)

    output = refuse("-n", "--configfile", path, "--directory", tmp_path, cwd=project)

    weights = tmp_path / "model/pytorch_model.bin"
    assert f"models.mine.folder: no file '{weights}'; a model folder needs it" in output
    assert "config.json" not in output
    assert "Traceback" not in output
