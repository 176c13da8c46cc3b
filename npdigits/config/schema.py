"""The configuration of a run: every key, its type and what it allows. The defaults stand in conf/train.yaml."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.paths import absolute
from npdigits.config.rules import (
    Rule,
    boolean,
    hidden_sizes,
    integer,
    number,
    one_of,
    optional,
    pair_of_betas,
    reading,
    shares,
    shown,
    suggestion,
    text,
)
from npdigits.data.sets import LOADERS
from npdigits.nn import initializers
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.costs import COSTS
from npdigits.nn.initializers import INITIALIZERS
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES
from npdigits.training.stopping import MIN_DELTA, STOPPING_RULES

POSITIVE = number("a number > 0", lambda x: x > 0)
NOT_NEGATIVE = number("a number ≥ 0", lambda x: x >= 0)
BELOW_ONE = number("a number from 0 to below 1", lambda x: 0 <= x < 1)
TEXT = optional(text)

DATA_RULES: dict[str, Rule] = {
    "name": one_of(LOADERS),
    "root": TEXT,
    "mirror": TEXT,
    "dir": TEXT,
    "fallback": optional(one_of({"mnist_5k": None})),
}

RULES: dict[str, Rule] = {
    "hidden": hidden_sizes,
    "activation": one_of(ACTIVATIONS),
    "leak": BELOW_ONE,
    "output": one_of(dict.fromkeys(output for output, _ in COSTS)),
    "cost": one_of(dict.fromkeys(cost for _, cost in COSTS)),
    "initializer": one_of(INITIALIZERS, initializers.ALIASES),
    "init_scale": POSITIVE,
    "optimizer": one_of(OPTIMIZERS),
    "betas": pair_of_betas,
    "eps": POSITIVE,
    "momentum": BELOW_ONE,
    "rho": BELOW_ONE,
    "lr": POSITIVE,
    "schedule": one_of(SCHEDULES),
    "lr_decay": number("a number above 0, up to 1", lambda x: 0 < x <= 1),
    "decay_every": integer(1),
    "warmup": integer(0),
    "batch_size": integer(1),
    "epochs": integer(1),
    "l2": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "dropout": shares,
    "input_dropout": number("a number from 0 to 0.99", lambda x: 0 <= x <= 0.99),
    "max_norm": optional(POSITIVE),
    "augment": one_of(dict.fromkeys(("none", "affine", "elastic"))),
    "alpha": number("a number from 0 to 10000, in pixels", lambda x: 0 <= x <= 10_000),
    "sigma": number("a number above 0, up to 1000, in pixels", lambda x: 0 < x <= 1000),
    "rotation": number("a number from 0 to 180, in degrees", lambda x: 0 <= x <= 180),
    "scale": BELOW_ONE,
    "shear": number("a number from 0 to below 90, in degrees", lambda x: 0 <= x < 90),
    "shift": number("a number from 0 to 1000, in pixels", lambda x: 0 <= x <= 1000),
    "stop_on": one_of(STOPPING_RULES),
    "patience": integer(1),
    "min_delta": optional(NOT_NEGATIVE),
    "window": integer(2),
    "val_size": optional(integer(0)),
    "score_size": optional(integer(1)),
    "seed": integer(0),
    "dtype": one_of({"float32": None, "float64": None}),
    "threads": integer(1, 256),
    "name": TEXT,
    "workers": optional(integer(0, 4096)),
    "out": TEXT,
    "resume": TEXT,
    "plots": boolean,
    "quiet": boolean,
}


@dataclass(frozen=True)
class DataConfig:
    """Which data set, and where; a key that a set does not have is None."""

    name: str
    root: str | None = None
    mirror: str | None = None
    dir: str | None = None
    fallback: str | None = None

    def root_dir(self) -> Path | None:
        """Return ``root`` as a path from where the user stands."""
        return absolute("data.root", self.root)

    def folder(self) -> Path | None:
        """Return ``dir`` as a path from where the user stands."""
        return absolute("data.dir", self.dir)


@dataclass(frozen=True)
class Config:
    """A checked configuration. conf/train.yaml says what each key means and holds the defaults."""

    hidden: tuple[int, ...]
    activation: str
    leak: float
    output: str
    cost: str
    initializer: str
    init_scale: float
    optimizer: str
    betas: tuple[float, float]
    eps: float
    momentum: float
    rho: float
    lr: float
    schedule: str
    lr_decay: float
    decay_every: int
    warmup: int
    batch_size: int
    epochs: int
    l2: float
    weight_decay: float
    dropout: tuple[float, ...]
    input_dropout: float
    max_norm: float | None
    augment: str
    alpha: float
    sigma: float
    rotation: float
    scale: float
    shear: float
    shift: float
    stop_on: str
    patience: int
    min_delta: float
    window: int
    val_size: int | None
    score_size: int | None
    seed: int
    dtype: str
    threads: int
    name: str | None
    workers: int | None
    out: str | None
    resume: str | None
    plots: bool
    quiet: bool
    data: DataConfig

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as YAML and JSON hold them."""
        plain = dataclasses.asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}

    def out_dir(self) -> Path | None:
        """Return ``out`` as a path from where the user stands."""
        return absolute("out", self.out)


