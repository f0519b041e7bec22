"""Turn a GTF or genePred into tables of transcripts, exons, introns and region classes."""

from splicebert import transcripts
from splicebert.jobs import job
from splicebert.tables import EXONS, INTRONS, REGIONS, TRANSCRIPTS, write_table


def read_annotation(path: str, *, kind: str, infer_gene_type: bool):
    """Read an annotation of the kind that the configuration names."""
    if kind == "genepred":
        return transcripts.read_genepred(path)
    return transcripts.read_gtf(path, infer_gene_type=infer_gene_type)


def main(snakemake):
    with job(snakemake) as log:
        annotation = read_annotation(
            snakemake.input.annotation,
            kind=snakemake.params.kind,
            infer_gene_type=snakemake.params.infer_gene_type,
        )
        regions = transcripts.region_classes(annotation, near=snakemake.params.near_nt)
        write_table(annotation.transcripts, snakemake.output.transcripts, TRANSCRIPTS)
        write_table(annotation.exons, snakemake.output.exons, EXONS)
        write_table(transcripts.introns(annotation.exons), snakemake.output.introns, INTRONS)
        write_table(regions, snakemake.output.regions, REGIONS)
        log.info(
            "%d transcripts, %d canonical",
            len(annotation.transcripts),
            annotation.transcripts["is_canonical"].sum(),
        )
        log.info(
            "bases by region (overlaps counted each time):\n%s",
            (regions["end"] - regions["start"]).groupby(regions["name"]).sum().to_string(),
        )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
