"""The configuration of a run: every key, its type and what it allows. The defaults stand in conf/train.yaml."""

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits import initializers
from npdigits.activations import ACTIVATIONS
from npdigits.data import LOADERS
from npdigits.errors import ConfigError
from npdigits.initializers import INITIALIZERS
from npdigits.optimizers import OPTIMIZERS
from npdigits.schedules import SCHEDULES
from npdigits.stopping import MIN_DELTA, STOPPING_RULES

# A rule turns a key's raw value into the one that is used, or raises ValueError with what is allowed.
Rule = Callable[[Any], Any]


def integer(low: int, high: int | None = None) -> Rule:
    """Allow whole numbers from ``low`` to ``high``."""
    allowed = f"a whole number ≥ {low}" if high is None else f"a whole number from {low} to {high}"

    def rule(value: Any) -> int:
        if type(value) is not int or value < low or (high is not None and value > high):
            raise ValueError(allowed)
        return value

    return rule


def number(allowed: str, accepts: Callable[[float], bool]) -> Rule:
    """Allow finite numbers that a condition accepts."""

    def rule(value: Any) -> float:
        if type(value) not in (int, float):
            raise ValueError(allowed)
        try:
            result = float(value)
        except OverflowError:
            raise ValueError(allowed) from None
        if not math.isfinite(result) or not accepts(result):
            raise ValueError(allowed)
        return result

    return rule


def one_of(names: Mapping[str, Any], aliases: Mapping[str, str] | None = None) -> Rule:
    """Allow these names, and short ones for some of them; the full name is what is kept."""
    aliases = aliases or {}

    def rule(value: Any) -> str:
        if isinstance(value, str) and value in aliases:
            return aliases[value]
        if not isinstance(value, str) or value not in names:
            known = [*aliases, *names]
            raise ValueError(f"one of {', '.join(known)}{_suggestion(value, known)}")
        return value

    return rule


def optional(rule: Rule) -> Rule:
    """Allow null besides."""

    def or_none(value: Any) -> Any:
        if value is None:
            return None
        try:
            return rule(value)
        except ValueError as error:
            raise ValueError(f"null or {error}") from None

    return or_none


def boolean(value: Any) -> bool:
    """Allow true and false."""
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def text(value: Any) -> str:
    """Allow a string that is not empty and could be a path or an address."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("a text")
    return value


def hidden_sizes(value: Any) -> tuple[int, ...]:
    """Allow one size, or a list of sizes, which may be empty."""
    sizes = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(type(n) is int and n >= 1 for n in sizes):
        raise ValueError("a whole number ≥ 1, or a list of them, such as 20, [300,100] or []")
    return sizes


def pair_of_betas(value: Any) -> tuple[float, ...]:
    """Allow two numbers 0 ≤ β < 1."""
    rule = number("", lambda beta: 0 <= beta < 1)
    try:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError
        return tuple(rule(beta) for beta in value)
    except ValueError:
        raise ValueError("two numbers 0 ≤ β < 1, such as [0.9,0.999]") from None


POSITIVE = number("a number > 0", lambda x: x > 0)
NOT_NEGATIVE = number("a number ≥ 0", lambda x: x >= 0)
BELOW_ONE = number("a number from 0 to below 1", lambda x: 0 <= x < 1)

DATA_RULES: dict[str, Rule] = {
    "name": one_of(LOADERS),
    "root": optional(text),
    "mirror": optional(text),
    "dir": optional(text),
    "fallback": optional(one_of({"mnist_5k": None})),
}

RULES: dict[str, Rule] = {
    "hidden": hidden_sizes,
    "activation": one_of(ACTIVATIONS),
    "leak": BELOW_ONE,
    "initializer": one_of(INITIALIZERS, initializers.ALIASES),
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
    "stop_on": one_of(STOPPING_RULES),
    "patience": integer(1),
    "min_delta": optional(NOT_NEGATIVE),
    "window": integer(2),
    "val_size": optional(integer(0)),
    "seed": integer(0),
    "dtype": one_of({"float32": None, "float64": None}),
    "threads": integer(1, 256),
    "out": optional(text),
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


@dataclass(frozen=True)
class Config:
    """A checked configuration. conf/train.yaml says what each key means and holds the defaults."""

    hidden: tuple[int, ...]
    activation: str
    leak: float
    initializer: str
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
    stop_on: str
    patience: int
    min_delta: float
    window: int
    val_size: int | None
    seed: int
    dtype: str
    threads: int
    out: str | None
    plots: bool
    quiet: bool
    data: DataConfig

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as YAML and JSON hold them."""
        plain = dataclasses.asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}

    def out_dir(self) -> Path | None:
        """Return ``out`` as a path from where the user stands."""
        return Path(self.out).expanduser().absolute() if self.out else None


