"""The authors' files become this project's tables, and every value arrives unchanged."""

import copy
import errno
import gzip
import io
import re
import tarfile
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest

import authors_archive as authors
from splicebert.arrays import ArrayReader
from splicebert.attention_tables import PAIR_SCORES, PAIRS
from splicebert.configuration import check, read_schema, read_yaml
from splicebert.conservation_tables import REPEAT_FRACTIONS
from splicebert.embedding_tables import CLUSTERS, EMBEDDING_SITES
from splicebert.errors import ConfigError, FormatError, SpliceBERTError
from splicebert.precomputed import archive, arrays
from splicebert.precomputed.archive import find, unpack_results
from splicebert.precomputed.arrays import describe, read_arrays, require_shape
from splicebert.precomputed.attention import all_scores, intron_profiles, pairs_file, read_rows
from splicebert.precomputed.conservation import one_hot, read_masked_bases, read_probe_windows
from splicebert.precomputed.h5ad import read_h5ad
from splicebert.precomputed.settings import check_precomputed
from splicebert.precomputed.variant import (
    read_mutagenesis,
    read_variants,
    score_table,
    snv_table,
    track_table,
)
from splicebert.scores import context_score
from splicebert.tables import read_table, validate
from splicebert.variant_tables import SITES, SNV_SCORES, SNV_TRACKS, SNVS


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def convert(script, tmp_path):
    """Function (script, outputs, params): run a converter on tmp_path/files."""

    def run(name, output, **params):
        snakemake = SimpleNamespace(
            input=SimpleNamespace(folder=str(tmp_path / "files")),
            output=SimpleNamespace(**output),
            params=SimpleNamespace(**params),
            log=[str(tmp_path / "job.log")],
            rule=name,
        )
        script("precomputed", name).main(snakemake)
        return (tmp_path / "job.log").read_text()

    return run


# --- the archive


def tar_of(path, members):
    """A tar.gz of (name, bytes) and of ready headers."""
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return path


def test_results_are_taken_out_by_their_base_names(tmp_path):
    members = [
        ("examples/00-conservation/embed_cons.pkl", b"1"),
        ("./01-variant/output/vexseq.SpliceBERT.output.pkl", b"22"),
        ("01-variant/output/vexseq.SpliceBERT.output.pkl.log", b"log"),
        ("../../../outside/hg19.unpair.1000_per_group.att.v2.pkl", b"333"),
        ("00-conservation/mlm2cons_models.pkl", b"no"),
        ("/02-embedding/output/hg19.ss-motif.for_umap.onehot.flanking10.h5ad", b""),
    ]
    contents = unpack_results(
        tar_of(tmp_path / "a.tar.gz", members), tmp_path / "out", most_bytes=100
    )
    assert contents["taken"].tolist() == [True, True, False, True, False, True]
    assert contents["bytes"].sum() == 11
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found["hg19.unpair.1000_per_group.att.v2.pkl"] == b"333"
    assert len(found) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "out"]


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a/embed_cons.pkl", b""), ("b/embed_cons.pkl", b"")], "holds embed_cons.pkl twice"),
        ([link("embed_cons.pkl", "/etc/passwd")], "embed_cons.pkl is a link"),
        ([link("embed_cons.pkl", "x", tarfile.LNKTYPE)], "embed_cons.pkl is a link"),
        ([link("embed_cons.pkl", "", tarfile.CHRTYPE)], "embed_cons.pkl is a link"),
        ([("embed_cons.pkl", bytes(200))], "more than 100000 members or 100 bytes"),
        ([("readme.txt", b"")], "none of the authors' results is in it; it holds readme.txt"),
        ([], "it holds no file"),
    ],
)
def test_a_wrong_archive_leaves_nothing(tmp_path, members, message):
    path = tar_of(tmp_path / "a.tar.gz", members)
    with pytest.raises(SpliceBERTError, match=re.escape(message)):
        unpack_results(path, tmp_path / "out", most_bytes=100)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_broken_or_missing_archive(tmp_path):
    path = tmp_path / "a.tar.gz"
    with pytest.raises(SpliceBERTError, match=r"a\.tar\.gz: no such file; download .* by hand"):
        unpack_results(path, tmp_path / "out", most_bytes=1)
    path.write_bytes(b"<!doctype html><html>a page of the drive</html>" * 20)
    with pytest.raises(SpliceBERTError, match=r"no \.tar\.gz"):
        unpack_results(path, tmp_path / "out", most_bytes=1)
    random = np.random.default_rng(0).bytes(50_000)
    tar_of(path, [("embed_cons.pkl", random)])
    path.write_bytes(path.read_bytes()[:30_000])
    with pytest.raises(SpliceBERTError, match="truncated"):
        unpack_results(path, tmp_path / "out", most_bytes=1 << 20)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_folders_count_as_members(tmp_path, monkeypatch):
    folders = [link(f"{n}", "", tarfile.DIRTYPE) for n in range(5)]
    path = tar_of(tmp_path / "a.tar.gz", [*folders, ("embed_cons.pkl", b"1")])
    monkeypatch.setattr(archive, "MOST_MEMBERS", 5)
    with pytest.raises(SpliceBERTError, match="more than 5 members"):
        unpack_results(path, tmp_path / "out", most_bytes=100)
    monkeypatch.setattr(archive, "MOST_MEMBERS", 6)
    assert len(unpack_results(path, tmp_path / "out", most_bytes=100)) == 1


