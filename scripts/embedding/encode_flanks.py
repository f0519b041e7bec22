"""One-hot baselines: the dinucleotide and so many nt on either side, without any model."""

from splicebert.arrays import ArrayWriter
from splicebert.embedding import flank_features, flank_method
from splicebert.embedding_tables import EMBEDDING_SITES
from splicebert.jobs import job, open_genome
from splicebert.tables import atomic_path, read_table


def main(snakemake):
    flanks = snakemake.params.flanks
    with (
        job(snakemake) as log,
        open_genome(snakemake) as genome,
        atomic_path(snakemake.output.features) as path,
    ):
        sites = read_table(snakemake.input.sites, EMBEDDING_SITES)
        reach = max(flanks)
        fields = {flank_method(flank): (((2 + 2 * flank) * 4,), "uint8") for flank in flanks}
        about = {"representations": [[method, 0, method] for method in fields]}
        with ArrayWriter(path, sites["site_id"], fields, attributes=about) as writer:
            for s in sites.itertuples(index=False):
                sequence = genome.fetch(s.chrom, s.start - reach, s.end + reach, s.strand)
                writer.append(**{flank_method(f): flank_features(sequence, f) for f in flanks})
        log.info("%d sites, flanks of %s nt", len(sites), ", ".join(map(str, flanks)))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
