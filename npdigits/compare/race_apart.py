"""Keeping the runs by which a race finds its settings out of ordinary means."""

import dataclasses

from npdigits.base.text import counted
from npdigits.runs.race_part import SEARCH
from npdigits.runs.table import Runs, mark_duplicates


def without_search(runs: Runs) -> tuple[Runs, list[str]]:
    """Return the runs but for those by which a race found its settings, and a line for each thing to be said of races.

    Of these a setting has the more, the better they came out, and the best of them is too good: no mean of theirs says
    anything. What a race claims comes from its confirmation.
    """
    if "race_part" not in runs.table:  # a table of before, or of another program
        return runs, []
    part = runs.table.race_part.fillna("")
    searching = part == SEARCH
    said = []
    if searching.any():
        n = counted(int(searching.sum()), "run is", "runs are")
        said.append(
            f"{n} of a race's search, and in no mean (--all shows them): npdigits-compare takes a race by itself"
        )
    if (confirming := (part != "") & ~searching).any():
        n = counted(int(confirming.sum()), "run is", "runs are")
        said.append(
            f"{n} of a race's confirmation; what the race may claim of them npdigits-compare says of its folder"
        )
    return (dataclasses.replace(runs, table=mark_duplicates(runs.table[~searching])) if searching.any() else runs), said
