"""What the comparison's command line takes, and what of it cannot be."""

import argparse
import ast
import dataclasses
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from npdigits.compare.comparison import METRICS
from npdigits.compare.find import SIGNS
from npdigits.compare.rows import MARKS
from npdigits.compare.runs import FIGURES, Runs, cell, mark_twins
from npdigits.config import RULES, unknown_key
from npdigits.errors import ConfigError

PROGRAM = "npdigits-compare"
BAD_INPUT = 2
NOTATIONS = ("csv", "markdown", "latex", "json", "html")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{PROGRAM}: {message}; --help tells more", file=sys.stderr)
        sys.exit(BAD_INPUT)


def parser() -> argparse.ArgumentParser:
    """Return what the command line takes."""
    said = _Parser(
        PROGRAM,
        description="Compare runs: a row a configuration, mean ± 95 % interval over seeds; which differences are real?",
        allow_abbrev=False,
    )
    said.add_argument("folders", nargs="*", metavar="DIR", help="run directories, or folders with any number of them")
    baseline = "compare with this row: 'hidden=20 lr=0.01', or best; else with the default if it is there, or the best"
    said.add_argument("--baseline", metavar="KEY=VALUE", help=baseline)
    metric = f"columns to show, of {', '.join(FIGURES)}; the first one is compared"
    said.add_argument("--metric", default=",".join(METRICS), metavar="M,M", help=metric)
    said.add_argument("--by", metavar="KEY", help="a row a value of KEY, averaged over all other keys")
    said.add_argument("--pivot", nargs=2, metavar="KEY", help="one key's values down, another's across")
    said.add_argument("--all", action="store_true", help="a row a run")
    said.add_argument("--filter", metavar="QUERY", help="only these runs, a pandas query: 'lr < 0.1 and l2 > 0'")
    said.add_argument("--sort", metavar="COLUMN", help="a key or a metric; '--sort=-hidden' backwards")
    said.add_argument("--pool", action="store_true", help="let runs of several machines or NumPys share a row, marked")
    said.add_argument("--diff", nargs=2, metavar="RUN", help="two runs side by side")
    for notation in NOTATIONS:
        what = "one page with curves, for any browser" if notation == "html" else f"the table as {notation}"
        said.add_argument(f"--{notation}", metavar="FILE", help=f"write {what}; - prints it")
    return said


def filtered(runs: Runs, query: str, warn: Callable[[str], None]) -> Runs:
    """Return the runs that a pandas query lets through.

    Raises:
        ConfigError: pandas cannot make sense of it.
    """
    try:
        table = runs.table.query(query, engine="python", local_dict={}, global_dict={})
    except Exception as error:  # whatever was typed is evaluated
        columns = ", ".join([*runs.keys, "seed", *FIGURES])
        why = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"--filter {query!r}: {why}; columns are {columns}") from error
    try:
        names = {node.id for node in ast.walk(ast.parse(query.strip(), mode="eval")) if isinstance(node, ast.Name)}
    except SyntaxError:
        names = set()  # pandas takes a little more than Python does
    if seen := sorted(names & set(FIGURES)):
        warn(f"--filter looks at results ({', '.join(seen)}): means of runs chosen by their results are biased")
    return dataclasses.replace(runs, table=mark_twins(table))


def baseline(typed: str | None) -> dict[str, Any] | str | None:
    """Return the values that the baseline's row is to have.

    Raises:
        ConfigError: a key is unknown, or a value is not allowed.
    """
    if typed is None or typed == "best":
        return typed
    values = {}
    for part in shlex.split(typed):
        key, equals, text = part.partition("=")
        if not equals:
            raise ConfigError(f"--baseline {typed}: allowed is best, or key=value (several with spaces between)")
        if key in MARKS:
            values[key] = text
            continue
        if key == "seed":
            raise ConfigError(f"--baseline {typed}: a row holds all seeds of a configuration")
        if key not in RULES:
            raise ConfigError(f"--baseline {unknown_key(key, text)}")
        try:
            values[key] = cell(RULES[key](_literal(text)))
        except ValueError as error:
            raise ConfigError(f"--baseline {part}: allowed is {error}") from None
    return values


def _literal(text: str) -> Any:
    """Return a value as Hydra reads it: YAML, to which 1e-4 is text, but for that."""
    try:
        return float(text) if any(c.isdigit() for c in text) and not text.isdigit() else yaml.safe_load(text)
    except ValueError:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def check_target(notation: str, target: str) -> None:
    """Refuse to write where a file of a run could be lost, or where nothing can be written.

    Raises:
        ConfigError: says why.
    """
    path = Path(target)
    if target == "-":
        return
    if path.is_dir() or not path.parent.is_dir():
        raise ConfigError(f"--{notation} {target}: {'a folder' if path.is_dir() else 'there is no such folder'}")
    if any((path.parent / name).exists() for name in SIGNS) or path.name == "sweep.csv":
        raise ConfigError(f"--{notation} {target}: a file of a run or a sweep could be lost; choose another place")
