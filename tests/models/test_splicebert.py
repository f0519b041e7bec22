"""SpliceBERT folders: loading, the published numbers, masking, padding, attention, heads."""

import json
import os
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM

from splicebert.errors import ModelError
from splicebert.genome import Genome
from splicebert.models import SpliceBERT
from splicebert.models.checkpoint import sha256, weights_file
from splicebert.sequence import PAD, VOCABULARY, token_batch
from splicebert.sites import centred_window, site_offsets

BASES = list("ACGT")
CONFIG = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "max_position_embeddings": 66, "vocab_size": 10, "pad_token_id": 0, "type_vocab_size": 2,
}  # fmt: skip


def random_sequence(length, seed=0):
    return "".join(np.random.default_rng(seed).choice(BASES, length))


def write_vocabulary(folder):
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A folder in the form of Zenodo's: .bin of an old transformers, with position_ids."""
    folder = tmp_path_factory.mktemp("model")
    config = BertConfig(**CONFIG, initializer_range=0.2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = BertForMaskedLM(config)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    state["bert.embeddings.position_ids"] = torch.arange(66)[None]
    torch.save(state, folder / "pytorch_model.bin")
    values = CONFIG | {"model_type": "bert", "output_hidden_states": True}
    (folder / "config.json").write_text(json.dumps(values))
    write_vocabulary(folder)
    return folder


@pytest.fixture
def folder(pristine, tmp_path):
    """A copy of it, to be spoilt."""
    return shutil.copytree(pristine, tmp_path / "model")


@pytest.fixture(scope="module")
def model(pristine):
    return SpliceBERT(pristine, name="small")


def transformers_inputs(texts):
    """What transformers' models take, padded."""
    ids = torch.from_numpy(token_batch(texts)[0])
    return {"input_ids": ids, "attention_mask": (ids != PAD).long()}


def read_state(folder):
    return torch.load(folder / "pytorch_model.bin", weights_only=True)


def close(a, b, atol):
    torch.testing.assert_close(torch.as_tensor(a), torch.as_tensor(b), atol=atol, rtol=0)


# --- the published code's numbers


def sites(shared):
    columns = ["chrom", "start", "end", "name", "score", "strand"]
    return pd.read_csv(shared / "real" / "ss-motif.bed.gz", sep="\t", names=columns)


def site_windows(shared, tmp_path):
    """Sequence of each site's window; the first offset of the site itself and the published one."""
    table = sites(shared)
    path = shared / "real" / "genome.fa.gz"
    sequences, offsets = [], {"corrected": [], "published": []}
    with Genome(path, fai=tmp_path / "g.fai", gzi=tmp_path / "g.gzi") as genome:
        for site in table.itertuples():
            window = centred_window(site.start, site.end, 510)
            sequences.append(genome.fetch(site.chrom, *window, site.strand))
            for protocol, found in offsets.items():
                where = site_offsets(site.start, site.end, window, site.strand, protocol=protocol)
                assert where[1] - where[0] == 2
                found.append(where[0])
    return table, sequences, *(np.array(found) for found in offsets.values())


def test_only_the_unshifted_offsets_hold_the_dinucleotide(shared, tmp_path):
    table, sequences, offsets, published = site_windows(shared, tmp_path)
    kind = table["name"].str.split("|").str[-1].str[:2]
    here = [s[o : o + 2].upper() for s, o in zip(sequences, offsets, strict=True)]
    there = [s[o : o + 2].upper() for s, o in zip(sequences, published, strict=True)]
    assert here == kind.tolist()
    minus = (table["strand"] == "-").to_numpy()
    assert minus.sum() > 50
    assert (np.array(there)[~minus] == kind[~minus]).all()
    assert not (np.array(there)[minus] == kind[minus]).any()


@pytest.mark.parametrize("name", ["tiny.510nt", "tiny-human.510nt"])
def test_hidden_states_equal_those_of_the_published_code(shared, tmp_path, name):
    published = np.load(shared / "real" / "published_code" / f"embedding.{name}.npz")
    table, sequences, _, offsets = site_windows(shared, tmp_path)
    assert published["label"].tolist() == table["name"].tolist()
    model = SpliceBERT(shared / "real" / "models" / name)
    assert model.n_layers == published["hidden_states"].shape[1] == 4
    for left in range(0, len(sequences), 16):
        rows = range(left, left + 16)
        states = model.hidden_states([sequences[row] for row in rows], range(4)).numpy()
        found = np.stack(
            [state[:, offsets[row] : offsets[row] + 2] for state, row in zip(states, rows)]  # noqa: B905
        )
        np.testing.assert_allclose(found, published["hidden_states"][rows], atol=2e-5, rtol=0)


ATTENTION = ("MANE", "acceptor_pair", "donor_pair", "exonic_pair", "intronic_pair", "random_pair",
             "unpair")  # fmt: skip


@pytest.mark.parametrize("group", ATTENTION)
def test_attention_rows_equal_those_of_the_published_code(shared, tmp_path, group):
    published = np.load(shared / "real" / "published_code" / f"attention.{group}.npz")
    path = shared / "real" / "genome.fa.gz"
    with Genome(path, fai=tmp_path / "g.fai", gzi=tmp_path / "g.gzi") as genome:
        sequences = [
            genome.fetch(chrom, int(left), int(right), strand)
            for chrom, left, right, strand in published["samples"][:8, :4]
        ]
    offsets = np.stack([published["p_offset"][:8], published["q_offset"][:8]], axis=1)
    rows = (offsets[:, :, None] + np.array([-1, 0, 1])).reshape(8, 6)
    model = SpliceBERT(shared / "real" / "models" / "tiny.1024nt")
    maps = model.attention_rows(sequences, rows)
    assert maps.shape == (8, 3, 4, 6, 1000)
    found = maps.amax(dim=2)
    close(found[:, :, :3], published["p_rows"], 1e-6)
    close(found[:, :, 3:], published["q_rows"], 1e-6)


# --- loading


def test_old_bin_equals_transformers_and_its_safetensors_copy(folder, tmp_path):
    assert "bert.embeddings.position_ids" in read_state(folder)
    texts = [random_sequence(40), random_sequence(40, 1)]
    ours = SpliceBERT(folder)
    theirs = AutoModelForMaskedLM.from_pretrained(folder).eval()
    inputs = transformers_inputs(texts)
    with torch.inference_mode():
        expected = theirs(**inputs, output_hidden_states=True)
    close(ours.logits(texts), expected.logits[:, 1:-1], 1e-6)
    states = ours.hidden_states(texts, range(3))
    for layer in range(3):
        close(states[:, layer], expected.hidden_states[layer][:, 1:-1], 1e-6)

    full = tmp_path / "full"
    full.mkdir()
    save_file(read_state(folder), full / "model.safetensors")
    slim = tmp_path / "slim"
    theirs.save_pretrained(slim)  # leaves out what is tied
    for copy in (full, slim):
        shutil.copy(folder / "config.json", copy)
        write_vocabulary(copy)
        torch.testing.assert_close(SpliceBERT(copy).logits(texts), ours.logits(texts))


@pytest.mark.parametrize("name", ["tiny.1024nt", "tiny.510nt", "tiny-human.510nt"])
def test_folders_in_zenodo_form_equal_transformers(shared, name):
    path = shared / "real" / "models" / name
    texts = [random_sequence(510)]
    model, theirs = SpliceBERT(path), AutoModelForMaskedLM.from_pretrained(path).eval()
    with torch.inference_mode():
        expected = theirs(**transformers_inputs(texts)).logits[:, 1:-1]
    close(model.logits(texts), expected, 1e-6)
    assert model.max_length == (1024 if "1024" in name else 510)


def test_the_committed_demo_model_loads(root):
    path = root / "config" / "demo_model"
    if not path.is_dir():
        pytest.skip("config/demo_model is not there yet")
    logits = SpliceBERT(path).logits([random_sequence(100)])
    assert logits.shape == (1, 100, 10)
    assert torch.isfinite(logits).all()


def test_what_the_adapter_says_of_itself(model, pristine):
    assert (model.n_layers, model.hidden_size, model.neighbourhood) == (3, 32, 0)
    assert (model.min_length, model.max_length) == (1, 64)
    assert model.vocab == VOCABULARY
    for part in ("small", "2 layers", "hidden 32", "cpu", "float32", torch.__version__):
        assert part in model.describe()
    assert SpliceBERT(pristine, min_length=10, max_length=50).max_length == 50
    with pytest.raises(ModelError, match="max_length 65 nt; its position table has room for 64"):
        SpliceBERT(pristine, max_length=65)


def fails(folder, *parts, **options):
    with pytest.raises(ModelError) as caught:
        SpliceBERT(folder, **options)
    for part in parts:
        assert part in str(caught.value)
    return str(caught.value)


def change_state(folder, change):
    state = read_state(folder)
    change(state)
    torch.save(state, folder / "pytorch_model.bin")


def test_missing_key(folder):
    key = "bert.encoder.layer.1.output.dense.bias"
    change_state(folder, lambda state: state.pop(key))
    fails(folder, "1 keys are missing", key)


def test_unexpected_key(folder):
    change_state(folder, lambda state: state.update({"bert.extra": torch.zeros(2)}))
    fails(folder, "1 unexpected", "bert.extra")


def test_wrong_shape(folder):
    key = "bert.embeddings.word_embeddings.weight"
    change_state(folder, lambda state: state.update({key: torch.zeros(11, 32)}))
    fails(folder, "another shape", key)


def test_configuration_of_another_size(folder):
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | {"num_hidden_layers": 3}))
    fails(folder, "16 keys are missing", "layer.2")


