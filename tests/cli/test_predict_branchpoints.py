"""`splicebert predict branchpoints`."""

import gzip

import numpy as np
import pytest
import torch
from transformers import AutoModelForTokenClassification, BertForTokenClassification

from cli.conftest import save
from splicebert.sequence import reverse_complement, token_batch

LENGTH = 80
ZONE = range(18, 45)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two models of two labels, with weights of their own."""
    first = save(BertForTokenClassification, tmp_path_factory.mktemp("a"), num_labels=2)
    options = {"num_labels": 2, "initializer_range": 0.3}
    return [first, save(BertForTokenClassification, tmp_path_factory.mktemp("b"), **options)]


@pytest.fixture
def bed(tmp_path):
    """One intron on either strand of chr1; its reverse complement on chrR; a short one."""
    path = tmp_path / "introns.bed"
    rows = [("chrR", 1000 - 500, 1000 - 300, "turned", "-"), ("chr1", 600, 800, "minus", "-"),
            ("chr1", 300, 500, "plus", "+"), ("chr1", 100, 110, "short", "+")]  # fmt: skip
    path.write_text("".join(f"{c}\t{s}\t{e}\t{n}\t0\t{x}\n" for c, s, e, n, x in rows))
    return path


def predict(cli, models, genome, *arguments):
    return cli("predict", "branchpoints", "-m", *models, "--genome", genome.path, *arguments,
               "--length", LENGTH)  # fmt: skip


def expected(folder, sequence, end):
    """Probability at each distance from an acceptor: the intron ends at `end` of the sequence."""
    left = end - 44 - (LENGTH - 27) // 2
    window = sequence[left : left + LENGTH]
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = model(torch.from_numpy(token_batch([window])[0])).logits[0, 1:-1]
    p = logits.softmax(-1)[:, 1].numpy()
    return {d: p[end - d - left] for d in ZONE}


def test_probabilities_are_means_of_the_models_at_the_right_places(cli, models, genome, bed):
    found = predict(cli, models, genome, "--bed", bed, "--top", 27)
    assert found.code == 0, found.err
    assert "1 intron without a base in the zone" in found.err
    rows = found.rows
    assert len(rows) == 3 * 27
    sides = [expected(folder, genome.chr1, 500) for folder in models]
    turned = reverse_complement(genome.chr1)
    minus = [expected(folder, turned, 1000 - 600) for folder in models]
    for row in rows:
        distance = int(row["distance"])
        own = minus if row["name"] == "minus" else sides
        assert float(row["probability"]) == pytest.approx(
            np.mean([side[distance] for side in own]), abs=2e-5
        )
        at = {"plus": 500 - distance, "minus": 599 + distance, "turned": 499 + distance}
        assert int(row["start"]) == at[row["name"]]
        assert int(row["end"]) == int(row["start"]) + 1
        assert int(row["score"]) == round(1000 * float(row["probability"]))


def test_ranks_and_order(cli, models, genome, bed):
    rows = predict(cli, models[:1], genome, "--bed", bed, "--top", 2).rows
    assert len(rows) == 6
    order = [(["chr1", "chrR"].index(row["#chrom"]), int(row["start"])) for row in rows]
    assert order == sorted(order)
    for name in ("plus", "minus"):
        own = sorted((r for r in rows if r["name"] == name), key=lambda r: int(r["rank"]))
        assert [r["rank"] for r in own] == ["1", "2"]
        assert float(own[0]["probability"]) >= float(own[1]["probability"])


def test_introns_of_a_gtf_and_a_bgzip_bed(cli, models, genome, tmp_path):
    gtf = tmp_path / "a.gtf"
    text = 'gene_id "g"; transcript_id "t";'
    exons = ((201, 300), (501, 600))  # intron 300-500, 0-based half-open
    lines = [f"chr1\tx\texon\t{a}\t{b}\t.\t+\t.\t{text}\n" for a, b in exons]
    gtf.write_text("".join(lines))
    out = tmp_path / "out.bed.gz"
    found = predict(cli, models, genome, "--annotation", gtf, "-o", out, "--least", 0)
    assert found.code == 0, found.err
    header, *rows = gzip.decompress(out.read_bytes()).decode().splitlines()
    assert header.startswith("#chrom\tstart\tend\tname")
    assert len(rows) == 3
    assert {row.split("\t")[3] for row in rows} == {"t.intron1"}


def test_the_name_with_a_hyphen_is_the_same(cli, models, genome, bed):
    spaced = predict(cli, models[:1], genome, "--bed", bed)
    joined = cli("predict-branchpoints", "-m", models[0], "--genome", genome.path, "--bed", bed,
                 "--length", LENGTH)  # fmt: skip
    assert spaced.out == joined.out


def test_models_of_another_kind_are_refused(cli, token_folder, sequence_folder, genome, bed):
    for folder, words in ((token_folder, "3 labels"), (sequence_folder, "each sequence")):
        found = predict(cli, [folder], genome, "--bed", bed)
        assert found.code == 2
        assert words in found.err


def test_a_length_that_the_model_does_not_take_is_refused(cli, models, genome, bed):
    found = cli("predict", "branchpoints", "-m", models[0], "--genome", genome.path, "--bed", bed)
    assert found.code == 2
    assert "510 nt" in found.err
