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
from npdigits.compare import formats, looks
from npdigits.compare.comparison import Comparison, compare
from npdigits.compare.designs import LEAST
from npdigits.compare.diff import diff_runs
from npdigits.compare.options import NOTATIONS, PROGRAM, filter_runs, make_parser, parse_baseline, parse_by, split_names
from npdigits.compare.ordering import check_name
from npdigits.compare.paper import Asked, Drawn, draw_figures, parse_figures
from npdigits.compare.race_command import asked_race, compared_race, keep_apart
from npdigits.compare.race_report import describe_state
from npdigits.compare.source_options import joined, read_results, refuse_what_has_no_effect
from npdigits.compare.spread import find_spread, parse_sources
from npdigits.compare.verdict import footnotes, left_out, remark_unfinished, verdict
from npdigits.compare.views import RUN_COLUMNS, View, configurations, every_run, explain_pivot, pivot, suffix_of
from npdigits.config.compose import compose
from npdigits.race.importance import importance
from npdigits.race.told import tell
from npdigits.runs.table import Runs, read_runs
from npdigits.runs.text_columns import held_by_python

NOTHING = 1
# Options that may not be empty.
NEVER_EMPTY = ("baseline", "metric", "show", "margin", "by", "filter", "sort")


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
    figures = parse_figures(chosen.figure, bool(chosen.diff))
    targets.check([*asked.items(), *(("figure", one.file) for one in figures)])
    _refuse_nothing(chosen)
    if chosen.diff:
        if "html" in asked:
            raise ConfigError("--html: a page is of folders; there any two configurations can be picked")
        first, second = (str(Path(run)) for run in chosen.diff)
        _write(asked, *diff_runs(read_runs([first, second]), first, second), {}, str)
        return 0
    if not chosen.folders:
        where = ", before --spread" if chosen.spread else "; --help tells more"
        raise ConfigError(f"which runs? name one or more folders{where}")
    race = asked_race(chosen)
    if race is not None and not chosen.all:
        return _show_race(chosen, race, asked, figures)
    metrics, shown = split_names(chosen.metric), split_names(chosen.show)
    runs = read_results(chosen, metrics, shown)
    refuse_what_has_no_effect(chosen, runs.foreign)
    runs, said = keep_apart(chosen, runs)
    if runs.table.empty and said:
        show_error(printable(f"{PROGRAM}: nothing to compare: {'; '.join(said)}"))
        return NOTHING
    for line in (*runs.warnings, *said):
        warn(line)
    if chosen.filter:
        runs = filter_runs(runs, chosen.filter, warn)
    if chosen.spread is not None:
        return _show_spread(chosen, runs, metrics, asked)
    compared = functools.partial(_look, chosen, _prepare(chosen, runs, metrics, shown))
    # p's are in no table of single runs, and of a pivot in what is written for programs.
    tells_p = not chosen.all and (not chosen.pivot or "csv" in asked or "json" in asked)
    comparison = compared(by=parse_by(chosen), is_look=tells_p)
    if not comparison.rows:
        for line in left_out(comparison):
            show_error(printable(line))
        why = "no finished run there"
        if comparison.averaged:
            why = f"no setting of {', '.join(comparison.averaged)} was run with all of them: choose some with --filter"
        show_error(f"{PROGRAM}: nothing to compare: {why}")
        return NOTHING
    view, lines = _view(chosen, runs, comparison)
    pictured = compared(by=(), is_look=False) if chosen.pivot and figures else comparison
    drawn = draw_figures(figures, pictured, chosen.wide)
    # The page is of configurations, whatever the table shows.
    page = functools.partial(_page, compared)
    _write(asked, view, [*lines, *left_out(comparison)], _facts(comparison), page, drawn)
    return 0


def _show_race(chosen: argparse.Namespace, race: Path, asked: dict[str, str], figures: Sequence[Asked]) -> int:
    """Write what a race claims; return the exit code, which is NOTHING where that is nothing yet."""
    comparison = compared_race(chosen, race)
    if comparison is None:
        _write_race_page(race, asked)
        for line in describe_state(race):
            show_error(printable(line))
        return NOTHING
    lines = [*verdict(comparison), *footnotes(comparison), *left_out(comparison)]
    drawn = draw_figures(figures, comparison, chosen.wide)
    page = functools.partial(_race_page, race, comparison)
    _write(asked, configurations(comparison), lines, _facts(comparison), page, drawn)
    return 0


def _write_race_page(race: Path, asked: dict[str, str]) -> None:
    """Write the page of a race that claims nothing yet, where a page was asked for: what mattered is known before."""
    if (target := asked.get("html")) is not None:
        _put(_race_page(race, None), target)