def test_missing_weights(folder):
    (folder / "pytorch_model.bin").unlink()
    fails(folder, "no weights", "model.safetensors or pytorch_model.bin", "model table")


def test_two_weights_files(folder):
    save_file(read_state(folder), folder / "model.safetensors")
    fails(folder, "two weights files")


def test_missing_folder(tmp_path):
    fails(tmp_path / "none", "none")
    with pytest.raises(ModelError, match="no such folder"):
        weights_file(tmp_path / "none")


@pytest.mark.parametrize("words", [VOCABULARY[:-1], (*VOCABULARY[:-2], "T", "G"), ()])
def test_other_vocabulary(folder, words):
    (folder / "vocab.txt").write_text("\n".join(words))
    fails(folder, "vocab.txt", "expected [PAD] [UNK]", "adapter of its own")


def test_missing_vocabulary(folder):
    (folder / "vocab.txt").unlink()
    fails(folder, "vocab.txt: no such file")


def test_missing_configuration(folder):
    (folder / "config.json").unlink()
    fails(folder, "config.json: no such file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[1]", "model_type 'bert'"),
        ('{"model_type": "gpt2"}', "model_type 'bert'"),
        (json.dumps(CONFIG), "model_type 'bert'"),
        (json.dumps(CONFIG | {"model_type": "bert", "hidden_size": "x"}), "of a BERT"),
        (json.dumps(CONFIG | {"model_type": "bert", "hidden_size": 33}), "gives no BERT"),
        (json.dumps(CONFIG | {"model_type": "bert", "hidden_act": "x"}), "gives no BERT"),
    ],
)
def test_broken_configuration(folder, text, message):
    (folder / "config.json").write_text(text)
    fails(folder, "config.json", message)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ([torch.zeros(2)], "list"),
        ({"a": 1, "b": "text"}, "dict"),
        ({1: torch.zeros(2)}, "dict"),
        (torch.zeros(2), "Tensor"),
    ],
)
def test_file_that_is_no_state_dict(folder, content, kind):
    torch.save(content, folder / "pytorch_model.bin")
    fails(folder, f"holds a {kind}, not a state dict")


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("save", ["torch", "torch_legacy", "pickle"])
def test_malicious_pickle_is_not_executed(folder, tmp_path, save):
    marker, path = tmp_path / "executed", folder / "pytorch_model.bin"
    content = {"weight": Malicious(marker)}
    if save == "pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=save == "torch")
    fails(folder, "without running code")
    assert not marker.exists()
    if save == "pickle":  # it would have worked
        pickle.loads(path.read_bytes())
        assert marker.exists()


