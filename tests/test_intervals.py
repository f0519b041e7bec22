"""Painting features: equal to the slow reference and to the matrix that the paper's code made."""

import importlib.util
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from splicebert import compile as extension
from splicebert.errors import FormatError
from splicebert.intervals import FeatureIndex, paint_features

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src/splicebert/_intervals.pyx"
NAMES = ["exon", "intron", "near donor"]


def load(path):
    """Import a script or helper that is not in a package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


paint_reference = load(ROOT / "tests/reference_intervals.py").paint_reference
benchmark = load(ROOT / "scripts/benchmarks/benchmark_intervals.py")
compile_script = load(ROOT / "scripts/setup/compile_extension.py")


def table(*rows, columns=("chrom", "start", "end", "name")):
    return pd.DataFrame(rows, columns=list(columns))


def window(start, end, strand="+", chrom="chr1"):
    return table((chrom, start, end, strand), columns=("chrom", "start", "end", "strand"))


def random_case(seed, n_features=200, n_windows=60):
    """Features of all sizes, many nested, and overlapping windows, some across contig ends."""
    rng = np.random.default_rng(seed)
    size = rng.choice([0, 1, 5, 50, 400, 3_000], n_features)
    start = rng.integers(0, 3_000, n_features)
    features = pd.DataFrame(
        {
            "chrom": rng.choice(["chr1", "chr2", "chr10"], n_features),
            "start": start,
            "end": start + rng.integers(size + 1),
            "name": rng.choice(NAMES, n_features),
        }
    )
    length = int(rng.choice([1, 7, 64, 510]))
    start = rng.integers(-length, 4_000, n_windows)
    windows = pd.DataFrame(
        {
            "chrom": rng.choice(["chr1", "chr2", "chr10", "no features"], n_windows),
            "start": start,
            "end": start + length,
            "strand": rng.choice(["+", "-"], n_windows),
        }
    )
    return features, windows


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("strand_aware", [False, True])
def test_equals_the_reference(seed, strand_aware):
    features, windows = random_case(seed)
    painted = paint_features(features, windows, NAMES, strand_aware=strand_aware)
    expected = paint_reference(features, windows, NAMES, strand_aware=strand_aware)
    assert painted.dtype == np.uint8
    assert painted.any()
    np.testing.assert_array_equal(painted, expected)


def test_equals_the_published_matrix(shared):
    real = shared / "real"
    order = json.loads((real / "regions.names.json").read_text())
    columns = ["chrom", "start", "end", "name"]
    features = pd.read_csv(
        real / "regions.bed.gz", sep="\t", header=None, usecols=range(4), names=columns
    )
    intervals = json.loads((real / "published_code/annotation_intervals.json").read_text())
    expected = np.load(real / "published_code/annotation.npz")["matrix"]
    painted = paint_features(
        features, table(*intervals, columns=columns[:3]), sorted(order, key=order.get)
    )
    assert expected.any(axis=(0, 1)).all()
    np.testing.assert_array_equal(painted, expected)


def test_ends_are_half_open():
    features = table(("chr1", 10, 12, "exon"))
    painted = paint_features(features, window(8, 14), ["exon"])[0, :, 0]
    np.testing.assert_array_equal(painted, [0, 0, 1, 1, 0, 0])
    for left, right in [(5, 10), (12, 17)]:
        assert not paint_features(features, window(left, right), ["exon"]).any()
    for left, right in [(6, 11), (11, 16)]:
        assert paint_features(features, window(left, right), ["exon"]).sum() == 1


def test_minus_strand_is_read_from_the_other_end():
    #   + strand   0 1 2 3 4 5     base p of the window
    #   exon         #             [1, 2)
    #   - strand   5 4 3 2 1 0     becomes [L - 2, L - 1) = [4, 5)
    features = table(("chr1", 101, 102, "exon"))
    windows = pd.concat([window(100, 106), window(100, 106, "-")])
    painted = paint_features(features, windows, ["exon"], strand_aware=True)
    np.testing.assert_array_equal(painted[:, :, 0], [[0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0]])
    assert not paint_features(features, windows, ["exon"])[1, 4, 0]


@pytest.mark.parametrize("seed", range(4))
def test_mirrored_contig_gives_the_reverse_strand(seed):
    features, windows = random_case(seed)
    contig = 10_000
    mirrored = features.assign(start=contig - features["end"], end=contig - features["start"])
    flipped = windows.assign(
        start=contig - windows["end"],
        end=contig - windows["start"],
        strand=windows["strand"].map({"+": "-", "-": "+"}),
    )
    np.testing.assert_array_equal(
        paint_features(features, windows, NAMES, strand_aware=True),
        paint_features(mirrored, flipped, NAMES, strand_aware=True),
    )


def test_windows_may_cross_both_contig_ends():
    features = table(("chr1", 0, 3, "exon"), ("chr1", 97, 100, "exon"))
    painted = paint_features(features, pd.concat([window(-2, 4), window(96, 102)]), ["exon"])
    np.testing.assert_array_equal(painted[:, :, 0], [[0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 0, 0]])


@pytest.mark.parametrize("seed", range(4))
def test_order_of_features_and_windows_does_not_matter(seed):
    features, windows = random_case(seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(windows))
    painted = paint_features(features, windows, NAMES)
    shuffled = features.iloc[rng.permutation(len(features))]
    np.testing.assert_array_equal(
        paint_features(shuffled, windows.iloc[order], NAMES), painted[order]
    )


@pytest.mark.parametrize("chunk_size", [1, 7, 60, 1_000])
def test_chunks_equal_the_whole(chunk_size):
    features, windows = random_case(1)
    index = FeatureIndex(features, NAMES)
    chunks = list(index.paint_chunks(windows, chunk_size=chunk_size, strand_aware=True))
    whole = index.paint(windows, strand_aware=True)
    np.testing.assert_array_equal(np.concatenate([matrix for _, matrix in chunks]), whole)
    for rows, matrix in chunks:
        np.testing.assert_array_equal(matrix, whole[rows])
    assert [rows.start for rows, _ in chunks] == list(range(0, len(windows), chunk_size))


def test_threads_may_share_an_index():
    features, windows = random_case(2)
    index = FeatureIndex(features, NAMES)
    expected = index.paint(windows)
    with ThreadPoolExecutor(4) as pool:
        for painted in pool.map(lambda _: index.paint(windows), range(16)):
            np.testing.assert_array_equal(painted, expected)


def test_short_features_inside_long_ones():
    # The long intron starts far before the window, and features that end before it lie between.
    inner = [("chr1", start, start + 20, "intron") for start in range(0, 100_000, 50)]
    features = table(("chr1", 10, 100_000, "intron"), ("chr1", 60_000, 60_005, "exon"), *inner)
    painted = paint_features(features, window(59_990, 60_010), ["exon", "intron"])[0]
    assert painted[:, 1].all()
    np.testing.assert_array_equal(np.flatnonzero(painted[:, 0]), range(10, 15))


def test_overlapping_and_touching_features_are_merged():
    features = table(
        ("chr1", 5, 8, "exon"), ("chr1", 0, 3, "exon"), ("chr1", 3, 4, "exon"),
        ("chr1", 1, 2, "exon"), ("chr2", 4, 5, "exon"),
    )  # fmt: skip
    painted = paint_features(features, window(0, 10), ["exon"])[0, :, 0]
    np.testing.assert_array_equal(painted, [1, 1, 1, 1, 0, 1, 1, 1, 0, 0])


def test_columns_follow_names_and_unused_names_stay_empty():
    features = table(("chr1", 0, 2, "b"))
    painted = paint_features(features, window(0, 2), ["a", "b", "c"])
    np.testing.assert_array_equal(painted[0], [[0, 1, 0], [0, 1, 0]])


def test_nothing_in_nothing_out():
    features, windows = random_case(0)
    assert FeatureIndex(features, NAMES).paint(windows[:0]).shape == (0, 0, 3)
    assert list(FeatureIndex(features, NAMES).paint_chunks(windows[:0])) == []
    assert not FeatureIndex(features[:0], NAMES).paint(windows).any()
    assert not FeatureIndex(table(), NAMES).paint(windows).any()
    assert not FeatureIndex(table(("chr1", 5, 5, "exon")), NAMES).paint(window(0, 10)).any()


def test_inputs_are_not_changed():
    features, windows = random_case(3)
    before = features.copy(), windows.copy()
    paint_features(features, windows, NAMES, strand_aware=True)
    pd.testing.assert_frame_equal(features, before[0])
    pd.testing.assert_frame_equal(windows, before[1])


def test_small_and_categorical_columns():
    features, windows = random_case(3)
    narrow = features.astype({"chrom": "category", "name": "category", "start": "int32"})
    other = windows.astype({"chrom": "category", "start": "int32", "end": "Int64"})
    np.testing.assert_array_equal(
        paint_features(narrow, other, NAMES), paint_features(features, windows, NAMES)
    )


@pytest.mark.parametrize(
    ("features", "names", "message"),
    [
        (table(("chr1", 1, 2, "UTR")), ["exon"], r"1 of 1 rows .*row 0.*name=UTR"),
        (table(("chr1", 0, 1, "exon"), ("chr1", 3, 2, "exon")), ["exon"], "start after its end.*1"),
        (table(("chr1", -1, 2, "exon")), ["exon"], "start below 0"),
        (table(("chr1", 1.5, 2, "exon")), ["exon"], "start is float64, expected integers"),
        (table((None, 1, 2, "exon")), ["exon"], "no chrom"),
        (table(("chr1", 1, 2, "exon")), ["exon", "exon"], "'exon' is there twice"),
        (table(("chr1", 1, 2), columns=("chrom", "start", "end")), ["exon"], "no column name"),
    ],
)
def test_bad_features_are_refused(features, names, message):
    with pytest.raises(FormatError, match=message):
        FeatureIndex(features, names)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (pd.concat([window(0, 5)] * 2 + [window(0, 6)]), r"2 different lengths; row 2 .* has 6 nt"),
        (window(5, 4), "start after its end"),
        (window(0, 5, "."), "strand that is neither"),
        (window(0, 5, chrom="1"), "contig '1' has no features, but 'chr1' has"),
        (window(0, 5).drop(columns="strand"), "no column strand"),
        (window(0, 5).drop(columns="end"), "no column end"),
        (window(0, 5).astype({"end": float}), "end is float64"),
    ],
)
def test_bad_windows_are_refused(windows, message):
    index = FeatureIndex(table(("chr1", 1, 2, "exon")), ["exon"])
    with pytest.raises(FormatError, match=message):
        index.paint(windows, strand_aware=True)
    with pytest.raises(FormatError, match=message):
        # At the call, before any chunk is asked for.
        index.paint_chunks(windows, strand_aware=True)


def test_chunk_size_must_be_positive():
    with pytest.raises(ValueError, match="at least 1"):
        FeatureIndex(table(), []).paint_chunks(window(0, 5), chunk_size=0)


def test_missing_extension_says_how_to_compile(monkeypatch):
    monkeypatch.setitem(sys.modules, "splicebert._intervals", None)
    with pytest.raises(ImportError, match=r"snakemake --cores 1 compile_extension.*pip install"):
        load(ROOT / "src/splicebert/intervals.py")


@pytest.fixture
def job(tmp_path):
    """What Snakemake gives to the compile script, on a copy with a previous extension."""
    source = tmp_path / SOURCE.name
    source.write_bytes(SOURCE.read_bytes())
    target = tmp_path / (source.stem + extension.extension_suffix())
    target.write_bytes(b"previous")
    return SimpleNamespace(
        input=SimpleNamespace(source=str(source)),
        output=SimpleNamespace(extension=str(target)),
        log=[str(tmp_path / "compile.log")],
    )


def test_compile_replaces_the_extension(job):
    compile_script.main(job)
    target = Path(job.output.extension)
    code = (
        "import importlib.util as u; "
        f"s = u.spec_from_file_location('splicebert._intervals', {str(target)!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.paint.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "paint\n"
    assert "building 'splicebert._intervals'" in Path(job.log[0]).read_text()
    names = {path.name for path in target.parent.iterdir()}
    assert names == {SOURCE.name, target.name, "compile.log"}


def test_broken_source_leaves_the_previous_extension(job):
    source, target = Path(job.input.source), Path(job.output.extension)
    source.write_text(SOURCE.read_text() + "\ncdef int f(:\n")
    line = len(source.read_text().splitlines())
    with pytest.raises(extension.CompileError, match=rf"{source}.*pyx:{line}:.*Expected") as caught:
        compile_script.main(job)
    assert target.read_bytes() == b"previous"
    log = Path(job.log[0]).read_text()
    assert log.startswith(str(caught.value))
    assert "Error compiling Cython file" in log


def test_missing_compiler_is_named(job, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O2")
    with pytest.raises(extension.CompileError, match=r"'no-such-compiler'.*build-essential"):
        compile_script.main(job)
    assert Path(job.output.extension).read_bytes() == b"previous"
    assert "no-such-compiler" in Path(job.log[0]).read_text()


def test_extension_of_another_python_is_refused(job):
    job.output.extension = str(Path(job.output.extension).with_name("_intervals.cpython-27.so"))
    with pytest.raises(extension.CompileError, match="one Python version"):
        compile_script.main(job)


def test_missing_headers_are_explained():
    output = "x.c:12:10: fatal error: Python.h: No such file or directory\ncompilation terminated."
    assert "-dev" in extension._cause(output)


def test_benchmark_routes_agree(tmp_path, capsys):
    output = tmp_path / "speed.tsv"
    benchmark.main(
        ["--windows", "300", "--features", "2000", "--repeats", "1", "--output", str(output)]
    )
    result = pd.read_csv(output, sep="\t")
    assert list(result["route"]) == ["tabix", "splicebert", "paint only"]
    assert (result["max_abs_difference"] == 0).all()
    assert "windows_per_s" in capsys.readouterr().out
