"""What a race claims: facts of its confirmation that its table and its verdict are to be read with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from npdigits.compare.figures import format_difference, format_interval
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import Interval, Numbers, t_interval, welch_interval

# The column that says which setting of the race a row is, and what it holds for the reference.
SETTING, REFERENCE = "setting", "reference"
# The column of the arms.
ARM = "arm"
# What a race chooses its settings by, and what its confirmation tests.
OBJECTIVE = "val_accuracy"


@dataclass(frozen=True)
class Claim:
    """What is to be said of a race's confirmation.

    Attributes:
        begins: with what the verdict begins: what the rows are.
        said: sentences of the verdict about the winner, and about what the race had measured.
        notes: what stands under the table and in a paper's footnote: what was tried, by which means, with which limit.
        earlier: a row's setting -> (n,), validation accuracies of its full runs in the race; of the reference, which
            did not race, there are none.
        facts: the same for programs.
    """

    begins: str = ""
    said: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    earlier: Mapping[str, Numbers] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def in_race(self, row: ComparisonRow) -> Interval | None:
        """Return the race's own estimate of a row; None where it did not race."""
        figures = self.earlier.get(row.values[SETTING])
        return None if figures is None or not len(figures) else t_interval(figures)

    def fell(self, row: ComparisonRow) -> Interval | None:
        """Return by how much the race's estimate of a row was above the confirmation's, with Welch's interval.

        The race had other seeds, so nothing is paired.
        """
        figures = self.earlier.get(row.values[SETTING])
        if figures is None or not len(figures) or not row.interval(OBJECTIVE).n:
            return None
        return welch_interval(figures, row.figures[OBJECTIVE])

    def columns(self) -> list[tuple[str, str, Callable[[ComparisonRow], str]]]:
        """Return the title, name and cells of each column that the table of a race has besides."""

        def measured(row: ComparisonRow) -> str:
            before = self.in_race(row)
            return f"{format_interval(before._replace(half=None), OBJECTIVE)} (n {before.n})" if before else ""

        def fell(row: ComparisonRow) -> str:
            size = self.fell(row)
            return format_difference(size, OBJECTIVE) if size else ""

        return [("in the race", "in_race", measured), ("fell by", "fell", fell)]

    def record(self, row: ComparisonRow) -> dict[str, Any]:
        """Return the figures of these columns, unrounded."""
        before, fell = self.in_race(row), self.fell(row)
        return {
            "in_race": before.mean if before else None,
            "in_race_n": before.n if before else 0,
            "fell": fell.mean if fell else None,
            "fell_half": fell.half if fell else None,
        }