@pytest.mark.parametrize("kept", [0, 1, 20, 1000, 0.3, 0.8, -1])
def test_truncated_bin(folder, kept):
    path = folder / "pytorch_model.bin"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    fails(folder, "pytorch_model.bin", "Fetch the file again")


@pytest.mark.parametrize("kept", [0, 4, 100, 5000])
def test_truncated_safetensors(folder, kept):
    save_file(read_state(folder), folder / "model.safetensors")
    (folder / "pytorch_model.bin").unlink()
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    fails(folder, "model.safetensors", "Fetch the file again")


def test_random_damage_never_raises_anything_but_a_model_error(folder):
    path = folder / "pytorch_model.bin"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(40):
        damaged = bytearray(content)
        for place in rng.integers(0, 2000, 5):
            damaged[place] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            SpliceBERT(folder)
        except ModelError:
            failed += 1
    assert failed > 10


def test_known_checksums(folder, caplog):
    caplog.set_level("INFO")
    known = {name: sha256(folder / name) for name in ("pytorch_model.bin", "config.json")}
    model = SpliceBERT(folder, sha256=known)
    assert model.checksums == known
    assert "as known" in caplog.text
    SpliceBERT(folder)
    assert "not in the model table" in caplog.text


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config.json", "vocab.txt"])
def test_checksum_that_differs(folder, name):
    fails(folder, name, "sha256 is", "0" * 64, "fetch it again", sha256={name: "0" * 64})


