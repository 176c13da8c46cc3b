"""What is refused of a race before anything is drawn: whatever can be told from its space and the keys of its runs."""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from npdigits.base import program
from npdigits.base.errors import ConfigError, OwnCodeError, UserError
from npdigits.config import grammar
from npdigits.config.asked_race import AskedRace, idle_keys, is_read
from npdigits.config.axes import Axis, points
from npdigits.config.components import KINDS
from npdigits.config.compose import make_readable
from npdigits.config.constraint import Constraint
from npdigits.config.dependence import without_effect
from npdigits.config.keys import READ_ONLY_WITH, RULES
from npdigits.config.messages import is_hydras, one_line
from npdigits.config.override import Override
from npdigits.config.schema import Config
from npdigits.config.space import SEEDS, refuse_seed, refuse_shared
from npdigits.config.typed_race import OPTION, REFERENCE, is_of_race

# Keys by whose values it is decided which others are read.
DECIDING = {*(other for other, _ in READ_ONLY_WITH.values()), *KINDS, "hidden"}
# Which keys a configuration reads depends on choices; of these so many combinations are tried.
MOST_COMBINATIONS = 2_000


def check(asked: AskedRace) -> None:
    """Refuse a race that cannot be held.

    Raises:
        ConfigError: with the key, the value and what is allowed.
    """
    options, arms = asked.options, len(asked.axes)
    if options.settings % arms or options.settings // arms < 2:
        least = max(2, round(options.settings / arms)) * arms
        raise ConfigError(
            f"race.settings={options.settings}: each of {arms} arms gets as many, and two at least: race={least}"
        )
    whole = asked.compose("", ())
    if whole.resume is not None:
        raise ConfigError(f"resume={whole.resume}: not allowed in a race: the same command goes on with it")
    if whole.val_size == 0:
        raise ConfigError("val_size=0: a race chooses by validation accuracy: allowed is a number > 0, or null")
    for key in SEEDS[1:]:
        if (value := getattr(whole, key)) is not None:
            refuse_seed(key, f"{key}={value}")
    _check_components(asked, whole)
    if reference := asked.reference:
        _check_reference(asked, reference)
    idle = {}
    for arm in asked.axes:
        _check_grid(asked, arm)
        idle[arm] = _check_read(asked, arm)
    constraints(asked)
    _warn_of_idle(asked, idle)


def constraints(asked: AskedRace) -> tuple[Constraint, ...]:
    """Return the constraints of a race, read.

    Raises:
        ConfigError: one cannot be read, or names a key that there is not.
    """
    if not asked.options.where:
        return ()
    components = {*asked.components, *(own.code.name for own in asked.compose("", ()).own)}
    return tuple(Constraint.of(text, tuple(RULES), components) for text in asked.options.where)


def _check_components(asked: AskedRace, whole: Config) -> None:
    """Refuse other numbers of the component that makes the data set, and of one that measures alone.

    Raises:
        ConfigError: there are such.
    """
    shared = {own.code.name: own.key for own in whole.own if own.key in ("data.source", "metrics")}
    typed = [one for fixed in asked.fixed_of.values() for one in fixed]
    typed += [f"{axis.key}={axis.text}" for axes in asked.axes.values() for axis in axes]
    for override in map(Override.of, typed):
        if key := shared.get(override.top):
            raise ConfigError(f"{override.typed}: allowed in a race is one value: all settings share {key}")


def _check_grid(asked: AskedRace, arm: str) -> None:
    """Refuse a grid that is endless, or larger than what was asked for.

    Raises:
        ConfigError: it is.
    """
    if asked.options.search != "grid":
        return
    where = f" of {OPTION} {arm}" if arm else ""
    for axis in asked.axes[arm]:
        if axis.count is None:
            raise ConfigError(
                f"race.search=grid: {axis.key}={axis.text}{where} has endlessly many values: allowed is sobol with it"
            )
    n, arms = points(asked.axes[arm]) or 0, len(asked.axes)
    if n > asked.options.settings // arms:
        raise ConfigError(f"race.search=grid: the grid{where} has {n:,} points: race={n * arms} races them all")


