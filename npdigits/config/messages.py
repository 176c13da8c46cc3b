"""Errors of Hydra and OmegaConf in our words: one line with the key, the value and what is allowed."""

import re
from collections.abc import Sequence
from pathlib import Path

from npdigits.config.conf_files import GROUPS, choices
from npdigits.config.keys import LIST_KEYS, TEXT_KEYS, allows, unknown_key
from npdigits.config.override import Override
from npdigits.config.suggestions import suggestion

# Beginnings of lines in Hydra's messages that do not help a user.
NOISE = ("See https://", "Config search path:", "full_key:", "object_type=", "reference_type=")


def is_hydras(error: Exception) -> bool:
    """Tell whether an error comes from composing the configuration rather than from our code."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if isinstance(error, HydraException | OmegaConfBaseException):
        return True
    if isinstance(error, OSError):  # of what Hydra prints: npdigits --cfg job | head
        return False
    trace, last = error.__traceback__, ""
    while trace:
        last, trace = trace.tb_frame.f_globals.get("__name__", ""), trace.tb_next
    return last.partition(".")[0] in ("hydra", "omegaconf", "antlr4", "yaml")


def one_line(error: BaseException, arguments: Sequence[str] = ()) -> str:
    """Condense a message of Hydra's or OmegaConf's to a line that names the key, the value and what is allowed."""
    message = str(error).strip()
    overrides = [Override.of(argument) for argument in arguments]
    if missing := re.search(r"Could not override '(.+?)'", message):
        # Where no such key was typed, it stands in an experiment: Hydra's message ends with it.
        in_a_file = Override.of(message.rpartition("use +")[2])
        value = next((override for override in overrides if override.key == missing[1]), in_a_file).value or ""
        return no_such_choice(missing[1], value) if missing[1] in GROUPS else unknown_key(missing[1], value)
    if unfound := re.search(r"Could not find '(.*?)'", message):
        top, _, below = unfound[1].partition("/")
        group, _, name = unfound[1].rpartition("/")
        return no_such_choice(top, below) if top in GROUPS else no_such_choice(group, name)
    if swept := re.search(
        r"(?:Ambiguous value for argument|Sweep parameters) '(.+?)'(?:\n| requires)", message, re.DOTALL
    ):
        override = Override.of(swept[1])
        return _needs_multirun(next((typed for typed in overrides if typed.key == override.key), override))
    if missing := re.search(r"field '(hydra\.sweeper\.params\.\w+)' is not Optional", message):
        return f'{missing[1]}=null: allowed is what one would type, in quotes: "null" or "null,1"'
    lines = [line.strip() for line in message.splitlines() if line.strip() and not line.strip().startswith(NOISE)]
    place = _place(error, overrides)
    return "; ".join([*([place] if place else []), *lines[:2]]) or type(error).__name__


def _place(error: BaseException, overrides: Sequence[Override]) -> str | None:
    """Return the override that an error is about, as typed, or else the key."""
    # OmegaConf names the key, Hydra's grammar the override that it could not read; an interpolation names itself.
    place: str | None = getattr(error, "full_key", None) or getattr(error, "override", None)
    for override in overrides:
        if override.key == place or (not place and "${" in override.typed):
            place = override.typed
    return place


def _needs_multirun(override: Override) -> str:
    """Return the line about several values where one run is asked for."""
    key, value = override.key, override.value or ""
    what = "allowed is one value"
    if "interval(" in value:
        return f"{override.typed}: allowed is one value; a race draws from an interval: --multirun race=64"
    if key in LIST_KEYS and "(" not in value:
        what = "write a list as key=[a,b]"
    elif key in TEXT_KEYS and "(" not in value:
        from npdigits.config import grammar  # which imports Hydra

        quoted = grammar.quoted(value).replace('"', '\\"')
        what = f'a text with a comma needs quotes twice: "{key}={quoted}"'
    elif re.fullmatch(r"\d+,\d+", value) and allows(key, float(decimal := value.replace(",", "."))):
        what = f"decimals have a point: {key}={decimal}"
    return f"{override.typed}: {what}; for a sweep over the values add --multirun"


def no_such_choice(group: str, name: str) -> str:
    """Return the line about a choice that a group does not have; it may be in a folder: published/softmax."""
    names = choices(group)
    folders = dict.fromkeys(choice.rpartition("/")[0] for choice in names if "/" in choice)
    folder = name.strip("/") if name.strip("/") in folders else name.rpartition("/")[0]
    options = [choice for choice in names if choice.rpartition("/")[0] == (folder if folder in folders else "")]
    if folder not in folders:
        options += [f"{parent}/…" for parent in folders]
    hint = suggestion(name, names) if name.strip("/") not in folders else ""
    if group == "data" and not hint and ("/" in name or (name and Path(name).is_dir())):
        hint = f"; did you mean data=file data.path={name}?"
    if not options:
        return f"{group}={name}: there is no {group} to choose yet"
    return f"{group}={name}: allowed is one of {', '.join(options)}{hint}"
