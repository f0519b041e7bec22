"""The dependency branch on slices of hg19: regions of a BED and introns drawn, to the end."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from splicebert.arrays import ArrayReader
from splicebert.dependency import dependency_maps
from splicebert.dependency_tables import (
    BLOCK_SUMMARY,
    BLOCKS,
    DEPENDENCY_INTRONS,
    DEPENDENCY_WINDOWS,
    MAP_CELLS,
)
from splicebert.genome import Genome
from splicebert.models import SpliceBERT
from splicebert.runtime import Runtime
from splicebert.tables import INTRONS, read_table

MODEL, LENGTH, SHARDS = "tiny.1024nt", 160, 2


@pytest.fixture(scope="module")
def configuration(shared, tmp_path_factory):
    """Regions: an intron on either strand, and the beginning of chr1, which is N."""
    real = shared / "real"
    bed = tmp_path_factory.mktemp("bed") / "regions.bed"
    bed.write_text("chr19\t500100\t500180\tany\t0\t-\nchr1\t0\t50\tstart\t0\t+\n")
    model = {"adapter": "splicebert", "label": "Tiny", "colour": "#0072B2", "can": ["logits"],
             "folder": str(real / "models" / MODEL)}  # fmt: skip
    on_hg19 = {"genome": "hg19", "assembly": "hg19"}
    return {
        "genomes": {
            "hg19": {
                "assembly": "hg19",
                "fasta": str(real / "genome.fa.gz"),
                "annotation": str(real / "annotation.gtf.gz"),
                "infer_gene_type": True,
            }
        },
        "models": {MODEL: model},
        "inference": {"device": "cpu", "threads": 1},
        "dependency": {
            "datasets": {
                "bed": on_hg19 | {"regions": str(bed)},
                "drawn": on_hg19 | {"branchpoints": str(real / "mercer_dataset.hg19.bed.gz")},
            },
            "models": [MODEL],
            "windows": {"length": LENGTH},
            "introns": {"largest": 110, "most": 3},
            "figures": 1,
            "shards": SHARDS,
            "bootstrap": {"replicates": 50},
        },
    }


@pytest.fixture(scope="module")
def finished(configuration, project, tmp_path_factory, execute, write_config):
    """Working folder of a finished run, and its configuration."""
    folder = tmp_path_factory.mktemp("dependency")
    path = write_config(folder / "dependency.yaml", configuration)
    done = execute("snakemake", "dependency", "--cores", "2", "--configfile", path, "--directory",
                   folder, cwd=project)  # fmt: skip
    assert done.code == 0, done.output
    print(f"dependency on real data: {done.seconds:.0f} s")
    return folder, path


def maps_of(finished, dataset):
    """Window ids, maps, status and positions of a data set, all shards."""
    ids, parts = [], {"map": [], "status": [], "position": []}
    for shard in range(SHARDS):
        folder = finished[0] / "results/dependency" / dataset / MODEL
        with ArrayReader(folder / f"maps.{shard}-of-{SHARDS}.zarr.zip") as reader:
            ids += list(reader.window_ids)
            for name, arrays in parts.items():
                arrays.append(reader.read(name))
    return ids, {name: np.concatenate(arrays) for name, arrays in parts.items()}


def table(finished, dataset, name, schema):
    return read_table(finished[0] / "results/dependency" / dataset / name, schema)


def test_every_map_is_that_of_its_sequence(finished, shared):
    model = SpliceBERT(shared / "real" / "models" / MODEL)
    runtime = Runtime(torch.device("cpu"), purpose="difference")
    windows = table(finished, "drawn", "inputs.parquet", DEPENDENCY_WINDOWS)
    ids, arrays = maps_of(finished, "drawn")
    assert ids == windows["window_id"].tolist()
    last = windows.iloc[-1]
    with Genome(shared / "real/genome.fa.gz") as genome:
        sequence = genome.fetch(last["chrom"], last["start"], last["end"], last["strand"])
    (expected,) = dependency_maps(model, [sequence], runtime, progress=False)
    np.testing.assert_allclose(arrays["map"][-1], expected, atol=2e-5)


def test_positions_without_a_base_have_no_value_and_a_reason(finished):
    _, arrays = maps_of(finished, "bed")
    values, status, position = (arrays[name][1] for name in ("map", "status", "position"))
    assert position[0] < 0
    np.testing.assert_array_equal(status == 2, position < 0)
    assert (status[position >= 0] == 1).all()  # hg19 begins with N
    assert np.isnan(values).all()
    assert (arrays["status"][0] == 0).all()
    assert np.isnan(arrays["map"][0]).sum() == LENGTH


def test_introns_are_those_of_the_annotation(finished):
    introns = table(finished, "drawn", "inputs.introns.parquet", DEPENDENCY_INTRONS)
    known = read_table(finished[0] / "resources/reference/hg19/introns.parquet", INTRONS)
    both = introns.merge(known, on=["tx_id", "intron_number", "chrom", "start", "end", "strand"])
    assert len(both) == len(introns) >= 3
    about = json.loads((finished[0] / "results/dependency/drawn/inputs.json").read_text())
    assert about["windows"] == 3
    assert about["skipped_introns"]["length out of the limits"] > 100


def test_tables_and_figures(finished):
    folder = finished[0] / "results"
    blocks = read_table(folder / "dependency/tables/blocks.tsv", BLOCKS)
    summary = read_table(folder / "dependency/tables/block_summary.tsv", BLOCK_SUMMARY)
    scored = blocks[(blocks["dataset"] == "drawn") & blocks["score"].notna()]
    assert (scored["link"] == "donor_acceptor").sum() >= 3
    own = scored[scored["link"] == "donor_acceptor"]
    own = own.drop_duplicates(["chrom", "start", "end", "strand"])
    mean = summary.set_index(["dataset", "link", "quantity"])["mean"]
    assert mean["drawn", "donor_acceptor", "rank"] == pytest.approx(own["rank"].mean(), rel=1e-4)
    assert (scored["n_background"] >= 10).all()
    figures = folder / "figures/dependency"
    for dataset in ("bed", "drawn"):
        for name in ("blocks", "region_1"):
            stem = figures / f"{dataset}.{MODEL}.{name}"
            assert stem.with_name(f"{stem.name}.pdf").read_bytes().startswith(b"%PDF")
    cells = read_table(figures / f"drawn.{MODEL}.region_1.tsv.gz", MAP_CELLS)
    _, arrays = maps_of(finished, "drawn")
    found = arrays["map"][0][cells["mutated_offset"], cells["observed_offset"]]
    np.testing.assert_allclose(cells["dependency"], found, rtol=1e-5)
    parts = pd.read_csv(figures / f"drawn.{MODEL}.region_1.parts.tsv", sep="\t")
    assert {"exon", "intron"} <= set(parts["part"])


def test_a_lost_shard_alone_is_made_again(finished, project, planned):
    folder, path = finished
    shard = folder / "results/dependency/drawn" / MODEL / f"maps.1-of-{SHARDS}.zarr.zip"
    kept = shard.read_bytes()
    shard.unlink()
    try:
        for name in ("dependency/tables", "figures/dependency"):
            assert (folder / "results" / name).is_dir()
        target = f"results/dependency/drawn/{MODEL}/{shard.name}"
        jobs = planned(target, "--configfile", path, "--directory", folder, cwd=project)
        assert jobs == {"infer_dependency_maps": 1}
    finally:
        shard.write_bytes(kept)
