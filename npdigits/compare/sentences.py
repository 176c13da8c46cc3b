"""Sentences about the tests: which one was made, over what it is corrected, what it takes to tell."""

from collections.abc import Sequence

from npdigits.compare.comparison import Comparison
from npdigits.compare.difference import MCNEMAR, PERMUTATION, SIGN_FLIP, Difference
from npdigits.compare.family import Block
from npdigits.compare.figures import format_p, metric_in_words
from npdigits.compare.outcomes import margin_in_words
from npdigits.compare.planning import MOST_SEEDS
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import ALPHA

NAMES = {
    SIGN_FLIP: "exact sign-flip test of the differences paired by seed",
    PERMUTATION: "permutation test of Welch's t, or Welch's t test where its p is larger",
    MCNEMAR: "McNemar's exact test of the single runs' predictions of the test digits",
}


def describe_tests(comparison: Comparison) -> list[str]:
    """Return the lines about the tests and the corrections."""
    blocks = [block for block in comparison.blocks if block.differences]
    tests = list(dict.fromkeys(test for block in blocks for test in block.tests)) or [SIGN_FLIP]
    over = _describe_family(blocks, blocks[0].comparisons)
    why = comparison.level or (f"{ALPHA:g} over {blocks[0].looks} looks" if blocks[0].looks > 1 else "")
    level = f"p ≤ {blocks[0].alpha:.3g}" + (f" ({why})" if why else "")
    lines = [f"p: {_name_tests(comparison, tests)}{over}; real where {level}.{_caution(tests)}"]
    if any(block.margin for block in blocks):
        lines.append(_describe_margin(comparison, blocks, tests))
    return [*lines, *_name_metrics(comparison)]


def _name_tests(comparison: Comparison, tests: Sequence[str]) -> str:
    """Return the tests in words, and of which rows they are where there are two."""
    if set(tests) == {SIGN_FLIP, PERMUTATION}:
        return f"{NAMES[SIGN_FLIP]}; of rows marked unpaired, of which no seed is in both, {NAMES[PERMUTATION]}"
    if list(tests) == [PERMUTATION]:
        return f"{NAMES[PERMUTATION]}, unpaired {'as asked' if comparison.unpaired else 'as no seed is in both rows'}"
    return NAMES[tests[0]]


def _describe_family(blocks: Sequence[Block], comparisons: int) -> str:
    """Return ", corrected (Holm) over 6 comparisons"; "" of a single one."""
    if comparisons == 1:
        return ""
    if len(blocks) == 1:
        if blocks[0].fixed:
            return f", corrected (Holm) over {comparisons} comparisons"
        return f", corrected (Holm) over all {comparisons} pairs, as any row could have come out best"
    metrics = len({block.metric for block in blocks})
    baselines = len(blocks) // metrics
    of = [f"{n} {what}" for n, what in ((metrics, "metrics"), (baselines, "baselines")) if n > 1]
    pairs = "" if all(block.fixed for block in blocks) else ", all pairs, as any row could have come out best"
    return f", corrected (Holm) over all {comparisons} comparisons of {' and '.join(of)}{pairs}"


def _caution(tests: Sequence[str]) -> str:
    """Return what p or ± do not say."""
    if MCNEMAR in tests:
        return " It speaks of these trained networks, not of their settings: for those run more seeds."
    if SIGN_FLIP not in tests:
        return " ± is half of Welch's 95 % t interval, of each difference by itself."
    welch = " (Welch's where unpaired)" if PERMUTATION in tests else ""
    return f" ± is half of the 95 % t interval over seeds{welch}, of each difference by itself."


def _describe_margin(comparison: Comparison, blocks: Sequence[Block], tests: Sequence[str]) -> str:
    """Return the sentences about the test that a difference is within the margin."""
    if MCNEMAR in tests:
        return "The margin is not tested: that takes several seeds of each row."
    of_margin = [block for block in blocks if block.margin]
    sizes = dict.fromkeys(
        margin_in_words(comparison, block)
        + (f" of {metric_in_words(block.column, comparison.foreign)}" if len(comparison.tested) > 1 else "")
        for block in of_margin
    )
    kind = " and ".join({SIGN_FLIP: "sign-flip", PERMUTATION: "permutation (unpaired)"}[test] for test in tests)
    over = _describe_family(of_margin, of_margin[0].within_comparisons)
    level = f"{100 * of_margin[0].alpha:.3g} %"
    return (
        f"Within {', '.join(sizes)}: two one-sided {kind} tests of the difference ± the margin, at {level} each{over}. "
        "They take the differences to lie symmetrically about their mean. "
        f"The {level} holds for the differences and for the margin, each by itself."
    )


