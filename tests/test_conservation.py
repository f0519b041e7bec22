"""The conservation branch: windows, draws, masking, splits, and the arithmetic of its scripts."""

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score

from splicebert.arrays import ArrayReader, ArrayWriter
from splicebert.conservation import (
    choose_test,
    known_bases,
    longest_per_gene,
    overlap_groups,
    read_regions,
    sample_rows,
    tile,
)
from splicebert.conservation_tables import CONSERVATION_WINDOWS, MLM_ACCURACY, PROBE_METRICS
from splicebert.errors import GenomeError, SpliceBERTError
from splicebert.intervals import FeatureIndex
from splicebert.masking import KEPT, MASKED, NOT_CHOSEN, REPLACED, bert_masking
from splicebert.report import PUBLISHED, REPRODUCED
from splicebert.sequence import VOCABULARY, base_codes, is_soft_masked, reverse_complement
from splicebert.tables import read_table, validate
from splicebert.transcripts import REGION_NAMES

SCRIPTS = (
    "annotate_mlm_windows", "annotate_probe_windows", "collect_reproduced", "fit_probe",
    "infer_hidden_states", "infer_masked_bases", "measure_repeats", "plot_mlm_accuracy",
    "plot_probe", "prepare_windows", "summarise_mlm", "summarise_probe",
)  # fmt: skip


@pytest.fixture(scope="module")
def scripts(script):
    return SimpleNamespace(**{name: script("conservation", name) for name in SCRIPTS})


def transcripts(*rows):
    names = ["tx_id", "gene_name", "chrom", "start", "end", "strand"]
    return pd.DataFrame(rows, columns=names)


def test_these_tests_know_every_script(root):
    found = {path.stem for path in (root / "scripts" / "conservation").glob("*.py")}
    assert found == set(SCRIPTS)


# --- transcripts and windows


def test_longest_per_gene_keeps_order_and_the_first_of_equals():
    table = transcripts(
        ("a", "G1", "chr1", 0, 10, "+"),
        ("b", "G2", "chr1", 0, 50, "-"),
        ("c", "G1", "chr2", 100, 140, "+"),
        ("d", "G2", "chr3", 7, 57, "+"),
        ("e", "G3", "chr1", 5, 6, "+"),
        ("f", "G1", "chr1", 0, 39, "+"),
    )
    assert longest_per_gene(table)["tx_id"].tolist() == ["b", "c", "e"]
    assert longest_per_gene(table).index.tolist() == [0, 1, 2]


def test_tile_by_hand():
    found = tile(transcripts(("t", "G", "chr1", 130, 1150, "-")), 510, 100)
    assert found["start"].tolist() == [30, 540, 1050]
    assert found["end"].tolist() == [540, 1050, 1560]
    assert found["window_id"].tolist() == ["t:0", "t:1", "t:2"]
    assert set(found["strand"]) == {"-"}


@pytest.mark.parametrize(("end", "windows"), [(910, 2), (919, 2), (920, 2), (921, 3), (1430, 3)])
def test_the_last_window_is_the_one_that_holds_the_last_base(end, windows):
    found = tile(transcripts(("t", "G", "chr1", 0, end, "+")), 510, 100)
    assert len(found) == windows
    last = found.iloc[-1]
    assert last["start"] <= end - 1 < last["end"]


@pytest.mark.parametrize(("length", "lead"), [(510, 100), (7, 0), (64, 63), (100, 250)])
def test_tiles_are_adjacent_and_hold_every_base_once(length, lead):
    rng = np.random.default_rng(1)
    starts = rng.integers(0, 500, 40)
    sizes = rng.integers(1, 3000, 40)
    table = transcripts(
        *((f"t{i}", f"g{i}", "chr1", s, s + n, "+-"[i % 2]) for i, (s, n) in
          enumerate(zip(starts, sizes, strict=True)))
    )  # fmt: skip
    found = tile(table, length, lead)
    assert found["window_id"].is_unique
    assert (found["end"] - found["start"] == length).all()
    for row in table.itertuples():
        own = found[found["tx_id"] == row.tx_id]
        assert own["start"].iloc[0] == row.start - lead
        assert (own["start"].to_numpy()[1:] == own["end"].to_numpy()[:-1]).all()
        held = np.zeros(row.end, int)
        for start, end in zip(own["start"], own["end"], strict=True):
            held[max(start, 0) : max(end, 0)] += 1
        assert (held[row.start :] == 1).all()
        assert own["start"].iloc[-1] < row.end <= own["end"].iloc[-1]
        assert (own[["chrom", "strand", "gene_name"]] == ["chr1", row.strand, row.gene_name]).all(
            axis=None
        )


