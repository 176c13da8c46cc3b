"""The verdict in words: what is better, by how much, how sure, and what remains open."""

from collections.abc import Sequence

from npdigits.compare.comparison import ALWAYS, Comparison, shown
from npdigits.compare.family import MCNEMAR, MOST_SINGLE, Difference, higher_is_better
from npdigits.compare.figures import as_difference, as_interval, as_p, named, p_is
from npdigits.compare.rows import Row
from npdigits.compare.statistics import ALPHA, least_p

# So many rows of one kind are named.
MOST_NAMED = 12
# So many runs that did not finish are named one by one.
MOST_LISTED = 20
TWICE = "there twice"


def verdict(comparison: Comparison) -> list[str]:
    """Return sentences; a row that was tested stands in exactly one of them."""
    family = comparison.family
    if not family.differences:
        return [*_nothing_tested(comparison), *_remarks(comparison)]
    groups: dict[str, list[str]] = {"better": [], "worse": [], "open": [], "untested": []}
    for row in comparison.rows:
        if one := family.differences.get(row):
            groups[outcome(comparison, row)].append(_one(comparison, row, one))
    lines = [_opening(comparison)]
    if groups["better"]:
        lines.append(f"Better: {_listed(groups['better'])}.")
    if groups["worse"]:
        lines.append(f"Worse: {_listed(groups['worse'])}.")
    if groups["open"]:
        lines.append(f"Open: {_listed(groups['open'])}. {_open(comparison)}")
    if groups["untested"]:
        lines.append(f"Not tested: {_listed(groups['untested'])}.")
    return [*lines, _method(comparison), *_remarks(comparison)]


def outcome(comparison: Comparison, row: Row) -> str:
    """Return what the tests say of a row: "baseline", "better", "worse", "open", "untested" or ""."""
    family = comparison.family
    if comparison.baseline and family.references.get(row.section) is row:
        return "baseline" if family.fixed else "best"
    one = family.differences.get(row)
    if one is None:
        return ""
    if one.p is None:
        return "untested"
    if not one.real:
        return "open"
    return "better" if (one.interval.mean > 0) == higher_is_better(family.metric) else "worse"


def _opening(comparison: Comparison) -> str:
    family = comparison.family
    parts = []
    for row in dict.fromkeys(family.references.values()):
        interval = row.interval(comparison.metrics[0])
        several = len(family.references) > 1
        seeds = f"{interval.n} seeds" if interval.n != 1 else "one seed"
        metric = comparison.metrics[0]
        parts.append(
            f"{comparison.label(row, several)} ({named(metric)} {as_interval(interval, metric, True)}, {seeds})"
        )
    kind = {"the default": "the default, ", "as asked": "", "the best observed": "the best observed, "}
    return f"Compared with {kind[comparison.baseline]}{'; '.join(parts)}, by {named(family.metric)}:"


def _one(comparison: Comparison, row: Row, one: Difference) -> str:
    label = comparison.label(row, len(comparison.family.references) > 1, unlike=one.against)
    if one.p is None:
        return f"{label} ({'no test predictions' if len(row.runs) == 1 else 'no seed in common'})"
    size = as_difference(one.interval, comparison.family.metric, True)
    return f"{label} by {size} ({p_is(one.corrected)})"


def _listed(parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - MOST_NAMED} more, see the table" if len(parts) > MOST_NAMED else ""
    return "; ".join(parts[:MOST_NAMED]) + more


def _open(comparison: Comparison) -> str:
    family = comparison.family
    if family.can_decide:
        return "These are not shown to differ, nor to be equal."
    least = least_p(max(1, family.most_pairs))
    pairs = f"{family.most_pairs} pairs" if family.most_pairs != 1 else "One pair"
    many = f"{family.comparisons} comparisons" if family.comparisons != 1 else "one comparison"
    return (
        f"{pairs} of seeds cannot decide anything here: the least possible p is {as_p(least)}, for {many} "
        f"{as_p(min(1.0, family.comparisons * least))}. "
        f"This takes {family.seeds_needed} seeds or more of each, or fewer rows at once."
    )


