"""What makes two runs the same run, in one canonical form, so that one experiment has one identity."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from npdigits.config.dependence import unread
from npdigits.config.schema import Config

# Raised whenever a change of the code alters the bits of a result.
NUMERICS = 5

# Keys that cannot change a result. ``data`` is left out because the SHA-256 of what was really read stands for it.
NOT_PART = {"name", "workers", "out", "resume", "plots", "quiet", "data"}

# The value that a key has in an identity if the configuration does not read it. These are the defaults of the first
# releases. They must never change, even if a default does, as digests on disk were made with them.
UNREAD: dict[str, Any] = {
    "activation": "leaky_relu",
    "leak": 0.01,
    "init_scale": 1.0,
    "betas": [0.9, 0.999],
    "eps": 1e-8,
    "momentum": 0.0,
    "nesterov": False,
    "rho": 0.99,
    "lr_decay": 0.82,
    "decay_every": 10,
    "dropout": [0.0],
    "max_norm": None,
    "alpha": 37.0,
    "sigma": 5.5,
    "rotation": 15.0,
    "scale": 0.15,
    "shear": 0.0,
    "shift": 0.0,
    "patience": 5,
    "min_delta": 0.0,
    "window": 5,
}

# Keys that came after release 0.2.0, each with the value that its absence stands for. They enter an identity only where
# they differ from it, so that the digests of earlier runs stay what they are.
ABSENT: dict[str, Any] = {"nesterov": False}

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
    return canonical({**keys, "data_sha256": data_sha256, "numerics": NUMERICS})


def canonical(keys: Mapping[str, Any], digits: int | None = None, val_size: int | None = None) -> dict[str, Any]:
    """Return keys and values in their canonical form, which is the same however an experiment is written.

    A key that the configuration does not read has its value of ``UNREAD``; −0.0 becomes 0.0; an elastic distortion of
    strength 0 becomes an affine one; ``val_size`` and ``score_size`` become null where they say what null means; a key
    of ``ABSENT`` that has its value there is left out.

    Args:
        keys: plain values; of an identity, or of a configuration.
        digits: training digits of the data set; None if not known: the two sizes then stay as they are.
        val_size: how many of them the data set holds out where the configuration does not say.
    """
    values = {key: _without_signed_zero(value) for key, value in keys.items()}
    if values.get("augment") == "elastic" and values.get("alpha") == 0:
        values["augment"] = "affine"
    values |= {key: UNREAD[key] for key in unread(values) if key in UNREAD and key in values}
    if digits is not None:
        held_out = val_size if values.get("val_size") is None else values["val_size"]
        if held_out == val_size and "val_size" in values:
            values["val_size"] = None
        if isinstance(held_out, int) and values.get("score_size") == digits - held_out:
            values["score_size"] = None
    return {key: value for key, value in values.items() if key not in ABSENT or value != ABSENT[key]}


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
    """Return the keys in which two identities differ, sorted."""
    return sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))


def describe_differences(found: dict[str, Any], expected: dict[str, Any]) -> str:
    """Return in what two identities differ, as text: "lr=0.02 there, 0.01 here; other data"."""
    parts = []
    for key in differences(found, expected):
        if key == "data_sha256":
            parts.append("other data")
        elif key == "numerics":
            parts.append("made by a version of npdigits that computes other bits")
        else:
            there, here = ((ABSENT | keys).get(key) for keys in (found, expected))
            parts.append(f"{key}={there} there, {here} here")
    if len(parts) > MOST_NAMED:
        parts[MOST_NAMED:] = [f"and {len(parts) - MOST_NAMED} more"]
    return "; ".join(parts)
