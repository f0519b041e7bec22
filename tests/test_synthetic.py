"""The synthetic genome: what is planted is there, and files say the same as memory."""

import gzip
import importlib.util
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyBigWig
import pysam
import pytest

from splicebert.bed import read_bed
from splicebert.embedding_sites import read_site_bed
from splicebert.errors import ConfigError
from splicebert.synthetic import (
    FILES,
    REGION_NAMES,
    GenomeSpec,
    make_genome,
    motifs,
    splicing,
    summarise,
    write_genome,
)
from splicebert.synthetic.effects import CLOSER, exon_context
from splicebert.synthetic.grammar import (
    ACCEPTOR_OFFSETS,
    BRANCHPOINT_RANGE,
    DEMO,
    DONOR_OFFSETS,
    GRAMMARS,
)
from splicebert.synthetic.vocabulary import MUTATED, descend, draw_vocabulary

SPEC = GenomeSpec(chromosomes={"chr1": 180_000, "chr2": 120_000})
STOPS = {"TAA", "TAG", "TGA"}
INTERVAL = ["chrom", "start", "end"]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def genome():
    return make_genome(SPEC, 7)


@pytest.fixture(scope="module")
def paths(genome, tmp_path_factory):
    return write_genome(genome, tmp_path_factory.mktemp("genome"))


@pytest.fixture(scope="module")
def fasta(paths, tmp_path_factory):
    # A copy, because pysam writes an index beside the file.
    copy = tmp_path_factory.mktemp("fasta") / "genome.fa"
    copy.write_bytes(paths["fasta"].read_bytes())
    with pysam.FastaFile(str(copy)) as handle:
        yield handle


@pytest.fixture(scope="module")
def gtf(paths):
    """GTF rows as they are in the file: 1-based, both ends included."""
    names = ["chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes"]
    table = pd.read_csv(paths["annotation"], sep="\t", names=names, comment="#", quoting=3)
    for key in ("gene_id", "transcript_id", "gene_type", "transcript_type"):
        table[key] = table["attributes"].str.extract(rf'\b{key} "([^"]+)"')[0]
    table["exon_number"] = table["attributes"].str.extract(r"exon_number (\d+)")[0].astype(float)
    return table


def revcomp(sequence):
    return sequence.translate(str.maketrans("ACGTacgt", "TGCAtgca"))[::-1]


def sense(genome, chrom, start, end, strand):
    sequence = genome.sequences[chrom][start:end].upper()
    return sequence if strand == "+" else revcomp(sequence)


def covered(genome, table):
    """Mark the bases of a table's intervals."""
    marks = {chrom: np.zeros(len(s), dtype=bool) for chrom, s in genome.sequences.items()}
    for chrom, start, end in table[INTERVAL].itertuples(index=False):
        marks[chrom][start:end] = True
    return marks


def introns_of(exons):
    """Return the introns between the exons of each transcript: chrom, start, end, strand."""
    exons = exons.sort_values(["tx_id", "start"])
    following = exons.shift(-1)
    inner = (exons["tx_id"] == following["tx_id"]).to_numpy()
    introns = exons[["chrom", "strand", "tx_id"]].assign(
        start=exons["end"], end=following["start"].fillna(-1).astype(int)
    )
    return introns[inner]


def coding_sequences(genome):
    """Yield (transcript row, spliced coding sequence with the stop codon)."""
    exons = dict(list(genome.exons.groupby("tx_id")))
    for tx in genome.transcripts[genome.transcripts["cds_start"] >= 0].itertuples():
        parts = [
            genome.sequences[tx.chrom][max(e.start, tx.cds_start) : min(e.end, tx.cds_end)]
            for e in exons[tx.tx_id].sort_values("start").itertuples()
            if e.start < tx.cds_end and e.end > tx.cds_start
        ]
        spliced = "".join(parts).upper()
        yield tx, spliced if tx.strand == "+" else revcomp(spliced)


def test_same_seed_same_bytes(paths, tmp_path):
    again = write_genome(make_genome(SPEC, 7), tmp_path)
    assert again.keys() == FILES.keys()
    for name, path in paths.items():
        assert again[name].read_bytes() == path.read_bytes(), name


def test_other_seed_other_genome(genome):
    other = make_genome(SPEC, 8)
    assert other.sequences != genome.sequences
    assert not other.genes["start"].equals(genome.genes["start"])


def test_no_temporary_file_stays(paths):
    folder = paths["fasta"].parent
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert files == set(FILES.values())


