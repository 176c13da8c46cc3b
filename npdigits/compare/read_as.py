"""What was read of other programs' results and how it was understood, in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from npdigits.compare.at import STEP, At
from npdigits.compare.keys_of import Chosen
from npdigits.compare.statistics import Numbers
from npdigits.sources.found import FINISHED, Found

# So many runs or settings are named in a line.
MOST_NAMED = 8


def explain(
    sources: Sequence[Found],
    table: pd.DataFrame,
    chosen: Chosen,
    metrics: Sequence[str],
    higher: Mapping[str, bool],
    at: At,
    steps: Mapping[str, Numbers],
    never: Sequence[str],
    notes: Sequence[str],
) -> list[str]:
    """Return what was read and how it was understood, a line each.

    Args:
        sources: what was read.
        table: of their runs.
        chosen: their keys and seed.
        metrics: that are compared.
        higher: metric -> whether higher is better.
        at: which value of a history counts.
        steps: metric -> (n,), where its values were taken, also of those that are only shown.
        never: finished runs that never measured what is compared, and are not in the table.
        notes: further lines.
    """
    counts: dict[str, int] = {}
    for found in sources:
        counts[found.kind] = counts.get(found.kind, 0) + len(found.names)
    read = ", ".join(f"{kind} ({_counted(n)})" for kind, n in counts.items())
    keys = f"keys {', '.join(chosen.keys)}" if chosen.keys else "no key varies"
    seed = (
        f"the seed is {chosen.seed}" if chosen.seed else "no seed that varies is known, so nothing is paired (--seed)"
    )
    lines = [f"Read: {read}; {keys}; {seed}.", _explain_values(sources, metrics, higher, at, steps)]
    if chosen.left_out:
        told = _named([f"{name} ({why})" for name, why in chosen.left_out])
        lines.append(f"These vary and are no keys: {told}. --keys chooses.")
    if single := [name for name in metrics if any(name in found.single for found in sources)]:
        lines.append(f"Stored in single precision, seven digits: {', '.join(single)}.")
    if never:
        lines.append(
            f"{_counted(len(never))} never measured {' or '.join(metrics)}, and count nowhere: {_named(never)}."
        )
    finished = table[(table.status == FINISHED) & (table.same_as == "")]
    lines += [
        f"Without {name} where it was to be taken: {missing} of {len(finished)} finished runs, in no mean of it."
        for name in metrics
        if (missing := int(finished[name].isna().sum()))
    ]
    for name in metrics:
        if len(infinite := finished[np.isinf(finished[name].to_numpy(float))]):
            lines.append(f"Not finite: {name} of {_named(infinite.run.tolist())}: nothing can be said of such a row.")
    lines += _explain_twins(table, [*steps])
    remarks = dict.fromkeys([*(remark for found in sources for remark in found.remarks), *notes])
    return [*lines, *(f"Note: {remark}." for remark in remarks)]


def _explain_twins(table: pd.DataFrame, metrics: Sequence[str]) -> list[str]:
    """Return which runs are counted once, as at most one line."""
    twins = table[table.same_as != ""]
    if not len(twins):
        return []
    figures = table.set_index("run")[[*metrics]]
    same = figures.loc[twins.same_as].reset_index(drop=True).equals(figures.loc[twins.run].reset_index(drop=True))
    told = _named([f"{run} as {other}" for run, other in zip(twins.run, twins.same_as, strict=True)])
    other = "" if same else ", though some have other figures"
    return [f"The same keys and seed, counted once{other}: {told}."]


def _counted(n: int) -> str:
    return f"{n} run{'s' * (n != 1)}"


def _named(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - MOST_NAMED} more" if len(parts) > MOST_NAMED else ""
    return "; ".join(parts[:MOST_NAMED]) + more


def _explain_values(
    sources: Sequence[Found], metrics: Sequence[str], higher: Mapping[str, bool], at: At, steps: Mapping[str, Numbers]
) -> str:
    """Return which value of each metric counts, and whether higher is better."""
    parts = []
    for name, of_runs in steps.items():
        where = f" {at.in_words(name)}{_span(of_runs, at)}" if any(found.has_steps for found in sources) else ""
        if name in metrics:
            parts.append(f"{name}{where}, {'higher' if higher[name] else 'lower'} is better")
        else:
            parts.append(f"shown: {name}{where}")
    return f"Compared: {'; '.join(parts)}."


def _span(steps: Numbers, at: At) -> str:
    """Return the steps that values were taken at: " (3)", " (2 to 4)"; "" where they are not known or were named."""
    known = steps[np.isfinite(steps)]
    if not len(known) or at.kind == STEP:
        return ""
    low, high = f"{known.min():g}", f"{known.max():g}"
    return f" ({low})" if low == high else f" ({low} to {high})"
