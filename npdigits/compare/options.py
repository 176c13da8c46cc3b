"""The command line of the comparison: its options, and the checks of what was typed."""

import argparse
import ast
import dataclasses
import re
import shlex
from collections.abc import Callable
from typing import Any

import pandas as pd
import yaml

from npdigits.base.errors import ConfigError
from npdigits.base.program import Parser, nonempty_path, whole_number
from npdigits.base.text import message_of
from npdigits.compare.paper import add_figure_options
from npdigits.compare.rows import MARKS
from npdigits.compare.source_options import add_source_options, parse_values
from npdigits.config.keys import RULES, unknown_key
from npdigits.config.own_names import SHORT
from npdigits.config.value_text import as_cell
from npdigits.runs.table import FIGURES, MISSING, NULL, NUMBERS, SHOWN, Runs, mark_duplicates

PROGRAM = "npdigits-compare"
# A comma before the next key, outside of quotes.
COMMA_BEFORE_KEY = re.compile(r""",\s*(?=[A-Za-z_][\w.]*=)(?=(?:[^'"]*['"][^'"]*['"])*[^'"]*$)""")
# More looks than these are no plan.
MOST_LOOKS = 1000
NOTATIONS = ("csv", "markdown", "latex", "json", "html")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(
        PROGRAM,
        description="Compare runs: a row a configuration, mean ± 95 % interval over seeds; which differences are real?",
    )
    folders = "run directories, or folders with any number of them; or results of another program, as it wrote them"
    parser.add_argument("folders", nargs="*", type=nonempty_path, metavar="SOURCE", help=folders)
    baseline = "compare with this row: 'hidden=20 lr=0.01', or best; else with the default if it is there, or the best"
    several = "; more than once: with each of several"
    parser.add_argument("--baseline", metavar="KEY=VALUE", action="append", help=baseline + several)
    metric = f"what is compared, of {', '.join(FIGURES)} and your own; of several, p's are corrected over all"
    parser.add_argument("--metric", metavar="M,M", help=f"{metric} (by default {SHOWN[0]})")
    parser.add_argument("--show", metavar="M,M", help="columns that are shown and not compared")
    _add_test_options(parser)
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument("--by", metavar="KEY", help="a row a value of KEY, averaged over all other keys")
    rows.add_argument("--pivot", nargs=2, metavar="KEY", help="one key's values down, another's across")
    spread = "the share of the variance that each of these keys brings (by default the three seeds: split_seed, …)"
    rows.add_argument("--spread", metavar="KEY,KEY", nargs="?", const="", help=spread)
    rows.add_argument("--all", action="store_true", help="a row a run")
    rows.add_argument("--diff", nargs=2, metavar="RUN", help="two runs side by side")
    parser.add_argument("--filter", metavar="QUERY", help="only these runs, a pandas query: 'lr < 0.1 and l2 > 0'")
    parser.add_argument("--sort", metavar="COLUMN", help="a key or a metric; '--sort=-hidden' backwards")
    for notation in NOTATIONS:
        what = "a page of all configurations, with curves" if notation == "html" else f"the table as {notation}"
        parser.add_argument(f"--{notation}", metavar="FILE", help=f"write {what}; - prints it")
    add_figure_options(parser)
    add_source_options(parser)
    return parser