def test_a_tail_without_end_is_refused(tmp_path):
    path = tar_of(tmp_path / "a.tar.gz", [("embed_cons.pkl", b"1")])
    with gzip.open(path, "ab", compresslevel=1) as file:
        file.write(bytes(17 << 20))
    with pytest.raises(SpliceBERTError, match="bytes after its last member"):
        unpack_results(path, tmp_path / "out", most_bytes=100)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_full_disk_is_said_to_be_full(tmp_path, monkeypatch):
    path = tar_of(tmp_path / "a.tar.gz", [("embed_cons.pkl", b"1")])

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "_take", full)
    with pytest.raises(SpliceBERTError, match="the disk is full"):
        unpack_results(path, tmp_path / "out", most_bytes=100)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


def test_a_result_that_is_missing_is_told_with_what_is_there(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/embed_cons.pkl.gz").write_bytes(b"")
    assert find(tmp_path, "embed_cons.pkl", "") == tmp_path / "deep/embed_cons.pkl.gz"
    with pytest.raises(SpliceBERTError, match=r"no file pred_in_region\.pkl .* are embed_cons"):
        find(tmp_path, "pred_in_region.pkl", "leave it out")
    (tmp_path / "embed_cons.pkl").write_bytes(b"")
    with pytest.raises(SpliceBERTError, match="there twice"):
        find(tmp_path, "embed_cons.pkl", "")


# --- the arrays


def test_another_form_is_said_as_it_is(tmp_path):
    path = tmp_path / "some.pkl"
    authors.dump(path, (np.zeros((3, 2), np.float16), {"a": [1, "b"]}))
    with pytest.raises(FormatError) as caught:
        read_arrays(path, {"x": 1, "y": 1, "z": 1})
    assert "tuple of 2: float16 (3, 2), dict of 1: a: list of 2: int, str" in str(caught.value)
    assert "expected 3 arrays (x, y, z)" in str(caught.value)
    for value, message in (
        ({"x": np.zeros(3)}, "lacks y"),
        ((np.zeros(3), np.zeros(4)), "different or no length"),
        ((np.zeros(3), [1, 2, 3]), "y is list of 3"),
        ((np.zeros((3, 1)), np.zeros(3)), r"x is float64 \(3, 1\)"),
        ("text", "holds str"),
    ):
        authors.dump(path, value)
        with pytest.raises(FormatError, match=message):
            read_arrays(path, {"x": 1, "y": 1})
    assert describe(None) == "NoneType"


def test_what_a_pickle_holds_is_told_in_few_words(tmp_path, monkeypatch):
    value = ()
    for _ in range(6):
        value = (value,) * 4  # four times as many words a level
    assert describe(value).count("tuple of 4") == 1 + 4 + 16 + 64
    assert len(describe({"k" * 10_000: dict.fromkeys(range(1000), value)})) < 1000
    assert describe({1 << 100_000: 1, 2: 3}) == "dict of 2: int: int, 2: int"
    path = tmp_path / "some.pkl"
    authors.dump(path, (value, value))
    with pytest.raises(FormatError, match="x is tuple of 4") as caught:
        read_arrays(path, {"x": 1, "y": 1})
    assert len(str(caught.value)) < 2000
    monkeypatch.setattr("splicebert.precomputed.arrays.describe", None)  # not for a good file
    authors.dump(path, (np.zeros(3), np.ones(3)))
    found = read_arrays(path, {"x": 1, "y": 1})
    require_shape(found, ["x", "y"], (3,), path)


def test_a_plain_file_may_be_large_and_a_compressed_one_may_not_grow(tmp_path, monkeypatch):
    assert arrays.MOST_BYTES == 8 << 30
    monkeypatch.setattr(arrays, "MOST_BYTES", 1000)
    path = tmp_path / "some.pkl"
    authors.dump(path, (np.zeros(1000),))
    assert len(read_arrays(path, {"x": 1})["x"]) == 1000
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(FormatError, match="limit of 1000 bytes"):
        read_arrays(path, {"x": 1})


def test_masked_bases(tmp_path, rng, convert):
    values = authors.masked_bases(rng, 500)
    authors.dump(tmp_path / "files/pred_in_region.pkl", values)
    output = {"annotation": tmp_path / "a.zarr.zip", "predictions": [tmp_path / "p.zarr.zip"],
              "repeats": tmp_path / "r.tsv"}  # fmt: skip
    log = convert("convert_masked_bases", output, models=["SpliceBERT-human"])
    assert "495 bases; 5 more were N" in log

    label, _, logits, annotation, repeat = (np.asarray(part)[5:] for part in values)
    with ArrayReader(output["annotation"]) as reader:
        np.testing.assert_array_equal(reader.read("bases")[0], label - 6)
        np.testing.assert_array_equal(reader.read("repeat")[0], repeat == 1)
        bits = (reader.read("regions")[0][:, None] >> np.arange(12)) & 1
        np.testing.assert_array_equal(bits, annotation)
    with ArrayReader(output["predictions"][0]) as reader:
        token = logits.argmax(axis=1)
        expected = np.where(token >= 6, token - 6, 4)
        np.testing.assert_array_equal(reader.read("predicted")[0], expected)
        loss = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(495), label]
        np.testing.assert_allclose(reader.read("log_prob")[0], -loss, rtol=1e-4)
    table = read_table(output["repeats"], REPEAT_FRACTIONS)
    assert table["bases"].tolist() == annotation.sum(axis=0).tolist()
    assert table["repeat_bases"].tolist() == annotation[repeat == 1].sum(axis=0).tolist()