def test_tiling_nothing_gives_nothing():
    none = transcripts(("t", "G", "chr1", 0, 9, "+")).head(0)
    assert len(tile(none, 510, 100)) == 0


WINDOWS = {"length": 510, "lead": 100, "skip_contigs": ["chrM"], "missing_contigs": "error"}


def test_windows_of_the_real_transcripts_follow_their_schema(shared, scripts):
    table = scripts.prepare_windows.read_transcripts(str(shared / "real" / "canonical.tx.bed.gz"))
    contigs = {"1": 1_000_000, "17": 1_000_000, "19": 1_500_000}
    options = WINDOWS | {"skip_contigs": ["chr17"]}
    found = scripts.prepare_windows.prepare(
        table, contigs, windows=options, sample={"windows": 200, "seed": 1}
    )
    validate(found, CONSERVATION_WINDOWS)
    assert len(found) == 200
    assert set(found["chrom"]) == {"1", "19"}  # spelt as in the genome, skipped by either name
    assert found.groupby("gene_name")["tx_id"].nunique().eq(1).all()


def test_prepare_samples_windows_and_skips_contigs(scripts):
    table = transcripts(("t", "G", "chr1", 0, 100_000, "+"), ("m", "M", "chrM", 0, 900, "+"))
    contigs, options = {"chr1": 100_000, "MT": 16_000}, WINDOWS | {"length": 100, "lead": 0}
    prepare = scripts.prepare_windows.prepare
    found = prepare(table, contigs, windows=options, sample={"windows": 30, "seed": 1})
    assert len(found) == 30
    assert found["start"].is_monotonic_increasing
    assert set(found["tx_id"]) == {"t"}
    every = prepare(table, contigs, windows=options, sample={"windows": 10**6, "seed": 1})
    assert len(every) == 1000
    with pytest.raises(SpliceBERTError, match=r"none of the 2 .*conservation\.windows\.skip"):
        prepare(
            table,
            contigs,
            windows=options | {"skip_contigs": ["chrM", "1"]},
            sample={"windows": 30, "seed": 1},
        )


def test_transcripts_of_another_genome_are_refused(scripts):
    prepare, sample = scripts.prepare_windows.prepare, {"windows": 9, "seed": 1}
    table = transcripts(("t", "G", "chr2", 0, 1000, "+"))
    with pytest.raises(GenomeError, match=r"1 transcripts lie on 1 .*: chr2; .*missing_contigs"):
        prepare(table, {"chr1": 5000}, windows=WINDOWS, sample=sample)
    with pytest.raises(GenomeError, match=r"chr2:0-1000 .*a contig of 999 nt.*another assembly"):
        prepare(table, {"chr2": 999}, windows=WINDOWS, sample=sample)


def test_contigs_that_the_genome_lacks_can_be_left_out(scripts, caplog):
    prepare, sample = scripts.prepare_windows.prepare, {"windows": 9, "seed": 1}
    table = transcripts(("t", "G", "1", 0, 900, "+"), ("u", "H", "KI270728.1", 0, 900, "+"))
    options = WINDOWS | {"missing_contigs": "skip"}
    found = prepare(table, {"chr1": 5000}, windows=options, sample=sample)
    assert set(found["chrom"]) == {"chr1"}
    assert "1 transcripts lie on 1 contigs that it lacks, left out: KI270728.1" in caplog.text
    with pytest.raises(GenomeError, match="2 transcripts"):
        prepare(table, {"chr2": 5000}, windows=options, sample=sample)
    # A contig that is skipped need not be there.
    skip = WINDOWS | {"skip_contigs": ["KI270728.1"]}
    assert len(prepare(table, {"chr1": 5000}, windows=skip, sample=sample)) == 2


def test_a_track_of_another_assembly_is_refused(scripts):
    check = scripts.annotate_probe_windows.check_assembly
    track = SimpleNamespace(path="x.bw", contigs={"1": 1000})
    windows = pd.DataFrame({"chrom": ["chr1"]})
    check(track, windows, {"chr1": 1000})
    with pytest.raises(GenomeError, match=r"x\.bw: contig chr1 has 1000 nt, in the genome 1001"):
        check(track, windows, {"chr1": 1001})


def test_overlapping_windows_are_one_group():
    windows = pd.DataFrame(
        {
            "chrom": ["chr1", "chr2", "chr1", "chr1", "chr1"],
            "start": [510, 0, 0, 500, 2000],
            "end": [1020, 510, 510, 900, 2510],
        }
    )
    first = overlap_groups(windows)
    assert first[0] == first[2] == first[3]
    assert len(set(first)) == 3
    assert len(set(overlap_groups(windows.iloc[[0, 2]]))) == 2  # touching is not overlapping
    assert len(set(overlap_groups(windows, margin=490))) == 3
    assert len(set(overlap_groups(windows, margin=491))) == 2  # 1020 + 491 > 2000 - 491