def _add_test_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how rows are compared."""
    margin = "how much does not matter, in the unit of the table: which rows are the same within it? METRIC=M,METRIC=M"
    parser.add_argument("--margin", metavar="M", help=f"{margin} for several")
    parser.add_argument("--unpaired", action="store_true", help="take rows as groups of runs, and pair no seeds")
    looks = "you will look at these results K times: each look is tested at 0.05/K; said at the first one"
    parser.add_argument("--looks", metavar="K", type=whole_number(1, MOST_LOOKS), help=looks)
    across = "rows hold the runs of all environments, and are compared"
    parser.add_argument("--across-environments", action="store_true", help=across)


def filter_runs(runs: Runs, query: str, warn: Callable[[str], None]) -> Runs:
    """Return the runs for which a pandas query is true.

    Raises:
        ConfigError: pandas cannot evaluate it, or it is no condition.
    """
    try:
        passes = _with_nan_for_null(runs, query).eval(query, engine="python", local_dict={}, global_dict={})
    except Exception as error:  # what was typed is evaluated, and may raise anything
        if isinstance(error, TypeError) and (mixed := _explain_mixed_column(runs, query)):
            raise ConfigError(f"--filter {query!r}: {mixed}") from error
        columns = ", ".join([*runs.keys, "seed", *(runs.figures if runs.foreign else NUMBERS)])
        why = message_of(error)
        raise ConfigError(f"--filter {query!r}: {why}; columns are {columns}") from error
    if not isinstance(passes, pd.Series) or passes.dtype != bool:
        raise ConfigError(f"--filter {query!r}: is no condition, such as 'lr < 0.1'")
    if results := sorted(_find_names(query) & set(runs.figures)):
        warn(f"--filter looks at results ({', '.join(results)}): means of runs chosen by their results are biased")
    return dataclasses.replace(runs, table=mark_duplicates(runs.table[passes]))


def _find_names(query: str) -> set[str]:
    """Return the names that a query uses; none where it is no Python."""
    try:
        return {node.id for node in ast.walk(ast.parse(query.strip(), mode="eval")) if isinstance(node, ast.Name)}
    except SyntaxError:
        return set()  # pandas takes a little more than Python does


def _with_nan_for_null(runs: Runs, query: str) -> pd.DataFrame:
    """Return the table with NaN for null in those columns of numbers that a query names.

    A query that quotes null as text gets the table as it is.
    """
    table = runs.table
    if any(quoted in query for quoted in (f"'{NULL}'", f'"{NULL}"')):
        return table
    for name in _find_names(query) & {*runs.keys}:
        texts = {value for value in table[name] if isinstance(value, str)}
        if texts and texts <= {NULL, MISSING}:
            table = table.assign(**{name: pd.to_numeric(table[name], errors="coerce")})
    return table


def _explain_mixed_column(runs: Runs, query: str) -> str:
    """Return which column of a query holds text beside numbers, and what to compare instead; "" if none does."""
    for name in sorted(_find_names(query) & {*runs.keys}):
        texts = sorted({value for value in runs.table[name] if isinstance(value, str)})
        if not texts or runs.table[name].nunique() == len(texts):
            continue
        if set(texts) <= {NULL, MISSING}:
            return f"beside a comparison of numbers, null is written {name} != {name}"
        instead = "; layers, units and parameters are numbers for every network" if name == "hidden" else ""
        return f"{name} holds {texts[0]} beside numbers{instead}"
    return ""


def parse_baseline(typed: str | None, runs: Runs | None = None) -> dict[str, Any] | str | None:
    """Return the values of --baseline by their keys; "best" and None as they are.

    Args:
        typed: what was typed.
        runs: among which it is; None for npdigits' own.

    Raises:
        ConfigError: a key is unknown, or a value is not allowed.
    """
    if typed is None or typed == "best":
        return typed
    if runs is not None and runs.foreign:
        return parse_values(typed, _split_assignments(typed), runs.keys)
    values = {}
    for part in _split_assignments(typed):
        key, equals, text = part.partition("=")
        if not equals:
            raise ConfigError(f"--baseline {typed}: allowed is best, or key=value (several with spaces between)")
        if key in values:
            raise ConfigError(f"--baseline {typed}: {key} is there twice")
        if key in MARKS:
            values[key] = int(text) if key == "numerics" and text.isdecimal() else text
            continue
        if key == "seed":
            raise ConfigError(f"--baseline {typed}: a row holds all seeds of a configuration")
        if "." in key or SHORT.fullmatch(text):  # a number of an own component, and its code
            values[key] = as_cell(_parse_value(text))
            continue
        if key not in RULES:
            raise ConfigError(f"--baseline {unknown_key(key, text)}")
        try:
            values[key] = as_cell(RULES[key](_parse_value(text)))
        except ValueError as error:
            raise ConfigError(f"--baseline {part}: allowed is {error}") from None
    return values


def split_names(typed: str | None) -> list[str]:
    """Return the names that commas separate; none where nothing was typed."""
    return [] if typed is None else [name.strip() for name in typed.split(",")]


def _split_assignments(typed: str) -> list[str]:
    """Return the assignments that spaces or commas separate; a list's values have commas between them as well."""
    try:
        return shlex.split(re.sub(r",\s+", ",", COMMA_BEFORE_KEY.sub(" ", typed)))
    except ValueError as error:
        raise ConfigError(f"--baseline {typed}: a quote is not closed") from error


def _parse_value(text: str) -> Any:
    """Return a value as Hydra reads it: as YAML, but also 1e-4 is a number."""
    try:
        value = yaml.safe_load(text)
        return float(value) if isinstance(value, str) else value
    except (yaml.YAMLError, ValueError):
        return text


def parse_by(chosen: argparse.Namespace) -> tuple[str, ...]:
    """Return the keys of --by or --pivot, whose marginal means are asked for.

    Raises:
        ConfigError: --pivot has one key twice, or stands beside an option that it does not go with.
    """
    if chosen.pivot:
        for option in ("baseline", "sort", "margin", "unpaired", "looks"):
            if getattr(chosen, option):
                raise ConfigError(f"--pivot takes no --{option}: nothing is tested or sorted")
    if chosen.pivot and chosen.pivot[0] == chosen.pivot[1]:
        raise ConfigError(f"--pivot {' '.join(chosen.pivot)}: allowed are two keys")
    return tuple(chosen.pivot or filter(None, [chosen.by]))
