"""The command line of the comparison: ``npdigits-compare outputs/width`` or ``python experiments/compare.py …``."""

import argparse
import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from npdigits.base import program, targets
from npdigits.base.errors import ConfigError
from npdigits.base.terminal import hand_over, show, show_error
from npdigits.base.text import printable
from npdigits.compare import formats
from npdigits.compare.comparison import Comparison, check_name, compare
from npdigits.compare.designs import LEAST
from npdigits.compare.diff import diff_runs
from npdigits.compare.options import NOTATIONS, PROGRAM, filter_runs, make_parser, parse_baseline, parse_by
from npdigits.compare.source_options import joined, read_results
from npdigits.compare.spread import find_spread, parse_sources
from npdigits.compare.verdict import footnotes, left_out, remark_unfinished, verdict
from npdigits.compare.views import RUN_COLUMNS, View, configurations, every_run, explain_pivot, pivot
from npdigits.config.compose import compose
from npdigits.runs.table import Runs, read_runs
from npdigits.runs.text_columns import held_by_python

NOTHING = 1
# Options that may not be empty.
NEVER_EMPTY = ("baseline", "metric", "by", "filter", "sort")


def main() -> None:
    """Compare as the command line says.

    The exit code is 0, 1 where there is nothing to compare, 2 for bad input.
    """
    warnings.simplefilter("ignore")  # NumPy's and pandas's, of means of nothing; ours are printed
    sys.exit(program.exit_code(PROGRAM, lambda: act(make_parser().parse_args(joined(sys.argv[1:])))))


@held_by_python
def act(chosen: argparse.Namespace) -> int:
    """Do what was asked for; return the exit code.

    Raises:
        UserError: something that was typed cannot be.
    """
    warn = functools.partial(program.warn, PROGRAM)
    asked = {notation: target for notation in NOTATIONS if (target := getattr(chosen, notation)) is not None}
    targets.check(asked)
    for option in NEVER_EMPTY:  # as --filter "$QUERY" is where the variable is not set
        if getattr(chosen, option) is not None and not getattr(chosen, option).strip():
            raise ConfigError(f"--{option} '': allowed is what --help says, and not nothing")
    if chosen.diff:
        if "html" in asked:
            raise ConfigError("--html: a page is of folders; there any two configurations can be picked")
        first, second = (str(Path(run)) for run in chosen.diff)
        _write(asked, *diff_runs(read_runs([first, second]), first, second), {}, str)
        return 0
    if not chosen.folders:
        where = ", before --spread" if chosen.spread else "; --help tells more"
        raise ConfigError(f"which runs? name one or more folders{where}")
    metrics = [metric.strip() for metric in (chosen.metric or "").split(",") if chosen.metric]
    runs = read_results(chosen, metrics, ())
    for line in runs.warnings:
        warn(line)
    if chosen.filter:
        runs = filter_runs(runs, chosen.filter, warn)
    if chosen.spread is not None:
        return _show_spread(chosen, runs, metrics, asked)
    compared = functools.partial(
        compare,
        runs,
        metrics=metrics,
        baseline=parse_baseline(chosen.baseline, runs),
        default=compose().as_dict(),
        sort=None if chosen.all and str(chosen.sort).removeprefix("-") in RUN_COLUMNS else chosen.sort,
    )
    comparison = compared(by=parse_by(chosen))
    if not comparison.rows:
        for line in left_out(comparison):
            show_error(printable(line))
        why = "no finished run there"
        if comparison.averaged:
            why = f"no setting of {', '.join(comparison.averaged)} was run with all of them: choose some with --filter"
        show_error(f"{PROGRAM}: nothing to compare: {why}")
        return NOTHING
    if chosen.pivot:
        view, lines = (
            pivot(comparison),
            explain_pivot(comparison) + remark_unfinished(comparison) + footnotes(comparison),
        )
    elif chosen.all:
        view, lines = every_run(runs, comparison, chosen.sort), footnotes(comparison)
    else:
        view, lines = configurations(comparison), verdict(comparison) + footnotes(comparison)
    facts = _facts(comparison)
    # The page is of configurations, whatever the table shows.
    _write(asked, view, [*lines, *left_out(comparison)], facts, lambda: _page(compared()))
    return 0


def _show_spread(chosen: argparse.Namespace, runs: Runs, metrics: Sequence[str], asked: dict[str, str]) -> int:
    """Write the table of variance shares; return the exit code."""
    for option in ("baseline", "sort", "html"):
        if getattr(chosen, option) is not None:
            raise ConfigError(f"--{option}: not allowed with --spread, whose table is of single sources of spread")
    shown = metrics or runs.shown
    for metric in shown:
        check_name("--metric", metric, runs.figures)
    sources = parse_sources(chosen.spread, runs)
    view, lines = find_spread(runs, shown, sources)
    if not view.cells:
        for line in lines:
            show_error(printable(line))
        show_error(f"{PROGRAM}: nothing to tell: no {LEAST} finished runs differ in one of {', '.join(sources)} alone")
        return NOTHING
    _write(asked, view, lines, {"sources": sources}, str)
    return 0


def _write(
    asked: dict[str, str], view: View, lines: Sequence[str], facts: dict[str, Any], page: Callable[[], str]
) -> None:
    """Write what was asked for, and print the table unless something else is printed."""
    notations: dict[str, Callable[[], str]] = {
        "csv": lambda: formats.as_csv(view.frame),
        "markdown": lambda: formats.markdown(view, lines),
        "latex": lambda: formats.latex(view, lines),
        "json": lambda: formats.as_json({"rows": view.frame, "says": lines, **facts}),
        "html": page,
    }
    for notation, target in asked.items():
        content = notations[notation]()
        if target == "-":
            hand_over(content)
        else:
            targets.put(Path(target), content.encode("utf-8", "backslashreplace"))
    if "-" not in asked.values():
        show(formats.terminal(view, lines), end="")


def _page(comparison: Comparison) -> str:
    from npdigits.compare.page import comparison_page

    return comparison_page(comparison)


def _facts(comparison: Comparison) -> dict[str, Any]:
    """Return the facts besides the rows, for programs."""
    family = comparison.family
    return {
        "metric": family.metric,
        "test": family.test,
        "baseline": comparison.baseline,
        "baselines": [comparison.label(row, marks=True) for row in dict.fromkeys(family.references.values())],
        "comparisons": family.comparisons,
        "seeds_needed": family.seeds_needed,
        "data": comparison.data,
        "means_over": comparison.averaged,
        "all_rows_have": comparison.constant,
        "environments": comparison.environments,
        "left_out": [dict(zip(("run", "status", "reason"), run, strict=True)) for run in comparison.left_out],
    }