@pytest.mark.parametrize(("n", "size"), [(1000, 100), (10, 10), (10, 11), (1, 5), (0, 5)])
def test_a_sample_takes_that_many_without_replacement(n, size):
    chosen = sample_rows(n, size, 3)
    assert chosen.shape == (n,)
    assert chosen.sum() == min(n, size)


def test_a_sample_is_seeded_and_even():
    assert np.array_equal(sample_rows(500, 50, 1), sample_rows(500, 50, 1))
    assert not np.array_equal(sample_rows(500, 50, 1), sample_rows(500, 50, 2))
    often = sum(sample_rows(20, 5, seed).astype(int) for seed in range(2000))
    assert often == pytest.approx(np.full(20, 500), abs=90)


# --- masking


@pytest.fixture(scope="module")
def masked():
    bases = np.random.default_rng(0).integers(0, 5, (2000, 625)).astype(np.uint8)
    return bases, *bert_masking(bases, 7)


def test_masking_proportions(masked):
    bases, treatment, seen = masked
    known = treatment[bases < 4]
    assert len(known) > 900_000
    assert (known != NOT_CHOSEN).mean() == pytest.approx(0.15, abs=0.002)
    chosen = known[known != NOT_CHOSEN]
    for kind, share in ((MASKED, 0.8), (REPLACED, 0.1), (KEPT, 0.1)):
        assert (chosen == kind).mean() == pytest.approx(share, abs=0.005)
    drawn = seen[treatment == REPLACED]
    assert np.bincount(drawn, minlength=5) / len(drawn) == pytest.approx([0.2] * 5, abs=0.01)
    same = drawn == bases[treatment == REPLACED]
    assert same.mean() == pytest.approx(0.2, abs=0.02)  # drawn without a look at the base


def test_masking_never_chooses_n_and_changes_only_what_it_replaces(masked):
    bases, treatment, seen = masked
    assert (treatment[bases == 4] == NOT_CHOSEN).all()
    np.testing.assert_array_equal(seen[treatment != REPLACED], bases[treatment != REPLACED])
    assert treatment.dtype == seen.dtype == np.uint8


def test_masking_is_seeded_and_does_not_depend_on_later_rows(masked):
    bases, treatment, seen = masked
    for found, expected in zip(bert_masking(bases[:9], 7), (treatment, seen), strict=True):
        np.testing.assert_array_equal(found, expected[:9])
    assert not np.array_equal(bert_masking(bases[:9], 8)[0], treatment[:9])
    # The choice does not look at which base it is.
    other = np.where(bases < 4, 3 - bases.astype(int) % 4, 4).astype(np.uint8)
    np.testing.assert_array_equal(bert_masking(other, 7)[0], treatment)


# --- training and test


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5, 0.8])
def test_whole_groups_go_to_the_test(fraction):
    groups = np.repeat(np.array([f"w{i:03d}" for i in range(200)]), 5)
    np.random.default_rng(0).shuffle(groups)
    test = choose_test(groups, fraction, 1)
    assert not set(groups[test]) & set(groups[~test])
    assert test.mean() == pytest.approx(fraction, abs=0.005)
    np.testing.assert_array_equal(test, choose_test(groups, fraction, 1))
    assert not np.array_equal(test, choose_test(groups, fraction, 2))


def test_uneven_groups_come_near_the_fraction():
    sizes = {"chr1": 300, "chr2": 250, "chr3": 200, "chr4": 150, "chr5": 100}
    groups = np.repeat(list(sizes), list(sizes.values()))
    for seed in range(20):
        test = choose_test(groups, 0.2, seed)
        assert test.mean() == 0.2  # chr3 alone: the nearest there is
        assert not set(groups[test]) & set(groups[~test])


