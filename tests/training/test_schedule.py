import pytest
import torch

from splicebert.training.schedule import Schedule
from splicebert.training.settings import complete


def make(steps=10, **schedule):
    settings = complete({"optimiser": {"learning_rate": 0.01}, "schedule": schedule})
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    return Schedule(optimiser, settings, steps), optimiser


def rates(schedule, optimiser, steps):
    found = []
    for step in steps:
        schedule.before_step(step)
        found.append(optimiser.param_groups[0]["lr"])
    return found


def test_a_plateau_halves_the_rate_after_a_second_epoch_without_a_better_score():
    schedule, optimiser = make(kind="plateau", floor=0.004)
    found = []
    for epoch, score in enumerate([0.5, 0.6, 0.6, 0.55, 0.7, 0.1, 0.1, 0.1, 0.1]):
        found += rates(schedule, optimiser, [epoch])
        schedule.after_epoch(score)
    assert found == [0.01] * 4 + [0.005] * 3 + [0.004] * 2


def test_constant_and_warm_up():
    schedule, optimiser = make(kind="constant", warmup_steps=4)
    assert rates(schedule, optimiser, range(6)) == pytest.approx(
        [0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01]
    )
    schedule.after_epoch(0.0)
    schedule.after_epoch(0.0)
    schedule.after_epoch(0.0)
    assert rates(schedule, optimiser, [9]) == [0.01]


def test_linear_falls_to_its_floor():
    schedule, optimiser = make(kind="linear", warmup_steps=2, floor=0.002)
    assert rates(schedule, optimiser, [0, 1, 2, 6, 9, 10]) == pytest.approx(
        [0.005, 0.01, 0.01, 0.005, 0.002, 0.002]
    )


def test_a_plateau_goes_on_from_its_state():
    one, first = make(kind="plateau", warmup_steps=3)
    one.after_epoch(0.5)
    one.after_epoch(0.5)
    two, second = make(kind="plateau", warmup_steps=3)
    two.restore(one.state())
    for score in (0.4, 0.4, 0.4):
        assert rates(one, first, [1, 5]) == rates(two, second, [1, 5])
        one.after_epoch(score)
        two.after_epoch(score)
    assert one.rate == two.rate < 0.01