def test_a_failed_write_leaves_the_old_file(genome, paths, tmp_path):
    write_genome(genome, tmp_path)
    broken = replace(genome, sequences={"chr1": None})
    with pytest.raises(TypeError):
        write_genome(broken, tmp_path)
    assert (tmp_path / "genome.fa").read_bytes() == paths["fasta"].read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_introns_begin_gt_and_end_ag(genome):
    introns = introns_of(genome.exons)
    assert len(introns) > 150
    assert set(introns["strand"]) == {"+", "-"}
    for row in introns.itertuples():
        intron = sense(genome, row.chrom, row.start, row.end, row.strand)
        assert (intron[:2], intron[-2:]) == ("GT", "AG")
        assert len(intron) >= SPEC.intron_range[0]


def test_splice_sites_are_the_canonical_introns(genome):
    canonical = genome.transcripts.loc[genome.transcripts["canonical"], "tx_id"]
    introns = introns_of(genome.exons[genome.exons["tx_id"].isin(canonical)])
    plus = introns["strand"] == "+"
    first = introns["start"].where(plus, introns["end"] - 2)
    last = (introns["end"] - 2).where(plus, introns["start"])
    for site, start in (("donor", first), ("acceptor", last)):
        table = genome.splice_sites[genome.splice_sites["site"] == site]
        assert (table["end"] - table["start"] == 2).all()
        expected = zip(introns["tx_id"], start, strict=True)
        assert sorted(zip(table["tx_id"], table["start"], strict=True)) == sorted(expected)
        dimers = {
            sense(genome, *row) for row in table[[*INTERVAL, "strand"]].itertuples(index=False)
        }
        assert dimers == {"GT" if site == "donor" else "AG"}


def test_intron_numbers_follow_the_transcript(genome):
    donors = genome.splice_sites[genome.splice_sites["site"] == "donor"]
    for _, group in donors.groupby("tx_id"):
        in_order = group.sort_values("start", ascending=group["strand"].iloc[0] == "+")
        assert in_order["intron_number"].tolist() == list(range(1, len(group) + 1))


def test_coding_sequences_are_open(genome):
    seen = 0
    for tx, spliced in coding_sequences(genome):
        codons = re.findall("...", spliced)
        assert len(spliced) % 3 == 0
        assert codons[0] == "ATG"
        assert codons[-1] in STOPS
        assert not STOPS & set(codons[:-1]), tx.tx_id
        seen += 1
    assert seen > 20


def test_codon_usage_is_biased(genome):
    text = " ".join(" ".join(re.findall("...", s)[1:-1]) for _, s in coding_sequences(genome))
    leucine = {codon: text.count(codon) for codon in ("CTG", "CTA", "TTA")}
    # Not more: pieces of three domains repeat their own codons.
    assert leucine["CTG"] > 2 * leucine["CTA"]
    assert leucine["CTG"] > 2 * leucine["TTA"]


def test_second_transcripts_skip_an_exon(genome):
    per_gene = genome.transcripts.groupby("gene_id")["canonical"]
    assert (per_gene.sum() == 1).all()
    assert per_gene.size().max() == 2
    # The canonical transcript isn't always the first, so that a reader has to look for the tag.
    firsts = genome.transcripts.drop_duplicates("gene_id")["canonical"]
    assert 0 < (~firsts).sum() < len(firsts)
    keys = ["chrom", "start", "end", "strand"]
    exons = genome.exons.merge(genome.transcripts[["tx_id", "gene_id", "canonical"]], on="tx_id")
    for _, gene in exons.groupby("gene_id"):
        long, short = (set(map(tuple, gene.loc[k, keys].to_numpy())) for k in two_kinds(gene))
        assert not short or (short < long and len(long - short) == 1)


def two_kinds(gene):
    return gene["canonical"], ~gene["canonical"]


def test_genes_do_not_overlap(genome):
    for _, genes in genome.genes.groupby("chrom"):
        assert (genes["start"].to_numpy()[1:] > genes["end"].to_numpy()[:-1]).all()
    assert set(genome.genes["gene_type"]) == {"protein_coding", "lncRNA"}


def test_gtf_is_one_based_and_inclusive(genome, gtf, fasta):
    exons = gtf[gtf["feature"] == "exon"].sort_values(["transcript_id", "exon_number"])
    ours = genome.exons.sort_values(["tx_id", "exon_number"])
    assert (exons["start"].to_numpy() == ours["start"].to_numpy() + 1).all()
    assert (exons["end"].to_numpy() == ours["end"].to_numpy()).all()
    codons = gtf[gtf["feature"].isin(["start_codon", "stop_codon"])]
    assert (codons["end"] - codons["start"] == 2).all()
    for row in codons.itertuples():
        codon = fasta.fetch(row.chrom, row.start - 1, row.end).upper()
        codon = codon if row.strand == "+" else revcomp(codon)
        assert codon == "ATG" if row.feature == "start_codon" else codon in STOPS


