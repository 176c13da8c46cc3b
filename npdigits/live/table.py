"""The comparison's table as it grows: ``npdigits-compare``'s own, of the runs of a folder that have finished so far.

It is a look on the way. Of what is looked at again and again nothing can be tested at 5 %, so there is no p and no
verdict in it, and no look is recorded. A race is an exception: the level of its confirmation was fixed beforehand, and
it is tested once, when all its runs have ended.
"""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npdigits.base.errors import UserError
from npdigits.base.text import counted, on_one_line
from npdigits.live.folder import GoneError, Opened
from npdigits.live.seen import SeenRun
from npdigits.runs.find import READ
from npdigits.runs.summary import Status

if TYPE_CHECKING:
    from npdigits.compare.comparison import Comparison

# Seconds between two tables of a folder, or so many times what the last one took, whichever is more.
REST, SHARE = 5.0, 20.0
# Runs that are compared here at most, and rows that are shown.
MOST_RUNS, MOST_ROWS = 3_000, 200
# Tables that are kept.
KEPT = 16
NOTE = (
    "A look on the way: looking early is not a test, as who looks until something is real will find something. "
    "So nothing is tested here, and no look is recorded. npdigits-compare tests, once the runs have ended."
)
UNTESTED = "the runs are looked at while they go on"


@dataclass
class _Kept:
    """A table, and when it was made.

    Attributes:
        table: what the page shows.
        made: by ``time.monotonic``.
        took: seconds.
        of: what it was made of.
    """

    table: dict[str, Any]
    made: float
    took: float
    of: int


class Tables:
    """The tables of folders, each made anew where its runs have changed, and not too often; one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._at_work = False

    def of(self, group: str, runs: Sequence[SeenRun], race: Path | None) -> dict[str, Any]:
        """Return the last table of a folder, and begin another one where that is due.

        Args:
            group: the folder's id.
            runs: that lie in it.
            race: the folder of the race that they are of.
        """
        mark = hash(tuple((run.id, run.status, str(run.row.get("best"))) for run in runs if run.status != "running"))
        with self._lock:
            kept, now = self._kept.get(group), time.monotonic()
            due = kept is None or (kept.of != mark and now - kept.made > max(REST, SHARE * kept.took))
            begins = due and not self._at_work
            self._at_work = self._at_work or begins
        if begins:
            threading.Thread(target=self._make, args=(group, runs, race, mark), daemon=True).start()
        return kept.table if kept else {"lines": ["The table is being made …"], "columns": [], "cells": []}

    def _make(self, group: str, runs: Sequence[SeenRun], race: Path | None, mark: int) -> None:
        begun = time.monotonic()
        try:
            table = make_table(runs, race)
        except UserError as error:
            table = {"columns": [], "cells": [], "lines": [str(error)]}
        except Exception as error:  # the page goes on without a table
            table = {"columns": [], "cells": [], "lines": [f"There is no table: {on_one_line(error)}"]}
        now = time.monotonic()
        with self._lock:
            self._kept.pop(group, None)
            self._kept[group] = _Kept({**table, "made": round(time.time(), 1)}, now, now - begun, mark)
            while len(self._kept) > KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._at_work = False


def make_table(runs: Sequence[SeenRun], race: Path | None = None) -> dict[str, Any]:
    """Return the table of these runs: its titles, how many of them hold names, its cells, and lines below it.

    Raises:
        UserError: the race cannot be read.
    """
    from npdigits.compare.race_report import compare_race, describe_state
    from npdigits.compare.verdict import footnotes, verdict
    from npdigits.runs.text_columns import held_by_python

    @held_by_python
    def of_race(folder: Path) -> dict[str, Any]:
        comparison = compare_race(folder)
        if comparison is None:
            return {"columns": [], "cells": [], "lines": describe_state(folder)}
        return _table(comparison, [*verdict(comparison), *footnotes(comparison)])

    if race is not None:
        if _holds_links(race):
            return {"columns": [], "cells": [], "lines": ["Links in the folder of a race are not followed: no table."]}
        return of_race(race)
    return _of_runs(runs)


def _of_runs(runs: Sequence[SeenRun]) -> dict[str, Any]:
    from npdigits.compare.comparison import compare
    from npdigits.compare.verdict import footnotes
    from npdigits.config.compose import compose
    from npdigits.runs.table import read_runs
    from npdigits.runs.text_columns import held_by_python

    finished = [run for run in runs if run.status == Status.FINISHED]
    own = [run for run in finished if not _has_links(run)]
    lines = [NOTE]
    if len(own) < len(finished):
        lines.append(f"{counted(len(finished) - len(own), 'run', 'runs')} with links for files left out.")
    if len(own) > MOST_RUNS:
        return {"columns": [], "cells": [], "lines": [f"More than {MOST_RUNS:,} runs: npdigits-compare tells of them."]}
    if not own:
        return {"columns": [], "cells": [], "lines": ["No run has finished yet."]}

    @held_by_python
    def compared() -> dict[str, Any]:
        found = read_runs([run.place.path for run in own])
        comparison = untested(compare(found, default=compose().as_dict(), by_digits=False))
        left = len(runs) - len(finished)
        waiting = [f"{counted(left, 'run', 'runs')} of this folder not finished, and in no row."] if left else []
        return _table(comparison, [*lines, *waiting, *footnotes(comparison)])

    return compared()


def untested(comparison: "Comparison") -> "Comparison":
    """Return a comparison without its tests: means and intervals alone."""
    import dataclasses

    blocks = tuple(dataclasses.replace(block, differences={}, kind="") for block in comparison.blocks)
    return dataclasses.replace(comparison, blocks=blocks, baseline="", untested=UNTESTED)


def _table(comparison: "Comparison", lines: list[str]) -> dict[str, Any]:
    from npdigits.compare.views import configurations

    view = configurations(comparison)
    more = len(view.cells) - MOST_ROWS
    cut = [f"{counted(more, 'row', 'rows')} more: npdigits-compare shows all."] if more > 0 else []
    cells = [list(map(str, row)) for row in view.cells[:MOST_ROWS]]
    return {"columns": view.columns, "left": view.left, "cells": cells, "lines": [*lines, *cut]}


def _has_links(run: SeenRun) -> bool:
    """Say whether a file that a comparison reads is a link, or no file."""
    try:
        with Opened(run.place) as opened:
            for name in READ:
                opened.mark(name)
    except (GoneError, OSError, ValueError):
        return True
    return False


def _holds_links(top: Path) -> bool:
    """Say whether there is a link in a folder or in one below it."""
    to_do = [str(top)]
    while to_do:
        try:
            with os.scandir(to_do.pop()) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        to_do.append(entry.path)
        except OSError:
            return True
    return False
