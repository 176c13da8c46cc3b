"""What a configuration does not read, and which of its values follow from others."""

from collections.abc import Mapping, Sequence
from typing import Any

from npdigits.config.override import Override
from npdigits.config.schema import Config
from npdigits.nn import activations, optimizers
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import INITIALIZERS
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.schedules import SCHEDULES
from npdigits.training.stopping import MIN_DELTA, STOPPING_RULES

# key -> (the key it depends on, the values of that key under which it is read)
READ_ONLY_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    "leak": ("activation", ("leaky_relu",)),
    "init_scale": ("initializer", tuple(name for name in INITIALIZERS if name != "zeros")),
    "betas": ("optimizer", ("adam", "lion")),
    "eps": ("optimizer", ("adam", "rmsprop")),
    "momentum": ("optimizer", ("sgd",)),
    "nesterov": ("optimizer", ("sgd",)),
    "rho": ("optimizer", ("rmsprop",)),
    "lr_decay": ("schedule", ("exponential", "step")),
    "decay_every": ("schedule", ("step",)),
    **dict.fromkeys(("rotation", "scale", "shear", "shift"), ("augment", ("affine", "elastic"))),
    **dict.fromkeys(("alpha", "sigma"), ("augment", ("elastic",))),
    "patience": ("stop_on", ("val_cost", "gap", "variance")),
    "min_delta": ("stop_on", ("val_cost", "gap", "variance")),
}
# The values for which the table above is complete; which keys a component from outside reads is not known.
KNOWN = {
    "activation": tuple(ACTIVATIONS),
    "initializer": tuple(INITIALIZERS),
    "optimizer": tuple(OPTIMIZERS),
    "schedule": tuple(SCHEDULES),
    "augment": ("none", "affine", "elastic"),
    "stop_on": tuple(STOPPING_RULES),
}
# key -> other names of its values, with those that are stored
ALIASES = {"activation": activations.ALIASES, "optimizer": optimizers.ALIASES}
WHY_RENAMED = {"adamw": "its weight decay is decoupled already", "swish": "another name of the same function"}


def unread(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys that a configuration does not read, each with the reason.

    Args:
        values: the configuration's, as plain values.
    """
    reasons = {
        key: f"it is read with {other}={' or '.join(allowed)} only"
        for key, (other, allowed) in READ_ONLY_WITH.items()
        if values.get(other) in KNOWN[other] and values[other] not in allowed
    }
    if values.get("val_size") == 0:
        reasons |= dict.fromkeys(("stop_on", "patience", "min_delta", "window"), "val_size=0 leaves no validation data")
    if values.get("hidden") in ([], ()):
        reasons |= dict.fromkeys(("activation", "leak", "dropout", "max_norm"), "hidden=[] leaves no hidden units")
    return reasons


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
