"""What was read of other programs' results and how it was understood, in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from npdigits.compare.at import LAST, At
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
    steps: Numbers,
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
        steps: (n,), where the values of the first metric were taken.
        never: finished runs that never measured what is compared, and are not in the table.
        notes: further lines.
    """
    counts: dict[str, int] = {}
    for found in sources:
        counts[found.kind] = counts.get(found.kind, 0) + len(found.names)
    read = ", ".join(f"{kind} ({_counted(n)})" for kind, n in counts.items())
    keys = f"keys {', '.join(chosen.keys)}" if chosen.keys else "no key varies"
    seed = f"paired by {chosen.seed}" if chosen.seed else "no seed that varies is known, so nothing is paired (--seed)"
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
    twins = table[table.same_as != ""]
    if len(twins):
        told = _named([f"{run} as {same}" for run, same in zip(twins.run, twins.same_as, strict=True)])
        lines.append(f"The same settings and seed, counted once: {told}.")
    remarks = dict.fromkeys([*(remark for found in sources for remark in found.remarks), *notes])
    return [*lines, *(f"Note: {remark}." for remark in remarks)]


def _counted(n: int) -> str:
    return f"{n} run{'s' * (n != 1)}"


def _named(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - MOST_NAMED} more" if len(parts) > MOST_NAMED else ""
    return "; ".join(parts[:MOST_NAMED]) + more


def _explain_values(
    sources: Sequence[Found], metrics: Sequence[str], higher: Mapping[str, bool], at: At, steps: Numbers
) -> str:
    """Return which value of each metric counts, and whether higher is better."""
    parts = []
    for name in metrics:
        where = f" {at.in_words(name)}" if any(found.has_steps for found in sources) else ""
        parts.append(f"{name}{where}, {'higher' if higher[name] else 'lower'} is better")
    known = steps[np.isfinite(steps)]
    if len(known) and (at.kind != LAST or known.min() < known.max()):
        span = f"{known.min():g}" if known.min() == known.max() else f"{known.min():g} to {known.max():g}"
        parts.append(f"{metrics[0]} was taken at step {span}")
    return f"Compared: {'; '.join(parts)}."
