"""Annotations from GTF and genePred, canonical transcripts, introns, region classes."""

import gzip
import json

import pandas as pd
import pytest

from splicebert.errors import FormatError
from splicebert.formats import read_bed, write_bed
from splicebert.tables import EXONS, INTRONS, REGIONS, TRANSCRIPTS, validate
from splicebert.transcripts import (
    REGION_NAMES,
    Annotation,
    choose_canonical,
    introns,
    read_annotation,
    read_genepred,
    read_gtf,
    read_tx_bed,
    region_classes,
    tx_to_bed,
)


def row(feature, start, end, tx="T1", strand="+", gene="G1", chrom="chr1", more=None):
    more = 'gene_type "protein_coding"; ' if more is None else more
    name = f'gene_id "{gene}"; transcript_id "{tx}"; {more}'
    return f"{chrom}\tX\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{name}\n"


def transcript(exons, cds=(), stop=(), **keywords):
    """Rows of a transcript; intervals 1-based inclusive as in GTF."""
    text = row("transcript", min(e[0] for e in exons), max(e[1] for e in exons), **keywords)
    for feature, intervals in (("exon", exons), ("CDS", cds), ("stop_codon", stop)):
        text += "".join(row(feature, *interval, **keywords) for interval in intervals)
    return text


def put(tmp_path, text, name="a.gtf"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# 0-based:  exons 100-200, 500-560, 1000-1100; CDS 150-1030 of which the stop codon is 3 bases.
EXONS_1 = [(101, 200), (501, 560), (1001, 1100)]
PLUS = transcript(EXONS_1, [(151, 200), (501, 560), (1001, 1027)], [(1028, 1030)])
MINUS = transcript(
    EXONS_1[::-1],
    [(1001, 1030), (501, 560), (154, 200)],
    [(151, 153)],
    tx="T2",
    strand="-",
    gene="G2",
)
LNC = transcript([(2001, 2010)], tx="T3", gene="G3", more='gene_type "antisense"; ')
GENEPRED = (
    "T1\tchr1\t+\t100\t1100\t150\t1030\t3\t100,500,1000,\t200,560,1100,\t0\tG1\tcmpl\tcmpl\t0,0,0,\n"
    "T2\tchr1\t-\t100\t1100\t150\t1030\t3\t100,500,1000,\t200,560,1100,\t0\tG2\tcmpl\tcmpl\t0,0,0,\n"
    "T3\tchr1\t+\t2000\t2010\t2010\t2010\t1\t2000,\t2010,\t0\tG3\tnone\tnone\t-1,\n"
)


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(a, b)


# --- readers


def test_gtf_by_hand(tmp_path):
    annotation = read_gtf(put(tmp_path, "#!h\n" + PLUS + MINUS + LNC))
    tx, exons = annotation
    assert tx[["tx_id", "gene_type", "start", "end", "n_exons"]].to_numpy().tolist() == [
        ["T1", "protein_coding", 100, 1100, 3],
        ["T2", "protein_coding", 100, 1100, 3],
        ["T3", "lncRNA", 2000, 2010, 1],
    ]
    assert tx["cds_start"].tolist() == [150, 150, pd.NA]
    assert tx["cds_end"].tolist() == [1030, 1030, pd.NA]
    assert tx["gene_name"].tolist() == ["G1", "G2", "G3"]
    assert tx["is_canonical"].all()
    assert exons[["tx_id", "start", "exon_number"]].to_numpy().tolist() == [
        *(["T1", 100, 1], ["T1", 500, 2], ["T1", 1000, 3]),
        *(["T2", 1000, 1], ["T2", 500, 2], ["T2", 100, 3]),
        ["T3", 2000, 1],
    ]
    validate(tx, TRANSCRIPTS)
    validate(exons, EXONS)


@pytest.mark.parametrize("form", ["genePred", "genePredExt", "refGene"])
def test_genepred_equals_gtf(tmp_path, form):
    rows = [line.split("\t") for line in GENEPRED.splitlines()]
    gtf = PLUS + MINUS + LNC
    if form == "genePred":  # no name2: the transcript stands for the gene
        rows = [fields[:10] for fields in rows]
        for n in "123":
            gtf = gtf.replace(f"G{n}", f"T{n}")
    if form == "refGene":
        rows = [["585", *fields] for fields in rows]
    text = "#name\n" + "".join("\t".join(fields) + "\n" for fields in rows)
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert_same(read_genepred(path), read_gtf(put(tmp_path, gtf)))
    assert_same(read_annotation(path), read_annotation(put(tmp_path, gtf)))


def test_gtf_flavours(tmp_path):
    ensembl = (
        row("gene", 1, 90, tx="")
        + row("exon", 11, 20, chrom="1", tx="E1", more='gene_biotype "lncRNA"; gene_name "N";')
        + row("exon", 31, 40, chrom="1", tx="E1", more='gene_biotype "lncRNA"; gene_name "N";')
        + row("exon", 5, 9, chrom="1", tx="E2", gene="H", more='gene_biotype "miRNA";')
    )
    tx = read_gtf(put(tmp_path, ensembl)).transcripts
    assert tx[["tx_id", "chrom", "gene_name", "gene_type"]].to_numpy().tolist() == [
        ["E2", "1", "H", "miRNA"],
        ["E1", "1", "N", "lncRNA"],
    ]
    ucsc = PLUS.replace('gene_type "protein_coding"; ', "") + row("exon", 1, 9, "N", more="")
    with pytest.raises(FormatError, match=r"a\.gtf: line 1: transcript T1 has neither gene_type"):
        read_gtf(put(tmp_path, ucsc))
    with pytest.raises(FormatError, match=r"set infer_gene_type .*\(2 such transcripts\)"):
        read_gtf(put(tmp_path, ucsc))
    tx = read_gtf(put(tmp_path, ucsc), infer_gene_type=True).transcripts
    assert tx.set_index("tx_id")["gene_type"].to_dict() == {"T1": "protein_coding", "N": "lncRNA"}


def test_row_order_does_not_matter(tmp_path):
    lines = (PLUS + MINUS + LNC).splitlines(keepends=True)
    by_start = sorted(lines, key=lambda line: (int(line.split("\t")[3]), line.split("\t")[2]))
    expected = read_gtf(put(tmp_path, PLUS + MINUS + LNC))
    assert_same(read_gtf(put(tmp_path, "".join(by_start))), expected)


def test_contigs_keep_the_order_of_the_file(tmp_path):
    text = "".join(
        row("exon", start, start + 9, tx=f"T{i}", chrom=chrom)
        for i, (chrom, start) in enumerate([("chr2", 50), ("chr10", 7), ("chr2", 5), ("chr1", 1)])
    )
    assert read_gtf(put(tmp_path, text)).transcripts["tx_id"].tolist() == ["T2", "T0", "T1", "T3"]


def test_repeated_ids_become_transcripts_of_their_own(tmp_path):
    places = [("chr1", 1, "+"), ("chr1", 1001, "+"), ("chrX", 1, "+"), ("chrX", 1, "-")]
    text = transcript([(5, 9)], tx="T_dup2") + "".join(
        transcript([(s, s + 9), (s + 20, s + 29)], tx="T", chrom=c, strand=d) for c, s, d in places
    )
    tx, exons = read_gtf(put(tmp_path, text))
    ids = ["T", "T_dup2", "T_dup3", "T_dup4", "T_dup5"]
    assert tx["tx_id"].tolist() == ids
    assert tx["n_exons"].tolist() == [2, 1, 2, 2, 2]
    assert exons.groupby("tx_id")["end"].max().tolist() == [30, 9, 1030, 30, 30]
    genepred = "".join(
        f"T\t{c}\t{d}\t{s - 1}\t{s + 9}\t0\t0\t1\t{s - 1},\t{s + 9},\n" for c, s, d in places
    )
    tx = read_genepred(put(tmp_path, genepred, "a.txt")).transcripts
    assert tx["tx_id"].tolist() == ["T", "T_dup2", "T_dup3", "T_dup4"]


GOOD = row("exon", 1, 9)


@pytest.mark.parametrize(
    "text, message",
    [
        (GOOD + "chr1\tX\texon\t1\t9\n", "line 2: found 5 tab-separated fields, GTF needs 9"),
        (
            GOOD + GOOD.replace("transcript_id", "x"),
            "line 2: no transcript_id in the attr",
        ),
        (GOOD.replace('gene_id "G1"; transcript_id', "Parent=t; ID"), "line 1: no .* GFF3 with"),
        (GOOD.replace("gene_id", "x"), "line 1: no gene_id in the attributes of transcript T1"),
        ("#\n" + row("exon", 9, 1), "line 2: start 9, end 1, expected 1 <= start <= end"),
        (row("exon", 0, 1), "line 1: start 0, end 1, expected 1 <="),
        (row("exon", "a", 1), "line 1: start, end are a, 1, expected whole numbers"),
        (row("exon", 1, 9, strand="."), r"line 1: strand is '\.', expected \+ or -"),
        (row("transcript", 1, 9), "line 1: transcript T1 has no exon rows"),
        (GOOD + row("exon", 9, 12), "line 1: transcript T1 has exons that overlap"),
        (GOOD + row("CDS", 7, 12), "line 1: transcript T1 has a CDS outside"),
        (
            PLUS + row("exon", 1200, 1201),
            "line 9: exon 1200-1201 lies outside of its",
        ),
        (GOOD.encode().replace(b"G1", b"\xff"), "line 1: not UTF-8 text"),
        (row("gene", 1, 9), "holds no transcripts"),
        ("", "holds no transcripts"),
    ],
)
def test_gtf_errors(tmp_path, text, message):
    with pytest.raises(FormatError, match=rf"a\.gtf: {message}"):
        read_gtf(put(tmp_path, text))


def test_damaged_annotation(tmp_path):
    text = "".join(row("exon", 1, 9, tx=f"T{i * i}") for i in range(20000)).encode()
    with pytest.raises(FormatError, match=r"a\.gtf\.gz: line \d+: truncated gzip file"):
        read_gtf(put(tmp_path, gzip.compress(text)[:-20], "a.gtf.gz"))
    with pytest.raises(FormatError, match=r"a\.gtf\.gz: not a gzip file"):
        read_gtf(put(tmp_path, text, "a.gtf.gz"))


PRED = "T\tchr1\t+\t0\t9\t0\t9\t2\t0,5,\t4,9,\n"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "holds no transcripts"),
        (PRED + "T\tchr1\t+\n", "line 2: found 3 tab-separated fields, genePred needs 10"),
        (PRED.replace("\t", " "), "line 1: found 1 tab-separated fields"),
        (PRED + PRED.replace("+", "*"), r"line 2: strand is '\*', expected \+ or - in column 3"),
        (PRED.replace("\t2\t", "\t3\t"), "line 1: 2 exon starts and 2 ends, expected exonCount 3"),
        (PRED.replace("\t9\t0", "\t8\t0"), "line 1: exons span 0-9, expected txStart-txEnd 0-8"),
        (PRED.replace("4,9,", "x,9,"), "line 1: not a whole number: .*x"),
        (PRED.replace("0,5,", "0,9,"), "line 1: exon start 9 is not below its end 9"),
        (PRED.replace("4,9,", "6,9,"), "line 1: transcript T has exons that overlap"),
        (PRED.replace("\t0\t9\t2", "\t0\t10\t2"), "line 1: transcript T has a CDS outside"),
        (PRED.encode().replace(b"T", b"\xff"), "line 1: not UTF-8"),
    ],
)
def test_genepred_errors(tmp_path, text, message):
    with pytest.raises(FormatError, match=rf"a\.txt: {message}"):
        read_genepred(put(tmp_path, text, "a.txt"))