def parse(values: Mapping[str, Any]) -> Config:
    """Check a composed configuration and return it with its types.

    Some values depend on others: ``min_delta: null`` becomes the stopping rule's own threshold, and without validation
    data (``val_size: 0``) no rule can act, so ``stop_on`` becomes ``none``.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not allowed.
    """
    if not isinstance(values, Mapping):  # an empty file's
        raise ConfigError(f"{shown(values)}: allowed are keys with values")
    checked = _checked(values, {**RULES, "data": _mapping}, required={*RULES, "data"})
    data = DataConfig(**_checked(checked.pop("data"), DATA_RULES, required={"name"}, prefix="data."))
    if checked["val_size"] == 0:
        checked["stop_on"] = "none"
    if (checked["output"], checked["cost"]) not in COSTS:
        outputs = " or ".join(output for output, cost in COSTS if cost == checked["cost"])
        raise ConfigError(f"cost={checked['cost']}: allowed is output={outputs} with it, not {checked['output']}")
    if len(checked["dropout"]) not in (1, len(checked["hidden"])):
        raise ConfigError(f"dropout={shown(list(checked['dropout']))}: allowed is one number, or one a hidden layer")
    if len(set(checked["dropout"])) == 1:  # one way to write one experiment
        checked["dropout"] = checked["dropout"][:1]
    if checked["min_delta"] is None:
        checked["min_delta"] = MIN_DELTA[checked["stop_on"]]
    return Config(**checked, data=data)


