"""What workflow scripts share: their log, their genome, their model."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .genome import Genome
    from .models import ModelAdapter
    from .runtime import Runtime


@contextmanager
def job(snakemake) -> Iterator[logging.Logger]:
    """Log to the rule's log file; errors also in one line to the terminal.

    Parameters
    ----------
    snakemake
        The object that Snakemake hands to a script.
    """
    handler = logging.FileHandler(snakemake.log[0], mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # tells of every glyph
    try:
        yield logging.getLogger(snakemake.rule)
    except Exception as error:
        logging.getLogger(snakemake.rule).exception("failed")
        # In one write, since other jobs write to the same pipe.
        sys.stderr.write(f"{snakemake.rule}: {error}\n")
        raise
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def open_genome(snakemake) -> Genome:
    """Open the FASTA of a job with inputs fasta, fai and gzi."""
    from .genome import Genome

    inputs = snakemake.input
    return Genome(inputs.fasta, fai=inputs.fai, gzi=inputs.gzi)


def choose_device(snakemake) -> str:
    """Device of a job: that of the configuration; the CPU for `auto` without a GPU given to it."""
    device = snakemake.config["inference"]["device"]
    if device == "auto" and not snakemake.resources.get("gpu", 0):
        return "cpu"
    return device


def open_model(snakemake) -> tuple[ModelAdapter, Runtime]:
    """Load the model of an inference job and log what runs where, in which precision.

    The job has the wildcard `model` and the parameters `model` (its entry in the model table),
    `dtype` and `purpose` (see `Runtime`); device, batch and attention back end, which do not
    decide the numbers, come from the configuration. A job that was given no GPU
    (`--resources gpu=0`) and asked for device `auto` runs on the CPU.
    """
    import torch

    from .models import load_model
    from .runtime import PURPOSES, Runtime

    torch.set_num_threads(snakemake.threads)
    inference, device = snakemake.config["inference"], choose_device(snakemake)
    params = snakemake.params
    log, dtype = logging.getLogger(snakemake.rule), params.dtype
    if dtype != "auto" and dtype not in PURPOSES[params.purpose]:
        log.warning("dtype %s is too coarse for a %s: auto instead", dtype, params.purpose)
        dtype = "auto"
    runtime = Runtime.choose(device, dtype, inference["batch_nt"], purpose=params.purpose)
    name = snakemake.wildcards.model
    model = load_model(
        name,
        {name: params.model},
        device=runtime.device,
        dtype=runtime.dtype,
        attention=inference["attention"],
        compiled=inference["compile"],
    )
    log.info("%s; %s", model.describe(), runtime.describe())
    return model, runtime
