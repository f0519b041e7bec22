"""The authors' mutagenesis of random transcripts: its sites, and KL by distance from them."""

from splicebert.arrays import ArrayWriter
from splicebert.jobs import job
from splicebert.precomputed.archive import find
from splicebert.precomputed.variant import MUTAGENESIS_FILE, read_mutagenesis
from splicebert.tables import atomic_path, write_table
from splicebert.variant_tables import SITES

WITHOUT = "leave out the data set of kind mutagenesis"


def main(snakemake):
    output = snakemake.output
    with job(snakemake) as log:
        found = read_mutagenesis(find(snakemake.input.folder, MUTAGENESIS_FILE, WITHOUT))
        write_table(found.sites, output.sites, SITES)
        fields = {"kl": (found.profiles.shape[1:], "float32")}
        with (
            atomic_path(output.profiles[0]) as part,
            ArrayWriter(part, found.sites["site_id"], fields) as writer,
        ):
            for row in found.profiles:
                writer.append(kl=row)
        log.info("%d sites, distances up to %d nt", *found.profiles.shape)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