def test_a_group_of_most_rows_stays_in_the_training():
    groups = np.repeat(["big", "b", "c"], [900, 60, 40])
    for seed in range(10):
        assert "big" not in groups[choose_test(groups, 0.2, seed)]


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("sizes", [(5, 5), (1, 99), (99, 1), (40, 60), (1, 1), (1, 1, 1)])
def test_neither_side_is_ever_empty(fraction, sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    for seed in range(5):
        test = choose_test(groups, fraction, seed)
        assert 0 < test.sum() < len(groups)


def test_single_rows_are_split_exactly():
    assert choose_test(np.arange(1000), 0.2, 3).sum() == 200


def test_one_group_cannot_be_split():
    with pytest.raises(SpliceBERTError, match=r"in one group \(chr1\).*use the split 'window'"):
        choose_test(np.array(["chr1"] * 9), 0.2, 0)
    with pytest.raises(SpliceBERTError, match="none"):
        choose_test(np.array([]), 0.2, 0)


# --- annotation of the windows


def test_pack_columns_puts_column_k_into_bit_k(scripts):
    matrix = np.random.default_rng(0).integers(0, 2, (3, 50, 12)).astype(np.int8)
    packed = scripts.annotate_mlm_windows.pack_columns(matrix)
    assert packed.dtype == np.uint16
    for k in range(12):
        np.testing.assert_array_equal(packed >> k & 1, matrix[..., k])


class FakeGenome:
    text = "".join(np.random.default_rng(2).choice(list("ACGTNacgt"), 3000))

    def fetch(self, chrom, start, end, strand):
        piece = self.text[start:end]
        return piece if strand == "+" else reverse_complement(piece)


def test_annotated_windows_read_5_to_3(scripts, monkeypatch):
    monkeypatch.setattr(scripts.annotate_mlm_windows, "CHUNK", 4)
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": [100, 400], "end": [400, 900], "strand": "+",
         "name": [REGION_NAMES[1], REGION_NAMES[2]]}
    )  # fmt: skip
    windows = tile(transcripts(("t", "G", "chr1", 50, 1000, "-"), ("u", "H", "chr1", 0, 400, "+")),
                   100, 0)  # fmt: skip
    chunks = list(
        scripts.annotate_mlm_windows.annotated_chunks(windows, regions, FakeGenome(), seed=3)
    )
    assert [len(chunk["bases"]) for chunk in chunks] == [4, 4, 4, 2]
    found = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    bit = np.zeros(3000, np.uint16)
    bit[100:400], bit[400:900] = 1 << 1, 1 << 2
    for row, w in enumerate(windows.itertuples()):
        text = FakeGenome().fetch("chr1", w.start, w.end, w.strand)
        np.testing.assert_array_equal(found["bases"][row], base_codes(text))
        np.testing.assert_array_equal(found["repeat"][row], is_soft_masked(text))
        step = 1 if w.strand == "+" else -1
        np.testing.assert_array_equal(found["regions"][row], bit[w.start : w.end][::step])
    for number, chunk in enumerate(chunks):
        treatment, seen = bert_masking(chunk["bases"], [3, number])
        np.testing.assert_array_equal(chunk["treatment"], treatment)
        np.testing.assert_array_equal(chunk["seen"], seen)
    assert len(np.unique(np.stack([c["treatment"][0] for c in chunks]), axis=0)) == 4


def test_region_classes_of_real_windows_equal_the_published_code(shared, scripts):
    published = np.load(shared / "real" / "published_code" / "annotation.npz")["matrix"]
    intervals = pd.read_json(shared / "real" / "published_code" / "annotation_intervals.json")
    intervals = intervals.iloc[:, :3].set_axis(["chrom", "start", "end"], axis=1)
    regions = read_regions(str(shared / "real" / "regions.bed.gz"))
    index = FeatureIndex(regions, REGION_NAMES)
    found = np.concatenate(
        [m for _, m in index.paint_chunks(intervals.assign(strand="+"), chunk_size=7)]
    )
    np.testing.assert_array_equal(found, published)


def test_phastcons_outside_0_to_1_is_refused(scripts):
    check = scripts.annotate_probe_windows.check_phastcons
    check(np.array([0, 0.5, 1, np.nan]), "x.bw")
    check(np.array([np.nan, np.nan]), "x.bw")
    for wrong in (-0.1, 1.5):
        with pytest.raises(ValueError, match=r"x\.bw: .*phastCons lies in \[0, 1\].*swapped"):
            check(np.array([0.5, wrong, np.nan]), "x.bw")


def test_repeat_fractions_by_hand(scripts):
    def intervals(*rows):
        return pd.DataFrame(rows, columns=["chrom", "start", "end", "name"])

    regions = intervals(
        ("chr1", 0, 100, REGION_NAMES[1]), ("chr1", 50, 150, REGION_NAMES[1]),
        ("chr2", 0, 50, REGION_NAMES[1]), ("chr1", 300, 400, REGION_NAMES[2]),
    )  # fmt: skip
    repeats = intervals(("chr1", 90, 120, "r"), ("chr1", 110, 130, "r"), ("chr2", 40, 90, "r"))
    found = scripts.measure_repeats.repeat_fractions(regions, repeats).set_index("region")
    assert found.index.tolist() == list(REGION_NAMES)
    assert found.loc[REGION_NAMES[1]].tolist() == [200, 50, 0.25]
    assert found.loc[REGION_NAMES[2]].tolist() == [100, 0, 0]
    assert found.loc[REGION_NAMES[0], "bases"] == 0
    assert np.isnan(found.loc[REGION_NAMES[0], "fraction"])
    none = scripts.measure_repeats.repeat_fractions(regions, pd.DataFrame())
    assert none["repeat_bases"].sum() == 0