def _name_metrics(comparison: Comparison) -> list[str]:
    """Return which metrics were fixed to be tested and which are only shown, where that was said."""
    if not comparison.shown:
        return []
    names = " and ".join(comparison.shown)
    return [f"{names} {'is' if len(comparison.shown) == 1 else 'are'} shown and not tested."]


def explain_too_few(block: Block, rows: Sequence[ComparisonRow]) -> str:
    """Return the sentences on rows of which no outcome could have told anything."""
    said = []
    found = [block.differences[row] for row in rows]
    for alike in ([one for one in found if one.paired], [one for one in found if not one.paired]):
        if alike:
            best = min(alike, key=lambda one: one.lowest)
            over = f", over {block.comparisons} comparisons {format_p(min(1.0, block.comparisons * best.lowest))}"
            needed = block.seeds_needed if best.paired else block.unpaired_seeds_needed
            said.append(
                f" Of {_count_runs(best)} p is at least {format_p(best.lowest)}{over * (block.comparisons > 1)}: to "
                f"tell takes {needed} seeds or more of each row, or fewer rows at once."
            )
    if any(one.paired and one.alone > one.interval.n for one in found):
        said.append(" Most runs have no partner of their seed: --unpaired compares all runs, as two groups.")
    return "".join(said)


def _count_runs(difference: Difference) -> str:
    """Return what a test is of: "6 pairs of seeds", "3 and 4 unpaired runs"."""
    if not difference.paired:
        return f"{' and '.join(str(len(sample)) for sample in difference.samples)} unpaired runs"
    pairs = difference.interval.n
    return f"{pairs} pairs of seeds" if pairs > 1 else "one pair of seeds"


def explain_open(comparison: Comparison, block: Block, rows: Sequence[ComparisonRow]) -> str:
    """Return the sentences on rows that are neither shown to differ nor to be the same."""
    if not block.margin:
        return " These are not shown to differ, nor to be equal."
    undecidable = [block.differences[row] for row in rows if block.differences[row].undecidable]
    few = ""
    if undecidable:
        best = min(undecidable, key=lambda one: one.lowest)
        few = f" Of {_count_runs(best)} no difference could have been told."
    return f" These are not shown to differ, nor to be the same within {margin_in_words(comparison, block)}.{few}"


def say_seeds(comparison: Comparison, block: Block, rows: Sequence[ComparisonRow]) -> str:
    """Return with how many seeds the margin would tell of each of these rows."""
    if not block.margin or not rows:
        return ""
    parts = []
    for row in rows:
        label = comparison.label(row, marks=len(block.references) > 1, unlike=block.differences[row].against)
        parts.append(f"{label} {seeds_in_words(block, block.differences[row])}")
    return (
        f" Seeds of each row that would show them to be the same within {margin_in_words(comparison, block)}, if they "
        f"are, with 80 % probability, by the upper 80 % limit of the spread seen: {'; '.join(parts)}."
    )


def seeds_to_tell(block: Block, difference: Difference) -> int | None:
    """Return how many seeds the margin takes for one row; None where that cannot be told."""
    if block.margin is None or difference.p is None or not difference.samples:
        return None
    return difference.seeds_to_tell(block.margin.size, block.within_comparisons * block.looks)


def seeds_in_words(block: Block, difference: Difference) -> str:
    """Return how many seeds the margin takes for one row: "24"."""
    if min(len(sample) for sample in difference.samples) < 2:
        return "cannot be told of one"
    needed = seeds_to_tell(block, difference)
    if needed is None:
        return f"over {MOST_SEEDS:,}"
    enough = needed <= difference.interval.n
    return f"{needed}" + (", which it has: the difference seen stands against it" if enough else "")
