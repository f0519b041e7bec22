"""How the methods of the branches that fine-tune are called and coloured in figures."""

from __future__ import annotations

from collections.abc import Mapping

from .palette import DARK, METHODS

PWM_STYLE = {"label": "Position weight matrix", "colour": DARK}


def describe_method(method: Mapping, name: str) -> str:
    """Name of a model with what is special about the method: no pre-training, frozen layers."""
    if method["initial"] == "random":
        return f"{name}, no pre-training"
    if method["freeze"]:
        plural = "s" * (method["freeze"] > 1)
        return f"{name}, {method['freeze']} layer{plural} frozen"
    return name


def method_styles(methods: Mapping[str, Mapping], models: Mapping) -> dict[str, dict[str, str]]:
    """Label and colour of each method, as configured, else of its model and what is special.

    The first method of a model has the model's colour, the others those of the palette that are
    no such model's.
    """
    taken = {models[method["model"]]["colour"] for method in methods.values()}
    free = [colour for colour in METHODS if colour not in taken]
    styles, palette, used = {}, iter(free * len(methods)), set()
    for name, method in methods.items():
        entry = models[method["model"]]
        own = entry["colour"] if method["model"] not in used else next(palette)
        used.add(method["model"])
        styles[name] = {
            "label": method["label"] or describe_method(method, entry["label"]),
            "colour": method["colour"] or own,
        }
    return styles


def repeated_labels(styles: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Labels that several methods have, which a legend can't tell."""
    labels = [style["label"] for style in styles.values()]
    return sorted({label for label in labels if labels.count(label) > 1})
