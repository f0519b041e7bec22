"""phastCons and phyloP of variants."""

from splicebert.jobs import job
from splicebert.tables import read_table, write_table
from splicebert.variant_inputs import read_tracks
from splicebert.variant_tables import SNV_TRACKS, SNVS


def main(snakemake):
    inputs = snakemake.input
    with job(snakemake) as log:
        table = read_table(inputs.snvs, SNVS)
        files = [inputs.get(name) or None for name in ("phastcons", "phylop")]
        tracks = read_tracks(table, *files, published=snakemake.params.protocol == "published")
        write_table(tracks, snakemake.output.tracks, SNV_TRACKS)
        known = tracks[["phastcons", "phylop"]].notna().sum()
        log.info("%d variants; with a value:\n%s", len(tracks), known.to_string())


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
