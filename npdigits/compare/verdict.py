"""The verdict in words: what is better, by how much, how sure, and what remains open."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from npdigits.compare.baselines import AS_ASKED
from npdigits.compare.claim import Claim
from npdigits.compare.comparison import Comparison
from npdigits.compare.coverage import falls_short
from npdigits.compare.difference import PERMUTATION, Difference
from npdigits.compare.family import MOST_SINGLE, Block
from npdigits.compare.figures import format_difference, format_interval, format_value, metric_in_words, state_p
from npdigits.compare.outcomes import OUTCOMES, margin_in_words, outcome_of
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.sentences import describe_tests, explain_open, explain_too_few, say_seeds
from npdigits.config.numerics import describe_mark, split_numerics
from npdigits.runs.summary import Status

# At most this many rows of one outcome are named.
MOST_NAMED = 12
# At most this many runs that did not finish are listed one by one.
MOST_LISTED = 20
# What stands for the status of a run that is there twice.
DUPLICATE = "duplicate"
# Of paused runs, of which a race leaves many.
GOES_ON = "a race goes on with those that it still needs, and so does the command of each"
# At most this many keys that all rows of another program share are named.
MOST_SHARED = 8
# Outcome of a tested row -> how the sentence about the rows with this outcome begins.
SENTENCE_STARTS = {
    "better": "Better",
    "worse": "Worse",
    "same": "Same",
    "open": "Open",
    "too few": "Too few seeds to tell",
    "untested": "Not tested",
}


def verdict(comparison: Comparison) -> list[str]:
    """Return the verdict as sentences; each row that was tested stands in exactly one of them for each baseline."""
    claim = comparison.claim or Claim()
    begins = [claim.begins] if claim.begins else []
    if not comparison.is_tested:
        return [*begins, *_explain_no_test(comparison), *claim.said, *_remarks(comparison)]
    lines = begins
    for block in comparison.blocks:
        if block.differences:
            lines += _describe_block(comparison, block)
        else:
            lines.append(f"By {metric_in_words(block.metric, comparison.foreign)} nothing is tested.")
    return [*lines, *claim.said, *describe_tests(comparison), *comparison.looked, *_remarks(comparison)]


def _describe_block(comparison: Comparison, block: Block) -> list[str]:
    """Return the sentences on one metric and one baseline."""
    groups: dict[tuple[int, bool], list[ComparisonRow]] = {}
    for row in comparison.rows:
        if row in block.differences:
            outcome = outcome_of(comparison, row, block)
            small = outcome in ("better", "worse") and block.differences[row].within
            groups.setdefault((OUTCOMES.index(outcome), small), []).append(row)
    lines = [_introduce_baseline(comparison, block)]
    for (place, small), rows in sorted(groups.items()):
        outcome, margin = OUTCOMES[place], margin_in_words(comparison, block)
        start = SENTENCE_STARTS[outcome] + (f", by less than {margin}" if small else "")
        start += f" within {margin}" if outcome == "same" else ""
        described = join_named([_describe_difference(comparison, block, row) for row in rows])
        lines.append(f"{start}: {described}.{_explain_outcome(comparison, block, outcome, rows)}")
    return lines


def _introduce_baseline(comparison: Comparison, block: Block) -> str:
    """Return the sentence that names what the rows are compared with, and by which metric."""
    metric, foreign = block.column, comparison.foreign
    parts = []
    for row in dict.fromkeys(block.references.values()):
        interval = row.interval(metric)
        label = comparison.label(row, marks=len(block.references) > 1)
        seeds = f"{interval.n} seeds" if interval.n != 1 else "one seed"
        size = format_interval(interval, metric, True, foreign)
        parts.append(f"{label} ({metric_in_words(metric, foreign)} {size}, {seeds})")
    kind = "" if block.kind == AS_ASKED else f"{block.kind}, "
    means = f"Means over {', '.join(comparison.averaged)}. " if comparison.averaged else ""
    named = f"{kind}{'; '.join(parts)}"
    return f"{means}Compared with {named}, by {metric_in_words(block.metric, foreign)}:"


def _describe_difference(comparison: Comparison, block: Block, row: ComparisonRow) -> str:
    """Return a row's label, its difference and p; or why there is none."""
    difference, metric = block.differences[row], block.column
    reference = difference.against
    label = comparison.label(row, marks=len(block.references) > 1, unlike=reference)
    if difference.p is None:
        if not row.interval(metric).n or not reference.interval(metric).n:
            return f"{label} (no {metric_in_words(metric, comparison.foreign)})"
        return f"{label} ({difference.why})"
    size = format_difference(difference.interval, block.metric, True, comparison.foreign)
    unpaired = "unpaired, " if difference.test == PERMUTATION else ""
    return f"{label} by {size} ({unpaired}{_state_ps(difference)})"


