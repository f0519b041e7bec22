"""The report opens in a browser without a network and shows all that a run made."""

import html
import json
import os
import re
import shutil
import subprocess

import pandas as pd
import pytest

from splicebert.configuration import read_yaml
from splicebert.provenance import RULE_COSTS
from splicebert.tables import read_table

CATEGORIES = {
    "1 Conservation (Figure 1)": "Masked-base accuracy by region",
    "2 Embedding (Figure 2)": "demo-usage",
    "3 Attention (Figure 3)": "Attention of pairs by group, demo",
    "4 Variant effects (Figure 4)": "dP against splice-site KL",
    "5 Branchpoints (Figure 5)": "Motif of the predicted sites",
    "6 Splice sites (Figure 6)": "AUC, AP and F1 by species",
    "Dependency maps": "Dependency map of region 2, demo",
    "Provenance": "Software, inputs, devices, costs",
    "Published and reproduced": "Published and reproduced numbers",
}
# Opens every category and every caption as a click does, and leaves in the page what was seen.
DRIVER = """<script>
window.addEventListener("load", async () => {
  const wait = () => new Promise(done => setTimeout(done, 100));
  const seen = {};
  while (!app) await wait();
  for (const name of Object.keys(categories)) {
    app.setView({navbarMode: "menu"});
    await wait();
    app.showCategory(name);
    await wait();
    seen[name] = document.body.innerText;
  }
  app.setView({navbarMode: "menu"});
  for (const path of Object.keys(results)) {
    app.showResultInfo(path);
    await wait();
    seen[path] = document.body.innerText;
  }
  const note = document.createElement("pre");
  note.id = "seen";
  note.textContent = JSON.stringify(seen);
  document.body.append(note);
});
</script>"""
TIMEOUT = 300


@pytest.fixture(scope="session")
def browser():
    """Path of Chromium; installed where that is possible, as the Makefile does for bedtools."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found and os.getuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(
                ["apt-get", "-qq", *command], check=False, capture_output=True, timeout=TIMEOUT,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            )  # fmt: skip
        found = shutil.which("chromium")
    if not found:
        pytest.skip(f"no browser: none of {', '.join(names)} here, and apt-get can't bring one")
    return found


@pytest.fixture
def open_page(browser, tmp_path):
    """Function (file): its DOM after its scripts ran, and what the console said; no network."""

    def dump(path):
        done = subprocess.run(
            [
                browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'profile'}",
                "--enable-unsafe-swiftshader",  # WebGL without a GPU
                "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
                "--virtual-time-budget=60000", "--dump-dom", path.as_uri(),
            ],
            capture_output=True, text=True, check=False, timeout=TIMEOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout, re.findall(r"CONSOLE[:(]\d+\)?\] (.*)", done.stderr)

    return dump


def complaints(console):
    """What the console says but for notices of a style library and of a driver of no GPU."""
    notices = ("cdn.tailwindcss.com should not be used", "GL Driver Message")
    return [line for line in console if not any(notice in line for notice in notices)]


def test_report_opens_in_a_browser_and_shows_every_branch(finished_demo, open_page, tmp_path):
    before, end, after = (
        (finished_demo.folder / "results/report.html").read_text().rpartition("</body>")
    )
    page = tmp_path / "driven.html"
    page.write_text(before + DRIVER + end + after)

    dom, console = open_page(page)

    assert complaints(console) == []
    found = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.S)
    assert found, "the scripts of the report did not run to their end"
    seen = json.loads(html.unescape(found[1]))
    for category, title in CATEGORIES.items():
        assert title in seen[category], category
    captions = {path: text for path, text in seen.items() if path.startswith("results/")}
    assert len(captions) >= 29
    for path, text in captions.items():
        assert "DESCRIPTION" in text, path
        assert re.search(r"\bn( = |: )|Protocol|paper|every rule", text), path
        assert not re.search(r"\{\{|\bnan\b", text), path
    pairs = captions["results/figures/attention/demo.demo.pair_scores.png"]
    assert "n: 56 pairs of introns" in pairs
    assert "intronic_pair, SpliceBERT, mean_pair_score 0.01567" in pairs
    assert "This run is on other data" in pairs


def test_pages_inside_the_report_open_too(finished_demo, open_page):
    results = finished_demo.folder / "results"
    dom, console = open_page(results / "provenance.html")
    assert complaints(console) == []
    assert "Cost of rules" in dom
    dom, console = open_page(results / "figures/embedding/umap.html")
    assert complaints(console) == []
    assert "demo-sites: Demo model, layer 2" in dom


def test_provenance_says_what_made_the_numbers(finished_demo, root):
    folder = finished_demo.folder
    about = json.loads((folder / "results/provenance.json").read_text())

    assert about["source"]["commit"] is None  # a copy outside git, and it says so
    assert about["source"]["reason"]
    assert re.fullmatch(r"[0-9a-f]{64}", about["source"]["sha256"])
    assert {"torch", "snakemake", "numpy"} <= set(about["software"]["packages"])
    assert about["config"]["conservation"]["mlm"]["models"] == ["demo"]
    known = read_yaml(root / "config/models.yaml")["demo"]["sha256"]["model.safetensors"]
    weights = {row["file"]: row["sha256"] for row in about["weights"]}
    assert weights["config/demo_model/model.safetensors"] == known
    inputs = {row["role"]: row for row in about["inputs"]}
    assert re.fullmatch(r"[0-9a-f]{64}", inputs["genomes.demo.fasta"]["sha256"])
    assert any("device cpu" in text for text in about["devices"])
    assert about["seeds"]["demo.seed"] == about["config"]["demo"]["seed"]


def test_provenance_has_the_cost_of_every_rule_that_ran(finished_demo, jobs):
    costs = read_table(finished_demo.folder / "results/provenance.tsv", RULE_COSTS)
    costs = costs.set_index("rule")
    ran = jobs(finished_demo.output)
    ran.pop("collect_provenance")
    assert len(ran) > 40
    assert {rule: int(costs.loc[rule, "jobs"]) for rule in ran} == dict(ran)
    assert (costs.loc[list(ran), "seconds"] > 0).all()
    assert pd.notna(costs.loc["infer_conservation_mlm", "memory"])
