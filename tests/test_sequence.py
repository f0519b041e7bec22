"""Tokens, one-hot rows, base codes, k-mers and reverse complements."""

import numpy as np
import pytest
from transformers import BertTokenizer

from splicebert import sequence
from splicebert.errors import SpliceBERTError

MODELS = ("SpliceBERT.1024nt", "SpliceBERT.510nt", "SpliceBERT-human.510nt")


def random_sequence(rng, length, letters="ACGTUNacgtun"):
    return "".join(rng.choice(list(letters), length))


@pytest.mark.parametrize("model", MODELS)
def test_tokens_equal_those_of_the_published_tokenizer(shared, model):
    tokenizer = BertTokenizer.from_pretrained(shared / "zenodo_models" / model)
    assert tokenizer.encode("A C G T N") == [2, 6, 7, 8, 9, 5, 3]
    rng = np.random.default_rng(1)
    for length in (1, 2, 3, 50, 300):
        text = random_sequence(rng, length)
        expected = tokenizer.encode(" ".join(text.upper().replace("U", "T")))
        ids, lengths = sequence.token_batch([text])
        assert ids[0].tolist() == expected
        assert lengths.tolist() == [length]
        assert sequence.tokens(text).tolist() == expected[1:-1]


def test_tokens_by_hand():
    assert sequence.tokens("ACGTUNacgtun").tolist() == [6, 7, 8, 9, 9, 5] * 2
    assert sequence.VOCABULARY[sequence.G] == "G"
    assert (sequence.PAD, sequence.CLS, sequence.SEP, sequence.MASK) == (0, 2, 3, 4)


@pytest.mark.parametrize("letter", "NRYSWKMBDHVnryswkmbdhvXx-.*? 0é")
def test_any_other_letter_is_read_as_n(letter):
    text = f"A{letter}C"
    assert sequence.tokens(text).tolist() == [6, 5, 7]
    assert sequence.base_codes(text).tolist() == [0, 4, 1]
    assert sequence.one_hot(text)[1].tolist() == [0, 0, 0, 0]


def test_bytes_and_str_are_read_alike():
    for function in (sequence.tokens, sequence.base_codes, sequence.one_hot):
        np.testing.assert_array_equal(function("ACgtnU"), function(b"ACgtnU"))


def test_token_batch_pads_behind_the_shorter_sequences():
    ids, lengths = sequence.token_batch(["AC", "", "ACGT"])
    assert ids.tolist() == [[2, 6, 7, 3, 0, 0], [2, 3, 0, 0, 0, 0], [2, 6, 7, 8, 9, 3]]
    assert lengths.tolist() == [2, 0, 4]
    assert ids.dtype == np.int64


def test_reverse_complement_by_hand():
    assert sequence.reverse_complement("AACGTn") == "nACGTT"
    assert sequence.reverse_complement("acGTu") == "aACgt"
    assert sequence.reverse_complement("RYSWKMBDHVN") == "NBDHVKMWSRY"


def test_reverse_complement_twice_is_the_sequence_and_keeps_case():
    rng = np.random.default_rng(2)
    for length in (1, 7, 400):
        text = random_sequence(rng, length, "ACGTNRYSWKMBDHVacgtnryswkmbdhv")
        reverse = sequence.reverse_complement(text)
        assert sequence.reverse_complement(reverse) == text
        np.testing.assert_array_equal(
            sequence.is_soft_masked(reverse), sequence.is_soft_masked(text)[::-1]
        )


def test_one_hot_of_the_reverse_complement_is_reversed_on_both_axes():
    text = random_sequence(np.random.default_rng(3), 200)
    np.testing.assert_array_equal(
        sequence.one_hot(sequence.reverse_complement(text)), sequence.one_hot(text)[::-1, ::-1]
    )


def test_one_hot_by_hand():
    rows = sequence.one_hot("AcGUn")
    assert rows.dtype == np.float32
    assert rows.tolist() == [*np.eye(4).tolist(), [0, 0, 0, 0]]


def test_soft_masked_bases_are_the_lower_case_ones():
    assert sequence.is_soft_masked("AcgTNn").tolist() == [False, True, True, False, False, True]


def test_kmers_by_hand():
    assert sequence.kmers("ACGT", 1).tolist() == [0, 1, 2, 3]
    assert sequence.kmers("ACGT", 2).tolist() == [0 * 4 + 1, 1 * 4 + 2, 2 * 4 + 3]
    assert sequence.kmers("aacu", 3).tolist() == [1, 7]
    assert sequence.kmers("TTTTTT", 6).tolist() == [4**6 - 1]


def test_kmers_that_hold_an_n_are_minus_one():
    assert sequence.kmers("ACNGTA", 2).tolist() == [1, -1, -1, 11, 12]
    assert sequence.kmers("ACGTN", 3).tolist() == [6, 27, -1]


def test_kmers_longer_than_the_sequence_are_none():
    assert sequence.kmers("ACG", 3).tolist() == [6]
    assert sequence.kmers("ACG", 4).shape == (0,)
    assert sequence.kmers("ACG", 4).dtype == np.int64


@pytest.mark.parametrize("k", [0, -1])
def test_kmers_need_k_of_one_or_more(k):
    with pytest.raises(SpliceBERTError, match=f"k is {k}"):
        sequence.kmers("ACGT", k)


def test_empty_strings_give_empty_results():
    assert sequence.tokens("").shape == (0,)
    assert sequence.base_codes("").shape == (0,)
    assert sequence.is_soft_masked("").shape == (0,)
    assert sequence.one_hot("").shape == (0, 4)
    assert sequence.kmers("", 1).shape == (0,)
    assert sequence.reverse_complement("") == ""
    assert sequence.token_batch([])[0].shape == (0, 2)


# --- many sequences behind one another


def one_after_another(texts):
    rows = [[sequence.CLS, *sequence.tokens(text).tolist(), sequence.SEP] for text in texts]
    return [token for row in rows for token in row]


def test_packed_tokens_by_hand():
    ids, lengths = sequence.packed_tokens(["AC", "GTN", "u"])
    assert ids.tolist() == [2, 6, 7, 3, 2, 8, 9, 5, 3, 2, 9, 3]
    assert lengths.tolist() == [2, 3, 1]
    assert (ids.dtype, lengths.dtype) == (np.int64, np.int64)


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["", "A", ""],
        ["acgtunRYSWKMBDHVx-.*? 0", "ACGTU"],
        ["A\xe9C", "A\u20acC", "\U0001f9ec"],  # outside ASCII, outside Latin-1, outside 16 bits
        ["A\xffC", "GT"],
        ["A\xfeC", "GT"],  # the letters that stand for [CLS] and [SEP] inside
        ["A\xffC", "\xfe\xff", "GT\xff\xfe"],
        ["\xff\xfe"],
    ],
)
def test_packed_tokens_are_those_of_each_sequence(texts):
    ids, lengths = sequence.packed_tokens(texts)
    assert ids.tolist() == one_after_another(texts)
    assert lengths.tolist() == [len(text) for text in texts]
    assert (ids.dtype, lengths.dtype) == (np.int64, np.int64)


def test_packed_tokens_of_random_sequences():
    rng = np.random.default_rng(4)
    texts = [random_sequence(rng, length) for length in rng.integers(0, 200, 50)]
    assert sequence.packed_tokens(texts)[0].tolist() == one_after_another(texts)
    assert sequence.packed_tokens(tuple(texts))[0].tolist() == one_after_another(texts)
