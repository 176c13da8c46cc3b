"""A run in a process of its own, as the server sees it: what it has told, and orders to it."""

import contextlib
import json
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from npdigits.live.control import LOOK, OTHER

# Bytes of a message at most: of 48 units on 128 × 128 pixels, a look has 2 MB.
LONGEST = 64 << 20
# Points of a curve at most; of twice as many every second one is left out.
MOST_POINTS = 3000
# Seconds that a process has to save its run, or to draw the plots of one that has ended, before it is left to itself.
PATIENCE = 5.0


@dataclass
class Told:
    """What a run has told.

    Attributes:
        state: "preparing", "training", "ended" or "failed"; what it has told of itself besides.
        points: of the curves by batch, and those of epochs that have ended.
        series: counts how often points were left out.
        look: what was seen last, as it came.
        look_version: the version of that.
        answers: to digits that were drawn, by their number.
    """

    state: dict[str, Any] = field(default_factory=lambda: {"is": "preparing", "going": False, "batches": 0})
    points: list[list[float | None]] = field(default_factory=list)
    series: int = 0
    look: bytes = b"null"
    look_version: int = 0
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)


class Process:
    """A run in a process of its own.

    Args:
        overrides: of the run.
        out: its directory; "" for a new one in outputs/.
        changed: is noted in whenever something was told.
        partner: the socket to the other run, and whether this one leads; None where there is none.
        speed: batches a second at first.
    """

    def __init__(
        self,
        overrides: Sequence[str],
        out: str,
        changed: "Changes",
        partner: tuple[socket.socket, bool] | None = None,
        speed: float = float("inf"),
    ) -> None:
        self.told = Told()
        self._changed, self._is_asked = changed, False
        ours, theirs = socket.socketpair()
        numbers = [theirs.fileno(), *([partner[0].fileno()] if partner else [])]
        leads = "1" if partner and partner[1] else "0"
        arguments = [str(numbers[0]), str(numbers[1]) if partner else "", leads, str(speed), out]
        with theirs:
            # In a session of its own: Ctrl-C in the terminal is for the server, which has the run saved.
            self.process = subprocess.Popen(
                [sys.executable, "-m", "npdigits.live.learner", *arguments, *overrides],
                pass_fds=numbers,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._wire = Connection(ours.detach())
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="run", daemon=True)
        self._thread.start()

    def order(self, what: str, **more: Any) -> bool:
        """Tell the run to do something; one that has ended is told nothing.

        Returns:
            False: it has not heard so many orders (its process was stopped) that it is told no more.
        """
        with self._sending, contextlib.suppress(OSError):
            if not _has_room(self._wire):
                return False
            self._wire.send_bytes(json.dumps({"do": what, **more}, allow_nan=False).encode())
        return True

    def ask(self) -> None:
        """Ask for a look, unless one is on its way: it comes when there is something new to be seen."""
        if not self._is_asked:
            self._is_asked = True  # before it is asked, as the look may be there at once
            if not self.order("look"):
                self._is_asked = False

    def end(self) -> None:
        """Have the run saved, and its process end."""
        hears = self.order("end")
        try:
            if hears:
                self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return  # it writes what is left and ends by itself, as nobody is there any more
        finally:
            with self._sending:
                self._hang_up()

    def _hang_up(self) -> None:
        # Closing alone would not wake the thread that reads.
        with contextlib.suppress(OSError), socket.socket(fileno=self._wire.fileno()) as wire:
            try:
                wire.shutdown(socket.SHUT_RDWR)
            finally:
                wire.detach()

    def _read(self) -> None:
        """Note what the run tells, until its process ends."""
        try:
            while True:
                content = self._wire.recv_bytes(LONGEST)
                with self._changed as note:
                    self._note(content[:1], content[1:], note)
        except (EOFError, OSError, ValueError, KeyError):
            self.process.wait()
            with self._changed as note:
                if self.told.state["is"] in ("preparing", "training"):
                    why = f"its process has ended (exit code {self.process.returncode})"
                    self.told.state = {**self.told.state, "is": "failed", "going": False, "why": why}
                self.told.state["gone"] = True
                note()
        finally:
            with self._sending:
                self._wire.close()

    def _note(self, kind: bytes, content: bytes, note: Callable[[], int]) -> None:
        version = note()
        if kind == LOOK:
            self.told.look, self.told.look_version, self._is_asked = content, version, False
            return
        if kind != OTHER:
            raise ValueError(kind)
        message = json.loads(content)
        match message.pop("kind"):
            case "point":
                self.told.state = {**self.told.state, **message["at"]}
                self.told.points += [*message["ended"], message["point"]]
                if len(self.told.points) > MOST_POINTS:
                    self.told.points, self.told.series = self.told.points[::2], self.told.series + 1
            case "steps":
                self.told.points += message["points"]
            case "read":
                self.told.answers[message.pop("id")] = message
            case "begun":
                self.told.state = {**self.told.state, "is": "training", **message}
            case "state":
                self.told.state = {**self.told.state, **message}
            case "ended" | "failed" as how:
                self.told.state = {**self.told.state, "is": how, "going": False, **message}


def _has_room(wire: Connection) -> bool:
    """Say whether an order can be sent without waiting; to one that has ended it can.

    A socket that says so has three quarters of its room left on Linux, where each order is a small part of that.
    """
    room = select.poll()
    room.register(wire.fileno(), select.POLLOUT)
    return bool(room.poll(0))


class Changes:
    """A lock and a counter: who changes something holds it, and notes it; who waits for a change is woken."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.version = 0

    def __enter__(self) -> Callable[[], int]:
        self._condition.acquire()
        return self._note

    def __exit__(self, *_: object) -> None:
        self._condition.release()

    def _note(self) -> int:
        self.version += 1
        self._condition.notify_all()
        return self.version

    def wait(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for a change after which something holds, at most so long. It is not to be held already."""
        with self._condition:
            self._condition.wait_for(ready, seconds)
