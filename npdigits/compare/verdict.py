"""The verdict in words: what is better, by how much, how sure, and what remains open."""

from collections.abc import Iterable, Sequence
from typing import Any

from npdigits.compare.comparison import EXTRA_COLUMNS, Comparison
from npdigits.compare.family import MCNEMAR, MOST_SINGLE, Difference, higher_is_better
from npdigits.compare.figures import (
    format_difference,
    format_interval,
    format_p,
    format_value,
    metric_in_words,
    state_p,
)
from npdigits.compare.rows import ComparisonRow
from npdigits.compare.statistics import ALPHA, least_p
from npdigits.config.numerics import describe_mark, split_numerics

# At most this many rows of one outcome are named.
MOST_NAMED = 12
# At most this many runs that did not finish are listed one by one.
MOST_LISTED = 20
# What stands for the status of a run that is there twice.
DUPLICATE = "duplicate"
# Outcome of a tested row -> how the sentence about the rows with this outcome begins.
SENTENCE_STARTS = {
    "better": "Better",
    "worse": "Worse",
    "open": "Open",
    "too few": "Too few seeds to tell",
    "untested": "Not tested",
}


def verdict(comparison: Comparison) -> list[str]:
    """Return the verdict as sentences; each row that was tested stands in exactly one of them."""
    family = comparison.family
    if not family.differences:
        return [*_explain_no_test(comparison), *_remarks(comparison)]
    groups: dict[str, list[ComparisonRow]] = {}
    for row in comparison.rows:
        if row in family.differences:
            groups.setdefault(outcome_of(comparison, row), []).append(row)
    lines = [_introduce_baseline(comparison)]
    for outcome, rows in ((outcome, groups[outcome]) for outcome in SENTENCE_STARTS if outcome in groups):
        described = _join_named([_describe_difference(comparison, row, family.differences[row]) for row in rows])
        lines.append(f"{SENTENCE_STARTS[outcome]}: {described}.{_explain_outcome(comparison, outcome, rows)}")
    return [*lines, _describe_test(comparison), *_remarks(comparison)]


def outcome_of(comparison: Comparison, row: ComparisonRow) -> str:
    """Return the outcome of a row's test: a key of ``SENTENCE_STARTS``, "baseline", "best" or ""."""
    family = comparison.family
    if comparison.baseline and family.references.get(row.section) is row:
        return "baseline" if family.fixed else "best"
    difference = family.differences.get(row)
    if difference is None:
        return ""
    if difference.p is None:
        return "untested"
    if not difference.real:
        return "too few" if difference.undecidable else "open"
    return "better" if (difference.interval.mean > 0) == higher_is_better(family.metric) else "worse"


def _introduce_baseline(comparison: Comparison) -> str:
    """Return the sentence that names what the rows are compared with, and by which metric."""
    family, metric = comparison.family, comparison.metrics[0]
    references = list(dict.fromkeys(family.references.values()))
    parts = []
    for row in references:
        interval = row.interval(metric)
        label = comparison.label(row, marks=len(family.references) > 1)
        seeds = f"{interval.n} seeds" if interval.n != 1 else "one seed"
        parts.append(f"{label} ({metric_in_words(metric)} {format_interval(interval, metric, True)}, {seeds})")
    kind = {"the default": "the default, ", "as asked": "", "the best observed": "the best observed, "}
    means = f"Means over {', '.join(comparison.averaged)}. " if comparison.averaged else ""
    named = f"{kind[comparison.baseline]}{'; '.join(parts)}"
    return f"{means}Compared with {named}, by {metric_in_words(family.metric)}:"


def _describe_difference(comparison: Comparison, row: ComparisonRow, difference: Difference) -> str:
    """Return a row's label, its difference and p; or why there is none."""
    metric, reference = comparison.metrics[0], difference.against
    label = comparison.label(row, marks=len(comparison.family.references) > 1, unlike=reference)
    if difference.p is None:
        if not row.interval(metric).n or not reference.interval(metric).n:
            return f"{label} (no {metric_in_words(metric)})"
        return f"{label} ({'no test predictions' if len(row.runs) == 1 else 'no seed in common'})"
    size = format_difference(difference.interval, comparison.family.metric, True)
    return f"{label} by {size} ({state_p(difference.corrected)})"


def _join_named(parts: Sequence[str]) -> str:
    """Return the first parts, and how many more there are."""
    more = f"; and {len(parts) - MOST_NAMED} more, see the table" if len(parts) > MOST_NAMED else ""
    return "; ".join(parts[:MOST_NAMED]) + more


