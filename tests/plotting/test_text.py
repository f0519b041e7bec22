"""Text that can't be read is found, text that can is not."""

import logging

import pytest

from splicebert import plotting
from splicebert.plotting.text import find_labels, text_problems


@pytest.fixture
def drawn(root):
    with plotting.style(root / "config/figures.mplstyle"):
        figure, ax = plotting.plt.subplots(figsize=(3, 2))
        ax.set(xlabel="Layer", ylabel="AUC", title="A model", xlim=(0, 10), ylim=(0, 1))
        yield figure, ax
        plotting.plt.close("all")


def test_a_plain_figure_can_be_read(drawn):
    figure, ax = drawn
    ax.plot([0, 10], [0, 1], label="one")
    ax.legend()
    texts = [label.text for label in find_labels(figure)]
    assert {"Layer", "AUC", "A model", "one", "0.0", "1.0"} <= set(texts)
    assert not text_problems(figure)


def test_text_on_text_is_found(drawn):
    figure, ax = drawn
    ax.text(5, 0.5, "first")
    ax.text(5.2, 0.52, "second")
    (problem,) = text_problems(figure)
    assert problem == "text 'first' overlaps with 'second'"


def test_crowded_tick_labels_are_found(drawn):
    figure, ax = drawn
    ax.set_xticks(range(11), [f"chromosome {n}" for n in range(11)])
    assert "overlaps" in " ".join(text_problems(figure))


def test_tilted_labels_side_by_side_can_be_read(drawn):
    """Their upright boxes overlap, they do not."""
    figure, ax = drawn
    ax.set_xticks([2, 4, 6, 8], ["Demo model dP", "Demo model KL", "phastCons", "distance"],
                  rotation=40, ha="right")  # fmt: skip
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert boxes[0].overlaps(boxes[1])
    assert not text_problems(figure)
    ax.set_xticks([2, 2.2, 6, 8], ["Demo model dP", "Demo model KL", "phastCons", "distance"],
                  rotation=40, ha="right")  # fmt: skip
    assert text_problems(figure)


@pytest.mark.parametrize("clip", [True, False])
def test_text_that_is_cut_off_is_found(drawn, clip):
    figure, ax = drawn
    ax.text(9.5, 0.5, "far to the right, and further", clip_on=clip).set_in_layout(False)
    (problem,) = text_problems(figure)
    assert problem == "text 'far to the right, and further' is cut off, or leaves the figure"


def test_text_that_is_not_drawn_is_no_problem(drawn):
    figure, ax = drawn
    for _ in range(2):
        ax.text(5, 0.5, "hidden", visible=False)
    below = figure.add_axes((0.3, 0.3, 0.4, 0.4))
    below.set(title="On top")
    below.set_axis_off()
    assert not [problem for problem in text_problems(figure) if "hidden" in problem]
    assert sum(label.text == "0.0" for label in find_labels(figure)) == 1  # of the panel itself


def test_saving_tells_what_cannot_be_read(drawn, tmp_path, caplog):
    figure, ax = drawn
    for text in ("first", "second"):
        ax.text(5, 0.5, text)
    with caplog.at_level(logging.WARNING):
        plotting.save(figure, tmp_path / "f.pdf", tmp_path / "f.png")
    assert caplog.messages == ["f.png: text 'first' overlaps with 'second'"]


def test_saving_gives_the_same_bytes_with_fonts(root, tmp_path):
    saved = []
    for number in range(2):
        with plotting.style(root / "config/figures.mplstyle"):
            figure, ax = plotting.plt.subplots()
            ax.plot([0, 1], label="line")
            ax.legend()
            paths = [tmp_path / f"{number}.{suffix}" for suffix in ("pdf", "png")]
            plotting.save(figure, *paths)
        saved.append([path.read_bytes() for path in paths])
    assert saved[0] == saved[1]
    pdf = saved[0][0]
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