def _state_ps(difference: Difference) -> str:
    """Return the p of the difference, and that of the margin if there is one."""
    text = state_p(difference.corrected)
    return text if difference.within_p is None else f"{text}, within: {state_p(difference.within_corrected)}"


def join_named(parts: Sequence[str]) -> str:
    """Return the first parts, and how many more there are."""
    more = f"; and {len(parts) - MOST_NAMED} more, see the table" if len(parts) > MOST_NAMED else ""
    return "; ".join(parts[:MOST_NAMED]) + more


def _explain_outcome(comparison: Comparison, block: Block, outcome: str, rows: Sequence[ComparisonRow]) -> str:
    """Return what follows the sentence about rows that are neither better nor worse nor the same."""
    if outcome == "open":
        return explain_open(comparison, block, rows) + say_seeds(comparison, block, rows)
    if outcome == "too few":
        return explain_too_few(block, rows) + say_seeds(comparison, block, rows)
    return ""


def _explain_no_test(comparison: Comparison) -> list[str]:
    """Return the sentences that stand in place of a verdict where nothing was tested."""
    metric, foreign = comparison.metrics[0], comparison.foreign
    means = [f"Means over {', '.join(comparison.averaged)}."] if comparison.averaged else []
    if comparison.untested:
        return [*means, f"Nothing is tested: {comparison.untested}."]
    if len(comparison.rows) == 1:
        row = comparison.rows[0]
        seeds = f"over {len(row)} seeds" if len(row) != 1 else "of one seed, so without interval"
        mean = format_interval(row.interval(metric), metric, True, foreign)
        return [*means, f"One row: {metric_in_words(metric, foreign)} {mean} {seeds}."]
    if metric == "seconds" and comparison.seconds_shared:
        return [*means, "Nothing is tested: other runs shared the machine while the seconds were measured."]
    why = f"there is no baseline that the rows could be compared with by {metric_in_words(metric, foreign)}"
    anyway = ""
    if "environment" in comparison.keys and not comparison.pooled:
        anyway = " Rows of other environments are compared with --across-environments."
    return [*means, f"Nothing is tested: {why}.{anyway}"]


def _remarks(comparison: Comparison) -> list[str]:
    """Return what limits the comparison, and what all rows have in common."""
    lines = []
    if any(len(row) == 1 for row in comparison.rows) and any(len(row) > 1 for row in comparison.rows):
        lines.append("Rows of one seed have no interval.")
    if len(comparison.rows) > MOST_SINGLE and all(len(row) == 1 for row in comparison.rows) and not comparison.foreign:
        lines.append(f"Over {MOST_SINGLE} single runs: their test predictions are not compared; --diff compares two.")
    lines += _remark_pairs(comparison)
    lines += _remark_coverage(comparison)
    lines += remark_unfinished(comparison)
    if comparison.pooled:
        lines += _remark_environments(comparison)
    if "val_size" in comparison.keys and not comparison.foreign:
        lines.append("val_size differs: these rows' validation digits are not the same.")
    if "data" in comparison.keys:
        lines.append("Rows of different data sets are not compared with each other.")
    if "numerics" in comparison.keys or ("environment" in comparison.keys and not comparison.pooled):
        lines.append("Rows whose bits were made in other ways are not compared with each other.")
    return lines + _name_constant(comparison)


def _name_constant(comparison: Comparison) -> list[str]:
    """Return which values all rows have, as at most one line."""
    settings = [f"{key}={format_value(value)}" for key, value in comparison.constant.items()]
    if not settings:
        return []
    if not comparison.foreign:
        return [f"All rows have, other than by default: {', '.join(settings)}."]
    more = f" and {len(settings) - MOST_SHARED} more, see --json" if len(settings) > MOST_SHARED else ""
    return [f"All rows have: {', '.join(settings[:MOST_SHARED])}{more}."]


def _remark_pairs(comparison: Comparison) -> list[str]:
    """Return which runs are in no pair, as at most one line."""
    parts: dict[str, None] = {}
    for block in comparison.blocks:
        for row, one in block.differences.items():
            label = comparison.label(row, marks=len(block.references) > 1, unlike=one.against)
            if one.alone:
                parts[f"{label} {_count(one.alone, 'run')} whose seed only one of the two rows has"] = None
            if one.missing:
                what = _count(one.missing, "pair" if one.paired else "run")
                parts[f"{label} {what} without {metric_in_words(block.column, comparison.foreign)}"] = None
    return [f"Left out of the differences: {join_named(list(parts))}."] if parts else []


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n > 1)}"


