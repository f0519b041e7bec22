import json

import numpy as np
import pytest

from splicebert.errors import GenomeError, SpliceBERTError
from splicebert.pretraining import corpus as module
from splicebert.pretraining.corpus import (
    Corpus,
    choose_transcripts,
    corpus_index,
    on_genome,
    pool,
    write_corpus,
)
from splicebert.pretraining.tables import TRAINING, VALIDATION
from splicebert.sequence import base_codes


def test_codes_are_the_genome_on_both_strands(corpus, genome, index):
    for tx in index.itertuples():
        wanted = base_codes(genome.fetch(tx.chrom, tx.start, tx.end, tx.strand))
        np.testing.assert_array_equal(corpus.codes(0, tx.offset, tx.length), wanted)
    assert isinstance(corpus.parts["toy"].codes, np.memmap)
    assert set(index["strand"]) == {"+", "-"}


def test_codes_do_not_depend_on_the_pieces_they_are_read_in(index, genome, tmp_path, monkeypatch):
    whole = write_corpus(index, genome, tmp_path / "whole")
    monkeypatch.setattr(module, "PIECE", 37)
    assert write_corpus(index, genome, tmp_path / "pieces") == whole
    files = [(tmp_path / name / "codes.npy").read_bytes() for name in ("whole", "pieces")]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [("canonical", "t1 t3 t4 t5 t6 t7"), ("longest", "t2 t3 t4 t5 t6 t7"),
     ("all", "t1 t2 t3 t4 t5 t6 t7")],
)  # fmt: skip
def test_transcripts_are_chosen(table, choice, kept):
    assert choose_transcripts(table, choice)["tx_id"].tolist() == kept.split()


def test_no_chromosome_is_on_both_sides(corpus, index):
    assert set(index.loc[index["split"] == TRAINING, "chrom"]) == {"chr1", "chr2"}
    assert set(index.loc[index["split"] == VALIDATION, "chrom"]) == {"chr3"}
    for split in (TRAINING, VALIDATION):
        found = pool(corpus, split, 1, 100)
        own = index[index["split"] == split]
        assert found.offset.tolist() == own["offset"].tolist()
        assert found.cumulative[-1] == own["length"].sum()


def test_short_transcripts_are_left_out_and_too_short_ones_refused(corpus):
    assert len(pool(corpus, VALIDATION, 41, 100).part) == 2
    with pytest.raises(SpliceBERTError, match=r"no training transcript .* 1201 nt .*has 1200"):
        pool(corpus, TRAINING, 10, 1201)


def test_what_it_holds_is_told(folder, index):
    about = json.loads((folder / "about.json").read_text())
    assert about[VALIDATION] == {"transcripts": 3, "nt": 1530, "chromosomes": ["chr3"]}
    assert about[TRAINING]["nt"] + 1530 == index["length"].sum()


@pytest.mark.parametrize(
    ("validation", "words"),
    [(["chr1", "chr2", "chr3"], "nothing to train on"), (["chrX"], "no contig 'chrX'")],
)
def test_a_split_that_leaves_nothing_is_refused(genome, table, validation, words):
    with pytest.raises(SpliceBERTError, match=words):
        corpus_index(table, genome, validation)


def test_a_chromosome_without_transcripts_is_refused(genome, table):
    table = table[table["chrom"] != "chr2"]
    with pytest.raises(SpliceBERTError, match=r"no transcript on chr2; there are .* chr1, chr3"):
        corpus_index(table, genome, ["2"])


def test_unknown_contigs_are_an_error_or_left_out(genome, make_transcripts, caplog):
    table = make_transcripts(
        [("a", "a", "chr1", 0, 9, "+", True), ("b", "b", "alt", 0, 9, "+", True)]
    )
    with pytest.raises(GenomeError, match="no contig 'alt'"):
        on_genome(table, genome, "error")
    assert on_genome(table, genome, "skip")["tx_id"].tolist() == ["a"]
    assert "1 transcripts on 1 unknown contigs" in caplog.text


def test_files_that_do_not_belong_together_are_refused(folder, tmp_path):
    for name in ("transcripts.parquet", "about.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    np.save(tmp_path / "codes.npy", np.zeros(9, np.uint8))
    with pytest.raises(SpliceBERTError, match=r"codes.npy holds 9 nt"):
        Corpus({"toy": tmp_path})