def test_gtf_cds_leaves_the_stop_codon_out(genome, gtf, fasta):
    spliced = {tx.tx_id: sequence for tx, sequence in coding_sequences(genome)}
    rows = gtf[gtf["feature"] == "CDS"]
    assert set(rows["transcript_id"]) == set(spliced)
    for tx_id, group in rows.groupby("transcript_id"):
        done = ""
        for row in group.sort_values("exon_number").itertuples():
            part = fasta.fetch(row.chrom, row.start - 1, row.end).upper()
            assert int(row.frame) == -len(done) % 3
            done += part if row.strand == "+" else revcomp(part)
        assert done == spliced[tx_id][:-3]


def test_gtf_is_sorted_and_tagged(genome, gtf, paths):
    assert gtf["chrom"].drop_duplicates().tolist() == list(genome.sequences)
    assert gtf.groupby("chrom")["start"].apply(lambda s: s.is_monotonic_increasing).all()
    tagged = gtf[gtf["attributes"].str.contains('tag "Ensembl_canonical"', regex=False)]
    canonical = genome.transcripts.loc[genome.transcripts["canonical"], "tx_id"]
    assert set(tagged["transcript_id"]) == set(canonical)
    assert (gtf.loc[gtf["feature"] == "transcript", "transcript_id"].value_counts() == 1).all()
    # Bytes 4-7 of a gzip file are its time.
    assert paths["annotation"].read_bytes()[4:8] == b"\0\0\0\0"
    assert gzip.decompress(paths["annotation"].read_bytes()).startswith(b"##")


def test_branchpoints(genome):
    table = genome.branchpoints
    assert table["distance"].between(*BRANCHPOINT_RANGE).all()
    assert ((table["acceptor"] - table["start"]).abs() == table["distance"]).all()
    acceptors = genome.splice_sites[genome.splice_sites["site"] == "acceptor"]
    keys = ["tx_id", "intron_number"]
    both = table.merge(acceptors, on=keys, suffixes=("", "_site"), validate="one_to_one")
    assert len(both) == len(table) == len(acceptors)
    plus = both["strand"] == "+"
    assert (both["acceptor"] == both["end_site"].where(plus, both["start_site"] - 1)).all()
    for row in table.itertuples():
        up, down = (3, 1) if row.strand == "+" else (1, 3)
        motif = sense(genome, row.chrom, row.start - up, row.end + down, row.strand)
        assert motif == row.motif
        assert re.fullmatch("[CT]T.A[CT]", motif)


def test_no_ag_between_branchpoint_and_acceptor(genome):
    for row in genome.branchpoints.itertuples():
        first, last = sorted((row.start, row.acceptor))
        # From the branchpoint A to the last intron base, 5'->3'.
        shift = 0 if row.strand == "+" else 1
        zone = sense(genome, row.chrom, first + shift, last + shift, row.strand)
        assert len(zone) == row.distance
        assert zone.find("AG") == row.distance - 2


def frequencies(genome, site, offsets):
    """Base frequencies around the first base behind a junction: float (offsets, nt)."""
    table = genome.splice_sites[genome.splice_sites["site"] == site]
    shift = 0 if site == "donor" else 2
    counts = np.zeros((len(offsets), 4))
    for row in table.itertuples():
        anchor = row.start + shift if row.strand == "+" else row.end - 1 - shift
        for i, offset in enumerate(offsets):
            at = anchor + offset if row.strand == "+" else anchor - offset
            counts[i, "ACGT".index(sense(genome, row.chrom, at, at + 1, row.strand))] += 1
    return counts / len(table)


def information(frequency):
    return 2 + (frequency * np.log2(np.maximum(frequency, 1e-9))).sum(axis=1)


@pytest.mark.parametrize("site", ["donor", "acceptor"])
def test_sites_follow_their_matrix(genome, site):
    expected = DEMO.donor_mean if site == "donor" else DEMO.acceptor_mean
    offsets = DONOR_OFFSETS if site == "donor" else ACCEPTOR_OFFSETS
    seen = frequencies(genome, site, offsets)
    # Branchpoints reach into the first bases of the acceptor's matrix, hence -16 and on.
    keep = offsets >= -16
    n = (genome.splice_sites["site"] == site).sum()
    assert np.abs(seen - expected)[keep].max() < 4.5 * np.sqrt(0.25 / n)
    drawn, wanted = information(seen[keep]).sum(), information(expected[keep]).sum()
    assert drawn == pytest.approx(wanted, rel=0.15)
    assert genome.splice_sites.loc[genome.splice_sites["site"] == site, "strength"].mean() > 4


