"""Every key of the configuration: what it allows, what reads it, what its absence stands for.

The defaults stand in conf/train.yaml. From this one table are made the checks, the warnings of what has no effect, the
identity, the reading of earlier runs, the parameters of ``Classifier`` and the table in conf/README.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from npdigits.base.choice import numbers_of
from npdigits.config.race_options import KEYS as RACE_KEYS
from npdigits.config.rules import (
    Rule,
    boolean,
    hidden_sizes,
    integer,
    names,
    number,
    one_of,
    optional,
    own_or,
    own_spec,
    own_specs,
    pair_of_betas,
    pair_of_sides,
    share_or_number,
    shares,
    span,
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

# The data set that a function of the user's makes, and the one that is read from any of their files.
OWN_DATA, FILE_DATA = "own", "file"
# Keys of ``data=file`` alone.
FILE_RULES: dict[str, Rule] = {
    "path": TEXT,
    "test": TEXT,
    "test_size": optional(share_or_number),
    "drop_duplicates": boolean,
    "label_column": TEXT,
    "labels": optional(names),
    "shape": optional(pair_of_sides),
    "range": optional(span),
    "transpose": optional(boolean),
    "invert": optional(boolean),
}
DATA_RULES: dict[str, Rule] = {
    "name": one_of({**LOADERS, FILE_DATA: None, OWN_DATA: None}),
    "source": optional(own_spec),
    "root": TEXT,
    "mirror": TEXT,
    "dir": TEXT,
    "fallback": optional(one_of({"mnist_5k": None})),
    **FILE_RULES,
}

# Keys of other data sets.
OTHER_RULES = {key: rule for key, rule in DATA_RULES.items() if key not in FILE_RULES and key != "name"}

# What stands where a key has no such value.
NONE: Any = object()


@dataclass(frozen=True)
class Key:
    """What is known of a key. Its default stands in conf/train.yaml, with a line about it.

    Attributes:
        rule: its type and range.
        read_with: (another key, its values) under which alone it is read; None: see ``READ_ONLY_WITH``, or always.
        unread: the value that it has in an identity if it is not read. These are the defaults of the first releases.
            They must never change, even if a default does, as digests on disk were made with them.
        absent: the value by which a run is what it was before there was this key; NONE for the keys of commit 3c68595,
            without which no run is.
        later: whether it came after release 0.2.0. It is part of an identity only where it has another value than
            ``absent``, so that a new key renames no run.
        decides: whether it can change a result.
        estimator: whether it is a parameter of ``Classifier``.
    """

    rule: Rule
    read_with: tuple[str, tuple[str, ...]] | None = None
    unread: Any = NONE
    absent: Any = NONE
    later: bool = False
    decides: bool = True
    estimator: bool = True


DISTORTED = ("augment", ("affine", "elastic"))
ELASTIC = ("augment", ("elastic",))
DRAWS_WEIGHTS = ("initializer", tuple(name for name in INITIALIZERS if name != "zeros"))

TABLE: dict[str, Key] = {
    "hidden": Key(hidden_sizes),
    "activation": Key(own_or("activation", one_of(ACTIVATIONS, activations.ALIASES)), unread="leaky_relu"),
    "leak": Key(BELOW_ONE, unread=0.01),
    # 4c8f4d0: cross-entropy of a softmax was all that was trained, on all units and on the images as they are
    "output": Key(one_of(dict.fromkeys(output for output, _ in COSTS)), absent="softmax"),
    "cost": Key(own_or("cost", one_of(dict.fromkeys(cost for _, cost in COSTS))), absent="cross_entropy"),
    "initializer": Key(own_or("initializer", one_of(INITIALIZERS, initializers.ALIASES))),
    # 9b3b77d: initial weights were as drawn
    "init_scale": Key(
        POSITIVE,
        read_with=DRAWS_WEIGHTS,
        unread=1.0,
        absent=1.0,
    ),
    "optimizer": Key(own_or("optimizer", one_of(OPTIMIZERS, optimizers.ALIASES))),
    "betas": Key(pair_of_betas, unread=[0.9, 0.999]),
    "eps": Key(POSITIVE, unread=1e-8),
    "momentum": Key(BELOW_ONE, unread=0.0),
    "nesterov": Key(boolean, unread=False, absent=False, later=True),
    "rho": Key(BELOW_ONE, unread=0.99),
    "lr": Key(POSITIVE),
    "schedule": Key(own_or("schedule", one_of(SCHEDULES))),
    "lr_decay": Key(number("a number above 0, up to 1", lambda x: 0 < x <= 1), unread=0.82),
    "decay_every": Key(integer(1), unread=10),
    "warmup": Key(integer(0)),
    "batch_size": Key(integer(1)),
    "epochs": Key(integer(1)),
    "l2": Key(NOT_NEGATIVE),
    "weight_decay": Key(NOT_NEGATIVE),
    # 4c8f4d0, as above; what was not read stands at ``unread``
    "dropout": Key(shares, unread=[0.0], absent=[0.0]),
    "input_dropout": Key(number("a number from 0 to 0.99", lambda x: 0 <= x <= 0.99), absent=0.0),
    "max_norm": Key(optional(POSITIVE), unread=None, absent=None),
    "augment": Key(one_of(dict.fromkeys(("none", *DISTORTED[1]))), absent="none"),
    "alpha": Key(
        number("a number from 0 to 10000, in pixels", lambda x: 0 <= x <= 10_000), ELASTIC, unread=37.0, absent=37.0
    ),
    "sigma": Key(
        number("a number above 0, up to 1000, in pixels", lambda x: 0 < x <= 1000), ELASTIC, unread=5.5, absent=5.5
    ),
    "rotation": Key(
        number("a number from 0 to 180, in degrees", lambda x: 0 <= x <= 180), DISTORTED, unread=15.0, absent=15.0
    ),
    "scale": Key(BELOW_ONE, DISTORTED, unread=0.15, absent=0.15),
    "shear": Key(
        number("a number from 0 to below 90, in degrees", lambda x: 0 <= x < 90), DISTORTED, unread=0.0, absent=0.0
    ),
    "shift": Key(
        number("a number from 0 to 1000, in pixels", lambda x: 0 <= x <= 1000), DISTORTED, unread=0.0, absent=0.0
    ),
    "added_strokes": Key(number("a number from 0 to 1", lambda x: 0 <= x <= 1), absent=0.0, later=True),
    "stop_on": Key(own_or("stop_on", one_of(STOPPING_RULES))),
    "patience": Key(integer(1), unread=5),
    "min_delta": Key(optional(NOT_NEGATIVE), unread=0.0),
    "window": Key(integer(2), unread=5),
    "val_size": Key(optional(integer(0))),
    # 6f79665: all training digits were scored
    "score_size": Key(optional(integer(1)), absent=None, estimator=False),
    "metrics": Key(own_specs, absent=[], later=True, estimator=False),
    "seed": Key(integer(0)),
    # Of one source of spread alone; null is the seed, as it was before there were these keys.
    "split_seed": Key(optional(integer(0)), absent=None, later=True),
    "initialization_seed": Key(optional(integer(0)), DRAWS_WEIGHTS, unread=None, absent=None, later=True),
    "order_seed": Key(optional(integer(0)), absent=None, later=True),
    "dtype": Key(one_of({"float32": None, "float64": None})),
    # Once it was part of the identity, as other bits came of other numbers.
    "threads": Key(optional(integer(1, 256)), decides=False),
    "portable": Key(boolean, absent=False, later=True),
    # c321c01: there were no sweeps of ours, and a sweep's names were Hydra's
    "name": Key(TEXT, absent=None, decides=False, estimator=False),
    "workers": Key(optional(integer(0, 4096)), absent=None, decides=False, estimator=False),
    "out": Key(TEXT, decides=False, estimator=False),
    "resume": Key(TEXT, decides=False, estimator=False),
    "check_gradient": Key(boolean, absent=True, later=True, decides=False, estimator=False),
    "trust": Key(boolean, absent=False, later=True, decides=False, estimator=False),
    "plots": Key(boolean, decides=False, estimator=False),
    "track": Key(optional(one_of({"tensorboard": None})), absent=None, later=True, decides=False, estimator=False),
    "inspect": Key(boolean, absent=False, later=True, decides=False, estimator=False),
    "history": Key(optional(one_of({"all": None})), absent=None, later=True, decides=False, estimator=False),
    "quiet": Key(boolean, decides=False, estimator=False),
}
RULES: dict[str, Rule] = {name: key.rule for name, key in TABLE.items()}

# The built-in choices of each key that takes the user's own components besides.
NAMES: dict[str, tuple[str, ...]] = {
    "activation": (*ACTIVATIONS, *activations.ALIASES),
    "cost": tuple(dict.fromkeys(cost for _, cost in COSTS)),
    "initializer": (*INITIALIZERS, *initializers.ALIASES),
    "optimizer": (*OPTIMIZERS, *optimizers.ALIASES),
    "schedule": tuple(SCHEDULES),
    "stop_on": tuple(STOPPING_RULES),
}

# Other names of some of them -> the names that are stored.
ALIASES = {
    "activation": activations.ALIASES,
    "initializer": initializers.ALIASES,
    "optimizer": optimizers.ALIASES,
}

# Those whose factories name the keys that they read.
BUILT_IN: dict[str, dict[str, Callable[..., Any]]] = {
    "activation": ACTIVATIONS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "stop_on": STOPPING_RULES,
}
# Parameters of factories that are read whatever is chosen.
ALWAYS_READ = ("parameters", "gradient", "lr", "epochs", "window")


def _read_only_with() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the keys that are read under some values of another key alone: key -> (the other key, these values)."""
    found = {name: key.read_with for name, key in TABLE.items() if key.read_with}
    for other, factories in BUILT_IN.items():
        for name, factory in factories.items():
            for key in (key for key in numbers_of(factory) if key not in ALWAYS_READ):
                found[key] = other, (*found.get(key, (other, ()))[1], name)
    return {key: found[key] for key in TABLE if key in found}


READ_ONLY_WITH = _read_only_with()

# Whatever may stand before the "=" of an override, but for Hydra's own keys.
KEYS = (*RULES, "data", "experiment", *(f"data.{name}" for name in DATA_RULES), *RACE_KEYS)
# Their values stay what was typed: 2026_11_28 is no number, and a path may have any characters.
TEXT_KEYS = (
    *(key for key, rule in RULES.items() if rule is TEXT),
    *(f"data.{name}" for name, rule in DATA_RULES.items() if rule is TEXT),
    "hydra.launcher.address",
)
LIST_KEYS = ("hidden", "betas", "dropout", "metrics", "data.labels", "data.shape", "data.range")


def unknown_key(key: str, value: Any) -> str:
    """Return the line about a key that does not exist, with the nearest one that does."""
    if key.removeprefix("data.") in FILE_RULES and key.startswith("data."):
        return f"{key}={short_text(value)}: is read with data=file only: data=file data.path=…"
    if key in RACE_KEYS:
        return f"{key}={short_text(value)}: is read with --multirun only: a race is many runs"
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
