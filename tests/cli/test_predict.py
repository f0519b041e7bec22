"""`splicebert predict`."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from splicebert.cli.predict import activation, probabilities
from splicebert.sequence import token_batch


def logits_of(kind, folder, sequence):
    ids, _ = token_batch([sequence])
    with torch.inference_mode():
        return kind.from_pretrained(folder).eval()(torch.from_numpy(ids)).logits[0].numpy()


def values(rows, name, count):
    return np.array([[float(row[f"{name}_{i}"]) for i in range(count)] for row in rows])


def edit_config(folder, target, **changes):
    shutil.copytree(folder, target)
    path = target / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return target


def test_classes_of_each_nucleotide(cli, token_folder, fasta, sequences):
    found = cli("predict", "-m", token_folder, fasta)
    assert found.code == 0
    assert list(found.rows[0]) == ["id", "offset", "p_0", "p_1", "p_2"]
    for name, sequence in sequences.items():
        rows = [row for row in found.rows if row["id"] == name]
        assert [int(row["offset"]) for row in rows] == list(range(len(sequence)))
        logits = logits_of(AutoModelForTokenClassification, token_folder, sequence)[1:-1]
        expected = torch.from_numpy(logits).softmax(-1).numpy()
        np.testing.assert_allclose(values(rows, "p", 3), expected, atol=2e-5)


def test_class_of_a_sequence(cli, sequence_folder, fasta, sequences):
    raw = cli("predict", "-m", sequence_folder, fasta, "--raw").rows
    found = cli("predict", "-m", sequence_folder, fasta).rows
    assert [row["id"] for row in found] == list(sequences)
    assert list(found[0]) == ["id", "p_0"]
    expected = [
        logits_of(AutoModelForSequenceClassification, sequence_folder, s)
        for s in sequences.values()
    ]
    np.testing.assert_allclose(values(raw, "logit", 1), expected, atol=2e-5)
    np.testing.assert_allclose(values(found, "p", 1), 1 / (1 + np.exp(-np.array(expected))),
                               atol=2e-5)  # fmt: skip


@pytest.mark.parametrize("batch_nt", ["1", "100000"])
def test_batches_do_not_change_the_numbers(cli, token_folder, fasta, batch_nt):
    one = cli("predict", "-m", token_folder, fasta).rows
    other = cli("predict", "-m", token_folder, fasta, "--batch-nt", batch_nt).rows
    np.testing.assert_allclose(values(one, "p", 3), values(other, "p", 3), atol=2e-5)


@pytest.mark.parametrize("kind", ["token", "sequence"])
def test_reduced_precision_is_compared_with_float32(
    cli, token_folder, sequence_folder, fasta, kind
):
    folder = {"token": token_folder, "sequence": sequence_folder}[kind]
    exact = cli("predict", "-m", folder, fasta, "--raw").rows
    found = cli("predict", "-m", folder, fasta, "--raw", "--dtype", "float16")
    assert "dtype float16 against float32 on" in found.err
    a, b = values(exact, "logit", 1), values(found.rows, "logit", 1)
    assert 0 < np.abs(a - b).max() < 0.05


def test_regression_is_written_as_it_comes(cli, sequence_folder, fasta, tmp_path):
    folder = edit_config(sequence_folder, tmp_path / "model", problem_type="regression")
    raw = cli("predict", "-m", sequence_folder, fasta, "--raw").rows
    found = cli("predict", "-m", folder, fasta).rows
    np.testing.assert_array_equal(values(found, "value", 1), values(raw, "logit", 1))


@pytest.mark.parametrize(
    ("problem", "labels", "raw", "expected"),
    [
        (None, 1, False, ("p", "sigmoid")),
        (None, 2, False, ("p", "softmax")),
        ("multi_label_classification", 2, False, ("p", "sigmoid")),
        ("regression", 2, False, ("value", "none")),
        (None, 2, True, ("logit", "none")),
    ],
)
def test_what_turns_logits_into_probabilities(problem, labels, raw, expected):
    assert activation(problem, labels, raw) == expected


def test_probabilities_by_hand():
    np.testing.assert_allclose(probabilities([0.0, -1000.0, 1000.0], "sigmoid"), [0.5, 0, 1])
    np.testing.assert_allclose(probabilities([0.0, np.log(3)], "softmax"), [0.25, 0.75])


def test_a_model_without_a_classification_head_is_refused(cli, folder, fasta):
    found = cli("predict", "-m", folder, fasta)
    assert (found.code, found.out) == (2, "")
    assert "BertForMaskedLM" in found.err
    assert "fine-tuned" in found.err


def test_weights_without_the_head_are_refused(cli, token_folder, fasta, tmp_path):
    folder = shutil.copytree(token_folder, tmp_path / "model")
    state = load_file(folder / "model.safetensors")
    del state["classifier.weight"]
    save_file(state, folder / "model.safetensors")
    found = cli("predict", "-m", folder, fasta)
    assert found.code == 2
    assert "classifier.weight" in found.err


def test_another_vocabulary_is_refused(cli, token_folder, fasta, tmp_path):
    folder = edit_config(token_folder, tmp_path / "model", vocab_size=11)
    found = cli("predict", "-m", folder, fasta)
    assert found.code == 2
    assert "vocabulary of 11" in found.err
