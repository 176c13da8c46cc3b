"""What rows are compared with: a row that was fixed beforehand, or the best that was observed."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from npdigits.base.errors import ConfigError
from npdigits.compare.ordering import higher_is_better, ordering_metric
from npdigits.compare.rows import MARKS, ComparisonRow, Section, has_values
from npdigits.config.value_text import as_cell
from npdigits.runs.table import MISSING

DEFAULT, AS_ASKED, BEST = "the default", "as asked", "the best observed"


class Baseline(NamedTuple):
    """What the rows are compared with.

    Attributes:
        references: section -> the row that the section's other rows are compared with.
        kind: DEFAULT, AS_ASKED or BEST; "" where nothing is to be compared.
        fixed: whether it was fixed before the results were seen.
    """

    references: Mapping[Section, ComparisonRow]
    kind: str
    fixed: bool


def choose_baseline(
    rows: Sequence[ComparisonRow],
    keys: Sequence[str],
    metric: str,
    asked: Mapping[str, Any] | str | None,
    default: Mapping[str, Any],
    told: Mapping[str, bool],
    note: Callable[[str], None],
) -> Baseline:
    """Return what to compare the rows with: what was asked for, else the default if it is there, else the best row.

    Args:
        rows: of all sections.
        keys: in which they differ.
        metric: that is compared.
        asked: key -> value, or "best", or None.
        default: the default configuration; empty where there is none.
        told: ``Runs.higher``.
        note: is told in how many sections the baseline is not there.

    Raises:
        ConfigError: what was asked for is not among the rows.
    """
    if isinstance(asked, Mapping):
        return Baseline(find_baselines(rows, keys, asked, note), AS_ASKED, True)
    swept = [key for key in keys if key not in MARKS]
    # A number of an own component has no value where the component was not chosen.
    at_default = {
        key: as_cell(default[key]) if key in default else MISSING for key in swept if key in default or "." in key
    }
    fits = bool(default) and any(has_values(row, at_default) for row in rows)
    if asked is None and swept and len(at_default) == len(swept) and fits:
        return Baseline(find_baselines(rows, keys, at_default, note), DEFAULT, True)
    return Baseline(find_best(rows, metric, told), BEST, False)


def find_baselines(
    rows: Sequence[ComparisonRow], keys: Sequence[str], wanted: Mapping[str, Any], warn: Callable[[str], None]
) -> dict[Section, ComparisonRow]:
    """Return, for each section, the row that has these values.

    Args:
        rows: of all sections.
        keys: those in which rows differ, for the messages.
        wanted: key -> value.
        warn: is told how many sections have no such row.

    Raises:
        ConfigError: no row has these values, several of one section have them, or the rows have no such key.
    """
    if unknown := [key for key in wanted if rows and key not in rows[0].values]:
        raise ConfigError(
            f"--baseline {unknown[0]}={wanted[unknown[0]]}: the rows are not of this key: {', '.join(keys)}"
        )
    found: dict[Section, ComparisonRow] = {}
    typed = " ".join(f"{key}={value}" for key, value in wanted.items())
    for row in rows:
        if not has_values(row, wanted):
            continue
        if row.section in found:
            both = ", or ".join(" ".join(f"{key}={r.values[key]}" for key in keys) for r in (found[row.section], row))
            raise ConfigError(f"--baseline {typed}: several configurations are that ({both}, …): say more")
        found[row.section] = row
    if not found:
        raise ConfigError(f"--baseline {typed}: no finished run has that")
    if n := len({row.section for row in rows} - found.keys()):
        warn(f"nothing is tested in {n} of the groups of rows (data, numerics, environment): the baseline is not there")
    return found


def find_best(
    rows: Sequence[ComparisonRow], metric: str, told: Mapping[str, bool] | None = None
) -> dict[Section, ComparisonRow]:
    """Return the best row of each section, by validation data where the metric is measured there.

    Only rows with at least half as many seeds as the row with the most count: a row of one seed may be the best by
    luck, and nothing can be tested against it.

    Args:
        rows: of all sections.
        metric: that is compared.
        told: ``Runs.higher``.
    """
    by = ordering_metric(metric, rows[0].figures) if rows else metric
    sign = 1 if higher_is_better(metric, told or {}) else -1
    most: dict[Section, int] = {}
    for row in rows:
        most[row.section] = max(most.get(row.section, 0), row.interval(by).n)
    best: dict[Section, tuple[float, ComparisonRow]] = {}
    for row in rows:
        mean, _, n = row.interval(by)
        if not math.isfinite(mean):
            continue
        if n and 2 * n >= most[row.section] and (row.section not in best or sign * mean > best[row.section][0]):
            best[row.section] = sign * mean, row
    return {section: row for section, (_, row) in best.items()}