# --- inference


def test_predicted_bases_and_their_log_probabilities(scripts):
    logits = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)
    predicted, log_prob = scripts.infer_masked_bases.predicted_bases(logits, VOCABULARY)
    probability = np.exp(logits.astype(float))
    probability /= probability.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(log_prob), probability[:, 6:], rtol=1e-5)
    best = logits.argmax(axis=1)
    np.testing.assert_array_equal(predicted, np.where(best >= 6, best - 6, 4))
    order = [VOCABULARY.index(token) for token in ("T", "[PAD]", "C", "A", "G")]
    shuffled = scripts.infer_masked_bases.predicted_bases(
        logits[:, order], ("T", "[PAD]", "C", "A", "G")
    )
    four = logits[:, [6, 7, 8, 9, 0]]
    np.testing.assert_array_equal(shuffled[0], four.argmax(axis=1))


def test_items_are_what_the_masking_lets_the_model_see(scripts, tmp_path):
    bases = np.random.default_rng(1).integers(0, 5, (7, 30)).astype(np.uint8)
    treatment, seen = bert_masking(bases, 0)
    path, fields = tmp_path / "a.zarr.zip", dict.fromkeys(("seen", "treatment"), ((30,), "uint8"))
    with ArrayWriter(path, [str(i) for i in range(7)], fields) as writer:
        for row in range(7):
            writer.append(seen=seen[row], treatment=treatment[row])
    with ArrayReader(path) as reader:
        found = list(scripts.infer_masked_bases.items(reader, slice(0, 7), chunk=3))
        part = list(scripts.infer_masked_bases.items(reader, slice(2, 6), chunk=3))
    assert len(found) == 7
    assert [item.sequence for item in part] == [item.sequence for item in found[2:6]]
    for row, item in enumerate(found):
        np.testing.assert_array_equal(base_codes(item.sequence), seen[row])
        np.testing.assert_array_equal(item.mask, treatment[row] == MASKED)


def test_items_of_the_probe_have_a_flank_on_either_side(scripts):
    windows = tile(transcripts(("t", "G", "chr1", 500, 700, "-")), 100, 0)
    found = list(scripts.infer_hidden_states.items(windows, FakeGenome(), 20))
    assert [item.mask for item in found] == [None, None]
    assert found[1].sequence == reverse_complement(FakeGenome.text[580:720])


# --- masked-base accuracy


@pytest.fixture(scope="module")
def outcome():
    rng = np.random.default_rng(4)
    shape = (12, 60)
    bases = rng.integers(0, 4, shape).astype(np.uint8)
    predicted = np.where(rng.random(shape) < 0.5, bases, rng.integers(0, 5, shape))
    chosen = rng.random(shape) < 0.4
    regions = rng.integers(0, 1 << 12, shape).astype(np.uint16)
    return bases, predicted.astype(np.uint8), chosen, regions, rng.random(shape) < 0.3


def test_count_outcomes_equals_a_loop(scripts, outcome):
    bases, predicted, chosen, regions, repeat = outcome
    expected = np.zeros((12, 13, 2, 4, 2), int)
    for w, i in zip(*np.nonzero(chosen), strict=True):
        for k in (*range(12), 12):
            if k == 12 or regions[w, i] & (1 << k):
                right = int(predicted[w, i] == bases[w, i])
                expected[w, k, int(repeat[w, i]), bases[w, i], right] += 1
    found = scripts.summarise_mlm.count_outcomes(*outcome)
    np.testing.assert_array_equal(found, expected)
    assert found[:, 12].sum() == chosen.sum()


def test_accuracy_table_equals_sklearn(scripts, outcome):
    bases, predicted, chosen, regions, repeat = outcome
    counts = scripts.summarise_mlm.count_outcomes(*outcome)
    table = scripts.summarise_mlm.accuracy_table(counts, 50, 1)
    full = table.assign(dataset="d", model="m")
    validate(full[MLM_ACCURACY.names], MLM_ACCURACY)
    assert len(table) == 13 * 3
    of = {"all": chosen, "nonrepeat": chosen & ~repeat, "repeat": chosen & repeat}
    for row in table.itertuples():
        inside = of[row.bases]
        if row.region != "all":
            inside = inside & (regions >> REGION_NAMES.index(row.region) & 1 == 1)
        expected = np.mean([(predicted[inside & (bases == b)] == b).mean() for b in range(4)])
        assert row.value == pytest.approx(expected)
        assert row.n_bases == inside.sum()
        assert row.low < row.value < row.high
    inside = chosen & (predicted < 4)
    only = scripts.summarise_mlm.count_outcomes(bases, predicted, inside, regions, repeat)
    value = scripts.summarise_mlm.accuracy_table(only, 2, 1).query("region == 'all'")["value"]
    assert value.iloc[0] == pytest.approx(balanced_accuracy_score(bases[inside], predicted[inside]))


