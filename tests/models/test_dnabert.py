"""DNABERT: k-mer tokens in, nucleotides out; held to transformers on the same tokens."""

import json
import shutil
from itertools import product

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

import splicebert
from splicebert.cli import main
from splicebert.cli.classifier import Classifier
from splicebert.cli.model import find_model
from splicebert.errors import ModelError
from splicebert.inference import Item, Runtime
from splicebert.models import DNABERT, SpliceBERT, load_model
from splicebert.models.checkpoint import write_model
from splicebert.models.modules import BertForSequenceClassification, BertForTokenClassification
from splicebert.models.tokens import Kmers, read_tokeniser
from splicebert.scores import base_probabilities, kl_all_tokens, kl_per_base
from splicebert.sequence import VOCABULARY
from splicebert.variant_plan import Answer
from splicebert.variant_scores import largest_change
from splicebert.vocabulary import kmer_length

SPECIAL = VOCABULARY[:5]
CPU = torch.device("cpu")
ROOM = 40
# What configurations of DNABERT's time hold besides a BERT's sizes.
OLD = {
    "do_sample": False, "eos_token_ids": 0, "finetuning_task": None, "length_penalty": 1.0,
    "max_length": 20, "num_beams": 1, "num_labels": 2, "num_rnn_layer": 1, "output_past": True,
    "pruned_heads": {}, "rnn": "lstm", "rnn_dropout": 0.0, "rnn_hidden": 768, "split": 10,
    "temperature": 1.0, "top_k": 50, "top_p": 1.0, "torchscript": False, "use_bfloat16": False,
}  # fmt: skip


def words(k):
    """A vocabulary in the order of DNABERT's: A, T, C, G."""
    return (*SPECIAL, *map("".join, product("ATCG", repeat=k)))


