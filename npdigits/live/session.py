"""One training at a time, of one network or of two: begun, ordered, ended; and what is told of it."""

import contextlib
import itertools
import json
import math
import secrets
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.base.paths import resolved
from npdigits.live.process import Changes, Process
from npdigits.runs.outputs import outputs

# Seconds that a question waits for something new, and for the answer to a digit.
WAIT, ANSWER = 0.4, 2.0
# Questions that wait at once; more are answered at once, as each takes a thread of the server's.
MOST_WAITING = 12
# Batches a second at first: slow enough to see each.
BEGINNING = 20.0
# Networks side by side.
MOST_NETWORKS = 2


class Session:
    """The training of this server.

    Args:
        out: the first run's directory, beside which the next ones are made, as "DIR-2"; "" for new ones in outputs/.

    Attributes:
        settings: of each network, what the page shows.
    """

    def __init__(self, out: str = "") -> None:
        self._out, self._runs = out, itertools.count(1)
        self._changes = Changes()
        self._processes: list[Process] = []
        self._begun = dict[Path, None]()
        self._changing = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._numbers = itertools.count(1)
        self._name, self._is_over = "", False
        self._speed: float | None = BEGINNING
        self.settings: list[dict[str, Any]] = []

    def begin(self, networks: Sequence[Sequence[str]], settings: list[dict[str, Any]]) -> None:
        """End the training that there is, and begin another, paused.

        Args:
            networks: the overrides of each network's run, checked.
            settings: the same as the page shows them.
        """
        with self._alone():
            if self._is_over:
                raise ConfigError("the server ends: nothing is begun any more")
            self._end()
            pair = socket.socketpair() if len(networks) > 1 else ()
            speed, processes = self._speed or math.inf, list[Process]()
            try:
                for i, overrides in enumerate(networks):
                    partner = (pair[i], i == 0) if pair else None
                    processes.append(Process(overrides, self._next_out(), self._changes, partner, speed))
            except BaseException:
                for process in processes:
                    process.end()
                self._show([], [])
                raise
            finally:
                for one in pair:
                    one.close()
            self._show(processes, settings)

    def _show(self, processes: list[Process], settings: list[dict[str, Any]]) -> None:
        """Let the pages know that another training is there."""
        with self._changes as note:
            self._processes, self.settings, self._name = processes, settings, secrets.token_hex(4)
            note()

    def runs(self) -> list[Path]:
        """Return the directories of all runs that were begun here."""
        with self._changes:
            self._begun |= {
                resolved(Path(p.told.state["path"])): None for p in self._processes if "path" in p.told.state
            }
            return list(self._begun)

    def _next_out(self) -> str:
        """Return the next run's directory; "" for a new one in outputs/."""
        if not self._out:
            return ""
        while (number := next(self._runs)) > 1 and Path(f"{self._out}-{number}").exists():
            pass
        return self._out if number == 1 else f"{self._out}-{number}"

    def order(self, what: str) -> None:
        """Order all networks to go on or pause (``tempo``), or to end.

        Raises:
            ConfigError: nothing is trained, or a network does not listen.
        """
        with self._alone():
            if not self._processes:
                raise ConfigError("nothing is trained: begin first")
            self._tell(what)

    def set_speed(self, speed: float | None) -> None:
        """Train so many batches a second from now on; None: as fast as it goes.

        Raises:
            ConfigError: a network does not listen.
        """
        with self._alone():
            self._tell("speed", speed=speed)
            with self._changes as note:
                self._speed = speed
                note()

    def _tell(self, what: str, **more: Any) -> None:
        """Tell all networks.

        Raises:
            ConfigError: one does not listen.
        """
        heard = [process.order(what, **more) for process in self._processes]
        if not all(heard):
            raise ConfigError("the network does not listen at the moment: try again")

    def end(self) -> None:
        """Have the runs saved, and their processes end. Nothing is begun any more."""
        self._is_over = True
        with self._changing:
            self._end()

    def _end(self) -> None:
        for process in self._processes:
            process.order("end")
        for process in self._processes:
            process.end()
        self.runs()
        self._processes = []

    @contextlib.contextmanager
    def _alone(self) -> Any:
        """Let nobody else change something meanwhile; who wants to is told so."""
        if not self._changing.acquire(timeout=ANSWER):
            raise ConfigError("another change is being made: try again")
        try:
            yield
        finally:
            self._changing.release()

    # ---- what is told

    def answer(self, name: str, since: int, points: Sequence[tuple[int, int]]) -> bytes | None:
        """Return what has changed since a page asked last, as JSON; None where nothing has.

        Args:
            name: of the training that the page knows, "" for none.
            since: the version that it knows.
            points: of each network the series that it knows, and how many points of it.
        """
        for process in self._processes:
            process.ask()
        if self._waiting.acquire(blocking=False):
            try:
                self._changes.wait(lambda: self._changes.version > since or self._name != name, WAIT)
            finally:
                self._waiting.release()
        with self._changes:
            if self._changes.version <= since and self._name == name:
                return None
            known = name == self._name
            parts = [
                _told(process, since if known else 0, points[i] if known and i < len(points) else (0, 0))
                for i, process in enumerate(self._processes)
            ]
            head = {"training": self._name, "version": self._changes.version, "speed": self._speed}
            if not known:
                head["settings"] = self.settings
        return json.dumps(head, allow_nan=False).encode()[:-1] + b', "networks": [' + b",".join(parts) + b"]}"

    def read(self, image: str) -> list[dict[str, Any] | None]:
        """Return what each network says of a digit that was drawn, bytes in base64."""
        number, processes = next(self._numbers), self._processes
        if not self._waiting.acquire(blocking=False):
            return [None] * len(processes)
        try:
            there = [
                process
                for process in processes
                if process.told.state["is"] in ("training", "ended") and process.order("read", id=number, image=image)
            ]
            self._changes.wait(
                lambda: all(number in process.told.answers or "gone" in process.told.state for process in there), ANSWER
            )
        finally:
            self._waiting.release()
        with self._changes:
            found = [process.told.answers.get(number) for process in processes]
            for process in processes:  # of one that was too late, too
                for old in [key for key in process.told.answers if key <= number - MOST_WAITING or key == number]:
                    del process.told.answers[old]
        return found


def _shown(path: str) -> str:
    """Return a run directory without what lies above outputs/, which is nobody's concern who only watches."""
    above = outputs().parent
    return str(Path(path).relative_to(above)) if Path(path).is_relative_to(above) else Path(path).name


def _told(process: Process, since: int, known: tuple[int, int]) -> bytes:
    """Return what a run has told since then, as JSON."""
    told, (series, count) = process.told, known
    begin = count if series == told.series and count <= len(told.points) else 0
    state = {**told.state, "path": _shown(told.state["path"])} if "path" in told.state else told.state
    head = {"state": state, "series": told.series, "begin": begin, "points": told.points[begin:]}
    look = told.look if told.look_version > since else b"null"
    return json.dumps(head, allow_nan=False).encode()[:-1] + b', "look": ' + look + b"}"