def _show_spread(chosen: argparse.Namespace, runs: Runs, metrics: Sequence[str], asked: dict[str, str]) -> int:
    """Write the table of variance shares; return the exit code."""
    for option in ("baseline", "sort", "html", "figure", "margin", "looks", "show"):
        if getattr(chosen, option):
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


def _refuse_nothing(chosen: argparse.Namespace) -> None:
    """Refuse options that are there and empty.

    Raises:
        ConfigError: one is.
    """
    for option in NEVER_EMPTY:  # as --filter "$QUERY" is where the variable is not set
        typed = getattr(chosen, option)
        if any(not text.strip() for text in ([typed] if isinstance(typed, str) else typed or [])):
            raise ConfigError(f"--{option} '': allowed is what --help says, and not nothing")


def _prepare(
    chosen: argparse.Namespace, runs: Runs, metrics: Sequence[str], shown: Sequence[str]
) -> Callable[..., Comparison]:
    """Return ``compare`` of these runs with all that was typed but the keys to average by and the looks."""
    return functools.partial(
        compare,
        runs,
        metrics=metrics,
        baseline=[parse_baseline(typed, runs) for typed in chosen.baseline or [None]],
        default=compose().as_dict(),
        sort=None if chosen.all and str(chosen.sort).removeprefix("-") in RUN_COLUMNS else chosen.sort,
        shown=shown,
        margin=chosen.margin,
        unpaired=chosen.unpaired,
        pooled=chosen.across_environments,
    )


def _view(chosen: argparse.Namespace, runs: Runs, comparison: Comparison) -> tuple[View, list[str]]:
    """Return the table that was asked for, and the lines under it."""
    if chosen.pivot:
        explained = explain_pivot(comparison) + remark_unfinished(comparison)
        return pivot(comparison), explained + footnotes(comparison)
    if chosen.all:
        return every_run(runs, comparison, chosen.sort), footnotes(comparison)
    return configurations(comparison), verdict(comparison) + footnotes(comparison)


def _look(
    chosen: argparse.Namespace, compare: Callable[..., Comparison], by: Sequence[str], is_look: bool
) -> Comparison:
    """Compare, and remember that somebody has looked at what was tested."""
    question = looks.question_of(chosen.folders, by, chosen.filter)
    past = looks.Past(question, chosen.looks or 0)
    comparison = compare(by=by, looks=past.looks)
    return past.add(comparison) if is_look else comparison


def _write(
    asked: dict[str, str],
    view: View,
    lines: Sequence[str],
    facts: dict[str, Any],
    page: Callable[[], str],
    figures: Sequence[Drawn] = (),
) -> None:
    """Write what was asked for, and print the table and the captions unless something else is printed."""
    for figure in figures:
        targets.put(Path(figure.file), figure.content)
    lines = [*lines, *(f"{figure.file}: {figure.caption}" for figure in figures)]
    notations: dict[str, Callable[[], str]] = {
        "csv": lambda: formats.as_csv(view.frame),
        "markdown": lambda: formats.markdown(view, lines),
        "latex": lambda: formats.latex(view, lines),
        "json": lambda: formats.as_json({"rows": view.frame, "says": lines, **facts}),
        "html": page,
    }
    for notation, target in asked.items():
        _put(notations[notation](), target)
    if "-" not in asked.values():
        show(formats.terminal(view, lines), end="")


def _put(content: str, target: str) -> None:
    """Write to a file, or to standard output where that is "-"."""
    if target == "-":
        hand_over(content)
    else:
        targets.put(Path(target), content.encode("utf-8", "backslashreplace"))


def _page(compared: Callable[..., Comparison]) -> str:
    from npdigits.compare.page import comparison_page

    return comparison_page(compared(by=(), is_look=True))


def _race_page(race: Path, comparison: Comparison | None) -> str:
    from npdigits.compare.race_page import race_page

    told = tell(race)
    return race_page(told, importance(told), comparison, [] if comparison else describe_state(race))


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
        "alpha": family.alpha,
        "tests": [
            {
                "metric": block.metric,
                "higher_is_better": block.higher,
                "test": block.test,
                "baseline": block.kind if block.differences else "",
                "baselines": [comparison.label(row, marks=True) for row in dict.fromkeys(block.references.values())],
                "margin": block.margin.text if block.margin else None,
                "names_end_in": suffix_of(comparison, block),
            }
            for block in comparison.blocks
        ],
        "looks": comparison.looked,
        "data": comparison.data,
        "means_over": comparison.averaged,
        "all_rows_have": comparison.constant,
        "environments": comparison.environments,
        **({"race": comparison.claim.facts} if comparison.claim else {}),
        "left_out": [dict(zip(("run", "status", "reason"), run, strict=True)) for run in comparison.left_out],
    }
