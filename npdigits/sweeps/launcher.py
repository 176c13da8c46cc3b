"""Where the runs of a sweep are done: one after the other in this process, or by the processes of a cluster.

A run is ``job(point, …)``, the same function everywhere, so the place cannot change a bit of it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from npdigits.base.errors import ConfigError, PlaceError
from npdigits.base.text import on_one_line
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Job, Outcome, Point
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.where import Place

__all__ = ["Place", "launch", "opened"]

# Does runs, and yields how each ended, in the order in which they end; each time it is read to its end.
Do = Callable[[Sequence[Point]], Iterator[Outcome]]


def launch(
    points: Sequence[Point],
    job: Job,
    place: Place,
    folder: Path,
    stop: Callable[[], bool],
    progress: Progress,
) -> Iterator[Outcome]:
    """Do the runs, and yield how each ended, in the order in which they end.

    Args:
        points: the runs.
        job, place, folder, stop, progress: as for ``opened``.

    Raises:
        ConfigError, ClusterLostError: as ``opened``.
    """
    with opened(place, folder, job, len(points), stop, progress) as do:
        yield from do(points)


@contextlib.contextmanager
def opened(
    place: Place,
    folder: Path,
    job: Job,
    most: int,
    stop: Callable[[], bool],
    progress: Progress,
) -> Iterator[Do]:
    """Open a place for runs, and yield what does them there, any number of times; at the exit the place is closed.

    Processes are started, or connected to, when they get their first run. They do all the runs from then on.

    Args:
        place: where to do the runs.
        folder: the sweep's; it exists. Runs are directories in it or below.
        job: does one run; must be picklable.
        most: runs that there are to do at a time; no more processes are started.
        stop: asked all the time whether to stop. Runs at work are then saved, and no more are begun.
        progress: is told how many runs are at work, and what is waited for.

    Raises:
        ConfigError: the cluster cannot be reached, or none of its workers can be trusted; nothing has begun.
        ClusterLostError: its scheduler is gone, or no worker came for too long.
    """
    if place.workers == 0 and not place.address:
        yield functools.partial(_do_here, job, stop, progress)
        return
    with contextlib.ExitStack() as stack:
        do_there: Do | None = None

        def do(points: Sequence[Point]) -> Iterator[Outcome]:
            nonlocal do_there
            if not points:
                return
            if do_there is None:
                _import_dask()
                from npdigits.sweeps.cluster import Processes

                do_there = stack.enter_context(Processes(place, folder, job, most, stop, progress)).do
            yield from do_there(points)

        yield do


def _do_here(job: Job, stop: Callable[[], bool], progress: Progress, points: Sequence[Point]) -> Iterator[Outcome]:
    """Do runs one after the other in this process."""
    for point in points:
        if stop():
            return
        progress.at_work(1)
        try:
            ended = job(point, False, stop)
        except PlaceError as error:  # and there is no other place
            ended = Outcome(point, Status.FAILED, str(error))
        progress.at_work(0)
        yield ended


def _import_dask() -> None:
    """Import Dask, which reads the user's configuration of it.

    Raises:
        ConfigError: it cannot be.
    """
    try:
        import distributed  # noqa: F401
    except Exception as error:
        raise ConfigError(
            f"Dask cannot be imported: {on_one_line(error)}; workers=0 does the runs without it"
        ) from error
