"""Marginal means: rows averaged over the settings of all keys but some, like with like."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from npdigits.compare.rows import MARKS, ComparisonRow, Values


def marginal_rows(
    rows: Sequence[ComparisonRow], keys: Sequence[str], others: Sequence[str], warn: Callable[[str], None]
) -> list[ComparisonRow]:
    """Return a row for each combination of some keys' values: for each seed the mean over the other keys' settings.

    Like is compared with like: all rows of a section are means over the same seeds and the same settings of the other
    keys, which are those that every combination was run with. Where no other key differs, nothing is averaged.

    Args:
        rows: of all configurations.
        keys: whose values are compared.
        others: the other keys that differ among the rows.
        warn: is told how many runs are left out.
    """
    if not others:
        return list(rows)
    result = []
    for section in dict.fromkeys(row.section for row in rows):
        # values of the keys -> setting of the others -> row
        by_value: dict[Values, dict[Values, ComparisonRow]] = {}
        for row in (row for row in rows if row.section == section):
            value, setting = (tuple(row.values[key] for key in some) for some in (keys, others))
            by_value.setdefault(value, {})[setting] = row
        settings, seeds = _find_common(list(by_value.values()))
        n_runs = sum(len(row) for by_setting in by_value.values() for row in by_setting.values())
        if left_out := n_runs - len(by_value) * len(settings) * len(seeds):
            names = " and ".join(keys)
            warn(f"{left_out} runs left out of the means: not every {names} was run with their other settings and seed")
        if settings:
            result += [
                _average_rows(value, by_setting, keys, settings, seeds) for value, by_setting in by_value.items()
            ]
    return result


def _find_common(values: Sequence[dict[Values, ComparisonRow]]) -> tuple[list[Values], list[Any]]:
    """Return the settings that were run with each value by the most seeds, and the seeds that all of them have."""
    seeds_of = {
        setting: set.intersection(*(set(by_setting[setting].seeds) for by_setting in values))
        for setting in values[0]
        if all(setting in by_setting for by_setting in values)
    }
    # If one mean held settings of other seeds, a difference of settings would look like one of seeds. So the settings
    # are grouped by their seeds, and one group is taken: that of the most seeds, then the largest one, then that of the
    # lowest seeds.
    groups: dict[tuple[Any, ...], list[Values]] = {}
    for setting, seeds in seeds_of.items():
        if seeds:
            groups.setdefault(tuple(sorted(seeds)), []).append(setting)
    if not groups:
        return [], []
    chosen = min(groups, key=lambda seeds: (-len(seeds), -len(groups[seeds]), seeds))
    return groups[chosen], list(chosen)


def _average_rows(
    value: Values,
    by_setting: dict[Values, ComparisonRow],
    keys: Sequence[str],
    settings: Sequence[Values],
    seeds: Sequence[Any],
) -> ComparisonRow:
    """Return the mean, for each of these seeds, of the rows of one value that have these settings of the other keys."""
    rows = [by_setting[setting] for setting in settings]
    positions = [[row.seeds.index(seed) for seed in seeds] for row in rows]
    figures = {
        metric: np.mean([row.figures[metric][some] for row, some in zip(rows, positions, strict=True)], axis=0)
        for metric in rows[0].figures
    }
    runs = tuple(row.runs[i] for row, some in zip(rows, positions, strict=True) for i in some)
    marks = {mark: rows[0].values[mark] for mark in MARKS}
    lost = sum(row.lost for row in by_setting.values())
    values = {**marks, **dict(zip(keys, value, strict=True))}
    return ComparisonRow(values, rows[0].section, tuple(seeds), runs, figures, lost, single=rows[0].single)
