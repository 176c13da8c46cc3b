"""What a sweep's folder and a run's directory in it are called."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from npdigits.config.dependence import implied
from npdigits.config.identity import NOT_PART, digest
from npdigits.config.numerics import split_numerics
from npdigits.config.override import Override
from npdigits.config.own_names import shorten
from npdigits.config.schema import Config

# All but characters that every file system takes in a name, and Hydra in a value without quotes.
UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
# Windows takes no file of these names, whatever its ending.
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
LONGEST_NAME = 80


def folder_name(name: str | None, swept: Sequence[str], fixed: Sequence[str]) -> str:
    """Return a sweep's name as a folder's: the one given, or one of the keys that vary and what was typed besides.

    Never of the values that vary, so that a grid may grow in its folder. Keys that cannot change a result are left out.
    """
    if name is not None:
        return safe_name(name)
    without_effect = NOT_PART - {"data"}
    counting = sorted(o for o in fixed if Override.of(o).top not in without_effect)
    varying = sorted(key for key in swept if key not in without_effect)
    return safe_name("_".join([*varying, *(override.replace("=", "-") for override in counting)]) or "sweep")


def run_name(config: Config, default: Config, identity: dict[str, Any]) -> str:
    """Return a run directory's name: what differs from the defaults, and eight hex digits of the identity.

    What does not fit into it is left out, but not the seed, which stands last, nor the mark of code that was edited:
    "activation-relu_seed-1_code-3fa2c1d8_0b1c2d3e".
    """
    chosen = config.as_dict()
    expected = default.as_dict() | implied(chosen)
    for own in config.own:
        expected |= dataclasses.replace(own, numbers=own.defaults).keys
    differing = {key: value for key, value in chosen.items() if key not in NOT_PART and value != expected.get(key)}
    seed = [f"seed-{differing.pop('seed')}"] if "seed" in differing else []
    parts = [f"{key}-{_in_a_name(value)}" for key, value in differing.items()]
    if config.data.name != default.data.name:
        parts.append(f"data-{config.data.name}")
    _, mark = split_numerics(identity["numerics"])
    end = "_".join([*seed, *([f"code-{mark}"] if mark else []), digest(identity)[:8]])
    room, kept = LONGEST_NAME - len(end) - 1, ""
    for part in map(_safe_characters, parts or ([] if seed else ["default"])):
        longer = f"{kept}_{part}" if kept else part[:room].rstrip("-.")
        kept = longer if len(longer) <= room else kept
    return f"{kept}_{end}" if kept else end


def safe_name(text: str) -> str:
    """Return a text as a name that is safe on every file system and short; it cannot lead to another folder.

    A text that had to be altered gets eight hex digits, so that no two texts have one name.
    """
    name = _safe_characters(text)
    return name if name == text else f"{name[: LONGEST_NAME - 9]}-{digest({'name': text})[:8]}"


def _safe_characters(text: str) -> str:
    name = UNSAFE.sub("-", text).strip("-.")
    return f"_{name}" if not name or RESERVED.match(name) else name[:LONGEST_NAME]


def _in_a_name(value: Any) -> str:
    value = shorten(value)
    return ("-".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
