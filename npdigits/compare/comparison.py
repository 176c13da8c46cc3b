"""``compare``: from runs to rows in order, each tested against one baseline."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.compare.family import Family, find_baselines, find_best, higher_is_better, make_family, ordering_metric
from npdigits.compare.figures import format_value
from npdigits.compare.predictions import Predictions, read_predictions
from npdigits.compare.rows import (
    MARKS,
    ComparisonRow,
    Section,
    find_differing_keys,
    has_values,
    make_rows,
    marginal_rows,
    may_lack,
    sort_key,
)
from npdigits.config.dependence import follows_in
from npdigits.config.former import PART_ONCE
from npdigits.config.regularizers import others_on
from npdigits.config.suggestions import suggestion
from npdigits.config.value_text import as_cell
from npdigits.runs.summary import Status
from npdigits.runs.table import MISSING, Runs

METRICS = ("val_accuracy", "test_accuracy")
# Columns that are shown of each row besides the metrics.
EXTRA_COLUMNS = ("best_epoch", "seconds")


@dataclass(frozen=True)
class Comparison:
    """Rows in order, what was tested, and what was left out.

    Attributes:
        rows: of configurations, or of values of a key (``by``).
        keys: those in which the rows differ.
        metrics: the columns; the first metric is the one that is compared.
        family: the tests.
        baseline: "the default", "as asked", or "the best observed"; "" where nothing was tested.
        constant: key -> value that all rows have, where it is not the default.
        left_out: (run, status, reason) of each run that did not finish or is there twice.
        environments: name of an environment of the rows -> its description.
        seconds_shared: whether other runs shared the machine while the seconds were measured.
        notes: further remarks, each a sentence without its full stop.
        data: the data sets, with the first digits of their SHA-256.
        averaged: for marginal means, the keys that were averaged over.
        by: the keys whose marginal means the rows are, if any.
        others_on: which other regularizers are on, where one is compared.
    """

    rows: tuple[ComparisonRow, ...]
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

    def label(self, row: ComparisonRow, marks: bool = False, unlike: ComparisonRow | None = None) -> str:
        """Return a row's label: "hidden=20 lr=0.01".

        Args:
            row: which row.
            marks: name its data set, numerics and environment too.
            unlike: name only the keys in which the row differs from this one.
        """
        keys = [key for key in self.keys if marks or key not in MARKS]
        if unlike is not None:
            keys = [key for key in keys if key in MARKS or row.values[key] != unlike.values[key]]
        return " ".join(f"{key}={format_value(row.values[key])}" for key in keys) or "this configuration"


class Baseline(NamedTuple):
    """What the rows are compared with.

    Attributes:
        references: section -> the row that the section's other rows are compared with.
        kind: as ``Comparison.baseline``.
        fixed: whether it was fixed before the results were seen.
    """

    references: dict[Section, ComparisonRow]
    kind: str
    fixed: bool


def compare(
    runs: Runs,
    metrics: Sequence[str] = (),
    baseline: Mapping[str, Any] | str | None = None,
    default: Mapping[str, Any] | None = None,
    by: Sequence[str] = (),
    sort: str | None = None,
) -> Comparison:
    """Compare the finished runs, a row a configuration.

    Args:
        runs: what ``read`` found.
        metrics: columns of the table, of which the first one is tested; none are those of ``METRICS``, and the user's
            own figures of the validation set.
        baseline: the values of the row to compare with, fixed before the results were seen; "best" is the best observed
            row. None is the row whose keys all have their default values, if it is there, else the best observed.
        default: the default configuration.
        by: keys. A row is then one combination of their values, averaged over the settings of all other keys.
        sort: a key or a metric to sort by, with a leading "-" backwards; None is the first metric, the best first.

    Raises:
        ConfigError: a name is unknown, or the baseline is not among the rows.
    """
    metrics = metrics or (*METRICS, *(name for name in runs.own_metrics if name.startswith("val_")))
    _check_names(metrics, by, runs)
    notes: list[str] = []
    default = {**default, **PART_ONCE} if default else {}
    configurations = make_rows(runs.table, runs.keys, runs.figures)
    differing = find_differing_keys(configurations, runs.keys)
    rows, keys, averaged = configurations, differing, list[str]()
    if by:
        rows, keys, averaged = _average(configurations, differing, by, notes.append)
    shared = _is_machine_shared(runs, rows)
    chosen = _choose_baseline(rows, keys, metrics[0], baseline, default, shared, notes.append)
    family = make_family(
        rows, metrics[0], chosen.references, chosen.fixed, lambda row: _read_predictions(row, notes.append)
    )
    return Comparison(
        rows=tuple(_sort_rows(rows, metrics[0], sort)),
        keys=tuple(keys),
        metrics=tuple(metrics),
        family=family,
        baseline=chosen.kind if family.differences else "",
        constant=_find_constant(configurations, differing, runs.keys, default),
        left_out=_list_left_out(runs),
        environments=_describe_environments(runs, rows),
        seconds_shared=shared,
        notes=tuple(dict.fromkeys(notes)),
        others_on=others_on([*keys, *by], [row.values for row in configurations]),
        data=tuple(sorted({f"{row.values['data']} ({row.section.data_sha256[:8]})" for row in rows})),
        averaged=tuple(averaged),
        by=tuple(by),
    )


def marginal_comparison(comparison: Comparison, by: Sequence[str], rows: Sequence[ComparisonRow]) -> Comparison:
    """Return marginal means of some of a comparison's rows, untested: for a picture.

    Args:
        comparison: of configurations.
        by: keys, as for ``compare``.
        rows: some of the comparison's rows.
    """
    notes: list[str] = []
    means, keys, averaged = _average(rows, comparison.keys, by, notes.append)
    return dataclasses.replace(
        comparison, rows=tuple(means), keys=tuple(keys), averaged=tuple(averaged), by=tuple(by), notes=tuple(notes)
    )


def check_name(option: str, name: str, allowed: Sequence[str]) -> None:
    """Raise a ConfigError that lists the allowed names, unless ``name`` is one of them."""
    if name not in allowed:
        raise ConfigError(f"{option} {name}: allowed is one of {', '.join(allowed)}{suggestion(name, allowed)}")


def _check_names(metrics: Sequence[str], by: Sequence[str], runs: Runs) -> None:
    """Raise a ConfigError unless all metrics, and all keys to average by, are known."""
    for metric in metrics:
        check_name("--metric", metric, runs.figures)
    for key in by:
        check_name("--by" if len(by) == 1 else "--pivot", key, runs.keys)


def _average(
    rows: Sequence[ComparisonRow], keys: Sequence[str], by: Sequence[str], warn: Callable[[str], None]
) -> tuple[list[ComparisonRow], list[str], list[str]]:
    """Return the marginal means by some keys, in which keys they differ, and which keys were averaged over."""
    averaged = [key for key in keys if key not in (*by, *MARKS)]
    means = marginal_rows(rows, by, averaged, warn)
    return means, [*(key for key in keys if key in MARKS), *by], averaged


def _find_constant(
    rows: Sequence[ComparisonRow], differing: Sequence[str], keys: Sequence[str], default: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the values that all rows share and that are not the defaults, without those that follow from others."""
    follows = {key for row in rows for key in follows_in(row.values)}
    in_some = {key for row in rows for key in row.values if may_lack(key) and row.values[key] == MISSING}
    constant = {
        key: rows[0].values[key]
        for key in keys
        if rows and key not in differing and key not in follows and key not in in_some
    }
    return {key: value for key, value in constant.items() if not default or value != as_cell(default.get(key))}


