import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional

from splicebert.errors import ModelError
from splicebert.models.checkpoint import write_model
from splicebert.pretraining.batches import read_batch, to_model
from splicebert.pretraining.corpus import pool
from splicebert.pretraining.fragments import draw_step
from splicebert.pretraining.model import MaskedLoss, build_model, head_offsets
from splicebert.pretraining.optimisers import (
    Float32Muon,
    optimisers,
    orthogonalise,
    rate_share,
    set_rates,
)
from splicebert.pretraining.settings import Phase, decisive
from splicebert.pretraining.tables import TRAINING

IGNORED = -100


def padded(batch):
    """The batch as transformers wants it: ids, mask, positions, labels; all int64 (n, longest)."""
    ends = np.cumsum(batch.lengths)
    labels = np.full(len(batch.ids), IGNORED)
    labels[batch.rows] = batch.labels
    shape = (len(ends), int(batch.lengths.max()))
    ids, mask, positions, targets = np.zeros((4, *shape), np.int64)
    targets[:] = IGNORED
    for row, (end, length) in enumerate(zip(ends, batch.lengths, strict=True)):
        ids[row, :length], targets[row, :length] = (
            batch.ids[end - length : end],
            labels[end - length : end],
        )
        mask[row, :length] = 1
        positions[row, :length] = batch.shift[row] + np.arange(length)
    return [torch.from_numpy(a) for a in (ids, mask, positions, targets)]


@pytest.mark.parametrize("start", [{}, {"offset_heads": True, "freeze_positions": False}])
@pytest.mark.parametrize("positions", [None, 130])
def test_loss_and_gradients_are_those_of_transformers(corpus, make_run, start, positions):
    model = build_model(decisive(make_run(start=start)))
    theirs = transformers.BertForMaskedLM(model.config)
    theirs.load_state_dict(model.state_dict())
    step = draw_step(
        pool(corpus, TRAINING, 16, 100), Phase(16, 100, 1, 900), 0, 0, positions=positions
    )
    batch = read_batch(corpus, step, np.arange(len(step.length)))

    loss = MaskedLoss(model).train()(*to_model(batch, torch.device("cpu"))) / len(batch.labels)
    ids, mask, places, labels = padded(batch)
    logits = theirs.train()(input_ids=ids, attention_mask=mask, position_ids=places).logits
    wanted = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)

    torch.testing.assert_close(loss, wanted, atol=1e-5, rtol=0)
    loss.backward()
    wanted.backward()
    for (name, ours), their in zip(model.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, their.grad, atol=1e-5, rtol=0, msg=name)


def test_every_parameter_has_a_gradient_also_without_masked_bases(corpus, make_run):
    model = build_model(decisive(make_run()))
    step = draw_step(pool(corpus, TRAINING, 16, 100), Phase(16, 100, 1, 300), 0, 0)
    empty = read_batch(corpus, step, np.empty(0, np.int64))
    loss = MaskedLoss(model)(*to_model(empty, torch.device("cpu")))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())


def test_first_weights_depend_on_the_seed_alone(make_run):
    torch.manual_seed(1)
    first = build_model(decisive(make_run()))
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    again, other = build_model(decisive(make_run())), build_model(decisive(make_run(seed=6)))
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, values in first.state_dict().items():
        assert torch.equal(values, again.state_dict()[name])
    query = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(first.state_dict()[query], other.state_dict()[query])


@pytest.mark.parametrize("offsets", [None, [3, -4, 1]])
def test_heads_start_by_looking_at_their_offsets(make_run, offsets):
    start = {"offset_heads": True, "offsets": offsets}
    model = build_model(decisive(make_run(start=start)))
    assert not model.bert.embeddings.position_embeddings.weight.requires_grad
    model.set_attn_implementation("eager")
    ids = torch.from_numpy(np.random.default_rng(0).integers(6, 10, (2, 100)))
    maps = model.eval().bert(input_ids=ids, output_attentions=True).attentions
    for number, offset in enumerate(offsets or (-1, 1, -2, 2)):
        layer, head = divmod(number, 2)
        mean = [maps[layer][:, head].diagonal(k, 1, 2).mean().item() for k in range(-6, 7)]
        assert int(np.argmax(mean)) - 6 == offset


SIZES = {
    "hidden_size": 96, "intermediate_size": 96, "num_attention_heads": 6,
    "max_position_embeddings": 260,
}  # fmt: skip


