"""``compare``: from runs to rows in order, each tested against one baseline or several."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError, RunDirError
from npdigits.compare.arrangement import Arranged, arrange, average
from npdigits.compare.baselines import Baseline, choose_baseline
from npdigits.compare.circumstances import describe_environments, find_constant, is_machine_shared, list_left_out
from npdigits.compare.claim import REFERENCE, SETTING, Claim
from npdigits.compare.family import Block, Plan, make_blocks
from npdigits.compare.figures import format_value
from npdigits.compare.margin import Margin, parse_margins
from npdigits.compare.ordering import check_name, higher_is_better, sort_rows
from npdigits.compare.predictions import Predictions, read_predictions
from npdigits.compare.rows import MARKS, ComparisonRow
from npdigits.config.former import PART_ONCE
from npdigits.config.regularizers import others_on
from npdigits.runs.table import MISSING, Runs

# What stands for the values of a row that is compared with.
Asked = Mapping[str, Any] | str | None


@dataclass(frozen=True)
class Comparison:
    """Rows in order, what was tested, and what was left out.

    Attributes:
        rows: of configurations, or of values of a key (``by``).
        keys: those in which the rows differ.
        metrics: the columns; those that are compared stand first.
        tested: the metrics that are compared.
        blocks: the tests, one for each metric and baseline, corrected together.
        baseline: of the first block: "the default", "as asked", or "the best observed"; "" where nothing was tested.
        constant: key -> value that all rows have, where it is not the default.
        left_out: (run, status, reason) of each run that did not finish or is there twice.
        environments: name of an environment of the rows -> its description.
        seconds_shared: whether other runs shared the machine while the seconds were measured.
        notes: further remarks, each a sentence without its full stop.
        data: the data sets, with the first digits of their SHA-256.
        averaged: for marginal means, the keys that were averaged over.
        by: the keys whose marginal means the rows are, if any.
        others_on: which other regularizers are on, where one is compared.
        extra: columns that are shown besides the metrics.
        shown: metrics that were asked to be shown and not to be tested.
        unpaired: whether it was asked for that no runs be paired.
        pooled: whether rows hold the runs of all environments.
        foreign: whether another program made the runs.
        read_as: what was read and how it was understood, a line each.
        history: as ``Runs.history``.
        looked: what is to be said of earlier looks at these results.
        level: why the tests have another level than 0.05: "confirmation 2 of this race: 0.05/2^2".
        untested: why nothing is tested, where that is not to be seen from the rows.
        claim: of the confirmation of a race, what is to be said of it.
    """

    rows: tuple[ComparisonRow, ...]
    keys: tuple[str, ...]
    metrics: tuple[str, ...]
    tested: tuple[str, ...]
    blocks: tuple[Block, ...]
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
    extra: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    unpaired: bool = False
    pooled: bool = False
    foreign: bool = False
    read_as: tuple[str, ...] = ()
    history: Callable[[str], Mapping[str, Any]] | None = None
    looked: tuple[str, ...] = ()
    level: str = ""
    untested: str = ""
    claim: Claim | None = None

    @property
    def family(self) -> Block:
        """The first block; the only one where one metric is compared with one baseline."""
        return self.blocks[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of figures: the metrics, and what is shown besides."""
        return (*self.metrics, *(name for name in self.extra if name not in self.metrics))

    @property
    def is_tested(self) -> bool:
        """Whether anything is compared."""
        return any(block.differences for block in self.blocks)

    def label(self, row: ComparisonRow, marks: bool = False, unlike: ComparisonRow | None = None) -> str:
        """Return a row's label: "hidden=20 lr=0.01".

        Args:
            row: which row.
            marks: name its data set, numerics and environment too.
            unlike: name only the keys in which the row differs from this one.
        """
        keys = [key for key in self.keys if marks or key not in MARKS]
        if row.values.get(SETTING) == REFERENCE:  # its settings tell what it is
            keys.remove(SETTING)
        if SETTING in row.values:  # the reference is of no arm, and a setting may not read every key
            keys = [key for key in keys if row.values[key] not in ("", MISSING)]
        if unlike is not None:
            keys = [key for key in keys if key in MARKS or row.values[key] != unlike.values[key]]
        return " ".join(f"{key}={format_value(row.values[key])}" for key in keys) or "this configuration"