def _check_reference(asked: AskedRace, reference: Sequence[str]) -> None:
    """Refuse a reference that is no setting of a race, and warn of what it does not read.

    Raises:
        ConfigError: it is none.
    """
    typed = f"{REFERENCE}={asked.options.reference}"
    keys: set[str] = set()
    for override in map(Override.of, reference):
        refuse_seed(override.key, typed)
        refuse_shared(override.key, f"{typed}: {override.key}")
        if is_of_race(override.key):
            raise ConfigError(f"{typed}: {override.key}: allowed are keys of one setting, such as lr=0.01")
        if override.key in keys:
            raise ConfigError(f"{typed}: {override.key} is there twice")
        keys.add(override.key)
    try:
        for readable in make_readable(reference, asked.components):
            read = grammar.parser().parse_override(readable)
            if read.is_sweep_override():
                line = str(read.input_line).lstrip("+")
                raise ConfigError(f"{line}: allowed is one value: it is one setting")
        config = asked.compose("", reference)
    except ConfigError as error:
        raise ConfigError(f"{typed}: {error}") from error
    except Exception as error:
        if not is_hydras(error):
            raise
        raise ConfigError(f"{typed}: {one_line(error, reference)}") from error
    for line in without_effect(config, reference):
        program.warn("npdigits", f"{typed}: {line}")


def _warn_of_idle(asked: AskedRace, idle: Mapping[str, Collection[str]]) -> None:
    """Warn of what was typed of all settings, or of all of an arm, and none of them reads.

    Args:
        asked: the race.
        idle: of each arm a line for each key with one value that none of its settings reads.
    """
    everywhere = set.intersection(*map(set, idle.values()))
    for arm, lines in idle.items():
        own = {override.partition("=")[0] for override in asked.fixed_of.get(arm, ())}
        for line in lines:
            if line.partition("=")[0] in own and line not in everywhere:
                program.warn("npdigits", f"{OPTION} {arm}: {line}")
    for line in sorted(everywhere):
        program.warn("npdigits", line)


def _check_read(asked: AskedRace, arm: str) -> list[str]:
    """Refuse a key that no setting of an arm reads, and ends of intervals that an own component does not allow.

    Returns:
        A line for each key with one value that no setting of the arm reads.

    Raises:
        ConfigError: the key is such.
    """
    axes = asked.axes[arm]
    unseen = {axis.key: "" for axis in axes}
    fixed = (*asked.fixed, *asked.fixed_of.get(arm, ()))
    without: list[str] | None = None
    refused: ConfigError | None = None
    for put_in in _combinations(axes):
        try:
            config = asked.compose_of(asked.values(arm, (), put_in))
        except ConfigError as error:  # which a constraint may leave out
            refused = refused or _as_typed(axes, error)
            continue
        except OwnCodeError as error:
            if not unseen:  # this is for what is fixed alone
                continue
            raise _whole(axes, error) from error
        idle = idle_keys(config)
        for key in list(unseen):
            if is_read(key, config, idle):
                del unseen[key]
            else:
                unseen[key] = idle.get(key, "it is a number of a component that no setting has")
        found = without_effect(config, fixed)
        without = found if without is None else [line for line in without if line in found]
        if not (unseen or without):
            return []
    for axis in axes:
        if why := unseen.get(axis.key):
            where = f"{OPTION} {arm}: " if arm else ""
            raise ConfigError(f"{where}{axis.key}={axis.text}: no setting reads it: {why}")
    if refused and unseen:
        raise refused
    return without or []


def _as_typed(axes: tuple[Axis, ...], error: ConfigError) -> ConfigError:
    """Return an error about a number that was drawn from an interval with the interval, which is what was typed."""
    for axis in axes:
        if not axis.values and str(error).startswith(f"{axis.key}="):
            why = str(error).partition(": ")[2] if "unknown key" in str(error) else str(error)
            return ConfigError(f"{axis.key}={axis.text}: {why}")
    return error


def _whole(axes: tuple[Axis, ...], error: OwnCodeError) -> UserError:
    """Return an error; where an own component's whole number has an interval of others, say how that is written."""
    for axis in axes:
        if not (axis.values or axis.whole) and str(error).startswith(f"{axis.key}=") and "whole" in str(error):
            typed = f"{axis.key}={axis.text}"
            return ConfigError(f"{typed}: {axis.key} is a whole number: {axis.key}=int({axis.text})")
    return error


def _combinations(axes: tuple[Axis, ...]) -> Iterator[Mapping[str, Any]]:
    """Yield combinations of the values that decide what is read; the others stand at their first value, or their last.

    Of lists of layers an empty one decides, and one that is not.
    """
    for place in (0.0, math.nextafter(1.0, 0.0)):
        listed = []
        for axis in axes:
            values = [value for _, value in axis.values] if axis.key in DECIDING else []
            if axis.key == "hidden":
                values = [*[one for one in values if one == []][:1], *[one for one in values if one != []][:1]]
            listed.append(values or [axis.at(place)[1]])
        for point in itertools.islice(itertools.product(*listed), MOST_COMBINATIONS):
            yield dict(zip((axis.key for axis in axes), point, strict=True))
