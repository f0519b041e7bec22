"""Download one file of the table of sources and check it."""

from splicebert.jobs import job
from splicebert.sources import fetch


def main(snakemake):
    source = snakemake.params.source
    with job(snakemake) as log:
        found = fetch(source, snakemake.output.file)
        log.info("%s: %s, %s", source["url"], snakemake.output.file, found)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
