"""How the methods of the branches that fine-tune are called and coloured in figures."""

from __future__ import annotations

from collections.abc import Mapping

PALETTE = ("#D55E00", "#CC79A7", "#56B4E9", "#E69F00", "#882255", "#44AA99", "#117733", "#AA4499")


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

    The first method of a model has the model's colour, the others one of PALETTE.
    """
    styles, palette, used = {}, iter(PALETTE * len(methods)), set()
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
