"""What is said on the command line of other programs' results: --as, --seed, --keys, --at, --higher, --lower."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.compare.at import ALLOWED, parse_at
from npdigits.compare.foreign import Asked, to_runs
from npdigits.compare.keys_of import as_cell
from npdigits.config.suggestions import suggestion
from npdigits.runs.find import holds_run
from npdigits.runs.table import Runs, read_runs
from npdigits.sources.reading import READERS, is_known, read_sources
from npdigits.sources.values import from_text

# Options that npdigits' own runs have no use for: their files tell.
OF_OTHERS = {
    "form": "--as",
    "seed": "--seed",
    "keys": "--keys",
    "at": "--at",
}


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    group = parser.add_argument_group("results of other programs")
    group.add_argument("--as", dest="form", choices=[*READERS], metavar="FORM", help=f"one of {', '.join(READERS)}")
    group.add_argument("--seed", metavar="NAME", help="the setting that pairs runs; else the one that is called so")
    group.add_argument("--keys", metavar="NAME,NAME", help="the settings that tell rows apart; else those that vary")
    group.add_argument("--at", metavar="WHICH", help=f"which value of a history counts: {ALLOWED}; else last")
    better = "is better; of these metrics alone: --{0}=METRIC,METRIC"
    group.add_argument("--higher", metavar="", help="a higher value " + better.format("higher"))
    group.add_argument("--lower", metavar="", help="a lower value " + better.format("lower"))


def joined(arguments: Sequence[str]) -> list[str]:
    """Return the words of a command line with --higher and --lower, which may stand alone, as words with a value."""
    return [f"{word}=" if word in ("--higher", "--lower") else word for word in arguments]


def read_results(chosen: argparse.Namespace, metrics: Sequence[str], shown: Sequence[str]) -> Runs:
    """Read the sources of a command line: run directories of npdigits, or results of other programs.

    Raises:
        ConfigError: there are both, something cannot be read, or an option does not go with them.
    """
    own = [path for path in chosen.folders if chosen.form is None and _is_own(path)]
    better = _parse_better(chosen)
    if not own:
        return _read_others(chosen, metrics, shown, better)
    if others := [path for path in chosen.folders if path not in own]:
        raise ConfigError(
            f"{others[0]}: is no folder of npdigits' runs, and {own[0]} is: results of other programs are compared by "
            "themselves; npdigits-export --csv writes runs so that they can stand beside them"
        )
    for name, option in OF_OTHERS.items():
        if getattr(chosen, name) is not None:
            raise ConfigError(f"{option}: is for results of other programs; {own[0]} holds npdigits' own runs")
    return dataclasses.replace(read_runs(own), higher=better)


def refuse_what_has_no_effect(chosen: argparse.Namespace, foreign: bool) -> None:
    """Refuse options that would change nothing.

    Raises:
        ConfigError: one is there.
    """
    if foreign and chosen.across_environments:
        raise ConfigError("--across-environments: of other programs' runs no environment is known")
    for option in ("margin", "looks", "unpaired"):
        if chosen.all and getattr(chosen, option):
            raise ConfigError(f"--{option}: not allowed with --all, whose table is of single runs: nothing is tested")


def _is_own(path: str) -> bool:
    """Say whether a path is read as npdigits' own: a folder with a run, or one with nothing that is known."""
    folder = Path(path)
    return folder.is_dir() and (holds_run(folder) or not is_known(folder))


def _read_others(
    chosen: argparse.Namespace, metrics: Sequence[str], shown: Sequence[str], better: dict[str, bool]
) -> Runs:
    """Return the runs of other programs."""
    notes: list[str] = []
    found = read_sources(chosen.folders, chosen.form, notes.append)
    keys = None if chosen.keys is None else tuple(filter(None, (key.strip() for key in chosen.keys.split(","))))
    asked = Asked(tuple(metrics), tuple(shown), chosen.seed, keys, parse_at(chosen.at), better)
    return to_runs(found, asked, notes)


def _parse_better(chosen: argparse.Namespace) -> dict[str, bool]:
    """Return metric -> whether higher is better, as typed; "" stands for all that are not known.

    Raises:
        ConfigError: both are said of one.
    """
    better: dict[str, bool] = {}
    for option, value in (("higher", True), ("lower", False)):
        typed = getattr(chosen, option)
        for name in [] if typed is None else [name.strip() for name in typed.split(",")]:
            if name in better:
                raise ConfigError(f"--lower{f'={name}' if name else ''}: --higher says the contrary")
            better[name] = value
    return better


def parse_values(typed: str, parts: Sequence[str], keys: Sequence[str]) -> dict[str, Any]:
    """Return the values of a baseline among other programs' rows.

    Args:
        typed: all of it, for messages.
        parts: its assignments.
        keys: of the rows.

    Raises:
        ConfigError: a key is unknown or there twice, or a part is no assignment.
    """
    values: dict[str, Any] = {}
    for part in parts:
        key, equals, text = part.partition("=")
        if not equals:
            raise ConfigError(f"--baseline {typed}: allowed is best, or key=value (several with spaces between)")
        if key not in keys:
            raise ConfigError(f"--baseline {key}={text}: the rows are of {', '.join(keys)}{suggestion(key, [*keys])}")
        if key in values:
            raise ConfigError(f"--baseline {typed}: {key} is there twice")
        values[key] = as_cell(from_text(text))
    return values
