"""Predict the masked bases of each window with a masked language model."""

from collections.abc import Iterator

import numpy as np
from scipy.special import log_softmax

from splicebert.arrays import ArrayReader, ArrayWriter
from splicebert.inference import Item, run_logits
from splicebert.jobs import job, open_model
from splicebert.masking import MASKED, NOT_CHOSEN
from splicebert.shards import rows_of_shard
from splicebert.tables import atomic_path

LETTERS = np.frombuffer(b"ACGTN", np.uint8)
OTHER, NOT_PREDICTED = 4, 255


def items(reader: ArrayReader, own: slice, chunk: int = 1024) -> Iterator[Item]:
    """Yield the sequences as the model is to see them, their [MASK] positions, what to read."""
    for left in range(own.start, own.stop, chunk):
        rows = slice(left, min(left + chunk, own.stop))
        seen, treatment = reader.read("seen", rows), reader.read("treatment", rows)
        for codes, kinds in zip(seen, treatment, strict=True):
            yield Item(
                LETTERS[codes].tobytes().decode(),
                kinds == MASKED,
                np.flatnonzero(kinds != NOT_CHOSEN),
            )


def predicted_bases(logits: np.ndarray, vocab: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Most likely token and log probability of the four bases.

    Parameters
    ----------
    logits
        float32 (nt, vocab).
    vocab
        Meaning of the columns.

    Returns
    -------
    predicted : uint8 (nt,), A 0, C 1, G 2, T 3, any other token 4; argmax over the vocabulary
    log_prob : float32 (nt, 4), natural log of the softmax over the vocabulary, order ACGT
    """
    columns = [vocab.index(base) for base in "ACGT"]
    code = np.full(len(vocab), OTHER, np.uint8)
    code[columns] = range(4)
    return code[logits.argmax(axis=-1)], log_softmax(logits, axis=-1)[:, columns]


def main(snakemake):
    shard, shards = int(snakemake.wildcards.shard), snakemake.params.shards
    with (
        job(snakemake) as log,
        ArrayReader(snakemake.input.annotation) as reader,
        atomic_path(snakemake.output.predictions) as path,
    ):
        own = rows_of_shard(len(reader), shard, shards, what="windows", key="conservation.shards")
        ids = reader.window_ids[own]
        model, runtime = open_model(snakemake)
        length = reader.read("bases", slice(0, 1)).shape[1]
        fields = {"predicted": ((length,), "uint8"), "log_prob": ((length,), "float32")}
        results = run_logits(
            model, items(reader, own), runtime, total_nt=len(ids) * length, label=snakemake.rule
        )
        bases, treatment = reader.read("bases", own), reader.read("treatment", own)
        with ArrayWriter(path, ids, fields) as writer:
            for row, logits in enumerate(results):
                chosen = np.flatnonzero(treatment[row] != NOT_CHOSEN)
                predicted = np.full(length, NOT_PREDICTED, np.uint8)
                log_prob = np.full(length, np.nan, np.float32)
                predicted[chosen], by_base = predicted_bases(logits, model.vocab)
                log_prob[chosen] = by_base[np.arange(len(chosen)), bases[row][chosen]]
                writer.append(predicted=predicted, log_prob=log_prob)
        log.info("%d of %d windows, %d bases", len(ids), len(reader), int((treatment > 0).sum()))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