# --- canonical transcripts


def test_canonical_is_the_longest_then_the_first(tmp_path):
    text = (
        transcript([(1, 50)], tx="A")
        + transcript([(1, 10), (91, 100)], tx="B")
        + transcript([(1, 100)], tx="C")
        + transcript([(1, 5)], tx="D", gene="G2")
    )
    tx = read_gtf(put(tmp_path, text)).transcripts
    assert tx.loc[tx["is_canonical"], "tx_id"].tolist() == ["B", "D"]
    pd.testing.assert_frame_equal(choose_canonical(tx), tx)
    assert len(choose_canonical(TRANSCRIPTS.empty())) == 0


@pytest.mark.parametrize("tag", ["Ensembl_canonical", "MANE_Select", "basic,Ensembl_canonical"])
def test_canonical_tags_win(tmp_path, tag):
    more = f'gene_type "lncRNA"; tag "basic"; tag "{tag}"; level 2;'
    other = 'gene_type "lncRNA"; tag "MANE_Select_not"; '
    text = transcript([(1, 90)], tx="A", more=other) + transcript([(1, 50)], tx="B", more=more)
    tx = read_gtf(put(tmp_path, text)).transcripts
    assert tx.loc[tx["is_canonical"], "tx_id"].tolist() == ["B"]


