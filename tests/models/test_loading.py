"""`splicebert.load`, and the plain transformers route to the same numbers."""

import shutil
import subprocess
import sys

import pytest
import torch
import transformers
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

import splicebert
from splicebert.errors import ModelError, SpliceBERTError
from splicebert.models import SpliceBERT, modules
from splicebert.sequence import VOCABULARY

TASKS = {
    None: "BertModel", "mlm": "BertForMaskedLM", "token": "BertForTokenClassification",
    "sequence": "BertForSequenceClassification",
}  # fmt: skip
TABLE = """
tiny: {adapter: splicebert, folder: resources/models/tiny}
absent: {adapter: splicebert, folder: resources/models/absent}
onehot: {adapter: onehot}
"""
SEQ = "ACGUACGuacguaCGuNGAUUACA" * 4
TOKEN = {"N": 5, "A": 6, "C": 7, "G": 8, "T": 9, "U": 9}
IDS = torch.tensor([[2, *(TOKEN[base] for base in SEQ.upper()), 3]])


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        max_position_embeddings=130, vocab_size=10, initializer_range=0.2,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        BertForMaskedLM(config).save_pretrained(path)
    (path / "vocab.txt").write_text("\n".join(VOCABULARY))
    return path


@pytest.fixture
def workflow(pristine, tmp_path, monkeypatch):
    """Go to a workflow's folder with a model table; return the folder of its model."""
    folder = shutil.copytree(pristine, tmp_path / "resources" / "models" / "tiny")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "models.yaml").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return folder


def run(model):
    with torch.no_grad():
        return model(IDS)[0]


def same(a, b, atol=0.0):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


def save(model, folder):
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    return folder


# --- what is loaded


@pytest.mark.parametrize("task", TASKS)
def test_tasks(pristine, task):
    model = splicebert.load(pristine, task, device="cpu")
    assert type(model) is getattr(modules, TASKS[task])
    assert isinstance(model, getattr(transformers, TASKS[task]))
    assert not any(module.training for module in model.modules())
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert all(p.requires_grad for p in model.parameters())
    assert run(model).isfinite().all()


def test_by_path_and_by_name(workflow, pristine):
    expected = run(splicebert.load(pristine, "mlm"))
    for name in (workflow, str(workflow), "resources/models/tiny", "tiny"):
        same(run(splicebert.load(name, "mlm")), expected)


def test_hidden_states_and_logits_are_the_adapters(pristine):
    text = SEQ.upper().replace("U", "T")
    adapter = SpliceBERT(pristine)
    same(run(splicebert.load(pristine, "mlm"))[:, 1:-1], adapter.logits([text]), 1e-5)
    with torch.no_grad():
        out = splicebert.load(pristine)(IDS, output_hidden_states=True)
    assert out.pooler_output is None
    states = torch.stack(out.hidden_states, 1)[:, :, 1:-1]
    same(states, adapter.hidden_states([text], range(3)), 1e-5)


@pytest.mark.parametrize("attention", ["eager", "sdpa", "flash"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8"])
def test_engine_options_reach_the_encoder(pristine, monkeypatch, attention, dtype):
    seen, function = [], modules.encode
    monkeypatch.setattr(
        modules, "encode", lambda w, p, b, **o: seen.append(b.name) or function(w, p, b, **o)
    )
    model = splicebert.load(pristine, attention=attention, dtype=dtype, device="cpu")
    states = run(model)
    assert seen == [attention]
    adapter = SpliceBERT(pristine, attention=attention, dtype=dtype)
    same(states[:, 1:-1], adapter.hidden_states([SEQ], [-1])[:, 0], 1e-5)
    error = (states - run(splicebert.load(pristine))).abs().max()
    assert error < 1e-5 if dtype == "float32" else error > 1e-4


def test_compiled_reaches_the_encoder(pristine):
    assert splicebert.load(pristine, "token", compiled=True).bert.engine.compiled
    assert not splicebert.load(pristine).engine.compiled


# --- heads


@pytest.mark.parametrize(("task", "shape"), [("token", (1, 98, 5)), ("sequence", (1, 5))])
def test_heads_are_drawn_from_their_seed_alone(pristine, task, shape):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = run(splicebert.load(pristine, task, num_labels=5, seed=3))
    assert torch.equal(torch.get_rng_state(), state)
    assert first.shape == shape
    torch.manual_seed(2)
    same(run(splicebert.load(pristine, task, num_labels=5, seed=3)), first)
    other = run(splicebert.load(pristine, task, num_labels=5, seed=4))
    assert not torch.allclose(first, other, atol=1e-3)


@pytest.mark.parametrize("task", ["token", "sequence"])
def test_a_fine_tuned_folder_keeps_its_head(pristine, tmp_path, task):
    tuned = splicebert.load(pristine, task, num_labels=4, seed=1)
    folder = save(tuned, tmp_path / "tuned")
    read = splicebert.load(folder, task, seed=9)
    assert read.config.num_labels == 4
    same(run(read), run(tuned))
    same(run(splicebert.load(folder)), run(splicebert.load(pristine)))
    with pytest.raises(ModelError, match=r"another shape than config.json says"):
        splicebert.load(folder, task, num_labels=5)
    with pytest.raises(ModelError, match=r"keys are missing .*cls.predictions"):
        splicebert.load(folder, "mlm")


def test_a_drawn_head_is_named_in_the_log(pristine, tmp_path, caplog):
    for task in (None, "mlm"):
        splicebert.load(pristine, task)
    assert not caplog.records
    for task in ("token", "sequence"):
        caplog.clear()
        tuned = splicebert.load(pristine, task, num_labels=2, seed=7)
        (record,) = caplog.records
        assert record.levelname == "WARNING"
        assert "drawn with seed 7, to be trained" in record.getMessage()
        caplog.clear()
        splicebert.load(save(tuned, tmp_path / task), task)
        assert not caplog.records


def test_a_folder_that_transformers_wrote_needs_no_vocabulary(pristine, tmp_path):
    splicebert.load(pristine, "mlm").save_pretrained(tmp_path)
    assert not (tmp_path / "vocab.txt").exists()
    same(run(splicebert.load(tmp_path, "mlm")), run(splicebert.load(pristine, "mlm")))


def test_an_encoder_saved_alone(pristine, tmp_path):
    folder = save(splicebert.load(pristine), tmp_path / "encoder")
    same(run(splicebert.load(folder)), run(splicebert.load(pristine)))
    for task in ("token", "sequence"):
        found = splicebert.load(folder, task, num_labels=3, seed=2)
        same(run(found), run(splicebert.load(pristine, task, num_labels=3, seed=2)))


# --- what can't be loaded


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tiny", "tokens"), "task 'tokens'; expected one of None, 'mlm', 'token', 'sequence'"),
        (("nowhere",), "nowhere: no such folder; config/models.yaml has the models tiny, absent$"),
        (("onehot",), "onehot: no such folder; config/models.yaml has the models tiny, absent$"),
        (("absent",), "resources/models/absent"),
    ],
)
def test_errors(workflow, arguments, message):
    with pytest.raises(ModelError, match=message):
        splicebert.load(*arguments)