def parse(values: Mapping[str, Any]) -> Config:
    """Check a composed configuration and return it with its types.

    Two values depend on others: ``min_delta: null`` becomes the stopping rule's own threshold, and without validation
    data (``val_size: 0``) no rule can act, so ``stop_on`` becomes ``none``.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not allowed.
    """
    checked = _checked(values, {**RULES, "data": _mapping}, required={*RULES, "data"})
    data = DataConfig(**_checked(checked.pop("data"), DATA_RULES, required={"name"}, prefix="data."))
    if checked["val_size"] == 0:
        checked["stop_on"] = "none"
    if checked["min_delta"] is None:
        checked["min_delta"] = MIN_DELTA[checked["stop_on"]]
    return Config(**checked, data=data)


# key -> (the key it depends on, the values of that key under which it is read)
READ_ONLY_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    "leak": ("activation", ("leaky_relu",)),
    "betas": ("optimizer", ("adam",)),
    "eps": ("optimizer", ("adam", "rmsprop")),
    "momentum": ("optimizer", ("sgd",)),
    "rho": ("optimizer", ("rmsprop",)),
    "lr_decay": ("schedule", ("exponential", "step")),
    "decay_every": ("schedule", ("step",)),
    "patience": ("stop_on", ("val_cost", "gap", "variance")),
    "min_delta": ("stop_on", ("val_cost", "gap", "variance")),
}


def without_effect(config: Config, overrides: Sequence[str]) -> list[str]:
    """Return a line for each override of a key that this configuration does not read."""
    lines = []
    for override in overrides:
        key = override.lstrip("+").partition("=")[0]
        if key in READ_ONLY_WITH:
            other, values = READ_ONLY_WITH[key]
            if getattr(config, other) not in values:
                lines.append(f"{override} has no effect: it is read with {other}={' or '.join(values)} only")
    return lines


def _checked(
    values: Mapping[str, Any], rules: Mapping[str, Rule], required: set[str], prefix: str = ""
) -> dict[str, Any]:
    """Apply the rules: no key that has none, no required key missing."""
    for key, value in values.items():
        if key not in rules:
            raise ConfigError(unknown_key(f"{prefix}{key}", value))
    for key in sorted(required - set(values)):
        raise ConfigError(f"{prefix}{key}: missing")
    result = {}
    for key, value in values.items():
        try:
            result[key] = rules[key](value)
        except ValueError as error:
            raise ConfigError(f"{prefix}{key}={shown(value)}: allowed is {error}") from None
    return result


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"one of {', '.join(LOADERS)}")
    return value


def unknown_key(key: str, value: Any) -> str:
    """Return the line about a key that does not exist, with the nearest one that does."""
    known = [*RULES, "data", "experiment", *(f"data.{name}" for name in DATA_RULES)]
    return f"{key}={shown(value)}: unknown key{_suggestion(key, known) or '; --help lists them all'}"


def _suggestion(given: Any, known: list[str]) -> str:
    near = difflib.get_close_matches(str(given).lower(), known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def shown(value: Any) -> str:
    """Return a value as the user would type it, short and on one line."""
    if value is None or type(value) is bool:
        line = {None: "null", True: "true", False: "false"}[value]
    else:
        line = " ".join(str(value).split())
    return line if len(line) <= 80 else line[:77] + "…"