def implied(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys whose value follows from others, each with that value.

    Args:
        values: a configuration's, as plain values.
    """
    follows: dict[str, Any] = {"stop_on": "none"} if values.get("val_size") == 0 else {}
    if isinstance(values.get("stop_on"), str) and values["stop_on"] in MIN_DELTA:
        follows["min_delta"] = MIN_DELTA[values["stop_on"]]
    return follows


# What keeps a network from learning its training digits by heart, and the value, as a cell, by which each is off.
REGULARIZERS: dict[str, Any] = {
    "l2": 0.0,
    "weight_decay": 0.0,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "max_norm": "null",
    "augment": "none",
    "stop_on": "none",
}


def others_on(varied: Sequence[str], configurations: Sequence[Mapping[str, Any]]) -> str:
    """Say which other regularizers are on in all configurations, where one is compared; else "".

    Args:
        varied: the keys that vary.
        configurations: of each the values of all keys, as cells.
    """
    if not set(varied) & set(REGULARIZERS):
        return ""
    constant = {
        key: {configuration.get(key, off) for configuration in configurations}
        for key, off in REGULARIZERS.items()
        if key not in varied
    }
    on = {key: values.pop() for key, values in constant.items() if len(values) == 1 and values != {REGULARIZERS[key]}}
    if not on:
        return ""
    settings, off = (
        [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in of_each.items()]
        for of_each in (on, {key: REGULARIZERS[key] for key in on})
    )
    return f"also on in all of them: {', '.join(settings)} (off: {' '.join(off)})"


def follows_in(values: Mapping[str, Any]) -> list[str]:
    """Return the keys whose value is no choice of its own here, as it follows from others."""
    return [key for key, value in implied(values).items() if values.get(key) == value]


def plain(composed: Any) -> dict[str, Any]:
    """Return our own part of what Hydra composed, as plain values."""
    from omegaconf import OmegaConf

    ours = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
    values = OmegaConf.to_container(ours, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


# key -> (the key it depends on, the values of that key under which it is read)
READ_ONLY_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    "leak": ("activation", ("leaky_relu",)),
    "init_scale": ("initializer", tuple(name for name in INITIALIZERS if name != "zeros")),
    "betas": ("optimizer", ("adam",)),
    "eps": ("optimizer", ("adam", "rmsprop")),
    "momentum": ("optimizer", ("sgd",)),
    "rho": ("optimizer", ("rmsprop",)),
    "lr_decay": ("schedule", ("exponential", "step")),
    "decay_every": ("schedule", ("step",)),
    **dict.fromkeys(("rotation", "scale", "shear", "shift"), ("augment", ("affine", "elastic"))),
    **dict.fromkeys(("alpha", "sigma"), ("augment", ("elastic",))),
    "patience": ("stop_on", ("val_cost", "gap", "variance")),
    "min_delta": ("stop_on", ("val_cost", "gap", "variance")),
}
# The values of which this is known: of a component that was added from outside nobody can say what it reads.
KNOWN = {
    "activation": tuple(ACTIVATIONS),
    "initializer": tuple(INITIALIZERS),
    "optimizer": tuple(OPTIMIZERS),
    "schedule": tuple(SCHEDULES),
    "augment": ("none", "affine", "elastic"),
    "stop_on": tuple(STOPPING_RULES),
}


def unread(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that a configuration does not read, each with the reason.

    Args:
        values: the configuration's, as plain values.
    """
    reasons = {
        key: f"it is read with {other}={' or '.join(allowed)} only"
        for key, (other, allowed) in READ_ONLY_WITH.items()
        if values.get(other) in KNOWN[other] and values[other] not in allowed
    }
    if values.get("val_size") == 0:
        reasons |= dict.fromkeys(("stop_on", "patience", "min_delta", "window"), "val_size=0 leaves no validation data")
    if values.get("hidden") in ([], ()):
        reasons |= dict.fromkeys(("activation", "leak", "dropout", "max_norm"), "hidden=[] leaves no hidden units")
    return reasons


def without_effect(config: Config, overrides: Sequence[str]) -> list[str]:
    """Return a line for each override of a key that this configuration does not read."""
    reasons = unread(config.as_dict())
    lines = []
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        if key in reasons and (key, value) != ("stop_on", "none"):
            lines.append(f"{override} has no effect: {reasons[key]}")
    return lines


def _checked(
    values: Mapping[str, Any], rules: Mapping[str, Rule], required: set[str], prefix: str = ""
) -> dict[str, Any]:
    """Apply the rules: no key that has none, no required key missing."""
    for key, value in values.items():
        if key not in rules:
            raise ConfigError(unknown_key(f"{prefix}{key}", value))
    for key in sorted(required - set(values)):
        raise ConfigError(f"{prefix}{key}: missing: every key of conf/ must stay, with a value")
    result = {}
    for key, value in values.items():
        try:
            result[key] = rules[key](value)
        except ValueError as error:
            typed = f"{prefix}{key}={shown(value)}"
            raise ConfigError(f"{typed}: allowed is {error}{reading(f'{prefix}{key}', value)}") from None
    return result


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"one of {', '.join(LOADERS)}")
    return value


def unknown_key(key: str, value: Any) -> str:
    """Return the line about a key that does not exist, with the nearest one that does."""
    known = [*RULES, "data", "experiment", *(f"data.{name}" for name in DATA_RULES)]
    if key in known:  # as data.dir, which data=idx has
        return f"{key}={shown(value)}: this data set has no such key; conf/data says which has"
    return f"{key}={shown(value)}: unknown key{suggestion(key, known) or '; --help lists them all'}"