# --- introns and regions


def test_introns_by_hand(tmp_path):
    exons = read_gtf(put(tmp_path, PLUS + MINUS + LNC)).exons
    expected = [
        *(["T1", 200, 500, "+", 1], ["T1", 560, 1000, "+", 2]),
        *(["T2", 560, 1000, "-", 1], ["T2", 200, 500, "-", 2]),
    ]
    columns = ["tx_id", "start", "end", "strand", "intron_number"]
    assert introns(exons)[columns].to_numpy().tolist() == expected
    assert introns(exons.iloc[[2, 0, 1, 3, 5, 4]])[columns].to_numpy().tolist() == expected
    pd.testing.assert_frame_equal(introns(EXONS.empty()), INTRONS.empty())
    with pytest.raises(FormatError, match="table introns: row 0: column start: found 600 exceeds"):
        introns(exons.iloc[:3].assign(end=[600, 660, 1100]))


def test_touching_exons_have_no_intron(tmp_path):
    text = transcript([(1, 10), (11, 20), (31, 40)])
    table = introns(read_gtf(put(tmp_path, text)).exons)
    assert table[["start", "end", "intron_number"]].to_numpy().tolist() == [[20, 30, 2]]


def pieces(annotation, **keywords):
    table = region_classes(annotation, **keywords)
    return {
        (name.split("|")[1], start, end)
        for name, start, end in zip(table["name"], table["start"], table["end"], strict=True)
    }


