"""Families of comparisons: each row against a baseline fixed beforehand, or against the best that was observed."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.compare.predictions import Guesses, one_alone
from npdigits.compare.rows import Row, Section
from npdigits.compare.statistics import (
    ALPHA,
    Interval,
    holm,
    least_p,
    mcnemar_p,
    seeds_to_decide,
    sign_flip_p,
    t_interval,
)
from npdigits.errors import ConfigError

# So many pairs of rows are all tested to correct over; of more, only those that are shown are.
MOST_TESTED = 5000
# So many single runs' predictions are read.
MOST_SINGLE = 200
SIGN_FLIP, MCNEMAR = "sign-flip", "McNemar"


@dataclass(frozen=True)
class Difference:
    """A row against the row that it is compared with.

    Attributes:
        against: that row.
        interval: of the paired differences over the seeds that both have; of McNemar's test the difference on the test
            digits, without interval.
        p: of the test, uncorrected; None where there is nothing to test.
        corrected: p over all comparisons of the family.
    """

    against: Row
    interval: Interval
    p: float | None
    corrected: float | None = None

    @property
    def real(self) -> bool:
        """Whether the test tells the two apart."""
        return self.corrected is not None and self.corrected <= ALPHA


@dataclass(frozen=True)
class Family:
    """The comparisons that are made together, and so corrected together.

    Attributes:
        metric: what is compared.
        test: SIGN_FLIP over seeds, or MCNEMAR on test digits where each row is a single run; "" for none.
        fixed: whether the baseline was fixed beforehand; else it is the best observed, and all pairs count.
        references: section -> the row that the others are compared with.
        differences: row -> its difference.
        comparisons: how many p's are corrected for.
    """

    metric: str
    test: str
    fixed: bool
    references: Mapping[Section, Row]
    differences: Mapping[Row, Difference]
    comparisons: int

    @property
    def most_pairs(self) -> int:
        """How many seeds the best-paired comparison has."""
        return max((one.interval.n for one in self.differences.values()), default=0)

    @property
    def can_decide(self) -> bool:
        """Whether the seeds suffice for any difference to come out as real."""
        return self.test != SIGN_FLIP or self.comparisons * least_p(max(1, self.most_pairs)) <= ALPHA

    @property
    def seeds_needed(self) -> int:
        """How many paired seeds each comparison needs at the least."""
        return seeds_to_decide(self.comparisons)


def higher_is_better(metric: str) -> bool:
    """Return whether of two values of this metric the higher is the better."""
    return metric.endswith("accuracy")


def decided_by(metric: str) -> str:
    """Return by which metric rows are put in order: never by one of the test set."""
    return metric.replace("test_", "val_")


def baselines(
    rows: Sequence[Row], keys: Sequence[str], wanted: Mapping[str, Any], warn: Callable[[str], None]
) -> dict[Section, Row]:
    """Return the row of each section that has these values.

    Args:
        rows: all.
        keys: by which rows differ, to name them by.
        wanted: key -> value.
        warn: told of sections that have no such row.

    Raises:
        ConfigError: none has, or several of one section have.
    """
    found: dict[Section, Row] = {}
    typed = " ".join(f"{key}={value}" for key, value in wanted.items())
    for row in rows:
        if any(row.values[key] != value for key, value in wanted.items()):
            continue
        if row.section in found:
            both = ", or ".join(" ".join(f"{key}={r.values[key]}" for key in keys) for r in (found[row.section], row))
            raise ConfigError(f"--baseline {typed}: several configurations are that ({both}, …): say more")
        found[row.section] = row
    if not found:
        raise ConfigError(f"--baseline {typed}: no finished run has that")
    if n := len({row.section for row in rows} - found.keys()):
        warn(f"{n} of the data sets and environments have no run with the baseline's settings: nothing is tested there")
    return found


def best_observed(rows: Sequence[Row], metric: str) -> dict[Section, Row]:
    """Return the best row of each section, by validation data."""
    by, sign = decided_by(metric), 1 if higher_is_better(metric) else -1
    best: dict[Section, tuple[float, Row]] = {}
    for row in rows:
        mean = sign * row.interval(by).mean
        if mean == mean and (row.section not in best or mean > best[row.section][0]):
            best[row.section] = mean, row
    return {section: row for section, (_, row) in best.items()}


def family_of(
    rows: Sequence[Row],
    metric: str,
    references: Mapping[Section, Row],
    fixed: bool,
    guesses: Callable[[Row], Guesses | None],
) -> Family:
    """Test each row against its section's reference.

    Args:
        rows: all.
        metric: what to compare, over seeds.
        references: section -> the row to compare with.
        fixed: whether these were fixed before the results were seen. If not, p's are corrected over all pairs of rows
            of a section, as each could have become the best.
        guesses: what reads a single run's test predictions; None where that is not possible.
    """
    single = all(len(row.runs) == 1 for row in rows) and higher_is_better(metric) and len(rows) <= MOST_SINGLE
    compared = {row: reference for row in rows if (reference := references.get(row.section)) not in (None, row)}
    difference = _on_digits(rows if compared else [], guesses) if single else _over_seeds(metric)
    differences = {row: difference(row, reference) for row, reference in compared.items()}
    p = {row: one.p for row, one in differences.items() if one.p is not None}
    others: list[float] = []
    comparisons = len(p)
    if not fixed:
        in_section = [[row for row in rows if row.section == section] for section in references]
        comparisons = max(len(p), sum(len(some) * (len(some) - 1) // 2 for some in in_section))
        if comparisons <= MOST_TESTED:
            pairs = [pair for some in in_section for pair in itertools.combinations(some, 2)]
            between = [difference(a, b).p for a, b in pairs if references[a.section] not in (a, b)]
            others = [one for one in between if one is not None]
    corrected = holm([*p.values(), *others], comparisons)
    for row, value in zip(p, corrected, strict=False):  # those of the others are not shown
        differences[row] = dataclasses.replace(differences[row], corrected=value)
    test = "" if not p else MCNEMAR if single else SIGN_FLIP
    return Family("test_accuracy" if single else metric, test, fixed, references, differences, comparisons)


def _over_seeds(metric: str) -> Callable[[Row, Row], Difference]:
    """Return the test of two rows by their differences paired by seed."""

    def difference(row: Row, reference: Row) -> Difference:
        paired = row.paired(reference, metric)
        return Difference(reference, t_interval(paired), sign_flip_p(paired) if len(paired) else None)

    return difference


def _on_digits(rows: Sequence[Row], guesses: Callable[[Row], Guesses | None]) -> Callable[[Row, Row], Difference]:
    """Return the test of two single runs by the test digits that only one of them reads right."""
    read = {row: guesses(row) for row in rows}

    def difference(row: Row, reference: Row) -> Difference:
        only = one_alone(read[row], read[reference])
        if only is None:
            return Difference(reference, Interval(math.nan, None, 0), None)
        first, second, digits = only
        return Difference(reference, Interval((first - second) / digits, None, 1), mcnemar_p(first, second))

    return difference
