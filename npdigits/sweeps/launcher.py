"""Where the runs of a sweep are done: one after the other in this process, or by the processes of a cluster.

A run is ``job(point, …)``, the same function everywhere, so the place cannot change a bit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from npdigits.base.errors import ConfigError, PlaceError
from npdigits.base.text import on_one_line
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Job, Outcome, Point
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.where import Place

__all__ = ["Place", "launch"]


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
        job: does one run; must be picklable.
        place: where to do them.
        folder: the sweep's; it exists.
        stop: asked all the time whether to stop. Runs at work are then saved, and no more are begun.
        progress: is told how many runs are at work, and what is waited for.

    Raises:
        ConfigError: the cluster cannot be reached, or none of its workers can be trusted.
        ClusterLostError: its scheduler is gone, or no worker came for too long.
    """
    if not points:
        return
    if place.workers == 0 and not place.address:
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
        return
    try:
        import distributed  # noqa: F401 – which reads the user's Dask configuration
    except Exception as error:
        raise ConfigError(
            f"Dask cannot be imported: {on_one_line(error)}; workers=0 does the runs without it"
        ) from error
    from npdigits.sweeps import cluster

    yield from cluster.run_on_cluster(points, job, place, folder, stop, progress)
