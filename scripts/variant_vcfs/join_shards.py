"""Put the shards of a VCF behind one another: table, annotated VCF, what was left out, counts."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from splicebert.cli.writers import open_table
from splicebert.jobs import job
from splicebert.tables import atomic_path
from splicebert.vcf_columns import score_columns
from splicebert.vcf_output import join_vcfs


def join_tables(parts, parquet, tsv):
    """Copy the rows of parquet files to one, and to a TSV, a row group at a time."""
    columns = score_columns(transcripts=True, background=True)
    schema = pq.read_schema(parts[0])
    with (
        atomic_path(parquet) as temporary,
        open_table(tsv, columns) as text,
        pq.ParquetWriter(temporary, schema, compression="zstd") as out,
    ):
        for part in parts:
            with pq.ParquetFile(part) as file:
                for number in range(file.num_row_groups):
                    rows = file.read_row_group(number)
                    out.write_table(rows)
                    text.write(text_columns(rows, columns))


def text_columns(rows, columns):
    """Columns of a row group as a TSV takes them: NaN for a missing float, None for others."""
    return {
        column.name: rows[column.name].to_numpy()
        if column.kind == "float"
        else rows[column.name].to_pylist()
        for column in columns
    }


def join_lists(parts, path):
    """Copy TSV files to one; the header is the first one's."""
    with atomic_path(path) as temporary, temporary.open("w") as out:
        for number, part in enumerate(parts):
            with open(part) as lines:
                header = next(lines)
                if number == 0:
                    out.write(header)
                out.writelines(lines)


def add_up(parts):
    """Sum of the shards' summaries."""
    summaries = [json.loads(Path(part).read_text()) for part in parts]
    total = {
        key: sum(summary[key] for summary in summaries)
        for key in ("records", "variants", "rows", "nt", "seconds")
    }
    left_out = sum((Counter(summary["left_out"]) for summary in summaries), Counter())
    seconds = max(total["seconds"], 1e-9)
    speed = {f"{key}_per_second": round(total[key] / seconds, 3) for key in ("variants", "nt")}
    return total | {"left_out": dict(sorted(left_out.items()))} | speed


def main(snakemake):
    inputs, output = snakemake.input, snakemake.output
    with job(snakemake) as log:
        join_tables(inputs.tables, output.parquet, output.tsv)
        join_vcfs(inputs.vcfs, output.vcf, csi=True)
        join_lists(inputs.skipped, output.skipped)
        total = add_up(inputs.summaries)
        with atomic_path(output.summary) as temporary:
            temporary.write_text(json.dumps(total, indent=1) + "\n")
        log.info("%s", total)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
