"""Watching: a thread that looks at the files of runs again and again. Nothing is asked of a run, and no lock taken.

A run that is at work is looked at with every tick, the others with every search. While no page asks, ticks are rare.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from npdigits.base.text import on_one_line
from npdigits.config.compose import compose
from npdigits.live.board import Board, Group, group_of
from npdigits.live.folder import Place
from npdigits.live.seen import SeenRun
from npdigits.live.tree import MOST_RUNS, Tree, find
from npdigits.race.layout import RUNS, confirmation_folder

# Seconds between two searches, or so many times what the last one took with the looks at all runs, whichever is more.
SEARCH, SEARCH_SHARE = 1.5, 20.0
# Seconds between two ticks while no page has asked for so many seconds.
IDLE, IDLE_AFTER = 2.0, 10.0
# Seconds of a tick after which what was seen is shown, though there is more to look at.
AT_ONCE = 0.15
# Runs that are looked at before the clock is.
BATCH = 20


class Watcher:
    """Looks at all runs below some folders, and notes on a board what it sees.

    Args:
        tops: the folders that were named, resolved.
        board: where it is noted.
        tick: seconds between two looks at a run that is at work.
        own: returns run directories that are shown besides, wherever they lie: those of the runs that are trained here.
    """

    def __init__(
        self, tops: Sequence[Path], board: Board, tick: float, own: Callable[[], Sequence[Path]] = list
    ) -> None:
        self._tops, self._board, self._tick, self._own = tops, board, tick, own
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._asked, self._wake, self._stop = time.monotonic(), threading.Event(), False
        self._seen: dict[Place, SeenRun] = {}
        self._waiting: list[SeenRun] = []
        self._next_search, self._spent = 0.0, 0.0
        self._default: dict[str, Any] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop = True
        self._wake.set()
        self._thread.join(2)

    def asked(self) -> None:
        """Note that a page has asked: it is looked at more often."""
        was_idle = time.monotonic() - self._asked > IDLE_AFTER
        self._asked = time.monotonic()
        if was_idle:
            self._wake.set()

    def _watch(self) -> None:
        while not self._stop:
            begun = time.monotonic()
            try:
                self.tick()
            except Exception as error:  # the watch goes on: what hindered it may pass
                self._next_search = time.monotonic() + SEARCH
                self._board.say([f"The folders could not be looked through: {on_one_line(error)}"])
            idle = begun - self._asked > IDLE_AFTER and not self._waiting
            rest = IDLE if idle else max(self._tick - (time.monotonic() - begun), self._tick / 4)
            self._wake.wait(rest)
            self._wake.clear()

    def tick(self) -> None:
        """Look once: at the folders where that is due, at what is at work, and at others as long as there is time."""
        begun = time.monotonic()
        if begun >= self._next_search and not self._waiting:
            self._search()
            self._spent = time.monotonic() - begun
        self._look([run for run in self._seen.values() if run.at_work and run.row])
        if not self._waiting:
            return
        begun = time.monotonic()
        while self._waiting and time.monotonic() - begun < AT_ONCE:
            self._look([self._waiting.pop() for _ in range(min(BATCH, len(self._waiting)))])
        now = time.monotonic()
        self._spent += now - begun
        self._next_search = now + max(SEARCH, SEARCH_SHARE * self._spent)

    def _look(self, runs: Sequence[SeenRun]) -> None:
        changed, reordered, ranked, now = [], False, False, time.time()
        for run in runs:
            standing, best = run.standing, run.row.get("best")
            if run.look(now):
                changed.append(run)
                reordered = reordered or best is None or standing != run.standing
                ranked = ranked or best != run.row["best"]
        self._board.note(changed, reordered, ranked)

    def _search(self) -> None:
        there = filter(Path.is_dir, self._own())
        outside = [run for run in there if not any(run.is_relative_to(top) for top in self._tops)]
        tree = find([*self._tops, *outside])
        self._default = self._default or compose().as_dict()
        seen, groups = {}, dict[str, Group]()
        for top, place in tree.runs:
            run = self._seen.get(place) or SeenRun(top, place, self._default)
            seen[place] = run
            if run.group not in groups:
                groups[run.group] = group_of(run, top, _kind(place.path.parent, tree))
        self._seen = seen
        self._waiting = sorted(
            (run for run in seen.values() if not run.at_work or not run.row), key=lambda run: run.begun
        )
        self._next_search = time.monotonic() + SEARCH
        self._board.replace(seen.values(), groups.values(), _notes(tree, len(outside)))


def _kind(folder: Path, tree: Tree) -> str:
    """Return what a folder of runs is called."""
    confirmation = folder.name.startswith(confirmation_folder(0)[:-1])
    if folder.parent in tree.races and (folder.name == RUNS or confirmation):
        return "race"
    return "sweep" if (folder / "sweep.csv").is_file() else "folder"


def _notes(tree: Tree, outside: int) -> list[str]:
    """Return what is to be said of a search; ``outside`` is how many runs are shown besides what is watched."""
    notes = []
    if outside:
        runs = "1 run that was" if outside == 1 else f"{outside} runs that were"
        notes.append(f"Besides what is watched: {runs} trained here and left elsewhere.")
    if tree.links:
        links = "1 link is" if tree.links == 1 else f"{tree.links} links are"
        notes.append(f"{links} not followed: only what lies in the folders themselves is shown.")
    if tree.unread:
        folders = "1 folder" if tree.unread == 1 else f"{tree.unread} folders"
        notes.append(f"{folders} could not be looked into.")
    if tree.is_cut:
        notes.append(
            f"There are more than {MOST_RUNS:,} runs, or too many folders: these are shown, the others are not."
        )
    return notes