def test_masked_bases_of_another_vocabulary_are_refused(tmp_path, rng):
    path = tmp_path / "pred_in_region.pkl"
    values = list(authors.masked_bases(rng, 50))
    values[0] = values[0] + 60
    authors.dump(path, tuple(values))
    with pytest.raises(FormatError, match="labels from 65 to 69"):
        read_masked_bases(path)


def test_probe_windows(tmp_path, rng, convert):
    values = authors.probe_windows(rng, 5, 4)
    authors.dump(tmp_path / "files/embed_cons.pkl", values)
    output = {"windows": tmp_path / "w.parquet", "annotation": tmp_path / "a.zarr.zip",
              "hidden_states": [tmp_path / "h.zarr.zip", tmp_path / "o.zarr.zip"]}  # fmt: skip
    models = [("SpliceBERT-human", 0), (None, 250)]
    convert("convert_probe_windows", output, models=models)
    with ArrayReader(output["annotation"]) as reader:
        np.testing.assert_array_equal(reader.read("phastcons"), values["phastcons"])
        np.testing.assert_array_equal(reader.read("phylop"), values["phylop"])
    with ArrayReader(output["hidden_states"][0]) as reader:
        expected = values["splicebert-human"].astype(np.float16)
        np.testing.assert_array_equal(reader.read("hidden_states"), expected)
    with ArrayReader(output["hidden_states"][1]) as reader:
        states = reader.read("hidden_states")
        assert reader.attributes["neighbourhood"] == 250
    assert states.shape == (5, 510 + 500, 4)
    np.testing.assert_array_equal(states.argmax(axis=-1) + 6, values["ids_extend"][:, 260:1270])
    assert not one_hot(np.full(30, 5), 10).any()  # N
    with pytest.raises(FormatError, match="lacks dnabert3"):
        read_probe_windows(tmp_path / "files/embed_cons.pkl", ["DNABERT3"])


