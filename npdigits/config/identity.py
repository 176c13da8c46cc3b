"""What makes two runs the same run, in one canonical form, so that one experiment has one identity."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from npdigits.base.kinds import SHOWN
from npdigits.config.code_digest import code_mark
from npdigits.config.dependence import unread
from npdigits.config.former import ABSENT, BEFORE_0_2_0, PART_ONCE, successor
from npdigits.config.keys import NONE, RULES, TABLE
from npdigits.config.numerics import NUMERICS, split_numerics
from npdigits.config.own_names import MARKED, shorten
from npdigits.config.schema import Config
from npdigits.config.seeds import settle_seeds

# Keys that cannot change a result. ``data`` is left out because the SHA-256 of what was really read stands for it.
NOT_PART = {name for name, key in TABLE.items() if not key.decides} | {"data"}
# The value that a key has in an identity if the configuration does not read it.
UNREAD: dict[str, Any] = {name: key.unread for name, key in TABLE.items() if key.unread is not NONE}
# Keys that every identity has, each with what its absence in one of an earlier version stands for.
ALWAYS = {key: value for key, value in BEFORE_0_2_0.items() if key not in NOT_PART}

# Differences beyond this many are only counted.
MOST_NAMED = 5

# An identity, perhaps read from a file -> its canonical form.
Canonical = Callable[[dict[str, Any]], dict[str, Any]]


def identity(config: Config, data_sha256: str) -> dict[str, Any]:
    """Return all that a run's result depends on, apart from the machine and the versions of libraries.

    Args:
        config: of the run, in its canonical form as far as sizes of the data set go (``in_canonical_form``).
        data_sha256: of the data set that was really read.
    """
    keys = {key: value for key, value in config.as_dict().items() if key not in NOT_PART}
    return canonical({**keys, "data_sha256": data_sha256, "numerics": numerics()})


def numerics() -> int | str:
    """Return what stands for the code that computes: ``NUMERICS``, or text such as "5+3fa2c1d8" where it was edited."""
    mark = code_mark()
    return f"{NUMERICS}+{mark}" if mark else NUMERICS


def canonical(keys: Mapping[str, Any], digits: int | None = None, val_size: int | None = None) -> dict[str, Any]:
    """Return keys and values in their canonical form, which is the same however an experiment is written.

    A key that the configuration does not read has its value of ``UNREAD``; −0.0 becomes 0.0; an elastic distortion of
    strength 0 becomes an affine one; ``val_size`` and ``score_size`` become null where they say what null means, and so
    do the seeds of single sources (``settle_seeds``). An identity of an earlier version gets the keys of release 0.2.0
    that it lacks; a later key is in none where its value is the one that its absence stands for.

    Args:
        keys: plain values; of an identity, or of a configuration.
        digits: training digits of the data set; None if not known: the two sizes then stay as they are.
        val_size: how many of them the data set holds out where the configuration does not say.
    """
    values = {key: _without_signed_zero(value) for key, value in keys.items()}
    is_identity = "data_sha256" in values
    if is_identity and not ALWAYS.keys() <= values.keys():
        values = _in_order(ALWAYS | values)
    if values.get("augment") == "elastic" and values.get("alpha") == 0:
        values["augment"] = "affine"
    idle = unread(values)
    values |= {key: UNREAD[key] for key in idle if key in UNREAD and key in values}
    values = settle_seeds(values, idle)
    values = {key: value for key, value in values.items() if key not in ABSENT or value != ABSENT[key]}
    if digits is not None:
        held_out = val_size if values.get("val_size") is None else values["val_size"]
        if held_out == val_size and "val_size" in values:
            values["val_size"] = None
        if isinstance(held_out, int) and values.get("score_size") == digits - held_out:
            values["score_size"] = None
    if is_identity and not ABSENT.keys().isdisjoint(values):
        values = {key: value for key, value in values.items() if key not in ABSENT or value != ABSENT[key]}
    return values


def as_of_today(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return an identity without the keys that were part of it once."""
    return {key: value for key, value in identity.items() if key not in PART_ONCE}


def with_later_keys(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return an identity with the keys that it leaves out, as their value is the one that their absence stands for."""
    later = {key: value for key, value in ABSENT.items() if key not in NOT_PART}
    return _in_order({**later, **identity})


def _in_order(values: dict[str, Any]) -> dict[str, Any]:
    """Return an identity's keys in the order of the configuration's."""
    return {key: values[key] for key in RULES if key in values} | values


@functools.cache
def form_for(digits: int, val_size: int) -> Canonical:
    """Return the function that brings identities of runs on a data set of these sizes into their canonical form."""
    return functools.partial(canonical, digits=digits, val_size=val_size)


def in_canonical_form(config: Config, digits: int, val_size: int) -> Config:
    """Return a configuration with the values that its identity has."""
    before = config.as_dict()
    after = ABSENT | canonical(before, digits, val_size)
    changes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in after.items() if value != before[key]
    }
    return dataclasses.replace(config, **changes)


def _without_signed_zero(value: Any) -> Any:
    """Return a value, or the values of a list, with 0.0 in the place of −0.0."""
    if isinstance(value, list | tuple):
        return [number + 0.0 if isinstance(number, float) else number for number in value]
    return value + 0.0 if isinstance(value, float) else value


def digest(identity: dict[str, Any]) -> str:
    """Return the SHA-256 of an identity, in hex."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return the keys in which two identities differ, sorted.

    A key that was part of an identity once is compared where both have it: what lacks it has other numerics.
    """
    keys = {*found, *expected} - {key for key in PART_ONCE if (key in found) != (key in expected)}
    return sorted(key for key in keys if found.get(key) != expected.get(key))


def describe_differences(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """Return in what two identities differ, as text: "lr=0.02 there, 0.01 here; other data"."""
    parts = []
    for key in differences(found, expected):
        if key == "data_sha256":
            parts.append("other data")
        elif key == "numerics":
            parts.append(_describe_code(found.get(key), expected.get(key)))
        else:
            parts.append(_describe_difference(key, *((ABSENT | keys).get(key) for keys in (found, expected))))
    if len(parts) > MOST_NAMED:
        parts[MOST_NAMED:] = [f"and {len(parts) - MOST_NAMED} more"]
    return "; ".join(parts)


def _describe_difference(key: str, found: Any, expected: Any) -> str:
    """Return in what two values of a key differ; of own code that has one name, that it is other code."""
    there, here = (MARKED.fullmatch(value) if isinstance(value, str) else None for value in (found, expected))
    line = f"{key}={_shown(found)} there, {_shown(expected)} here"
    return f"{line}: the code of {here[1]} has changed" if there and here and there[1] == here[1] else line


def _shown(value: Any) -> str:
    """Return a value as a message shows it: 5,000 hidden layers would fill a screen."""
    text = str(shorten(value))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _describe_code(found: Any, expected: Any) -> str:
    """Return in what the code differs that made two runs."""
    if split_numerics(found)[0] == split_numerics(expected)[0]:
        return f"made by other code of npdigits: {found} there, {expected} here"
    named = successor(split_numerics(found)[0])
    return "made by a version of npdigits that computes other bits" + (f"; {named}" if named else "")
