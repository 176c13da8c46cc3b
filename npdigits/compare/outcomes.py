"""What came out of a row's test, as a word and as words."""

from npdigits.compare.comparison import Comparison
from npdigits.compare.family import Block
from npdigits.compare.figures import unit_of
from npdigits.compare.rows import ComparisonRow

# Outcomes of a tested row, in the order in which the verdict names them.
OUTCOMES = ("better", "worse", "same", "open", "too few", "untested")


def outcome_of(comparison: Comparison, row: ComparisonRow, block: Block | None = None) -> str:
    """Return the outcome of a row's test: one of ``OUTCOMES``, "baseline", "best" or "".

    Args:
        comparison: which one.
        row: one of its rows.
        block: the metric and the baseline; the first ones if none are given.
    """
    block = block or comparison.family
    if block.differences and block.references.get(row.section) is row:
        return "baseline" if block.fixed else "best"
    difference = block.differences.get(row)
    if difference is None:
        return ""
    if difference.p is None:
        return "untested"
    if difference.real:
        return "better" if (difference.interval.mean > 0) == block.higher else "worse"
    if difference.within:
        return "same"
    return "too few" if difference.too_few else "open"


def outcome_in_words(comparison: Comparison, row: ComparisonRow, block: Block) -> str:
    """Return the outcome for a cell: "better, by less than 0.1", "same within 0.1", "open"."""
    outcome, difference = outcome_of(comparison, row, block), block.differences.get(row)
    if difference is None or not difference.within or block.margin is None:
        return outcome
    margin = block.margin.text
    return f"same within {margin}" if outcome == "same" else f"{outcome}, by less than {margin}"


def margin_in_words(comparison: Comparison, block: Block) -> str:
    """Return a block's margin as it was typed, with its unit: "0.1 points"."""
    unit = unit_of(block.column, comparison.foreign).of_difference
    return f"{block.margin.text} {unit}".rstrip() if block.margin else ""