@pytest.mark.parametrize("grammar", GRAMMARS.values(), ids=GRAMMARS)
def test_matrix_rows_sum_to_one(grammar):
    for table in (*grammar[:4], grammar.intron_bases, grammar.intergenic_bases):
        np.testing.assert_allclose(table.sum(axis=-1), 1)
    assert len({len(grammar.class_p), len(grammar.donor), len(grammar.acceptor)}) == 1


@pytest.mark.parametrize(("coupling", "low", "high"), [(1.0, 1.0, 1.0), (0.0, 0.005, 0.08)])
def test_coupling_of_donor_and_acceptor(coupling, low, high):
    spec = replace(SPEC, coupling=coupling)
    wide = make_genome(spec, 3).splice_sites.pivot(
        index=["tx_id", "intron_number"], columns="site", values="intron_class"
    )
    assert low <= (wide["donor"] == wide["acceptor"]).mean() <= high


def site_bases(genome, site, offset):
    """Base at an offset from each junction, by transcript and intron."""
    table = genome.splice_sites[genome.splice_sites["site"] == site]
    shift = 0 if site == "donor" else 2
    found = {}
    for row in table.itertuples():
        first = row.start + shift if row.strand == "+" else row.end - 1 - shift
        at = first + offset if row.strand == "+" else first - offset
        found[row.tx_id, row.intron_number] = sense(genome, row.chrom, at, at + 1, row.strand)
    return pd.Series(found)


def test_only_the_acceptor_tells_the_donors_bases():
    genome = make_genome(replace(SPEC, chromosomes={"chr1": 900_000}), 5)
    tract = pd.concat([site_bases(genome, "acceptor", o) for o in range(-16, -4)], axis=1)
    donor = {
        "+3": site_bases(genome, "donor", 2) == "G",
        "+6": site_bases(genome, "donor", 5) != "T",
        "+7": site_bases(genome, "donor", 6) != "G",
        "+8": site_bases(genome, "donor", 7) != "T",
        "-3": site_bases(genome, "donor", -3) == "A",
    }
    acceptor = {
        "+3": (tract == "C").sum(axis=1) > (tract == "T").sum(axis=1),
        "+6": site_bases(genome, "acceptor", -3) == "T",
        "+7": site_bases(genome, "acceptor", 0) == "A",
        "+8": site_bases(genome, "acceptor", 1) != "T",
        "-3": site_bases(genome, "acceptor", -4) != "A",
    }

    def difference(one, other):
        return one[other].mean() - one[~other].mean()

    # A difference of two shares has a standard error of about 1 / sqrt(n).
    error = 4 / np.sqrt(len(tract))
    for (one, base), (other, rival) in product(donor.items(), repeat=2):
        if one == other:
            assert difference(base, acceptor[one]) > 0.5
        else:
            assert abs(difference(base, acceptor[other])) < error
            assert abs(difference(base, rival)) < error


def test_lower_case_is_the_repeats_table(genome):
    marks = covered(genome, genome.repeats)
    for chrom, sequence in genome.sequences.items():
        lower = np.array([base.islower() for base in sequence])
        np.testing.assert_array_equal(lower, marks[chrom])
    lengths = genome.repeats["end"] - genome.repeats["start"]
    assert lengths.sum() == sum(m.sum() for m in marks.values()), "copies overlap"


def test_repeats_spare_sites_and_coding_sequence(genome):
    marks = covered(genome, genome.repeats)
    for row in genome.splice_sites.itertuples():
        exon_left = (row.site == "donor") == (row.strand == "+")
        inner, outer = (4, 3) if row.site == "donor" else (18, 1)
        left, right = (outer, inner) if exon_left else (inner, outer)
        assert not marks[row.chrom][row.start - left : row.end + right].any()
    for row in genome.branchpoints.itertuples():
        up, down = (3, 1) if row.strand == "+" else (1, 3)
        assert not marks[row.chrom][row.start - up : row.end + down].any()
    for chrom, region in genome.regions.items():
        assert not marks[chrom][region == REGION_NAMES.index("CDS")].any()


