"""Families of comparisons: each row against a baseline fixed beforehand, or against the best that was observed."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.compare.predictions import Predictions, count_disagreements
from npdigits.compare.rows import ComparisonRow, Section, has_values
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
from npdigits.runs.table import FIGURES

# Up to this many pairs of rows, all are tested to correct over; beyond, only the pairs that are shown.
MOST_TESTED = 5000
# Up to this many single runs, their predictions are read and compared.
MOST_SINGLE = 200
# How the names of a user's own figures end that are better the lower they are.
LOWER_IS_BETTER = ("cost", "loss", "error")
SIGN_FLIP, MCNEMAR = "sign-flip", "McNemar"


@dataclass(frozen=True)
class Difference:
    """The difference between a row and the row that it is compared with.

    Attributes:
        against: the other row.
        interval: of the paired differences over the seeds that both have; for McNemar's test the difference on the test
            digits, without interval.
        p: of the test, uncorrected; None where there is nothing to test.
        corrected: p, corrected for all comparisons of the family.
        least: what ``corrected`` would be if, in every comparison of the family, all pairs of seeds had one sign.
    """

    against: ComparisonRow
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


# (row, its reference) -> their difference, tested
PairTest = Callable[[ComparisonRow, ComparisonRow], Difference]
# a row that is a single run -> its test predictions, if they can be read
ReadPredictions = Callable[[ComparisonRow], Predictions | None]


@dataclass(frozen=True)
class Family:
    """The comparisons that are made together, and are therefore corrected together.

    Attributes:
        metric: the one that is compared.
        test: SIGN_FLIP over seeds; MCNEMAR on test digits where each row is a single run; "" where nothing is tested.
        fixed: whether the baseline was fixed beforehand; else it is the best observed row, and all pairs count.
        references: section -> the row that the others are compared with.
        differences: row -> its difference.
        comparisons: how many comparisons the p's are corrected for.
    """

    metric: str
    test: str
    fixed: bool
    references: Mapping[Section, ComparisonRow]
    differences: Mapping[ComparisonRow, Difference]
    comparisons: int

    @property
    def seeds_needed(self) -> int:
        """How many paired seeds each comparison needs at least."""
        return seeds_to_decide(self.comparisons)


def higher_is_better(metric: str) -> bool:
    """Return whether higher values of this metric are better; of a user's own figure its name tells."""
    if metric in FIGURES:
        return metric.endswith("accuracy")
    return not metric.endswith(LOWER_IS_BETTER)


def ordering_metric(metric: str) -> str:
    """Return the metric by which rows are put in order: never one of the test set."""
    return metric.replace("test_", "val_")


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


def find_best(rows: Sequence[ComparisonRow], metric: str) -> dict[Section, ComparisonRow]:
    """Return the best row of each section, by validation data.

    Only rows with at least half as many seeds as the row with the most count: a row of one seed may be the best by
    luck, and nothing can be tested against it.
    """
    by, sign = ordering_metric(metric), 1 if higher_is_better(metric) else -1
    most: dict[Section, int] = {}
    for row in rows:
        most[row.section] = max(most.get(row.section, 0), row.interval(by).n)
    best: dict[Section, tuple[float, ComparisonRow]] = {}
    for row in rows:
        mean, _, n = row.interval(by)
        if n and 2 * n >= most[row.section] and (row.section not in best or sign * mean > best[row.section][0]):
            best[row.section] = sign * mean, row
    return {section: row for section, (_, row) in best.items()}


def make_family(
    rows: Sequence[ComparisonRow],
    metric: str,
    references: Mapping[Section, ComparisonRow],
    fixed: bool,
    read_predictions: ReadPredictions,
) -> Family:
    """Test each row against its section's reference.

    Args:
        rows: of all sections.
        metric: the one to compare, over seeds.
        references: section -> the row to compare with.
        fixed: whether these were fixed before the results were seen. If not, p's are corrected over all pairs of rows
            of a section, as each row could have come out best.
        read_predictions: returns a single run's test predictions; None where they cannot be read.
    """
    single = all(len(row.runs) == 1 for row in rows) and higher_is_better(metric) and len(rows) <= MOST_SINGLE
    compared = {row: reference for row in rows if (reference := references.get(row.section)) not in (None, row)}
    difference = _test_on_digits(rows if compared else [], read_predictions) if single else _test_over_seeds(metric)
    differences = {row: difference(row, reference) for row, reference in compared.items()}
    tested = {row: found for row, found in differences.items() if found.p is not None}
    comparisons, others = len(tested), list[Difference]()
    if not fixed:
        sections = [[row for row in rows if row.section == section] for section in references]
        comparisons = max(len(tested), sum(len(section) * (len(section) - 1) // 2 for section in sections))
        if comparisons <= MOST_TESTED:
            others = _test_other_pairs(sections, references, difference)
    every = [*tested.values(), *others]
    corrected = holm([found.p or 0.0 for found in every], comparisons)
    least = holm([0.0 if single else least_p(found.interval.n) for found in every], comparisons)
    for row, p, smallest in zip(tested, corrected, least, strict=False):  # those of the others are not shown
        differences[row] = dataclasses.replace(differences[row], corrected=p, least=smallest)
    test = "" if not tested else MCNEMAR if single else SIGN_FLIP
    return Family("test_accuracy" if single else metric, test, fixed, references, differences, comparisons)


def _test_other_pairs(
    sections: Sequence[Sequence[ComparisonRow]], references: Mapping[Section, ComparisonRow], difference: PairTest
) -> list[Difference]:
    """Return the differences, where they can be tested, between all pairs of a section's rows without its reference."""
    pairs = [pair for section in sections for pair in itertools.combinations(section, 2)]
    between = [difference(a, b) for a, b in pairs if references[a.section] not in (a, b)]
    return [found for found in between if found.p is not None]


def _test_over_seeds(metric: str) -> PairTest:
    """Return a function that tests two rows by their differences, paired by seed."""

    def difference(row: ComparisonRow, reference: ComparisonRow) -> Difference:
        paired = row.paired(reference, metric)
        return Difference(reference, t_interval(paired), sign_flip_p(paired) if len(paired) else None)

    return difference


def _test_on_digits(rows: Sequence[ComparisonRow], read_predictions: ReadPredictions) -> PairTest:
    """Return a function that tests two single runs by the test digits that only one of them reads right."""
    predictions = {row: read_predictions(row) for row in rows}

    def difference(row: ComparisonRow, reference: ComparisonRow) -> Difference:
        counts = count_disagreements(predictions[row], predictions[reference])
        if counts is None:
            return Difference(reference, Interval(math.nan, None, 0), None)
        first, second, digits = counts
        return Difference(reference, Interval((first - second) / digits, None, 1), mcnemar_p(first, second))

    return difference
