"""What the page may set of a training: built-in components from menus, and numbers. Never a path, and no code.

What a page sends is checked key by key by the rules of the configuration, and as a whole as ``npdigits`` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.kinds import short_repr
from npdigits.config.compose import compose
from npdigits.config.keys import READ_ONLY_WITH, RULES
from npdigits.config.override import Override
from npdigits.config.schema import Config
from npdigits.config.suggestions import suggestion
from npdigits.live.session import MOST_NETWORKS
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import INITIALIZERS
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES
from npdigits.training.stopping import STOPPING_RULES

# What a page may ask for at most: it is to be looked at, and one that anybody can open is not to fill a machine.
MOST_LAYERS, MOST = 3, {"hidden": 500, "batch_size": 1000, "epochs": 1000}
SHARES = (0.0, 0.1, 0.2, 0.3, 0.5)
SMALL = (0.0, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.06, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Field:
    """A key that the page may set.

    Attributes:
        name: what the page calls it.
        values: what it offers; of numbers others are allowed too.
        menu: whether it is one of these.
        rare: whether it is shown on demand.
        both: whether two networks have it in common, as they are to learn from the same batches.
    """

    name: str
    values: tuple[Any, ...]
    menu: bool = False
    rare: bool = False
    both: bool = False


UNITS: tuple[list[int], ...] = (
    [],
    [3],
    [5],
    [10],
    [20],
    [30],
    [50],
    [100],
    [200],
    [20, 20],
    [50, 50],
    [100, 50],
    [50, 50, 50],
)
FIELDS: Mapping[str, Field] = {
    "hidden": Field("hidden units", UNITS),
    "lr": Field("learning rate", (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)),
    "activation": Field("activation", tuple(ACTIVATIONS), menu=True),
    "initializer": Field("initial weights", tuple(INITIALIZERS), menu=True),
    "init_scale": Field("factor on them", (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0), rare=True),
    "optimizer": Field("optimizer", tuple(OPTIMIZERS), menu=True),
    "momentum": Field("momentum", (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)),
    "nesterov": Field("Nesterov's", (False, True), menu=True, rare=True),
    "weight_decay": Field("weight decay", SMALL),
    "l2": Field("L2 penalty", SMALL),
    "dropout": Field("dropout", SHARES),
    "input_dropout": Field("dropout of pixels", SHARES, rare=True),
    "schedule": Field("learning rate by epoch", tuple(SCHEDULES), menu=True, rare=True),
    "lr_decay": Field("its factor", (0.5, 0.7, 0.82, 0.9, 0.95, 1.0), rare=True),
    "warmup": Field("epochs of warm-up", (0, 1, 2, 5), rare=True),
    "output": Field("output", ("softmax", "sigmoid", "tanh"), menu=True, rare=True),
    "cost": Field("cost that is trained", ("cross_entropy", "mse"), menu=True, rare=True),
    "batch_size": Field("digits a batch", (1, 4, 8, 16, 32, 64, 128, 256, 500), both=True),
    "epochs": Field("epochs at most", (1, 2, 5, 10, 20, 50, 100, 200), both=True),
    "stop_on": Field("stops early by", tuple(STOPPING_RULES), menu=True, rare=True),
    "augment": Field("distorted digits", ("none", "affine", "elastic"), menu=True, rare=True, both=True),
    "seed": Field("seed of all draws", tuple(range(10)), rare=True, both=True),
}
# Keys of the command line that are of its one run.
OF_ONE_RUN = ("out",)
REFUSED = {
    "resume": "npdigits resume=RUN goes on with a run",
    "trust": "it is read with resume=RUN only",
    "race": "a race is many runs: npdigits -m holds it",
}

ONE_VALUE = "npdigits-live takes one value; two networks, side by side, are set in the page"


def check_typed(overrides: Sequence[str]) -> Config:
    """Return the configuration of what was typed.

    Raises:
        UserError: it is not allowed.
    """
    for override in map(Override.of, overrides):
        if override.top in REFUSED:
            raise ConfigError(f"{override.typed}: not with npdigits-live: {REFUSED[override.top]}")
    try:
        return compose(overrides)
    except ConfigError as error:
        said, _, advice = str(error).rpartition("; ")
        if "--multirun" not in advice:
            raise
        raise ConfigError(f"{said}; {ONE_VALUE}") from error


def described() -> list[dict[str, Any]]:
    """Return the fields as the page draws them."""
    return [
        {
            **{"key": key, "name": field.name, "values": list(field.values)},
            **{"menu": field.menu, "rare": field.rare, "both": field.both},
            "read_with": READ_ONLY_WITH.get(key),
        }
        for key, field in FIELDS.items()
    ]


def shown(config: Config) -> dict[str, Any]:
    """Return the values of the fields in a configuration."""
    values = config.as_dict()
    found = {key: values[key] for key in FIELDS}
    dropout = found["dropout"]
    return {**found, "dropout": dropout[0] if len(dropout) == 1 else dropout}


def networks_of(typed: Sequence[str], asked: Any) -> tuple[list[list[str]], list[dict[str, Any]]]:
    """Return the overrides of each network that a page asks for, and its settings as they are shown.

    Args:
        typed: the overrides of the command line, which hold where the page says nothing else.
        asked: a list of one table of settings or of two; the second has no key that both have in common.

    Raises:
        UserError: says in one line which key, which value and what is allowed.
    """
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_NETWORKS:
        raise ConfigError(f"networks={short_repr(asked)}: allowed is a list of 1 or {MOST_NETWORKS} networks")
    base = [one for one in typed if Override.of(one).key not in OF_ONE_RUN]
    before = shown(compose(base))
    common: dict[str, Any] = {}
    found = []
    for i, table in enumerate(asked):
        if not isinstance(table, dict):
            raise ConfigError(f"networks={short_repr(asked)}: allowed is a table of settings for each network")
        for key in table:
            if i and key in FIELDS and FIELDS[key].both:
                raise ConfigError(f"{key}={short_repr(table[key])}: both networks have it in common")
        if not i:
            common = {key: value for key, value in table.items() if key in FIELDS and FIELDS[key].both}
        found.append([*base, *(_override(key, value) for key, value in _changed({**common, **table}, before))])
    return found, [shown(compose(overrides)) for overrides in found]


def _changed(table: Mapping[str, Any], before: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the settings that are not as they were typed, each checked.

    Raises:
        ConfigError: one is not allowed.
    """
    changed = []
    for key, value in table.items():
        if key not in FIELDS:
            raise ConfigError(
                f"{short_repr(key)}: allowed on the page are {', '.join(FIELDS)}{suggestion(key, tuple(FIELDS))}"
            )
        if value == before[key] and isinstance(value, bool) == isinstance(before[key], bool):
            continue
        field = FIELDS[key]
        if field.menu and not any(value is one or (isinstance(value, str) and value == one) for one in field.values):
            raise ConfigError(
                f"{key}={short_repr(value)}: allowed on the page is one of {', '.join(map(_text, field.values))}"
            )
        _check_number(key, value)
        changed.append((key, value))
    return changed


def _check_number(key: str, value: Any) -> None:
    """Refuse what a key does not allow, or what is too large for a page.

    Raises:
        ConfigError: says what is allowed.
    """
    try:
        RULES[key](value)
    except ValueError as error:
        raise ConfigError(f"{key}={short_repr(value)}: allowed is {error}") from error
    numbers = value if isinstance(value, list) else [value]
    if len(numbers) > MOST_LAYERS:
        raise ConfigError(f"{key}={short_repr(value)}: allowed on the page are at most {MOST_LAYERS} hidden layers")
    if key in MOST and any(one > MOST[key] for one in numbers):
        raise ConfigError(f"{key}={short_repr(value)}: allowed on the page is at most {MOST[key]}")


def _override(key: str, value: Any) -> str:
    return f"{key}={_text(value)}"


def _text(value: Any) -> str:
    """Return a value as it is typed."""
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)
