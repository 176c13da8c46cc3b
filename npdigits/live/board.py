"""All that is seen, for any number of pages: what has changed since a page asked last, and no more.

Each change has a number, higher than those before. A page says the number up to which it knows everything, and the
folder, the kind of runs and the sheet of the list that it shows; it gets the rows of that sheet that are newer.
"""

import collections
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npdigits.live.seen import BUT_FAILED, QUIET, UNREADABLE, SeenRun, identifier, shown
from npdigits.runs.summary import Status

# Rows of a sheet; folders that are listed, those first in which something happens.
SHEET, MOST_GROUPS = 25, 100
# Orders of lists that are remembered.
ORDERS = 16
# Kinds of runs that can be asked for -> what they are called. One that finished but failed is of both kinds.
KINDS: dict[str, frozenset[str]] = {
    "all": frozenset([*map(str, Status), BUT_FAILED, QUIET, UNREADABLE]),
    "running": frozenset([Status.RUNNING, QUIET]),
    "finished": frozenset([Status.FINISHED, BUT_FAILED]),
    "failed": frozenset([Status.FAILED, Status.DIVERGED, BUT_FAILED, UNREADABLE]),
    "stopped": frozenset([Status.PAUSED, Status.INTERRUPTED]),
}
SORTS = ("latest", "best", "name")


@dataclass(frozen=True)
class View:
    """The list that a page shows.

    Attributes:
        group: the id of a folder; "" for all.
        kind: a name of ``KINDS``.
        sort: one of ``SORTS``.
        sheet: from 0.
    """

    group: str = ""
    kind: str = "all"
    sort: str = "latest"
    sheet: int = 0


@dataclass
class Group:
    """A folder of runs.

    Attributes:
        id, name: what the page knows it by, and its path below the folder that was named.
        path: of the folder.
        kind: "race", "sweep" or "folder".
    """

    id: str
    name: str
    path: Path
    kind: str = "folder"


