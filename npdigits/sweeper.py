"""Hydra's side of a sweep: which points a command line or an experiment names, each composed and checked once.

Hydra's own sweeper composes each job twice, and finds the mistake in the last one after the others have run.
"""

import copy
import importlib
import itertools
import sys
import types
from collections.abc import Iterator
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper as HydrasSweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from npdigits.config import RULES, plain

EXPERIMENT = "experiment"


class Grid(Exception):
    """Carries the points out of Hydra, in which no other configuration could be composed.

    Attributes:
        points: of each its overrides, and the plain values that Hydra composed of them.
        swept: the keys that vary.
        fixed: the overrides that do not.
        launcher: the values of ``hydra.launcher``.
    """

    def __init__(
        self,
        points: list[tuple[list[str], dict[str, Any]]],
        swept: list[str],
        fixed: list[str],
        launcher: dict[str, Any],
    ) -> None:
        self.points, self.swept, self.fixed, self.launcher = points, swept, fixed, launcher


class Sweeper(HydrasSweeper):
    """Composes all points of the grid, and raises them."""

    # Hydra only takes plugins from a package of this name.
    __module__ = "hydra_plugins.npdigits"

    def __init__(self, params: dict[str, str] | None = None, **_: Any) -> None:
        pass  # the parameters are each experiment's own

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra hands to its plugins."""
        self.loader, self.base = hydra_context.config_loader, config

    def sweep(self, arguments: list[str]) -> Any:
        """Compose every point, and raise ``Grid``."""
        self.parser = OverridesParser.create(config_loader=self.loader)
        typed = {override.get_key_element(): override for override in self.parser.parse_overrides(arguments)}
        chosen = typed.get(EXPERIMENT)
        experiments = _values(chosen) if chosen else [None]
        points: list[tuple[list[str], dict[str, Any]]] = []
        swept: dict[str, None] = {EXPERIMENT: None} if len(experiments) > 1 else {}
        fixed: dict[str, None] = {}
        for experiment in experiments:
            of_it = [] if experiment is None else [f"{EXPERIMENT}={experiment}"]
            params = self.loader.load_sweep_config(self.base, of_it).hydra.sweeper.get("params") or {}
            parsed = self.parser.parse_overrides([f"{key}={value}" for key, value in params.items()])
            # What is typed takes the place of what an experiment says of the same key.
            overrides = {override.get_key_element(): override for override in parsed} | typed
            overrides.pop(EXPERIMENT, None)
            axes = {key: _values(override) for key, override in overrides.items()}
            swept |= {key: None for key, override in overrides.items() if override.is_sweep_override()}
            fixed |= {f"{key}={axes[key][0]}": None for key in overrides if key not in swept}
            points += self._composed(of_it, overrides, axes)
        launcher = OmegaConf.to_container(self.base.hydra.launcher, resolve=True)
        assert isinstance(launcher, dict)
        raise Grid(points, list(swept), list(fixed), {str(key): value for key, value in launcher.items()})

    def _composed(
        self, experiment: list[str], overrides: dict[str, Override], axes: dict[str, list[str]]
    ) -> Iterator[tuple[list[str], dict[str, Any]]]:
        """Yield the points of one experiment.

        Hydra takes some 0.03 s to compose a configuration. Of points that differ in plain values of our own keys alone
        it composes the first; the others are that one with their values, as Hydra's parser reads them.
        """
        ours = [
            key
            for key, override in overrides.items()
            if key in RULES and not override.is_add() and not override.is_force_add() and not override.is_delete()
            if not any("${" in value for value in axes[key])
        ]
        others = [key for key in axes if key not in ours]
        composed: dict[tuple[str, ...], dict[str, Any]] = {}
        for values in itertools.product(*axes.values()):
            point = dict(zip(axes, values, strict=True))
            typed = [*experiment, *(f"{key}={value}" for key, value in point.items())]
            of_others = tuple(point[key] for key in others)
            if of_others not in composed:
                composed[of_others] = plain(self.loader.load_sweep_config(self.base, typed))
            here = copy.deepcopy(composed[of_others])
            for key in ours:
                here[key] = self._read(f"{key}={point[key]}")
            yield typed, here

    def _read(self, override: str) -> Any:
        """Return an override's value, as OmegaConf would hold it."""
        value = self.parser.parse_override(override).value()
        return OmegaConf.to_container(OmegaConf.create({"value": value}))["value"]  # type: ignore[index, call-overload]


def _values(override: Override) -> list[str]:
    """Return the values that an override gives to its key, as text."""
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if not override.is_discrete_sweep():
        raise HydraException(f"{override.input_line}: allowed in a sweep are lists, choices, ranges and globs")
    values = [str(value) for value in override.sweep_string_iterator()]
    if not values:
        raise HydraException(f"{override.input_line}: nothing fits")
    return values


def register() -> None:
    """Make this the sweeper that conf/train.yaml names."""
    Plugins.instance().register(Sweeper)
    # Hydra looks a plugin up by its name, too; there is no folder of that name to be found, only this module.
    try:
        package = importlib.import_module("hydra_plugins")
    except ModuleNotFoundError:
        package = sys.modules["hydra_plugins"] = types.ModuleType("hydra_plugins")
    sys.modules["hydra_plugins.npdigits"] = package.npdigits = sys.modules[__name__]  # type: ignore[attr-defined]
