"""Run the best model of each fold on the sites of another species."""

import numpy as np
import pandas as pd
import torch

from splicebert.cli.classifier import Classifier
from splicebert.cli.model import find_model
from splicebert.inference import Item, Runtime
from splicebert.jobs import choose_device, job
from splicebert.splicesite_baselines import score_rows
from splicebert.splicesite_tables import SITE_SCORES
from splicebert.tables import read_table, write_table
from splicebert.training.tables import EXAMPLES


def predict(weights: str, sequences: list[str], runtime: Runtime, attention: str) -> np.ndarray:
    """Logits of the model whose weights file this is: float32 (n,)."""
    choice = find_model(weights.rsplit("/", 1)[0], "", any_length=True)
    model = Classifier(choice, runtime, attention)
    return np.concatenate(list(model.run(map(Item, sequences))))


def main(snakemake):
    params, inputs = snakemake.params, snakemake.input
    inference = snakemake.config["inference"]
    with job(snakemake) as log:
        torch.set_num_threads(snakemake.threads)
        runtime = Runtime.choose(
            choose_device(snakemake), params.dtype, inference["batch_nt"], purpose="probability"
        )
        examples = read_table(inputs.benchmark, EXAMPLES)
        sequences = examples["sequence"].tolist()
        scores = []
        for fold, weights in zip(params.folds, inputs.models, strict=True):
            logits = predict(weights, sequences, runtime, inference["attention"])
            scores.append(score_rows(examples, logits, snakemake.wildcards.species, fold))
        write_table(pd.concat(scores, ignore_index=True), snakemake.output.scores, SITE_SCORES)
        log.info("%d sequences, %d folds", len(examples), len(scores))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
