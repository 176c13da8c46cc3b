"""The command line of the comparison: ``npdigits-compare outputs/width`` or ``python experiments/compare.py …``."""

import argparse
import ast
import dataclasses
import functools
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from npdigits import cli
from npdigits.compare import formats
from npdigits.compare.comparison import METRICS, Comparison, compare
from npdigits.compare.diff import diff
from npdigits.compare.rows import MARKS
from npdigits.compare.runs import FIGURES, SIGNS, Runs, cell, mark_twins, read
from npdigits.compare.verdict import footnotes, left_out, verdict
from npdigits.compare.views import View, configurations, every_run, pivot, pivot_says
from npdigits.config import RULES, unknown_key
from npdigits.errors import ConfigError, UserError
from npdigits.files import write_whole
from npdigits.report import nobody_reads

PROGRAM = "npdigits-compare"
NOTHING = 1
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


def main() -> None:
    """Compare as the command line says.

    The exit code is 0, 1 where there is nothing to compare, 2 for bad input.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    warnings.simplefilter("ignore")  # NumPy's and pandas's, of means of nothing; ours are printed
    try:
        code = act(parser().parse_args())
        sys.stdout.flush()
    except UserError as error:
        print(f"{PROGRAM}: {formats.plain(str(error))}", file=sys.stderr)
        code = BAD_INPUT
    except BrokenPipeError:  # … | head
        nobody_reads()
        code = 0
    except OSError as error:
        print(f"{PROGRAM}: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        code = BAD_INPUT
    sys.exit(code)


def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be.
    """
    targets = {notation: target for notation in NOTATIONS if (target := getattr(chosen, notation))}
    for notation, target in targets.items():
        _check_target(notation, target)
    if chosen.diff:
        if "html" in targets:
            raise ConfigError("--html: a page is of folders; there any two configurations can be picked")
        first, second = (str(Path(run)) for run in chosen.diff)
        _write(targets, *diff(read([first, second]), first, second), {}, str)
        return 0
    if not chosen.folders:
        raise ConfigError("which runs? name one or more folders; --help tells more")
    runs = read(chosen.folders)
    for line in runs.warnings:
        _warn(line)
    if chosen.filter:
        runs = _filtered(runs, chosen.filter)
    compared = functools.partial(
        compare,
        runs,
        metrics=[metric.strip() for metric in chosen.metric.split(",")],
        baseline=_baseline(chosen.baseline),
        default=cli.compose().as_dict(),
        pool=chosen.pool,
        sort=chosen.sort,
    )
    comparison = compared(by=chosen.by)
    if not comparison.rows:
        for line in left_out(comparison):
            print(formats.plain(line), file=sys.stderr)
        print(f"{PROGRAM}: nothing to compare: no finished run there", file=sys.stderr)
        return NOTHING
    if chosen.pivot:
        view, lines = pivot(comparison, *chosen.pivot), pivot_says(comparison, *chosen.pivot) + footnotes(comparison)
    elif chosen.all:
        view, lines = every_run(runs, comparison), footnotes(comparison)
    else:
        view, lines = configurations(comparison), verdict(comparison) + footnotes(comparison)
    facts = _facts(comparison)
    # The page is of configurations, whatever the table shows.
    _write(targets, view, [*lines, *left_out(comparison)], facts, lambda: _page(runs, compared()))
    return 0


def _write(
    targets: dict[str, str], view: View, lines: Sequence[str], facts: dict[str, Any], page: Callable[[], str]
) -> None:
    """Write what was asked for, and print the table unless something else is printed."""
    notations: dict[str, Callable[[], str]] = {
        "csv": lambda: formats.as_csv(view.frame),
        "markdown": lambda: formats.markdown(view, lines),
        "latex": lambda: formats.latex(view, lines),
        "json": lambda: formats.as_json({"rows": view.frame, "says": lines, **facts}),
        "html": page,
    }
    for notation, target in targets.items():
        content = notations[notation]()
        if target == "-":
            print(content, end="")
        else:
            write_whole(Path(target), content)
    if "-" not in targets.values():
        print(formats.terminal(view, lines), end="")


def _page(runs: Runs, comparison: Comparison) -> str:
    from npdigits.compare.page import page

    return page(runs, comparison)


def _facts(comparison: Comparison) -> dict[str, Any]:
    """Return what a program may want to know besides the rows."""
    family = comparison.family
    return {
        "metric": family.metric,
        "test": family.test,
        "baseline": comparison.baseline,
        "baselines": [comparison.label(row, marks=True) for row in dict.fromkeys(family.references.values())],
        "comparisons": family.comparisons,
        "can_decide": family.can_decide,
        "seeds_needed": family.seeds_needed,
        "all_rows_have": comparison.constant,
        "environments": comparison.environments,
        "left_out": [dict(zip(("run", "status", "reason"), one, strict=True)) for one in comparison.left_out],
    }


def _filtered(runs: Runs, query: str) -> Runs:
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
        _warn(f"--filter looks at results ({', '.join(seen)}): means of runs chosen by their results are biased")
    return dataclasses.replace(runs, table=mark_twins(table))


def _baseline(typed: str | None) -> dict[str, Any] | str | None:
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


def _check_target(notation: str, target: str) -> None:
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


def _warn(line: str) -> None:
    print(f"{PROGRAM}: WARNING: {formats.plain(line)}", file=sys.stderr)
