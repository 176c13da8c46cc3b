"""Families of comparisons: each row against a baseline fixed beforehand, or against the best that was observed."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.base.errors import ConfigError
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
        least: what ``corrected`` would be if every pair of seeds of the family spoke for the same side.
    """

    against: Row
    interval: Interval
    p: float | None
    corrected: float | None = None
    least: float | None = None

    @property
    def real(self) -> bool:
        """Whether the test tells the two apart."""
        return self.corrected is not None and self.corrected <= ALPHA

    @property
    def undecidable(self) -> bool:
        """Whether no outcome of the test could have told the two apart, as there are too few seeds."""
        return self.least is not None and self.least > ALPHA


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
        ConfigError: none has, several of one section have, or the rows are not of such a key.
    """
    if unknown := [key for key in wanted if rows and key not in rows[0].values]:
        raise ConfigError(
            f"--baseline {unknown[0]}={wanted[unknown[0]]}: the rows are not of this key: {', '.join(keys)}"
        )
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
        warn(f"nothing is tested in {n} of the groups of rows (data, numerics, environment): the baseline is not there")
    return found


def best_observed(rows: Sequence[Row], metric: str) -> dict[Section, Row]:
    """Return the best row of each section, by validation data.

    Of rows with at least half as many seeds as any has: a single seed may be the best by luck, and nothing can be
    tested against it.
    """
    by, sign = decided_by(metric), 1 if higher_is_better(metric) else -1
    most: dict[Section, int] = {}
    for row in rows:
        most[row.section] = max(most.get(row.section, 0), row.interval(by).n)
    best: dict[Section, tuple[float, Row]] = {}
    for row in rows:
        mean, _, n = row.interval(by)
        if n and 2 * n >= most[row.section] and (row.section not in best or sign * mean > best[row.section][0]):
            best[row.section] = sign * mean, row
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
    tested = {row: one for row, one in differences.items() if one.p is not None}
    others: list[Difference] = []
    comparisons = len(tested)
    if not fixed:
        in_section = [[row for row in rows if row.section == section] for section in references]
        comparisons = max(len(tested), sum(len(some) * (len(some) - 1) // 2 for some in in_section))
        if comparisons <= MOST_TESTED:
            pairs = [pair for some in in_section for pair in itertools.combinations(some, 2)]
            between = [difference(a, b) for a, b in pairs if references[a.section] not in (a, b)]
            others = [one for one in between if one.p is not None]
    every = [*tested.values(), *others]
    corrected = holm([one.p or 0.0 for one in every], comparisons)
    least = holm([0.0 if single else least_p(one.interval.n) for one in every], comparisons)
    for row, p, least_of_it in zip(tested, corrected, least, strict=False):  # those of the others are not shown
        differences[row] = dataclasses.replace(differences[row], corrected=p, least=least_of_it)
    test = "" if not tested else MCNEMAR if single else SIGN_FLIP
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
