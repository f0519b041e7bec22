"""The model table."""

import json
import shutil

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from splicebert.errors import ModelError
from splicebert.models import ADAPTERS, OneHot, SpliceBERT, load_model, read_models
from splicebert.models.checkpoint import sha256
from splicebert.sequence import VOCABULARY


@pytest.fixture
def folder(tmp_path):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 10,
             "intermediate_size": 8, "max_position_embeddings": 34}  # fmt: skip
    path = tmp_path / "models" / "small"
    path.mkdir(parents=True)
    BertForMaskedLM(BertConfig(**sizes)).save_pretrained(path)
    (path / "config.json").write_text(json.dumps(sizes | {"model_type": "bert"}))
    (path / "vocab.txt").write_text("\n".join(VOCABULARY))
    return path


def entry(**more):
    return {"adapter": "splicebert", "label": "x", "colour": "#000000", "can": []} | more


def test_every_entry_of_the_table_names_an_adapter(root):
    models = read_models(root / "config" / "models.yaml")
    assert {"SpliceBERT.1024nt", "SpliceBERT.510nt", "SpliceBERT-human.510nt"} <= models.keys()
    assert {item["adapter"] for item in models.values()} == set(ADAPTERS)


def test_one_hot_of_the_table(root):
    model = load_model("onehot", read_models(root / "config" / "models.yaml"))
    assert isinstance(model, OneHot)
    assert (model.name, model.neighbourhood) == ("onehot", 250)


def test_options_of_an_entry_reach_the_model(folder):
    options = {"folder": str(folder), "min_length": 5, "max_length": 20}
    model = load_model("mine", {"mine": entry(**options)}, dtype="bfloat16")
    assert isinstance(model, SpliceBERT)
    assert (model.name, model.min_length, model.max_length) == ("mine", 5, 20)
    assert (model.device, model.dtype) == (torch.device("cpu"), "bfloat16")
    assert model.logits(["ACGT"]).dtype == torch.float32


def test_relative_folders_start_at_the_root(folder, tmp_path):
    table = {"mine": entry(folder="models/small")}
    assert load_model("mine", table, root=tmp_path).folder == folder
    with pytest.raises(ModelError, match="models/small"):
        load_model("mine", table, root=tmp_path / "elsewhere")


def test_checksums_of_an_entry_are_checked(folder):
    known = {"model.safetensors": sha256(folder / "model.safetensors")}
    assert load_model("mine", {"mine": entry(folder=str(folder), sha256=known)}).checksums == known
    known["config.json"] = "0" * 64
    with pytest.raises(ModelError, match=r"config\.json: sha256"):
        load_model("mine", {"mine": entry(folder=str(folder), sha256=known)})


def test_unknown_model_lists_those_of_the_table(folder):
    with pytest.raises(ModelError, match="unknown model 'c'; the model table has a, b"):
        load_model("c", {"b": entry(), "a": entry()})


def test_unknown_adapter_lists_those_there_are():
    with pytest.raises(
        ModelError, match="unknown adapter 'gpt'; there are dnabert, onehot, splice"
    ):
        load_model("a", {"a": entry(adapter="gpt")})


def test_options_of_a_family_without_keys_of_its_own():
    table = {"a": {"adapter": "onehot", "options": {"flank": 7}}}
    assert load_model("a", table).neighbourhood == 7
    for key in ("width", "device"):
        with pytest.raises(ModelError, match=f"adapter 'onehot' has no option '{key}'"):
            load_model("a", {"a": {"adapter": "onehot", "options": {key: 7}}})


def test_entry_without_a_folder():
    with pytest.raises(ModelError, match="model 'a': no folder; adapter 'splicebert' needs one"):
        load_model("a", {"a": entry()})


def test_model_that_was_not_downloaded(folder):
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="small"):
        load_model("a", {"a": entry(folder=str(folder))})
