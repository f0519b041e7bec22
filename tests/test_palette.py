"""Colours come from one place, and colour-blind eyes tell them apart."""

import itertools
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from splicebert import palette
from splicebert.configuration import read_yaml
from splicebert.method_styles import method_styles

# Machado et al. 2009, full severity, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
}  # fmt: skip
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
WHITE = np.array([0.95047, 1.0, 1.08883])
LEAST = 10.0
"""CIELAB distance; about 2 is the least that eyes tell apart side by side."""


def lab(colour, sight):
    """CIELAB of a colour as some eyes see it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(XYZ @ np.clip(sight @ linear, 0, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_every_two_colours_can_be_told_apart(sight):
    seen = {colour: lab(colour, SIGHT[sight]) for colour in palette.PALETTE}
    pairs = itertools.combinations(seen, 2)
    distances = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in pairs}
    nearest = min(distances, key=distances.get)
    print(f"{sight}: {nearest} {distances[nearest]:.1f}")
    assert distances[nearest] > LEAST


def test_the_test_sees_colours_that_look_alike():
    """Teal and grey: apart for most eyes, alike without the green cones."""
    first, second = "#44AA99", "#999999"
    apart = [np.linalg.norm(lab(first, m) - lab(second, m)) for m in SIGHT.values()]
    assert apart[0] > 3 * LEAST
    assert apart[1] < LEAST


def test_no_colour_stands_anywhere_else(root):
    """Scripts, library, rules and models take theirs from the palette."""
    files = [*root.glob("scripts/**/*.py"), *root.glob("src/splicebert/**/*.py")]
    files += [*root.glob("rules/*.smk"), root / "config/figures.mplstyle"]
    found = {
        path.name: re.findall(r"#[0-9A-Fa-f]{6}\b", path.read_text())
        for path in files
        if path.name != "palette.py" and path.parent.name != "benchmarks"
    }
    assert {name: colours for name, colours in found.items() if colours} == {}
    models = read_yaml(root / "config/models.yaml")
    assert {entry["colour"] for entry in models.values()} <= set(palette.PALETTE)


def test_no_two_methods_of_the_paper_have_one_colour(root):
    models = read_yaml(root / "config/models.yaml")
    paper, more = (read_yaml(root / f"config/{name}.yaml") for name in ("paper", "paper_dnabert"))
    keys = {"label": None, "colour": None, "initial": "pretrained", "freeze": 0}
    for branch in ("branchpoint", "splicesite"):
        entries = paper[branch]["methods"] | more[branch]["methods"]
        methods = {name: keys | entry for name, entry in entries.items()}
        colours = [style["colour"] for style in method_styles(methods, models).values()]
        assert len(set(colours)) == len(colours) >= 7