def test_repeat_copies_look_alike(genome):
    """Bases of two copies agree far more within a family than chance at the best shift."""
    family = genome.repeats[genome.repeats["family"] == "REP1"]
    family = family.assign(length=family["end"] - family["start"]).nlargest(2, "length")
    one, two = (
        np.frombuffer(sense(genome, *row).encode(), np.uint8)
        for row in family[[*INTERVAL, "strand"]].itertuples(index=False)
    )
    n = min(len(one), len(two)) // 2
    shifts = range(-n, n + 1)
    best = max(
        (one[max(s, 0) :][:n] == two[max(-s, 0) :][:n]).mean()
        for s in shifts
        if min(len(one[max(s, 0) :]), len(two[max(-s, 0) :])) >= n
    )
    assert best > 0.6
    assert family["divergence"].between(0.04, 0.21).all()


def test_shares_are_as_asked(genome):
    counts = summarise(genome)
    assert counts["transcribed"] == pytest.approx(SPEC.transcribed_fraction, abs=0.05)
    for region in ("intron", "intergenic"):
        assert counts[f"repeat_{region}"] == pytest.approx(SPEC.repeat_fraction, abs=0.03)
    assert counts["repeat_UTR5"] == counts["repeat_CDS"] == 0
    assert 0 < counts["repeat_UTR3"] < 0.2
    assert 0.01 <= counts["no_score"] <= 0.02
    assert 0.08 <= counts["phastcons_high"] <= 0.18
    assert counts["introns"] == (genome.splice_sites["site"] == "donor").sum()


def forward_codes(genome):
    return {c: motifs.encode(sequence.upper()) for c, sequence in genome.sequences.items()}


def test_copies_keep_what_is_selected():
    rng = np.random.default_rng(0)
    for family in (draw_vocabulary(rng, SPEC).domains[0], draw_vocabulary(rng, SPEC).elements[0]):
        copies = np.stack([descend(rng, family) for _ in range(2000)])
        kept = (copies == family.codes).mean(axis=0)
        np.testing.assert_allclose(kept, 1 - MUTATED * (1 - family.selection), atol=0.05)


def test_domains_lie_in_coding_sequence_and_are_conserved(genome):
    assert len(genome.domains) > 50
    assert ((genome.domains["end"] - genome.domains["start"]) % 3 == 0).all()
    marks = covered(genome, genome.domains)
    for chrom, region in genome.regions.items():
        assert (region[marks[chrom]] == REGION_NAMES.index("CDS")).all()
        coding = region == REGION_NAMES.index("CDS")
        scores = genome.tracks["phastcons"][chrom]
        inside, outside = marks[chrom] & coding, ~marks[chrom] & coding
        assert np.nanmean(scores[inside] >= 0.8) > 0.6 > np.nanmean(scores[outside] >= 0.8)


def test_decoys_look_like_sites_but_are_none(genome):
    assert set(genome.decoys["site"]) == {"donor", "acceptor"}
    sites = set(genome.splice_sites[INTERVAL].itertuples(index=False, name=None))
    for row in genome.decoys.itertuples():
        pair = sense(genome, row.chrom, row.start, row.end, row.strand)
        assert pair == ("GT" if row.site == "donor" else "AG")
        assert (genome.regions[row.chrom][row.start : row.end] == 4).all()
        assert (row.chrom, row.start, row.end) not in sites
    for site in ("donor", "acceptor"):
        real, false = (
            t.loc[t["site"] == site, "strength"] for t in (genome.splice_sites, genome.decoys)
        )
        assert abs(real.mean() - false.mean()) < 1
    at = [genome.selection[row.chrom][row.start] for row in genome.decoys.itertuples()]
    assert np.mean(at) < 0.1


def test_inclusion_follows_from_the_sequence(genome):
    table = genome.spliced_exons
    assert len(table) > 100
    terms = splicing.exon_terms(DEMO, exon_context(forward_codes(genome), table))
    np.testing.assert_allclose(terms.psi, table["psi"], atol=1e-4)
    logit = splicing.BASE + table[list(terms._fields)].sum(axis=1)
    np.testing.assert_allclose(table["psi"], 1 / (1 + np.exp(-logit)), atol=1e-3)
    assert (table["psi"] < 0.2).mean() > 0.05
    assert (table["psi"] > 0.8).mean() > 0.3


