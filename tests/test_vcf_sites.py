"""Transcripts and splice sites over a variant, on a gene drawn by hand."""

import numpy as np
import pytest

from splicebert.errors import SpliceBERTError
from splicebert.genome import Genome
from splicebert.transcripts import read_gtf
from splicebert.vcf_sites import SiteIndex, Sites

#   plus   p1 (canonical, coding)   [100 200) [500 600) [900 1000)   CDS 150-550
#          p2                       [100 200) [520 600)
#   minus  m1 (lncRNA)              [550 700) [900 1100)
EXONS = {
    ("p1", "+", "protein_coding"): [(100, 200), (500, 600), (900, 1000)],
    ("p2", "+", "protein_coding"): [(100, 200), (520, 600)],
    ("m1", "-", "lncRNA"): [(550, 700), (900, 1100)],
}


def gtf(exons, chrom="1"):
    lines = []
    for (tx, strand, kind), parts in exons.items():
        tag = ' tag "Ensembl_canonical";' if tx == "p1" else ""
        names = f'gene_id "{tx[0]}"; gene_name "{tx[0].upper()}"; transcript_id "{tx}"; '
        names += f'gene_type "{kind}";{tag}'
        rows = [("exon", *part) for part in parts]
        rows += [("CDS", 150, 200), ("CDS", 500, 550)] if tx == "p1" else []
        lines += [
            f"{chrom}\tx\t{feature}\t{start + 1}\t{end}\t.\t{strand}\t.\t{names}\n"
            for feature, start, end in rows
        ]
    return "".join(lines)


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(">chr1\n" + "ACGT" * 500 + "\n")
    with Genome(path) as genome:
        yield genome


@pytest.fixture(scope="module")
def index(genome, tmp_path_factory):
    path = tmp_path_factory.mktemp("annotation") / "a.gtf"
    path.write_text(gtf(EXONS))  # contig 1 of the annotation is chr1 of the genome
    return SiteIndex(read_gtf(path), genome)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((99, 100), []),
        ((100, 101), [("+", "p1", "UTR5", 2)]),
        ((160, 161), [("+", "p1", "CDS", 2)]),
        ((299, 300), [("+", "p1", "near_donor", 2)]),
        ((300, 301), [("+", "p1", "deep_intronic_region", 2)]),
        ((499, 500), [("+", "p1", "near_acceptor", 2)]),
        ((555, 556), [("+", "p1", "UTR3", 2), ("-", "m1", "exon", 1)]),
        ((599, 600), [("+", "p1", "UTR3", 2), ("-", "m1", "exon", 1)]),
        ((600, 601), [("+", "p1", "near_donor", 1), ("-", "m1", "exon", 1)]),
        ((700, 701), [("+", "p1", "deep_intronic_region", 1), ("-", "m1", "near_acceptor", 1)]),
        ((899, 900), [("+", "p1", "near_acceptor", 1), ("-", "m1", "near_donor", 1)]),
        ((1050, 1050), [("-", "m1", "exon", 1)]),
        ((1100, 1100), []),
        ((100, 100), []),
        ((80, 120), [("+", "p1", "UTR5", 2)]),
    ],
)
def test_places(index, change, expected):
    found = index.places("chr1", *change)
    assert [(p.strand, p.tx_id, p.region, p.n_transcripts) for p in found] == expected


def test_sites_are_those_of_all_transcripts_each_once(index):
    (place,) = index.places("chr1", 160, 161)
    sites = dict(zip(place.sites.edges.tolist(), place.sites.is_donor.tolist(), strict=True))
    assert sites == {200: True, 500: False, 520: False, 600: True, 900: False}
    (_, minus) = index.places("chr1", 650, 651)
    assert minus.sites.edges.tolist() == [700, 900]
    assert minus.sites.is_donor.tolist() == [False, True]
    assert minus.sites.first_bases().tolist() == [700, 898]
    firsts = dict(zip(sites, place.sites.first_bases().tolist(), strict=True))
    assert firsts == {200: 200, 500: 498, 520: 518, 600: 600, 900: 898}


def test_a_transcript_of_one_exon_has_no_site(genome, tmp_path):
    (tmp_path / "a.gtf").write_text(gtf({("s", "+", "lncRNA"): [(10, 90)]}))
    (place,) = SiteIndex(read_gtf(tmp_path / "a.gtf"), genome).places("chr1", 20, 21)
    assert (len(place.sites.edges), place.region) == (0, "exon")


@pytest.mark.parametrize(
    ("change", "plus"),
    [((199, 200), -1), ((200, 201), 1), ((201, 202), 2), ((190, 195), -6), ((198, 202), 0),
     ((200, 200), 0), ((201, 201), 1), ((199, 199), -1), ((200, 205), 1)],
)  # fmt: skip
def test_distances(change, plus):
    edges, is_donor = np.array([200]), np.array([True])
    assert Sites("+", edges, is_donor).distances(*change).tolist() == [plus]
    assert Sites("-", edges, is_donor).distances(*change).tolist() == [-plus]


def test_annotation_of_another_genome(genome, tmp_path):
    (tmp_path / "a.gtf").write_text(gtf(EXONS, chrom="chrZ"))
    with pytest.raises(SpliceBERTError, match="no transcript of the annotation"):
        SiteIndex(read_gtf(tmp_path / "a.gtf"), genome)