def looks(model, base=125):
    """Attention of a base in layer 1, mean of four sequences: (heads, 250); and offsets (250,)."""
    model.set_attn_implementation("eager")
    ids = torch.from_numpy(np.random.default_rng(0).integers(6, 10, (4, 250)))
    rows = model.eval().bert(input_ids=ids, output_attentions=True).attentions[0][:, :, base]
    return rows.mean(0).detach().numpy(), np.arange(250) - base


@pytest.mark.parametrize(("offset", "width"), [(-22, 13), (12, 5)])
def test_a_wide_head_looks_about_its_offset(make_run, offset, width):
    start = {"offset_heads": True, "offsets": [1, offset], "widths": [None, width]}
    model = build_model(decisive(make_run(architecture=SIZES, start=start)))
    weight, place = looks(model)
    assert place[weight[0].argmax()] == 1
    assert weight[0].max() > 0.5
    mean = np.average(place, weights=weight[1])
    assert mean == pytest.approx(offset, rel=0.25)
    assert np.average((place - mean) ** 2, weights=weight[1]) ** 0.5 == pytest.approx(
        width, rel=0.4
    )


@torch.no_grad()
def test_a_head_looks_where_it_should_in_weights_that_have_lost_its_sinusoids(make_run, tmp_path):
    first = build_model(decisive(make_run(architecture=SIZES, start={"offset_heads": True})))
    norm = first.bert.embeddings.LayerNorm
    norm.weight[2:22] *= 2  # as training leaves it: what heads read grows, the rest falls to noise
    norm.weight[22:48] = torch.linspace(-0.05, 0.04, 26)
    norm.bias[:48] = torch.linspace(0.05, -0.08, 48)
    write_model(first, tmp_path)
    start = {"weights": str(tmp_path / "model.safetensors"), "offset_heads": True}
    start |= {"offsets": [None, -22, 7], "widths": [None, 8]}
    second = build_model(decisive(make_run(architecture=SIZES, start=start)))

    weight, place = looks(second)
    assert place[weight[2].argmax()] == 7
    assert weight[2].max() > 0.5
    mean = np.average(place, weights=weight[1])
    assert mean == pytest.approx(-22, rel=0.25)
    assert np.average((place - mean) ** 2, weights=weight[1]) ** 0.5 < 16
    np.testing.assert_allclose(weight[0], looks(first)[0][0], atol=0.02)  # that of the others stays
    again = second.bert.embeddings.LayerNorm.weight
    brought_back = again != norm.weight
    assert 0 < brought_back.sum() < 26
    assert again[brought_back].tolist() == pytest.approx([0.1] * int(brought_back.sum()))
    values = second.bert.encoder.layer[0].attention.self.value.weight
    assert torch.equal((values == 0).all(0), brought_back)  # none passes it on


def test_a_run_goes_on_from_weights_and_starts_some_heads_anew(make_run, tmp_path):
    first = build_model(decisive(make_run(start={"offset_heads": True})))
    with torch.no_grad():
        first.bert.encoder.layer[0].attention.self.query.bias.fill_(1)
    write_model(first, tmp_path)
    start = {"weights": str(tmp_path / "model.safetensors")}
    same = build_model(decisive(make_run(start=start, seed=9))).state_dict()
    for name, values in first.state_dict().items():
        assert torch.equal(values, same[name])

    start |= {"offset_heads": True, "offsets": [None, 7], "widths": [None, 9]}
    other = build_model(decisive(make_run(start=start))).state_dict()
    changed = {name for name, values in same.items() if not torch.equal(values, other[name])}
    part = "bert.encoder.layer.0.attention.self."
    assert changed == {part + "query.weight", part + "query.bias", part + "key.weight"}
    for name in changed:  # the first of two heads
        assert torch.equal(same[name][:16], other[name][:16])
    assert not other[part + "query.bias"][16:].any()


def test_a_run_starts_from_the_mean_of_two(make_run, tmp_path):
    states, paths = [], []
    for seed in (1, 2):
        model = build_model(decisive(make_run(seed=seed)))
        write_model(model, tmp_path / str(seed))
        states.append(model.state_dict())
        paths.append(str(tmp_path / str(seed) / "model.safetensors"))
    start = {"weights": paths[0], "mean_with": paths[1]}
    found = build_model(decisive(make_run(start=start))).state_dict()
    for name, values in found.items():
        torch.testing.assert_close(values, (states[0][name] + states[1][name]) / 2)
    assert not torch.equal(states[0]["cls.predictions.decoder.weight"],
                           found["cls.predictions.decoder.weight"])  # fmt: skip


