"""Download one file of the table of sources and check it."""

from splicebert.jobs import job
from splicebert.sources import download, record_checksum


def main(snakemake):
    source = snakemake.params.source
    with job(snakemake) as log:
        checksum = source["checksum"]
        if checksum is None and source["record"]:
            checksum = record_checksum(source["record"], source["url"])
            log.info("%s says %s", source["record"], checksum)
        if checksum is None:
            log.warning("no checksum is known: only the length is checked")
        found = download(source["url"], snakemake.output.file, checksum, size=source["size"])
        log.info("%s: %s, %s", source["url"], snakemake.output.file, found)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
