"""``compare``: from runs to rows in order, each tested against one baseline."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.compare.family import Family, baselines, best_observed, decided_by, family_of, higher_is_better
from npdigits.compare.predictions import Guesses, read_guesses
from npdigits.compare.rows import MARKS, Row, Section, differing, marginal, rows_of
from npdigits.config.dependence import follows_in
from npdigits.config.regularizers import others_on
from npdigits.config.suggestions import suggestion
from npdigits.config.value_text import as_cell
from npdigits.runs.table import FIGURES, Runs

METRICS = ("val_accuracy", "test_accuracy")
# What is shown of each row besides the metrics.
ALWAYS = ("best_epoch", "seconds")


@dataclass(frozen=True)
class Comparison:
    """Rows in order, what was tested, and what was left out.

    Attributes:
        rows: of configurations, or of values of a key (``by``).
        keys: by which the rows differ.
        metrics: shown; the first is the one that is compared.
        family: the tests.
        baseline: "the default", "as asked", or "the best observed"; "" where nothing was tested.
        constant: key -> value that all rows have, where it is not the default.
        left_out: (run, status, reason) of each run that did not finish or is there twice.
        environments: what the rows' environments are, in words.
        seconds_shared: whether other runs shared the machine while seconds were measured.
        notes: what there is to know besides.
        data: the data sets, with the first digits of their SHA-256.
        averaged: of marginal means the keys that were averaged over.
        by: the keys whose marginal means the rows are, if any.
        others_on: which other regularizers are on, where one is compared.
    """

    rows: tuple[Row, ...]
    keys: tuple[str, ...]
    metrics: tuple[str, ...]
    family: Family
    baseline: str
    constant: dict[str, Any]
    left_out: tuple[tuple[str, str, str], ...]
    environments: dict[str, str]
    seconds_shared: bool
    notes: tuple[str, ...]
    data: tuple[str, ...]
    averaged: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    others_on: str = ""

    def label(self, row: Row, marks: bool = False, unlike: Row | None = None) -> str:
        """Return what a row is called: "hidden=20 lr=0.01".

        Args:
            row: which.
            marks: name its data set and the like too.
            unlike: name only what differs from this row.
        """
        keys = [key for key in self.keys if marks or key not in MARKS]
        if unlike is not None:
            keys = [key for key in keys if key in MARKS or row.values[key] != unlike.values[key]]
        return " ".join(f"{key}={shown(row.values[key])}" for key in keys) or "this configuration"


def compare(
    runs: Runs,
    metrics: Sequence[str] = METRICS,
    baseline: Mapping[str, Any] | str | None = None,
    default: Mapping[str, Any] | None = None,
    by: Sequence[str] = (),
    sort: str | None = None,
) -> Comparison:
    """Compare the finished runs, a row a configuration.

    Args:
        runs: what ``read`` found.
        metrics: columns of the table; the first is the one that is tested.
        baseline: the values of the row to compare with, fixed before the results were seen; "best" is the best observed
            one. None is the row whose keys all stand at their defaults, if it is there, else the best observed.
        default: the default configuration.
        by: keys: a row is then one combination of their values, averaged over the settings of all other keys.
        sort: a key or a metric to sort by, with a leading "-" backwards; None is the first metric, the best first.

    Raises:
        ConfigError: a name is unknown, or the baseline is not among the rows.
    """
    for metric in metrics:
        check_name("--metric", metric, FIGURES)
    for key in by:
        check_name("--by" if len(by) == 1 else "--pivot", key, runs.keys)
    notes: list[str] = []
    rows = rows_of(runs.table, runs.keys)
    keys = differing(rows, runs.keys)
    follows = {key for row in rows for key in follows_in(row.values)}
    constant = {key: rows[0].values[key] for key in runs.keys if rows and key not in keys and key not in follows}
    of_keys = [row.values for row in rows]
    averaged: list[str] = []
    if by:
        averaged = [key for key in keys if key not in (*by, *MARKS)]
        rows = marginal(rows, by, averaged, notes.append)
        keys = [*(key for key in keys if key in MARKS), *by]
    shared = _seconds_shared(runs, rows)
    if metrics[0] == "seconds" and shared:
        notes.append("seconds are not tested, as other runs shared the machine while they were measured")
        found: tuple[dict[Section, Row], str, bool] = ({}, "", True)
    else:
        found = _references(rows, keys, metrics[0], baseline, default or {}, notes)
    references, name, fixed = found
    family = family_of(rows, metrics[0], references, fixed, lambda row: _guesses(row, notes))
    if default:
        constant = {key: value for key, value in constant.items() if value != as_cell(default.get(key))}
    counted = {path for row in rows for path in row.runs}
    left = runs.table[(runs.table.status != "finished") | (runs.table.same_as != "")]
    return Comparison(
        rows=tuple(_in_order(rows, keys, metrics[0], sort)),
        keys=tuple(keys),
        metrics=tuple(metrics),
        family=family,
        baseline=name if family.differences else "",
        constant=constant,
        left_out=(
            *(
                (run, status, f"the same run as {same_as}" if same_as else reason)
                for run, status, reason, same_as in zip(left.run, left.status, left.reason, left.same_as, strict=True)
            ),
            *((run, "unreadable", why) for run, why in runs.skipped),
        ),
        environments={
            name: runs.environments.get(name, "")
            for name in sorted(set(runs.table.environment[runs.table.run.isin(counted)]))
        },
        seconds_shared=shared,
        notes=tuple(dict.fromkeys(notes)),
        others_on=others_on([*keys, *by], of_keys),
        data=tuple(sorted({f"{row.values['data']} ({row.section.data_sha256[:8]})" for row in rows})),
        averaged=tuple(averaged),
        by=tuple(by),
    )


def margins(comparison: Comparison, by: Sequence[str], rows: Sequence[Row]) -> Comparison:
    """Return marginal means of some of a comparison's rows, untested: for a picture.

    Args:
        comparison: of configurations.
        by: keys, as for ``compare``.
        rows: which of the comparison's rows.
    """
    notes: list[str] = []
    averaged = [key for key in comparison.keys if key not in (*by, *MARKS)]
    means = marginal(rows, by, averaged, notes.append)
    keys = (*(key for key in comparison.keys if key in MARKS), *by)
    return dataclasses.replace(
        comparison, rows=tuple(means), keys=keys, averaged=tuple(averaged), by=tuple(by), notes=tuple(notes)
    )


def check_name(option: str, name: str, allowed: Sequence[str]) -> None:
    """Raise a ConfigError that says what is allowed, unless ``name`` is."""
    if name not in allowed:
        raise ConfigError(f"{option} {name}: allowed is one of {', '.join(allowed)}{suggestion(name, allowed)}")


def shown(value: Any) -> str:
    """Return a value of a key as text, a number in its shortest form."""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def place(value: Any) -> tuple[bool, Any]:
    """Return what a key's values are sorted by: numbers before text."""
    return (isinstance(value, str), value)


