"""`splicebert fill`."""

import gzip

import numpy as np
import pandas as pd
import pytest

from splicebert.models import SpliceBERT
from splicebert.scores import base_probabilities

BASES = ["p_A", "p_C", "p_G", "p_T"]


def as_fasta(**sequences):
    return "".join(f">{name}\n{sequence}\n" for name, sequence in sequences.items()).encode()


def expected(folder, sequence, hidden, wanted, **options):
    """Probabilities at `wanted` with `hidden` masked, from the model itself."""
    mask = np.zeros((1, len(sequence)), bool)
    mask[0, hidden] = True
    logits = SpliceBERT(folder).logits([sequence], mask)[0, wanted].numpy()
    return base_probabilities(logits, **options)


def probabilities(rows):
    return np.array([[float(row[name]) for name in BASES] for row in rows])


def test_every_n_is_hidden_and_predicted_at_once(cli, folder, sequences):
    sequence = sequences["s0"][:40] + "nN" + sequences["s0"][42:80] + "?" + sequences["s0"][81:]
    found = cli("fill", "-m", folder, "-", stdin=as_fasta(a=sequence, b=sequences["s1"]))
    assert found.code == 0
    assert list(found.rows[0]) == ["id", "offset", "base", *BASES, "predicted"]
    assert [(r["id"], r["offset"], r["base"]) for r in found.rows] == [
        ("a", "40", "N"), ("a", "41", "N"), ("a", "80", "?")
    ]  # fmt: skip
    offsets = [40, 41, 80]
    probs = expected(folder, sequence.replace("?", "N"), offsets, offsets)
    np.testing.assert_allclose(probabilities(found.rows), probs, rtol=1e-4)
    assert [row["predicted"] for row in found.rows] == ["ACGT"[i] for i in probs.argmax(axis=1)]
    assert (probs.sum(axis=1) < 1).all()
    assert "other than" not in found.err  # a ? has a meaning here


def test_bases_only_sum_to_one(cli, folder, sequences):
    found = cli(
        *("fill", "-m", folder, "-", "--offsets", "0,3-5,99", "--bases-only"),
        stdin=as_fasta(a=sequences["s0"]),
    )
    offsets = [0, 3, 4, 5, 99]
    assert [int(row["offset"]) for row in found.rows] == offsets
    assert [row["base"] for row in found.rows] == [sequences["s0"][i] for i in offsets]
    probs = expected(folder, sequences["s0"], offsets, offsets, bases_only=True)
    np.testing.assert_allclose(probabilities(found.rows), probs, rtol=1e-4)
    np.testing.assert_allclose(probabilities(found.rows).sum(axis=1), 1, atol=1e-5)


def test_each_base_is_hidden_in_turn(cli, folder, sequences):
    sequence = sequences["s1"]
    found = cli("fill", "-m", folder, "-", "--each", stdin=as_fasta(a=sequence))
    assert [int(row["offset"]) for row in found.rows] == list(range(64))
    for offset in (0, 31, 63):
        probs = expected(folder, sequence, [offset], [offset])
        np.testing.assert_allclose(probabilities(found.rows[offset : offset + 1]), probs, rtol=1e-4)


def test_each_of_some_offsets_differs_from_all_at_once(cli, folder, sequences):
    stdin = as_fasta(a=sequences["s1"])
    command = ("fill", "-m", folder, "-", "--offsets", "10,11")
    together, apart = cli(*command, stdin=stdin), cli(*command, "--each", stdin=stdin)
    probs = np.vstack([expected(folder, sequences["s1"], [i], [i]) for i in (10, 11)])
    np.testing.assert_allclose(probabilities(apart.rows), probs, rtol=1e-4)
    assert not np.allclose(probabilities(together.rows), probs, rtol=1e-3)


def test_question_mark_stays_hidden_where_others_are_asked_for(cli, folder, sequences):
    sequence = sequences["s1"][:20] + "N?" + sequences["s1"][22:]
    found = cli("fill", "-m", folder, "-", "--offsets", "30", stdin=as_fasta(a=sequence))
    probs = expected(folder, sequence.replace("?", "N"), [21, 30], [30])
    np.testing.assert_allclose(probabilities(found.rows), probs, rtol=1e-4)


def test_nothing_to_hide_gives_a_table_without_rows(cli, folder, fasta):
    found = cli("fill", "-m", folder, fasta)
    assert (found.code, found.rows) == (0, [])
    assert found.out.startswith("id\toffset\tbase")
    assert "no base to hide" in found.err


def test_parquet_and_tsv_hold_the_same(cli, folder, fasta, tmp_path):
    paths = [tmp_path / name for name in ("a.parquet", "a.tsv", "a.tsv.gz")]
    for path in paths:
        assert cli("fill", "-m", folder, fasta, "--offsets", "5-9", "-o", path).code == 0
    parquet, tsv = pd.read_parquet(paths[0]), pd.read_csv(paths[1], sep="\t")
    pd.testing.assert_frame_equal(parquet, tsv, check_dtype=False, rtol=1e-5)
    assert gzip.decompress(paths[2].read_bytes()) == paths[1].read_bytes()
    assert len(tsv) == 25


@pytest.mark.parametrize("batch_nt", ["1", "1000"])
def test_batches_do_not_change_the_numbers(cli, folder, fasta, batch_nt):
    command = ("fill", "-m", folder, fasta, "--offsets", "5,50", "--each")
    one, other = cli(*command), cli(*command, "--batch-nt", batch_nt)
    np.testing.assert_allclose(probabilities(one.rows), probabilities(other.rows), rtol=1e-4)


def test_offset_outside_a_sequence(cli, folder, fasta):
    found = cli("fill", "-m", folder, fasta, "--offsets", "64")
    assert found.code == 2
    assert "offset 64 (0-based) of sequence 's1'; expected 0 to 63" in found.err