def test_region_classes_plus(tmp_path):
    assert pieces(read_gtf(put(tmp_path, PLUS))) == {
        ("UTR5", 100, 150),
        *(("CDS", 150, 200), ("CDS", 500, 560), ("CDS", 1000, 1030)),
        ("UTR3", 1030, 1100),
        *(("intron", 200, 500), ("intron", 560, 1000)),
        *(("near_donor", 200, 300), ("near_donor", 560, 660)),
        *(("near_acceptor", 400, 500), ("near_acceptor", 900, 1000)),
        *(("deep_intronic_region", 300, 400), ("deep_intronic_region", 660, 900)),
    }


def test_region_classes_minus_mirrors_plus(tmp_path):
    swap = {"UTR5": "UTR3", "UTR3": "UTR5"}
    swap |= {"near_donor": "near_acceptor", "near_acceptor": "near_donor"}
    plus, minus = (pieces(read_gtf(put(tmp_path, text))) for text in (PLUS, MINUS))
    assert minus == {(swap.get(name, name), start, end) for name, start, end in plus}


def test_region_classes_of_short_introns_and_other_types(tmp_path):
    exons = [(1, 10), (161, 170), (371, 380)]  # introns of 150 and 200 nt
    lnc = read_gtf(put(tmp_path, transcript(exons, more='gene_type "lincRNA";')))
    assert pieces(lnc) == {
        *(("exon", 0, 10), ("exon", 160, 170), ("exon", 370, 380)),
        *(("intron", 10, 160), ("intron", 170, 370)),
        *(("near_donor", 10, 110), ("near_donor", 170, 270)),
        *(("near_acceptor", 60, 160), ("near_acceptor", 270, 370)),
    }
    assert set(region_classes(lnc)["name"]) <= set(REGION_NAMES)
    assert {p for p in pieces(lnc, near=500) if p[0] == "near_donor"} == {
        ("near_donor", 10, 160),
        ("near_donor", 170, 370),
    }
    assert ("deep_intronic_region", 10, 160) in pieces(lnc, near=0)
    no_cds = read_gtf(put(tmp_path, transcript(exons)))
    assert {name for name, _, _ in pieces(no_cds)} == {"intron", "near_donor", "near_acceptor"}
    other = read_gtf(put(tmp_path, transcript(exons, more='gene_type "miRNA";')))
    pd.testing.assert_frame_equal(region_classes(other), REGIONS.empty())
    empty = Annotation(TRANSCRIPTS.empty(), EXONS.empty())
    pd.testing.assert_frame_equal(region_classes(empty), REGIONS.empty())
    with pytest.raises(ValueError, match="near is -1"):
        region_classes(lnc, near=-1)