def _choose_baseline(
    rows: Sequence[ComparisonRow],
    keys: Sequence[str],
    metric: str,
    asked: Mapping[str, Any] | str | None,
    default: Mapping[str, Any],
    shared: bool,
    note: Callable[[str], None],
) -> Baseline:
    """Return what to compare the rows with: what was asked for, else the default if it is there, else the best row.

    Raises:
        ConfigError: what was asked for is not among the rows.
    """
    if metric == "seconds" and shared:
        note("seconds are not tested, as other runs shared the machine while they were measured")
        return Baseline({}, "", True)
    if isinstance(asked, Mapping):
        return Baseline(find_baselines(rows, keys, asked, note), "as asked", True)
    swept = [key for key in keys if key not in MARKS]
    # A number of an own component has no value where the component was not chosen.
    at_default = {
        key: as_cell(default[key]) if key in default else MISSING for key in swept if key in default or "." in key
    }
    fits = any(has_values(row, at_default) for row in rows)
    if asked is None and swept and len(at_default) == len(swept) and fits:
        return Baseline(find_baselines(rows, keys, at_default, note), "the default", True)
    return Baseline(find_best(rows, metric), "the best observed", False)


def _is_machine_shared(runs: Runs, rows: Sequence[ComparisonRow]) -> bool:
    """Return whether other runs shared the machine with any of these rows' runs."""
    shared = set(runs.table.run[runs.table.seconds_shared.astype(bool)])
    return any(path in shared for row in rows for path in row.runs)


def _read_predictions(row: ComparisonRow, note: Callable[[str], None]) -> Predictions | None:
    """Return the predictions of a row's single run; None, with a note, where they cannot be read."""
    try:
        return read_predictions(Path(row.runs[0]))
    except RunDirError as error:
        note(f"not tested: {error}")
        return None


def _list_left_out(runs: Runs) -> tuple[tuple[str, str, str], ...]:
    """Return (run, status, reason) of each run that no row holds."""
    left = runs.table[(runs.table.status != Status.FINISHED) | (runs.table.same_as != "")]
    return (
        *(
            (run, status, f"the same run as {same_as}" if same_as else reason)
            for run, status, reason, same_as in zip(left.run, left.status, left.reason, left.same_as, strict=True)
        ),
        *((run, "unreadable", why) for run, why in runs.skipped),
    )


def _describe_environments(runs: Runs, rows: Sequence[ComparisonRow]) -> dict[str, str]:
    """Return the environments of the rows' runs, by name."""
    counted = {path for row in rows for path in row.runs}
    names = sorted(set(runs.table.environment[runs.table.run.isin(counted)]))
    return {name: runs.environments.get(name, "") for name in names}


def _sort_rows(rows: Sequence[ComparisonRow], metric: str, sort: str | None) -> list[ComparisonRow]:
    """Return the rows sorted, those of one data set and environment together.

    Raises:
        ConfigError: they cannot be sorted by that.
    """
    backwards = bool(sort) and str(sort).startswith("-")
    by = str(sort).removeprefix("-") if sort else ordering_metric(metric)
    if sort:
        if by.startswith("test_"):
            raise ConfigError(f"--sort {sort}: test columns are reported, and nothing is chosen by them")
        check_name("--sort", by, [*rows[0].values, "n", *rows[0].figures] if rows else [by])
    elif higher_is_better(by):
        backwards = True

    def value(row: ComparisonRow) -> tuple[bool, Any]:
        return sort_key(len(row) if by == "n" else row.interval(by).mean if by in row.figures else row.values[by])

    def is_missing(row: ComparisonRow) -> bool:
        return by in row.figures and math.isnan(row.interval(by).mean)

    present = sorted((row for row in rows if not is_missing(row)), key=value, reverse=backwards)
    ordered = [*present, *(row for row in rows if is_missing(row))]
    return sorted(ordered, key=lambda row: [str(row.values[mark]) for mark in MARKS])
