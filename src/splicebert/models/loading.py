"""`splicebert.load`: a model for PyTorch and transformers, by folder or by name."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from transformers import PreTrainedModel

from ..errors import ModelError
from ..runtime import Runtime
from .attention import choose_backend, products_dtype
from .checkpoint import load_exactly, read_config, read_state_dict, weights_file
from .modules import (
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    Engine,
)
from .registry import read_models
from .tokens import read_tokeniser

log = logging.getLogger(__name__)
TASKS = {
    None: BertModel,
    "mlm": BertForMaskedLM,
    "token": BertForTokenClassification,
    "sequence": BertForSequenceClassification,
}
TABLE = "config/models.yaml"


def find_folder(path_or_name: str | Path, table: str | Path = TABLE) -> Path:
    """Return the folder of a model: a path, or a name of the model table of a workflow's folder.

    Raises
    ------
    ModelError
        It is neither.
    """
    path, table = Path(path_or_name), Path(table)
    if path.is_dir():
        return path
    if not table.is_file():
        raise ModelError(
            f"{path_or_name}: no such folder, and no model table {table} to look the name up; "
            "expected a model folder (config.json, vocab.txt, weights)"
        )
    models = {name: e for name, e in read_models(table).items() if "folder" in e}
    if str(path_or_name) not in models:
        raise ModelError(
            f"{path_or_name}: no such folder; {table} has the models {', '.join(models)}"
        )
    return table.resolve().parents[1] / models[str(path_or_name)]["folder"]


def load(
    path_or_name: str | Path,
    task: str | None = None,
    *,
    num_labels: int | None = None,
    attention: str = "auto",
    dtype: str = "auto",
    device: str = "auto",
    compiled: bool = False,
    seed: int = 0,
) -> PreTrainedModel:
    """Load SpliceBERT as a transformers model that runs fast.

    Parameters
    ----------
    path_or_name
        Folder with config.json, vocab.txt and weights, or a name of config/models.yaml.
    task
        None: BertModel (last_hidden_state, hidden_states); "mlm": BertForMaskedLM (logits of the
        ten tokens); "token": a label a nucleotide; "sequence": a label a sequence.
    num_labels
        Classes of "token" and "sequence"; None takes those of the folder's config.json.
    attention
        "auto", "eager", "sdpa" or "flash".
    dtype
        Of the matrix products without gradients: "auto" (float32 on a CPU, float16 on a GPU),
        "float32", "float16", "bfloat16" or "int8". Parameters stay float32. Nothing compares
        them with float32 here, as `splicebert.inference` does with every run: where two outputs
        are subtracted (KL, delta P) ask for "float32".
    device
        "auto", "cpu", "cuda" or "cuda:1".
    compiled
        Fuse layers with torch.compile.
    seed
        Draws a head that the folder does not have.

    Returns
    -------
    A model in evaluation mode, with the inputs and outputs of transformers' class of its name.

    Raises
    ------
    SpliceBERTError
        No such model, task, device, dtype or back end, or a folder that is not one of SpliceBERT.
    """
    if task not in TASKS:
        names = ", ".join(repr(name) for name in TASKS)
        raise ModelError(f"task {task!r}; expected one of {names}")
    folder = find_folder(path_or_name)
    if (folder / "vocab.txt").is_file():  # save_pretrained of a model writes none
        read_tokeniser(folder)  # one of the families'
    config = read_config(folder)
    if num_labels is not None:
        if task not in ("token", "sequence"):
            raise ModelError(f"num_labels goes with task 'token' or 'sequence', not {task!r}")
        config.num_labels = num_labels
    # "embedding" admits every dtype: what the numbers are for is the caller's business here.
    runtime = Runtime.choose(device, dtype, purpose="embedding")
    backend = choose_backend(attention, runtime.device, products_dtype(runtime.dtype))
    log.info("model %s: %s, attention %s", folder, runtime.describe(), backend)
    model = _build(task, config, folder, seed)
    for module in model.modules():
        if isinstance(module, BertModel):
            module.engine = Engine(attention, dtype, compiled)
    return model.to(runtime.device).eval()


def _build(task: str | None, config, folder: Path, seed: int) -> PreTrainedModel:
    state = read_state_dict(weights_file(folder))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if task is None:
            pooled = any(".pooler." in f".{key}" for key in state)
            model = BertModel(config, add_pooling_layer=pooled)
        else:
            model = TASKS[task](config)
    if task is None:
        state = {key.removeprefix("bert."): value for key, value in state.items()}
    elif not any(key.startswith("bert.") for key in state):  # an encoder saved alone
        state = {f"bert.{key}": value for key, value in state.items()}
    absent = {None: (), "mlm": ("cls.predictions.decoder.",)}.get(
        task, ("classifier.", "bert.pooler.")
    )
    ignored = {None: ("cls.", "classifier."), "mlm": ()}.get(task, ("cls.",))
    if task in ("token", "mlm"):
        ignored += ("bert.pooler.",)
    drawn = load_exactly(model, state, folder, may_miss=absent, may_ignore=ignored)
    if drawn and task in ("token", "sequence"):
        log.warning("%s has no %s: drawn with seed %d, to be trained", folder, drawn[0], seed)
    if task == "mlm":
        model.tie_weights()
    return model
