"""Which of a configuration's choices are the user's own components, with the keys under their names."""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.own_code import OwnCode
from npdigits.config.components import KINDS, OwnComponent, read_component
from npdigits.config.keys import ALIASES, KEYS, NAMES
from npdigits.config.own_names import find_entry_point, is_own
from npdigits.config.value_text import short_text
from npdigits.training.own_metrics import columns
from npdigits.training.state import Epoch

# Columns that metrics.csv has anyway.
RECORDED = tuple(field.name for field in dataclasses.fields(Epoch))


def choose_own(
    values: Mapping[str, Any], kept: Mapping[str, OwnCode] | None, elsewhere: Collection[str]
) -> tuple[dict[str, Any], list[OwnComponent]]:
    """Return a configuration with marked names in the place of typed ones and without own keys, and the components.

    Args:
        values: plain values, not yet checked.
        kept: the code that a run directory keeps; None where the user names files.
        elsewhere: names of components whose keys are left out.

    Raises:
        ConfigError: two components have one name, or one has the name of something else.
        OwnCodeError: a component cannot be used.
    """
    rest, numbers = _split_numbers(values)
    components: list[OwnComponent] = []
    for key, spec in _specs(rest):
        name = spec.partition("@")[0].rpartition(":")[2]
        component = read_component(key, spec, kept, numbers.get(name, {}))
        _check_name(component, components)
        components.append(component)
        rest = _with_marked(rest, key, spec, component.code.marked)
    names = {component.code.name for component in components}
    for name, given in numbers.items():
        if name not in names and name not in elsewhere:
            # As a key that does not exist: what has no dot was not split off.
            for number, value in given.items():
                rest[f"{name}.{number}"] = value
    return rest, components


def specs_in(key: str, text: str) -> list[str]:
    """Return the places of the own components that a typed value names: ["mine.py:swish"] of "relu,mine.py:swish".

    Of a component that an installed package offers it is the place behind its name.
    """
    found = []
    for word in re.findall(r"[^\s,\[\]()=]+", text):
        word = word.strip("'\"")
        if re.fullmatch(r".+:[A-Za-z_]\w*", word):
            found.append(word)
        elif key in NAMES and word.isidentifier() and word not in (*NAMES[key], "choice", "sort", "shuffle"):
            found += filter(None, [find_entry_point(key, word)])
    return found


def names_in(key: str, text: str) -> list[str]:
    """Return the names of these components: ["swish"]."""
    return [spec.rpartition(":")[2] for spec in specs_in(key, text)]


def _specs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys whose values name own code, each with that value."""
    for key in KINDS:
        if key == "data.source":
            data = values.get("data")
            value = data.get("source") if isinstance(data, Mapping) else None
        else:
            value = values.get(key)
        for one in value if key == "metrics" and isinstance(value, list | tuple) else [value]:
            if isinstance(one, str) and is_own(one):
                yield key, one
            elif isinstance(one, str) and one not in NAMES.get(key, ()) and (place := find_entry_point(key, one)):
                yield key, place


def _split_numbers(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the keys of npdigits, and those under other names: {"swish": {"beta": 1.5}}."""
    rest: dict[str, Any] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        name, dot, number = str(key).partition(".")
        if dot and name not in KEYS:
            numbers.setdefault(name, {})[number] = value
        elif isinstance(value, Mapping) and name not in KEYS:
            numbers.setdefault(name, {}).update(value)
        else:
            rest[str(key)] = value
    return rest, numbers


def _check_name(component: OwnComponent, others: Collection[OwnComponent]) -> None:
    """Refuse a component by whose name something else is meant.

    Raises:
        ConfigError: it is another component's, a key's or a built-in's.
    """
    name, where = component.code.name, f"{component.key}={short_text(component.code.spec)}"
    if any(other.code.name == name for other in others):
        raise ConfigError(
            f"{where}: another component that was chosen is called {name} too: call one of them otherwise"
        )
    if component.key == "metrics" and (taken := {*RECORDED, *KEYS}.intersection(columns([name]))):
        raise ConfigError(f"{where}: {min(taken)} is a column already: call the function otherwise")
    if name in KEYS:
        raise ConfigError(f"{where}: {name} is a key: call the function otherwise")
    # By another name of a built-in nothing is stored, so it can be the user's own.
    if name in NAMES.get(component.key, ()) and name not in ALIASES.get(component.key, ()):
        raise ConfigError(f"{where}: {name} is built in: call the function otherwise")


def _with_marked(values: dict[str, Any], key: str, spec: str, marked: str) -> dict[str, Any]:
    """Return a configuration in which a key's value names its code by its digest."""
    if key == "data.source":
        return {**values, "data": {**values["data"], "source": marked}}
    value = values[key]
    if isinstance(value, list | tuple):
        return {**values, key: [marked if one == spec else one for one in value]}
    return {**values, key: marked}
