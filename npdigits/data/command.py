"""Show what is understood of a data set, without training: ``python -m npdigits.data PATH [TEST] [data.KEY=…]``."""

import argparse
import dataclasses
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from npdigits.base import targets
from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, exit_code
from npdigits.base.spreadsheet import csv_table
from npdigits.base.terminal import hand_over, show
from npdigits.base.text import aligned, printable
from npdigits.config.compose import compose
from npdigits.config.schema import DataConfig
from npdigits.data.sets import LOADERS
from npdigits.forms.load import LEFT_OUT, LISTED_ELSEWHERE
from npdigits.forms.overview import counts_by_class, describe_values, examples_by_class, find_twins
from npdigits.forms.reading import read_found
from npdigits.runs.prepare import load_data, wanted

PROGRAM = "npdigits.data"
OVERRIDE = re.compile(r"data\.\w*=")
HEAD = ("class", "training", "test")


def main() -> None:
    """Print what is understood; the exit code is 2 for what cannot be read."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition(":")[0])
    parser.add_argument(
        "arguments",
        nargs="+",
        metavar="PATH",
        help="a file or folder of digits, or a set's name (mnist); the test set's file, where it is another one; "
        "data.KEY=… as npdigits takes it",
    )
    parser.add_argument("--csv", metavar="FILE", help="write the counts by class; - for standard output, and no more")
    parser.add_argument("--png", metavar="FILE", help="write a picture of examples by class")
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be, or the set cannot be read.
    """
    asked = {option: target for option in ("csv", "png") if (target := getattr(chosen, option)) is not None}
    targets.check(asked)
    if asked.get("png") == "-":
        raise ConfigError("--png -: allowed is the name of a file")
    config = _config_of(chosen.arguments)
    targets.check_unread(asked, [place for place in (*config.files(), config.folder()) if place])
    warnings: list[str] = []
    data = load_data(config, config.name, None, warnings.append)
    rows = counts_by_class(data)
    if "png" in asked:
        targets.put(Path(chosen.png), examples_by_class(data))
    if "csv" in asked and chosen.csv != "-":
        targets.put(Path(chosen.csv), csv_table(HEAD, rows).encode())
    if chosen.csv == "-":
        hand_over(csv_table(HEAD, rows))
        return 0
    sums = "all", sum(train for _, train, _ in rows), sum(test for _, _, test in rows)
    table = [HEAD, *((printable(name), f"{train:,}", f"{test:,}") for name, train, test in [*rows, sums])]
    show(data.described or f"{data.name}: {len(data.train):,} training and {len(data.test):,} test images")
    show("\n".join(["", *aligned(table, left=1), ""]))
    twins = find_twins(data)
    facts = [("values", describe_values(data)), ("duplicates", twins.described)]
    facts += [("", line) for line in twins.examples]
    lines = _all_of(warnings, config)
    facts += [("looks wrong", line) for line in lines if LEFT_OUT not in line] or [("looks wrong", "nothing")]
    facts += [("left out", line.replace(LEFT_OUT, ": ", 1)) for line in lines if LEFT_OUT in line]
    show("\n".join(f"{what + ':' if what else '':<13}{line}" for what, line in facts))
    return 0


def _config_of(arguments: Sequence[str]) -> DataConfig:
    """Return the data set's configuration, as ``npdigits data=file data.path=PATH …`` would have it.

    Raises:
        ConfigError: an argument is not allowed.
    """
    overrides = [argument for argument in arguments if OVERRIDE.match(argument)]
    places = [argument for argument in arguments if argument not in overrides]
    if "" in places:
        raise ConfigError("'': allowed is the name of a file or folder")
    if not 1 <= len(places) <= 2:
        raise ConfigError(f"{' '.join(places) or overrides[0]}: allowed are PATH, or PATH TEST, and data.KEY=…")
    named = places[0] in LOADERS and not Path(places[0]).exists()
    taken = () if named else ("path", *(["test"] if len(places) == 2 else []))
    for override in overrides:
        if override.partition("=")[0].removeprefix("data.") in taken:
            raise ConfigError(f"{override}: {places[0]} is named without a key; allowed is one of the two")
    if named and len(places) == 2:
        raise ConfigError(f"{places[1]}: {places[0]} has a test set of its own")
    if named:
        return compose([f"data={places[0]}", *overrides]).data
    # Names go past Hydra, to which ${…} in a name would be another key's value.
    keys = ("path", "test")[: len(places)]
    chosen = compose(["data=file", *(f"data.{key}=." for key in keys), *overrides]).data
    return dataclasses.replace(chosen, path=places[0], test=places[1] if len(places) == 2 else None)


def _all_of(warnings: Sequence[str], config: DataConfig) -> list[str]:
    """Return what was warned of, each unreadable picture named also where there are many of them."""
    if not any(line.endswith(LISTED_ELSEWHERE) for line in warnings):
        return list(warnings)
    unreadable = [one for path in config.files() if path for one in read_found(path, wanted(config)).unreadable]
    named = [f"{file}{LEFT_OUT}{reason}" for file, reason in unreadable]
    others = [line for line in warnings if line not in named and not line.endswith(LISTED_ELSEWHERE)]
    return [*named, *others]