def test_heads_do_not_start_anew_where_positions_are_no_sinusoids(make_run, tmp_path):
    write_model(build_model(decisive(make_run())), tmp_path)
    start = {"weights": str(tmp_path / "model.safetensors")}
    build_model(decisive(make_run(start=start)))
    start |= {"offset_heads": True, "offsets": [7]}
    with pytest.raises(ModelError, match=r"leave out start\.offset_heads"):
        build_model(decisive(make_run(start=start)))


def test_weights_of_another_architecture_are_refused(make_run, tmp_path):
    write_model(build_model(decisive(make_run())), tmp_path)
    sizes = {"hidden_size": 64}
    start = {"weights": str(tmp_path / "model.safetensors")}
    with pytest.raises(ModelError, match=r"model\.safetensors: tensors of another shape"):
        build_model(decisive(make_run(architecture=sizes, start=start)))


def test_offsets_of_any_number_of_heads():
    assert head_offsets(5) == [-1, 1, -2, 2, -3]


@pytest.mark.parametrize("decay", ["cosine", "linear"])
def test_the_rate_warms_up_and_falls_to_its_end(make_run, decay):
    settings = make_run(optimiser={"decay": decay, "final_rate": 0.1})["optimiser"]
    rates = [rate_share(step, 200, settings) for step in range(201)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[200] == pytest.approx(0.1)
    assert rates[105] == pytest.approx(0.55)


def test_biases_and_norms_do_not_decay_and_muon_takes_the_matrices(make_run):
    run = make_run(optimiser={"name": "muon", "weight_decay": 0.3})
    model = build_model(decisive(run))
    made = optimisers(model, run["optimiser"])
    set_rates(made, 0.5, run["optimiser"])
    names = {id(p): n for n, p in model.named_parameters()}
    groups = {
        names[id(p)]: (kind, group["weight_decay"], group["lr"])
        for kind, optimiser in made.items()
        for group in optimiser.param_groups
        for p in group["params"]
    }
    assert set(groups) == set(names.values())
    assert isinstance(made["muon"], Float32Muon)  # here, on a CPU
    layer = "bert.encoder.layer.0.attention."
    assert groups[f"{layer}self.query.weight"] == ("muon", 0.3, 0.01)
    assert groups[f"{layer}self.query.bias"] == ("adamw", 0.0, 0.0015)
    assert groups[f"{layer}output.LayerNorm.weight"] == ("adamw", 0.0, 0.0015)
    assert groups["bert.embeddings.word_embeddings.weight"] == ("adamw", 0.3, 0.0015)


@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_in_float32_is_pytorchs_but_for_its_bfloat16(nesterov):
    shapes = [(24, 24), (96, 24), (24, 96), (24, 24)]
    generator = torch.Generator().manual_seed(7)
    first = [torch.randn(shape, generator=generator) for shape in shapes]
    gradients = [[torch.randn(shape, generator=generator) for shape in shapes] for _ in range(6)]
    ended = {}
    for kind in (torch.optim.Muon, Float32Muon):
        parameters = [torch.nn.Parameter(start.clone()) for start in first]
        unused = torch.nn.Parameter(torch.ones(24, 24))  # has no gradient: stays
        optimiser = kind([*parameters, unused], lr=0.02, weight_decay=0.05, nesterov=nesterov)
        for step in gradients:
            for parameter, gradient in zip(parameters, step, strict=True):
                parameter.grad = gradient.clone()
            optimiser.step()
        assert (unused == 1).all()
        ended[kind] = [parameter.detach() for parameter in parameters], optimiser.state_dict()
    (theirs, their_state), (ours, our_state) = ended.values()
    for start, a, b in zip(first, theirs, ours, strict=True):
        assert (a - b).norm() < 0.02 * (a - start).norm()
        assert (a - start).norm() > 0.005 * start.norm()
    assert our_state["param_groups"] == their_state["param_groups"]
    for number, state in their_state["state"].items():  # checkpoints of either go on in the other
        torch.testing.assert_close(our_state["state"][number], state)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 20, 8), (2, 8, 20)])
def test_orthogonalise_brings_singular_values_near_one(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = orthogonalise(matrices, (3.4445, -4.7750, 2.0315), 5, 1e-7)
    assert found.shape == matrices.shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.5
    assert values.max() < 1.3
    # With the same singular vectors the product is symmetric: its trace is its nuclear norm.
    nuclear = torch.linalg.svdvals(found.mT @ matrices).sum(1)
    torch.testing.assert_close((found * matrices).sum((1, 2)), nuclear, atol=1e-3, rtol=1e-3)
