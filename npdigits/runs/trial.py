"""The trial of own components before anything is written: each is called once on a few digits."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.errors import OwnCodeError
from npdigits.config.build import initial_state, recipe
from npdigits.config.schema import Config
from npdigits.data.sets import Split
from npdigits.nn.gradient_check import refuse_wrong_gradient
from npdigits.nn.workspace import Workspace
from npdigits.training.own_metrics import compute

# Digits that the components are tried on.
DIGITS = 64
# The keys whose components must have a derivative that is right.
MATHEMATICS = ("activation", "cost")
# What is made twice -> the keys whose components decide it, in the order in which one follows from another.
DECIDED_BY = {
    "rates": ("schedule",),
    "decisions": ("stop_on",),
    "initial weights": ("initializer",),
    "gradients": MATHEMATICS,
    "steps": ("optimizer",),
    "figures": ("metrics",),
}


def try_own(config: Config, sizes: tuple[int, ...], train: Split, image_shape: tuple[int, int]) -> None:
    """Call each of the user's own components on the first digits of the training set.

    Args:
        config: of the run.
        sizes: of the layers.
        train: the training set.
        image_shape: (height, width).

    Raises:
        OwnCodeError: one fails, or returns what cannot be used.
        ConfigError: a derivative is wrong.
    """
    if any(component.key != "data.source" for component in config.own):
        _try(config, sizes, train.first(DIGITS), image_shape)


def _typed(config: Config, key: str) -> str:
    """Return a key's value as the user types it."""
    own = config.own_component(key)
    return own.code.spec if own else str(getattr(config, key))


def _try(config: Config, sizes: tuple[int, ...], digits: Split, image_shape: tuple[int, int]) -> None:
    with one_thread(), np.errstate(all="ignore"):
        if config.check_gradient and any(config.own_component(key) for key in MATHEMATICS):
            network = initial_state(config, sizes).network
            refuse_wrong_gradient(network, *(f"{key}={_typed(config, key)}" for key in MATHEMATICS))
        first, second = (_results(config, sizes, digits, image_shape) for _ in range(2))
    for what, keys in DECIDED_BY.items():
        if not np.array_equal(first[what], second[what], equal_nan=True):
            own = [component.code.spec for component in config.own if component.key in keys]
            raise OwnCodeError(
                f"{', '.join(own)}: gives other {what} when it is called again: no run could be repeated"
            )


def _results(
    config: Config, sizes: tuple[int, ...], digits: Split, image_shape: tuple[int, int]
) -> dict[str, list[float] | Array]:
    """Return what the components make of the digits, in the order in which a run calls them."""
    how = recipe(config, image_shape)
    results: dict[str, list[float] | Array] = {"rates": [how.schedule(epoch) for epoch in (0, config.epochs - 1)]}
    results["decisions"] = [float(how.stopping_rule((2.3, 1.0), (0.0, 0.1)))]
    state = initial_state(config, sizes)
    results["initial weights"] = state.network.parameters.flat.copy()
    workspace = Workspace(sizes, len(digits), config.dtype)
    x = digits.images[digits.rows].astype(config.dtype)
    y = digits.labels[digits.rows].astype(np.intp)
    state.network.gradient(x, y, state.gradient, workspace, state.optimizer.gradient_scale(config.l2) / len(y))
    results["gradients"] = state.gradient.flat.copy()
    state.optimizer.step(how.schedule(0), config.l2, config.weight_decay)
    results["steps"] = state.network.parameters.flat.copy()
    p = state.network.forward(x, workspace).copy()
    results["figures"] = list(compute(how.metrics, "train", p, y).values())
    return results
