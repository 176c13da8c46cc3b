"""The checked configuration of a run, with its types."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.own_code import OwnCode
from npdigits.base.paths import absolute
from npdigits.config.components import OwnComponent
from npdigits.config.keys import DATA_RULES, FILE_DATA, FILE_RULES, OTHER_RULES, OWN_DATA, RULES, unknown_key
from npdigits.config.own_choices import choose_own
from npdigits.config.own_names import is_own
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
    source: str | None = None
    path: str | None = None
    test: str | None = None
    test_size: float | None = None
    drop_duplicates: bool = False
    label_column: str | None = None
    labels: tuple[str, ...] | None = None
    shape: tuple[int, int] | None = None
    range: tuple[float, float] | None = None
    transpose: bool | None = None
    invert: bool | None = None
    own: OwnComponent | None = None  # what makes the set, where the user's own function does

    def root_dir(self) -> Path | None:
        """Return ``root`` as a path from where the user stands."""
        return absolute("data.root", self.root)

    def folder(self) -> Path | None:
        """Return ``dir`` as a path from where the user stands."""
        return absolute("data.dir", self.dir)

    def files(self) -> tuple[Path | None, Path | None]:
        """Return ``path`` and ``test`` as paths from where the user stands."""
        return absolute("data.path", self.path), absolute("data.test", self.test)

    def from_anywhere(self) -> "DataConfig":
        """Return the same with paths that mean the same from every directory."""
        path, test = self.files()
        found = {"root": self.root_dir(), "dir": self.folder(), "path": path, "test": test}
        texts: dict[str, Any] = {name: str(place) for name, place in found.items() if place}
        return dataclasses.replace(self, **texts)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, without the keys that this data set does not have."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del values["own"]
        if self.source is None:
            del values["source"]
        others = OTHER_RULES if self.name == FILE_DATA else FILE_RULES
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
        return {key: value for key, value in plain.items() if key not in others}


@dataclass(frozen=True)
class Config:
    """A checked configuration. conf/train.yaml says what each key means and holds the defaults.

    Attributes:
        own: the user's components among what was chosen. The keys that choose them hold their marked names,
            ``swish@SHA-256``; their numbers are keys as well, ``swish.beta``.
    """

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
    added_strokes: float
    stop_on: str
    patience: int
    min_delta: float
    window: int
    val_size: int | None
    score_size: int | None
    metrics: tuple[str, ...]
    seed: int
    split_seed: int | None
    initialization_seed: int | None
    order_seed: int | None
    dtype: str
    threads: int | None
    portable: bool
    name: str | None
    workers: int | None
    out: str | None
    resume: str | None
    check_gradient: bool
    trust: bool
    plots: bool
    track: str | None
    inspect: bool
    history: str | None
    quiet: bool
    data: DataConfig
    own: tuple[OwnComponent, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as YAML and JSON hold them."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "own"}
        values["data"] = self.data.as_dict()
        for component in self.own:
            values |= component.keys
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def own_component(self, key: str) -> OwnComponent | None:
        """Return the user's component that a key chooses; None for a built-in one."""
        return next((component for component in self.own if component.key == key), None)

    def out_dir(self) -> Path | None:
        """Return ``out`` as a path from where the user stands."""
        return absolute("out", self.out)


def parse_config(
    values: Mapping[str, Any],
    rules: Mapping[str, Rule] = RULES,
    kept: Mapping[str, OwnCode] | None = None,
    elsewhere: Collection[str] = (),
) -> Config:
    """Check a composed configuration and return it with its types. Own code that the user names is executed.

    Some values depend on others: ``min_delta: null`` becomes the stopping rule's own threshold, and without validation
    data (``val_size: 0``) no rule can act, so ``stop_on`` becomes ``none``.

    Args:
        values: plain values.
        rules: what each key allows; of a run of an earlier version it is more (``former.parse_run_config``).
        kept: the own code that a run directory keeps, by its marked name; None where the user names files.
        elsewhere: names of own components that other configurations of the same sweep have; their numbers are left out.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not allowed.
        OwnCodeError: own code cannot be used.
    """
    if not isinstance(values, Mapping):  # an empty file's
        raise ConfigError(f"{short_text(values)}: allowed are keys with values")
    values, own = choose_own(values, kept, elsewhere)
    checked = _checked(values, {**rules, "data": _mapping}, required={*rules, "data"})
    data = DataConfig(**_checked(checked.pop("data"), DATA_RULES, required={"name"}, prefix="data."))
    data = _with_source(data, own)
    if checked["val_size"] == 0:
        checked["stop_on"] = "none"
    if is_own(checked["cost"]):
        if checked["output"] != "softmax":
            raise ConfigError(
                f"output={checked['output']}: allowed is softmax with an own cost, which is given the logits"
            )
    elif (checked["output"], checked["cost"]) not in COSTS:
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
        checked["min_delta"] = MIN_DELTA.get(checked["stop_on"], 0.0)
    return Config(**checked, data=data, own=tuple(own))


def _with_source(data: DataConfig, own: Sequence[OwnComponent]) -> DataConfig:
    """Return a data set's configuration with the function that makes the set, where that is the user's own."""
    if data.name == OWN_DATA and data.source is None:
        raise ConfigError("data.source: missing: data=own wants the place of your function: data.source=FILE.py:NAME")
    if data.name != OWN_DATA and data.source is not None:
        raise ConfigError(f"data.source={short_text(data.source)}: is read with data=own only")
    if data.name == FILE_DATA and data.path is None:
        raise ConfigError("data.path: missing: data=file wants the place of your digits: data.path=FILE or FOLDER")
    if data.test is not None and data.test_size is not None:
        raise ConfigError(
            f"data.test_size={data.test_size:g}: allowed is null with data.test, which is the test set already"
        )
    return dataclasses.replace(data, own=next((one for one in own if one.key == "data.source"), None))


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
