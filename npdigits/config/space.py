"""The space of a race, of what was typed and of what an experiment says: which keys vary, in which arm, and how."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from hydra.core.override_parser.types import Override as ParsedOverride

from npdigits.base.errors import ConfigError
from npdigits.config import grammar
from npdigits.config.axes import Axis, read_axis, refuse_empty
from npdigits.config.keys import RULES, TABLE
from npdigits.config.override import Override
from npdigits.config.race_options import RaceOptions
from npdigits.config.seeds import DRAWN_BY
from npdigits.config.typed_race import OPTION, check_name
from npdigits.config.value_text import short_text

SEEDS = ("seed", *DRAWN_BY)
# Keys that all settings of a race share, with the reason.
SHARED: dict[str, str] = {
    "epochs": "the rungs of a race are counted in epochs",
    "val_size": "validation digits judge all settings alike",
    "score_size": "it changes no setting",
    "metrics": "they change no setting",
    "portable": "all runs are compared",
    "experiment": "the space is one experiment's",
    **{key: "it changes no setting" for key, row in TABLE.items() if not row.decides},
}


class Space(Exception):
    """Carries what a race was asked for out of ``hydra.main``, within which nothing else can be composed.

    Attributes:
        options: how it is to be held.
        axes: of each arm what is searched; without arms of the one arm "".
        fixed: the overrides that all settings share.
        fixed_of: of each arm those that it has besides.
        launcher: the values of ``hydra.launcher``.
    """

    def __init__(
        self,
        options: RaceOptions,
        axes: dict[str, tuple[Axis, ...]],
        fixed: tuple[str, ...],
        fixed_of: dict[str, tuple[str, ...]],
        launcher: dict[str, Any],
    ) -> None:
        self.options, self.axes, self.fixed, self.fixed_of, self.launcher = options, axes, fixed, fixed_of, launcher


def divide(
    given: Mapping[str, ParsedOverride], arms: Mapping[str, Mapping[str, ParsedOverride]]
) -> tuple[dict[str, tuple[Axis, ...]], list[str], dict[str, tuple[str, ...]]]:
    """Divide overrides into what is searched and what is fixed.

    What is searched in all arms stands in each of them, but where the arm says of the same key something of its own.

    Args:
        given: key -> what all settings have.
        arms: of each arm likewise what it has; none without arms.

    Returns:
        Of each arm its axes; the fixed overrides of all; of each arm those that it has besides.

    Raises:
        ConfigError: nothing is searched, or what no race can search.
    """
    fixed, common = _fixed_and_axes(given)
    for key in given:
        refuse_seed(key, str(given[key].input_line))
    for axis in common:
        refuse_shared(axis.key, f"{axis.key}={axis.text}")
    axes: dict[str, tuple[Axis, ...]] = {}
    fixed_of: dict[str, tuple[str, ...]] = {}
    for name, own in arms.items():
        for key, override in own.items():
            _refuse_in_arm(name, key.lstrip("+"), str(override.input_line))
        its_fixed, its_axes = _fixed_and_axes(own)
        taken = {key.lstrip("+") for key in own}
        axes[name] = (*(axis for axis in common if axis.key not in taken), *its_axes)
        fixed_of[name] = tuple(its_fixed)
    if not arms:
        axes[""], fixed_of[""] = tuple(common), ()
    for name, searched in axes.items():
        refuse_empty(searched, name)
    written = {name: {*fixed_of[name], *((axis.key, axis.text) for axis in axes[name])} for name in axes}
    for one, other in itertools.combinations(axes, 2):
        if written[one] == written[other]:
            raise ConfigError(f"{OPTION} {one} and {OPTION} {other} are alike: nothing would differ but chance")
    return axes, fixed, fixed_of


def _fixed_and_axes(given: Mapping[str, ParsedOverride]) -> tuple[list[str], list[Axis]]:
    """Return the overrides with one value, as text, and the axes of the others."""
    fixed: list[str] = []
    axes: list[Axis] = []
    for signed, override in given.items():
        key = signed.lstrip("+")
        axis = read_axis(key, override)
        if axis is not None:
            axes.append(axis)
        elif key.startswith("~"):
            fixed.append(str(override.input_line))
        else:
            fixed.append(f"{key}={grammar.values(override)[0][0]}")
    return fixed, axes


def refuse_seed(key: str, line: str) -> None:
    """Refuse a seed: a race draws its own.

    Raises:
        ConfigError: the key is one.
    """
    if key.lstrip("+~") in SEEDS:
        raise ConfigError(f"{line}: a race draws the seeds of its runs itself; race.seed changes them all")


def refuse_shared(key: str, line: str) -> None:
    """Refuse a key that all settings of a race share.

    Raises:
        ConfigError: the key is one.
    """
    if key in SHARED or key.partition(".")[0] in ("data", "hydra"):
        why = SHARED.get(key, "all settings of a race have one data set")
        raise ConfigError(f"{line}: allowed in a race is one value: {why}")


def _refuse_in_arm(name: str, key: str, line: str) -> None:
    """Refuse what no arm can have for itself.

    Raises:
        ConfigError: the key is such.
    """
    refuse_seed(key, line)
    if key == "race" or key.startswith("race."):
        raise ConfigError(f"{OPTION} {name} {line}: allowed is {key} before the first {OPTION}: it is the whole race's")
    if key in SHARED or key.partition(".")[0] in ("data", "hydra"):
        raise ConfigError(f"{OPTION} {name} {line}: allowed is {key} before the first {OPTION}: all arms share it")


def written_arms(value: Any) -> dict[str, dict[str, str]]:
    """Return ``race.arms`` of an experiment, or as it was typed: name -> key -> values as one would type them.

    Raises:
        ConfigError: it is no such table.
    """
    if value is None:
        return {}
    example = "allowed is a table of arms, each with its keys: {l2: {l2: 'interval(0,0.01)'}, …}"
    if not isinstance(value, Mapping):
        raise ConfigError(f"race.arms={short_text(value)}: {example}")
    arms: dict[str, dict[str, str]] = {}
    for name, table in value.items():
        check_name(str(name), f"race.arms.{name}")
        if not isinstance(table, Mapping):
            raise ConfigError(f"race.arms.{name}={short_text(table)}: {example}")
        arms[str(name)] = {
            str(key): one if isinstance(one, str) else grammar.to_text(one) for key, one in _flat(table.items())
        }
    if len(arms) == 1:
        raise ConfigError(f"{OPTION} {next(iter(arms))}: a race with arms has two at least")
    return arms


def _flat(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, Any]]:
    """Yield the keys of an arm; those below an own component's name with it in front: swish.beta."""
    for key, value in items:
        if isinstance(value, Mapping) and key not in RULES:
            yield from _flat((f"{key}.{below}", one) for below, one in value.items())
        else:
            yield Override.of(str(key)).key, value
