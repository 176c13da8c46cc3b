"""The workers of a cluster as places for runs: they come and go, and each is looked at before it gets its first run.

A worker that cannot do a run as the launching process would (other code, another NumPy, a folder that it does not see)
is banned: it would fail each run at once, and so be free for the next one before any other.
"""

import contextlib
import functools
import queue
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from distributed import Client

from npdigits.base.text import on_one_line
from npdigits.sweeps import worker
from npdigits.sweeps.in_thread import begin_in_thread

# Seconds between two attempts to look at a worker that does not answer, though the scheduler still counts it.
LOOK_AGAIN = 5.0
# Seconds after which a worker is asked once more that has not answered yet.
TO_ANSWER = 30.0
# Attempts after which that is said.
ATTEMPTS_UNSAID = 3


def machine_of(address: str) -> str:
    """Return an address without its port."""
    return address.rpartition(":")[0]


class Places:
    """The workers of a cluster that can be trusted with a run, and how many runs each has room for.

    Args:
        client: connected to the cluster.
        folder: the sweep's.
        wake: is called from another thread once a worker has been looked at.
        warn: is told of each worker that is banned.

    Attributes:
        expected: the description that every worker must give of itself, with the sweep's folder.
        banned: address -> why.
    """

    def __init__(self, client: Client, folder: Path, wake: Callable[[], None], warn: Callable[[str], None]) -> None:
        self._folder, self._wake, self._warn = folder, wake, warn
        self.expected = {**worker.describe_process(folder), "folder": str(folder)}
        self._said: set[tuple[str, str]] = set()
        self.start(client)

    def start(self, client: Client) -> None:
        """Look at all workers anew, by another connection to the cluster."""
        self._client = client
        self.banned: dict[str, str] = {}
        self._known: dict[str, int] = {}  # address -> seats, of all that the scheduler counts
        self._fit: set[str] = set()
        self._leaving: set[str] = set()
        self._looked_at: dict[str, float] = {}  # address -> when the next look may begin
        self._attempts = Counter[str]()
        self._looks: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def update(self, counted: dict[str, int]) -> set[str]:
        """Take note of the workers that the scheduler counts now; return those that are gone.

        Args:
            counted: address -> how many runs it can do at a time.
        """
        gone = self._known.keys() - counted.keys()
        self._known = dict(counted)
        self._fit -= gone
        self._leaving -= gone
        for address in gone:
            self._looked_at.pop(address, None)
            self.banned.pop(address, None)
        now = time.monotonic()
        for address in counted.keys() - self._fit - self.banned.keys():
            if now >= self._looked_at.get(address, 0.0):
                self._attempts[address] += address in self._looked_at  # it has not answered
                self._looked_at[address] = now + TO_ANSWER
                begin_in_thread(functools.partial(self._look, address, self._client, self._looks))
        return gone

    def learn(self) -> None:
        """Take note of what the workers answered that were looked at."""
        with contextlib.suppress(queue.Empty):
            while True:
                address, answer = self._looks.get_nowait()
                if address not in self._known or address in self.banned:
                    continue
                # Not that it cannot be used, but that it could not be asked: it may be cut off for a moment.
                if isinstance(answer, OSError | TimeoutError):
                    self._looked_at[address] = time.monotonic() + LOOK_AGAIN
                    if self._attempts[address] == ATTEMPTS_UNSAID:
                        self._warn(f"the worker {address} does not answer: {on_one_line(answer)}")
                elif mismatch := worker.find_mismatch(answer, {**self.expected, "folder": "seen"}, self._folder):
                    self.ban(address, mismatch)
                else:
                    self._fit.add(address)

    def ban(self, address: str, why: str) -> None:
        """Give this worker no run any more. That is said once for each reason on each machine."""
        self._fit.discard(address)
        self.banned[address] = why
        if (where := (machine_of(address), why)) not in self._said:
            self._said.add(where)
            self._warn(f"the worker {address} is refused: {why}")

    def leave(self, address: str) -> None:
        """Give this worker no run any more, as it is about to end."""
        self._leaving.add(address)

    @property
    def seats(self) -> dict[str, int]:
        """How many runs each worker can do at a time, of those that may get one."""
        usable = self._fit - self._leaving
        return {address: seats for address, seats in self._known.items() if address in usable}

    def has_another(self, avoided: Collection[str]) -> bool:
        """Say whether there is a worker on another machine, which may be used or is just being looked at."""
        possible = self._known.keys() - self.banned.keys() - self._leaving
        possible = {address for address in possible if address in self._fit or not self._attempts[address]}
        return any(machine_of(address) not in avoided for address in possible)

    @property
    def asked(self) -> bool:
        """Whether some worker is being looked at for the first time, so that it may get a run in a moment."""
        unknown = self._known.keys() - self._fit - self.banned.keys() - self._leaving
        return any(not self._attempts[address] for address in unknown)

    @property
    def counted(self) -> int:
        """How many runs all workers together could do at a time, with those that may get none."""
        return sum(self._known.values())

    @property
    def all_banned(self) -> bool:
        """Whether there are workers, and none of them can be used."""
        return bool(self._known) and self._known.keys() <= self.banned.keys()

    def choose(self, used: Counter[str], avoided: Collection[str] = ()) -> str | None:
        """Return the worker with the most free seats; None where there is none.

        Args:
            used: address -> how many of its seats are taken.
            avoided: machines that are taken only where there are no others, free or not.
        """
        free = {address: seats - used[address] for address, seats in self.seats.items()}
        if avoided and self.has_another(avoided):
            free = {address: seats for address, seats in free.items() if machine_of(address) not in avoided}
        return max((address for address in free if free[address] > 0), key=lambda one: (free[one], one), default=None)

    def _look(self, address: str, client: Client, looks: "queue.SimpleQueue[tuple[str, Any]]") -> None:
        """Have a worker describe itself; in a thread, as one that is cut off does not answer for a long time."""
        # Another machine may have another folder of this name; only who sees the same one sees the token in it.
        token = self._folder / f".{secrets.token_hex(8)}"
        answer: Any
        try:
            token.mkdir()
            try:
                answers = client.run(worker.introduce, token, workers=[address], on_error="return")
            finally:
                token.rmdir()
            answer = answers.get(address) or OSError("it is gone")
            if isinstance(answer, dict) and answer["folder"] == str(token):
                answer = {**answer, "folder": "seen"}
        except Exception as error:  # as the client's connection breaks, or the folder cannot be written
            answer = error if isinstance(error, OSError) else OSError(on_one_line(error))
        looks.put((address, answer))
        self._wake()
