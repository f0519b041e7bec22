"""Inputs of the splice-site branch: files of Spliceator's form, sites of a genome, folds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from splicebert.errors import FormatError
from splicebert.genome import Genome
from splicebert.sequence import reverse_complement
from splicebert.splicesite_inputs import about, derive, middle, read_file, read_files
from splicebert.splicesite_kinds import DINUCLEOTIDE, SITES, site_offset
from splicebert.splicesite_negatives import read_negatives
from splicebert.tables import validate
from splicebert.training.tables import EXAMPLES

LENGTH = 400


def real_files(shared, site, species=None):
    folder = shared / "real/splice_site"
    if species:
        stem = folder / "Benchmarks" / species / f"SA_sequences_{site}_400_Final_3"
        return f"{stem}.positive.txt", f"{stem}.negative.txt"
    return folder / f"POS_{site}_600.csv", folder / f"NEG_600_{site}.csv"


@pytest.mark.parametrize("site", SITES)
def test_real_training_and_benchmark_files_parse(shared, site):
    for species, n, size in ((None, 1200, 600), ("Thaliana", 400, 400)):
        files = real_files(shared, site, species)
        table = read_files(*files, site, length=LENGTH, per_class=None, seed=0)
        assert table["label"].tolist() == [1] * n + [0] * n
        at = site_offset(LENGTH)
        assert at == 199
        assert set(table["sequence"].str[at : at + 2]) == {DINUCLEOTIDE[site]}
        for path, part in zip(files, (table[:n], table[n:]), strict=True):
            lines = [x.split(";") for x in Path(path).read_text().splitlines()]
            lines = [fields for fields in lines if fields[0] != "ID_uniprot"]
            assert len(lines) == n
            cut = (size - LENGTH) // 2
            assert part["sequence"].tolist() == [f[1][cut : cut + LENGTH] for f in lines]
            assert part["group"].tolist() == [f[0].split("_")[-1] for f in lines]
            # 299 of 600, 199 of 400
            assert all(f[1][size // 2 - 1 : size // 2 + 1] == DINUCLEOTIDE[site] for f in lines)
        assert about(table, site) | {"groups": 0} == {
            "positive": n, "negative": n, f"not {DINUCLEOTIDE[site]}": 0, "repeated sequences": 0,
            "sequences in both classes": 0, "with letters other than ACGT": 0, "groups": 0,
        }  # fmt: skip


def test_the_folds_of_real_sets_are_stratified_and_those_of_the_paper(shared, script):
    from splicebert.training.settings import Split

    prepare = script("splicesite", "prepare_examples")
    table = read_files(*real_files(shared, "donor"), "donor", length=LENGTH, per_class=None, seed=0)
    folds = {"number": 10, "how": "stratified", "seed": 2020}
    found = validate(prepare.with_folds(table, folds), EXAMPLES)
    label = np.array([one[0] for one in found["labels"]])
    counts = pd.crosstab(found["fold"], label)
    assert (counts == 120).all(axis=None)
    parts = Split.make(3, 10, [0], [1, 2]).members(found["fold"].to_numpy())
    assert {k: sorted(set(found["fold"].iloc[v])) for k, v in parts.items()} == {
        "training": [0, 1, 2, 6, 7, 8, 9], "validation": [3], "test": [4, 5],
    }  # fmt: skip


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def donor_of(length, fill="A"):
    half = length // 2
    return fill * (half - 1) + "GT" + fill * (half - 1)


def test_field_rules_and_names(tmp_path):
    path = write(
        tmp_path / "a.csv", "ID_uniprot;x;y", f"P1_donor_HUMAN;{donor_of(120)};x",
        f"P1_donor_HUMAN;short;{donor_of(140, 'c').replace('T', 'u')}",
    )  # fmt: skip
    table = read_file(path, "donor", 100, positive=True)
    assert table["example_id"].tolist() == ["positive.P1_donor_HUMAN", "positive.P1_donor_HUMAN.2"]
    assert table["group"].tolist() == ["HUMAN", "HUMAN"]
    assert table["sequence"].tolist() == [donor_of(100), donor_of(100, "C")]
    assert middle(donor_of(600), 400)[199:201] == donor_of(600)[299:301] == "GT"


@pytest.mark.parametrize(
    ("sequences", "site", "message"),
    [
        ([donor_of(120), donor_of(104)], "donor", "line 2: a sequence of 104 nt"),
        ([donor_of(120) + "A"], "donor", "line 1: a sequence of 121 nt"),
        ([donor_of(120)], "acceptor", "1 of 1 sequences have another dinucleotide than AG"),
    ],
)
def test_other_files_are_refused(tmp_path, sequences, site, message):
    path = write(tmp_path / "a.txt", *(f"x_{i};{s}" for i, s in enumerate(sequences)))
    with pytest.raises(FormatError, match=message):
        read_file(path, site, 110, positive=True)


def test_draws_are_seeded_and_balanced(shared):
    files = real_files(shared, "donor", "Thaliana")
    draws = [read_files(*files, "donor", length=LENGTH, per_class=50, seed=s) for s in (1, 1, 2)]
    pd.testing.assert_frame_equal(draws[0], draws[1])
    assert set(draws[0]["example_id"]) != set(draws[2]["example_id"])
    assert draws[0]["label"].value_counts().to_dict() == {1: 50, 0: 50}


@pytest.fixture(scope="module")
def small_genome(tmp_path_factory):
    """A contig with introns on both strands, far apart, in one transcript each."""
    rng = np.random.default_rng(1)
    letters = rng.choice(list("ACGT"), 6000)
    introns = []
    for number, start in enumerate(range(500, 5500, 500)):
        strand, end = "+-"[number % 2], start + 90
        ends = ("GT", "AG") if strand == "+" else ("CT", "AC")
        letters[start : start + 2], letters[end - 2 : end] = list(ends[0]), list(ends[1])
        introns.append((f"t{strand}", "chr1", start, end, strand, number + 1))
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(">chr1\n" + "".join(letters) + "\n")
    columns = ["tx_id", "chrom", "start", "end", "strand", "intron_number"]
    transcripts = pd.DataFrame(
        [(f"t{s}", f"g{s}", "chr1", 100, 5900, s) for s in "+-"],
        columns=["tx_id", "gene_name", "chrom", "start", "end", "strand"],
    )
    return path, transcripts, pd.DataFrame(introns, columns=columns)


@pytest.mark.parametrize("site", SITES)
def test_sites_of_a_genome(small_genome, site):
    path, transcripts, introns = small_genome
    with Genome(path) as genome:
        table = derive(transcripts, introns, genome, site, length=200, per_class=None, seed=3)
        real = table[table["label"] == 1]
        assert len(real) == len(introns) == (table["label"] == 0).sum()
        expected = set()
        for row in introns.itertuples():
            at_start = (site == "donor") == (row.strand == "+")
            expected.add((row.start if at_start else row.end - 2, row.strand))
        found = {(int(i.split(":")[1].split("-")[0]), i[-1]) for i in real["example_id"]}
        assert found == expected
        for row in table.itertuples():
            start, strand = int(row.example_id.split(":")[1].split("-")[0]), row.example_id[-1]
            assert row.sequence[99:101] == DINUCLEOTIDE[site]
            window = genome.fetch("chr1", start - 99, start + 101)
            assert row.sequence == (window if strand == "+" else reverse_complement(window))
            assert (start, strand) in expected or row.label == 0
    # Windows that overlap, of whatever class and strand, are one group.
    start = table["example_id"].str.extract(r":(\d+)-")[0].astype(int).to_numpy()
    close = np.abs(start[:, None] - start) < 200
    same = table["group"].to_numpy()[:, None] == table["group"].to_numpy()
    assert (same | ~close).all()
    assert table["group"].nunique() > 1


def false_sites(genome, introns, site, count):
    """Dinucleotides of a kind that are no ends of introns, far from each other: BED6 rows."""
    rows = []
    for start in range(600, 5900):
        pair = genome.fetch("chr1", start, start + 2, "+")
        far = all(abs(start - end) > 12 for end in [*introns["start"], *introns["end"]])
        if pair == DINUCLEOTIDE[site] and far and (not rows or start - rows[-1][1] > 80):
            rows.append(("chr1", start, start + 2, "x", ".", "+"))
    return rows[:count]


def bed_of(path, rows):
    return write(path, "track name=negatives", *("\t".join(map(str, row)) for row in rows))


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(("count", "share", "used"), [(8, 0.5, 5), (4, 1, 4), (8, 0.01, 0)])
def test_given_negatives_come_before_drawn_ones(small_genome, tmp_path, site, count, share, used):
    path, transcripts, introns = small_genome
    with Genome(path) as genome:
        rows = false_sites(genome, introns, site, count)
        assert len(rows) == count
        other = false_sites(genome, introns, SITES[site == SITES[0]], 3)
        bed = bed_of(tmp_path / "n.bed", [(row[0].removeprefix("chr"), *row[1:]) for row in rows]
                     + other)  # fmt: skip
        found = read_negatives(bed, genome, introns, ["chrY"])
        assert found.sites["site"].value_counts()[site] == count
        tables = [
            derive(transcripts, introns, genome, site, length=60, per_class=None, seed=seed,
                   negatives=found.sites, share=share)
            for seed in (3, 3, 4)
        ]  # fmt: skip
    table = tables[0]
    pd.testing.assert_frame_equal(table, tables[1])
    assert (table["label"] == 1).sum() == (table["label"] == 0).sum() == len(introns)
    assert about(table, site)["negative, given"] == used
    places = {f"chr1:{row[1]}-{row[2]}:+" for row in rows}
    assert set(table.loc[table["given"], "example_id"]) <= places
    assert not places & set(table.loc[~table["given"], "example_id"])
    assert table["example_id"].is_unique
    if used == 5:  # others of the eight
        assert set(tables[2].loc[tables[2]["given"], "example_id"]) != set(
            table.loc[table["given"], "example_id"]
        )


def test_nothing_is_drawn_where_enough_negatives_are_given(small_genome, tmp_path, monkeypatch):
    path, transcripts, introns = small_genome
    with Genome(path) as genome:
        rows = [row for site in SITES for row in false_sites(genome, introns, site, 20)]
        found = read_negatives(bed_of(tmp_path / "n.bed", rows), genome, introns, [])
        assert found.sites["site"].value_counts().min() >= len(introns)
        monkeypatch.setattr("splicebert.embedding_draw.random_dinucleotides", None)
        table = derive(transcripts, introns, genome, "donor", length=60, per_class=None, seed=3,
                       negatives=found.sites)  # fmt: skip
    assert table.loc[table["label"] == 0, "given"].all()
    assert (table["label"] == 0).sum() == len(introns)


def test_real_sites_and_repeats_among_given_negatives_are_counted(small_genome, tmp_path):
    path, _, introns = small_genome
    with Genome(path) as genome:
        rows = false_sites(genome, introns, "donor", 2)
        first, last = introns.iloc[0], introns.iloc[1]
        real = [("chr1", first["start"], first["start"] + 2, "x", ".", first["strand"]),
                ("chr1", last["end"] - 2, last["end"], "x", ".", last["strand"])]  # fmt: skip
        lacking = [("chr9", 5, 7, "x", ".", "+"), ("chrY", 5, 7, "x", ".", "+")]
        bed = bed_of(tmp_path / "n.bed", [*rows, rows[0], *real, *lacking])
        found = read_negatives(bed, genome, introns, ["chrY"])
    assert found.sites[["chrom", "start", "end"]].to_numpy().tolist() == [list(r[:3]) for r in rows]
    assert found.counts == {
        "records of negatives": 7, "negatives on contigs left out": 2, "negatives repeated": 1,
        "negatives that are annotated sites": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: (row[0], row[1] + 1, row[2] + 1, *row[3:]), "line 3: .* at chr1:.* GT or AG"),
        (lambda row: (*row[:5], "-"), "line 3: AC at chr1:.*, expected GT or AG"),
        (lambda row: (row[0], 5999, 6001, *row[3:]), "line 3: .* expected GT or AG"),
        (lambda row: (row[0], row[1], row[2] + 1, *row[3:]), "line 3: a site of 3 nt"),
        (lambda row: (*row[:5], "."), "line 3: strand is '.'"),
        (lambda row: row[:4], "line 3: .*4"),
    ],
)
def test_other_places_are_refused_with_their_line(small_genome, tmp_path, change, message):
    path, _, introns = small_genome
    with Genome(path) as genome:
        rows = false_sites(genome, introns, "donor", 2)
        bed = bed_of(tmp_path / "n.bed", [rows[0], change(rows[1])])
        with pytest.raises(FormatError, match=message):
            read_negatives(bed, genome, introns, [])
