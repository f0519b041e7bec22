"""Say what to fetch by hand and where to put it."""

from pathlib import Path

from splicebert.jobs import job
from splicebert.sources import check_manual


def main(snakemake):
    with job(snakemake) as log:
        found = check_manual(snakemake.params.source, Path(snakemake.output.file))
        log.info("%s: %s", snakemake.output.file, found)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