def test_a_region_without_a_base_has_no_accuracy(scripts, outcome):
    bases, predicted, chosen, regions, repeat = outcome
    counts = scripts.summarise_mlm.count_outcomes(bases, predicted, chosen, regions & 2, repeat)
    table = scripts.summarise_mlm.accuracy_table(counts, 3, 1).set_index(["region", "bases"])
    empty = table.loc[(REGION_NAMES[0], "all"), ["value", "low", "high"]]
    assert empty.isna().all()
    assert table.loc[(REGION_NAMES[0], "all"), "n_bases"] == 0
    assert table.loc[(REGION_NAMES[1], "all"), "n_bases"] > 0


def summary(scripts, published, **changes):
    arrays = {
        # Probabilities 1/2, 1/4, 1/8 and one base that was not chosen.
        "log_prob": np.log(np.array([[0.5, 0.25], [0.125, np.nan]], np.float32)),
        "right": np.array([[True, False], [False, True]]),
        "chosen": np.array([[True, True], [True, False]]),
    } | changes
    table = scripts.summarise_mlm.summary_table(
        *arrays.values(), published=published, replicates=20, seed=0
    )
    return table.set_index("metric")


def test_perplexity_by_hand(scripts):
    table = summary(scripts, published=False)
    loss = 2 * np.log(2)  # (1 + 2 + 3) / 3 bits
    assert table["value"].to_dict() == pytest.approx(
        {"accuracy": 1 / 3, "cross_entropy": loss, "perplexity": 4.0}
    )
    assert (table["n_bases"] == 3).all()


def test_published_perplexity_is_two_to_the_cross_entropy_in_nats(scripts):
    table = summary(scripts, published=True)
    loss = table.loc["cross_entropy", "value"]
    assert loss == pytest.approx(2 * np.log(2))
    assert table.loc["two_to_the_cross_entropy", "value"] == pytest.approx(2.0**loss)
    assert table.loc["two_to_the_cross_entropy", "value"] == pytest.approx(2.6141, abs=1e-4)
    corrected = summary(scripts, published=False)
    pd.testing.assert_frame_equal(table.loc[corrected.index], corrected)


def test_the_interval_of_the_summary_is_over_windows(scripts):
    rng = np.random.default_rng(0)
    chosen = np.ones((50, 20), bool)
    right = np.repeat(rng.random(50) < 0.5, 20).reshape(50, 20)
    log_prob = np.full((50, 20), np.log(0.5), np.float32)
    table = summary(scripts, published=False, log_prob=log_prob, right=right, chosen=chosen)
    # 50 independent windows: standard error 0.07; 1000 independent bases would give 0.016.
    assert table.loc["accuracy", "high"] - table.loc["accuracy", "low"] > 0.15
    assert table.loc["perplexity", ["low", "high"]].tolist() == pytest.approx([2, 2])


# --- the probe


@pytest.mark.parametrize("neighbourhood", [0, 1, 3])
def test_features_equal_a_loop(scripts, neighbourhood):
    rng = np.random.default_rng(0)
    nt, width, n = 9, 4, 2 * neighbourhood
    hidden = rng.normal(size=(5, nt + n, width)).astype(np.float16)
    known = rng.random((5, nt)) < 0.6
    known[2] = False
    found = scripts.fit_probe.features(hidden, known, neighbourhood)
    expected = [
        np.concatenate([hidden[w, i + k] for k in range(n + 1)])
        for w in range(5)
        for i in range(nt)
        if known[w, i]
    ]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


@pytest.mark.parametrize("tracks", [("phastcons",), ("phastcons", "phylop")])
def test_known_bases_have_a_value_in_every_track(tmp_path, tracks):
    values = {"phastcons": [0.1, np.nan, 0.3, np.nan], "phylop": [1.0, 2.0, np.nan, np.nan]}
    path = tmp_path / "a.zarr.zip"
    with ArrayWriter(path, ["w"], dict.fromkeys(tracks, ((4,), "float32"))) as writer:
        writer.append(**{name: np.float32(values[name]) for name in tracks})
    with ArrayReader(path) as reader:
        found = known_bases(reader)
    assert found.tolist() == [[True, False, len(tracks) == 1, False]]