def _references(
    rows: Sequence[Row],
    keys: Sequence[str],
    metric: str,
    baseline: Mapping[str, Any] | str | None,
    default: Mapping[str, Any],
    notes: list[str],
) -> tuple[dict[Section, Row], str, bool]:
    """Return the row of each section to compare with, what it is, and whether it was fixed beforehand."""
    if isinstance(baseline, Mapping):
        return baselines(rows, keys, baseline, notes.append), "as asked", True
    swept = [key for key in keys if key not in MARKS]
    at_default = {key: as_cell(default[key]) for key in swept if key in default}
    fits = [all(row.values[key] == value for key, value in at_default.items()) for row in rows]
    if baseline is None and swept and len(at_default) == len(swept) and any(fits):
        return baselines(rows, keys, at_default, notes.append), "the default", True
    return best_observed(rows, metric), "the best observed", False


def _seconds_shared(runs: Runs, rows: Sequence[Row]) -> bool:
    shared = set(runs.table.run[runs.table.seconds_shared.astype(bool)])
    return any(path in shared for row in rows for path in row.runs)


def _guesses(row: Row, notes: list[str]) -> Guesses | None:
    try:
        return read_guesses(Path(row.runs[0]))
    except RunDirError as error:
        notes.append(f"not tested: {error}")
        return None


def _in_order(rows: Sequence[Row], keys: Sequence[str], metric: str, sort: str | None) -> list[Row]:
    """Return the rows sorted, those of one data set and environment together."""
    backwards = bool(sort) and str(sort).startswith("-")
    by = str(sort).removeprefix("-") if sort else decided_by(metric)
    if sort:
        if by.startswith("test_"):
            raise ConfigError(f"--sort {sort}: test columns are reported, and nothing is chosen by them")
        check_name("--sort", by, [*rows[0].values, "n", *FIGURES] if rows else [by])
    elif higher_is_better(by):
        backwards = True

    def value(row: Row) -> tuple[bool, Any]:
        return place(len(row) if by == "n" else row.interval(by).mean if by in FIGURES else row.values[by])

    def missing(row: Row) -> bool:
        return by in FIGURES and math.isnan(row.interval(by).mean)

    there = sorted((row for row in rows if not missing(row)), key=value, reverse=backwards)
    ordered = [*there, *(row for row in rows if missing(row))]
    return sorted(ordered, key=lambda row: [str(row.values[mark]) for mark in MARKS])
