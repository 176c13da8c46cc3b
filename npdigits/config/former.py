"""Runs of earlier versions: what the absence of a key stands for, and which values were allowed once.

A release that adds a key says in ``keys.TABLE`` what its absence stands for: the value by which a run is what it was
before there was the key. So runs of every version since commit 3c68595, the first whose checkpoints resume, have
today's configuration and identity. The keys of that commit have no such value: no run is without them.
"""

from collections.abc import Mapping
from typing import Any

from npdigits.base.own_code import OwnCode
from npdigits.config.keys import BELOW_ONE, NONE, NOT_NEGATIVE, POSITIVE, RULES, TABLE
from npdigits.config.rules import Rule, shares_of
from npdigits.config.schema import Config, parse_config

# Keys that came between 3c68595 and release 0.2.0, each with what its absence stands for. Those that decide a result
# are part of every identity, as the digests of release 0.2.0 are over them.
BEFORE_0_2_0: dict[str, Any] = {
    name: key.absent for name, key in TABLE.items() if key.absent is not NONE and not key.later
}
# Keys that came after release 0.2.0, likewise. One is part of an identity only where it has another value than this, so
# that a new key renames no run.
ABSENT: dict[str, Any] = {name: key.absent for name, key in TABLE.items() if key.later}

# Keys that were part of every identity once and are part of none today, each with the default that it had then: since
# numerics 6 ``threads`` changes no bit. An identity that has them keeps them, as its digest is over them.
PART_ONCE: dict[str, Any] = {"threads": 1}

# What was allowed once and is not today.
RULES_ONCE: dict[str, Rule] = {
    # 4c8f4d0 to 7df39d8
    "dropout": shares_of(BELOW_ONE),
    "input_dropout": BELOW_ONE,
    # 4c8f4d0 to 0c23602
    "alpha": NOT_NEGATIVE,
    "sigma": POSITIVE,
    "shift": NOT_NEGATIVE,
}

# ``NUMERICS`` of earlier versions -> the last commit that computes their bits and reads their checkpoints.
LAST_COMMIT = {3: "7d9ad30", 4: "628e8ce", 5: "d0bc446"}


def parse_run_config(values: Mapping[str, Any], kept: Mapping[str, OwnCode] | None = None) -> Config:
    """Check the configuration of a run, which perhaps an earlier version wrote.

    A key that is missing has the value that its absence stands for, and what was allowed once is allowed. Own code is
    what the run directory keeps, never a file that the configuration names.

    Args:
        values: plain values.
        kept: the own code, by its marked name.

    Raises:
        ConfigError: a key is unknown, or missing though every version has it, or a value was never allowed.
    """
    return parse_config(with_absent(values), RULES | RULES_ONCE, kept or {})


def with_absent(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's configuration, as plain values, with every key that it was written without."""
    return {**BEFORE_0_2_0, **ABSENT, **values} if isinstance(values, Mapping) else values


def successor(numerics: Any) -> str:
    """Return which version goes on with runs of these numerics, in words; "" where that is not known."""
    commit = LAST_COMMIT.get(numerics) if type(numerics) is int else None
    return f"commit {commit} of npdigits goes on with it" if commit else ""
