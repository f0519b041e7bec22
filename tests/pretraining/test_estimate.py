import numpy as np
import pytest
import torch
import yaml

from splicebert.pretraining.estimate import (
    activation_bytes,
    batch_size,
    flops_a_token,
    main,
    measure,
    state_bytes,
)
from splicebert.pretraining.model import build_model
from splicebert.pretraining.settings import Phase, decisive


def test_state_counts_every_parameter_once(make_run):
    settings = decisive(make_run(optimiser={"name": "muon"}))
    found, model = state_bytes(settings), build_model(settings)
    matrices = sum(p.numel() for n, p in model.named_parameters() if "encoder" in n and p.ndim == 2)
    assert found["parameters"] == sum(p.numel() for p in model.parameters())
    assert found["optimiser"] == 4 * (2 * found["parameters"] - matrices)


def test_batches_are_as_large_as_those_drawn():
    nt, tokens, length = batch_size(Phase(510, 510, 1, 5120))
    assert (nt, tokens, length) == (5100, 5120, 512)
    nt, tokens, length = batch_size(Phase(64, 1024, 1, 100_000))
    assert 98_900 < tokens <= 100_000
    sizes = np.arange(64, 1025) + 2
    assert length == pytest.approx((sizes**2).sum() / sizes.sum(), rel=0.02)


def test_flops_of_a_full_layer_are_its_products():
    sizes = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2}
    deeper = sizes | {"num_hidden_layers": 3}
    layer = (flops_a_token(deeper, 100) - flops_a_token(sizes, 100)) / 3
    assert layer == pytest.approx(2 * (4 * 64 * 64 + 2 * 64 * 256) + 4 * 100 * 64)


def test_activations_are_counted_by_token(make_run):
    settings = decisive(make_run())
    full = activation_bytes(settings, 100, torch.float32)
    deeper = settings | {"architecture": settings["architecture"] | {"num_hidden_layers": 4}}
    assert 0 < full < activation_bytes(deeper, 100, torch.float32)
    least = 4 * (4 * 32 + 64)  # queries, keys, values, context and inner of one whole layer
    assert full > least


def test_real_steps_are_timed(make_run):
    run = make_run()
    assert measure(run, Phase(**run["phases"][1]), steps=2, tokens=256) > 100


@pytest.mark.parametrize(
    ("options", "words"),
    [((), "hours             unknown"), (("--nt-per-second", "1e5"), "at the throughput given")],
)
def test_hours_are_told_only_where_a_throughput_is_known(
    root, tmp_path, make_run, capsys, options, words
):
    text = {
        "genomes": {"g": {"assembly": "g", "fasta": "resources/g", "annotation": "resources/a"}},
        "pretrain": {
            "corpora": {"toy": {"genomes": ["g"], "validation": {"g": ["c"]}}},
            "runs": {"r": make_run()},
        },
    }
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(text))
    schema = root / "config/schemas/config.schema.yaml"
    assert main(["--config", str(path), "--run", "r", "--schema", str(schema), *options]) == 0
    output = capsys.readouterr().out
    assert words in output
    assert "16 steps" in output
    assert main(["--config", str(path), "--run", "x", "--schema", str(schema)]) == 1
    assert "no run 'x'; there are r" in capsys.readouterr().err
