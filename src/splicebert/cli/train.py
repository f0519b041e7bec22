"""`splicebert train`: fine-tune a model on one's own examples."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpliceBERTError
from . import options

if TYPE_CHECKING:
    import pandas as pd

    from ..training.settings import Job

log = logging.getLogger(__name__)

DESCRIPTION = """\
Fine-tunes a model to tell 0 from 1, of each nucleotide (--task token) or of whole sequences
(--task sequence), by cross-validation: of N folds, fold k is the test of model k, fold k + 1
decides when it stops and which epoch is kept, the others are for training. Nothing of the test
fold touches training. A run that was killed goes on where it was: give the same command again."""

INPUT = """\
input, .parquet, .tsv or .tsv.gz with a header:
  sequence    nucleotides 5'->3'
  labels      --task sequence: 0 or 1. --task token: a number a nucleotide, 0, 1 or -100 (not
              looked at), a list in parquet or between commas; or as text of 0, 1 and . for -100
  example_id  name of the example (optional)
  group       examples that belong together, as on one chromosome: never in two folds (optional)
  fold        number of the fold, from 0; -1 for none (optional)"""

FILES = """\
files in FOLDER:
  fold0/model/            best epoch, for `splicebert predict -m FOLDER/fold0/model` and for
                          transformers' from_pretrained; training.json says how it was made
  fold0/metrics.tsv       loss, AUC, average precision and F1 of every epoch
  fold0/predictions.parquet  logits of the test fold after every epoch
  fold0/tensorboard/      events
  predictions.parquet     test folds at the best epoch of each
  scores.tsv              their AUC, average precision and F1, with 95 % intervals (bootstrap of
                          groups), of each fold and pooled
  selection.json, examples.parquet   epochs that were chosen; the examples with their folds"""

EXAMPLES = """\
examples:
  splicebert train -m SpliceBERT.510nt --task sequence donors.tsv -o models/donor
  splicebert train -m config/demo_model --task token branchpoints.parquet --folds 5 --only 0 \\
      --learning-rate 0.0005 --epochs 10 -o models/branchpoint"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command."""
    parser = options.command_parser(
        commands,
        "train",
        "Fine-tune a model on your own labelled sequences",
        DESCRIPTION,
        INPUT,
        FILES,
        EXAMPLES,
    )
    parser.add_argument("examples", metavar="TABLE", help="examples, as below")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="as below")
    parser.add_argument("--task", required=True, choices=("token", "sequence"))
    _add_folds(parser.add_argument_group("folds"))
    _add_method(parser)
    _add_training(parser.add_argument_group("training"))
    group = parser.add_argument_group("how it runs")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    group.add_argument("--attention", default="auto", help="auto, eager, sdpa or flash")
    group.add_argument("--threads", type=options.positive, metavar="N", help="CPU threads")
    group.add_argument("-q", "--quiet", action="store_true", help="only warnings and errors")
    return parser


def _add_folds(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--folds", type=options.positive, default=5, metavar="N", help="default: %(default)s"
    )
    group.add_argument(
        "--assign",
        choices=("group", "stratified", "given"),
        help="whole groups; shuffled, with equal shares of 0 and 1; or the column fold (default: "
        "given with that column, group where examples share groups, else stratified)",
    )
    group.add_argument(
        "--only",
        type=options.whole_numbers,
        metavar="K,..",
        help="only the models of these folds, as 0 or 0,2-4 (default: all)",
    )


