"""Keeping the runs by which a race finds its settings out of ordinary means."""

import dataclasses
from pathlib import Path

import pandas as pd

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
        whole = _folder(runs.table[searching])
        said.append(
            f"{n} of a race's search, and in no mean (--all shows them); npdigits-compare {whole} takes it whole"
        )
    if (confirming := (part != "") & ~searching).any():
        n = counted(int(confirming.sum()), "run is", "runs are")
        of = runs.table[confirming]
        parts = len({str(Path(run).parent) for run in of.run})
        which = "a race's confirmation" if parts == 1 else f"{parts} confirmations of races, put together here"
        said.append(f"{n} of {which}; what the race may claim, and at which level, npdigits-compare {_folder(of)} says")
    return (dataclasses.replace(runs, table=mark_duplicates(runs.table[~searching])) if searching.any() else runs), said


def _folder(table: pd.DataFrame) -> str:
    """Return the folder of the race whose runs these are; a word where there are several."""
    folders = {str(Path(run).parent.parent) for run in table.run}
    return folders.pop() if len(folders) == 1 else "RACE"
