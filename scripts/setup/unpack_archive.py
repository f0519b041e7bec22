"""Unpack a group of files of an archive and check those whose checksum is known."""

from pathlib import Path

from splicebert.jobs import job
from splicebert.source_table import load_sources
from splicebert.sources import Limits, check_manual, check_placed, unpack


def main(snakemake):
    params, archive = snakemake.params, snakemake.input.get("archive")
    with job(snakemake) as log:
        if archive is None:
            check_placed(params.members.values(), params.sha256)
            log.info("no archive: the files were put in place by hand")
            return
        root = Path(snakemake.scriptdir).parents[1]
        source = load_sources(snakemake.config["sources_table"], root)[params.source]
        if source["manual"] is not None:
            check_manual(source, Path(archive))
        others = unpack(
            archive,
            params.members,
            sha256=params.sha256,
            known={name for group in source["members"].values() for name in group},
            limits=Limits(source["max_bytes"], source["max_members"]),
        )
        for name, target in params.members.items():
            right = "right" if target in params.sha256 else "unknown"
            log.info("%s: %s, sha256 %s", name, target, right)
        for name in others:
            log.warning("%s: not in the table of sources, left in the archive", name)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
