"""Write down where the numbers of this run come from: JSON, costs as TSV, a page of the report."""

import json
from html import escape
from pathlib import Path

import pandas as pd

from splicebert import provenance
from splicebert.jobs import job
from splicebert.tables import atomic_path, write_table

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Provenance</title><style>
body {{ font: 14px sans-serif; margin: 1.5em; }}
table {{ border-collapse: collapse; margin-bottom: 1em; }}
th, td {{ padding: 2px 10px; border-bottom: 1px solid #ddd; text-align: left; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
td.sum, pre {{ font: 12px monospace; }}
</style></head><body><h1>Provenance</h1>
{body}
</body></html>
"""
SHOWN = (
    *("numpy", "pandas", "scipy", "scikit-learn", "torch", "transformers", "scanpy", "umap-learn"),
    *("leidenalg", "matplotlib", "zarr", "pyarrow", "pysam", "pyBigWig", "splicebert"),
)


def collect(params) -> dict:
    """Everything that the JSON holds; paths are those of the working folder."""
    jobs = provenance.read_benchmarks(Path("benchmarks").rglob("*.tsv"), params.benchmarks)
    return {
        "software": provenance.software(params.snakemake),
        "source": provenance.source_state(Path(params.root)),
        "machine": provenance.machine(),
        "devices": provenance.devices(Path("logs").rglob("*.log")),
        "weights": provenance.file_states(params.weights),
        "inputs": provenance.file_states(params.inputs),
        "seeds": dict(provenance.find_seeds(params.config)),
        "config": params.config,
        "jobs": jobs,
    }


def cell(value) -> str:
    """One cell; numbers to the right, checksums in full."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "<td></td>"
    if isinstance(value, (int, float)):
        text = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
        return f'<td class="number">{text}</td>'
    kind = ' class="sum"' if len(str(value)) == 64 else ""
    return f"<td{kind}>{escape(str(value))}</td>"


def to_table(head: list[str], rows) -> str:
    """An HTML table."""
    lines = ["<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows]
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def source_text(source: dict) -> str:
    """The commit in words."""
    if not source["commit"]:
        return f"no commit ({source['reason']})"
    changed = len(source["modified"])
    return source["commit"] + (f", and {changed} files that differ from it" if changed else "")


def to_html(about: dict, costs: pd.DataFrame) -> str:
    """The page of the report."""
    software, machine = about["software"], about["machine"]
    packages = {name: software["packages"].get(name) for name in SHOWN}
    facts = [
        ("Commit", source_text(about["source"])),
        ("Checksum of the workflow's files", about["source"]["sha256"]),
        ("Python", software["python"]),
        ("Snakemake", software["snakemake"]),
        ("Machine that wrote this", f"{machine['system']}; {machine['processor']}, "
         f"{machine['cores']} cores, {machine['memory_gib']} GiB"),
        ("GPUs there", "; ".join(machine["gpus"]) or "none seen"),
        ("Packages", ", ".join(f"{k} {v}" for k, v in packages.items() if v)),
    ]  # fmt: skip
    files = ["role", "file", "bytes", "sha256"]
    total = costs["seconds"].sum()
    body = [
        to_table(["", ""], facts),
        "<h2>Devices</h2><p>As each job of a model logged it.</p>",
        to_table(["jobs", "model, device, precision"],
                 [(len(logs), text) for text, logs in about["devices"].items()]),
        "<h2>Weights</h2>", to_table(files, [row.values() for row in about["weights"]]),
        "<h2>Inputs</h2><p>Files that the configuration names.</p>",
        to_table(files, [row.values() for row in about["inputs"]]),
        "<h2>Seeds</h2>",
        to_table(["key", "seed"], [(key, str(seed)) for key, seed in about["seeds"].items()]),
        f"<h2>Cost of rules</h2><p>{total:,.0f} s of jobs. A rule without a number left no "
        "benchmark in this folder.</p>",
        to_table(["rule", "jobs", "seconds", "longest, s", "processor, s", "memory, MiB"],
                 costs.itertuples(index=False)),
        "<h2>Configuration</h2><pre>", escape(json.dumps(about["config"], indent=1)), "</pre>",
    ]  # fmt: skip
    return PAGE.format(body="\n".join(body))


def main(snakemake):
    params, outputs = snakemake.params, snakemake.output
    with job(snakemake) as log:
        about = collect(params)
        costs = provenance.rule_costs(about["jobs"], params.benchmarks)
        write_table(costs, outputs.costs, provenance.RULE_COSTS)
        with atomic_path(outputs.about) as path:
            path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        with atomic_path(outputs.page) as path:
            path.write_text(to_html(about, costs), encoding="utf-8")
        log.info("%s; %d jobs", source_text(about["source"]), len(about["jobs"]))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821
