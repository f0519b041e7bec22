"""Zips of per-window arrays."""

import zipfile

import numpy as np
import pytest

from splicebert.arrays import ArrayReader, ArrayWriter, ShardReader
from splicebert.errors import FormatError, SpliceBERTError
from splicebert.shards import rows_of_shard

FIELDS = {"states": ((5, 3), "float16"), "bases": ((5,), "uint8"), "score": ((), "float32")}


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "states": rng.normal(size=(n, 5, 3)).astype(np.float16),
        "bases": rng.integers(0, 5, (n, 5)).astype(np.uint8),
        "score": rng.normal(size=n).astype(np.float32),
    }


def ids_of(n):
    return [f"tx{i}:0" for i in range(n)]


def write(path, ids, values, **options):
    with ArrayWriter(path, ids, FIELDS, **options) as writer:
        for i in range(len(ids)):
            writer.append(**{name: array[i] for name, array in values.items()})
    return path


@pytest.mark.parametrize("n", [1, 2, 7, 30])
@pytest.mark.parametrize("chunk", [1, 3, 7, 256])
def test_what_is_written_is_read(tmp_path, n, chunk):
    values = rows(n)
    path = write(tmp_path / "a.zarr.zip", ids_of(n), values, chunk=chunk)
    with ArrayReader(path) as reader:
        assert len(reader) == n
        assert reader.window_ids.tolist() == ids_of(n)
        for name, array in values.items():
            found = reader.read(name)
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)
            np.testing.assert_array_equal(reader.read(name, slice(1, 5)), array[1:5])


def test_no_windows(tmp_path):
    path = write(tmp_path / "a.zarr.zip", [], rows(0))
    with ArrayReader(path) as reader:
        assert len(reader) == 0
        assert reader.read("states").shape == (0, 5, 3)


def test_nan_survives(tmp_path):
    values = rows(3)
    values["score"][1] = np.nan
    with ArrayReader(write(tmp_path / "a.zarr.zip", ids_of(3), values)) as reader:
        assert np.isnan(reader.read("score")).tolist() == [False, True, False]


def test_attributes(tmp_path):
    about = {"layer": 6, "neighbourhood": 250, "name": "é"}
    path = write(tmp_path / "a.zarr.zip", ids_of(2), rows(2), attributes=about)
    with ArrayReader(path) as reader:
        assert reader.attributes == about
        assert "states" in reader
        assert "logits" not in reader


@pytest.mark.parametrize("ids", [["é:0", "a", "日本:12", "🧬"], ["a", "abcdefgh" * 20, ""]])
def test_ids_in_unicode_and_of_unequal_length(tmp_path, ids):
    with ArrayReader(write(tmp_path / "a.zarr.zip", ids, rows(len(ids)))) as reader:
        assert reader.window_ids.tolist() == ids


@pytest.mark.parametrize("written", [0, 2, 3])
def test_too_few_rows(tmp_path, written):
    writer = ArrayWriter(tmp_path / "a.zarr.zip", ids_of(4), FIELDS, chunk=3)
    for i in range(written):
        writer.append(**{name: array[i] for name, array in rows(4).items()})
    with pytest.raises(SpliceBERTError, match=f"{written} rows were written; expected 4"):
        writer.__exit__(None, None, None)


def test_too_many_rows(tmp_path):
    row = {name: array[0] for name, array in rows(1).items()}
    with ArrayWriter(tmp_path / "a.zarr.zip", ids_of(2), FIELDS) as writer:
        writer.append(**row)
        writer.append(**row)
        with pytest.raises(SpliceBERTError, match="more rows than the 2 windows"):
            writer.append(**row)


