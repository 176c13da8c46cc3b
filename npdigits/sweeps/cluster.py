"""A sweep's runs, done by the processes of a Dask cluster: this machine's own, made for the sweep, or any other.

This module connects to the cluster. ``places`` looks at its workers, ``dispatch`` gives the runs to them, ``worker`` is
what happens in a worker's process, and ``local_cluster`` makes this machine's own cluster.
"""

import contextlib
import math
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from importlib import metadata
from pathlib import Path

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


def run_on_cluster(
    points: Sequence[Point], job: Job, place: Place, folder: Path, stop: Callable[[], bool], progress: Progress
) -> Iterator[Outcome]:
    """Do the runs by a cluster's workers, and yield how each ended.

    Args:
        points, job, place, folder, stop, progress: as for ``launcher.launch``.

    Raises:
        ConfigError: the cluster cannot be reached, or none of its workers can be trusted.
        ClusterLostError: the scheduler is gone, or no worker came for too long.
    """
    workers = place.workers
    if workers is None:
        workers = max(1, cores() // max(point.config.threads or 1 for point in points))
    with contextlib.suppress(Stopped):
        if place.address is None:
            with local_cluster.open_cluster(min(workers, len(points)), stop) as client:
                dispatch = Dispatch(client, job, secrets.token_hex(8), folder, False, place.wait, progress)
                yield from dispatch.run(points, stop)
            return
        local_cluster.silence()
        with _connect(place.address, stop) as client:
            dispatch = Dispatch(client, job, secrets.token_hex(8), folder, True, place.wait, progress)
            lost = yield from _run_while_connected(dispatch, points, stop)
        while lost:
            progress.say(f"{lost}; trying to connect again, for {TO_RECONNECT:.0f} s")
            with _connect_again(place.address, stop, lost) as client:
                dispatch.connect_again(client)
                lost = yield from _run_while_connected(dispatch, (), stop)


def _run_while_connected(
    dispatch: Dispatch, points: Sequence[Point], stop: Callable[[], bool]
) -> Generator[Outcome, None, DisconnectedError | None]:
    """Do runs until all have ended, or the connection breaks; return how it broke."""
    try:
        yield from dispatch.run(points, stop)
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
