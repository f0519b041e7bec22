"""`splicebert predict-splice-sites`."""

import shutil
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from splicebert.cli import main
from splicebert.sequence import reverse_complement, token_batch

LENGTH = 100
MOTIF = {"donor": "GT", "acceptor": "AG"}


def probability(folder, window):
    ids, _ = token_batch([window])
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        return float(model(torch.from_numpy(ids)).logits[0, 0].sigmoid())


def track(prefix, site, strand, chrom):
    """Position -> value of all bases of a contig that have one."""
    with pyBigWig.open(f"{prefix}.{site}.{strand}.bw") as opened:
        return {start: value for start, _, value in opened.intervals(chrom) or ()}


def peaks(prefix):
    lines = Path(f"{prefix}.sites.bed").read_text().splitlines()
    return [line.split("\t") for line in lines]


@pytest.fixture(scope="module")
def scanned(sequence_folder, genome, tmp_path_factory):
    """Prefix of the tracks of the small genome, both sites with one model, every site a peak."""
    prefix = tmp_path_factory.mktemp("scan") / "out"
    code = main([
        "predict-splice-sites", "--donor", str(sequence_folder), "--acceptor",
        str(sequence_folder), str(genome.path), "-o", str(prefix), "--length", str(LENGTH),
        "--least", "0", "-q",
    ])  # fmt: skip
    assert code == 0
    return prefix


