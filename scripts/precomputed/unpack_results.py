"""Unpack the authors' results that this project reads, and list what the archive holds."""

from splicebert.jobs import job
from splicebert.precomputed.archive import CONTENTS, unpack_results
from splicebert.tables import write_table


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    with job(snakemake) as log:
        contents = unpack_results(params.archive, output.folder, most_bytes=params.most_bytes)
        write_table(contents, output.contents, CONTENTS)
        log.info("%d of %d files unpacked", contents["taken"].sum(), len(contents))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
