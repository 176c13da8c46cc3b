"""The difference between two rows, and the test that it gets: paired by seed, unpaired, or of single runs' digits."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from npdigits.compare.equivalence import least_margin_p, margin_p, unpaired_margin_p
from npdigits.compare.permutation import least_permutation_p, unpaired_p
from npdigits.compare.planning import seeds_for_margin, seeds_for_unpaired_margin
from npdigits.compare.predictions import Predictions, count_disagreements
from npdigits.compare.rows import ComparisonRow, last_digit
from npdigits.compare.statistics import (
    ALPHA,
    Interval,
    Numbers,
    least_p,
    mcnemar_p,
    present,
    sign_flip_p,
    t_interval,
    welch_interval,
)

TESTS = SIGN_FLIP, PERMUTATION, MCNEMAR = "sign-flip", "permutation", "McNemar"


@dataclass(frozen=True, eq=False)
class Difference:
    """The difference between a row and the row that it is compared with.

    Attributes:
        against: the other row.
        interval: of the paired differences over the seeds that both have, or Welch's of the difference of two means;
            for McNemar's test the difference on the test digits, without interval.
        p: of the test, uncorrected; None where there is nothing to test.
        test: SIGN_FLIP of the pairs, PERMUTATION of unpaired runs, or MCNEMAR of single runs' test digits.
        why: in words, why nothing is tested; else "".
        lowest: the smallest p that the test can give for so many runs.
        corrected: p, corrected for all comparisons of the family.
        least: what ``corrected`` would be if every comparison of the family had its smallest p.
        within_p, within_lowest, within_corrected, within_least: likewise, of the test that the difference is within the
            margin; None where there is no margin.
        samples: the differences (pairs,), or the figures of both rows where they are not paired.
        alone: how many runs have no partner.
        missing: how many pairs, or unpaired runs, lack a figure.
        elsewhere: how many pairs are of runs of two environments.
        alpha: corrected p's up to this one are called real.
    """

    against: ComparisonRow
    interval: Interval
    p: float | None
    test: str
    why: str = ""
    lowest: float = 0.0
    corrected: float | None = None
    least: float | None = None
    within_p: float | None = None
    within_lowest: float = 0.0
    within_corrected: float | None = None
    within_least: float | None = None
    samples: tuple[Numbers, ...] = ()
    alone: int = 0
    missing: int = 0
    elsewhere: int = 0
    alpha: float = ALPHA

    @property
    def real(self) -> bool:
        """Whether the test tells the two apart."""
        return self.corrected is not None and self.corrected <= self.alpha

    @property
    def undecidable(self) -> bool:
        """Whether no outcome of the test could have told the two apart, as there are too few seeds."""
        return self.least is not None and self.least > self.alpha

    @property
    def within(self) -> bool:
        """Whether the difference is shown to be within the margin."""
        return self.within_corrected is not None and self.within_corrected <= self.alpha

    @property
    def too_few(self) -> bool:
        """Whether no outcome could have told anything: neither a difference nor that it is within the margin."""
        return self.undecidable and (self.within_least is None or self.within_least > self.alpha)

    @property
    def paired(self) -> bool:
        """Whether it is over pairs of seeds."""
        return self.test == SIGN_FLIP

    def seeds_to_tell(self, margin: float, comparisons: int) -> int | None:
        """Return how many seeds would show the difference to be within the margin, if there is none."""
        if self.paired:
            (differences,) = self.samples
            return seeds_for_margin(differences, margin, comparisons)
        x, y = self.samples
        return seeds_for_unpaired_margin(x, y, margin, comparisons)


# (row, its reference) -> their difference, tested
PairTest = Callable[[ComparisonRow, ComparisonRow], Difference]
# a row that is a single run -> its test predictions, if they can be read
ReadPredictions = Callable[[ComparisonRow], Predictions | None]


def compare_over_seeds(
    row: ComparisonRow,
    reference: ComparisonRow,
    metric: str,
    margin: float | None = None,
    unpaired: bool = False,
) -> Difference:
    """Test two rows by their runs: paired if any seed is in both, else as two groups.

    Which of the two is asked of the seeds alone, never of the figures.

    Args:
        row, reference: of one section.
        metric: the one to compare.
        margin: how much does not matter, in the metric's figures; None asks for no such test.
        unpaired: take them as two groups in any case.
    """
    paired = not unpaired and row.shares_seeds(reference)
    difference = _compare_pairs if paired else _compare_groups
    return difference(row, reference, metric, margin)


def _compare_pairs(row: ComparisonRow, reference: ComparisonRow, metric: str, margin: float | None) -> Difference:
    """Test two rows by the differences, paired by seed, that there are."""
    pairs = row.pair(reference, metric)
    d = pairs.differences
    n = len(d)
    return Difference(
        reference,
        t_interval(d),
        p=sign_flip_p(d, rounding=pairs.rounding) if n else None,
        test=SIGN_FLIP,
        why="" if n else "no pair of seeds has both figures",
        lowest=least_p(n),
        within_p=margin_p(d, margin, rounding=pairs.rounding) if n and margin is not None else None,
        within_lowest=least_margin_p(n),
        samples=(d,),
        alone=pairs.alone,
        missing=pairs.missing,
        elsewhere=pairs.elsewhere,
    )


def _compare_groups(row: ComparisonRow, reference: ComparisonRow, metric: str, margin: float | None) -> Difference:
    """Test two rows as groups of runs that are not paired; one run has no spread, and is not tested."""
    x, y = present(row.figures[metric]), present(reference.figures[metric])
    n, m = len(x), len(y)
    testable, rounding = min(n, m) > 1, last_digit(np.concatenate([x, y]), metric in row.single | reference.single)
    return Difference(
        reference,
        welch_interval(x, y),
        p=unpaired_p(x, y, rounding=rounding) if testable else None,
        test=PERMUTATION,
        why="" if testable else "one run a row" if max(n, m) == 1 else "a single run, and no seed in common",
        lowest=least_permutation_p(n, m),
        within_p=unpaired_margin_p(x, y, margin, rounding=rounding) if testable and margin is not None else None,
        within_lowest=least_permutation_p(n, m, "greater"),
        samples=(x, y),
        missing=len(row) + len(reference) - n - m,
    )


def compare_on_digits(rows: Sequence[ComparisonRow], read_predictions: ReadPredictions) -> PairTest:
    """Return a function that tests two single runs by the test digits that only one of them reads right.

    Args:
        rows: all that will be tested.
        read_predictions: returns a single run's test predictions; None where they cannot be read.
    """
    predictions = {row: read_predictions(row) for row in rows}

    def difference(row: ComparisonRow, reference: ComparisonRow) -> Difference:
        counts = count_disagreements(predictions[row], predictions[reference])
        if counts is None:
            return Difference(reference, Interval(math.nan, None, 0), None, MCNEMAR, "no test predictions")
        first, second, digits = counts
        size = Interval((first - second) / digits, None, 1)
        return Difference(reference, size, mcnemar_p(first, second), MCNEMAR)

    return difference
