"""The embedding branch: its site sets, features, scores, and the arithmetic of its scripts."""

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score

from splicebert.arrays import ArrayWriter
from splicebert.embedding import (
    BASELINES,
    FeatureReader,
    Representation,
    flank_features,
    flank_method,
)
from splicebert.embedding_config import BASELINES as RESERVED
from splicebert.embedding_config import check_embedding
from splicebert.embedding_draw import (
    annotated_sites,
    balanced,
    draw_motif_sites,
    draw_usage_sites,
)
from splicebert.embedding_scores import (
    adjusted_rand,
    agreement,
    contingency,
    figure_layer,
    normalised_mutual_information,
    site_blocks,
)
from splicebert.embedding_shards import layer_field, shard_rows
from splicebert.embedding_sites import (
    check_dinucleotides,
    finish,
    genes_at,
    on_genome,
    read_site_bed,
)
from splicebert.embedding_tables import (
    CLUSTERING,
    CLUSTERS,
    LAYER_POINTS,
    LAYER_PROBE,
    POINTS,
    SITE_PROBE,
)
from splicebert.errors import ConfigError, FormatError, GenomeError, SpliceBERTError
from splicebert.genome import Genome
from splicebert.report import PUBLISHED, REPRODUCED
from splicebert.sequence import one_hot, reverse_complement
from splicebert.tables import read_table, validate

SCRIPTS = (
    "cluster_sites", "collect_reproduced", "encode_flanks", "fit_probe", "infer_hidden_states",
    "plot_baselines", "plot_interactive", "plot_layers", "plot_scores", "plot_umap",
    "prepare_sites", "summarise_clusters", "summarise_points", "summarise_probe", "write_h5ad",
)  # fmt: skip
LABELS = {
    ("donor", True): "GT(donor)", ("donor", False): "GT(non-donor)",
    ("acceptor", True): "AG(acceptor)", ("acceptor", False): "AG(non-acceptor)",
}  # fmt: skip


@pytest.fixture(scope="module")
def scripts(script):
    return SimpleNamespace(**{name: script("embedding", name) for name in SCRIPTS})


def test_these_tests_know_every_script(root):
    found = {path.stem for path in (root / "scripts" / "embedding").glob("*.py")}
    assert found == set(SCRIPTS)


class FakeGenome:
    """Chromosomes of random bases in memory."""

    path = "fake.fa"

    def __init__(self, lengths, seed=0):
        rng = np.random.default_rng(seed)
        self.contigs = dict(lengths)
        self.text = {c: "".join(rng.choice(list("ACGTacgt"), n)) for c, n in lengths.items()}

    def fetch(self, chrom, start, end, strand="+"):
        text = self.text[chrom]
        left, right = max(-start, 0), max(end - len(text), 0)
        found = "N" * left + text[max(start, 0) : max(end, 0)] + "N" * right
        return found if strand == "+" else reverse_complement(found)


def made_sites(n=40, seed=0, chroms=("chr1", "chr2", "chr3")):
    """A table of sites, all classes, far apart."""
    rng = np.random.default_rng(seed)
    keys = [list(LABELS)[i % 4] for i in range(n)]
    start = 1000 * (1 + np.arange(n))
    table = pd.DataFrame(
        {
            "chrom": rng.choice(list(chroms), n),
            "start": start,
            "end": start + 2,
            "strand": rng.choice(["+", "-"], n),
            "site": [site for site, _ in keys],
            "positive": [positive for _, positive in keys],
            "label": [LABELS[key] for key in keys],
            "gene": None,
            "usage": np.nan,
        }
    )
    return finish(table)


# --- sites from BED


def write_bed(path, rows):
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def test_the_paper_s_file_of_sites_is_read(shared):
    table = read_site_bed(shared / "real" / "ss-motif.bed.gz", "motif")
    counts = table.groupby(["site", "positive"])["label"].agg(["size", "first"])
    assert counts["size"].tolist() == [60] * 4
    assert {key: row["first"] for key, row in counts.iterrows()} == LABELS
    with np.load(shared / "real/published_code/embedding.tiny.510nt.npz") as published:
        names = table["chrom"] + ":" + table["start"].astype(str) + "|" + table["label"]
        assert names.tolist() == published["label"].tolist()


def test_sites_read_their_dinucleotide_on_their_strand(shared):
    table = read_site_bed(shared / "real" / "ss-motif.bed.gz", "motif")
    with Genome(shared / "real" / "genome.fa.gz") as genome:
        assert check_dinucleotides(table, genome, "motif") == len(table)
        shifted = table.assign(start=table["start"] + 1, end=table["end"] + 1)
        with pytest.raises(GenomeError, match="Are the sites on another assembly"):
            check_dinucleotides(shifted, genome, "motif")
        with pytest.raises(GenomeError, match="of 240 sites have another dinucleotide"):
            check_dinucleotides(shifted, genome, "usage")
        few = pd.concat([table.head(100), shifted.head(20)])
        assert 100 <= check_dinucleotides(few, genome, "usage") < 120


def test_usage_sites_of_the_paper_s_form(tmp_path):
    path = write_bed(
        tmp_path / "x.bed",
        [
            ("chr1", 10, 12, "chr1:10|donor(SSE < 0.2)", "GENE", "+"),
            ("chr1", 10, 12, "chr1:10|donor(SSE > 0.8)", ".", "+"),
            ("chr1", 30, 32, "a|b|acceptor(SSE > 0.75)", "OTHER", "-"),
        ],
    )
    table = read_site_bed(path, "usage")
    assert table["site"].tolist() == ["donor", "donor", "acceptor"]
    assert table["positive"].tolist() == [False, True, True]
    assert table["label"].iloc[2] == "acceptor(SSE > 0.75)"
    assert table["gene"].tolist() == ["GENE", None, "OTHER"]
    assert table["site_id"].tolist() == ["chr1:10-12:+", "chr1:10-12:+.2", "chr1:30-32:-"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("chr1", 10, 13, "GT(donor)", ".", "+"), "a site of 3 nt, expected a dinucleotide"),
        (("chr1", 10, 12, "GT(donor)", ".", "."), "expected [+] or -"),
        (("chr1", 10, 12, "GT(acceptor)", ".", "+"), r"label is 'GT\(acceptor\)', expected GT"),
        (("chr1", 10, 12, "x|donor(SSE > 0.8)", ".", "+"), "expected GT.donor., GT.non-donor."),
        (("chr1", 10, 12, "GT(donor)", "."), "found 5 tab-separated fields"),
    ],
)
def test_a_site_that_is_none_is_refused_with_its_line(tmp_path, row, message):
    path = write_bed(tmp_path / "x.bed", [row])
    with pytest.raises(FormatError, match=message) as error:
        read_site_bed(path, "motif")
    assert f"{path}: line 1" in str(error.value)


