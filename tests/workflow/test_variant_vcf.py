"""Variants of one's own through the workflow: genome, annotation, VCF and model are made here."""

import json

import numpy as np
import pandas as pd
import pysam
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from splicebert.sequence import VOCABULARY

LENGTH, SHARDS = 240, 3
SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 10,
        "intermediate_size": 32, "max_position_embeddings": 258}  # fmt: skip
FILES = ("scores.parquet", "scores.tsv.gz", "scored.vcf.gz", "scored.vcf.gz.csi", "skipped.tsv",
         "summary.json")  # fmt: skip


def make_files(folder):
    """A genome of 2,000 nt with a gene on either strand, a VCF, a model with random weights."""
    sequence = "".join(np.random.default_rng(7).choice(list("ACGT"), 2000))
    (folder / "genome.fa").write_text(f">chr1\n{sequence}\n")
    genes = {("P", "+"): [(200, 400), (700, 900)], ("M", "-"): [(800, 1000), (1300, 1500)]}
    (folder / "genes.gtf").write_text(
        "".join(
            f"chr1\tx\texon\t{start + 1}\t{end}\t.\t{strand}\t.\t"
            f'gene_id "{name}"; transcript_id "t{name}"; gene_type "lncRNA";\n'
            for (name, strand), exons in genes.items()
            for start, end in exons
        )
    )
    lines = []
    for number, pos in enumerate(range(150, 1650, 50)):
        ref = sequence[pos - 1]
        alt = "ACGT"["ACGT".index(ref) - 1]
        alt = {3: f"{ref}GG,<DEL>", 5: f"{alt},*"}.get(number, alt)
        ref = {7: alt, 9: sequence[pos - 1 : pos + 3]}.get(number, ref)
        alt = {7: sequence[pos - 1], 9: sequence[pos - 1]}.get(number, alt)
        lines.append(f"1\t{pos}\tv{number}\t{ref}\t{alt}\t.\tPASS\t.\n")
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (folder / "my.vcf").write_text("##fileformat=VCFv4.2\n" + columns + "".join(lines))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        BertForMaskedLM(BertConfig(**SIZE)).save_pretrained(folder / "model")
    (folder / "model/vocab.txt").write_text("\n".join(VOCABULARY) + "\n")


@pytest.fixture(scope="module")
def configuration():
    model = {"adapter": "splicebert", "label": "Tiny", "colour": "#0072B2", "can": ["logits"],
             "folder": "model", "weights": "model.safetensors"}  # fmt: skip
    genome = {"assembly": "toy", "fasta": "genome.fa", "annotation": "genes.gtf"}
    return {
        "genomes": {"mine": genome},
        "models": {"tiny": model},
        "inference": {"device": "cpu", "threads": 1},
        "variant": {
            "vcfs": {
                "files": {"my": {"genome": "mine", "assembly": "toy", "file": "my.vcf"}},
                "models": ["tiny"],
                "length": LENGTH,
                "background": {"snvs": 30},
                "shards": SHARDS,
            }
        },
    }


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run, and its configuration."""
    folder = tmp_path_factory.mktemp("variants")
    make_files(folder)
    path = write_config(folder / "my.yaml", configuration)
    done = execute("snakemake", "variant_vcfs", "--cores", "1", "--configfile", path,
                   "--directory", folder, cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    return folder, path


@pytest.fixture(scope="module")
def results(finished):
    return finished[0] / "results/variant/vcfs/my/tiny"


def test_every_file_is_there(results):
    assert {path.name for path in results.iterdir()} >= set(FILES)
    assert not list(results.glob("shards/*"))


def test_tables_are_the_same_and_in_order(results):
    table, text = pd.read_parquet(results / "scores.parquet"), results / "scores.tsv.gz"
    tsv = pd.read_csv(text, sep="\t", keep_default_na=False, na_values=[""])
    assert table["record"].is_monotonic_increasing
    assert table["record"].nunique() > 20
    for name in table.columns:
        if table[name].dtype == object or str(table[name].dtype) == "str":
            assert table[name].tolist() == tsv[name].astype(str).tolist()
        else:
            np.testing.assert_allclose(table[name], tsv[name], rtol=1e-5)
    assert table["percentile"].between(0, 100).all()
    assert set(table["strand"]) == {"+", "-"}
    assert set(table["chrom"].astype(str)) == {"1"}


def test_annotated_vcf_holds_every_record_once(results, finished):
    lines = [x for x in (finished[0] / "my.vcf").read_text().splitlines() if x[0] != "#"]
    table = pd.read_parquet(results / "scores.parquet")
    with pysam.VariantFile(str(results / "scored.vcf.gz")) as file:
        found = list(file)
        assert [r.pos for r in found] == [int(line.split("\t")[1]) for line in lines]
        assert [n for n, r in enumerate(found, 1) if "SPLICEBERT" in r.info] == sorted(
            set(table["record"])
        )
        assert [r.pos for r in file.fetch("1", 799, 851)] == [800, 850]


def test_what_was_left_out_is_listed_and_counted(results):
    left = pd.read_csv(results / "skipped.tsv", sep="\t")
    counts = left["reason"].value_counts().to_dict()
    assert counts["symbolic"] == 2
    assert counts["ref_mismatch"] == 1
    assert counts["outside_transcripts"] == 4  # 150, 200 and behind 1500
    summary = json.loads((results / "summary.json").read_text())
    assert summary["left_out"] == counts
    assert summary["records"] == 30
    assert summary["rows"] == len(pd.read_parquet(results / "scores.parquet"))
    assert summary["variants_per_second"] > 0


def test_nothing_is_made_again(finished, project, planned):
    folder, path = finished
    options = ("variant_vcfs", "--cores", "1", "--configfile", path, "--directory", folder)
    assert planned(*options, cwd=project) == {}


def test_strict_stops(finished, configuration, project, refuse, write_config):
    folder = finished[0]
    vcfs = configuration["variant"]["vcfs"] | {"strict": True, "shards": 1}
    strict = configuration | {"variant": {"vcfs": vcfs}}
    path = write_config(folder / "strict.yaml", strict)
    output = refuse("variant_vcfs", "--cores", "1", "--configfile", path, "--directory", folder,
                    cwd=project)  # fmt: skip
    assert "line 6: a symbolic allele" in output
