"""Schedules against torch.optim.lr_scheduler, and where torch has none against the formula."""

import math

import pytest
import torch

from npdigits.base.choice import assemble
from npdigits.nn.schedules import SCHEDULES, cosine, exponential, step, warmed_up

LR, DECAY, EVERY, EPOCHS = 0.3, 0.7, 4, 23


def torch_rates(make, epochs=EPOCHS):
    """Return the rates that a torch scheduler gives epoch by epoch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = make(optimizer)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("constant", lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda epoch: 1.0)),
        ("exponential", lambda o: torch.optim.lr_scheduler.ExponentialLR(o, DECAY)),
        ("step", lambda o: torch.optim.lr_scheduler.StepLR(o, EVERY, DECAY)),
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, EPOCHS)),
    ],
)
def test_follows_torch(name, reference):
    schedule = assemble(SCHEDULES[name], {"lr": LR, "lr_decay": DECAY, "decay_every": EVERY, "epochs": EPOCHS})
    assert [schedule(epoch) for epoch in range(EPOCHS)] == pytest.approx(torch_rates(reference), rel=1e-12, abs=1e-15)


def test_every_schedule_is_compared():
    assert set(SCHEDULES) == {"constant", "exponential", "step", "cosine"}


def test_warm_up_follows_torch():
    warmup = 5
    schedule = warmed_up(exponential(LR, DECAY), warmup)

    def reference(optimizer):
        rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), total_iters=warmup)
        fall = torch.optim.lr_scheduler.ExponentialLR(optimizer, DECAY)
        return torch.optim.lr_scheduler.ChainedScheduler([rise, fall], optimizer)

    assert [schedule(epoch) for epoch in range(12)] == pytest.approx(torch_rates(reference, 12), rel=1e-12)


def test_no_warm_up_changes_nothing():
    plain = step(LR, DECAY, EVERY)
    assert [warmed_up(plain, 0)(epoch) for epoch in range(9)] == [plain(epoch) for epoch in range(9)]


def test_cosine_is_half_way_down_in_the_middle_and_zero_at_the_end():
    schedule = cosine(LR, 10)
    assert schedule(0) == LR
    assert schedule(5) == pytest.approx(LR / 2)
    assert schedule(10) == pytest.approx(0, abs=1e-17)
    assert schedule(1) == pytest.approx(LR / 2 * (1 + math.cos(math.pi / 10)))