def test_groups_of_each_split(scripts):
    windows = pd.DataFrame(
        {"chrom": ["chr1", "chr2", "chr1"], "start": [0, 0, 50], "end": [40, 40, 90]}
    )
    row = np.array([0, 0, 1, 2, 2])
    groups = scripts.fit_probe.groups_of
    assert groups("base", windows, row, 0).tolist() == [0, 1, 2, 3, 4]
    assert len(set(groups("window", windows, row, 0))) == 3
    assert len(set(groups("window", windows, row, 6))) == 2
    assert groups("chromosome", windows, row, 0).tolist() == [
        "chr1",
        "chr1",
        "chr2",
        "chr1",
        "chr1",
    ]


def test_both_classes_are_required(scripts):
    require = scripts.fit_probe.require_both_classes
    test = np.array([True, True, False, False])
    require(np.array([True, False, True, False]), test)
    with pytest.raises(SpliceBERTError, match="the training set of 2 bases has 2 conserved"):
        require(np.array([True, False, True, True]), test)
    with pytest.raises(SpliceBERTError, match=r"the test set of 2 bases has 0 .*probe\.windows"):
        require(np.array([False, False, True, False]), test)


@pytest.mark.parametrize("n", [30, 5000])
def test_the_curve_is_that_of_the_scores(scripts, n):
    rng = np.random.default_rng(n)
    label = rng.random(n) < 0.3
    score = (rng.normal(size=n) + label).astype(np.float32)
    points = scripts.summarise_probe.curve(label, score)
    assert len(points) <= scripts.summarise_probe.POINTS
    assert points["recall"].is_monotonic_increasing
    # It begins at the highest score, not at the point (0, 1) that no score gives.
    top = score >= score.max()
    assert points["recall"].iloc[0] == label[top].sum() / label.sum()
    assert points["precision"].iloc[0] == label[top].mean()
    assert points["recall"].iloc[-1] == 1
    assert points["precision"].between(0, 1).all()
    assert points["precision"].iloc[-1] == pytest.approx(label.mean(), abs=0.02)
    steps = np.diff(points["recall"], prepend=0) @ points["precision"]
    exact = n < scripts.summarise_probe.POINTS
    assert steps == pytest.approx(
        average_precision_score(label, score), abs=1e-6 if exact else 0.02
    )


def test_the_density_is_one_in_all(scripts):
    values = np.random.default_rng(0).beta(0.3, 2, 5000)
    found = scripts.summarise_probe.density(values, bins=20)
    assert (found["density"] * (found["high"] - found["low"])).sum() == pytest.approx(1)
    assert found["low"].tolist()[1:] == found["high"].tolist()[:-1]
    assert (found["low"].iloc[0], found["high"].iloc[-1]) == (0, 1)
    assert found["density"].iloc[0] == pytest.approx((values < 0.05).mean() * 20)
    ends = scripts.summarise_probe.density(np.array([0.0, 1.0]), bins=2)
    assert ends["density"].tolist() == [1, 1]


def test_probe_metrics(scripts):
    rng = np.random.default_rng(0)
    label = rng.random(400) < 0.25
    scores = pd.DataFrame(
        {"window_id": np.repeat([f"w{i}" for i in range(20)], 20), "label": label,
         "score": rng.normal(size=400) + label}
    )  # fmt: skip
    about = {"n_train": 7, "n_test": 400, "test_chromosomes": ["chr1", "chr2"]}
    table = scripts.summarise_probe.metrics(scores, about, replicates=20, seed=1)
    full = table.assign(dataset="d", model="m", split="base")
    validate(full[PROBE_METRICS.names], PROBE_METRICS)
    table = table.set_index("metric")
    assert table.loc["ap", "value"] == pytest.approx(
        average_precision_score(label, scores["score"])
    )
    assert table.loc["prevalence", "value"] == label.mean()
    assert set(table["test_chromosomes"]) == {"chr1,chr2"}


# --- names of the published table


def test_collected_numbers_have_the_names_of_the_published_table(scripts, root):
    collect = scripts.collect_reproduced
    estimates = {"dataset": "d", "model": "m", "value": 0.5, "low": 0.4, "high": 0.6, "n_bases": 9}
    accuracy = pd.DataFrame(
        [{"region": r, "bases": b} | estimates for r in (*REGION_NAMES, "all")
         for b in ("all", "nonrepeat", "repeat")]
    )  # fmt: skip
    probe = pd.DataFrame(
        [{"metric": m, "split": s} | estimates | {"model": model}
         for m in ("auc", "ap", "prevalence") for s in ("base", "chromosome")
         for model in ("m", "onehot")]
    )  # fmt: skip
    repeats = pd.DataFrame({"region": REGION_NAMES, "fraction": 0.5, "bases": 2, "repeat_bases": 1})
    parts = [
        collect.name_accuracy(accuracy),
        collect.name_probe(probe, 0.8),
        collect.name_repeats(repeats, "d"),
    ]
    table = pd.concat([part.reindex(columns=REPRODUCED.names) for part in parts])
    table = validate(
        table.assign(branch="conservation", protocol="corrected").reset_index(drop=True), REPRODUCED
    )
    named = set(zip(table["quantity"], table["metric"], strict=True))
    published = read_table(root / "config" / "published.tsv", PUBLISHED)
    wanted = published[published["branch"] == "conservation"]
    missing = set(zip(wanted["dataset"], wanted["metric"], strict=True)) - named
    assert missing == {("all", "two_to_the_cross_entropy")}  # from the summary, under `published`
    baselines = set(wanted["method"]) - {"SpliceBERT", "SpliceBERT-human", "onehot", "DNABERT3"}
    assert baselines == {"prevalence", "repeats"}
    assert baselines <= set(table["model"])