def _add_method(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "-m", "--model", required=True, metavar="FOLDER|NAME", help="where training starts"
    )
    group.add_argument(
        "--models", metavar="FILE", default="config/models.yaml", help="the model table"
    )
    group.add_argument(
        "--initial",
        choices=("pretrained", "random"),
        default="pretrained",
        help="random: the same model without its pre-training, to compare with",
    )
    group.add_argument(
        "--freeze",
        type=options.whole,
        default=0,
        metavar="N",
        help="lowest layers that, with the embeddings, do not learn (default: 0, all learn)",
    )
    group.add_argument(
        "--labels",
        type=int,
        choices=(1, 2),
        help="outputs: 1 (sigmoid) or 2 (softmax); default: 2 for token, 1 for sequence",
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    from ..training.defaults import DEFAULTS as D

    def add(name: str, default: Any, text: str, **how: Any) -> None:
        shown = "none" if default is None else default
        group.add_argument(name, default=default, help=f"{text} (default: {shown})", **how)

    number, whole = {"type": float, "metavar": "X"}, {"type": options.positive, "metavar": "N"}
    add("--learning-rate", D["optimiser"]["learning_rate"], "highest rate of AdamW", **number)
    add("--weight-decay", D["optimiser"]["weight_decay"], "decoupled", **number)
    add("--batch", D["batch"]["size"], "examples a step", **whole)
    add("--accumulation", 1, "passes of a step, where memory is short", **whole)
    add("--epochs", D["epochs"], "most epochs", **whole)
    add(
        "--patience", D["patience"], "epochs without a better score; 0 never stops",
        type=options.whole, metavar="N",
    )  # fmt: skip
    kinds = ("plateau", "constant", "linear")
    add("--schedule", D["schedule"]["kind"], "of the learning rate", choices=kinds)
    add("--warmup", 0, "steps over which the rate rises", type=options.whole, metavar="N")
    add("--score", D["score"], "validation score that decides", choices=("ap", "auc"))
    add("--class-weights", None, "balanced, or W0,W1", type=class_weights, metavar="W")
    add("--dropout", None, "instead of the model's own", **number)
    add("--clip", None, "largest norm of the gradient", **number)
    precisions = ("auto", "float32", "bfloat16", "float16")
    add("--precision", "auto", "of the products; auto: bfloat16 on a GPU", choices=precisions)
    add("--seed", D["seed"], "of head, order, dropout and folds", type=options.whole, metavar="N")


def class_weights(text: str) -> str | list[float]:
    """Read balanced, or two positive numbers."""
    if text == "balanced":
        return text
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != 2 or min(found) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}; expected balanced, or two numbers as 1,5")
    return found


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """Settings of training from the options."""
    from ..training.settings import complete

    rate = args.learning_rate
    if rate <= 0:
        raise SpliceBERTError(f"--learning-rate {rate}; expected more than 0")
    if args.dropout is not None and not 0 <= args.dropout < 1:
        raise SpliceBERTError(f"--dropout {args.dropout}; expected 0 or more, less than 1")
    floor = complete({})["schedule"]["floor"]
    return complete(
        {
            "optimiser": {"learning_rate": rate, "weight_decay": args.weight_decay},
            "batch": {"size": args.batch, "accumulation": args.accumulation},
            "epochs": args.epochs,
            "patience": args.patience or None,
            "schedule": {
                "kind": args.schedule,
                "warmup_steps": args.warmup,
                "floor": min(floor, rate),
            },
            "score": args.score,
            "class_weights": args.class_weights,
            "precision": args.precision,
            "attention_dropout": args.dropout,
            "hidden_dropout": args.dropout,
            "clip": args.clip,
            "seed": args.seed,
        }
    )


def make_jobs(args: argparse.Namespace) -> list[Job]:
    """Jobs of the folds that were asked for."""
    from ..training.settings import Job, Split
    from .model import find_model

    choice = find_model(args.model, args.models, any_length=True)
    settings = settings_of(args)
    folds = range(args.folds) if args.only is None else args.only
    labels = args.labels or {"token": 2, "sequence": 1}[args.task]
    method = {"initial": args.initial, "freeze": args.freeze}
    return [
        Job(
            Split.make(fold, args.folds, [1], [0]), args.task, labels, choice.name, choice.entry,
            method, settings,
        )
        for fold in folds
    ]  # fmt: skip


def read_table(args: argparse.Namespace) -> pd.DataFrame:
    """Read the examples, with their folds."""
    from ..training.tabular import read_user_examples, with_folds

    table = read_user_examples(args.examples, args.task)
    return with_folds(table, folds=args.folds, how=args.assign, seed=args.seed)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    jobs, table = make_jobs(args), read_table(args)
    import torch

    from ..training.crossvalidate import train_folds
    from ..training.run import evaluation_runtime

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    runtime = evaluation_runtime(args.device, jobs[0].settings)
    scores = train_folds(jobs, table, args.output, runtime, attention=args.attention)
    for row in scores.itertuples(index=False):
        log.info(
            "test %s: %d of %d labels are 1, AUC %.3f (%.3f-%.3f), AP %.3f (%.3f-%.3f), F1 %.3f",
            row.fold, row.n_positive, row.n_labels, row.auc, row.auc_low, row.auc_high, row.ap,
            row.ap_low, row.ap_high, row.f1,
        )  # fmt: skip
    log.info("written to %s", Path(args.output))
