"""Model folders in the form of the Zenodo archive, read without running code from them."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from transformers import BertConfig

from ..errors import ModelError
from ..sequence import VOCABULARY
from ..vocabulary import read_words, unknown_words

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
log = logging.getLogger(__name__)


def sha256(path: str | Path) -> str:
    """Hexadecimal sha256 of a file, read in pieces."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def weights_file(folder: str | Path) -> Path:
    """Return the one weights file of a model folder; ModelError where there is none, or two."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: no such folder; expected a model folder (config.json, weights)"
        )
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if len(found) != 1:
        state = "no weights" if not found else "two weights files, which may differ"
        raise ModelError(
            f"{folder}: {state}; expected exactly one of {' or '.join(WEIGHTS)}"
            + ("" if found else ". Download the model, or check the path in the model table")
        )
    return found[0]


def read_config(folder: str | Path) -> BertConfig:
    """Read config.json; ModelError where it is missing, broken, or not a BERT's."""
    path = Path(folder) / "config.json"
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; a model folder needs its config.json") from None
    except ValueError as error:
        raise ModelError(f"{path}: not JSON ({error})") from error
    if not isinstance(values, dict) or values.get("model_type") != "bert":
        raise ModelError(f"{path}: expected a BERT configuration with model_type 'bert'")
    values.pop("output_hidden_states", None)  # keeps every layer of every call in memory
    try:
        return BertConfig(**values)
    except Exception as error:  # transformers has its own class for a value of the wrong type
        raise ModelError(f"{path}: not a configuration of a BERT ({error})") from error


def write_model(model: PreTrainedModel, folder: Path, words: tuple[str, ...] = VOCABULARY) -> None:
    """Write config, weights (safetensors), vocabulary and tokenizer, as in the Zenodo folders."""
    from transformers import BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    with _no_progress_bar():
        model.save_pretrained(folder)
    vocab = folder / "vocab.txt"
    vocab.write_text("\n".join(words) + "\n")
    BertTokenizer(str(vocab), do_lower_case=False).save_pretrained(folder)
    vocab.write_text("\n".join(words) + "\n")


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    from transformers.utils.logging import (
        disable_progress_bar,
        enable_progress_bar,
        is_progress_bar_enabled,
    )

    enabled = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            enable_progress_bar()


def check_vocabulary(folder: str | Path) -> None:
    """Raise ModelError unless vocab.txt holds the ten tokens of SpliceBERT in their order."""
    words = read_words(folder)
    if words != VOCABULARY:
        raise ModelError(unknown_words(folder, words))


def read_state_dict(path: str | Path) -> dict[str, torch.Tensor]:
    """Read weights (safetensors, or a .bin with weights_only) onto the CPU.

    Raises
    ------
    ModelError
        The file can't be read without running code, is truncated, or is not a state dict.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    # Broken files make the readers raise nearly anything: KeyError, IndexError, OSError, ….
    except Exception as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{path}: can't be read as weights without running code from it ({first}). "
            "Fetch the file again; do not unpickle it by other means"
        ) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise ModelError(
            f"{path}: holds a {type(state).__name__}, not a state dict of tensors keyed by name"
        )
    # Checkpoints saved by transformers before 4.31 carry this buffer, which is only 0, 1, 2, ….
    return {k: v for k, v in state.items() if k != "bert.embeddings.position_ids"}


def load_exactly(
    model: torch.nn.Module,
    state: Mapping[str, torch.Tensor],
    source: str | Path,
    *,
    may_miss: tuple[str, ...] = (),
    may_ignore: tuple[str, ...] = (),
) -> list[str]:
    """Load a state dict; return the missing keys that start with one of `may_miss`.

    Raises
    ------
    ModelError
        Any other key is missing or unexpected, or a tensor has another shape.
    """
    try:
        result = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise ModelError(
            f"{source}: tensors of another shape than config.json says: {error}"
        ) from error
    missing = [key for key in result.missing_keys if not key.startswith(may_miss or ("\0",))]
    unexpected = [
        key for key in result.unexpected_keys if not key.startswith(may_ignore or ("\0",))
    ]
    if missing or unexpected:
        raise ModelError(
            f"{source}: {len(missing)} keys are missing ({', '.join(missing[:5])}) and "
            f"{len(unexpected)} unexpected ({', '.join(unexpected[:5])}); expected exactly the "
            f"tensors of a {type(model).__name__} of its config.json"
        )
    return [key for key in result.missing_keys if key not in missing]


def check_identity(folder: str | Path, known: Mapping[str, str]) -> dict[str, str]:
    """Compare files with their known sha256 and log the outcome.

    Parameters
    ----------
    folder
        The model folder.
    known
        File name -> sha256; a file that is absent is passed over.

    Returns
    -------
    sha256 of the weights file and of every known file that is there.

    Raises
    ------
    ModelError
        A file differs from its known checksum.
    """
    folder = Path(folder)
    weights = weights_file(folder)
    names = [weights.name, *(n for n in known if n != weights.name and (folder / n).is_file())]
    found = {name: sha256(folder / name) for name in names}
    for name, digest in found.items():
        if known.get(name, digest) != digest:
            raise ModelError(
                f"{folder / name}: sha256 is {digest}; the model table expects {known[name]}. "
                "It is not the published checkpoint: fetch it again, or change the table's sha256"
            )
    state = "as known" if known.get(weights.name) else "not in the model table"
    log.info("weights %s: sha256 %s (%s)", weights, found[weights.name], state)
    return found
