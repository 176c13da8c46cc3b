"""What keeps a network from learning its training digits by heart: which regularizers are on."""

from collections.abc import Mapping, Sequence
from typing import Any

# key of a regularizer -> the value, as a cell, that switches it off
REGULARIZERS: dict[str, Any] = {
    "l2": 0.0,
    "weight_decay": 0.0,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "max_norm": "null",
    "augment": "none",
    "added_strokes": 0.0,
    "stop_on": "none",
}


def others_on(varied: Sequence[str], configurations: Sequence[Mapping[str, Any]]) -> str:
    """Say which other regularizers are on in all configurations; "" if no regularizer is compared.

    Args:
        varied: the keys that vary.
        configurations: the values of all keys, as cells, of each configuration.
    """
    if not set(varied) & set(REGULARIZERS):
        return ""
    constant = {
        key: {configuration.get(key, off) for configuration in configurations}
        for key, off in REGULARIZERS.items()
        if key not in varied
    }
    on = {key: values.pop() for key, values in constant.items() if len(values) == 1 and values != {REGULARIZERS[key]}}
    if not on:
        return ""
    settings = _settings(on)
    switched_off = _settings({key: REGULARIZERS[key] for key in on})
    return f"also on in all of them: {', '.join(settings)} (off: {' '.join(switched_off)})"


def _settings(values: Mapping[str, Any]) -> list[str]:
    """Return keys and values as one types them."""
    return [f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items()]