@pytest.mark.parametrize("old", [True, False], ids=["before 0.8", "since"])
def test_h5ad_of_either_form(tmp_path, rng, old):
    columns, place = authors.sites(rng, authors.MOTIF, 5, 0.3)
    authors.write_h5ad(tmp_path / "a.h5ad", columns, place, old=old)
    table = read_h5ad(tmp_path / "a.h5ad", list(columns), "X_umap")
    for name, values in columns.items():
        assert table[name].tolist() == list(map(str, values))
    np.testing.assert_array_equal(table[["x", "y"]], place.astype(np.float32))
    assert table.index.tolist() == list(map(str, range(20)))


def test_h5ad_as_anndata_writes_it(tmp_path, rng):
    anndata = pytest.importorskip("anndata")
    columns, place = authors.sites(rng, authors.MOTIF, 5, 0.3)
    obs = pd.DataFrame({name: list(map(str, values)) for name, values in columns.items()})
    obs.index = obs.index.astype(str)
    data = anndata.AnnData(np.zeros((20, 3), np.float32), obs=obs, obsm={"X_umap": place})
    data.write_h5ad(tmp_path / "a.h5ad")
    table = read_h5ad(tmp_path / "a.h5ad", list(columns), "X_umap")
    assert table["label"].tolist() == obs["label"].tolist()
    assert table["name"].tolist() == obs["name"].tolist()
    assert table.index.tolist() == obs.index.tolist()


