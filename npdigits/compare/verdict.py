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
# What a row can be, and how its sentence begins.
SAID = {
    "better": "Better",
    "worse": "Worse",
    "open": "Open",
    "too few": "Too few seeds to tell",
    "untested": "Not tested",
}


def verdict(comparison: Comparison) -> list[str]:
    """Return sentences; a row that was tested stands in exactly one of them."""
    family = comparison.family
    if not family.differences:
        return [*_nothing_tested(comparison), *_remarks(comparison)]
    groups: dict[str, list[Row]] = {}
    for row in comparison.rows:
        if row in family.differences:
            groups.setdefault(outcome(comparison, row), []).append(row)
    lines = [_opening(comparison)]
    for name, rows in ((name, groups[name]) for name in SAID if name in groups):
        said = _listed([_one(comparison, row, family.differences[row]) for row in rows])
        lines.append(f"{SAID[name]}: {said}.{_more(comparison, name, rows)}")
    return [*lines, _method(comparison), *_remarks(comparison)]


def outcome(comparison: Comparison, row: Row) -> str:
    """Return what the tests say of a row: one of ``SAID``, "baseline", "best" or ""."""
    family = comparison.family
    if comparison.baseline and family.references.get(row.section) is row:
        return "baseline" if family.fixed else "best"
    one = family.differences.get(row)
    if one is None:
        return ""
    if one.p is None:
        return "untested"
    if not one.real:
        return "too few" if one.undecidable else "open"
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
    means = f"Means over {', '.join(comparison.averaged)}. " if comparison.averaged else ""
    return f"{means}Compared with {kind[comparison.baseline]}{'; '.join(parts)}, by {named(family.metric)}:"


def _one(comparison: Comparison, row: Row, one: Difference) -> str:
    label = comparison.label(row, len(comparison.family.references) > 1, unlike=one.against)
    if one.p is None:
        metric = comparison.metrics[0]
        if any(not r.interval(metric).n for r in (row, one.against)):
            return f"{label} (no {named(metric)})"
        return f"{label} ({'no test predictions' if len(row.runs) == 1 else 'no seed in common'})"
    size = as_difference(one.interval, comparison.family.metric, True)
    return f"{label} by {size} ({p_is(one.corrected)})"


def _listed(parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - MOST_NAMED} more, see the table" if len(parts) > MOST_NAMED else ""
    return "; ".join(parts[:MOST_NAMED]) + more


def _more(comparison: Comparison, name: str, rows: Sequence[Row]) -> str:
    """Return what there is to say of rows that are neither better nor worse."""
    if name == "open":
        return " These are not shown to differ, nor to be equal."
    if name != "too few":
        return ""
    family = comparison.family
    pairs = max(family.differences[row].interval.n for row in rows)
    many = f"{pairs} pairs" if pairs > 1 else "one pair"
    over = f", over {family.comparisons} comparisons {as_p(min(1.0, family.comparisons * least_p(pairs)))}"
    return (
        f" Of {many} of seeds p is at least {as_p(least_p(pairs))}{over * (family.comparisons > 1)}: to tell takes "
        f"{family.seeds_needed} seeds or more of each row, or fewer rows at once."
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
    means = [f"Means over {', '.join(comparison.averaged)}."] if comparison.averaged else []
    if len(comparison.rows) == 1:
        row = comparison.rows[0]
        seeds = f"over {len(row)} seeds" if len(row) != 1 else "of one seed, so without interval"
        one = f"One row: {named(metric)} {as_interval(row.interval(metric), metric, True)} {seeds}."
        return [*means, one]
    if metric == "seconds" and comparison.seconds_shared:
        return [*means, "Nothing is tested: other runs shared the machine while the seconds were measured."]
    return [*means, f"Nothing is tested: there is no baseline that the rows could be compared with by {named(metric)}."]


def _remarks(comparison: Comparison) -> list[str]:
    lines = []
    if any(len(row) == 1 for row in comparison.rows) and any(len(row) > 1 for row in comparison.rows):
        lines.append("Rows of one seed have no interval.")
    if len(comparison.rows) > MOST_SINGLE and all(len(row) == 1 for row in comparison.rows):
        lines.append(f"Over {MOST_SINGLE} single runs: their test predictions are not compared; --diff compares two.")
    lines += lost_remarks(comparison)
    if "val_size" in comparison.keys:
        lines.append("val_size differs: these rows' validation digits are not the same.")
    if "data" in comparison.keys:
        lines.append("Rows of different data sets are not compared with each other.")
    if "numerics" in comparison.keys or "environment" in comparison.keys:
        lines.append("Rows whose bits were made in other ways are not compared with each other.")
    if comparison.constant:
        settings = ", ".join(f"{key}={shown(value)}" for key, value in comparison.constant.items())
        lines.append(f"All rows have, other than by default: {settings}.")
    return lines


def lost_remarks(comparison: Comparison) -> list[str]:
    """Return which rows are of fewer runs than were begun."""
    lost = [row for row in comparison.rows if row.lost]
    if not lost:
        return []
    named_ones = _listed([f"{comparison.label(row)} {row.lost} of {row.lost + len(row.runs)}" for row in lost])
    return [f"Did not finish: {named_ones}. Their rows are of the runs that did, which may be the luckier ones."]


def footnotes(comparison: Comparison) -> list[str]:
    """Return what the columns mean, where that is not plain."""
    lines = [f"Data: {', '.join(comparison.data)}."]
    if comparison.others_on:
        lines.append(f"Of the regularizers, {comparison.others_on}.")
    if len(comparison.environments) > 1 or "unknown" in comparison.environments:
        lines += [f"environment {name}: {words}" for name, words in comparison.environments.items()]
    if any(metric.startswith("test_") for metric in comparison.metrics):
        lines.append(
            "Figures are those of the epoch with the lowest validation cost (without validation data, of the last "
            "epoch); nothing is chosen by test columns."
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