def test_the_probe_is_collected_from_the_published_split_only(scripts):
    table = pd.DataFrame(
        {"dataset": "d", "model": "m", "metric": "auc", "split": ["chromosome", "base"],
         "value": [0.7, 0.9]}
    )  # fmt: skip
    found = scripts.collect_reproduced.name_probe(table, 0.75)
    assert found["value"].tolist() == [0.9]
    assert found["quantity"].tolist() == ["phastCons>=0.75"]
    assert found["protocol"].tolist() == ["published"]
    assert scripts.collect_reproduced.name_probe(table[:1], 0.75).empty


# --- figures

LOOKS = {"a": {"label": "Model A", "colour": "#112233"}, "b": {"label": "B", "colour": "#445566"}}


def test_bars_show_the_table(scripts):
    plot = scripts.plot_mlm_accuracy
    rng = np.random.default_rng(0)
    accuracy = pd.DataFrame(
        [{"region": r, "bases": b, "model": m, "value": rng.uniform(0.2, 0.9), "n_bases": 200}
         for r in REGION_NAMES for b in plot.BASES for m in LOOKS]
    )  # fmt: skip
    accuracy = accuracy.assign(low=accuracy["value"] - 0.1, high=accuracy["value"] + 0.05)
    fractions = pd.DataFrame({"region": REGION_NAMES, "fraction": rng.random(12)})
    figure = plot.draw(accuracy, fractions, LOOKS)
    value = accuracy.set_index(["model", "bases", "region"])["value"]
    for ax, (model, look) in zip(figure.axes, LOOKS.items(), strict=False):
        assert [bar.get_height() for bar in ax.patches] == [
            value[model, bases, region] for bases in plot.BASES for region in plot.REGIONS
        ]
        assert mpl.colors.to_hex(ax.patches[0].get_facecolor()) == look["colour"]
        assert ax.get_title() == f"{look['label']} (n = {200 * len(plot.REGIONS):,} bases)"
        assert [text.get_text() for text in ax.get_legend().get_texts()] == [*plot.BASES.values()]
    expected = fractions.set_index("region")["fraction"][list(plot.REGIONS)]
    assert [bar.get_height() for bar in figure.axes[len(LOOKS)].patches] == expected.tolist()
    mpl.pyplot.close(figure)


def test_probe_figure_shows_the_tables(scripts):
    density = scripts.summarise_probe.density(np.random.default_rng(0).random(500), bins=10)
    splits = ["chromosome", "base"]
    curves = pd.DataFrame(
        [{"model": m, "split": s, "recall": r, "precision": 0.9 - r * (0.5 if m == "a" else 0.2)}
         for m in LOOKS for s in splits for r in (0, 0.5, 1)]
    )  # fmt: skip
    metrics = pd.DataFrame(
        [{"model": m, "split": s, "metric": k, "value": 0.125, "low": 0.1, "high": 0.2,
          "n_test": 1234}
         for m in LOOKS for s in splits for k in ("auc", "ap", "prevalence")]
    )  # fmt: skip
    figure = scripts.plot_probe.draw(
        density=density, curves=curves, metrics=metrics, models=LOOKS, splits=splits, threshold=0.8
    )
    assert len(figure.axes) == 3
    for ax, split in zip(figure.axes[1:], splits, strict=True):
        lines = {line.get_color(): line.get_ydata() for line in ax.lines}
        assert list(lines["#112233"]) == [0.9, 0.65, 0.4]
        assert list(lines["#445566"]) == [0.9, 0.8, 0.7]
        assert ax.get_title() == f"Test on other {split}s\nn = 1,234 bases"
        assert "0.125 (0.100–0.200)" in ax.get_legend().get_texts()[0].get_text()
    mpl.pyplot.close(figure)


def test_tables_of_one_data_set(scripts):
    table = pd.DataFrame({"dataset": ["a", "b", "a"], "value": [1, 2, 3]})
    found = scripts.plot_probe.of_dataset(table, "a")
    assert found["value"].tolist() == [1, 3]
    assert found.index.tolist() == [0, 1]