def test_no_folder_and_no_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = "tiny: no such folder, and no model table config/models.yaml .*config.json, vocab.txt"
    with pytest.raises(ModelError, match=message):
        splicebert.load("tiny")


@pytest.mark.parametrize("task", [None, "mlm"])
def test_labels_without_a_head_for_them(pristine, task):
    message = f"num_labels goes with task 'token' or 'sequence', not {task!r}"
    with pytest.raises(ModelError, match=message):
        splicebert.load(pristine, task, num_labels=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention": "fast"}, "'fast'; expected one of auto, eager, sdpa, flash"),
        ({"dtype": "half"}, "'half'; expected auto or one of float32, float16, bfloat16, int8"),
    ],
)
def test_unknown_options(pristine, options, message):
    with pytest.raises(SpliceBERTError, match=message):
        splicebert.load(pristine, **options)


def test_a_device_that_is_not_there(pristine, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpliceBERTError, match=r"'cuda' .*no GPU"):
        splicebert.load(pristine, device="cuda")


def test_another_vocabulary(workflow):
    (workflow / "vocab.txt").write_text("\n".join(VOCABULARY[::-1]))
    with pytest.raises(ModelError, match=r"vocabulary is T G C A N .*expected \[PAD\] \[UNK\]"):
        splicebert.load("tiny")


def test_missing_weights(workflow):
    (workflow / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no weights; expected exactly one of model.safetensors"):
        splicebert.load("tiny")


def test_importing_the_package_imports_no_torch():
    code = "import sys, splicebert; sys.exit('torch' in sys.modules or not dir(splicebert))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        splicebert.nothing  # noqa: B018


# --- the published route: transformers alone, on folders of the published form


@pytest.fixture(params=["tiny.1024nt", "tiny.510nt", "demo"])
def published(request, root):
    if request.param == "demo":
        return root / "config" / "demo_model"
    return request.getfixturevalue("shared") / "real" / "models" / request.param


def test_the_plain_transformers_route(published):
    tokenizer = AutoTokenizer.from_pretrained(published)
    ids = tokenizer.encode(" ".join(SEQ.upper().replace("U", "T")))
    assert ids == IDS[0].tolist()
    assert tokenizer.encode("A C G T N") == [2, 6, 7, 8, 9, 5, 3]
    ids = torch.as_tensor(ids).unsqueeze(0)
    for task, name in TASKS.items():
        labels = {} if task in (None, "mlm") else {"num_labels": 3}
        auto = getattr(transformers, "AutoModel" + name.removeprefix("Bert").removeprefix("Model"))
        theirs = auto.from_pretrained(published, **labels)
        ours = splicebert.load(published, task, **labels)
        if labels:  # heads are drawn anew by either
            theirs.classifier.load_state_dict(ours.classifier.state_dict())
        if task == "sequence":
            theirs.bert.pooler.load_state_dict(ours.bert.pooler.state_dict())
        assert not theirs.training
        found, expected = (m(ids, output_hidden_states=True) for m in (ours, theirs))
        same(found[0], expected[0], 2e-5)
        same(torch.stack(found.hidden_states), torch.stack(expected.hidden_states), 2e-5)
