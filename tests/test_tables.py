"""Schemas, parquet and TSV tables, and the readers of BED, BEDPE, VCF and Spliceator's files."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest
from pysam import BGZFile

from splicebert.errors import FormatError
from splicebert.formats import (
    parse_mpra_id,
    read_bed,
    read_bedpe,
    read_spliceator,
    read_vcf,
    write_bed,
)
from splicebert.tables import (
    EXONS,
    REGIONS,
    TRANSCRIPTS,
    WINDOWS,
    Column,
    Schema,
    atomic_path,
    read_table,
    validate,
    write_table,
)

SCORES = Schema(
    "scores",
    (
        Column("id", "str", "record"),
        Column("value", "float64", "score", nullable=True),
        Column("count", "Int64", "how often", nullable=True, minimum=0),
        Column("kept", "bool", "whether it counts"),
        Column("note", "str", "free text", nullable=True),
    ),
    key=("id",),
)


def scores(**changes):
    table = {
        "id": ["a", "b", "c"],
        "value": [0.5, np.nan, 1e-7],
        "count": pd.array([1, None, 3], dtype="Int64"),
        "kept": [True, False, True],
        "note": ["NA", None, "x y"],
    }
    return pd.DataFrame(table | changes)


# --- schemas


def test_validate_coerces_and_orders():
    frame = scores(count=[1.0, np.nan, 3.0])[["note", "kept", "count", "value", "id"]]
    frame.index = [7, 8, 9]
    table = validate(frame, SCORES)
    assert list(table.columns) == SCORES.names
    assert [str(t) for t in table.dtypes] == ["object", "float64", "Int64", "bool", "object"]
    assert table.index.tolist() == [0, 1, 2]
    pd.testing.assert_frame_equal(table, scores())


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"id": ["a", None, None]}, "row 1: column id: found no value, expected str (2 such rows)"),
        ({"id": ["a", "b", 3]}, "row 2: column id: found 3 (int), expected str"),
        ({"id": ["a", "b", "a"]}, "row 2: column id: found 'a' a second time, expected unique"),
        ({"count": [1, 2.5, 3]}, "row 1: column count: found 2.5 (float), expected Int64"),
        ({"count": [1, 2, -3]}, "row 2: column count: found -3, expected >= 0"),
        ({"count": [True, False, True]}, "row 0: column count: found True (bool)"),
        ({"value": ["1", "2", "x"]}, "row 2: column value: found 'x' (str), expected float64"),
        ({"kept": [1, 0, 1]}, "row 0: column kept: found 1 (int), expected bool (3 such rows)"),
        ({"kept": [True, "no", True]}, "row 1: column kept: found 'no' (str), expected bool"),
        ({"more": 1}, "table scores has unknown column more; found id, value"),
    ],
)
def test_validate_names_column_row_and_count(changes, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        validate(scores(**changes), SCORES)


def test_validate_lists_missing_columns():
    with pytest.raises(
        FormatError, match=r"t\.parquet: table scores lacks columns kept, note; found"
    ):
        validate(scores().drop(columns=["kept", "note"]), SCORES, "t.parquet")


def test_intervals_strands_and_extra_columns():
    windows = pd.DataFrame(
        {"window_id": ["w"], "chrom": "chr1", "start": -5, "end": 5, "strand": "+", "gene": "G"}
    )
    assert validate(windows, WINDOWS)["gene"].tolist() == ["G"]
    with pytest.raises(FormatError, match=r"row 0: column start: found 9 exceeds end 5"):
        validate(windows.assign(start=9), WINDOWS)
    with pytest.raises(FormatError, match=r"column strand: found '\.', expected one of \+, -"):
        validate(windows.assign(strand="."), WINDOWS)
    with pytest.raises(FormatError, match="unknown columns window_id, gene; found"):
        validate(windows.assign(name="CDS"), REGIONS)


def test_schema_extends():
    wide = WINDOWS.extend("wide", Column("n", "int8", "count"), extra=False)
    assert wide.names == [*WINDOWS.names, "n"]
    assert not wide.extra
    assert wide.key == WINDOWS.key
    frame = wide.empty().astype({"n": "int64"})
    assert validate(frame, wide)["n"].dtype == "int8"
    big = Schema("big", (Column("n", "int8", "count"),))
    with pytest.raises(FormatError, match="found 200, expected int8, -128 to 127"):
        validate(pd.DataFrame({"n": [1, 200]}), big)
    with pytest.raises(ValueError, match="dtype is 'int'"):
        Column("n", "int", "count")


@pytest.mark.parametrize("schema", [TRANSCRIPTS, EXONS, REGIONS, WINDOWS, SCORES])
@pytest.mark.parametrize("suffix", [".parquet", ".tsv", ".tsv.gz"])
def test_empty_tables_round_trip(tmp_path, schema, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(schema.empty(), path, schema)
    pd.testing.assert_frame_equal(read_table(path, schema), validate(schema.empty(), schema))


# --- parquet and TSV


@pytest.mark.parametrize("suffix", [".parquet", ".tsv", ".tsv.gz"])
def test_tables_round_trip_with_the_same_bytes(tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_table(scores(), first, SCORES)
    write_table(scores(), second, SCORES)
    assert first.read_bytes() == second.read_bytes()
    pd.testing.assert_frame_equal(read_table(first, SCORES), scores())
    assert sorted(p.name for p in tmp_path.iterdir()) == [first.name, second.name]


def test_tsv_text(tmp_path):
    path = tmp_path / "t.tsv"
    write_table(scores(value=[1 / 3, np.nan, 2.0], note=['"q"', None, "NA"]), path, SCORES)
    assert path.read_text() == (
        'id\tvalue\tcount\tkept\tnote\na\t0.333333\t1\tTrue\t"q"\nb\t\t\tFalse\t\nc\t2\t3\tTrue\tNA\n'
    )
    assert read_table(path, SCORES)["note"].tolist() == ['"q"', None, "NA"]


def test_tsv_extra_columns_are_inferred(tmp_path):
    path = tmp_path / "w.tsv"
    path.write_text("window_id\tchrom\tstart\tend\tstrand\tn\tok\ts\n01\t1\t0\t5\t+\t7\tTrue\t7a\n")
    table = read_table(path, WINDOWS)
    assert table.loc[0].tolist() == ["01", "1", 0, 5, "+", 7, True, "7a"]
    assert [table[name].dtype.kind for name in ("n", "ok", "s")] == ["i", "b", "O"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", r"t\.tsv: empty, expected a header line with id, value"),
        ("id\tvalue\n", r"t\.tsv: table scores lacks columns count, kept, note"),
        ("id\tvalue\tcount\tkept\tnote\na\t1\t1\tTrue\n", r"t\.tsv: line 2: found 4 .* 5, as in"),
        (
            "id\tvalue\tcount\tkept\tnote\na\t1\t1\tTrue\t\nb\tx\t1\tTrue\t\n",
            r"t\.tsv: line 3: table scores: column value: found 'x' \(str\), expected float64",
        ),
        ("id\tid\n", "repeats column id"),
        ("id\r\na\r\n", "line 1: the line ends in CR LF"),
    ],
)
def test_tsv_errors_name_the_line(tmp_path, text, message):
    path = tmp_path / "t.tsv"
    path.write_bytes(text.encode())
    with pytest.raises(FormatError, match=message):
        read_table(path, SCORES)


def test_unreadable_tables(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("id\n")
    with pytest.raises(FormatError, match=r"t\.parquet: not a parquet file"):
        read_table(path, SCORES)
    with pytest.raises(FormatError, match=r"t\.csv: unknown kind of table, expected .*\.tsv\.gz"):
        read_table(tmp_path / "t.csv", SCORES)
    with pytest.raises(FormatError, match=r"column note: found 'a\\tb', a tab"):
        write_table(scores(note=["a\tb", "", ""]), tmp_path / "t.tsv", SCORES)
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "none.tsv", SCORES)


def test_bad_table_leaves_the_old_file(tmp_path):
    path = tmp_path / "t.tsv"
    write_table(scores(), path, SCORES)
    before = path.read_bytes()
    with pytest.raises(FormatError, match="expected unique"):
        write_table(scores(id=["a", "a", "b"]), path, SCORES)
    assert path.read_bytes() == before


def test_atomic_path(tmp_path):
    path = tmp_path / "new" / "x.tsv.gz"
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.name.endswith(".tsv.gz")
        temporary.write_text("1")
        assert not path.exists()
    assert path.read_text() == "1"

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("2")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert path.read_text() == "1"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="nothing was written"), atomic_path(path):
        pass


def test_atomic_path_replaces_folders(tmp_path):
    path = tmp_path / "x.zarr"
    for text in "12":
        with atomic_path(path) as temporary:
            temporary.mkdir()
            (temporary / text).write_text(text)
    assert [p.name for p in path.iterdir()] == ["2"]
    assert list(tmp_path.iterdir()) == [path]


# --- BED


def put(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("suffix", [".bed", ".bed.gz", ".bed.bgz"])
def test_read_bed_skips_headers(tmp_path, suffix):
    text = (
        b'#c\ntrack name="x y"\nbrowser position chr1\nchr1\t0\t5\tn#1\t1,0,-1\t-\n\n \t\n'
        b'track\ntrack1\t7\t7\t"q\t.\t.\n#\nbrowserX\t8\t9\tNA\t0\t+'
    )
    path = tmp_path / f"x{suffix}"
    if suffix == ".bed.bgz":
        with BGZFile(str(path), "wb") as handle:
            handle.write(text)
    else:
        path.write_bytes(gzip.compress(text) if suffix == ".bed.gz" else text)
    bed = read_bed(path, 6)
    assert bed.to_numpy().tolist() == [
        ["chr1", 0, 5, "n#1", "1,0,-1", "-"],
        ["track1", 7, 7, '"q', ".", "."],
        ["browserX", 8, 9, "NA", "0", "+"],
    ]
    assert bed.dtypes["start"] == "int64"


def test_bed3_and_bed13(tmp_path):
    assert list(read_bed(put(tmp_path / "a.bed", "c\t1\t2\n")).columns) == ["chrom", "start", "end"]
    wide = read_bed(put(tmp_path / "b.bed", "c\t1\t2\tn\t0\t+\t1\t2\t0\t1\t1,\t0,\tz\n"))
    assert wide.loc[0, ["thick_start", "block_starts", "column13"]].tolist() == ["1", "0,", "z"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("c\t1\t2\nc\t5\t4\nc\t6\t4\n", r"line 2: start 5 is past end 4 .*\(2 such lines\)"),
        ("#h\n\nc\t-1\t2\n", "line 3: start is -1, expected 0 or more"),
        ("c\t1\t2\nc\t1.0\t2\n", r"line 2: start is '1\.0', expected a whole number"),
        ("c\t1\tx\n", "line 1: end is 'x', expected a whole number"),
        ("c\t1\t\n", "line 1: end is '', expected a whole number"),
        ("c\t1\t99999999999999999999\n", "line 1: end is '9+', expected a whole number"),
        ("c\t1\n", "line 1: found 2 tab-separated fields, BED3 needs at least 3"),
        ("c\t1\t2\nc\t1\t2\t3\n", "line 2: found 4 .* needs 3, as in the first record"),
        ("c 1 2\n", "line 1: found 1 tab-separated field, .* separated by spaces, expected tabs"),
        ("c\t1\t2\r\n", r"line 1: the line ends in CR LF .* dos2unix or `sed"),
        ("c\t1\t2\nc\t1\t2\tn\t0\tx\n".replace("2\nc", "2\tn\t0\t+\nc"), "line 2: strand is 'x'"),
        ("#c\n\ntrack a\n", "holds no records"),
        ("", "holds no records"),
        (b"c\t1\t2\n\xff\t1\t2\n", "line 2: not UTF-8 text: found byte 0xff"),
    ],
)
def test_bed_errors(tmp_path, text, message):
    with pytest.raises(FormatError, match=rf"x\.bed: {message}") as caught:
        read_bed(put(tmp_path / "x.bed", text))
    assert caught.value.path == str(tmp_path / "x.bed")


def test_bed_contigs_and_columns(tmp_path):
    path = put(tmp_path / "x.bed", "#\nchr1\t0\t10\nchr1\t5\t11\nchr2\t0\t1\n")
    assert len(read_bed(path, contig_lengths={"chr1": 11, "chr2": 1})) == 3
    with pytest.raises(FormatError, match="line 3: end 11 is past the end of contig chr1, 10 nt"):
        read_bed(path, contig_lengths={"chr1": 10, "chr2": 1})
    with pytest.raises(FormatError, match=r"line 2: contig 'chr1' is unknown, expected .* 1, 2"):
        read_bed(path, contig_lengths={"1": 10, "2": 1})
    with pytest.raises(FormatError, match=r"line 2: found 3 .*BED6 needs at least 6"):
        read_bed(path, min_columns=6)


def test_damaged_compression(tmp_path):
    text = b"".join(b"c\t%d\t%d\n" % (i * i, i * i + 1) for i in range(20000))
    whole = gzip.compress(text)
    with pytest.raises(FormatError, match=r"t\.bed\.gz: truncated gzip file"):
        read_bed(put(tmp_path / "t.bed.gz", whole[:-100]))
    with pytest.raises(FormatError, match=r"d\.bed\.gz: damaged gzip file"):
        read_bed(put(tmp_path / "d.bed.gz", whole[:5000] + b"\0" * 50 + whole[5050:]))
    with pytest.raises(FormatError, match=r"p\.bed\.gz: not a gzip file although .* \.gz"):
        read_bed(put(tmp_path / "p.bed.gz", b"c\t1\t2\n"))
    with BGZFile(str(tmp_path / "b.bed.gz"), "wb") as handle:
        handle.write(text)
    blocks = (tmp_path / "b.bed.gz").read_bytes()
    with pytest.raises(FormatError, match=r"b\.bed\.gz: truncated: the end-of-file block of bgzip"):
        read_bed(put(tmp_path / "b.bed.gz", blocks[:-28]))


def test_write_bed(tmp_path):
    frame = pd.DataFrame({"chrom": ["c"], "start": [0], "end": [4], "strand": ["-"], "other": 1})
    write_bed(frame, tmp_path / "x.bed")
    assert (tmp_path / "x.bed").read_text() == "c\t0\t4\t.\t.\t-\n"
    write_bed(frame, tmp_path / "x.bed.gz")
    write_bed(frame, tmp_path / "y.bed.gz")
    assert (tmp_path / "x.bed.gz").read_bytes() == (tmp_path / "y.bed.gz").read_bytes()
    assert read_bed(tmp_path / "x.bed.gz").equals(read_bed(tmp_path / "x.bed"))
    with pytest.raises(FormatError, match=r"z\.bed: row 0: interval c:5-4, expected 0 <= start"):
        write_bed(frame.assign(start=5), tmp_path / "z.bed")
    with pytest.raises(FormatError, match="lacks end"):
        write_bed(frame.drop(columns="end"), tmp_path / "z.bed")
    assert not (tmp_path / "z.bed").exists()


# --- BEDPE

PAIR = "chr1\t10\t11\tchr1\t4\t5\tchr1:0-99|unpair|D|A|GT|AG|6\t.\t+\t+\n"


def test_read_bedpe_forms(tmp_path):
    text = (
        PAIR
        + "chr1\t10\t.\t.\t40\t.\tchr1:0-99|random_pair|.|.|.|.|30\t.\t-\t.\n"
        + "#c\nchr1\t10\t.\tchr1\t40\t.\tchr1:0-99\t.\t+\t.\n"
        + "chr1\t10\t.\tchr1\t40\t.\tchr1:0-99|tx|gene|protein_coding\t.\t-\t.\n"
    )
    pairs = read_bedpe(put(tmp_path / "p.bedpe", text))
    columns = ["p", "q", "strand", "group", "type1", "type2", "dimer1", "distance"]
    assert pairs[columns].to_numpy().tolist() == [
        [10, 4, "+", "unpair", "D", "A", "GT", 6],
        [10, 40, "-", "random_pair", ".", ".", ".", 30],
        [10, 40, "+", ".", "D", "A", ".", 30],
        [10, 40, "-", ".", "A", "D", ".", 30],
    ]
    assert pairs[["tx_start", "tx_end"]].drop_duplicates().to_numpy().tolist() == [[0, 99]]


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("chr1:0-99|", "tx|", "name is 'tx.unpair.* expected 'chrom:start-end"),
        ("chr1:0-99|unpair", "chr2:0-99|unpair", r"transcript chr2:0-99 .* interval on chr1"),
        ("0-99", "99-9", "transcript chr1:99-9 .* start < end"),
        ("|6", "|7", "distance in the name is 7, expected 6"),
        ("+\t+", "+\t-", "the pair has two strands, . and -"),
        ("chr1\t4", "chr2\t4", "the pair has two chroms, chr1 and chr2"),
        ("+\t+", ".\t.", r"strand is '\.', expected \+ or -"),
        ("\t10\t", "\tx\t", "p is 'x', expected a whole number"),
        ("\t4\t", "\t-4\t", "q is -4, expected >= 0"),
        ("\t+\t+", "\t+", "found 9 tab-separated fields, a pair needs at least 10"),
    ],
)
def test_bedpe_errors(tmp_path, old, new, message):
    path = put(tmp_path / "p.bedpe", "#\n" + PAIR.replace(old, new))
    with pytest.raises(FormatError, match=rf"p\.bedpe: line 2: {message}"):
        read_bedpe(path)


# --- VCF

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
SNV = "chr1\t100\tm1|.|91|120|+|90.0|-30|True\tA\tC\t.\t.\t.\n"


def test_read_vcf(tmp_path):
    multi = "chr1\t1\t.\tAT\tA,<DEL>,*\t9.5\tPASS\tX=1\n"
    sites = read_vcf(put(tmp_path / "x.vcf", HEADER + SNV + multi))
    assert sites["start"].tolist() == [99, 0]
    assert sites["alt"].tolist() == ["C", "A,<DEL>,*"]
    assert np.isnan(sites["qual"][0])
    assert sites.loc[1, ["qual", "filter", "info", "line"]].tolist() == [9.5, "PASS", "X=1", 4]


@pytest.mark.parametrize(
    "text, message",
    [
        (SNV, "line 1: a record before any header line"),
        ("#CHROM\tPOS\n" + SNV, r"line 1: the header is '#CHROM.tPOS', expected"),
        (HEADER + SNV.replace("\t100\t", "\t0\t"), "line 3: POS is 0, expected 1 or more"),
        (HEADER + SNV.replace("\t100\t", "\t1e3\t"), "line 3: pos is '1e3', expected a whole"),
        (HEADER + SNV.replace("\tA\t", "\t.\t"), r"line 3: REF is '\.', expected bases"),
        (HEADER + SNV.replace("\tC\t", "\t?\t"), r"line 3: ALT is '\?', expected bases"),
        (HEADER + SNV.replace("C\t.", "C\tx"), "line 3: QUAL is 'x', expected a number"),
        (HEADER + SNV.replace("\t.\t.\t.", ""), "line 3: found 5 .*VCF record needs at least 8"),
        (HEADER, "holds no records"),
    ],
)
def test_vcf_errors(tmp_path, text, message):
    with pytest.raises(FormatError, match=rf"x\.vcf: {message}"):
        read_vcf(put(tmp_path / "x.vcf", text))


def test_parse_mpra_id(tmp_path):
    sites = read_vcf(put(tmp_path / "x.vcf", HEADER + SNV.replace("90.0", ".")))
    vexseq = parse_mpra_id(sites, "VexSeq").loc[0]
    assert vexseq.drop("ref_psi").tolist() == ["m1", 90, 120, "+", -30.0, "True"]
    assert np.isnan(vexseq["ref_psi"])
    assert parse_mpra_id(sites, "MFASS").loc[0, "exon_start"] == 91
    with pytest.raises(ValueError, match="exon_start is 'GRCh37', expected one of VexSeq, MFASS"):
        parse_mpra_id(sites, "GRCh37")


@pytest.mark.parametrize(
    "identifier, message",
    [
        ("rs1", "line 3: ID is 'rs1', expected mut_id.*label$"),
        ("m|.|121|120|+|90|1|True", "line 3: .* expected an exon with start < end"),
        ("m|.|0|120|+|90|1|True", "line 3: .* expected an exon .* exon_start is 1-based"),
        ("m|.|1|120|+|x|1|True", r"line 3: .* expected a number or \. as ref_psi"),
        ("m|.|1|120|+|90|y|True", r"line 3: .* expected a number or \. as delta_psi"),
    ],
)
def test_mpra_id_errors(identifier, message):
    sites = pd.DataFrame({"id": ["m|.|1|120|+|90|1|True", identifier], "line": [2, 3]})
    with pytest.raises(FormatError, match=rf"x\.vcf: {message}"):
        parse_mpra_id(sites, "VexSeq", "x.vcf")


# --- Spliceator


def test_read_spliceator(tmp_path):
    text = f"ID_uniprot;Sequence\nP1_HUMAN_7;{'A' * 100}\r\nP2_3;short;{'c' * 120}\n\n"
    table = read_spliceator(put(tmp_path / "s.csv", text))
    assert table["group"].tolist() == ["7", "3"]
    assert table["sequence"].tolist() == ["A" * 100, "c" * 120]
    assert table["line"].tolist() == [2, 3]


@pytest.mark.parametrize(
    "text, message",
    [
        ("ID_uniprot\n", "holds no records"),
        ("a_1;ACGT\n", "line 1: found 2 fields separated by ';', expected an ID and a sequence"),
        (f"a_1;{'A' * 100}\na_2\t{'A' * 100}\n", "line 2: found 1 fields"),
        (f"a_1;{'A' * 99}-\n", "line 1: found 2 fields"),
        (f"a_1;{'A' * 101}\n", "line 1: the sequence has 101 nt, expected 100"),
        (b"\xff;ACGT\n", "line 1: not UTF-8"),
    ],
)
def test_spliceator_errors(tmp_path, text, message):
    with pytest.raises(FormatError, match=rf"s\.csv: {message}"):
        read_spliceator(put(tmp_path / "s.csv", text), length=100)


# --- real files


@pytest.mark.parametrize(
    "name, rows",
    [
        ("canonical.tx", 116),
        ("random.tx", 92),
        ("regions", 3475),
        ("ss-motif", 240),
        ("mercer_dataset.hg19", 279),
    ],
)
def test_real_bed(shared, tmp_path, name, rows):
    bed = read_bed(shared / f"real/{name}.bed.gz", 6)
    assert len(bed) == rows
    write_bed(bed, tmp_path / "x.bed.gz")
    pd.testing.assert_frame_equal(read_bed(tmp_path / "x.bed.gz"), bed)


def test_real_branchpoint_labels(shared):
    bed = read_bed(shared / "real/mercer_dataset.hg19.bed.gz", 6)
    assert (bed["score"].str.count(",") + 1 == bed["end"] - bed["start"]).all()


@pytest.mark.parametrize(
    "name, rows, types",
    [
        ("hg19.acceptor_pair.1000_per_group", 120, {"A"}),
        ("hg19.donor_pair.1000_per_group", 122, {"D"}),
        ("hg19.exonic_pair.1000_per_group", 88, {"A", "D"}),
        ("hg19.intronic_pair.1000_per_group", 75, {"A", "D"}),
        ("hg19.random_pair.1000_per_group", 73, {"."}),
        ("hg19.unpair.1000_per_group", 154, {"A", "D"}),
        ("gencode.v41lift37.MANE.intron.for_attention", 238, {"A", "D"}),
    ],
)
def test_real_bedpe(shared, name, rows, types):
    pairs = read_bedpe(shared / f"real/{name}.bedpe.gz")
    assert len(pairs) == rows
    assert set(pairs["type1"]) | set(pairs["type2"]) == types
    group = name.split(".")[1] if name.startswith("hg19") else "."
    assert set(pairs["group"]) == {group}
    if "intron" in name:
        donor = np.where(pairs["type1"] == "D", pairs["p"], pairs["q"])
        acceptor = np.where(pairs["type1"] == "D", pairs["q"], pairs["p"])
        assert ((donor < acceptor) == (pairs["strand"] == "+")).all()


@pytest.mark.parametrize(
    "name, rows, convention",
    [
        ("MFASS_mmsplice.hg19", 60, "MFASS"),
        ("synthetic_snv.MFASS", 150, "MFASS"),
        ("synthetic_snv.VexSeq", 150, "VexSeq"),
    ],
)
def test_real_vcf(shared, name, rows, convention):
    sites = read_vcf(shared / f"real/{name}.vcf.gz")
    ids = parse_mpra_id(sites, convention)
    assert len(sites) == len(ids) == rows
    assert ids["delta_psi"].notna().all()
    assert ids["ref_psi"].isna().all() == (rows == 60)
    assert set(ids["label"]) <= {"True", "False"}


def test_real_conventions_name_the_same_exons(shared):
    exons = [
        parse_mpra_id(read_vcf(shared / f"real/synthetic_snv.{name}.vcf.gz"), name)
        for name in ("MFASS", "VexSeq")
    ]
    columns = ["exon_start", "exon_end", "strand"]
    shared_exons = exons[0][columns].drop_duplicates().merge(exons[1][columns].drop_duplicates())
    assert len(shared_exons) > 0


@pytest.mark.parametrize("kind", ["POS_donor_600", "POS_acceptor_600", "NEG_600_donor"])
def test_real_spliceator_training(shared, kind):
    table = read_spliceator(shared / f"real/splice_site/{kind}.csv", length=600)
    assert len(table) == 1200
    if kind == "POS_donor_600":
        assert table["sequence"].str[299:301].isin(["GT", "GC", "AT"]).mean() > 0.99


@pytest.mark.parametrize("site", ["donor", "acceptor"])
@pytest.mark.parametrize("label", ["positive", "negative"])
def test_real_spliceator_benchmark(shared, site, label):
    name = f"SA_sequences_{site}_400_Final_3.{label}.txt"
    table = read_spliceator(shared / "real/splice_site/Benchmarks/Thaliana" / name, length=400)
    assert len(table) == 400
