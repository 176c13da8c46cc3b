"""The comparisons that are made together, and are therefore corrected together."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from npdigits.compare.difference import (
    TESTS,
    Difference,
    PairTest,
    ReadPredictions,
    compare_on_digits,
    compare_over_seeds,
)
from npdigits.compare.margin import Margin
from npdigits.compare.ordering import higher_is_better
from npdigits.compare.permutation import least_permutation_p
from npdigits.compare.rows import ComparisonRow, Section
from npdigits.compare.statistics import ALPHA, holm, seeds_to_decide

# Up to this many pairs of rows, all are tested to correct over; beyond, only the pairs that are shown.
MOST_TESTED = 5000
# Up to this many single runs, their predictions are read and compared.
MOST_SINGLE = 200

# What is compared by which metric: no order, as a row against another is the same question as the other against it.
Hypothesis = tuple[str, frozenset[ComparisonRow]]
# A corrected p and a least one where nothing is tested.
NO_P = (None, None)


class Plan(NamedTuple):
    """One metric against one baseline, before it is tested.

    Attributes:
        metric: the column to compare.
        references: section -> the row that the others are compared with.
        fixed: whether the baseline was fixed beforehand; else it is the best observed row, and all pairs count.
        kind: of the baseline, as ``Baseline.kind``.
        margin: how much does not matter, if that is asked.
        higher: whether higher figures are better.
    """

    metric: str
    references: Mapping[Section, ComparisonRow]
    fixed: bool
    kind: str = ""
    margin: Margin | None = None
    higher: bool = True


class Trial(NamedTuple):
    """A plan, and how it is tested.

    Attributes:
        plan: the metric and the baseline.
        metric: what is tested.
        test: of two rows.
    """

    plan: Plan
    metric: str
    test: PairTest


@dataclass(frozen=True, eq=False)
class Block:
    """One metric against one baseline, tested. All blocks of a comparison are corrected together.

    Attributes:
        column: the metric that was asked for.
        metric: the one that is tested: "test_accuracy" for single runs' digits, else the same.
        higher: whether higher figures are better.
        kind: of the baseline, as ``Baseline.kind``.
        fixed: whether it was fixed beforehand; else it is the best observed row, and all pairs count.
        references: section -> the row that the others are compared with.
        differences: row -> its difference.
        comparisons: how many comparisons the p's are corrected for, in all blocks.
        margin: how much does not matter, if that was asked.
        within_comparisons: how many comparisons the p's of the margin are corrected for, in all blocks.
        looks: how many looks share the error of ALPHA.
    """

    column: str
    metric: str
    higher: bool
    kind: str
    fixed: bool
    references: Mapping[Section, ComparisonRow]
    differences: Mapping[ComparisonRow, Difference]
    comparisons: int
    margin: Margin | None = None
    within_comparisons: int = 0
    looks: int = 1

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests that were made, each once, in the order of ``TESTS``."""
        made = {found.test for found in self.differences.values() if found.p is not None}
        return tuple(test for test in TESTS if test in made)

    @property
    def test(self) -> str:
        """The tests by name; "" where nothing is tested."""
        return ", ".join(self.tests)

    @property
    def alpha(self) -> float:
        """Corrected p's up to this one are called real."""
        return ALPHA / self.looks

    @property
    def seeds_needed(self) -> int:
        """How many paired seeds each comparison needs at least."""
        return seeds_to_decide(self.comparisons * self.looks)

    @property
    def unpaired_seeds_needed(self) -> int:
        """How many seeds each of two rows needs at least that are not paired."""
        return next(n for n in range(2, 1000) if self.comparisons * least_permutation_p(n, n) <= self.alpha)


def make_family(
    rows: Sequence[ComparisonRow],
    metric: str,
    references: Mapping[Section, ComparisonRow],
    fixed: bool,
    read_predictions: ReadPredictions | None,
    margin: float | None = None,
    unpaired: bool = False,
) -> Block:
    """Test each row against its section's reference, by one metric: as ``make_blocks``, for simulations.

    Args:
        margin: how much does not matter, in the metric's figures.
    """
    asked = None if margin is None else Margin(f"{margin:g}", margin)
    plan = Plan(metric, references, fixed, "", asked, higher_is_better(metric))
    return make_blocks(rows, [plan], read_predictions, unpaired)[0]


def make_blocks(
    rows: Sequence[ComparisonRow],
    plans: Sequence[Plan],
    read_predictions: ReadPredictions | None,
    unpaired: bool = False,
    looks: int = 1,
) -> list[Block]:
    """Test each row against its section's reference, by each plan, and correct over all of them.

    Args:
        rows: of all sections.
        plans: each a metric and a baseline. If its baseline was not fixed, p's are corrected over all pairs of rows of
            a section, as each row could have come out best.
        read_predictions: returns a single run's test predictions; None where they cannot be read. None in its place:
            there are none.
        unpaired: take all rows as groups of runs that are not paired.
        looks: how many looks share the error of ALPHA.
    """
    trials = _choose_trials(rows, plans, read_predictions, unpaired)
    found = [_compare_with_references(rows, trial) for trial in trials]
    family = _Family(rows, trials, found)
    comparisons, corrected = family.correct("p", "lowest", lambda plan: True)
    within_comparisons, within = family.correct("within_p", "within_lowest", lambda plan: plan.margin is not None)

    def finish(trial: Trial, row: ComparisonRow, one: Difference) -> Difference:
        key = _hypothesis(trial.metric, row, one.against)
        p, least = corrected.get(key, NO_P) if one.p is not None else NO_P
        within_p, within_least = within.get(key, NO_P) if one.within_p is not None else NO_P
        one = dataclasses.replace(one, corrected=p, least=least, alpha=ALPHA / looks)
        return dataclasses.replace(one, within_corrected=within_p, within_least=within_least)

    return [
        Block(
            *(plan.metric, trial.metric, plan.higher, plan.kind, plan.fixed, plan.references),
            {row: finish(trial, row, one) for row, one in differences.items()},
            *(comparisons, plan.margin, within_comparisons, looks),
        )
        for trial, differences in zip(trials, found, strict=True)
        for plan in [trial.plan]
    ]


