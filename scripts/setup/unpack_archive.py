"""Unpack a group of files of an archive and check those whose checksum is known."""

from splicebert.jobs import job
from splicebert.sources import unpack


def main(snakemake):
    members, sha256 = snakemake.params.members, snakemake.params.sha256
    with job(snakemake) as log:
        others = unpack(snakemake.input.archive, members, sha256=sha256)
        for name, target in members.items():
            log.info("%s: %s, sha256 %s", name, target, "right" if target in sha256 else "unknown")
        log.info("%d other members, left in the archive:", len(others))
        for name in others:
            log.info("  %s", name)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