def _explain_outcome(comparison: Comparison, outcome: str, rows: Sequence[ComparisonRow]) -> str:
    """Return what follows the sentence about rows that are neither better nor worse."""
    if outcome == "open":
        return " These are not shown to differ, nor to be equal."
    if outcome != "too few":
        return ""
    family = comparison.family
    pairs = max(family.differences[row].interval.n for row in rows)
    many = f"{pairs} pairs" if pairs > 1 else "one pair"
    over = f", over {family.comparisons} comparisons {format_p(min(1.0, family.comparisons * least_p(pairs)))}"
    return (
        f" Of {many} of seeds p is at least {format_p(least_p(pairs))}{over * (family.comparisons > 1)}: to tell takes "
        f"{family.seeds_needed} seeds or more of each row, or fewer rows at once."
    )


def _describe_test(comparison: Comparison) -> str:
    """Return the sentences about the test and the correction."""
    family = comparison.family
    if family.test == MCNEMAR:
        test = "p: McNemar's exact test of the single runs' predictions of the test digits"
        caution = " It speaks of these trained networks, not of their settings: for those run more seeds."
    else:
        test = "p: exact sign-flip test of the differences paired by seed"
        caution = " ± is half of the 95 % t interval over seeds, of each difference by itself."
    if family.fixed:
        over = f"{family.comparisons} comparisons" if family.comparisons != 1 else ""
    else:
        over = f"all {family.comparisons} pairs, as any row could have come out best" if family.comparisons != 1 else ""
    corrected = f", corrected (Holm) over {over}" if over else ""
    return f"{test}{corrected}; real where p ≤ {ALPHA:g}.{caution}"


def _explain_no_test(comparison: Comparison) -> list[str]:
    """Return the sentences that stand in place of a verdict where nothing was tested."""
    metric = comparison.metrics[0]
    means = [f"Means over {', '.join(comparison.averaged)}."] if comparison.averaged else []
    if len(comparison.rows) == 1:
        row = comparison.rows[0]
        seeds = f"over {len(row)} seeds" if len(row) != 1 else "of one seed, so without interval"
        mean = format_interval(row.interval(metric), metric, True)
        return [*means, f"One row: {metric_in_words(metric)} {mean} {seeds}."]
    if metric == "seconds" and comparison.seconds_shared:
        return [*means, "Nothing is tested: other runs shared the machine while the seconds were measured."]
    why = f"there is no baseline that the rows could be compared with by {metric_in_words(metric)}"
    return [*means, f"Nothing is tested: {why}."]


def _remarks(comparison: Comparison) -> list[str]:
    """Return what limits the comparison, and what all rows have in common."""
    lines = []
    if any(len(row) == 1 for row in comparison.rows) and any(len(row) > 1 for row in comparison.rows):
        lines.append("Rows of one seed have no interval.")
    if len(comparison.rows) > MOST_SINGLE and all(len(row) == 1 for row in comparison.rows):
        lines.append(f"Over {MOST_SINGLE} single runs: their test predictions are not compared; --diff compares two.")
    lines += remark_unfinished(comparison)
    if "val_size" in comparison.keys:
        lines.append("val_size differs: these rows' validation digits are not the same.")
    if "data" in comparison.keys:
        lines.append("Rows of different data sets are not compared with each other.")
    if "numerics" in comparison.keys or "environment" in comparison.keys:
        lines.append("Rows whose bits were made in other ways are not compared with each other.")
    if comparison.constant:
        settings = ", ".join(f"{key}={format_value(value)}" for key, value in comparison.constant.items())
        lines.append(f"All rows have, other than by default: {settings}.")
    return lines


def remark_unfinished(comparison: Comparison) -> list[str]:
    """Return which rows have runs that did not finish, and how many, as at most one line."""
    lost = [row for row in comparison.rows if row.lost]
    if not lost:
        return []
    named = _join_named([f"{comparison.label(row)} {row.lost} of {row.lost + len(row.runs)}" for row in lost])
    return [f"Did not finish: {named}. Their rows are of the runs that did, which may be the luckier ones."]


def footnotes(comparison: Comparison) -> list[str]:
    """Return the lines that explain the data and the columns of a table."""
    lines = [f"Data: {', '.join(comparison.data)}."]
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
    if "seconds" in (*comparison.metrics, *EXTRA_COLUMNS) and comparison.seconds_shared:
        lines.append("Seconds were measured while other runs shared the machine.")
    return lines + [f"Note: {note}." for note in comparison.notes]


def describe_edited_code(numerics: Iterable[Any]) -> list[str]:
    """Return a line for each of these ``numerics`` that stands for code of npdigits that was edited."""
    marks = {str(one): mark for one in numerics if (mark := split_numerics(one)[1])}
    return [f"numerics {one}: made by code of npdigits {describe_mark(marks[one])}." for one in sorted(marks)]


def left_out(comparison: Comparison) -> list[str]:
    """Return the runs that no row holds, each with its reason, grouped by status."""
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
        more = [f"  … and {len(runs) - MOST_LISTED} more, all named by --json"] if len(runs) > MOST_LISTED else []
        lines += [f"{count} {kind}, and in no mean:", *runs[:MOST_LISTED], *more]
    return lines
