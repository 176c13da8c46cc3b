"""What was typed, as Hydra is to read it; what it could not read is refused in our words."""

import dataclasses
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException

from npdigits.base.errors import ConfigError
from npdigits.config import grammar
from npdigits.config.grid_size import BOUND
from npdigits.config.keys import KEYS, TEXT_KEYS
from npdigits.config.override import Override
from npdigits.config.own_choices import names_in
from npdigits.config.race_options import ARMS
from npdigits.config.unreadable import no_override, unreadable

# The key under which an experiment names the values to sweep over, and the key of further folders with experiments.
SWEPT, SEARCHPATH = "hydra.sweeper.params", "hydra.searchpath"
OURS = (SWEPT, BOUND)
# What a list, a mapping or quoted text begins with, whatever quotes a word processor has made of it.
OPENING = "'\"“”„‘’«"


def read_overrides(
    arguments: Sequence[str], choices: Mapping[str, Sequence[str]], components: Collection[str] = ()
) -> list[str]:
    """Return the overrides as Hydra reads what was typed.

    Args:
        arguments: as typed.
        choices: of each group.
        components: names of own components that are chosen elsewhere.

    Raises:
        ConfigError: one cannot be read; the message says what was meant, where that is clear.
    """
    named = {name for one in map(Override.of, arguments) for name in names_in(one.key, one.value or "")}
    own = {*named, *components} - set(KEYS)
    result = []
    for place, argument in enumerate(arguments):
        before, rest = arguments[place - 1] if place else "", arguments[place + 1 :]
        if "=" not in argument and not argument.startswith("~"):
            raise ConfigError(no_override(argument, Override.of(before), rest, choices))
        if argument.startswith("="):
            raise ConfigError(f"{argument}: allowed is key=value, such as hidden=20")
        override = Override.of(argument)
        _check_key(override, choices)
        if override.top in own and not override.sign:
            override = dataclasses.replace(override, sign="++")  # keys that no file of conf/ has
        result.append(argument if override.value is None else _with_value(override, override.value, rest))
    return result


def _check_key(override: Override, choices: Mapping[str, Sequence[str]]) -> None:
    """Refuse a key that no configuration can have, and one that is not the user's to set.

    Raises:
        ConfigError: the key is such a one.
    """
    typed, key = override.typed, override.key
    if override.sign + key != (override.sign + key).strip():
        raise ConfigError(f"{typed}: without spaces: {(override.sign + key).strip()}={(override.value or '').strip()}")
    if not re.fullmatch(r"[A-Za-z_][\w./-]*", key):
        raise ConfigError(f"{typed}: {override.sign}{key} is no key; --help lists them all")
    above, _, below = key.partition("/")
    if above in choices and below and not override.sign:
        raise ConfigError(f"{typed}: did you mean {above}={below}/{override.value or ''}?")
    others_sweeper = key == "hydra/sweeper" or (key.startswith("hydra.sweeper.") and not key.startswith(OURS))
    if others_sweeper and not override.deletes:
        raise ConfigError(f"{typed}: not allowed: npdigits makes its grids itself, of key=a,b or key=range(5)")


def _with_value(override: Override, value: str, rest: Sequence[str]) -> str:
    """Return an override as Hydra reads it.

    Raises:
        ConfigError: its value cannot be read.
    """
    key = override.key if override.key in KEYS and not override.deletes else override.sign + override.key
    if not override.deletes and override.key in TEXT_KEYS:
        value = _quote_text(override.key, value)
    elif not override.deletes and override.key.startswith(SWEPT):
        # Hydra does not sweep over its own keys. The value is that of one of our keys, as in an experiment's file.
        key = f"++{override.key}"
        value = value if value.strip()[:1] in ("'", '"', "{") else grammar.quoted(value)
    elif override.key == ARMS and not override.deletes:
        key = f"++{ARMS}"  # whose names are the user's
    elif override.key == BOUND and not override.deletes:
        key = f"++{BOUND}"  # which Hydra's own sweeper, in whose place ours stands, does not have
    if not grammar.parses(key, value):
        raise ConfigError(unreadable(override.typed, key, value, rest))
    if override.key == SEARCHPATH and not override.deletes:
        _check_folders(override.typed, grammar.parser().parse_override(f"{key}={value}").value())
    return f"{key}={value}"


def _check_folders(argument: str, folders: Any) -> None:
    """Refuse a search path of which Hydra would say over several lines that it is not there.

    Raises:
        ConfigError: it is no list of folders.
    """
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise ConfigError(f"{argument}: allowed is a list of folders: {SEARCHPATH}=[DIR]")
    for folder in folders:
        scheme, _, path = folder.rpartition("://")
        if scheme in ("", "file") and not Path(path).is_dir():
            raise ConfigError(f"{argument}: there is no folder {path}")


def _quote_text(key: str, value: str) -> str:
    """Return a text so that Hydra keeps it as it was typed: in quotes where it would be a number, a list or unreadable.

    Commas separate the values of a sweep, but for those in the name of a file or folder that is there.

    Raises:
        ConfigError: both can be meant.
    """
    parts = [part.strip() for part in split_at_commas(value)]
    if name := next((name for name in (value.strip(), value) if _is_there(name)), None):
        if len(parts) > 1 and all(map(_is_there, parts)):
            one, several = grammar.quoted(name), ",".join(map(grammar.quoted, parts))
            choice = f'write "{key}={one}", or "{key}={several}" for a sweep'
            raise ConfigError(f"{key}={value}: all of them are there, and one of that name: {choice}")
        return _quote_name(name)
    if function := re.fullmatch(r"(choice|sort|shuffle)\((.*)\)", value.strip()):
        return f"{function[1]}({_quote_text(key, function[2])})"
    return ",".join(part if not part or part[0] in OPENING else _quote_part(part) for part in parts)


def _is_there(name: str) -> bool:
    return bool(name) and os.path.lexists(os.path.expanduser(name))  # noqa: PTH111 – which never raise


def _quote_name(name: str) -> str:
    """Return the name of what is there, so that nothing in it is a list, a function or an interpolation."""
    try:
        read = grammar.parser().parse_override(f"key={name}").value()
    except HydraException:
        read = 0
    as_typed = read is None or isinstance(read, QuotedString) or (read == name and "${" not in name)
    return name if as_typed else grammar.quoted(name.replace("${", "\\${"))


def _quote_part(part: str) -> str:
    try:
        read = grammar.parser().parse_override(f"key={part}")
    except HydraException:
        return part if part.partition("(")[0] in grammar.USAGE else grammar.quoted(part)
    return grammar.quoted(part) if isinstance(read.value(), bool | int | float | list | dict) else part


def split_at_commas(value: str) -> Iterator[str]:
    """Yield the parts between the commas of a value that are in no brackets or quotes."""
    part, depth, quote = "", 0, ""
    for c in value:
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"" and not part.strip():  # it's is no quotation
            quote = c
        else:
            depth += (c in "([{") - (c in ")]}")
        if c == "," and depth <= 0 and not quote:
            yield part
            part = ""
        else:
            part += c
    yield part
