"""Every key of the configuration, and what it allows. The defaults stand in conf/train.yaml."""

from typing import Any

from npdigits.config.rules import (
    Rule,
    boolean,
    hidden_sizes,
    integer,
    number,
    one_of,
    optional,
    pair_of_betas,
    shares,
    text,
)
from npdigits.config.suggestions import suggestion
from npdigits.config.value_text import short_text
from npdigits.data.sets import LOADERS
from npdigits.nn import activations, initializers, optimizers
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.costs import COSTS
from npdigits.nn.initializers import INITIALIZERS
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES
from npdigits.training.stopping import STOPPING_RULES

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
    "activation": one_of(ACTIVATIONS, activations.ALIASES),
    "leak": BELOW_ONE,
    "output": one_of(dict.fromkeys(output for output, _ in COSTS)),
    "cost": one_of(dict.fromkeys(cost for _, cost in COSTS)),
    "initializer": one_of(INITIALIZERS, initializers.ALIASES),
    "init_scale": POSITIVE,
    "optimizer": one_of(OPTIMIZERS, optimizers.ALIASES),
    "betas": pair_of_betas,
    "eps": POSITIVE,
    "momentum": BELOW_ONE,
    "nesterov": boolean,
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

# Whatever may stand before the "=" of an override, but for Hydra's own keys.
KEYS = (*RULES, "data", "experiment", *(f"data.{name}" for name in DATA_RULES))
# Their values stay what was typed: 2026_11_28 is no number, and a path may have any characters.
TEXT_KEYS = (
    *(key for key, rule in RULES.items() if rule is TEXT),
    *(f"data.{name}" for name, rule in DATA_RULES.items() if rule is TEXT),
    "hydra.launcher.address",
)
LIST_KEYS = ("hidden", "betas", "dropout")


def unknown_key(key: str, value: Any) -> str:
    """Return the line about a key that does not exist, with the nearest one that does."""
    if key in KEYS:  # as data.dir, which data=idx has
        return f"{key}={short_text(value)}: this data set has no such key; conf/data says which has"
    return f"{key}={short_text(value)}: unknown key{suggestion(key, KEYS) or '; --help lists them all'}"


def allows(key: str, value: Any) -> bool:
    """Say whether a key of the configuration allows a value."""
    try:
        RULES[key](value)
    except (KeyError, ValueError):
        return False
    return True
