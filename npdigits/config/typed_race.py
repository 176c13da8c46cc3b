"""What is typed of a race, as overrides that Hydra can read: ``race=64``, ``race.where`` several times, ``--arm``."""

import re
from collections.abc import Mapping, Sequence

from npdigits.base.errors import ConfigError
from npdigits.config.override import Override
from npdigits.config.race_options import ARMS, KEYS
from npdigits.config.value_text import short_text

OPTION = "--arm"
WHERE, SETTINGS, REFERENCE = "race.where", "race.settings", "race.reference"
# An arm's name stands in tables and in file names.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}")


def split_arms(arguments: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return what stands before the first ``--arm``, and of each arm what stands behind its name.

    Raises:
        ConfigError: a name is missing, not allowed, or there twice; there is one arm alone.
    """
    common: list[str] = []
    arms: dict[str, list[str]] = {}
    here, rest = common, list(arguments)
    while rest:
        word = rest.pop(0)
        option, equals, name = word.partition("=")
        if option != OPTION:
            here.append(word)
            continue
        if not equals:
            name = rest.pop(0) if rest and "=" not in rest[0] and not rest[0].startswith("-") else ""
        check_name(name, f"{OPTION} {name}")
        if name in arms:
            raise ConfigError(f"{OPTION} {name}: there are two arms of this name; all keys of an arm stand behind one")
        here = arms[name] = []
    return common, arms


def check_name(name: str, where: str) -> None:
    """Refuse what cannot be the name of an arm.

    Raises:
        ConfigError: the name is such.
    """
    if not name.strip():
        raise ConfigError(f"{where.strip()}: a name is missing: allowed is {OPTION} NAME key=values …")
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{short_text(where)}: allowed in the name of an arm are letters, digits, _ . + and -, 40 at most"
        )


def as_override(arms: Mapping[str, Sequence[str]]) -> str:
    """Return arms as one override, which takes the place of those that an experiment has.

    Args:
        arms: of each what was typed, as Hydra reads it.

    Raises:
        ConfigError: what stands behind an arm's name is no key=values.
    """
    from npdigits.config.grammar import quoted

    written = []
    for name, typed in arms.items():
        given: dict[str, str] = {}
        for override in map(Override.of, typed):
            if override.deletes or override.value is None:
                raise ConfigError(f"{OPTION} {name} {override.typed}: allowed behind the name of an arm is key=values")
            if override.key in given:
                raise ConfigError(f"{OPTION} {name} {override.typed}: {override.key} is there twice in this arm")
            given[override.key] = override.value
        written.append(f"{name}:{{{','.join(f'{key}:{quoted(value)}' for key, value in given.items())}}}")
    return f"++{ARMS}={{{','.join(written)}}}"


def spell_out(arguments: Sequence[str]) -> list[str]:
    """Return overrides with ``race.settings=64`` for ``race=64``, and with one ``race.where`` for several.

    Raises:
        ConfigError: a constraint is empty.
    """
    result: list[str] = []
    conditions: list[str] = []
    for override in map(Override.of, arguments):
        if override.key == "race" and override.value is not None and not override.deletes:
            if not override.value.strip().startswith("{"):
                override = Override.of(f"{SETTINGS}={override.value}")
            result.append(override.typed)
        elif override.key == WHERE and override.value is not None and not override.deletes:
            conditions.append(override.value)
        elif override.key == REFERENCE and override.value and not override.deletes:
            result.append(f"{REFERENCE}={_reference(override.value)}")
        else:
            result.append(override.typed)
    return [*result, *([_conditions(conditions)] if conditions else [])]


def _reference(value: str) -> str:
    """Return the overrides of one setting, typed with spaces or commas between them or as a list, as one text."""
    from npdigits.config.grammar import quoted

    text = value.strip()
    if text == "null" or text[:1] in ("'", '"'):
        return text
    return quoted(text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text)


def _conditions(given: Sequence[str]) -> str:
    """Return constraints as one override: a list of texts."""
    from npdigits.config.grammar import quoted

    texts = [one for value in given for one in _texts(value)]
    return f"{WHERE}=[{','.join(map(quoted, texts))}]"


def _texts(value: str) -> list[str]:
    """Return the constraints of one ``race.where``: a text as it is, or a list in Hydra's grammar."""
    from hydra.errors import HydraException

    from npdigits.config import grammar
    from npdigits.config.reading import split_at_commas

    text = value.strip()
    if not text:
        raise ConfigError(f"{WHERE}=: allowed is a constraint such as 'parameters <= 16000'; null is none")
    if text == "null":
        return []
    if text[0] in "['\"":
        try:
            read = grammar.parser().parse_override(f"{WHERE}={text}")
        except HydraException:  # < and > stand in quotes there
            listed_plainly = text[0] == "[" and text[-1] == "]"
            return [part.strip() for part in split_at_commas(text[1:-1])] if listed_plainly else [text]
        if not read.is_sweep_override():
            listed = read.value()
            parts = listed if isinstance(listed, list) else [listed]
            return [str(grammar.plain(part)) for part in parts]
    return [text]


def is_of_race(key: str) -> bool:
    """Say whether a key is one of a race's."""
    return key in KEYS or key.startswith("race.")