# --- transcripts as BED


def test_tx_bed_round_trip(tmp_path):
    tx = read_gtf(put(tmp_path, PLUS + MINUS + LNC)).transcripts
    write_bed(tx_to_bed(tx), tmp_path / "tx.bed.gz")
    first = gzip.decompress((tmp_path / "tx.bed.gz").read_bytes()).decode().split("\n")[0]
    assert first + "\n" == "chr1\t100\t1100\tT1|G1|G1|protein_coding|.\t.\t+\n"
    table = read_tx_bed(tmp_path / "tx.bed.gz")
    pd.testing.assert_frame_equal(table, tx[table.columns])


def test_tx_bed_forms_and_errors(tmp_path):
    line = "chr1\t1\t9\tT1|G1\t.\t+\n"
    table = read_tx_bed(put(tmp_path, line, "t.bed"))
    assert table.loc[0, ["tx_id", "gene_name", "gene_type"]].tolist() == ["T1", "G1", None]
    old = line.replace("G1", "G1|N1|lincRNA|.")
    assert read_tx_bed(put(tmp_path, old, "t.bed")).loc[0, "gene_type"] == "lncRNA"
    for text, message in [
        (line + line, "line 2: tx_id 'T1' a second time"),
        ("#\n" + line.replace("|G1", ""), r"line 2: name is 'T1', expected 'tx_id\|gene_id\|"),
        (line.replace("+", "."), r"line 1: strand is '\.', expected \+ or -"),
        (line.replace("\t.\t+", ""), "line 1: found 4 .*BED6 needs at least 6"),
    ]:
        with pytest.raises(FormatError, match=rf"t\.bed: {message}"):
            read_tx_bed(put(tmp_path, text, "t.bed"))


# --- real files

REAL = ["annotation.gtf.gz", "genepred.txt.gz", "refGene.txt.gz"]


@pytest.fixture(scope="module", params=REAL)
def real(shared, request):
    return read_annotation(shared / "real" / request.param)


def test_real_annotations_agree(shared, real):
    assert len(real.transcripts) == 193
    assert len(real.exons) == 1403
    assert_same(real, read_gtf(shared / "real/annotation.gtf.gz"))


def test_real_canonical(shared, real):
    expected = read_tx_bed(shared / "real/canonical.tx.bed.gz")
    tx = real.transcripts[real.transcripts["is_canonical"]]
    pd.testing.assert_frame_equal(tx[expected.columns].reset_index(drop=True), expected)
    pd.testing.assert_frame_equal(tx_to_bed(tx), read_bed(shared / "real/canonical.tx.bed.gz", 6))


def test_real_random_transcripts(shared, real):
    table = read_tx_bed(shared / "real/random.tx.bed.gz")
    assert len(table) == 92
    columns = ["tx_id", "chrom", "start", "end", "strand", "gene_name"]
    assert len(table[columns].merge(real.transcripts[columns])) == 92


def test_real_regions(shared, real):
    names = json.loads((shared / "real/regions.names.json").read_text())
    assert tuple(sorted(names, key=names.get)) == REGION_NAMES
    expected = read_bed(shared / "real/regions.bed.gz", 6)
    expected = expected[expected["start"] < expected["end"]].reset_index(drop=True)
    assert len(expected) == 3472
    pd.testing.assert_frame_equal(region_classes(real), expected[REGIONS.names])
