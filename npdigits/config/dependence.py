"""What a configuration does not read, and which of its values follow from others."""

from collections.abc import Mapping, Sequence
from typing import Any

from npdigits.config.keys import ALIASES, BUILT_IN, READ_ONLY_WITH
from npdigits.config.override import Override
from npdigits.config.own_names import is_own
from npdigits.config.schema import Config
from npdigits.config.seeds import reads_seed
from npdigits.nn.initializers import INITIALIZERS
from npdigits.training.stopping import MIN_DELTA

# The values for which ``READ_ONLY_WITH`` is complete; which keys a component from outside reads is not known.
KNOWN = {
    "initializer": tuple(INITIALIZERS),
    "augment": ("none", "affine", "elastic"),
    **{key: tuple(factories) for key, factories in BUILT_IN.items()},
}
# Keys that own components read too.
READ_BY_OWN = ("init_scale", "initialization_seed")
WHY_RENAMED = {"adamw": "its weight decay is decoupled already", "swish": "another name of the same function"}


def unread(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that a configuration does not read, each with the reason.

    Args:
        values: the configuration's, as plain values.
    """
    reasons = {
        key: f"it is read with {other}={' or '.join(allowed)} only"
        for key, (other, allowed) in READ_ONLY_WITH.items()
        if _is_known(key, other, values.get(other)) and values[other] not in allowed
    }
    if values.get("val_size") == 0:
        reasons |= dict.fromkeys(("stop_on", "patience", "min_delta", "window"), "val_size=0 leaves no validation data")
    if values.get("trust") and not values.get("resume"):
        reasons["trust"] = "it is read with resume=RUN only"
    if "seed" in values and not reads_seed(values, reasons):
        reasons["seed"] = "split_seed, initialization_seed and order_seed are given, and nothing else is drawn"
    if values.get("hidden") in ([], ()):
        reasons |= dict.fromkeys(("activation", "leak", "dropout", "max_norm"), "hidden=[] leaves no hidden units")
    return reasons


def _is_known(key: str, other: str, value: Any) -> bool:
    """Say whether it is known which keys a choice reads: a built-in's, and an own component's, which has its own."""
    return value in KNOWN[other] or (is_own(value) and key not in READ_BY_OWN)


def without_effect(config: Config, overrides: Sequence[str]) -> list[str]:
    """Return a line for each override of a key that this configuration does not read."""
    reasons = unread(config.as_dict())
    return [
        f"{override.typed} has no effect: {reasons[override.key]}"
        for override in map(Override.of, overrides)
        if override.key in reasons and not override.deletes and (override.key, override.value) != ("stop_on", "none")
    ]


def renamed(overrides: Sequence[str]) -> list[str]:
    """Return a line for each override of a value that is stored by another name, where that needs a word."""
    typed = [(override.typed, override.key, str(override.value)) for override in map(Override.of, overrides)]
    return [
        f"{text} is stored as {ALIASES[key][value]}: {WHY_RENAMED[value]}"
        for text, key, value in typed
        if value in ALIASES.get(key, ()) and value in WHY_RENAMED
    ]


def implied(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys whose value follows from others, each with that value.

    Args:
        values: a configuration's, as plain values.
    """
    follows: dict[str, Any] = {"stop_on": "none"} if values.get("val_size") == 0 else {}
    if isinstance(values.get("stop_on"), str) and values["stop_on"] in MIN_DELTA:
        follows["min_delta"] = MIN_DELTA[values["stop_on"]]
    return follows


def follows_in(values: Mapping[str, Any]) -> list[str]:
    """Return the keys whose value in this configuration is the one that follows from others, and so no choice."""
    return [key for key, value in implied(values).items() if values.get(key) == value]