def _method(comparison: Comparison) -> str:
    family = comparison.family
    if family.test == MCNEMAR:
        text = "p: McNemar's exact test of the single runs' predictions of the test digits"
        after = " It speaks of these trained networks, not of their settings: for those run more seeds."
    else:
        text = "p: exact sign-flip test of the differences paired by seed"
        after = " ± is half of the 95 % t interval over seeds, of each difference by itself."
    if family.fixed:
        over = f"{family.comparisons} comparisons" if family.comparisons != 1 else ""
    else:
        over = f"all {family.comparisons} pairs, as any row could have come out best" if family.comparisons != 1 else ""
    corrected = f", corrected (Holm) over {over}" if over else ""
    return f"{text}{corrected}; real where p ≤ {ALPHA:g}.{after}"


def _nothing_tested(comparison: Comparison) -> list[str]:
    metric = comparison.metrics[0]
    if len(comparison.rows) == 1:
        row = comparison.rows[0]
        seeds = f"over {len(row)} seeds" if len(row) != 1 else "of one seed, so without interval"
        return [f"One configuration: {named(metric)} {as_interval(row.interval(metric), metric, True)} {seeds}."]
    return [f"Nothing is tested: no two of these rows can be compared by {named(metric)}."]


def _remarks(comparison: Comparison) -> list[str]:
    lines = []
    if any(len(row) == 1 for row in comparison.rows) and any(len(row) > 1 for row in comparison.rows):
        lines.append("Rows of one seed have no interval.")
    if len(comparison.rows) > MOST_SINGLE and all(len(row) == 1 for row in comparison.rows):
        lines.append(f"Over {MOST_SINGLE} single runs: their test predictions are not compared; --diff compares two.")
    lost = [(row, sum(row.lost.values())) for row in comparison.rows if row.lost]
    if lost:
        named_ones = _listed([f"{comparison.label(row)} {n} of {n + len(row)}" for row, n in lost])
        lines.append(
            f"Did not finish: {named_ones}. Their rows are of the runs that did, which may be the luckier ones."
        )
    if "val_size" in comparison.keys:
        lines.append("val_size differs: these rows' validation digits are not the same.")
    if "data" in comparison.keys:
        lines.append("Rows of different data sets are not compared with each other.")
    if "numerics" in comparison.keys or "environment" in comparison.keys:
        lines.append("Rows whose bits were made in other ways are kept apart (--pool lets environments share a row).")
    if comparison.constant:
        settings = ", ".join(f"{key}={shown(value)}" for key, value in comparison.constant.items())
        lines.append(f"All rows have, other than by default: {settings}.")
    return lines


def footnotes(comparison: Comparison) -> list[str]:
    """Return what the columns mean, where that is not plain."""
    lines = []
    if len(comparison.environments) > 1 or "unknown" in comparison.environments:
        lines += [f"environment {name}: {words}" for name, words in comparison.environments.items()]
    if any(metric.startswith("test_") for metric in comparison.metrics):
        lines.append(
            "Figures are those of the epoch with the lowest validation cost; nothing is chosen by test columns."
        )
    if "seconds" in (*comparison.metrics, *ALWAYS) and comparison.seconds_shared:
        lines.append("Seconds were measured while other runs shared the machine.")
    return lines + [f"Note: {note}." for note in comparison.notes]


def left_out(comparison: Comparison) -> list[str]:
    """Return the runs that no row holds, each with its reason, those of one kind together."""
    kinds: dict[str, list[str]] = {}
    for run, status, reason in comparison.left_out:
        kind = TWICE if reason.startswith("the same run as") else status
        kinds.setdefault(kind, []).append(f"  {run}{': ' * bool(reason)}{reason}")
    lines = []
    for kind, runs in kinds.items():
        many = f"{len(runs)} runs" if len(runs) > 1 else "1 run"
        if kind == TWICE:
            lines.append(f"{many} there more than once, and counted once.")
            continue
        more = [f"  … and {len(runs) - MOST_LISTED} more, all named by --json"] if len(runs) > MOST_LISTED else []
        lines += [f"{many} {kind}, and in no mean:", *runs[:MOST_LISTED], *more]
    return lines
