"""The trial of own components before anything is written: each is called once on a few digits."""

import numpy as np

from npdigits.base.blas import one_thread
from npdigits.config.build import initial_state, recipe
from npdigits.config.schema import Config
from npdigits.data.sets import Split
from npdigits.nn.gradient_check import refuse_wrong_gradient
from npdigits.training.batches import Batches
from npdigits.training.own_metrics import compute

# Digits that the components are tried on.
DIGITS = 64
# The keys whose components must have a derivative that is right.
MATHEMATICS = ("activation", "cost")


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
    how = recipe(config, image_shape)
    for epoch in (0, config.epochs - 1):
        how.schedule(epoch)
    how.stopping_rule((2.3, 1.0), (0.0, 0.1))
    with one_thread(), np.errstate(all="ignore"):
        state = initial_state(config, sizes)
        if config.check_gradient and any(config.own_component(key) for key in MATHEMATICS):
            refuse_wrong_gradient(state.network, *(f"{key}={_typed(config, key)}" for key in MATHEMATICS))
        batches = Batches(sizes, len(digits), config.dtype, image_dtype=digits.images.dtype.name)
        for x, y, n in batches.read(digits, digits.rows):
            scale = state.optimizer.gradient_scale(config.l2) / n
            state.network.gradient(x, y, state.gradient, batches.workspace, scale)
            state.optimizer.step(how.schedule(0), config.l2, config.weight_decay)
            p = state.network.forward(x, batches.workspace).copy()
            compute(how.metrics, "train", p, y)