def _remark_coverage(comparison: Comparison) -> list[str]:
    """Return in which rows a bound is so near that the intervals are too narrow, as at most one line."""
    rows = {
        comparison.label(row): None
        for block in comparison.blocks
        for row in comparison.rows
        if _is_near_a_bound(row, block)
    }
    if not rows:
        return []
    return [
        f"Figures close to a bound: {join_named(list(rows))}. There the 95 % t interval of a mean holds it less often: "
        "of simulated accuracies, 2 % wrong, in 88 to 94 %."
    ]


def _is_near_a_bound(row: ComparisonRow, block: Block) -> bool:
    """Say whether a row's figures lie so near the bound of their metric that t intervals fall short."""
    return falls_short(row.figures[block.column], 0.0, 1.0 if block.higher else math.inf)


def _remark_environments(comparison: Comparison) -> list[str]:
    """Return that runs of several environments are compared with each other, and in which rows."""
    if len(comparison.environments) < 2:
        return []
    split = [
        f"{comparison.label(row, unlike=one.against)} {one.elsewhere} of {one.interval.n}"
        for row, one in comparison.family.differences.items()
        if one.elsewhere
    ]
    asked = "" if comparison.claim else ", as asked"
    pairs = f" Pairs of runs of two environments: {join_named(split)}." if split else ""
    return [
        f"Across {len(comparison.environments)} environments{asked}: a difference may come from where runs were "
        f"made.{pairs}"
    ]


def remark_unfinished(comparison: Comparison) -> list[str]:
    """Return which rows have runs that did not finish, and how many, as at most one line."""
    lost = [row for row in comparison.rows if row.lost]
    if not lost:
        return []
    named = join_named([f"{comparison.label(row)} {row.lost} of {row.lost + len(row.runs)}" for row in lost])
    return [f"Did not finish: {named}. Their rows are of the runs that did, which may be the luckier ones."]


def footnotes(comparison: Comparison) -> list[str]:
    """Return the lines that explain the data and the columns of a table."""
    if comparison.foreign:
        return [*comparison.read_as, *(f"Note: {note}." for note in comparison.notes)]
    lines = [*(comparison.claim.notes if comparison.claim else ()), f"Data: {', '.join(comparison.data)}."]
    if comparison.others_on:
        lines.append(f"Of the regularizers, {comparison.others_on}.")
    if len(comparison.environments) > 1 or "unknown" in comparison.environments:
        lines += [f"environment {name}: {described}" for name, described in comparison.environments.items()]
    lines += describe_edited_code([row.section.numerics for row in comparison.rows])
    if any(metric.startswith("test_") for metric in comparison.metrics):
        lines.append(
            "Figures are those of the epoch with the lowest validation cost (without validation data, of the last "
            "epoch); nothing is chosen by test columns."
        )
    if "seconds" in comparison.columns and comparison.seconds_shared:
        lines.append("Seconds were measured while other runs shared the machine.")
    return lines + [f"Note: {note}." for note in comparison.notes]


def describe_edited_code(numerics: Iterable[Any]) -> list[str]:
    """Return a line for each of these ``numerics`` that stands for code of npdigits that was edited."""
    marks = {str(one): mark for one in numerics if (mark := split_numerics(one)[1])}
    return [f"numerics {one}: made by code of npdigits {describe_mark(marks[one])}." for one in sorted(marks)]


def left_out(comparison: Comparison) -> list[str]:
    """Return the runs that no row holds, each with its reason, grouped by status; of paused ones how many there are."""
    groups: dict[str, list[str]] = {}
    for run, status, reason in comparison.left_out:
        kind = DUPLICATE if reason.startswith("the same run as") else status
        groups.setdefault(kind, []).append(f"  {run}{': ' * bool(reason)}{reason}")
    lines = []
    for kind, runs in groups.items():
        count = f"{len(runs)} runs" if len(runs) > 1 else "1 run"
        if kind == DUPLICATE:
            lines.append(f"{count} there more than once, and counted once.")
            continue
        if kind == Status.PAUSED and not comparison.foreign:
            lines.append(f"{count} paused, and in no mean: {GOES_ON}.")
            continue
        more = [f"  … and {len(runs) - MOST_LISTED} more, all named by --json"] if len(runs) > MOST_LISTED else []
        lines += [f"{count} {kind}, and in no mean:", *runs[:MOST_LISTED], *more]
    return lines