def test_h5ad_that_points_outside_itself_is_refused(tmp_path, rng):
    columns, place = authors.sites(rng, authors.MOTIF, 5, 0.3)
    path = tmp_path / "a.h5ad"
    (tmp_path / "secret").write_bytes(bytes(800))
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = place

    def outside(change):
        authors.write_h5ad(path, columns, place)
        with h5py.File(path, "r+") as file:
            del file["obsm/X_umap"]
            change(file["obsm"])
        with pytest.raises(FormatError, match=r"outside|a link out"):
            read_h5ad(path, ["label"], "X_umap")

    layout = h5py.VirtualLayout(place.shape, "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "secret", shape=place.shape)
    external = [(str(tmp_path / "secret"), 0, 800)]
    outside(lambda group: group.__setitem__("X_umap", h5py.ExternalLink("other.h5", "secret")))
    outside(lambda group: group.__setitem__("X_umap", h5py.SoftLink("/X")))
    outside(lambda group: group.create_virtual_dataset("X_umap", layout))
    outside(lambda g: g.create_dataset("X_umap", place.shape, "f8", external=external))

    def index(name, change):
        authors.write_h5ad(path, columns, place)
        with h5py.File(path, "r+") as file:
            change(file["obs"])
            file["obs"].attrs["_index"] = name
        with pytest.raises(FormatError, match="a link out of the file"):
            read_h5ad(path, ["label"], "X_umap")

    index("ext/secret", lambda obs: obs.__setitem__("ext", h5py.ExternalLink("other.h5", "/")))
    index("ext", lambda obs: obs.__setitem__("ext", h5py.ExternalLink("nowhere.h5", "/")))
    index("/obs/label", lambda obs: None)
    path.write_bytes(b"no HDF5")
    with pytest.raises(FormatError, match="no h5ad file"):
        read_h5ad(path, ["label"], "X_umap")


def test_clusters(tmp_path, rng, convert):
    authors.write_sites(tmp_path / "files/02-embedding", rng, 6)
    runs = [("mine", "SpliceBERT"), ("baselines", None)]
    output = {"sites": tmp_path / "s.parquet",
              "clusters": [tmp_path / "m.parquet", tmp_path / "b.parquet"]}  # fmt: skip
    convert("convert_clusters", output, kind="motif", runs=runs)
    sites = read_table(output["sites"], EMBEDDING_SITES)
    assert sites["label"].value_counts().to_dict() == dict.fromkeys(authors.MOTIF, 6)
    assert (sites["positive"] == ~sites["label"].str.contains("non-")).all()
    assert (sites["site"] == sites["label"].str.extract(r"(donor|acceptor)")[0]).all()

    table = read_table(output["clusters"][0], CLUSTERS)
    assert sorted(table["layer"].unique()) == list(range(7))
    assert table.groupby("subset").size().to_dict() == {"all": 168, "donor": 84, "acceptor": 84}
    stem = tmp_path / "files/02-embedding/hg19.ss-motif.for_umap.SpliceBERT"
    source = read_h5ad(f"{stem}.L4.GT.h5ad", ["leiden", "label"], "X_umap")
    own = table[(table["layer"] == 4) & (table["subset"] == "donor")]
    assert own["cluster"].tolist() == source["leiden"].astype(int).tolist()
    np.testing.assert_array_equal(own[["x", "y"]], source[["x", "y"]])
    assert own["site_id"].tolist() == [f"row:{name}" for name in source.index]
    baselines = read_table(output["clusters"][1], CLUSTERS)
    assert baselines["method"].unique().tolist() == [f"onehot{n}" for n in (10, 20, 50, 100, 200)]

    authors.write_h5ad(f"{stem}.L5.h5ad", *authors.sites(rng, authors.MOTIF, 6, 0))
    with pytest.raises(FormatError, match="not those of the other files"):
        convert("convert_clusters", output, kind="motif", runs=runs)
    with pytest.raises(SpliceBERTError, match=r"leave out x in embedding\.models"):
        convert("convert_clusters", output, kind="motif", runs=[("x", "DNABERT3")])


def test_pairs_and_their_scores(tmp_path, rng, convert):
    for group in authors.GROUPS:
        path = tmp_path / "files" / pairs_file(group)
        authors.dump(path, authors.attention_rows(rng, n=4, nt=500))
    output = {"pairs": tmp_path / "p.parquet", "scores": [tmp_path / "s.parquet"]}
    convert("convert_pairs", output)
    pairs = read_table(output["pairs"], PAIRS)
    scores = read_table(output["scores"][0], PAIR_SCORES)
    assert len(pairs) == 24
    rows = read_rows(path)  # of the last group
    p_rows, q_rows = (part.astype(np.float32).mean(axis=2) for part in (rows.p_rows, rows.q_rows))
    own = scores[scores["pair_id"].str.startswith("random_pair") & (scores["layer"] == "mean")]
    for row, found in enumerate(own["score"]):
        p, q = rows.p[row], rows.q[row]
        there, back = p_rows[row].mean(axis=0), q_rows[row].mean(axis=0)
        expected = ((there[q - 1 : q + 2] + back[p - 1 : p + 2]) / 2).max()
        assert found == pytest.approx(expected, rel=1e-5)
    last = pairs[pairs["group"] == "random_pair"]
    assert (last["q"] - last["start"]).tolist() == rows.q.tolist()


def test_profiles_of_introns(tmp_path, rng, convert):
    path = tmp_path / "files/gencode.v41lift37.MANE.intron.for_attention.att.v2.pkl"
    authors.dump(path, authors.attention_rows(rng, n=5, types=("A", "D")))
    output = {"profiles": tmp_path / "p.zarr.zip", "heads": tmp_path / "h.zarr.zip"}
    convert("convert_introns", output, flank=100)
    rows = read_rows(path)
    with ArrayReader(output["profiles"]) as reader:
        found = reader.read("layer_4")
    assert found.shape == (5, 2, 201)
    for row in range(5):  # p is the acceptor
        p, q = rows.p[row], rows.q[row]
        donor = rows.q_rows[row, 3, 1].astype(np.float32)[p - 100 : p + 101]
        np.testing.assert_array_equal(found[row, 0], donor)
        acceptor = rows.p_rows[row, 3, 1].astype(np.float32)[q - 100 : q + 101]
        np.testing.assert_array_equal(found[row, 1], acceptor)
    with ArrayReader(output["heads"]) as reader:
        assert len(reader) == 0
    authors.dump(path, authors.attention_rows(rng, n=5, types=("D", "D"), nt=500))
    with pytest.raises(FormatError, match="types DD; expected D and A"):
        convert("convert_introns", output, flank=100)


# --- what the paper's own code computes, where the data are at hand


@pytest.mark.parametrize("name", [*authors.GROUPS, "MANE"])
def test_scores_of_pairs_equal_those_of_the_papers_code(shared, tmp_path, script, name):
    arrays = np.load(shared / f"real/published_code/attention.{name}.npz")
    n = len(arrays["p_rows"])
    p, q = (arrays[f"{site}_offset"][:n] for site in "pq")
    types = arrays["samples"][:n, 6:8].T
    rows = [arrays[f"{site}_rows"].astype(np.float16) for site in "pq"]
    value = (*rows, p.astype(np.int16), q.astype(np.int16), *types, abs(p - q).astype(np.int16))
    authors.dump(tmp_path / "a.pkl", value)
    found = read_rows(tmp_path / "a.pkl")
    np.testing.assert_array_equal(found.p_rows, rows[0])
    np.testing.assert_array_equal(found.p, p)
    scores = all_scores(found)[:, 0]
    np.testing.assert_allclose(scores, arrays["pair_score"][:n], rtol=2e-3)  # of float16
    if name == "MANE":
        assert np.isfinite(intron_profiles(found, 0, 100)).any()


@pytest.mark.parametrize("kind", ["VexSeq", "MFASS"])
def test_scores_of_variants_equal_those_of_the_papers_code(shared, tmp_path, rng, kind):
    arrays = np.load(shared / f"real/published_code/variant.{kind.lower()}.tiny.510nt.npz")
    value = authors.variants(rng, arrays["delta_psi"].astype(float), 1) | dict(arrays)
    assert len(value) == 21
    path = tmp_path / "a.pkl"
    authors.dump(path, value)
    found = read_variants(path)
    table = validate(score_table(found, path), SNV_SCORES, path)
    for column, name in (("delta_p", "prob_change_scores"), ("donor_kl", "donor_kl"),
                         ("acceptor_kl", "acceptor_kl")):  # fmt: skip
        np.testing.assert_array_equal(table[column], arrays[name].astype(float))
    expected = [context_score(row) for row in arrays["kl_distance"]]
    np.testing.assert_allclose(table["context_score"], expected)
    snvs = validate(snv_table(found, kind, path), SNVS, path)
    np.testing.assert_array_equal(snvs["delta_psi"], arrays["delta_psi"])
    np.testing.assert_array_equal(snvs["distance"], arrays["distance"])
    np.testing.assert_array_equal(snvs["is_exonic"], arrays["is_exonic"] == 1)
    tracks = validate(track_table(found), SNV_TRACKS, path)
    np.testing.assert_array_equal(tracks["phastcons"], arrays["phastcons_scores"])


def test_mutagenesis_equals_that_of_the_papers_code(shared, tmp_path):
    arrays = np.load(shared / "real/published_code/mutagenesis.tiny.510nt.npz")
    site = arrays["site"].T
    numbers = [part.astype(float) for part in site[1:]]
    kinds = (np.int32, np.int8, *[np.int32] * 4, np.float16, np.float16)
    parts = [part.astype(kind) for part, kind in zip(numbers, kinds, strict=True)]
    authors.dump(tmp_path / "a.pkl", (arrays["kl"].astype(np.float16), site[0], *parts))
    found = read_mutagenesis(tmp_path / "a.pkl")
    np.testing.assert_allclose(found.profiles, arrays["folded"], rtol=2e-3, atol=1e-6)
    sites = validate(found.sites, SITES, tmp_path)
    assert sites["chrom"].tolist() == site[0].tolist()
    assert sites["position"].tolist() == numbers[0].astype(int).tolist()
    exonic = numbers[1] == 1
    donor = np.where(exonic, numbers[2], numbers[4])
    np.testing.assert_array_equal(sites["donor_distance"].isna(), donor == -100)
    np.testing.assert_array_equal(sites["donor_distance"].fillna(-100).astype(float), donor)


# --- variants and mutagenesis of other forms


def test_variants_of_two_models_must_be_the_same(tmp_path, rng, convert):
    for model, n in zip(authors.MODELS, (30, 31), strict=True):
        value = authors.variants(rng, rng.normal(size=n), 1)
        authors.dump(tmp_path / f"files/vexseq.{model}.output.pkl", value)
    two = [[str(tmp_path / f"{k}{i}.{end}") for i in range(2)]
           for k, end in (("s", "parquet"), ("p", "zarr.zip"))]  # fmt: skip
    output = {"snvs": tmp_path / "v.parquet", "tracks": tmp_path / "t.parquet",
              "scores": two[0], "profiles": two[1]}  # fmt: skip
    models = [(name, name) for name in authors.MODELS]
    with pytest.raises(FormatError, match="delta_psi is not that of the other models"):
        convert("convert_variants", output, kind="VexSeq", models=models)


def test_a_kl_far_below_zero_is_refused(tmp_path, rng):
    path = tmp_path / "a.pkl"
    value = authors.variants(rng, rng.normal(size=30), 1)
    value["donor_kl"][:2] = -1e-6, -0.5
    authors.dump(path, value)
    with pytest.raises(FormatError, match=r"donor_kl falls to -0\.5"):
        score_table(read_variants(path), path)
    value["donor_kl"][1] = 0.25
    authors.dump(path, value)
    assert score_table(read_variants(path), path)["donor_kl"][:2].tolist() == [0, 0.25]


# --- the configuration


@pytest.fixture(scope="module")
def read_shipped(root):
    schema = read_schema(root / "config/schemas/config.schema.yaml")
    models = read_yaml(root / "config/models.yaml")
    for entry in models.values():
        entry.setdefault("published_as", None)
    return check(read_yaml(root / "config/precomputed.yaml"), schema, "shipped"), models


@pytest.fixture
def shipped(read_shipped):
    """The shipped configuration and the models, to be changed."""
    return copy.deepcopy(read_shipped)


def test_the_shipped_configuration_asks_for_what_there_is(shipped):
    check_precomputed(*shipped)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["variant"].update(shards=2), "variant.shards: found 2, allowed: 1"),
        (lambda c: c["conservation"].update(shards=3), "conservation.shards: found 3, allowed: 1"),
        (lambda c: c["conservation"]["probe"].update(splits=None), "probe.splits: found chrom"),
        (lambda c: c["conservation"]["mlm"]["models"].append("demo"), "no 'demo'"),
        (lambda c: c["conservation"]["datasets"].update(b={}), "conservation.datasets: allowed"),
        (lambda c: c["attention"]["models"].append("demo"), "attention.models: allowed: one"),
        (lambda c: c["embedding"]["datasets"].update(b={"kind": "motif"}), "two of kind 'motif'"),
    ],
)
def test_more_than_there_is_is_refused(shipped, change, message):
    config, models = shipped
    change(config)
    with pytest.raises(ConfigError, match=re.escape(message)):
        check_precomputed(config, models)