def compare(
    runs: Runs,
    metrics: Sequence[str] = (),
    baseline: Asked | Sequence[Asked] = None,
    default: Mapping[str, Any] | None = None,
    by: Sequence[str] = (),
    sort: str | None = None,
    *,
    shown: Sequence[str] = (),
    margin: str | float | None = None,
    unpaired: bool = False,
    looks: int = 1,
    pooled: bool = False,
    by_digits: bool = True,
) -> Comparison:
    """Compare the finished runs, a row a configuration.

    Args:
        runs: what ``read`` found.
        metrics: to compare, fixed before the results were seen: p's are corrected over all of them. None is the first
            of ``runs.shown``; the others are then shown besides, and the user's own figures of the validation set.
        baseline: the values of the row to compare with, fixed before the results were seen; "best" is the best observed
            row. None is the row whose keys all have their default values, if it is there, else the best observed.
            Or several of these.
        default: the default configuration.
        by: keys. A row is then one combination of their values, averaged over the settings of all other keys.
        sort: a key or a metric to sort by, with a leading "-" backwards; None is the first metric, the best first.
        shown: further metrics, which are shown and not tested.
        margin: how much does not matter, as ``parse_margins`` takes it.
        unpaired: pair no runs, also where seeds match.
        looks: how many looks at these results share the error of 5 %, fixed at the first.
        pooled: let a row hold the runs of all environments.
        by_digits: test configurations of one run each by their predictions of the test digits.

    Raises:
        ConfigError: a name is unknown, or the baseline is not among the rows.
    """
    tested = tuple(dict.fromkeys(metrics or runs.shown[:1]))
    beside = () if metrics else (*runs.shown[1:], *(name for name in runs.own_metrics if name.startswith("val_")))
    _check_names(tested, shown, by, runs)
    default = {} if runs.foreign or not default else {**default, **PART_ONCE}
    notes: list[str] = []
    arranged = arrange(runs, by, pooled, notes.append)
    margins = parse_margins(margin, tested, runs.foreign)
    plans = _plan(runs, arranged, tested, baseline, default, margins, notes.append)
    read = None if runs.foreign or not by_digits else lambda row: _read_predictions(row, notes.append)
    blocks = make_blocks(arranged.rows, plans, read, unpaired, looks)
    return dataclasses.replace(
        _describe(runs, arranged, blocks, default, by),
        rows=tuple(sort_rows(runs, arranged.rows, tested[0], sort, pooled)),
        metrics=tuple(dict.fromkeys([*tested, *beside, *shown])),
        tested=tested,
        shown=tuple(name for name in shown if name not in tested),
        notes=tuple(dict.fromkeys(notes)),
        unpaired=unpaired,
        pooled=pooled,
    )


def _describe(
    runs: Runs, arranged: Arranged, blocks: Sequence[Block], default: Mapping[str, Any], by: Sequence[str]
) -> Comparison:
    """Return the comparison of these rows, with all that they are to be read with."""
    configurations, differing, rows, keys, averaged, again = arranged
    return Comparison(
        rows=tuple(rows),
        keys=tuple(keys),
        metrics=(),
        tested=(),
        blocks=tuple(blocks),
        baseline=next((block.kind for block in blocks if block.differences), ""),
        constant=find_constant(configurations, differing, runs, default),
        left_out=(*list_left_out(runs), *again),
        environments=describe_environments(runs, rows),
        seconds_shared=is_machine_shared(runs, rows),
        notes=(),
        others_on="" if runs.foreign else others_on([*keys, *by], [row.values for row in configurations]),
        data=tuple(sorted({f"{row.values['data']} ({row.section.data_sha256[:8]})" for row in rows})),
        averaged=tuple(averaged),
        by=tuple(by),
        extra=runs.extra,
        foreign=runs.foreign,
        read_as=runs.read_as,
        history=runs.history,
    )


def _plan(
    runs: Runs,
    arranged: Arranged,
    metrics: Sequence[str],
    asked: Asked | Sequence[Asked],
    default: Mapping[str, Any],
    margins: Mapping[str, Margin],
    note: Callable[[str], None],
) -> list[Plan]:
    """Return what is to be tested: each metric against each baseline.

    Raises:
        ConfigError: a baseline is not among the rows, or is there twice.
    """
    plans = []
    shared = is_machine_shared(runs, arranged.rows)
    baselines: Sequence[Asked] = asked if isinstance(asked, list | tuple) else [asked]  # type: ignore[list-item]
    for metric in metrics:
        seen: list[Baseline] = []
        for one in baselines:
            if metric == "seconds" and shared:
                note("seconds are not tested, as other runs shared the machine while they were measured")
                chosen = Baseline({}, "", True)
            else:
                chosen = choose_baseline(arranged.rows, arranged.keys, metric, one, default, runs.higher, note)
            if any(chosen.references and chosen[::2] == other[::2] for other in seen):
                raise ConfigError("--baseline: two of them are the same row")
            seen.append(chosen)
            higher = higher_is_better(metric, runs.higher)
            plans.append(Plan(metric, chosen.references, chosen.fixed, chosen.kind, margins.get(metric), higher))
    return plans


def marginal_comparison(comparison: Comparison, by: Sequence[str], rows: Sequence[ComparisonRow]) -> Comparison:
    """Return marginal means of some of a comparison's rows, untested: for a picture.

    Args:
        comparison: of configurations.
        by: keys, as for ``compare``.
        rows: some of the comparison's rows.
    """
    notes: list[str] = []
    means, keys, averaged = average(rows, comparison.keys, by, notes.append)
    return dataclasses.replace(
        comparison, rows=tuple(means), keys=tuple(keys), averaged=tuple(averaged), by=tuple(by), notes=tuple(notes)
    )


def _check_names(metrics: Sequence[str], shown: Sequence[str], by: Sequence[str], runs: Runs) -> None:
    """Raise a ConfigError unless all metrics, and all keys to average by, are known."""
    for metric in metrics:
        check_name("--metric", metric, runs.figures)
    for metric in shown:
        check_name("--show", metric, runs.figures)
    for key in by:
        check_name("--by" if len(by) == 1 else "--pivot", key, runs.keys)


def _read_predictions(row: ComparisonRow, note: Callable[[str], None]) -> Predictions | None:
    """Return the predictions of a row's single run; None, with a note, where they cannot be read."""
    try:
        return read_predictions(Path(row.runs[0]))
    except RunDirError as error:
        note(f"not tested: {error}")
        return None