@pytest.fixture(scope="module", params=[3, 6])
def folder(request, tmp_path_factory):
    """A small model in the published form: old configuration, old file format, a pooler."""
    path, k = tmp_path_factory.mktemp("dnabert") / f"{request.param}-new-12w-0", request.param
    path.mkdir()
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=ROOM + 2, vocab_size=len(words(k)), initializer_range=0.3,
    )  # fmt: skip
    torch.manual_seed(k)
    state = BertForMaskedLM(config).state_dict()
    state["bert.pooler.dense.weight"], state["bert.pooler.dense.bias"] = (
        torch.randn(32, 32), torch.randn(32),
    )  # fmt: skip
    torch.save(state, path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    (path / "config.json").write_text(json.dumps(config.to_dict() | OLD))
    (path / "vocab.txt").write_text("\n".join(words(k)) + "\n")
    return path


@pytest.fixture(scope="module")
def model(folder):
    return DNABERT(folder)


@pytest.fixture(scope="module")
def theirs(folder):
    """transformers' model of the same folder."""
    module = BertForMaskedLM(BertConfig(**json.loads((folder / "config.json").read_text())))
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    found = module.load_state_dict(state, strict=False)
    assert all("pooler" in key for key in found.unexpected_keys)
    assert not found.missing_keys
    return module.eval()


def random_sequence(length, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def tokens_by_hand(sequence, k, mask=()):
    """Tokens of a sequence, by text alone."""
    padded = "N" * (k // 2) + sequence.upper().replace("U", "T") + "N" * k
    ids = []
    for i in range(len(sequence)):
        seen = range(i - k // 2, i - k // 2 + k)
        word = padded[i : i + k]
        hidden = any(base in seen for base in mask)
        ids.append(4 if hidden else words(k).index(word) if word in words(k) else 1)
    return [2, *ids, 3]


def run_theirs(theirs, ids, **options):
    with torch.inference_mode():
        return theirs(input_ids=torch.tensor([ids]), **options)


def bases_by_hand(logits, k):
    """Probabilities of A, C, G, T from logits of k-mers: the sum over those with it in place."""
    probs = logits.double().softmax(-1)
    own = np.array([word[k // 2] if i >= 5 else "-" for i, word in enumerate(words(k))])
    return np.stack([probs[..., own == base].sum(-1).numpy() for base in "ACGT"], axis=-1)


TEXTS = ["ACGTTGCANNACGTACGGTA", "acguugcattacgtacggta", "TTTTTTTTTTRACCCCCCCCC"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("mask", [(), (7,), (0, 12, 19)])
def test_probabilities_and_states_are_those_of_transformers_on_the_tokens(
    model, theirs, text, mask
):
    hidden = np.isin(np.arange(len(text)), mask)
    expected = run_theirs(theirs, tokens_by_hand(text, model.k, mask), output_hidden_states=True)

    logits = model.logits([text], hidden[None])[0].numpy()

    wanted = bases_by_hand(expected.logits[0, 1:-1], model.k)
    np.testing.assert_allclose(base_probabilities(logits), wanted, atol=1e-6)
    assert logits.shape == (len(text), 10)
    # The special tokens keep their own share, so that the ten columns are all there is.
    special = expected.logits[0, 1:-1].double().softmax(-1)[:, :5].sum(-1)
    np.testing.assert_allclose(wanted.sum(-1) + special.numpy(), 1, atol=1e-6)
    np.testing.assert_allclose(
        base_probabilities(logits, bases_only=True), wanted / wanted.sum(-1, keepdims=True),
        atol=1e-6,
    )  # fmt: skip
    if not mask:
        states = model.hidden_states([text], range(3))[0]
        for layer, rows in enumerate(expected.hidden_states):
            torch.testing.assert_close(states[layer], rows[0, 1:-1], atol=1e-5, rtol=0)


def test_a_hidden_base_is_seen_by_no_token(model):
    """Whatever stands there gives the same; k tokens change, and only those."""
    text, at = random_sequence(30), 14
    mask = np.arange(30) == at
    others = [text[:at] + base + text[at + 1 :] for base in "ACGTN"]
    logits = model.logits(others, np.stack([mask] * 5))
    for row in logits[1:]:
        torch.testing.assert_close(row, logits[0], atol=1e-6, rtol=0)
    packed = model.tokeniser.pack([text], mask, device=CPU).ids
    assert int((packed == 4).sum()) == model.k
    assert packed.tolist() == tokens_by_hand(text, model.k, [at])
    open_ids = model.tokeniser.pack([text], device=CPU).ids
    assert int((packed != open_ids).sum()) == model.k
    visible = model.logits([text[:at] + "N" + text[at + 1 :], text])
    assert not torch.allclose(visible[0], visible[1], atol=1e-3)


def test_tokens_of_many_sequences(model):
    """Each one's own ends are unknown, not its neighbours' bases."""
    texts = [random_sequence(length, length) for length in (9, 6, 31, 6)]
    packed = model.tokeniser.pack(texts, device=CPU)
    assert packed.ids.tolist() == [t for text in texts for t in tokens_by_hand(text, model.k)]
    assert packed.lengths.tolist() == [11, 8, 33, 8]
    assert model.tokeniser.pack([], device=CPU).ids.shape == (0,)


def test_one_by_one_equals_together_and_chosen_rows(model, monkeypatch):
    monkeypatch.setattr("splicebert.models.dnabert.MOST_LOGITS", 20 * 5000)  # several parts
    texts = [random_sequence(length, length) for length in (ROOM, 11, 25)]
    masks = [np.random.default_rng(0).random(len(t)) < 0.2 for t in texts]
    together = model.logits_packed(texts, masks).split([len(t) for t in texts])
    offsets = [np.array([1, 3]), None, np.array([24])]
    chosen = model.logits_packed(texts, masks, offsets).split([2, 11, 1])
    for text, mask, rows, where, some in zip(texts, masks, together, offsets, chosen, strict=True):
        torch.testing.assert_close(rows, model.logits_packed([text], [mask]), atol=1e-4, rtol=0)
        torch.testing.assert_close(some, rows if where is None else rows[where], atol=1e-4, rtol=0)


def test_attention_rows_are_those_of_transformers(model, folder):
    text, offsets = random_sequence(20), np.array([[0, 9, 19]])
    config = BertConfig(**json.loads((folder / "config.json").read_text()))
    config._attn_implementation = "eager"
    module = BertForMaskedLM(config).eval()
    module.load_state_dict(
        torch.load(folder / "pytorch_model.bin", weights_only=True), strict=False
    )
    maps = run_theirs(module, tokens_by_hand(text, model.k), output_attentions=True).attentions
    rows = model.attention_rows([text], offsets)[0]
    for layer in range(2):
        expected = maps[layer][0][:, offsets[0] + 1, 1:-1]
        torch.testing.assert_close(rows[layer], expected, atol=1e-5, rtol=0)


def test_scores_of_ten_columns_are_finite_and_sum_over_the_bases(model):
    """What the variant branch computes of them: the letter N has no share, and does no harm."""
    text = random_sequence(30)
    ref, alt = model.logits([text, text[:15] + "ACGT"["CGTA".index(text[15])] + text[16:]]).numpy()
    assert np.isfinite(ref).all()
    assert (base_probabilities(ref).sum(-1) <= 1 + 1e-9).all()
    per_base, all_tokens = kl_per_base(alt, ref), kl_all_tokens(alt, ref)
    assert np.isfinite(all_tokens).all()
    assert per_base[15] > 1e-4
    assert np.isfinite(per_base).all()
    answer = Answer(ref, np.stack([alt, ref]), None)  # as of a mutated site
    for published in (False, True):
        largest = largest_change(answer, published=published)
        np.testing.assert_allclose(largest, np.maximum(all_tokens, 0), atol=2e-4)


def test_half_precision_is_close(folder, model):
    text = [random_sequence(30)]
    other = DNABERT(folder, dtype="bfloat16")
    assert 0 < float((other.logits(text) - model.logits(text))[..., 6:].abs().max()) < 0.5


# --- what is refused


def test_sequences_shorter_than_a_kmer(model):
    k = model.k
    with pytest.raises(ModelError, match=rf"sequence 1 .* has {k - 1} nt; .*{k}-mers needs {k}"):
        model.logits(["ACGTACGT", "A" * (k - 1)])
    assert model.min_length == k
    assert model.logits(["A" * k]).shape == (1, k, 10)
    with pytest.raises(ModelError, match=f"has {ROOM + 1} nt; expected 1 to {ROOM}"):
        model.hidden_states(["A" * (ROOM + 1)], [0])


@pytest.mark.parametrize(
    "other",
    [
        VOCABULARY, words(3)[:-1], words(3)[1:], (*words(3)[:-1], "AAA"), (*words(3)[:-1], "AAN"),
        (*SPECIAL, *"ACGT"), SPECIAL,
    ],
)  # fmt: skip
def test_another_vocabulary(folder, tmp_path, other):
    shutil.copytree(folder, tmp_path / "x")
    (tmp_path / "x/vocab.txt").write_text("\n".join(other))
    assert kmer_length(other) is None
    with pytest.raises(ModelError, match=r"vocab.txt: the vocabulary is .*all k-mers"):
        DNABERT(tmp_path / "x")


def test_a_vocabulary_of_another_k_than_the_weights(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "x")
    (tmp_path / "x/vocab.txt").write_text("\n".join(words(4)))
    with pytest.raises(ModelError, match=r"261 tokens \(all 4-mers.*vocab_size"):
        DNABERT(tmp_path / "x")


def test_the_other_family_refuses_it(folder):
    with pytest.raises(ModelError, match=r"the vocabulary is .*adapter of its own"):
        SpliceBERT(folder)


# --- fine-tuning and the command line


@pytest.mark.parametrize("head", ["token", "sequence"])
def test_heads_for_fine_tuning(model, theirs, head):
    text = random_sequence(20)
    module = model.module(head, 2, seed=1)
    packed = model.tokeniser.pack([text], device=CPU)
    with torch.inference_mode():
        logits = module.eval()(input_ids=packed.ids[None]).logits
    assert logits.shape == ((1, 22, 2) if head == "token" else (1, 2))
    for name, value in theirs.bert.state_dict().items():
        assert torch.equal(module.bert.state_dict()[name], value), name


@pytest.mark.parametrize("make", [BertForTokenClassification, BertForSequenceClassification])
def test_a_fine_tuned_folder_keeps_its_kmers(folder, tmp_path, make):
    """What training writes, `splicebert predict` reads: the same logits, one a nucleotide."""
    token = make is BertForTokenClassification
    module = splicebert.load(folder, "token" if token else "sequence", num_labels=2).eval()
    tokeniser = read_tokeniser(folder)
    write_model(module, tmp_path / "model", tokeniser.words)

    choice = find_model(str(tmp_path / "model"), "none")
    assert choice.entry["adapter"] == "dnabert"
    assert choice.lengths == (tokeniser.k, ROOM)
    runtime = Runtime.choose("cpu", "float32", None, purpose="probability")
    text = random_sequence(20)
    (found,) = Classifier(choice, runtime).run([Item(text)])

    ids = torch.tensor([tokens_by_hand(text, tokeniser.k)])
    with torch.inference_mode():
        expected = module(input_ids=ids).logits[0]
    expected = expected[1:-1] if token else expected
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert read_tokeniser(tmp_path / "model").words == words(tokeniser.k)


def test_the_command_line_takes_the_folder(folder, model, tmp_path, capsys):
    """`fill` hides a base from all k tokens, and finds the family by itself."""
    text = random_sequence(30)
    (tmp_path / "a.fa").write_text(f">a\n{text}\n")
    main(["fill", "-m", str(folder), "--offsets", "12", "--device", "cpu", f"{tmp_path}/a.fa"])
    row = capsys.readouterr().out.splitlines()[1].split("\t")
    mask = np.arange(30) == 12
    expected = base_probabilities(model.logits([text], mask[None])[0, 12].numpy())
    np.testing.assert_allclose(np.array(row[3:7], float), expected, atol=1e-5)


def test_the_pooler_of_the_checkpoint_is_where_sequence_heads_start(folder):
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    module = splicebert.load(folder, "sequence", num_labels=1)
    assert torch.equal(module.bert.pooler.dense.weight, state["bert.pooler.dense.weight"])


def test_the_table_loads_it(folder, model):
    entry = {"adapter": "dnabert", "folder": str(folder), "max_length": 30}
    found = load_model("x", {"x": entry})
    assert (found.k, found.min_length, found.max_length) == (model.k, model.k, 30)
    assert "model x (2 layers, hidden 32)" in found.describe()


def test_own_base_of_a_token_follows_the_vocabularys_order():
    tokeniser = Kmers(words(3))
    for letter, tokens in zip("ACGT", tokeniser.tokens_of_bases(), strict=True):
        assert {words(3)[token][1] for token in tokens} == {letter}
        assert len(tokens) == 16