def test_each_term_moves_inclusion_as_it_says(genome):
    codes, table = forward_codes(genome), genome.spliced_exons.iloc[[0]]
    base = splicing.exon_terms(DEMO, exon_context(codes, table))

    def changed(part, where, text):
        context = exon_context(codes, table)
        array = context.exons[0] if part == "exon" else getattr(context, part)[0]
        array[where] = motifs.encode(text)
        return splicing.exon_terms(DEMO, context)

    assert changed("after", slice(0, 2), "GA").psi < 1e-9
    assert changed("before", slice(-2, None), "AT").psi < 1e-9
    best = (DEMO.donor_mean / DEMO.intron_bases).argmax(axis=1)[3:]
    consensus = changed("after", slice(0, 8), "".join("ACGT"[code] for code in best))
    assert consensus.donor >= base.donor
    assert consensus.psi >= base.psi
    rival = changed("after", slice(20, 29), "CAGGTAAGT")
    assert rival.competition <= base.competition
    assert rival.donor == base.donor
    without = changed("before", slice(16, 47), "G" * 31)
    assert without.branchpoint < base.branchpoint
    enhanced = changed("exon", slice(10, 22), "TTCTTCTTCTTC").enhancers
    assert changed("exon", slice(10, 22), "TTCGACGACTTC").enhancers - enhanced == pytest.approx(
        splicing.ENHANCER_WEIGHT
    )


def test_usage_of_a_site_is_its_exons(genome):
    sites = genome.splice_sites
    assert sites["usage"].between(0, 1).all()
    exon = sites.assign(exon_number=sites["intron_number"] + (sites["site"] == "acceptor"))
    both = exon.merge(genome.spliced_exons, on=["tx_id", "exon_number"])
    assert len(both) == 2 * len(genome.spliced_exons)
    np.testing.assert_array_equal(both["usage"], both["psi"])
    assert sites["strength"].corr(sites["usage"], method="spearman") > 0.3


def test_effects_of_variants_are_those_of_the_mutated_genome(genome):
    variants = genome.variants
    assert set(variants["place"]) > {"donor", "acceptor", "branchpoint", "exon"}
    assert (variants["delta_psi"] < -0.5).mean() > 0.05
    for row in variants.sample(40, random_state=1).itertuples():
        sequence = genome.sequences[row.chrom].upper()
        assert sequence[row.position] == row.ref
        mutated = sequence[: row.position] + row.alt + sequence[row.position + 1 :]
        exon = pd.DataFrame(
            [(row.chrom, row.exon_start, row.exon_end, row.strand)],
            columns=["chrom", "start", "end", "strand"],
        )
        context = exon_context({row.chrom: motifs.encode(mutated)}, exon)
        psi = splicing.exon_terms(DEMO, context).psi[0]
        assert psi == pytest.approx(row.alt_psi, abs=1e-4)
        assert row.delta_psi == pytest.approx(row.alt_psi - row.psi, abs=1e-6)


def test_cryptic_sites_come_closer_to_a_site_than_any_look_alike_was(genome):
    codes, rows = forward_codes(genome), genome.variants
    rows = rows[rows["place"] == "cryptic_site"]
    assert len(rows) > 50
    assert (rows["delta_psi"] < -0.5).mean() > 0.1
    assert not rows.duplicated(["tx_id", "exon_number"]).any()
    exons = rows.rename(columns={"exon_start": "start", "exon_end": "end"})
    before = splicing.exon_terms(DEMO, exon_context(codes, exons))
    for i, row in enumerate(exons.itertuples()):
        changed = codes[row.chrom].copy()
        changed[row.position] = "ACGT".index(row.alt)
        after = splicing.exon_terms(DEMO, exon_context({row.chrom: changed}, exons.iloc[[i]]))
        closer = (before.competition[i] - after.competition[0]) / splicing.COMPETITION_WEIGHT
        assert closer > CLOSER - 1e-9, row


def test_changes_that_make_a_cryptic_site_are_all_found(genome):
    codes, exon = forward_codes(genome), genome.spliced_exons
    exon = exon[exon["psi"].between(0.3, 0.9)].iloc[[0]]
    context = exon_context(codes, exon)
    before = splicing.exon_terms(DEMO, context).competition[0]
    whole = np.concatenate([context.before[0], context.exons[0], context.after[0]])
    n, flank, found = len(context.exons[0]), splicing.FLANK, []
    own = [*range(flank - 20, flank + 2), *range(flank + n - 3, flank + n + 8)]
    for at in set(range(len(whole))) - set(own):
        for base in set(range(4)) - {int(whole[at])}:
            changed = whole.copy()
            changed[at] = base
            parts = changed[:flank], changed[flank:-flank], changed[-flank:]
            after = splicing.exon_terms(
                DEMO, splicing.Context(parts[0][None], [parts[1]], parts[2][None])
            )
            if (before - after.competition[0]) / splicing.COMPETITION_WEIGHT >= CLOSER:
                found.append((0, at - flank, base))
    expected = pd.DataFrame(sorted(found), columns=["exon", "local", "base"])
    changes = splicing.cryptic_site_changes(DEMO, context, CLOSER)
    assert len(changes) > 0
    pd.testing.assert_frame_equal(changes, expected, check_dtype=False)


