"""A race as it was asked for on the command line, with the means to compose any setting of its space."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from npdigits.config import grammar
from npdigits.config.axes import Axis
from npdigits.config.bases import Bases
from npdigits.config.compose import compose_with_hydra, make_readable
from npdigits.config.dependence import unread
from npdigits.config.keys import KEYS, RULES
from npdigits.config.override import Override
from npdigits.config.own_choices import names_in
from npdigits.config.race_options import RaceOptions
from npdigits.config.schema import Config, parse_config

# What stands between two overrides of a reference.
BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z_][\w./-]*=)")


def _bases() -> Bases:
    return Bases(compose_with_hydra)


@dataclass(frozen=True)
class AskedRace:
    """What was typed, read and checked.

    Attributes:
        options: the keys ``race.…``.
        axes: of each arm what is searched, in the order typed; without arms of the one arm "".
        fixed: the overrides that all settings share, ``experiment=…`` and ``hydra.searchpath`` among them.
        fixed_of: of each arm the overrides that it has besides, with one value each.
        launcher: the values of ``hydra.launcher``.
    """

    options: RaceOptions
    axes: Mapping[str, tuple[Axis, ...]]
    fixed: tuple[str, ...]
    fixed_of: Mapping[str, tuple[str, ...]]
    launcher: Mapping[str, Any]
    _bases: Bases = field(default_factory=_bases, repr=False, compare=False)
    _readings: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, Any]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def compose(self, arm: str, overrides: Sequence[str]) -> Config:
        """Return the checked configuration of one setting of an arm, as that of a single run, interpolations resolved.

        Args:
            arm: its name; "" without arms, and for what all arms share alone.
            overrides: "lr=0.00316", "seed=12", …

        Raises:
            ConfigError: no run can be this.
        """
        return self.compose_of(self.values(arm, overrides))

    def compose_of(self, values: Mapping[str, Any]) -> Config:
        """Return the checked configuration of plain values (``values``).

        Raises:
            ConfigError: no run can be this.
        """
        return parse_config(values, elsewhere=self.components)

    def values(self, arm: str, overrides: Sequence[str], put_in: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the plain values of one setting of an arm, not yet checked.

        Args:
            arm: its name.
            overrides: that it has besides.
            put_in: values of keys as they are, which come after these.
        """
        rest, ours = self._read((*self.fixed, *self.fixed_of.get(arm, ()), *overrides))
        values = self._bases.values(rest, ours | dict(put_in or {}))
        values.pop("race", None)
        return values

    def _read(self, typed: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return those overrides that Hydra has to compose, and of the others the values."""
        if typed not in self._readings:
            rest: list[str] = []
            ours: dict[str, Any] = {}
            for readable in make_readable(typed, self.components):
                override = Override.of(readable)
                if override.key in RULES and not override.deletes:
                    ours[override.key] = grammar.plain(grammar.parser().parse_override(readable).value())
                else:
                    rest.append(readable)
            self._readings[typed] = tuple(rest), ours
        return self._readings[typed]

    @functools.cached_property
    def components(self) -> frozenset[str]:
        """The names of own components that some setting may have; others may have their keys, but do not read them."""
        typed = [*self.fixed, *(one for fixed in self.fixed_of.values() for one in fixed)]
        typed += [f"{axis.key}={text}" for axes in self.axes.values() for axis in axes for text, _ in axis.values]
        return frozenset(name for one in map(Override.of, typed) for name in names_in(one.key, one.value or ""))

    @property
    def reference(self) -> tuple[str, ...] | None:
        """The overrides of the setting that finalists are compared with; None: the first arm's finalist is it."""
        if self.options.reference is None:
            return None if "" not in self.axes else ()
        return tuple(BETWEEN.split(self.options.reference.strip()))


def is_read(key: str, config: Config, idle: Mapping[str, str]) -> bool:
    """Say whether a configuration reads a key.

    Args:
        key: of the configuration, or of an own component: "swish.beta".
        config: checked.
        idle: the keys that it does not read (``dependence.unread``).
    """
    top = key.partition(".")[0]
    return key not in idle if key in KEYS or top in KEYS else any(own.code.name == top for own in config.own)


def idle_keys(config: Config) -> dict[str, str]:
    """Return the keys that a configuration does not read, each with the reason."""
    return unread(config.as_dict())
