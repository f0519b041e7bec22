"""docs/extend.md, followed to the letter: an analysis and a model are added and run on the demo."""

import pandas as pd
import pytest

import documentation

ACTIONS = ("write", "append", "edit")


@pytest.fixture(scope="module")
def followed(demo, root, execute):
    """The finished demo in which the page was followed: what each of its commands said."""
    outputs = []
    for block in documentation.blocks(root / "docs/extend.md"):
        if block.mark.partition(":")[0] in ACTIONS:
            documentation.follow(block, demo.folder)
        elif block.mark == "run: extend":
            script = f"set -euo pipefail\nexport PATH=$PWD/.venv/bin:$PATH\n{block.text}"
            finished = execute("bash", "-c", script, cwd=demo.folder)
            assert finished.code == 0, f"line {block.line}:\n{finished.output}"
            outputs.append(finished.output)
    return outputs


def test_the_analysis_runs_alone_and_the_model_without_the_others(followed, jobs):
    rest = {"surprise": 1, "summarise_surprise": 1, "plot_surprise": 1}
    assert jobs(followed[0]) == jobs(followed[-1]) == {"infer_surprise": 1} | rest


def test_the_new_analysis_finds_the_donor(followed, demo):
    """GT is nearly certain where a donor is due; composition knows of no donor."""
    table = pd.read_csv(demo.folder / "results/surprise/tables/means.tsv", sep="\t")
    mean = table.set_index(["model", "position"])["mean"]
    assert set(table["position"]) == set(range(-20, 20))
    assert mean["demo"][[0, 1]].mean() < mean["demo"][range(10, 20)].mean() - 0.1
    assert mean["demo"][[0, 1]].mean() < mean["composition"][[0, 1]].mean() - 0.3
    figures = demo.folder / "results/figures/surprise"
    assert (figures / "demo.donors.png").read_bytes()[1:4] == b"PNG"
