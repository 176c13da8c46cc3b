"""Which of two figures is the better one, and by which metric rows are put in order."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.compare.claim import SETTING
from npdigits.compare.rows import MARKS, ComparisonRow, sort_key
from npdigits.config.suggestions import suggestion
from npdigits.runs.table import FIGURES, Runs

# How the names of a user's own figures end that are better the lower they are.
LOWER_IS_BETTER = ("cost", "loss", "error")
NOTHING_TOLD: Mapping[str, bool] = MappingProxyType({})
# The word for the test set in a metric's name: "test_accuracy", "test/acc". And what the held-out set is called there.
TEST = re.compile(r"(?<![^_\-/. ])test(?![^_\-/. ])")
# The name of a row of a race: "2", "2, 16", "3 (reference)".
NUMBERED = re.compile(r"(\d+)(, .*| \(.*)?")
HELD_OUT = ("val", "valid", "validation", "dev", "eval")


def higher_is_better(metric: str, told: Mapping[str, bool] = NOTHING_TOLD) -> bool:
    """Return whether higher values of this metric are better; of a user's own figure its name tells.

    Args:
        metric: its name.
        told: metric -> whether, where that is known otherwise (``Runs.higher``); "" stands for those of which nothing
            else tells.
    """
    if metric in told:
        return told[metric]
    if metric in FIGURES:
        return metric.endswith("accuracy")
    return False if metric.endswith(LOWER_IS_BETTER) else told.get("", True)


def ordering_metric(metric: str, columns: Collection[str]) -> str:
    """Return the metric by which rows are put in order: not one of the test set where the held-out set has the same.

    Args:
        metric: that is compared.
        columns: of figures that there are.
    """
    return next((name for word in HELD_OUT if (name := TEST.sub(word, metric)) in columns), metric)


def check_name(option: str, name: str, allowed: Sequence[str]) -> None:
    """Raise a ConfigError that lists the allowed names, unless ``name`` is one of them."""
    if name not in allowed:
        raise ConfigError(f"{option} {name}: allowed is one of {', '.join(allowed)}{suggestion(name, allowed)}")


def sort_rows(
    runs: Runs, rows: Sequence[ComparisonRow], metric: str, sort: str | None, pooled: bool
) -> list[ComparisonRow]:
    """Return the rows sorted, those of one data set and environment together.

    Raises:
        ConfigError: they cannot be sorted by that.
    """
    backwards = bool(sort) and str(sort).startswith("-")
    by = str(sort).removeprefix("-") if sort else ordering_metric(metric, runs.figures)
    if sort:
        if by in runs.figures and ordering_metric(by, runs.figures) != by:
            raise ConfigError(f"--sort {sort}: test columns are reported, and nothing is chosen by them")
        check_name("--sort", by, [*rows[0].values, "n", *rows[0].figures] if rows else [by])
    elif higher_is_better(metric, runs.higher):
        backwards = True

    def value(row: ComparisonRow) -> tuple[bool, Any]:
        if by == SETTING and (number := NUMBERED.fullmatch(str(row.values[by]))):
            return False, int(number[1])
        return sort_key(len(row) if by == "n" else row.interval(by).mean if by in row.figures else row.values[by])

    def is_missing(row: ComparisonRow) -> bool:
        return by in row.figures and math.isnan(row.interval(by).mean)

    marks = [mark for mark in MARKS if not (pooled and mark == "environment")]
    present = sorted((row for row in rows if not is_missing(row)), key=value, reverse=backwards)
    ordered = [*present, *(row for row in rows if is_missing(row))]
    return sorted(ordered, key=lambda row: [str(row.values[mark]) for mark in marks])