def test_published_checksums_of_the_text_files(shared, root):
    table = (root / "config" / "models.yaml").read_text()
    for path in sorted((shared / "zenodo_models").glob("*/*")):
        if path.name in ("config.json", "vocab.txt"):
            assert sha256(path) in table, path


# --- what goes in and out


def test_shapes_and_dtypes(model):
    texts = [random_sequence(30), random_sequence(30, 1)]
    logits = model.logits(texts)
    states = model.hidden_states(texts, [0, 2, -1])
    assert (logits.shape, logits.dtype) == ((2, 30, 10), torch.float32)
    assert (states.shape, states.dtype) == ((2, 3, 30, 32), torch.float32)
    torch.testing.assert_close(states[:, 1], states[:, 2], atol=0, rtol=0)
    assert not torch.equal(states[:, 0], states[:, 1])


def test_case_u_and_iupac_codes_are_the_models_own_tokens(model):
    expected = model.logits(["ACGTN"])
    for text in ("acgtn", "ACGUN", "ACGTR", "acguX"):
        torch.testing.assert_close(model.logits([text]), expected, atol=0, rtol=0)
    assert not torch.equal(model.logits(["ACGTA"]), expected)


def test_a_masked_base_is_hidden(model):
    text, mask = random_sequence(30), np.zeros((1, 30), bool)
    mask[0, [4, 20]] = True
    hidden = model.logits([text], mask)
    assert not torch.allclose(hidden, model.logits([text]), atol=1e-3)
    for base in "ACGTN":
        other = f"{text[:4]}{base}{text[5:20]}{base}{text[21:]}"
        torch.testing.assert_close(model.logits([other], mask), hidden, atol=0, rtol=0)
    visible = text[:5] + ("A" if text[5] != "A" else "C") + text[6:]
    assert not torch.allclose(model.logits([visible], mask), hidden, atol=1e-3)


def test_mask_of_another_shape(model):
    with pytest.raises(ModelError, match=r"mask has shape \(1, 9\).*= \(1, 10\)"):
        model.logits(["A" * 10], np.zeros((1, 9), bool))


def test_mixed_lengths_equal_one_by_one(model):
    texts = [random_sequence(length, length) for length in (1, 64, 17, 2, 40)]
    masks = np.random.default_rng(0).random((5, 64)) < 0.2
    logits, states = model.logits(texts, masks), model.hidden_states(texts, range(3))
    rows = model.attention_rows(texts, np.zeros((5, 1), int))
    for i, text in enumerate(texts):
        n = len(text)
        close(logits[i, :n], model.logits([text], masks[i : i + 1, :n])[0], 1e-5)
        close(states[i, :, :n], model.hidden_states([text], range(3))[0], 1e-5)
        close(rows[i, ..., :n], model.attention_rows([text], np.zeros((1, 1), int))[0], 1e-5)


def test_sequences_that_are_too_long_or_empty(model):
    for function in (model.logits, lambda texts: model.hidden_states(texts, [0])):
        with pytest.raises(ModelError, match=r"sequence 1 .* has 65 nt; expected 1 to 64.*windows"):
            function(["ACGT", "A" * 65])
        with pytest.raises(ModelError, match="has 0 nt"):
            function([""])
    assert model.logits(["A" * 64]).shape == (1, 64, 10)


@pytest.mark.parametrize("layer", [3, -4, 99])
def test_wrong_layer(model, layer):
    with pytest.raises(ModelError, match=rf"no layer {layer}; it has 0 \(embedding\) to 2"):
        model.hidden_states(["ACGT"], [0, layer])