def test_contigs_take_the_genome_s_names_and_skipped_ones_go():
    table = pd.DataFrame({"chrom": ["1", "Y", "scaffold"], "start": 0, "end": 9})
    found = on_genome(table, {"chr1": 50, "chrY": 50}, "g.fa", ["chrY"])
    assert found["chrom"].tolist() == ["chr1"]
    with pytest.raises(GenomeError, match=r"g\.fa: none of the 3 rows lies on its 1 contigs"):
        on_genome(table, {"other": 50}, "g.fa", [])


# --- sites drawn


@pytest.fixture(scope="module")
def annotation():
    """A genome, transcripts on both strands, and introns of which every second is GT-AG."""
    genome = FakeGenome({"chr1": 60_000, "chr2": 60_000})
    transcripts, introns = [], []
    for number in range(40):
        chrom, strand = ("chr1", "chr2")[number % 2], "+-"[number // 2 % 2]
        start = 500 + 2900 * (number // 2)
        name = f"t{number}"
        transcripts.append((name, f"g{number}", chrom, start, start + 2500, strand))
        low, high = start + 300, start + 1300
        introns.append((name, chrom, low, high, strand))
        if number % 4 < 3:
            text, pair = list(genome.text[chrom]), ("GT", "AG")
            if strand == "-":
                pair = tuple(map(reverse_complement, pair[::-1]))
            text[low : low + 2], text[high - 2 : high] = pair
            genome.text[chrom] = "".join(text)
    names = ["tx_id", "gene_name", "chrom", "start", "end", "strand"]
    columns = ["tx_id", "chrom", "start", "end", "strand"]
    return (
        genome, pd.DataFrame(transcripts, columns=names), pd.DataFrame(introns, columns=columns)
    )  # fmt: skip


def test_annotated_sites_are_the_ends_of_introns():
    introns = pd.DataFrame(
        [("t", "chr1", 10, 50, "+"), ("u", "chr1", 10, 90, "+"), ("v", "chr1", 10, 50, "-")],
        columns=["tx_id", "chrom", "start", "end", "strand"],
    )
    genes = pd.DataFrame({"tx_id": ["t", "u", "v"], "gene_name": ["A", "B", "C"]})
    found = annotated_sites(introns, genes)
    rows = set(found[["start", "end", "strand", "site", "gene"]].itertuples(index=False, name=None))
    assert rows == {
        (10, 12, "+", "donor", "A"), (48, 50, "+", "acceptor", "A"), (88, 90, "+", "acceptor", "B"),
        (48, 50, "-", "donor", "C"), (10, 12, "-", "acceptor", "C"),
    }  # fmt: skip


def test_motif_sites_are_balanced_real_and_unannotated(annotation):
    genome, transcripts, introns = annotation
    table = draw_motif_sites(transcripts, introns, genome, per_class=12, seed=3)
    assert table.groupby(["site", "positive"]).size().tolist() == [12] * 4
    assert {(r.site, r.positive): r.label for r in table.itertuples()} == LABELS
    assert check_dinucleotides(table, genome, "motif") == len(table)
    known = annotated_sites(introns, transcripts)
    keys = ["chrom", "start", "strand"]
    known = set(known[keys].itertuples(index=False, name=None))
    for row in table.itertuples():
        assert ((row.chrom, row.start, row.strand) in known) == row.positive
        own = transcripts[transcripts["gene_name"] == row.gene].iloc[0]
        assert own["start"] <= row.start < row.end <= own["end"]
        assert (own["chrom"], own["strand"]) == (row.chrom, row.strand)
    again = draw_motif_sites(transcripts, introns, genome, per_class=12, seed=3)
    pd.testing.assert_frame_equal(table, again)
    other = draw_motif_sites(transcripts, introns, genome, per_class=12, seed=4)
    assert set(other["site_id"]) != set(table["site_id"])


def test_fewer_real_sites_give_as_many_others(annotation):
    genome, transcripts, introns = annotation
    table = draw_motif_sites(transcripts, introns, genome, per_class=1000, seed=0)
    counts = table.groupby(["site", "positive"]).size()
    assert counts["donor", True] == counts["donor", False] >= 30
    assert counts["acceptor", True] == counts["acceptor", False] >= 30


def test_a_genome_without_dinucleotides_says_so(annotation):
    genome, transcripts, introns = annotation
    bare = FakeGenome(genome.contigs)
    bare.text = {chrom: "A" * n for chrom, n in genome.contigs.items()}
    with pytest.raises(SpliceBERTError, match="annotated GT donors and AG acceptors"):
        draw_motif_sites(transcripts, introns, bare, per_class=5, seed=0)


def usage_table(genome, n=400):
    rows = []
    for chrom, text in genome.text.items():
        for start in range(len(text) - 1):
            pair = text[start : start + 2].upper()
            if pair in ("GT", "AG"):
                rows.append((chrom, start, start + 2, "+", {"GT": "donor", "AG": "acceptor"}[pair]))
    table = pd.DataFrame(rows, columns=["chrom", "start", "end", "strand", "site"]).head(n)
    rng = np.random.default_rng(0)
    return table.assign(usage=rng.random(n), reads=rng.integers(1, 100, n), gene=None)


SETTINGS = {"low": 0.2, "high": 0.8, "min_reads": 20}


def test_usage_sites_are_balanced_and_within_their_bounds(annotation):
    genome, _, _ = annotation
    usage = usage_table(genome)
    table = draw_usage_sites(usage, genome, SETTINGS, per_class=9, seed=1)
    assert table.groupby(["site", "positive"]).size().tolist() == [9] * 4
    assert (table.loc[table["positive"], "usage"] > 0.8).all()
    assert (table.loc[~table["positive"], "usage"] < 0.2).all()
    assert set(table["label"]) == {
        f"{site}(SSE {side})" for site in ("donor", "acceptor") for side in ("> 0.8", "< 0.2")
    }
    reads = usage.set_index(["chrom", "start"])["reads"]
    assert all(reads[row.chrom, row.start] >= 20 for row in table.itertuples())
    wide = draw_usage_sites(usage, genome, SETTINGS | {"low": 0.3}, per_class=9, seed=1)
    assert "donor(SSE < 0.3)" in set(wide["label"])


def test_usage_without_both_classes_says_what_to_change(annotation):
    genome, _, _ = annotation
    with pytest.raises(SpliceBERTError, match=r"embedding\.usage"):
        draw_usage_sites(
            usage_table(genome).assign(usage=1.0), genome, SETTINGS, per_class=9, seed=1
        )


def test_balanced_keeps_order_and_the_smallest_class_decides():
    table = made_sites(40).drop(index=[0, 4, 8])  # three of the real donors
    found = balanced(table, 100, np.random.default_rng(0))
    assert found.groupby(["site", "positive"]).size().tolist() == [10, 10, 7, 7]
    assert found["start"].is_monotonic_increasing
    assert balanced(table, None, np.random.default_rng(0)) is table


def test_a_kind_without_both_classes_is_left_out_aloud_and_nothing_at_all_is_an_error(caplog):
    table = made_sites(40)
    some = table[table["positive"] | (table["site"] == "acceptor")]
    found = balanced(some, 5, np.random.default_rng(0))
    assert set(found["site"]) == {"acceptor"}
    assert "10 positive and 0 negative donors: these are left out" in caplog.text
    with pytest.raises(SpliceBERTError, match="0 negative donors and 10 positive and 0 negative a"):
        balanced(table[table["positive"]], 5, np.random.default_rng(0))


@pytest.mark.parametrize(("reads", "level"), [(2, "INFO"), (2000, "WARNING")])
def test_junctions_without_a_strand_are_counted(scripts, caplog, reads, level):
    table = pd.DataFrame({"strand": ["+", ".", "-"], "reads": [30, reads, 10]})
    with caplog.at_level("INFO"):
        scripts.prepare_sites.report_strandless("a.tab", table)
    (record,) = caplog.records
    assert record.levelname == level
    assert f"a.tab: 1 of 3 junctions have no strand and are left out ({reads} of" in record.message


def test_genes_are_those_of_annotated_sites(scripts):
    usage = pd.DataFrame({"chrom": "chr1", "start": [1, 5], "strand": "+", "site": "donor"})
    annotated = usage.head(1).assign(gene="G", end=3)
    found = scripts.prepare_sites.with_genes(usage, annotated)["gene"]
    assert found.iloc[0] == "G"
    assert pd.isna(found.iloc[1])
    assert scripts.prepare_sites.with_genes(usage, None)["gene"].isna().all()


def test_genes_by_place_are_those_that_hold_the_site():
    """Against each transcript in turn: whole sites, same strand, the last start, then the first."""
    rng = np.random.default_rng(3)
    start = rng.integers(0, 1000, 60)
    place = {"chrom": rng.choice(["chr1", "chr2"], 60), "strand": rng.choice(["+", "-"], 60)}
    transcripts = pd.DataFrame(
        {**place, "start": start, "end": start + rng.integers(50, 300, 60)}
    ).assign(gene_name=[f"G{i}" for i in range(60)])
    transcripts.loc[1, transcripts.columns[:4]] = transcripts.loc[0, transcripts.columns[:4]]
    at = np.append(rng.integers(0, 1300, 300), transcripts.loc[0, "start"])
    sites = pd.DataFrame({
        "chrom": rng.choice(["chr1", "chr2", "chr3"], 301), "start": at, "end": at + 2,
        "strand": rng.choice(["+", "-"], 301),
    }, index=np.arange(301) + 7)  # fmt: skip
    sites.loc[307, ["chrom", "strand"]] = transcripts.loc[0, ["chrom", "strand"]]
    found = genes_at(sites, transcripts)
    for row, gene in zip(sites.itertuples(), found, strict=True):
        held = transcripts[
            (transcripts["chrom"] == row.chrom) & (transcripts["strand"] == row.strand)
            & (transcripts["start"] <= row.start) & (transcripts["end"] >= row.end)
        ]  # fmt: skip
        expected = held.sort_values("start", ascending=False, kind="stable").head(1)["gene_name"]
        assert pd.isna(gene) if expected.empty else gene == expected.item()
    assert found.index.equals(sites.index)
    assert found[307] == "G0"
    assert found.isna().any()


def test_the_layout_thins_the_graph_that_is_clustered():
    """So that clusters depend on its epochs, as docs/embedding.md says."""
    import scanpy

    features = np.random.default_rng(0).normal(size=(200, 20)).astype(np.float32)
    data = scanpy.AnnData(features)
    scanpy.pp.neighbors(data, n_neighbors=15, transformer="sklearn")
    before = (data.obsp["connectivities"].data > 0).sum()
    scanpy.tl.umap(data, maxiter=100)
    assert (data.obsp["connectivities"].data > 0).sum() < before


def test_a_source_that_names_the_gene_is_believed(scripts):
    sites = pd.DataFrame({
        "chrom": "chr1", "start": [10, 10, 90], "end": [12, 12, 92], "strand": "+",
        "gene": ["own", None, None],
    })  # fmt: skip
    transcripts = pd.DataFrame(
        {"chrom": ["chr1"], "start": [0], "end": [50], "strand": "+", "gene_name": "G"}
    )
    genes = scripts.prepare_sites.name_genes(sites, transcripts)["gene"]
    assert genes.tolist()[:2] == ["own", "G"]
    assert pd.isna(genes[2])


# --- features


@pytest.mark.parametrize("strand", "+-")
def test_offsets_are_those_of_the_dinucleotide_but_for_the_published_shift(scripts, strand):
    genome = FakeGenome({"chr1": 2000})
    site = pd.DataFrame({"chrom": ["chr1"], "start": [900], "end": [902], "strand": [strand]})
    own = genome.fetch("chr1", 900, 902, strand)
    (item,) = scripts.infer_hidden_states.items(site, genome, 510, "corrected")
    assert len(item.sequence) == 510
    assert "".join(item.sequence[i] for i in item.offsets) == own
    (other,) = scripts.infer_hidden_states.items(site, genome, 510, "published")
    expected = [0, 0] if strand == "+" else [1, 1]
    assert (item.offsets - other.offsets).tolist() == expected


def test_windows_reach_past_the_contig_as_n(scripts):
    genome = FakeGenome({"chr1": 300})
    site = pd.DataFrame({"chrom": ["chr1"], "start": [1], "end": [3], "strand": ["+"]})
    (item,) = scripts.infer_hidden_states.items(site, genome, 510, "corrected")
    assert item.sequence.startswith("N" * 253)
    assert item.sequence[item.offsets[0]] == genome.text["chr1"][1]


def test_a_one_hot_model_is_sent_to_the_baselines(scripts):
    scripts.infer_hidden_states.require_context(SimpleNamespace(neighbourhood=0))
    with pytest.raises(SpliceBERTError, match=r"Take embedding\.flanks"):
        scripts.infer_hidden_states.require_context(SimpleNamespace(neighbourhood=9, name="x"))


@pytest.mark.parametrize("flank", [1, 3, 5])
def test_flanks_are_the_inner_bases(flank):
    sequence = "ACGTAGTACGTN"  # five on either side of GT
    inner = sequence[5 - flank : 7 + flank]
    np.testing.assert_array_equal(
        flank_features(sequence, flank).reshape(-1, 4), one_hot(inner).astype(np.uint8)
    )


@pytest.mark.parametrize(("n", "shards"), [(10, 1), (10, 3), (7, 7), (20_000, 8)])
def test_shards_hold_every_row_once_in_order(n, shards):
    rows = [np.arange(n)[shard_rows(n, shard, shards)] for shard in range(shards)]
    np.testing.assert_array_equal(np.concatenate(rows), np.arange(n))
    assert max(map(len, rows)) - min(map(len, rows)) <= 1


def test_more_shards_than_sites_are_refused():
    with pytest.raises(SpliceBERTError, match=r"set embedding\.shards to 3 or less"):
        shard_rows(3, 0, 4)


def write_shards(folder, states, ids, shards):
    layers = range(states.shape[1])
    about = {"representations": [["m", k, layer_field(k)] for k in layers]}
    fields = {layer_field(k): (states.shape[2:], "float16") for k in layers}
    paths = []
    for shard in range(shards):
        rows = shard_rows(len(ids), shard, shards)
        paths.append(folder / f"{shard}-of-{shards}.zarr.zip")
        with ArrayWriter(paths[-1], ids[rows], fields, attributes=about, chunk=4) as writer:
            for values in states[rows]:
                writer.append(**{layer_field(k): values[k] for k in layers})
    return paths


@pytest.mark.parametrize("shards", [1, 3])
def test_features_are_read_layer_by_layer_across_shards(tmp_path, shards):
    states = np.random.default_rng(0).normal(size=(11, 3, 2, 5)).astype(np.float16)
    ids = [f"s{i}" for i in range(11)]
    paths = write_shards(tmp_path, states, ids, shards)
    with FeatureReader(paths, ids) as reader:
        assert reader.representations == [Representation("m", k, f"layer{k}") for k in range(3)]
        for representation in reader.representations:
            found = reader.read(representation)
            assert found.dtype == np.float32
            expected = states[:, representation.layer].reshape(11, 10)
            np.testing.assert_array_equal(found, expected.astype(np.float32))
        assert reader.find("m", 2).field == "layer2"
        with pytest.raises(SpliceBERTError, match="no layer 9 of m; there are m 0"):
            reader.find("m", 9)


def test_features_of_other_sites_are_refused(tmp_path):
    ids = ["a", "b"]
    paths = write_shards(tmp_path, np.zeros((2, 1, 2, 3), np.float16), ids, 1)
    for other in (["a", "c"], ["a"], ["b", "a"]):
        with pytest.raises(FormatError, match="delete them and run again"):
            FeatureReader(paths, other)


# --- folds, blocks and scores


def test_chromosomes_are_spread_evenly_and_never_torn(scripts):
    chromosome_folds = scripts.fit_probe.chromosome_folds
    chrom = np.repeat([f"chr{i}" for i in range(8)], [50, 40, 30, 20, 20, 10, 5, 5])
    fold = chromosome_folds(chrom, 3)
    assert all(len(set(fold[chrom == name])) == 1 for name in set(chrom))
    assert np.bincount(fold).tolist() == [60, 60, 60]
    assert len(set(chromosome_folds(chrom, 20))) == 8
    with pytest.raises(SpliceBERTError, match="two or more"):
        chromosome_folds(np.array(["chr1", "chr1"]), 5)


def test_blocks_are_sites_whose_windows_overlap():
    sites = made_sites(4).assign(chrom="chr1", start=[100, 300, 700, 300])
    sites["end"] = sites["start"] + 2
    sites.loc[3, "chrom"] = "chr2"
    block = site_blocks(sites, 510)
    assert block[0] == block[1] == block[2]  # 300 and 700 lie 400 nt apart
    assert block[3] != block[0]
    assert len(set(site_blocks(sites, 100))) == 4


@pytest.mark.parametrize("seed", range(6))
def test_nmi_and_ari_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 1 + seed, 60)
    label = (rng.random(60) < 0.3) | (cluster == 1)
    table = contingency(np.arange(60), cluster, label).sum(axis=0)
    nmi = normalized_mutual_info_score(label, cluster)
    assert normalised_mutual_information(table) == pytest.approx(nmi, abs=1e-9)
    assert adjusted_rand(table) == pytest.approx(adjusted_rand_score(label, cluster), abs=1e-9)


def test_agreement_has_an_interval_of_blocks():
    rng = np.random.default_rng(0)
    label = rng.random(300) < 0.5
    settings = {"replicates": 200, "seed": 1}
    perfect = agreement(np.arange(300), label.astype(int), label, **settings)
    assert perfect["nmi"] == pytest.approx((1, 1, 1))
    assert perfect["ari"] == pytest.approx((1, 1, 1))
    noisy = np.where(rng.random(300) < 0.2, ~label, label).astype(int)
    apart = agreement(np.arange(300), noisy, label, **settings)["nmi"]
    assert 0 < apart.low < apart.value < apart.high < 1
    guess = agreement(np.arange(300), rng.integers(0, 4, 300), label, **settings)
    assert guess["nmi"].value < 0.05
    assert abs(guess["ari"].value) < 0.05


def test_sites_that_overlap_are_resampled_together():
    rng = np.random.default_rng(0)
    label = np.repeat(rng.random(40) < 0.5, 20)
    cluster = np.where(np.repeat(rng.random(40) < 0.2, 20), ~label, label).astype(int)
    settings = {"replicates": 200, "seed": 1}
    apart, together = (
        agreement(block, cluster, label, **settings)["nmi"]
        for block in (np.arange(800), np.repeat(np.arange(40), 20))
    )
    assert together.value == apart.value
    assert together.high - together.low > 2 * (apart.high - apart.low)
    alone = agreement(np.zeros(800, int), cluster, label, **settings)["nmi"]
    assert alone.value == apart.value
    assert np.isnan([alone.low, alone.high]).all()


@pytest.mark.parametrize("seed", range(8))
def test_an_interval_of_labels_at_random_holds_its_value(seed):
    rng = np.random.default_rng(seed)
    cluster, label = rng.integers(0, 15, 3000), rng.random(3000) < 0.5
    found = agreement(np.arange(3000), cluster, label, replicates=200, seed=1)
    for score in found.values():
        assert score.low <= score.value <= score.high


def test_the_layer_of_the_figure():
    assert figure_layer({"m": 4}, "m", range(7)) == 4
    assert figure_layer({"m": 4}, "other", range(7)) == 6
    with pytest.raises(SpliceBERTError, match="has no layer 9; allowed: 0 to 6"):
        figure_layer({"m": 9}, "m", range(7))


# --- clusters


def test_clusters_are_numbered_by_size(scripts):
    found = scripts.cluster_sites.by_size(np.array([7, 3, 3, 5, 5, 5, 7, 9]))
    assert found.tolist() == [2, 1, 1, 0, 0, 0, 2, 3]
    assert found.dtype == np.int32


def test_few_kinds_of_rows_are_their_own_clusters(scripts):
    rows = np.array([[0, 1], [5, 5], [0, 1], [0, 1]], np.float32)
    assert scripts.cluster_sites.few_kinds(rows, 2).tolist() == [0, 1, 0, 0]
    assert scripts.cluster_sites.few_kinds(rows, 1) is None
    cluster, place = scripts.cluster_sites.embed(rows, {"neighbours": 15})
    assert cluster.tolist() == [0, 1, 0, 0]
    assert place.tolist() == [[0, 0], [1, 0], [0, 0], [0, 0]]


def test_rows_of_a_subset(scripts):
    sites = made_sites(8)
    found = {s: scripts.cluster_sites.subset_rows(sites, s) for s in ("all", "donor", "acceptor")}
    assert found["all"].tolist() == list(range(8))
    assert found["donor"].tolist() == [0, 1, 4, 5]
    assert found["acceptor"].tolist() == [2, 3, 6, 7]


CLUSTER_SETTINGS = {
    "components": 8, "neighbours": 10, "epochs": 50, "resolution": 0.2, "iterations": 10, "seed": 0,
}  # fmt: skip


def two_clouds(values, n=120):
    rng = np.random.default_rng(0)
    label = np.arange(n) % 2 == 0
    centre = np.where(label[:, None], 4.0, -4.0)
    return label, (centre + rng.normal(size=(n, values))).astype(np.float32)


@pytest.mark.parametrize("values", [6, 30], ids=["as they are", "PCA"])
def test_two_clouds_are_two_sides_of_the_map_and_no_cluster_mixes_them(scripts, values):
    label, features = two_clouds(values)
    cluster, place = scripts.cluster_sites.embed(features.copy(), CLUSTER_SETTINGS)
    for number in np.unique(cluster):
        assert len(set(label[cluster == number])) == 1
    assert place.shape == (120, 2)
    assert place.dtype == np.float32
    middles = np.stack([place[label].mean(axis=0), place[~label].mean(axis=0)])
    spread = max(place[label].std(), place[~label].std())
    assert np.linalg.norm(middles[0] - middles[1]) > 2 * spread
    again = scripts.cluster_sites.embed(features.copy(), CLUSTER_SETTINGS)
    np.testing.assert_array_equal(cluster, again[0])
    np.testing.assert_array_equal(place, again[1])


def test_what_numba_compiles_of_umap_is_kept(scripts):
    from umap import layouts, umap_

    scripts.cluster_sites.keep_compiled()
    # Two that UMAP itself does not keep, and the one that goes by the name of the second.
    epoch = layouts._nb_optimize_layout_euclidean_single_epoch
    for function in (umap_.smooth_knn_dist, epoch):
        assert function.stats.cache_path
    assert not layouts._nb_optimize_layout_euclidean_single_epoch_parallel.stats.cache_path


def test_more_sites_than_scanpy_searches_exactly_by_itself(scripts):
    """Beyond 8,192 points scanpy's own choice is another one, which needs other versions."""
    label, features = two_clouds(4, n=8_300)
    cluster, place = scripts.cluster_sites.embed(features, CLUSTER_SETTINGS | {"epochs": 1})
    assert len(place) == len(cluster) == 8_300
    for number in np.unique(cluster):
        assert len(set(label[cluster == number])) == 1


def test_every_layer_and_subset_has_its_clusters(scripts, tmp_path):
    sites = made_sites(80)
    rng = np.random.default_rng(0)
    states = rng.normal(size=(80, 2, 2, 4)).astype(np.float16)
    states[:, 0] = 0  # an embedding output that is the same everywhere
    paths = write_shards(tmp_path, states, sites["site_id"].tolist(), 2)
    with FeatureReader(paths, sites["site_id"]) as reader:
        table = scripts.cluster_sites.cluster_layers(sites, reader, CLUSTER_SETTINGS)
    table = validate(table, CLUSTERS)
    counts = table.groupby(["layer", "subset"]).size()
    assert counts.to_dict() == {
        (k, s): {"all": 80}.get(s, 40) for k in (0, 1) for s in ("all", "donor", "acceptor")
    }
    assert (table.loc[table["layer"] == 0, "cluster"] == 0).all()


# --- probe


def test_the_probe_scores_each_site_by_the_others(scripts):
    label, features = two_clouds(6)
    fold = np.arange(120) // 24
    settings = {"C": 0.1, "max_iter": 200}
    score = scripts.fit_probe.cross_scores(features.copy(), label, fold, settings)
    assert roc_auc_score(label, score) == 1
    # A feature that tells the label in every fold but the first, where it is turned round.
    turned = np.where(fold == 0, ~label, label).astype(np.float32)[:, None]
    score = scripts.fit_probe.cross_scores(turned, label, fold, settings)
    assert roc_auc_score(label[fold == 0], score[fold == 0]) == 0
    assert roc_auc_score(label[fold == 1], score[fold == 1]) == 1


def test_a_probe_needs_both_classes_in_every_training_set(scripts):
    check = scripts.fit_probe.require_both_classes
    check(np.array([True, False, True, False]), np.array([0, 0, 1, 1]), "donor")
    with pytest.raises(SpliceBERTError, match="of the 2 donor sites outside fold 0 2 are positive"):
        check(np.array([True, False, True, True]), np.array([0, 0, 1, 1]), "donor")


def test_every_layer_is_probed_on_both_kinds_of_sites(scripts, tmp_path):
    sites = made_sites(120)
    rng = np.random.default_rng(0)
    states = rng.normal(size=(120, 2, 2, 4)).astype(np.float16)
    states[:, 1, 0, 0] = np.where(sites["positive"], 3, -3)
    paths = write_shards(tmp_path, states, sites["site_id"].tolist(), 1)
    with FeatureReader(paths, sites["site_id"]) as reader:
        table = scripts.fit_probe.probe_layers(
            sites, reader, {"folds": 3, "C": 0.1, "max_iter": 200}
        )
    table = validate(table, SITE_PROBE)
    assert len(table) == 240
    scores = scripts.summarise_probe.score_run(sites, table, 510, {"replicates": 50, "seed": 0})
    found = validate(scores.assign(dataset="d"), LAYER_PROBE)
    auc = found[found["metric"] == "auc"].set_index(["layer", "site"])["value"]
    assert (auc[1] == 1).all()
    assert (auc[0] < 0.75).all()
    assert set(found["n_folds"]) == {3}
    assert set(found["n_sites"]) == {60}


# --- tables and names


def made_clusters(sites, methods=(("demo", 3), ("onehot10", 1), ("onehot100", 1))):
    """Clusters that are the labels of donors and mean nothing of acceptors."""
    rng = np.random.default_rng(0)
    parts = []
    for method, layers in methods:
        for layer in range(layers):
            for subset in ("all", "donor", "acceptor"):
                own = sites[(sites["site"] == subset) | (subset == "all")]
                noise = rng.integers(0, 2, len(own)) + 2
                cluster = np.where(own["site"] == "donor", own["positive"], noise)
                columns = {"method": method, "layer": layer, "subset": subset, "cluster": cluster}
                places = dict(zip("xy", rng.normal(size=(2, len(own))), strict=True))
                parts.append(own[["site_id"]].assign(**columns, **places))
    return validate(pd.concat(parts, ignore_index=True)[CLUSTERS.names], CLUSTERS)


@pytest.fixture(scope="module")
def made(scripts):
    sites = made_sites(80)
    clusters = made_clusters(sites)
    scored = scripts.summarise_clusters.score_run(
        sites, clusters, 510, {"replicates": 50, "seed": 0}
    )
    scored.insert(0, "dataset", "d")
    return SimpleNamespace(
        sites=sites, clusters=clusters, clustering=validate(scored, CLUSTERING),
        probe=made_probe(),
    )  # fmt: skip


def made_probe():
    rows = []
    for method, layers in (("demo", 3), ("onehot10", 1), ("onehot100", 1)):
        for layer in range(layers):
            for site in ("donor", "acceptor"):
                for metric in ("auc", "ap"):
                    rows.append(("d", method, layer, site, metric, 0.8, 0.7, 0.9, 40, 3))
    return validate(pd.DataFrame(rows, columns=LAYER_PROBE.names), LAYER_PROBE)


def test_clusters_are_scored_with_donors_and_acceptors_apart(made):
    table = made.clustering.set_index(["method", "layer", "subset", "site", "metric"]).sort_index()
    assert len(table) == 5 * 4 * 2
    donor = table.loc[("demo", 2, "all", "donor")]
    assert donor["value"].tolist() == pytest.approx([1, 1])
    assert (donor["n_sites"] == 40).all()
    assert (donor["n_clusters"] == 2).all()
    assert (table.loc[("demo", 2, "acceptor", "acceptor"), "value"] < 0.3).all()


def test_numbers_have_the_names_of_the_published_table(scripts, made, root):
    settings = {"d": {"kind": "motif", "layers": {"demo": 1}, "published": True}}
    named = scripts.collect_reproduced.name_rows(made.clustering, settings)
    table = named.assign(branch="embedding", protocol="corrected")[REPRODUCED.names]
    table = validate(table, REPRODUCED)
    published = read_table(root / "config/published.tsv", PUBLISHED)
    published = published[published["branch"] == "embedding"]
    wanted = set(
        published[["dataset", "metric"]].loc[published["dataset"].str.startswith("ss-motif")]
        .itertuples(index=False, name=None)
    )  # fmt: skip
    found = set(table[["quantity", "metric"]].itertuples(index=False, name=None))
    deeper = {(f"ss-motif {pair} layer {k}", "nmi") for pair in ("GT", "AG") for k in range(3, 7)}
    assert wanted - deeper <= found
    assert "onehot100" in set(table["model"]) & set(published["method"])
    main = table[(table["quantity"] == "ss-motif") & (table["model"] == "demo")]
    expected = made.clustering.set_index(["method", "layer", "subset", "site", "metric"])["value"]
    value = main.set_index("metric")["value"]
    assert value["nmi_acceptor"] == expected["demo", 1, "all", "acceptor", "nmi"]
    usage = {"d": {"kind": "usage", "layers": {}, "published": True}}
    named = scripts.collect_reproduced.name_rows(made.clustering, usage)
    assert "SSE-K562" in set(named["quantity"]) & set(published["dataset"])
    own = {"d": {"kind": "usage", "layers": {}, "published": False}}
    named = scripts.collect_reproduced.name_rows(made.clustering, own)
    assert {name.split()[0] for name in named["quantity"]} == {"d"}


def test_observations_of_the_h5ad_file_are_documented(scripts, made):
    own = made.clusters[(made.clusters["method"] == "demo") & (made.clusters["layer"] == 2)]
    shuffled = own.sample(frac=1, random_state=0)
    found = scripts.write_h5ad.own_and_all(shuffled, made.sites)
    table = scripts.write_h5ad.observations(made.sites, found)
    assert table.index.tolist() == made.sites["site_id"].tolist()
    assert set(table.columns) <= set(scripts.write_h5ad.meanings())
    assert table["label"].dtype == "category"
    donors = made.sites["site"].to_numpy() == "donor"
    positive = made.sites["positive"].to_numpy()
    assert (table["cluster"].astype(int).to_numpy()[donors] == positive[donors]).all()


# --- figures


LOOK = {"demo": {"label": "Demo", "colour": "#009E73"}}


@pytest.fixture
def close_figures():
    yield
    mpl.pyplot.close("all")


def points_of(scripts, made):
    points = scripts.summarise_points.layer_points(made.sites, made.clusters)
    return validate(points, LAYER_POINTS)


def test_main_figure_has_a_row_a_data_set_and_a_column_a_method(scripts, made, close_figures):
    from splicebert.embedding_panels import method_styles

    looks = method_styles(LOOK, [100])
    assert list(looks) == ["demo", "onehot100"]
    part = scripts.plot_umap.figure_points(points_of(scripts, made), {"demo": 1}, list(looks))
    part.insert(0, "dataset", "d")
    points = validate(part, POINTS)
    assert points.groupby(["method", "layer"]).size().to_dict() == {
        ("demo", 1): 80, ("onehot100", 0): 80,
    }  # fmt: skip
    figure = scripts.plot_umap.draw(points, made.clustering, looks)
    titles = [ax.get_title() for ax in figure.axes]
    assert len(titles) == 2
    assert titles[0].startswith("Demo, layer 1\nNMI donor 1.00, acceptor 0.")
    assert titles[1].startswith("One-hot ±100 nt\nNMI donor 1.00")
    labels = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert labels == list(LABELS.values())


def test_a_run_of_baselines_outside_the_figure_gives_no_points(scripts, made):
    table = scripts.plot_umap.figure_points(points_of(scripts, made), {}, ["other"])
    assert table.empty


def test_layers_have_a_panel_each(scripts, made, close_figures):
    own = made.clusters[made.clusters["method"] == "demo"]
    points = scripts.summarise_points.layer_points(made.sites, own)
    figure = scripts.plot_layers.draw(points, made.clustering, "Demo", {})
    assert len(figure.axes) == 3 * 3
    assert figure.axes[4].get_title().startswith("layer 1\nNMI donor 1.00")


def test_baselines_have_a_panel_each(scripts, made, close_figures):
    from splicebert.embedding_panels import method_styles

    own = made.clusters[made.clusters["method"] != "demo"]
    points = scripts.summarise_points.layer_points(made.sites, own)
    looks = method_styles({}, [10, 100])
    figure = scripts.plot_layers.draw(points, made.clustering, "One-hot baselines", looks)
    titles = [ax.get_title().partition("\n")[0] for ax in figure.axes]
    assert titles == ["One-hot ±10 nt", "One-hot ±100 nt"] * 3
    assert [len(ax.collections) > 0 for ax in figure.axes] == [True] * 6


def test_scores_by_layer_and_baselines_are_drawn(scripts, made, close_figures):
    from splicebert.embedding_panels import method_styles

    table = scripts.plot_scores.layer_scores(made.clustering, made.probe)
    assert set(table["metric"]) == {"nmi", "auc"}
    figure = scripts.plot_scores.draw(table, method_styles(LOOK, [100]))
    assert len(figure.axes) == 4
    looks = method_styles(LOOK, [10, 100])
    pairs = scripts.plot_baselines.method_scores(
        made.clustering, made.probe, {"demo": 1}, list(looks)
    )
    assert pairs.groupby(["method", "layer"]).size().to_dict() == {
        ("demo", 1): 4, ("onehot10", 0): 4, ("onehot100", 0): 4,
    }  # fmt: skip
    figure = scripts.plot_baselines.draw(pairs, looks)
    assert [len(ax.containers) for ax in figure.axes] == [2, 2]  # donors, acceptors


def test_the_interactive_map_shows_one_panel_at_a_time(scripts, made):
    part = scripts.plot_umap.figure_points(points_of(scripts, made), {}, ["demo", "onehot100"])
    part.insert(0, "dataset", "d <i>")
    figure = scripts.plot_interactive.draw(part, {"demo": "Demo"})
    assert [trace.visible for trace in figure.data] == [True] * 4 + [False] * 4
    assert sum(len(trace.x) for trace in figure.data) == 160
    first = figure.data[0]
    assert list(first.customdata[0]) == [made.sites["site_id"].iloc[0], "GT(donor)", "unknown"]
    buttons = figure.layout.updatemenus[0].buttons
    assert [b.label for b in buttons] == ["d &lt;i&gt;: Demo, layer 2", "d &lt;i&gt;: onehot100"]
    assert buttons[1].args[0]["visible"] == [False] * 4 + [True] * 4


def test_the_interactive_page_needs_no_network_and_is_the_same_each_time(scripts, made, tmp_path):
    part = scripts.plot_umap.figure_points(points_of(scripts, made), {}, ["demo"])
    part.insert(0, "dataset", "d")
    pages = []
    for name in "ab":
        path = tmp_path / f"{name}.html"
        figure = scripts.plot_interactive.draw(part, {})
        scripts.plot_interactive.write_page(figure, path)
        pages.append(path.read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert '"showSendToCloud": false' in pages[0]
    assert "<script src=" not in pages[0]
    assert "<link" not in pages[0].split("<script", 1)[0]
    assert 'id="umap"' in pages[0]
    assert len(pages[0]) > 1_000_000  # the library is inside


# --- configuration


def configuration(**dataset):
    own = {"genome": "g", "kind": "motif", "sites": None, "junctions": [], "layers": {}}
    own |= {"published": False} | dataset
    return {
        "genomes": {"g": {"annotation": "a.gtf"}},
        "embedding": {
            "datasets": {"d": own}, "models": ["demo"], "flanks": [100],
            "usage": {"low": 0.2, "high": 0.8}, "figure": {"flank": 100},
        },
    }  # fmt: skip


@pytest.fixture
def models(root):
    demo = {"label": "Demo model", "folder": str(root / "config/demo_model")}
    return dict.fromkeys(("demo", "twin"), demo)


def test_names_of_the_baselines_agree():
    assert RESERVED == BASELINES
    assert flank_method(100) == "onehot100"


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"kind": "usage"}, "datasets.d.sites: neither of sites .BED. and junctions are given"),
        ({"kind": "usage", "sites": "x", "junctions": ["resources/j"]}, "sites: both of sites"),
        ({"junctions": ["resources/j"]}, "junctions: given, but kind is motif"),
        ({"kind": "usage", "junctions": ["none.tab"]}, "junctions: no file 'none.tab'"),
        ({"layers": {"other": 1}}, "model 'other' is not in embedding.models; allowed: demo"),
        ({"layers": {"demo": 4}}, "d.layers: demo has no layer 4; allowed: 0 to 3"),
    ],
)
def test_a_data_set_without_a_source_is_refused(dataset, message, models):
    with pytest.raises(ConfigError, match=message):
        check_embedding(configuration(**dataset), models)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"figure": {"flank": 7}}, "embedding.figure.flank: 7 is not in embedding.flanks"),
        ({"usage": {"low": 0.9, "high": 0.8}}, "low 0.9 lies above high 0.8"),
        ({"models": ["demo", "baselines"]}, "'baselines' is a name of the one-hot baselines"),
        ({"models": ["demo", "onehot100"]}, "'onehot100' is a name of the one-hot baselines"),
        ({"models": ["demo", "twin"]}, "two models have the label 'Demo model'"),
        ({"models": [], "flanks": [], "figure": {"flank": None}}, "give one of them"),
    ],
)
def test_contradictions_of_the_section_are_refused(change, message, models):
    config = configuration()
    check_embedding(config, models)
    config["embedding"] |= change
    with pytest.raises(ConfigError, match=message):
        check_embedding(config, models)


