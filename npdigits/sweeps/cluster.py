"""A sweep's runs, done by the processes of a Dask cluster: this machine's own, made for the sweep, or any other.

This module connects to the cluster. ``places`` looks at its workers, ``dispatch`` gives the runs to them, ``worker`` is
what happens in a worker's process, and ``local_cluster`` makes this machine's own cluster.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from distributed import Client

from npdigits.base.cores import cores
from npdigits.base.errors import ConfigError
from npdigits.base.interruption import Stopped
from npdigits.base.text import on_one_line
from npdigits.sweeps import local_cluster
from npdigits.sweeps.dispatch import Dispatch
from npdigits.sweeps.local_cluster import TO_CONNECT
from npdigits.sweeps.points import Job, Outcome, Point
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.where import Place


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
        workers = max(1, cores() // max(point.config.threads for point in points))
    elsewhere = place.address is not None
    opened = _connect(place.address) if place.address else local_cluster.open_cluster(min(workers, len(points)), stop)
    with contextlib.suppress(Stopped), opened as client:
        dispatch = Dispatch(client, job, secrets.token_hex(8), folder, elsewhere, place.wait, progress)
        yield from dispatch.run(points, stop)


@contextlib.contextmanager
def _connect(address: str) -> Iterator[Client]:
    """Connect to a cluster's scheduler. It may have no worker yet.

    Raises:
        ConfigError: none answers.
    """
    local_cluster.silence()
    try:
        client = Client(address, timeout=TO_CONNECT)
    except OSError as error:
        raise ConfigError(f"hydra.launcher.address={address}: no scheduler answers: {on_one_line(error)}") from error
    except Exception as error:  # what Dask makes of the address, and of the user's settings of it
        why = on_one_line(error)
        if "unexpected keyword argument" in why:  # so Dask says that a scheduler is of another version
            why += f"; its version of distributed must be the one here, {metadata.version('distributed')}"
        raise ConfigError(f"hydra.launcher.address={address}: cannot be connected to: {why}") from error
    with client:
        yield client