def test_attention_rows_are_the_rows_of_transformers_maps(pristine, model):
    texts = [random_sequence(20), random_sequence(20, 1)]
    offsets = np.array([[0, 5, 19], [3, 3, 7]])
    theirs = AutoModelForMaskedLM.from_pretrained(pristine, attn_implementation="eager").eval()
    with torch.inference_mode():
        maps = theirs(**transformers_inputs(texts), output_attentions=True).attentions
    rows = model.attention_rows(texts, offsets)
    assert rows.shape == (2, 2, 2, 3, 20)
    for layer in range(2):
        for i in range(2):
            close(rows[i, layer], maps[layer][i][:, offsets[i] + 1, 1:-1], 1e-6)
    assert (rows.sum(dim=-1) < 1).all()


def test_attention_rows_of_hidden_bases_are_those_of_the_mask_token(pristine, model):
    texts = [random_sequence(20), random_sequence(20, 1)]
    offsets, masks = np.array([[4, 5], [3, 7]]), np.zeros((2, 20), bool)
    masks[0, 5] = masks[1, [3, 9]] = True
    theirs = AutoModelForMaskedLM.from_pretrained(pristine, attn_implementation="eager").eval()
    inputs = transformers_inputs(texts)
    inputs["input_ids"][:, 1:-1][torch.from_numpy(masks)] = VOCABULARY.index("[MASK]")
    with torch.inference_mode():
        maps = theirs(**inputs, output_attentions=True).attentions
    rows = model.attention_rows(texts, offsets, masks=list(masks))
    for layer in range(2):
        for i in range(2):
            close(rows[i, layer], maps[layer][i][:, offsets[i] + 1, 1:-1], 1e-6)
    assert not torch.allclose(rows, model.attention_rows(texts, offsets), atol=1e-4)


def test_maximum_over_heads(model):
    texts, offsets = [random_sequence(20), random_sequence(31, 1)], np.array([[0, 5], [3, 30]])
    heads = model.attention_rows(texts, offsets)
    maximum = model.attention_rows(texts, offsets, maximum=True)
    assert maximum.shape == (2, 2, 2, 31)
    torch.testing.assert_close(maximum, heads.amax(2), atol=0, rtol=0)


@pytest.mark.parametrize("offset", [-1, 4])
def test_attention_rows_outside_the_sequence(model, offset):
    with pytest.raises(ModelError, match=rf"offset {offset} .*sequence 1; expected 0 to 3"):
        model.attention_rows(["ACGTACGT", "ACGT"], np.array([[0], [offset]]))


def test_attention_rows_need_offsets_of_each_sequence(model):
    with pytest.raises(ModelError, match=r"offsets of shape \(3,\); expected \(1, rows\)"):
        model.attention_rows(["ACGT"], np.array([0, 1, 2]))


# --- heads


def weights(module):
    return {key: value.clone() for key, value in module.state_dict().items()}


@pytest.mark.parametrize(("head", "drawn"), [("token", 2), ("sequence", 4)])
def test_heads_are_drawn_from_their_seed_alone(model, head, drawn):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = weights(model.module(head, 2, seed=5))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again, other = weights(model.module(head, 2, seed=5)), weights(model.module(head, 2, seed=6))
    assert first.keys() == again.keys() == other.keys()
    assert all(torch.equal(first[key], again[key]) for key in first)
    new = {key for key in first if key.startswith(("classifier.", "bert.pooler."))}
    assert len(new) == drawn
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])
    encoder = weights(model._model)
    for key in first.keys() - new:
        assert torch.equal(first[key], encoder[key]), key
        assert torch.equal(first[key], other[key]), key
    assert first["classifier.weight"].shape == (2, 32)


def test_training_a_head_leaves_the_adapter_alone(model):
    before, text = weights(model._model), [random_sequence(20)]
    expected = model.logits(text)
    module = model.module("token", 3, seed=0)
    assert all(parameter.requires_grad for parameter in module.parameters())
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    module(**transformers_inputs(text)).logits.square().sum().backward()
    optimizer.step()
    assert not torch.equal(
        module.state_dict()["bert.embeddings.word_embeddings.weight"],
        before["bert.embeddings.word_embeddings.weight"],
    )
    assert all(torch.equal(value, before[key]) for key, value in model._model.state_dict().items())
    torch.testing.assert_close(model.logits(text), expected, atol=0, rtol=0)


def test_unknown_head(model):
    with pytest.raises(ModelError, match="head 'question'; expected one of token, sequence"):
        model.module("question", 2, seed=0)
