"""Whether a figure can be read: text that lies on other text, or that is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SLACK = 0.5
"""Points that boxes may have in common: a box is higher than its letters."""


class Label(NamedTuple):
    """A piece of text as it is drawn; pixels of the figure, y upwards."""

    text: str
    corners: np.ndarray  # float (4, 2), of its box, which is tilted as the text is
    limits: tuple[Bbox, ...]  # what it may not leave


def text_problems(figure: Figure) -> list[str]:
    """Say what of a figure's text can't be read, a sentence each; nothing where all can.

    Tick labels and legends are looked at like any other text. Text must stay on the canvas, though
    what is saved may be larger: a figure is as wide as it was asked to be.
    """
    labels = find_labels(figure)
    slack = SLACK * figure.dpi / 72
    problems = [
        f"text {label.text!r} is cut off, or leaves the figure"
        for label in labels
        if any(_beyond(label.corners, limits) > slack for limits in label.limits)
    ]
    # From left to right, so that a label is compared with its neighbours alone.
    labels = sorted(labels, key=lambda label: label.corners[:, 0].min())
    for number, first in enumerate(labels):
        right = first.corners[:, 0].max()
        for second in labels[number + 1 :]:
            if second.corners[:, 0].min() >= right:
                break
            if _depth(first.corners, second.corners) > slack:
                problems.append(f"text {first.text!r} overlaps with {second.text!r}")
    return problems


def find_labels(figure: Figure) -> list[Label]:
    """Every piece of text that is drawn."""
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    found = []
    for artist in _shown(figure):
        if artist.get_text().strip():
            clipped = artist.get_clip_on() and artist.get_clip_box() is not None
            limits = (figure.bbox, artist.get_clip_box()) if clipped else (figure.bbox,)
            found.append(Label(artist.get_text(), _corners(artist, renderer), limits))
    return found


def _shown(artist: Artist) -> Iterator[Text]:
    """Texts below an artist that are drawn; those of ticks outside the axis are not."""
    for child in artist.get_children():
        hidden = isinstance(artist, Axes) and not artist.axison and isinstance(child, Axis)
        if hidden or not child.get_visible():
            continue
        if isinstance(child, Text):
            yield child
        elif isinstance(child, Axis):
            yield from (child.label, child.offsetText)
            low, high = sorted(child.get_view_interval())
            for tick in (*child.get_major_ticks(), *child.get_minor_ticks()):
                if low <= tick.get_loc() <= high:
                    yield from (text for text in (tick.label1, tick.label2) if text.get_visible())
        else:
            yield from _shown(child)


def _corners(artist: Text, renderer) -> np.ndarray:
    """Corners of a text's box in order: around its middle, as it lies before it is turned."""
    around = artist.get_window_extent(renderer)
    angle = artist.get_rotation()
    artist.set_rotation(0)
    flat = artist.get_window_extent(renderer)
    artist.set_rotation(angle)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [flat.width / 2, flat.height / 2]
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    middle = [(around.x0 + around.x1) / 2, (around.y0 + around.y1) / 2]
    return half @ np.array([[cosine, sine], [-sine, cosine]]) + middle


def _beyond(corners: np.ndarray, limits: Bbox) -> float:
    """Pixels by which a box leaves its limits; below 0 where it does not."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    return float(max(*(limits.min - low), *(high - limits.max)))


def _depth(first: np.ndarray, second: np.ndarray) -> float:
    """Pixels by which one of two boxes must move so that they are apart; below 0: they are.

    Boxes are apart where they are so along a side of one of them.
    """
    sides = np.concatenate([(box[1:3] - box[:2]) for box in (first, second)])
    sides = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    along = [box @ sides.T for box in (first, second)]
    high = np.minimum(*(part.max(axis=0) for part in along))
    low = np.maximum(*(part.min(axis=0) for part in along))
    return float((high - low).min())