def test_variants_are_where_their_place_says(genome):
    for row in genome.variants.itertuples():
        # Offset from the exon's first base, 5'->3'.
        plus = row.strand == "+"
        local = row.position - row.exon_start if plus else row.exon_end - 1 - row.position
        behind = local - (row.exon_end - row.exon_start)
        inside = local >= 0 and behind < 0
        expected = {
            "donor": behind in (0, 1),
            "acceptor": local in (-2, -1),
            "donor_region": -3 <= behind <= 7,
            "acceptor_region": -20 <= local <= 1,
            "branchpoint": -47 <= local <= -17,
            "exon": inside,
            "intron": not inside,
            "cryptic_site": not -3 <= behind <= 7 and not -20 <= local <= 1,
        }
        assert expected[row.place], row


@pytest.mark.parametrize(("dataset", "first", "scale"), [("vexseq", 1, 100), ("mfass", 0, 1)])
def test_variant_files_have_the_published_form(genome, paths, dataset, first, scale):
    expected = genome.variants[genome.variants["dataset"] == dataset]
    with pysam.VariantFile(str(paths[dataset])) as records:
        found = list(records)
    assert len(found) == len(expected) > 100
    for record, row in zip(found, expected.itertuples(), strict=True):
        assert (record.chrom, record.pos - 1, record.ref, *record.alts) == (
            *(row.chrom, row.position, row.ref),
            row.alt,
        )
        fields = record.id.split("|")
        assert fields[1:5] == [".", str(row.exon_start + first), str(row.exon_end), row.strand]
        assert float(fields[5]) == pytest.approx(row.psi * 100, abs=0.01)
        assert float(fields[6]) == pytest.approx(row.delta_psi * scale, abs=0.01)
        threshold = -24 if dataset == "vexseq" else -0.5
        assert fields[7] == str(float(fields[6]) < threshold)


def test_the_distant_species_has_a_grammar_of_its_own(genome):
    distant = make_genome(replace(SPEC, species="distant"), 7)
    for row in distant.splice_sites.itertuples():
        pair = sense(distant, row.chrom, row.start, row.end, row.strand)
        assert pair == ("GT" if row.site == "donor" else "AG")
    at = [
        np.mean([base in "AT" for s in g.sequences.values() for base in s.upper()])
        for g in (genome, distant)
    ]
    assert at[1] > at[0] + 0.04
    seen = frequencies(distant, "donor", DONOR_OFFSETS)
    n = (distant.splice_sites["site"] == "donor").sum()
    assert np.abs(seen - GRAMMARS["distant"].donor_mean).max() < 4.5 * np.sqrt(0.25 / n)
    assert np.abs(seen - DEMO.donor_mean).max() > 0.08


def test_conservation_shows_selection(genome):
    region = np.concatenate(list(genome.regions.values()))
    selection = np.concatenate(list(genome.selection.values()))
    assert ((selection >= 0) & (selection <= 1)).all()
    for name, (low, high) in {"phastcons": (0, 1), "phylop": (-4, 8)}.items():
        scores = np.concatenate(list(genome.tracks[name].values()))
        assert scores.dtype == np.float32
        seen = ~np.isnan(scores)
        assert ((scores[seen] >= low) & (scores[seen] <= high)).all()
        mean = {r: np.nanmean(scores[region == i]) for i, r in enumerate(REGION_NAMES)}
        assert mean["CDS"] > mean["UTR5"] > mean["UTR3"] > mean["intron"]
        # Noisy, but a signal.
        assert 0.6 < np.corrcoef(scores[seen], selection[seen])[0, 1] < 0.97
    marks = np.concatenate(list(covered(genome, genome.elements).values()))
    assert np.nanmean(scores[marks]) > 2
    assert not marks[np.isin(region, [REGION_NAMES.index("CDS"), REGION_NAMES.index("UTR3")])].any()


def test_third_codon_positions_are_freer(genome):
    """phyloP by codon position, in single-exon stretches: the start codon's exon."""
    by_position = [[], [], []]
    for tx, _ in coding_sequences(genome):
        scores = genome.tracks["phylop"][tx.chrom]
        first = range(48)
        at = [tx.cds_start + i if tx.strand == "+" else tx.cds_end - 1 - i for i in first]
        coding = genome.regions[tx.chrom][at] == REGION_NAMES.index("CDS")
        for i in first:
            if not coding[: i + 1].all():
                break
            by_position[i % 3].append(scores[at[i]])
    one, two, three = (np.nanmean(values) for values in by_position)
    assert min(one, two) > three + 1


