"""Rows and pair scores on real data against what the paper's own code computed."""

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.attention_scores import (
    around,
    donor_acceptor_offsets,
    items,
    link_profiles,
    pair_scores,
    site_offsets_of,
)
from splicebert.genome import Genome
from splicebert.inference import Runtime, run_attention_rows
from splicebert.models import SpliceBERT
from splicebert.pairs import GROUPS, INTRON_GROUP, place_windows, read_group

TOLERANCE = 1e-4
FLANK = 300
FILES = {group: f"hg19.{group}.1000_per_group.bedpe.gz" for group in GROUPS}
FILES["MANE"] = "gencode.v41lift37.MANE.intron.for_attention.bedpe.gz"
RUNTIME = Runtime(torch.device("cpu"))


@pytest.fixture(scope="module")
def model(shared):
    return SpliceBERT(shared / "real" / "models" / "tiny.1024nt")


@pytest.fixture(scope="module")
def genome(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    path = shared / "real" / "genome.fa.gz"
    with Genome(path, fai=folder / "g.fai", gzi=folder / "g.gzi") as opened:
        yield opened


@pytest.fixture(scope="module", params=list(FILES))
def case(request, shared):
    """What the paper's code computed of a file, and this project's pairs of that file."""
    published = np.load(shared / "real" / "published_code" / f"attention.{request.param}.npz")
    group = INTRON_GROUP if request.param == "MANE" else request.param
    table = read_group(shared / "real" / FILES[request.param], group)
    pairs, _ = place_windows(table, 1000)
    return published, pairs.head(len(published["samples"]))


def test_the_same_pairs_are_kept_in_the_same_windows(case):
    published, pairs = case
    names = ["chrom", "start", "end", "strand"]
    assert pairs[names].astype(str).to_numpy().tolist() == published["samples"][:, :4].tolist()
    types = published["samples"][:, 6:8].tolist()
    assert pairs[["type1", "type2"]].to_numpy().tolist() == types
    offsets = site_offsets_of(pairs)
    np.testing.assert_array_equal(offsets[:, 0], published["p_offset"])
    np.testing.assert_array_equal(offsets[:, 1], published["q_offset"])
    assert len(pairs) == len(published["pair_score"]) == 24


def test_rows_and_pair_scores_are_those_of_the_papers_code(case, model, genome):
    published, pairs = case
    offsets = site_offsets_of(pairs)
    rows = list(
        run_attention_rows(model, items(pairs, genome, around(offsets)), RUNTIME, progress=False)
    )
    n = len(published["p_rows"])
    found = np.stack(rows[:n])
    for part, name in ((found[:, :, :3], "p_rows"), (found[:, :, 3:], "q_rows")):
        np.testing.assert_allclose(part, published[name], atol=TOLERANCE, rtol=0)
    scores = np.array([pair_scores(r, p, q)[0] for r, (p, q) in zip(rows, offsets, strict=True)])
    np.testing.assert_allclose(scores, published["pair_score"], atol=TOLERANCE, rtol=0)
    # Scores are about 0.002: the absolute tolerance alone would let a wrong one pass.
    np.testing.assert_allclose(scores, published["pair_score"], rtol=1e-3)


def test_layer_profiles_are_columns_of_the_papers_rows(shared, model, genome):
    """The profile takes the row of the site alone, and no special token's column.

    Its flanks are so long here that they leave some windows.
    """
    published = np.load(shared / "real" / "published_code" / "attention.MANE.npz")
    table = read_group(shared / "real" / FILES["MANE"], INTRON_GROUP)
    introns = place_windows(table, 1000)[0].head(len(published["p_rows"]))
    offsets = donor_acceptor_offsets(introns)
    rows = run_attention_rows(
        model, items(introns, genome, offsets), RUNTIME, maximum=False, progress=False
    )
    outside = 0
    for number, (values, (donor, acceptor)) in enumerate(zip(rows, offsets, strict=True)):
        found = link_profiles(values, donor, acceptor, FLANK).max(axis=1)
        first = introns["type1"].iloc[number] == "D"
        names = ("p_rows", "q_rows") if first else ("q_rows", "p_rows")
        for side, (name, target) in enumerate(zip(names, (acceptor, donor), strict=True)):
            expected = published[name][number][:, 1]
            at = target - FLANK + np.arange(2 * FLANK + 1)
            inside = (at >= 0) & (at < 1000)
            outside += (~inside).sum()
            # Columns are about 0.001: the absolute tolerance of rows would let a wrong one pass.
            np.testing.assert_allclose(
                found[:, side, inside], expected[:, at[inside]], atol=TOLERANCE / 100, rtol=0
            )
            assert np.isnan(found[:, side, ~inside]).all()
    assert outside > 0


@pytest.mark.parametrize("strand", ["+", "-"])
def test_positions_at_the_windows_edge_are_missing(model, genome, strand):
    """p is the window's first base on + and its last one on -: one neighbour lies outside."""
    pair = pd.DataFrame(
        {"chrom": ["chr1"], "p": 600_000, "q": 600_900, "strand": strand,
         "start": 600_000, "end": 601_000}
    )  # fmt: skip
    offsets = site_offsets_of(pair)
    assert offsets[0, 0] == (0 if strand == "+" else 999)
    found = items(pair, genome, around(offsets))
    rows = next(iter(run_attention_rows(model, found, RUNTIME, progress=False)))
    assert np.isfinite(rows).all()
    assert np.isnan(pair_scores(rows, *offsets[0])).all()
