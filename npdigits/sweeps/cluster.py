"""A sweep's runs, done by the processes of a Dask cluster: this machine's own, made for the sweep, or any other.

This module connects to the cluster. ``places`` looks at its workers, ``dispatch`` gives the runs to them, ``worker`` is
what happens in a worker's process, and ``local_cluster`` makes this machine's own cluster.
"""

import contextlib
import functools
import math
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from distributed import Client

from npdigits.base.clock import Stopwatch
from npdigits.base.cores import cores
from npdigits.base.errors import ConfigError, DisconnectedError
from npdigits.base.interruption import Stopped
from npdigits.base.text import on_one_line
from npdigits.sweeps import local_cluster
from npdigits.sweeps.dispatch import Dispatch
from npdigits.sweeps.in_thread import call_in_thread
from npdigits.sweeps.local_cluster import TO_CONNECT
from npdigits.sweeps.points import Job, Outcome, Point
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.where import Place

# Seconds for which a scheduler is tried whose connection broke, and between two attempts.
TO_RECONNECT = 120.0
AGAIN = 1.0


class Processes:
    """The processes of a cluster, from the first run that they get until the last has ended; a context.

    Args:
        place, folder, job, most, stop, progress: as for ``launcher.opened``.
    """

    def __init__(
        self, place: Place, folder: Path, job: Job, most: int, stop: Callable[[], bool], progress: Progress
    ) -> None:
        self._place, self._most, self._stop, self._progress = place, most, stop, progress
        self._begin = functools.partial(
            Dispatch,
            job=job,
            launch_id=secrets.token_hex(8),
            folder=folder,
            elsewhere=place.address is not None,
            wait=place.wait,
            progress=progress,
        )
        self._open = contextlib.ExitStack()  # the connection, and this machine's own processes
        self._dispatch: Dispatch | None = None

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open.__exit__(*raised)

    def do(self, points: Sequence[Point]) -> Iterator[Outcome]:
        """Do the runs by the cluster's workers, and yield how each ended.

        Raises:
            ConfigError: the cluster cannot be reached, or none of its workers can be trusted; nothing has begun.
            ClusterLostError: the scheduler is gone, or no worker came for too long.
        """
        if self._stop():
            return
        with contextlib.suppress(Stopped):
            if self._dispatch is None:
                self._dispatch = self._begin(self._open.enter_context(self._reach(points)))
            if not self._place.address:
                yield from self._dispatch.run(points, self._stop)
                return
            lost = yield from self._do_while_connected(self._dispatch, points)
            while lost:
                self._open.close()
                self._progress.say(f"{lost}; trying to connect again, for {TO_RECONNECT:.0f} s")
                client = self._open.enter_context(_connect_again(self._place.address, self._stop, lost))
                self._dispatch.connect_again(client)
                lost = yield from self._do_while_connected(self._dispatch, ())

    def _reach(self, points: Sequence[Point]) -> contextlib.AbstractContextManager[Client]:
        """Start as many processes as there are cores and runs for, or connect to those of another cluster."""
        if self._place.address:
            local_cluster.silence()
            return _connect(self._place.address, self._stop)
        workers = self._place.workers
        if workers is None:
            workers = max(1, cores() // max(point.config.threads or 1 for point in points))
        return local_cluster.open_cluster(min(workers, max(self._most, 1)), self._stop)

    def _do_while_connected(
        self, dispatch: Dispatch, points: Sequence[Point]
    ) -> Generator[Outcome, None, DisconnectedError | None]:
        """Do runs until all have ended, or the connection breaks; return how it broke."""
        try:
            yield from dispatch.run(points, self._stop)
        except DisconnectedError as error:
            return error
        return None


def _connect(address: str, stop: Callable[[], bool]) -> Client:
    """Connect to a cluster's scheduler. It may have no worker yet.

    Raises:
        ConfigError: none answers.
        Stopped: ``stop`` returned True meanwhile.
    """
    try:
        client: Client = call_in_thread(
            lambda: Client(address, timeout=TO_CONNECT), math.inf, stop, lambda client: client.close()
        )
    except Stopped:
        raise
    except OSError as error:
        raise ConfigError(f"hydra.launcher.address={address}: no scheduler answers: {on_one_line(error)}") from error
    except Exception as error:  # what Dask makes of the address, and of the user's settings of it
        why = on_one_line(error)
        if "unexpected keyword argument" in why:  # so Dask says that a scheduler is of another version
            why += f"; its version of distributed must be the one here, {metadata.version('distributed')}"
        raise ConfigError(f"hydra.launcher.address={address}: cannot be connected to: {why}") from error
    return client


def _connect_again(address: str, stop: Callable[[], bool], lost: DisconnectedError) -> Client:
    """Connect to a scheduler whose connection broke: it, or the network, may be back in a moment.

    Raises:
        DisconnectedError: ``lost``, as none answers for too long.
        Stopped: ``stop`` returned True meanwhile.
    """
    clock = Stopwatch()
    while True:
        try:
            return _connect(address, stop)
        except ConfigError:
            if clock.seconds() > TO_RECONNECT:
                raise lost from None
            if stop():
                raise Stopped from None
            time.sleep(AGAIN)