def test_files_hold_what_is_in_memory(genome, paths, fasta):
    assert list(fasta.references) == list(genome.sequences)
    for chrom, sequence in genome.sequences.items():
        assert fasta.fetch(chrom) == sequence
    lines = paths["fasta"].read_text().splitlines()
    assert max(map(len, lines)) == 60
    for name, track in genome.tracks.items():
        with pyBigWig.open(str(paths[name])) as bigwig:
            assert bigwig.chroms() == {c: len(s) for c, s in genome.sequences.items()}
            for chrom, values in track.items():
                read = bigwig.values(chrom, 0, len(values), numpy=True)
                np.testing.assert_array_equal(read, values)
    for name in (name for name, file in FILES.items() if file.startswith("truth/")):
        read = pd.read_csv(paths[name], sep="\t")
        pd.testing.assert_frame_equal(read, getattr(genome, name), check_dtype=False)


def test_usage_is_written_in_the_published_form(genome, paths):
    bed = read_site_bed(paths["usage"], "usage")
    sites = genome.splice_sites
    expected = sites[(sites["usage"] < 0.2) | (sites["usage"] > 0.8)].reset_index(drop=True)
    columns = ["chrom", "start", "end", "strand", "site"]
    pd.testing.assert_frame_equal(bed[columns], expected[columns], check_dtype=False)
    assert (bed["positive"] == (expected["usage"] > 0.8)).all()
    assert (bed["gene"] == expected["gene_id"]).all()


def test_decoys_are_written_as_dinucleotides(genome, paths):
    bed = read_bed(paths["false_sites"], min_columns=6)
    places = ["chrom", "start", "end", "strand"]
    pd.testing.assert_frame_equal(bed[places], genome.decoys[places], check_dtype=False)
    assert (bed["name"] == genome.decoys["site"]).all()


def test_a_chromosome_too_small_for_a_gene_stays_empty(tmp_path):
    spec = GenomeSpec(chromosomes={"chr1": 60_000, "chr2": 400})
    genome = make_genome(spec, 1)
    assert len(genome.sequences["chr2"]) == 400
    assert "chr2" not in set(genome.genes["chrom"])
    write_genome(genome, tmp_path)


def test_a_genome_without_room_for_a_gene_is_refused():
    with pytest.raises(ConfigError, match="no gene fits"):
        make_genome(GenomeSpec(chromosomes={"chr1": 500}), 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chromosomes": {}}, "chromosomes is empty"),
        ({"chromosomes": {"chr1": 0}}, "chr1 = 0"),
        ({"repeat_fraction": 1.2}, r"repeat_fraction = 1\.2"),
        ({"intron_range": (20, 100)}, r"intron_range = \(20, 100\)"),
        ({"divergence": (0.3, 0.1)}, "divergence"),
        ({"repeat_families": 0}, "repeat_families = 0"),
        ({"species": "mouse"}, "species = mouse: expected one of demo, distant"),
    ],
)
def test_an_impossible_spec_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        GenomeSpec(**change)


class Named(dict):
    """Named files as Snakemake gives them: by key and by attribute."""

    __getattr__ = dict.__getitem__


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts/demo/make_genome.py"
    spec = importlib.util.spec_from_file_location("make_demo_genome", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_script_writes_its_outputs_and_counts(script, genome, paths, tmp_path):
    snakemake = SimpleNamespace(
        params=SimpleNamespace(
            seed=7, species="demo", coupling=1, chromosomes=dict(SPEC.chromosomes)
        ),
        output=Named({name: str(tmp_path / file) for name, file in FILES.items()}),
        log=[str(tmp_path / "log.txt")],
    )
    script.main(snakemake)
    for name, path in paths.items():
        assert Path(snakemake.output[name]).read_bytes() == path.read_bytes()
    counts = dict(line.split("\t") for line in (tmp_path / "log.txt").read_text().splitlines())
    assert int(counts["genes"]) == len(genome.genes)
    assert {"introns", "repeat", "phastcons_high"} <= counts.keys()


def test_script_refuses_an_output_elsewhere(script, tmp_path):
    with pytest.raises(ValueError, match="output fasta is"):
        script.check_outputs(tmp_path, {"fasta": tmp_path / "other.fa"})