def _choose_trials(
    rows: Sequence[ComparisonRow], plans: Sequence[Plan], read_predictions: ReadPredictions | None, unpaired: bool
) -> list[Trial]:
    """Return how each plan is tested; single runs' digits once for each baseline, whatever the metrics."""
    is_single = all(len(row.runs) == 1 for row in rows)
    if is_single and read_predictions and plans[0].higher and len(rows) <= MOST_SINGLE:
        first = [plan for plan in plans if plan.metric == plans[0].metric]
        is_any = any(plan.references.get(row.section) not in (None, row) for plan in first for row in rows)
        test = compare_on_digits(rows if is_any else [], read_predictions)
        return [Trial(plan, "test_accuracy", test) for plan in first]
    # Single runs of another program are no pairs: one pair would be a test that cannot tell anything.
    unpaired = unpaired or (is_single and read_predictions is None)
    return [
        Trial(
            plan,
            plan.metric,
            functools.partial(
                compare_over_seeds,
                metric=plan.metric,
                margin=plan.margin.size if plan.margin else None,
                unpaired=unpaired,
            ),
        )
        for plan in plans
    ]


def _compare_with_references(rows: Sequence[ComparisonRow], trial: Trial) -> dict[ComparisonRow, Difference]:
    """Return the difference of each row that has a reference and is not it."""
    references = ((row, trial.plan.references.get(row.section)) for row in rows)
    return {row: trial.test(row, reference) for row, reference in references if reference and reference is not row}


def _hypothesis(metric: str, row: ComparisonRow, other: ComparisonRow) -> Hypothesis:
    return metric, frozenset((row, other))


class _Family:
    """All that is compared together.

    Args:
        rows: of all sections.
        trials: of each block, its plan and its test.
        found: of each block, the differences that are shown.
    """

    def __init__(
        self,
        rows: Sequence[ComparisonRow],
        trials: Sequence[Trial],
        found: Sequence[Mapping[ComparisonRow, Difference]],
    ) -> None:
        self._trials, self._found = trials, found
        self._sections: dict[Section, list[ComparisonRow]] = {}
        for row in rows:
            self._sections.setdefault(row.section, []).append(row)
        self._others: dict[Hypothesis, Difference] = {}

    def correct(
        self, of: str, lowest: str, counts: Callable[[Plan], bool]
    ) -> tuple[int, dict[Hypothesis, tuple[float, float]]]:
        """Return how many comparisons there are, and of each that is shown its p and its least p, corrected (Holm).

        Args:
            of, lowest: the attributes of ``Difference`` that hold the p and the smallest that it could be.
            counts: whether the comparisons of a plan belong to the family.
        """
        shown: dict[Hypothesis, Difference] = {}
        # Where the best observed row is the baseline, all pairs of its section are compared.
        whole: dict[tuple[str, Section], PairTest] = {}
        for (plan, metric, test), differences in zip(self._trials, self._found, strict=True):
            if not counts(plan):
                continue
            for row, one in differences.items():
                if getattr(one, of) is not None:
                    shown.setdefault(_hypothesis(metric, row, one.against), one)
            if not plan.fixed:
                whole |= {(metric, section): test for section in plan.references}
        single = {key for key in shown if (key[0], next(iter(key[1])).section) not in whole}
        pairs = sum(len(self._sections[section]) * (len(self._sections[section]) - 1) // 2 for _, section in whole)
        comparisons = max(len(shown), len(single) + pairs)
        others = self._test_others(whole, shown, of) if comparisons <= MOST_TESTED else []
        every = [*shown.values(), *others]
        corrected = holm([getattr(one, of) for one in every], comparisons)
        least = holm([getattr(one, lowest) for one in every], comparisons)
        return comparisons, dict(zip(shown, zip(corrected, least, strict=True), strict=False))

    def _test_others(
        self, whole: Mapping[tuple[str, Section], PairTest], shown: Iterable[Hypothesis], of: str
    ) -> list[Difference]:
        """Return the differences, where they can be tested, between those pairs of rows that are not shown."""
        there = set(shown)
        result = []
        for (metric, section), test in whole.items():
            for pair in itertools.combinations(self._sections[section], 2):
                key = _hypothesis(metric, *pair)
                if key in there:
                    continue
                if key not in self._others:
                    self._others[key] = test(*pair)
                if getattr(self._others[key], of) is not None:
                    result.append(self._others[key])
        return result