def test_one_published_data_set_of_a_kind(models):
    config = configuration(published=True)
    check_embedding(config, models)
    config["embedding"]["datasets"]["again"] = config["embedding"]["datasets"]["d"]
    with pytest.raises(ConfigError, match="two of kind 'motif' are marked published"):
        check_embedding(config, models)


def test_drawn_sites_need_an_annotation(models):
    config = configuration()
    config["genomes"]["g"]["annotation"] = None
    with pytest.raises(ConfigError, match=r"sites: missing, and genomes\.g\.annotation"):
        check_embedding(config, models)


# --- against the published code


@pytest.mark.parametrize("model", ["tiny.510nt", "tiny-human.510nt"])
def test_hidden_states_equal_the_published_code(shared, scripts, model):
    import torch

    from splicebert.inference import Runtime, run_hidden_states
    from splicebert.models import SpliceBERT

    real = shared / "real"
    sites = read_site_bed(real / "ss-motif.bed.gz", "motif")
    with np.load(real / f"published_code/embedding.{model}.npz") as file:
        expected = file["hidden_states"]
    adapter = SpliceBERT(real / "models" / model)
    runtime = Runtime(torch.device("cpu"), purpose="embedding")
    layers = range(adapter.n_layers)
    with Genome(real / "genome.fa.gz") as genome:
        published, corrected = (
            np.stack(
                list(
                    run_hidden_states(
                        adapter,
                        scripts.infer_hidden_states.items(sites, genome, 510, protocol),
                        runtime,
                        layers=layers,
                        progress=False,
                    )
                )
            )
            for protocol in ("published", "corrected")
        )
    np.testing.assert_allclose(published, expected, rtol=0, atol=1e-4)
    plus = (sites["strand"] == "+").to_numpy()
    np.testing.assert_array_equal(published[plus], corrected[plus])
    # One base on: the first base of the site is the second of the published pair.
    np.testing.assert_allclose(published[~plus, :, 1], corrected[~plus, :, 0], atol=1e-5)
    assert np.abs(published[~plus] - corrected[~plus]).max() > 0.1
