"""`splicebert predict`: class probabilities of a fine-tuned model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from ..scores import log_softmax
from . import options

if TYPE_CHECKING:
    from .classifier import Classifier
    from .writers import Column

KINDS = (".tsv", ".tsv.gz", ".parquet")

DESCRIPTION = """\
Runs a model that was fine-tuned for classification: a folder whose config.json names
BertForTokenClassification (classes of each nucleotide) or BertForSequenceClassification (of the
whole sequence). Probabilities are the softmax over the classes; with a single label, or where
problem_type is multi_label_classification, the sigmoid of each. Where problem_type is regression
the values are written as they come."""

COLUMNS = """\
output, in input order; a row a nucleotide, or a row a sequence:
  id             sequence
  offset         0-based position in the sequence as given, 5'->3' (nucleotides only)
  p_0, p_1, ..   probability of each class, in the order of the model's labels; logit_0, .. with
                 --raw, value_0, .. for regression"""

EXAMPLES = """\
examples:
  splicebert predict -m models/branchpoint --bed introns.bed --genome hg38.fa --length 510
  splicebert predict -m models/donor sequences.fa -o donor.parquet"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "predict",
        "Class probabilities of a fine-tuned model",
        DESCRIPTION,
        COLUMNS,
        options.LENGTHS,
        EXAMPLES,
    )
    options.add_sequence_input(parser)
    options.add_output(parser, KINDS)
    group = parser.add_argument_group("what is written")
    group.add_argument("--raw", action="store_true", help="logits, no softmax or sigmoid")
    options.add_model(parser)
    return parser


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from ..inference import Item
    from .classifier import Classifier
    from .model import choose_runtime, find_model, open_checked
    from .streams import attach
    from .writers import check_output, open_table

    check_output(args.output, KINDS)
    choice = find_model(args.model, args.models, args.any_length)
    records = open_checked(args, choice)
    runtime = choose_runtime(args, "probability")
    model = Classifier(choice, runtime, args.attention)
    pairs = ((record.id, Item(record.sequence)) for record in records)
    results = attach(pairs, lambda items: model.run(items, progress=not args.quiet))
    name, how = activation(model.problem_type, model.num_labels, args.raw)
    with open_table(args.output, table_columns(model, name)) as table:
        for id_, logits in results:
            table.write(rows(id_, np.atleast_2d(probabilities(logits, how)), name))


def activation(problem_type: str | None, num_labels: int, raw: bool) -> tuple[str, str]:
    """Name of the columns, and what turns logits into them: none, sigmoid or softmax."""
    if raw:
        return "logit", "none"
    if problem_type == "regression":
        return "value", "none"
    if num_labels == 1 or problem_type == "multi_label_classification":
        return "p", "sigmoid"
    return "p", "softmax"


def probabilities(logits: np.ndarray, how: str) -> np.ndarray:
    """Turn logits, float32 (..., labels), into float64 of that shape; `how` from `activation`."""
    values = np.asarray(logits, np.float64)
    if how == "softmax":
        return np.exp(log_softmax(values))
    # exp(-ln(1 + exp(-x))) does not overflow.
    return np.exp(-np.logaddexp(0.0, -values)) if how == "sigmoid" else values


def table_columns(model: Classifier, name: str) -> list[Column]:
    """Columns of the output."""
    from .writers import Column

    offset = [Column("offset", "int")] if model.head == "token" else []
    labels = [Column(f"{name}_{label}", "float") for label in range(model.num_labels)]
    return [Column("id", "str"), *offset, *labels]


def rows(id_: str, values: np.ndarray, name: str) -> dict:
    """Rows of the output; values : float64 (nt or 1, labels)."""
    columns = {f"{name}_{label}": values[:, label] for label in range(values.shape[1])}
    return {"id": [id_] * len(values), "offset": np.arange(len(values)), **columns}