@pytest.mark.parametrize("change", [{"extra": np.zeros(1)}, {"score": None}])
def test_other_fields(tmp_path, change):
    row = {name: array[0] for name, array in rows(1).items()}
    row = {k: v for k, v in (row | change).items() if v is not None}
    with (
        pytest.raises(SpliceBERTError, match=r"fields .*expected \['bases', 'score', 'states'\]"),
        ArrayWriter(tmp_path / "a.zarr.zip", ids_of(1), FIELDS) as writer,
    ):
        writer.append(**row)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 5)])
def test_row_of_another_shape(tmp_path, shape):
    row = {name: array[0] for name, array in rows(1).items()} | {"bases": np.zeros(shape)}
    with (
        pytest.raises(SpliceBERTError, match=r"bases: a row of .*expected \(5,\)"),
        ArrayWriter(tmp_path / "a.zarr.zip", ids_of(1), FIELDS) as writer,
    ):
        writer.append(**row)


def test_an_error_inside_is_not_hidden_by_the_missing_rows(tmp_path):
    with (
        pytest.raises(KeyError, match="mine"),
        ArrayWriter(tmp_path / "a.zarr.zip", ids_of(4), FIELDS),
    ):
        raise KeyError("mine")


def test_what_is_no_zip(tmp_path):
    path = tmp_path / "a.zarr.zip"
    path.write_text("text")
    with pytest.raises(FormatError, match=r"a\.zarr\.zip: not a zarr zip"):
        ArrayReader(path)
    with pytest.raises(FormatError, match=r"none\.zarr\.zip: not a zarr zip"):
        ArrayReader(tmp_path / "none.zarr.zip")
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("a.txt", "text")
    with pytest.raises(FormatError, match="not a zarr zip"):
        ArrayReader(path)


def test_half_a_file(tmp_path):
    path = write(tmp_path / "a.zarr.zip", ids_of(30), rows(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FormatError, match="not a zarr zip"):
        ArrayReader(path)


def test_array_that_is_not_there(tmp_path):
    path = write(tmp_path / "a.zarr.zip", ids_of(2), rows(2))
    with (
        ArrayReader(path) as reader,
        pytest.raises(FormatError, match=r"no array 'logits'; it holds .*'states'"),
    ):
        reader.read("logits")


def test_same_windows_are_required(tmp_path):
    one, same, reordered, fewer = (
        write(tmp_path / f"{name}.zarr.zip", ids, rows(len(ids)))
        for name, ids in (
            ("one", ids_of(3)),
            ("same", ids_of(3)),
            ("reordered", ids_of(3)[::-1]),
            ("fewer", ids_of(2)),
        )
    )
    with ArrayReader(one) as reader:
        with ArrayReader(same) as other:
            reader.require_same_windows(other)
        for path in (reordered, fewer):
            with (
                ArrayReader(path) as other,
                pytest.raises(FormatError, match=f"one.*3 windows are not the .*{path.name}"),
            ):
                reader.require_same_windows(other)


@pytest.mark.parametrize("shards", [1, 3, 7])
def test_shards_together_are_the_whole(tmp_path, shards):
    ids, values, paths = ids_of(7), rows(7), []
    whole = write(tmp_path / "whole.zarr.zip", ids, values)
    for shard in range(shards):
        own = rows_of_shard(7, shard, shards, what="windows", key="a.shards")
        part = {name: array[own] for name, array in values.items()}
        paths.append(write(tmp_path / f"{shard}.zarr.zip", ids[own], part))
    with ShardReader(paths) as reader, ArrayReader(whole) as one:
        reader.require_same_windows(one)
        assert len(reader) == 7
        for name, array in values.items():
            np.testing.assert_array_equal(reader.read(name), array)
    with (
        ShardReader(paths[1:] or paths * 2) as reader,
        ArrayReader(whole) as one,
        pytest.raises(FormatError, match="are not the 7 of"),
    ):
        reader.require_same_windows(one)


def test_more_shards_than_rows():
    with pytest.raises(SpliceBERTError, match=r"3 windows can't be cut into 4.*set a\.shards to 3"):
        rows_of_shard(3, 0, 4, what="windows", key="a.shards")
