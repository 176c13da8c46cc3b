"""What a checked configuration stands for: a network at its initial weights, an optimizer, and a recipe."""

import itertools
import os

import numpy as np

from npdigits.base.choice import assemble
from npdigits.base.errors import ConfigError
from npdigits.base.random import stream
from npdigits.config import own_parts
from npdigits.config.components import OwnComponent
from npdigits.config.schema import Config
from npdigits.config.seeds import seed_of
from npdigits.data.added_strokes import check_digits
from npdigits.data.augmentation import DistortionRanges
from npdigits.data.sets import Data
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.costs import COSTS
from npdigits.nn.initializers import INITIALIZERS, draw
from npdigits.nn.network import Network, Parameters
from npdigits.nn.optimizer import Optimizer
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES, warmed_up
from npdigits.training.state import Recipe, State
from npdigits.training.stopping import STOPPING_RULES

# Images come as bytes, networks see 0 (paper) to 1 (ink).
BYTES = 1 / 255


def check_fit(config: Config, sizes: tuple[int, ...], n_train: int, source: Data) -> None:
    """Refuse what does not fit the data set or the machine, before anything is written.

    Raises:
        ConfigError: with the key, the value and what is allowed.
    """
    for key, size in (("batch_size", config.batch_size), ("score_size", config.score_size)):
        if size is not None and size > n_train:
            raise ConfigError(f"{key}={size}: allowed is at most {n_train}, the number of digits left to train on")
    check_digits(config.added_strokes, source)
    check_memory(config, sizes)


def check_memory(config: Config, sizes: tuple[int, ...]) -> None:
    """Refuse a network that does not fit into this machine's memory.

    Raises:
        ConfigError: it does not.
    """
    n = sum(rows * columns + columns for rows, columns in itertools.pairwise(sizes))
    width = np.dtype(config.dtype).itemsize
    # Parameters, gradient, best, scratch and up to two moments; activations and deltas of one batch.
    need = width * (6 * n + 2 * config.batch_size * sum(sizes))
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if need > memory:
            raise ConfigError(
                f"hidden={'–'.join(map(str, config.hidden))}: {n:,} parameters need about {need / 2**30:,.1f} GiB, "
                f"allowed is what fits into this machine's {memory / 2**30:,.1f} GiB"
            )


def initial_state(config: Config, sizes: tuple[int, ...], input_scale: float = BYTES) -> State:
    """Return the network at its initial weights (biases 0), and an optimizer that has made no step."""
    network = empty_network(config, sizes, input_scale)
    parameters = network.parameters
    own = config.own_component("initializer")
    initializers = INITIALIZERS[config.initializer] if own is None else (own_parts.own_initializer(own),) * 2
    drawn = draw(initializers, stream(seed_of(config, "initialization"), "initialization"), sizes, config.init_scale)
    with np.errstate(over="ignore"):  # the first cost says what comes of such weights
        for view, w in zip(parameters.weights, drawn, strict=True):
            view[...] = w
    gradient = Parameters(sizes, config.dtype)
    return State(network, gradient, _optimizer(config, parameters, gradient))


def _optimizer(config: Config, parameters: Parameters, gradient: Parameters) -> Optimizer:
    """Return the optimizer, which has made no step."""
    if own := config.own_component("optimizer"):
        return own_parts.own_optimizer(own, parameters, gradient)
    return assemble(OPTIMIZERS[config.optimizer], vars(config), parameters, gradient)


def empty_network(config: Config, sizes: tuple[int, ...], input_scale: float = BYTES) -> Network:
    """Return the network with all weights and biases 0."""
    own_f, own_c = config.own_component("activation"), config.own_component("cost")
    activation = own_parts.own_activation(own_f) if own_f else assemble(ACTIVATIONS[config.activation], vars(config))
    cost = own_parts.own_cost(own_c) if own_c else COSTS[config.output, config.cost]
    return Network(Parameters(sizes, config.dtype), activation, input_scale=input_scale, cost=cost)


def recipe(config: Config, image_shape: tuple[int, int]) -> Recipe:
    """Return how to train images of this shape, in plain values."""
    own_schedule, own_rule = config.own_component("schedule"), config.own_component("stop_on")
    if own_schedule:
        schedule = own_parts.own_schedule(own_schedule, config.lr, config.epochs)
    else:
        schedule = assemble(SCHEDULES[config.schedule], vars(config))
    if own_rule:
        stopping_rule = own_parts.own_stopping_rule(own_rule)
    else:
        stopping_rule = assemble(STOPPING_RULES[config.stop_on], vars(config))
    return Recipe(
        schedule=warmed_up(schedule, config.warmup),
        stop_on=config.stop_on,
        stopping_rule=stopping_rule,
        window=config.window,
        epochs=config.epochs,
        batch_size=config.batch_size,
        l2=config.l2,
        weight_decay=config.weight_decay,
        seed=seed_of(config, "shuffle"),
        threads=1 if lone_component(config) else config.threads or 1,
        dropout=per_layer(config),
        input_dropout=config.input_dropout,
        max_norm=config.max_norm,
        augment=ranges(config),
        added_strokes=config.added_strokes,
        image_shape=image_shape,
        score_size=config.score_size,
        metrics=tuple(own_parts.own_metric(own) for own in config.own if own.key == "metrics"),
    )


def lone_component(config: Config) -> OwnComponent | None:
    """Return an own component that one process must call, as it may compute with all numbers of a batch at once."""
    return config.own_component("activation") or config.own_component("cost")


def per_layer(config: Config) -> tuple[float, ...]:
    """Return the dropout of each hidden layer: those given, or the one given for all."""
    return config.dropout if len(config.dropout) == len(config.hidden) else config.dropout * len(config.hidden)


def ranges(config: Config) -> DistortionRanges | None:
    """Return how far the training images are distorted; None for not at all."""
    if config.augment == "none":
        return None
    alpha = config.alpha if config.augment == "elastic" else 0.0
    return DistortionRanges(config.rotation, config.scale, config.shear, config.shift, alpha, config.sigma)
