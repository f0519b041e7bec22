"""Choose epochs by the validation scores of all folds and put their test predictions together."""

from splicebert.jobs import job
from splicebert.training.gather import gather


def main(snakemake):
    inputs, output, params = snakemake.input, snakemake.output, snakemake.params
    with job(snakemake) as log:
        chosen = gather(
            inputs.metrics,
            inputs.predictions,
            output.predictions,
            output.selection,
            score=params.settings["score"],
            patience=params.settings["patience"],
            protocol=params.protocol,
            folds=params.folds,
        )
        log.info("protocol %s, epochs %s", params.protocol, chosen.epochs)
        if not chosen.ended:
            log.warning(
                "a fold stopped after %d epochs, before the mean over the folds had stalled for "
                "%s: a later epoch might have been chosen; raise training.patience",
                chosen.common, params.settings["patience"],
            )  # fmt: skip


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
