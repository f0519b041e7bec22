"""Weights of fewer heads in a model of more."""

import numpy as np
import pytest
import torch

from splicebert.models.checkpoint import write_model
from splicebert.pretraining.model import build_model
from splicebert.pretraining.recast import recast_heads
from splicebert.pretraining.settings import decisive

BEFORE, AFTER = 2, 4  # heads of 16 and of 8 values
IDS = torch.from_numpy(np.random.default_rng(0).integers(5, 10, (3, 50)))


def make(make_run, number, **start):
    return build_model(
        decisive(make_run(architecture={"num_attention_heads": number}, start=start, seed=3))
    )


@pytest.fixture
def trained(make_run):
    """A model of two heads whose norms, biases and queries are not those of a new one."""
    model = make(make_run, BEFORE)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "LayerNorm" in name or "attention" in name or name.endswith("bias"):
                values.add_(torch.randn(values.shape, generator=generator), alpha=0.3)
    return model


def use_half(model):
    """Change a model so that each head has but 8 values in use, in any basis of its 16."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            for name in ("query", "key", "value"):
                part = getattr(layer.attention.self, name)
                for rows in torch.arange(32).chunk(BEFORE):
                    mix = torch.randn(16, 8, generator=generator) / 3
                    part.weight[rows] = mix @ part.weight[rows[:8]]
                    part.bias[rows] = mix @ part.bias[rows[:8]]


def states(model):
    with torch.inference_mode():
        return model.eval().bert(input_ids=IDS).last_hidden_state


def recast(trained, make_run):
    model = make(make_run, AFTER)
    model.load_state_dict(trained.state_dict())
    recast_heads(model, BEFORE)
    return model


def test_heads_that_need_no_more_values_stay_what_they_were(trained, make_run):
    use_half(trained)
    before, after = states(trained), states(recast(trained, make_run))
    torch.testing.assert_close(after, before, atol=2e-4, rtol=0)
    assert before.std() > 0.1


def test_what_is_lost_of_others_is_less_than_by_leaving_out_half(trained, make_run):
    cut = make(make_run, AFTER)
    cut.load_state_dict(trained.state_dict())
    with torch.no_grad():
        for layer in cut.bert.encoder.layer:
            layer.attention.output.dense.weight[:, 16:] = 0
    before = states(trained)
    lost, least = ((states(m) - before).square().mean() for m in (recast(trained, make_run), cut))
    assert 0 < lost < 0.5 * least


def test_further_heads_pass_nothing_on_but_can_learn(trained, make_run):
    model = recast(trained, make_run)
    for layer in model.bert.encoder.layer:
        out = layer.attention.output.dense.weight
        assert not out[:, 16:].any()
        assert out[:, :16].all()
        assert layer.attention.self.query.weight[16:].any()
    model.train().bert(input_ids=IDS).last_hidden_state[..., 0].sum().backward()
    for layer in model.bert.encoder.layer:
        assert layer.attention.output.dense.weight.grad[:, 16:].any()


def test_a_run_recasts_the_weights_that_it_starts_with(trained, make_run, tmp_path):
    write_model(trained, tmp_path)
    start = {"weights": str(tmp_path / "model.safetensors"), "heads": BEFORE}
    found, again = (make(make_run, AFTER, **start).state_dict() for _ in range(2))
    wanted = recast(trained, make_run).state_dict()
    name = "bert.encoder.layer.0.attention.self.key.weight"
    torch.testing.assert_close(found[name][:16], wanted[name][:16])
    assert all(torch.equal(values, again[key]) for key, values in found.items())
