"""The one-hot baseline behind the model interface."""

import numpy as np
import pytest
import torch

from splicebert.errors import ModelError
from splicebert.models import OneHot


def test_hidden_states_are_one_hot_rows():
    states = OneHot().hidden_states(["AcGUn"], [0])
    assert states.dtype == torch.float32
    assert states.tolist() == [[[*np.eye(4).tolist(), [0, 0, 0, 0]]]]


def test_layers_zero_and_last_are_the_same_one():
    states = OneHot().hidden_states(["ACGT", "TTTT"], [-1, 0, 0])
    assert states.shape == (2, 3, 4, 4)
    assert torch.equal(states[:, 0], states[:, 1])
    assert torch.equal(states[:, 1], states[:, 2])


def test_shorter_sequences_are_unchanged_by_longer_ones():
    model = OneHot()
    states = model.hidden_states(["AC", "ACGTACGT"], [0])
    assert states.shape == (2, 1, 8, 4)
    assert torch.equal(states[0, :, :2], model.hidden_states(["AC"], [0])[0])


def test_flank_is_the_neighbourhood():
    assert OneHot().neighbourhood == 250
    assert OneHot(flank=0).neighbourhood == 0
    model = OneHot(name="near", flank=7)
    assert (model.name, model.neighbourhood, model.hidden_size, model.n_layers) == ("near", 7, 4, 1)
    assert "near" in model.describe()


def test_negative_flank():
    with pytest.raises(ModelError, match="'x': flank is -1; expected 0 or more"):
        OneHot(name="x", flank=-1)


@pytest.mark.parametrize("layer", [1, -2])
def test_other_layers(layer):
    with pytest.raises(ModelError, match="only layer 0"):
        OneHot().hidden_states(["ACGT"], [layer])


def test_empty_sequence():
    with pytest.raises(ModelError, match=r"sequence 1 .* has 0 nt"):
        OneHot().hidden_states(["ACGT", ""], [0])


def test_no_logits_and_no_attention():
    with pytest.raises(ModelError, match="'onehot' has no masked-language-model head"):
        OneHot().logits(["ACGT"])
    with pytest.raises(ModelError, match="'onehot' has no attention"):
        OneHot().attention_rows(["ACGT"], np.array([[0]]))