@pytest.mark.parametrize("site", ["donor", "acceptor"])
def test_every_candidate_has_its_windows_probability(scanned, sequence_folder, genome, site):
    sequence = genome.chr1
    padded = "N" * LENGTH + sequence + "N" * LENGTH
    expected = {}
    for i in range(len(sequence) - 1):
        if sequence[i : i + 2] == MOTIF[site]:
            left = i + LENGTH - (LENGTH // 2 - 1)
            expected[i if site == "donor" else i + 1] = padded[left : left + LENGTH]
    found = track(scanned, site, "plus", "chr1")
    assert sorted(found) == sorted(expected)
    assert len(found) > 30
    for at in [*sorted(found)[:2], *sorted(found)[-2:]]:
        window = expected[at]
        assert window[LENGTH // 2 - 1 : LENGTH // 2 + 1] == MOTIF[site]
        assert found[at] == pytest.approx(probability(sequence_folder, window), abs=2e-5)


@pytest.mark.parametrize("site", ["donor", "acceptor"])
def test_the_minus_strand_is_the_plus_strand_of_the_reverse_complement(scanned, genome, site):
    plus = track(scanned, site, "plus", "chr1")
    minus = track(scanned, site, "minus", "chrR")
    size = len(genome.chr1)
    assert sorted(size - 1 - at for at in minus) == sorted(plus)
    mirrored = [minus[size - 1 - at] for at in sorted(plus)]
    np.testing.assert_allclose(mirrored, [plus[at] for at in sorted(plus)], atol=2e-5)


def test_peaks_are_dinucleotides_of_their_kind(scanned, genome):
    found = peaks(scanned)
    contigs = {"chr1": genome.chr1, "chrR": reverse_complement(genome.chr1)}
    for chrom, start, end, name, score, strand in found:
        pair = contigs[chrom][int(start) : int(end)]
        assert (pair if strand == "+" else reverse_complement(pair)) == MOTIF[name]
        assert 0 <= int(score) <= 1000
    places = [(row[0], int(row[1])) for row in found]
    assert places == sorted(places)
    tracks = [
        track(scanned, site, strand, chrom)
        for site in MOTIF for strand in ("plus", "minus") for chrom in contigs
    ]  # fmt: skip
    assert len(found) == sum(map(len, tracks))


def test_the_bed_keeps_sites_of_the_probability_asked_for(
    cli, scanned, sequence_folder, genome, tmp_path
):
    values = track(scanned, "donor", "plus", "chr1")
    least = float(np.median(list(values.values())))
    found = cli("predict-splice-sites", "--donor", sequence_folder, genome.path, "-o",
                tmp_path / "out", "--length", LENGTH, "--least", least,
                "--strand", "+")  # fmt: skip
    assert found.code == 0
    kept = [int(row[1]) for row in peaks(tmp_path / "out") if row[0] == "chr1"]
    assert kept == sorted(at for at, value in values.items() if value >= least - 1e-7)
    assert not list(tmp_path.glob("out.acceptor*"))
    assert not track(tmp_path / "out", "donor", "minus", "chr1")


def test_regions_of_a_bed_are_scanned_once_on_their_strands(
    cli, scanned, sequence_folder, genome, tmp_path
):
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t100\t300\ta\t0\t+\nchr1\t250\t400\tb\t0\t.\nchrR\t0\t50\tc\t0\t-\n")
    found = cli("predict-splice-sites", "--donor", sequence_folder, genome.path, "--bed", bed,
                "-o", tmp_path / "out", "--length", LENGTH)  # fmt: skip
    assert found.code == 0
    every = track(scanned, "donor", "plus", "chr1")
    part = track(tmp_path / "out", "donor", "plus", "chr1")
    assert part == pytest.approx({a: v for a, v in every.items() if 100 <= a < 399}, abs=2e-5)
    minus = track(tmp_path / "out", "donor", "minus", "chr1")
    assert minus
    assert all(250 < at < 400 for at in minus)
    assert not track(tmp_path / "out", "donor", "plus", "chrR")


def test_several_models_are_averaged(cli, scanned, sequence_folder, genome, tmp_path):
    other = shutil.copytree(sequence_folder, tmp_path / "model")
    state = load_file(other / "model.safetensors")
    state["classifier.bias"] += 1.5
    save_file(state, other / "model.safetensors", metadata={"format": "pt"})
    found = cli("predict-splice-sites", "--donor", sequence_folder, "--donor", other, genome.path,
                "-o", tmp_path / "out", "--length", LENGTH, "--strand", "+")  # fmt: skip
    assert found.code == 0
    one = track(scanned, "donor", "plus", "chr1")
    both = track(tmp_path / "out", "donor", "plus", "chr1")
    p = np.array([one[at] for at in sorted(one)])
    raised = 1 / (1 + (1 - p) / p * np.exp(-1.5))
    np.testing.assert_allclose([both[at] for at in sorted(both)], (p + raised) / 2, atol=2e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --donor FOLDER, --acceptor FOLDER, or both"),
        (("--donor", "TOKEN", "--length", "100"), "a token head of 3 labels"),
        (("--donor", "MODEL", "--length", "101"), "expected an even number"),
        (("--donor", "MODEL", "--length", "4000"), "--length is 4000 nt"),
        (("--donor", "MODEL", "--length", "100", "--bed", "BED"), "reaches past its contig"),
    ],
)
def test_what_is_refused(cli, arguments, message, sequence_folder, token_folder, genome, tmp_path):
    bed = tmp_path / "far.bed"
    bed.write_text("chr1\t900\t1100\n")
    names = {"MODEL": sequence_folder, "TOKEN": token_folder, "BED": bed}
    found = cli("predict-splice-sites", *(names.get(a, a) for a in arguments), genome.path, "-o",
                tmp_path / "out")  # fmt: skip
    assert found.code == 2
    assert message in found.err
    assert not list(tmp_path.glob("out*"))


def test_a_model_that_was_trained_here_tells_its_length(
    cli, scanned, sequence_folder, genome, tmp_path
):
    folder = shutil.copytree(sequence_folder, tmp_path / "model")
    (folder / "training.json").write_text(f'{{"lengths": [{LENGTH}, {LENGTH}]}}')
    arguments = ("predict", "splice-sites", "--donor", folder, genome.path, "-o", tmp_path / "out")
    assert cli(*arguments, "--strand", "+").code == 0
    every = track(scanned, "donor", "plus", "chr1")
    assert track(tmp_path / "out", "donor", "plus", "chr1") == pytest.approx(every, abs=2e-5)
    refused = cli(*arguments, "--length", "102")
    assert refused.code == 2
    assert f"takes exactly {LENGTH} nt" in refused.err
