"""The page of a race: what was confirmed, who ran how long, what mattered, and every setting with its end.

It is the page of a comparison with more sections; without a confirmation it has these sections alone.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from npdigits.base.text import counted
from npdigits.compare.claim import OBJECTIVE
from npdigits.compare.comparison import Comparison
from npdigits.compare.curves import rounded
from npdigits.compare.figures import column_title, format_difference, format_figure, format_interval, unit_of
from npdigits.compare.page import content_of, page_from
from npdigits.race.anova import Share
from npdigits.race.effects import Crossing, Effect, Level
from npdigits.race.importance import Mattered, MatteredOfArm, in_words, shown
from npdigits.race.lengths import ENDS, Length, lengths_of
from npdigits.race.places import values_of
from npdigits.race.told import Told

SCALE = unit_of(OBJECTIVE).scale


def race_page(told: Told, mattered: Mattered, comparison: Comparison | None, state: Sequence[str]) -> str:
    """Return the page of a race, as HTML.

    Args:
        told: the race.
        mattered: what mattered in it.
        comparison: of its confirmation; None where there is none yet.
        state: where the race stands, which is said where there is none.
    """
    content = content_of(comparison) if comparison else _nothing_claimed(told, state)
    lengths = {arm: lengths_of(told, arm) for arm in told.courses}
    race = {
        "ends": ENDS,
        "full": told.race.epochs,
        "arms": [_describe_arm(one, lengths[one.arm]) for one in mattered.arms],
        "settings": _settings(told, lengths),
        "fell": _fell(comparison),
    }
    return page_from({**content, "race": race}, "race")


def _nothing_claimed(told: Told, state: Sequence[str]) -> dict[str, Any]:
    """Return the content of a page without a comparison."""
    empty = ("columns", "rows", "curves", "steps", "curve_columns", "effects", "heat", "notes", "left_out")
    n = counted(len(told.race.settings), "setting", "settings")
    return {
        "heading": f"A race of {n}, of which nothing is claimed yet",
        "verdict": list(state),
        "step_name": "epoch",
        **{name: [] for name in empty},
    }


def _describe_arm(one: MatteredOfArm, lengths: Sequence[Length]) -> dict[str, Any]:
    """Return who ran how long in an arm, and what mattered."""
    return {
        "name": one.arm,
        "lengths": [
            {"name": _name(length), "epochs": length.epochs, "end": length.end, "why": length.why} for length in lengths
        ],
        "says": in_words(one),
        "shares": [_describe_share(share) for share in shown(one)] if one.shares else [],
        "effects": [_describe_effect(effect) for effect in one.effects],
        "heat": [_describe_crossing(found) for found in one.crossings],
    }


def _name(length: Length) -> str:
    return f"{length.setting}: {' '.join(length.overrides)}"


def _describe_share(share: Share) -> dict[str, Any]:
    percent = [100 * value for value in (share.share, share.low, share.high)]
    return {
        "name": " × ".join(share.keys),
        "pair": len(share.keys) == 2,
        "share": round(percent[0], 3),
        "low": round(percent[1], 3),
        "high": round(percent[2], 3),
        "text": f"{percent[0]:.0f} % [{percent[1]:.0f}, {percent[2]:.0f}]",
    }


def _describe_effect(effect: Effect) -> dict[str, Any]:
    """Return a key's main effect as the page draws it."""
    levels = [level for level in effect.levels if level.figures]
    lost = [f"{level.lost} with {effect.key} {level.text}" for level in effect.levels if level.lost]
    return {
        "title": effect.key,
        "axis": column_title(OBJECTIVE),
        "values": [level.text for level in levels],
        "ordered": effect.ordered,
        "mean": rounded(level.mean * SCALE for level in levels),
        "range": [0.0, SCALE],
        "half": rounded((math.nan if level.half is None else level.half) * SCALE for level in levels),
        "seeds": [rounded(figure * SCALE for figure in level.figures) for level in levels],
        "says": f"lost, and in no mean: {', '.join(lost)}" if lost else "",
    }


def _describe_crossing(found: Crossing) -> dict[str, Any]:
    """Return mean figures over two keys as the page draws them."""
    down, across = found.keys
    return {
        "name": f"{down} and {across}",
        "down": down,
        "across": across,
        "downs": found.downs,
        "tops": found.tops,
        "cells": [[_cell(level) for level in line] for line in found.cells],
        "means": [rounded(level.mean * SCALE for level in line) for line in found.cells],
        "says": f"Mean {column_title(OBJECTIVE)}, and of how many settings.",
    }


def _cell(level: Level) -> str:
    """Return a mean with the number of settings behind it: "96.52 (5)", "96.52 (5, 1 lost)"."""
    lost = f"{level.lost} lost" if level.lost else ""
    known = str(len(level.figures)) if level.figures else ""
    if not (known or lost):
        return "–"
    return f"{format_figure(level.mean, OBJECTIVE)} ({', '.join(filter(None, (known, lost)))})"


def _settings(told: Told, lengths: dict[str, tuple[Length, ...]]) -> dict[str, Any]:
    """Return the table of all settings."""
    several = len(lengths) > 1
    keys = list(dict.fromkeys(key for table in told.race.space.values() for key in table))
    figures = ("epochs", "seeds", f"{column_title(OBJECTIVE)} in the race", "dropped after rung")
    titles = ["setting", *(["arm"] if several else []), *keys, *figures, "end", "why"]
    rows = []
    for arm, of_arm in lengths.items():
        for length in of_arm:
            values = values_of(length.overrides)
            known = [figure for figure in length.figures if not math.isnan(figure)]
            mean = sum(known) / len(known) if known and len(known) == len(length.figures) else math.nan
            cells = [str(length.setting), *([arm] if several else []), *(values.get(key, "") for key in keys)]
            cells += [str(sum(length.epochs)), str(len(length.epochs)), format_figure(mean, OBJECTIVE)]
            cells += ["" if length.rung is None else str(length.rung), ENDS[length.end], length.why]
            rows.append({"cells": cells, "sort": [_sortable(cell) for cell in cells]})
    first = len(titles) - len(figures) - 2
    is_figure = [k == 0 or first <= k < first + len(figures) for k in range(len(titles))]
    return {"titles": titles, "figures": is_figure, "rows": rows}


def _sortable(cell: str) -> float | str | None:
    """Return what a cell is sorted by: numbers as numbers, and nothing for what is not there."""
    try:
        number = float(cell)
    except ValueError:
        return None if cell in ("", "–") else cell
    return number if math.isfinite(number) else cell


def _fell(comparison: Comparison | None) -> list[list[str]]:
    """Return how far the race's own estimates fell: a row's name, that estimate, the confirmation's, the difference."""
    if comparison is None or comparison.claim is None:
        return []
    rows: Iterable[list[str]] = (
        [
            comparison.label(row, marks=True),
            f"{format_interval(before, OBJECTIVE)} (n {before.n})",
            f"{format_interval(row.interval(OBJECTIVE), OBJECTIVE)} (n {row.interval(OBJECTIVE).n})",
            format_difference(fell, OBJECTIVE),
        ]
        for row in comparison.rows
        if (before := comparison.claim.in_race(row)) and (fell := comparison.claim.fell(row))
    )
    return list(rows)
