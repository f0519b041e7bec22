"""The demo as it is configured recovers what was planted: conservation, repeats, domains."""

import numpy as np
import pandas as pd
import pytest
import yaml

from splicebert.arrays import ArrayReader
from splicebert.masking import NOT_CHOSEN
from splicebert.statistics import Estimate, balanced_accuracy, bootstrap_counts, estimate
from truth.claims import demands


@pytest.fixture(scope="module")
def tables(demo, run, with_untrained):
    """Tables of the demo, with an untrained model of the same size beside the trained one."""
    folder = demo.folder
    config = with_untrained(folder)
    config["conservation"]["mlm"]["models"].append("untrained")
    config["conservation"]["probe"]["models"].append("untrained")
    path = folder / "truth.yaml"
    path.write_text(yaml.safe_dump(config))
    names = ("probe_metrics", "mlm_accuracy", "mlm_summary")
    files = {name: f"results/conservation/tables/{name}.tsv" for name in names}
    run(*files.values(), "--cores", "2", "--configfile", path, cwd=folder)
    return {name: pd.read_csv(folder / file, sep="\t") for name, file in files.items()}


class Masked:
    """The masked bases of the demo: which were predicted rightly, and in what they lie.

    Arrays of (windows, nt): right, chosen, region class bits, and whether within a planted domain.
    """

    def __init__(self, folder):
        data = folder / "results/conservation/demo"
        with (
            ArrayReader(data / "mlm_windows.zarr.zip") as windows,
            ArrayReader(data / "demo/masked_bases.0-of-1.zarr.zip") as predictions,
        ):
            self.bases, self.regions = windows.read("bases"), windows.read("regions")
            self.right = predictions.read("predicted") == self.bases
            self.chosen = windows.read("treatment") != NOT_CHOSEN
            self.names = windows.attributes["regions"]
            places = pd.read_parquet(data / "inputs.mlm.parquet").set_index("window_id")
            places = places.loc[list(windows.window_ids)]
        domains = pd.read_csv(folder / "resources/genomes/demo/truth/domains.tsv", sep="\t")
        self.domain = np.stack([self.within(domains, row) for row in places.itertuples()])

    @staticmethod
    def within(domains, window):
        inside = np.zeros(window.end - window.start, bool)
        for row in domains[domains["chrom"] == window.chrom].itertuples():
            inside[max(row.start - window.start, 0) : max(row.end - window.start, 0)] = True
        return inside if window.strand == "+" else inside[::-1]

    def region(self, name):
        return (self.regions >> self.names.index(name) & 1) == 1

    def accuracy(self, where):
        """Balanced accuracy of the masked bases at `where`, interval over windows."""
        counts = np.zeros((len(self.bases), 4, 2))
        window, offset = np.nonzero(where & self.chosen)
        right = self.right[window, offset].astype(int)
        np.add.at(counts, (window, self.bases[window, offset], right), 1)
        samples = bootstrap_counts(counts, balanced_accuracy, 300, seed=0)
        return estimate(balanced_accuracy(counts.sum(axis=0)), samples)


@pytest.fixture(scope="module")
def masked(tables, demo):
    return Masked(demo.folder)


def probe(tables, model, metric, split="chromosome"):
    table = tables["probe_metrics"]
    table = table[(table["metric"] == metric) & (table["split"] == split)]
    return table[table["model"] == model].iloc[0]


def accuracy(tables, region, bases, model="demo"):
    table = tables["mlm_accuracy"]
    table = table[(table["region"] == region) & (table["bases"] == bases)]
    return table[table["model"] == model].iloc[0]


@pytest.mark.parametrize("demand", demands("conservation", "probe"))
def test_embeddings_tell_conservation_better_than(tables, demand):
    (metric,) = demand.case
    trained, other = (probe(tables, model, metric) for model in ("demo", demand.control))
    for name, row in (("demo", trained), (demand.control, other)):
        print(f"{name} {metric} {row['value']:.3f} ({row['low']:.3f}-{row['high']:.3f})")
    assert trained["value"] - other["value"] > demand.least


@pytest.mark.parametrize("demand", demands("conservation", "probe_auc"))
def test_embeddings_tell_conservation(tables, demand):
    assert probe(tables, "demo", "auc", *demand.case)["low"] > demand.least


@pytest.fixture(scope="module")
def compared(tables, masked):
    """Accuracies at masked bases: what is predicted better, and what worse."""
    coding, intron = (masked.region(f"protein_coding|{name}") for name in ("CDS", "intron"))
    other = masked.accuracy(coding & ~masked.domain)
    repeats = (accuracy(tables, "protein_coding|intron", name) for name in ("repeat", "nonrepeat"))
    return {
        "repeat": tuple(Estimate(*row[["value", "low", "high"]]) for row in repeats),
        "domain": (masked.accuracy(coding & masked.domain), other),
        "intron": (masked.accuracy(intron), other),
    }


@pytest.mark.parametrize("demand", demands("conservation", "accuracy"))
def test_what_can_be_known_is_predicted_better_than(compared, demand):
    """Repeats and domains are copies; introns outside them have tracts and composition."""
    better, worse = compared[demand.case[0]]
    print(f"{demand.case[0]} {better.value:.3f}, {demand.control} {worse.value:.3f}")
    assert better.low > worse.high + demand.least


@pytest.mark.parametrize("demand", demands("conservation", "mlm"))
def test_an_untrained_model_predicts_at_chance(tables, demand):
    table = tables["mlm_summary"]
    table = table[table["metric"] == demand.case[0]].set_index("model")
    assert table.loc[demand.control, "high"] < demand.most
    assert table.loc["demo", "low"] > table.loc[demand.control, "high"] + demand.least
