"""The checked configuration of a run, with its types."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.paths import absolute
from npdigits.config.keys import DATA_RULES, RULES, unknown_key
from npdigits.config.rules import Rule
from npdigits.config.suggestions import likely_meaning
from npdigits.config.value_text import short_text
from npdigits.data.sets import LOADERS
from npdigits.nn.costs import COSTS
from npdigits.training.stopping import MIN_DELTA


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
    nesterov: bool
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
        values = dataclasses.asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def out_dir(self) -> Path | None:
        """Return ``out`` as a path from where the user stands."""
        return absolute("out", self.out)


def parse_config(values: Mapping[str, Any]) -> Config:
    """Check a composed configuration and return it with its types.

    Some values depend on others: ``min_delta: null`` becomes the stopping rule's own threshold, and without validation
    data (``val_size: 0``) no rule can act, so ``stop_on`` becomes ``none``.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not allowed.
    """
    if not isinstance(values, Mapping):  # an empty file's
        raise ConfigError(f"{short_text(values)}: allowed are keys with values")
    checked = _checked(values, {**RULES, "data": _mapping}, required={*RULES, "data"})
    data = DataConfig(**_checked(checked.pop("data"), DATA_RULES, required={"name"}, prefix="data."))
    if checked["val_size"] == 0:
        checked["stop_on"] = "none"
    if (checked["output"], checked["cost"]) not in COSTS:
        outputs = " or ".join(output for output, cost in COSTS if cost == checked["cost"])
        raise ConfigError(f"cost={checked['cost']}: allowed is output={outputs} with it, not {checked['output']}")
    if checked["nesterov"] and checked["optimizer"] == "sgd" and not checked["momentum"]:
        raise ConfigError("nesterov=true: allowed is momentum > 0 with it, not 0.0")
    if len(checked["dropout"]) not in (1, len(checked["hidden"])):
        raise ConfigError(
            f"dropout={short_text(list(checked['dropout']))}: allowed is one number, or one a hidden layer"
        )
    if len(set(checked["dropout"])) == 1:  # one way to write one experiment
        checked["dropout"] = checked["dropout"][:1]
    if checked["min_delta"] is None:
        checked["min_delta"] = MIN_DELTA[checked["stop_on"]]
    return Config(**checked, data=data)


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
            typed = f"{prefix}{key}={short_text(value)}"
            raise ConfigError(f"{typed}: allowed is {error}{likely_meaning(f'{prefix}{key}', value)}") from None
    return result


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"one of {', '.join(LOADERS)}")
    return value