class Board:
    """Runs by their ids, with the number of the last change of each.

    Attributes:
        version: the number of the last change.
        name: of this board: a version of another one, of a server of before, says nothing.
        notes: what else is to be said: links that were not followed, more runs than are shown.
    """

    def __init__(self) -> None:
        self.lock, self.name = threading.RLock(), secrets.token_hex(4)
        self.version, self.notes = 1, list[str]()
        self.runs: dict[str, SeenRun] = {}
        self.groups: dict[str, Group] = {}
        self._changed: dict[str, int] = {}
        self._members: dict[str, set[str]] = collections.defaultdict(set)
        # When a list has changed last; and when one that is sorted by the best figures has.
        self._order_version, self._rank_version = 1, 1
        self._orders: collections.OrderedDict[tuple[str, str, str], tuple[tuple[int, int], list[str]]] = (
            collections.OrderedDict()
        )
        # Of each folder what is shown, and since which version; those whose runs have changed since are made anew.
        self._group_rows: dict[str, tuple[int, dict[str, Any]]] = {}
        self._stale = set[str]()
        self._group_order: tuple[int, list[str]] = 0, []

    def replace(self, runs: Iterable[SeenRun], groups: Iterable[Group], notes: list[str]) -> None:
        """Take what a search has found in place of what was known."""
        with self.lock:
            runs, known = list(runs), {group.id: group for group in groups}
            # A folder that was removed and made again is another run under the same id.
            kept = {run.id for run in runs if self.runs.get(run.id) is run}
            if len(kept) == len(runs) == len(self.runs) and known == self.groups and notes == self.notes:
                return
            self.version += 1
            self._order_version = self.version
            self.groups, self.notes = known, notes
            self.runs = {run.id: run for run in runs}
            self._changed = {run: self._changed[run] if run in kept else self.version for run in self.runs}
            self._members = collections.defaultdict(set)
            for run in runs:
                self._members[run.group].add(run.id)
            self._group_rows, self._stale = {}, set(known)

    def say(self, notes: list[str]) -> None:
        """Say this in place of what else was to be said."""
        self.replace(self.runs.values(), self.groups.values(), notes)

    def note(self, changed: Iterable[SeenRun], reordered: bool = False, ranked: bool = False) -> None:
        """Note that what these runs show has changed.

        Args:
            changed: the runs.
            reordered: whether they stand elsewhere in a list now.
            ranked: whether they do in one that is sorted by the best figures.
        """
        with self.lock:
            changed = [run for run in changed if run.id in self.runs]
            if not changed:
                return
            self.version += 1
            self._order_version = self.version if reordered else self._order_version
            self._rank_version = self.version if ranked else self._rank_version
            for run in changed:
                self._changed[run.id] = self.version
                self._stale.add(run.group)

    def since(self, known: int, view: View) -> dict[str, Any] | None:
        """Return what has changed since a version; None where nothing has.

        Args:
            known: the version that the page knows; 0 for none.
            view: what it shows.
        """
        with self.lock:
            if known == self.version:
                return None
            order = self._order(view)
            sheets = max(1, -(-len(order) // SHEET))
            sheet = min(view.sheet, sheets - 1)
            there = order[sheet * SHEET : (sheet + 1) * SHEET]
            answer: dict[str, Any] = {"version": self.version, "now": round(time.time(), 2)}
            ordered = self._rank_version if view.sort == "best" else 0
            anew = not 0 < known <= self.version or max(ordered, self._order_version) > known
            if anew:
                answer |= {"order": there, "sheet": sheet, "sheets": sheets, "total": len(order), "notes": self.notes}
            answer["rows"] = [self.runs[run].row for run in there if anew or self._changed[run] > known]
            self._renew_groups()
            if anew:
                answer["group_order"] = self._group_order[1]
            listed = (self._group_rows[group] for group in self._group_order[1])
            answer["groups"] = [row for version, row in listed if anew or version > known]
            return answer

    def known(self, ids: Iterable[str]) -> list[SeenRun]:
        """Return the runs of these ids, as far as there are such."""
        with self.lock:
            return [self.runs[one] for one in ids if one in self.runs]

    def members(self, group: str) -> list[SeenRun]:
        """Return the runs of a folder."""
        with self.lock:
            return [self.runs[run] for run in sorted(self._members.get(group, ()), key=lambda id: self.runs[id].name)]

    def _order(self, view: View) -> list[str]:
        key = view.group, view.kind, view.sort
        stand = self._order_version, self._rank_version if view.sort == "best" else 0
        found = self._orders.get(key)
        if found is None or found[0] != stand:
            names = self._members.get(view.group, set()) if view.group else self.runs.keys()
            runs = [run for name in names if (run := self.runs[name]).row and run.standing in KINDS[view.kind]]
            runs.sort(key=lambda run: run.name)
            if view.sort == "best":
                runs.sort(key=lambda run: -(_accuracy(run) or 0))
            elif view.sort == "latest":
                runs.sort(key=lambda run: (run.status != Status.RUNNING, -run.begun))
            found = self._orders[key] = stand, [run.id for run in runs]
        self._orders.move_to_end(key)
        while len(self._orders) > ORDERS:
            self._orders.popitem(last=False)
        return found[1]

    def _renew_groups(self) -> None:
        """Make anew what is shown of folders whose runs have changed, and their order where a status has."""
        for group in self._stale & self.groups.keys():
            row = self._group_row(self.groups[group])
            if row != self._group_rows.get(group, (0, None))[1]:
                self._group_rows[group] = self.version, row
        self._stale.clear()
        if self._group_order[0] != self._order_version:
            rows = [row for _, row in self._group_rows.values()]
            rows.sort(key=lambda row: (-row["counts"].get("running", 0), -row["begun"], row["name"]))
            self._group_order = self._order_version, [row["id"] for row in rows[:MOST_GROUPS]]

    def _group_row(self, group: Group) -> dict[str, Any]:
        runs = [run for name in self._members[group.id] if (run := self.runs[name]).row]
        best = max(runs, key=lambda run: _accuracy(run) or 0, default=None)
        return {
            **{"id": group.id, "name": group.name, "kind": group.kind},
            "counts": dict(collections.Counter(str(run.standing) for run in runs)),
            "begun": round(max((run.begun for run in runs), default=0)),
            "best": None if best is None or _accuracy(best) is None else [_accuracy(best), best.row["settings"]],
            "ends": max((run.row.get("ends") or 0 for run in runs), default=0) or None,
        }


def _accuracy(run: SeenRun) -> float | None:
    """Return the best validation accuracy of a run, by which runs are ranked."""
    value: float | None = run.row.get("best", {}).get("val_accuracy")
    return value


def group_of(run: SeenRun, top: Path, kind: str) -> Group:
    """Return the folder that a run lies in."""
    path = run.place.path.parent
    inside = path != top and top in path.parents
    return Group(identifier(path), shown(path.relative_to(top)) if inside else shown(Path(path.name)), path, kind)
