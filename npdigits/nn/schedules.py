"""Learning-rate schedules: each factory returns ``epoch -> lr``; the first epoch is 0."""

import math
from collections.abc import Callable

Schedule = Callable[[int], float]


def constant(lr: float) -> Schedule:
    """η(t) = lr."""
    return lambda epoch: lr


def exponential(lr: float, lr_decay: float) -> Schedule:
    """η(t) = lr · lr_decay^t."""
    return lambda epoch: lr * lr_decay**epoch


def step(lr: float, lr_decay: float, decay_every: int) -> Schedule:
    """η(t) = lr · lr_decay^⌊t / decay_every⌋."""
    return lambda epoch: lr * lr_decay ** (epoch // decay_every)


def cosine(lr: float, epochs: int) -> Schedule:
    """η(t) = ½·lr·(1 + cos(π·t / epochs)): to zero at ``epochs``. Loshchilov & Hutter 2017 (SGDR), eq. 5."""
    return lambda epoch: 0.5 * lr * (1 + math.cos(math.pi * epoch / epochs))


def warmed_up(schedule: Schedule, warmup: int) -> Schedule:
    """Scale the first ``warmup`` epochs' rates by (t + 1) / (warmup + 1). Goyal et al. 2017, §2.2 (gradual warm-up)."""
    return lambda epoch: schedule(epoch) * min(1.0, (epoch + 1) / (warmup + 1))


# name -> factory of its numbers, whose parameters are keys of the configuration.
SCHEDULES: dict[str, Callable[..., Schedule]] = {
    schedule.__name__: schedule for schedule in (constant, exponential, step, cosine)
}
# Schedules whose rates depend on the number of epochs: a run with one of them cannot be made longer afterwards.
BOUND_TO_EPOCHS = ("cosine",)
