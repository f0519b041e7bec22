import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

from splicebert.genome import Genome
from splicebert.masking import KEPT, MASKED, NOT_CHOSEN, REPLACED, bert_masking
from splicebert.models import SpliceBERT
from splicebert.models.checkpoint import write_model
from splicebert.pretraining import (
    IGNORED,
    fragments,
    learning_rate,
    masked_batch,
    start_with_offset_heads,
    train,
    transcript_codes,
    validate,
)
from splicebert.sequence import CLS, MASK, SEP

SETTINGS = {
    "seed": 5,
    "phases": [{"length": 30, "batch": 8, "steps": 30}, {"length": 60, "batch": 4, "steps": 10}],
    "muon_rate": 0.02,
    "adamw_rate": 3e-3,
    "every": 20,
}


def small_model(seed=0):
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=10, pad_token_id=0, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=128, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertForMaskedLM(config)


def repeated():
    """A sequence that its own neighbours tell: ACGT over and over."""
    return [np.tile(np.arange(4, dtype=np.uint8), 200)]


def test_transcripts_are_read_on_their_strand(tmp_path):
    (tmp_path / "g.fa").write_text(">chr1\nAACCGGTTAA\n")
    rows = [("chr1", 0, 6, "+"), ("chr1", 2, 8, "-")]
    table = pd.DataFrame(rows, columns=["chrom", "start", "end", "strand"])
    with Genome(tmp_path / "g.fa") as genome:
        found = transcript_codes(table, genome)
    assert [codes.tolist() for codes in found] == [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]]


def test_fragments_are_pieces_of_the_sequences_and_seeded():
    sequences = [np.arange(50, dtype=np.uint8), np.arange(100, 110, dtype=np.uint8)]
    batch = next(fragments(sequences, 20, 64, np.random.default_rng(1)))
    assert batch.shape == (64, 20)
    assert (np.diff(batch.astype(int), axis=1) == 1).all()
    assert set(batch[:, 0]) > {0, 30}  # either end is reached; the short sequence is left out
    assert batch.max() == 49
    again = next(fragments(sequences, 20, 64, np.random.default_rng(1)))
    np.testing.assert_array_equal(batch, again)


def test_a_batch_hides_replaces_and_asks_for_what_the_masking_says():
    codes = np.random.default_rng(0).integers(0, 5, (40, 200)).astype(np.uint8)
    ids, labels = (t.numpy() for t in masked_batch(codes, 3))
    treatment, seen = bert_masking(codes, 3)
    token = np.array([6, 7, 8, 9, 5])
    assert (ids[:, 0] == CLS).all()
    assert (ids[:, -1] == SEP).all()
    assert (labels[:, [0, -1]] == IGNORED).all()
    inner, wanted = ids[:, 1:-1], labels[:, 1:-1]
    assert (inner[treatment == MASKED] == MASK).all()
    for kind in (REPLACED, KEPT, NOT_CHOSEN):
        np.testing.assert_array_equal(inner[treatment == kind], token[seen[treatment == kind]])
    np.testing.assert_array_equal(wanted != IGNORED, treatment != NOT_CHOSEN)
    np.testing.assert_array_equal(wanted[wanted != IGNORED], token[codes[wanted != IGNORED]])


def test_the_rate_warms_up_and_falls_to_nothing():
    rates = [learning_rate(step, 200, 1.0) for step in range(200)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


def test_heads_start_by_looking_at_their_offsets():
    model = small_model()
    start_with_offset_heads(model)
    model.set_attn_implementation("eager")
    ids, _ = masked_batch(np.random.default_rng(0).integers(0, 4, (2, 100)).astype(np.uint8), 0)
    maps = model.bert(input_ids=ids, output_attentions=True).attentions
    for number, offset in enumerate((-1, 1, -2, 2)):
        layer, head = divmod(number, 2)
        mean = [maps[layer][:, head].diagonal(k, 1, 2).mean().item() for k in range(-5, 6)]
        assert int(np.argmax(mean)) - 5 == offset


def test_training_learns_what_neighbours_tell_and_is_seeded():
    curves, weights = [], []
    for _ in range(2):
        model = small_model()
        start_with_offset_heads(model)
        held_out = [next(fragments(repeated(), 60, 8, np.random.default_rng(9)))]
        before = validate(model, held_out)[0]
        curve = train(model, repeated(), held_out, SETTINGS)
        curves.append([{k: v for k, v in point.items() if k != "seconds"} for point in curve])
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert [point["step"] for point in curve] == [20, 40]
    assert before > 1.3  # chance is ln 4 = 1.39
    assert curve[-1]["cross_entropy"] < 1.0
    assert curves[0] == curves[1]
    assert torch.equal(*weights)


def test_the_written_folder_loads_everywhere(tmp_path):
    model = small_model()
    write_model(model, tmp_path / "m")
    adapter = SpliceBERT(tmp_path / "m")
    sequence = "".join(itertools.islice(itertools.cycle("ACGTN"), 70))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    assert tokenizer.encode("A C G T N") == [2, 6, 7, 8, 9, 5, 3]
    ids = torch.tensor([tokenizer.encode(" ".join(sequence))])
    with torch.no_grad():
        expected = model.eval()(input_ids=ids).logits[:, 1:-1]
    torch.testing.assert_close(adapter.logits([sequence]), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("entry", ["config.json", "vocab.txt", "tokenizer.json"])
def test_the_demo_model_has_the_form_of_the_published_folders(root, entry):
    assert (root / "config/demo_model" / entry).is_file()
