"""A sweep's runs, done by the processes of a Dask cluster: this machine's own, made for the sweep, or any other.

This module connects to the cluster and checks its workers. ``dispatch`` gives the runs to them, ``worker`` is what
happens in a worker's process, and ``local_cluster`` makes this machine's own cluster.
"""

import contextlib
import functools
import math
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from distributed import Client

from npdigits.base.cores import cores
from npdigits.base.errors import ConfigError
from npdigits.base.interruption import Stopped
from npdigits.base.text import on_one_line
from npdigits.sweeps import local_cluster, worker
from npdigits.sweeps.dispatch import PROCESS_KILLED, WORKER_LOST, Dispatch, count_slots
from npdigits.sweeps.in_thread import call_in_thread
from npdigits.sweeps.local_cluster import TO_CONNECT
from npdigits.sweeps.points import Job, Outcome, Point


def run_on_cluster(
    points: Sequence[Point],
    job: Job,
    address: str | None,
    workers: int | None,
    folder: Path,
    stop: Callable[[], bool],
    report_running: Callable[[int], None],
) -> Iterator[Outcome]:
    """Do the runs by a cluster's workers, and yield how each ended.

    Args:
        points, job, folder, stop, report_running: as for ``launcher.launch``.
        address: of the cluster's scheduler; None makes a cluster of this machine.
        workers: of that cluster; None means as many as there are cores for.

    Raises:
        ConfigError: the cluster cannot be reached, or one of its workers cannot be trusted.
        ClusterLostError: the scheduler is gone.
    """
    if workers is None:
        workers = max(1, cores() // max(point.config.threads for point in points))
    opened = _connect(address) if address else local_cluster.open_cluster(min(workers, len(points)), stop)
    loss = WORKER_LOST if address else PROCESS_KILLED
    with contextlib.suppress(Stopped), opened as client:
        launch_id = secrets.token_hex(8)
        expected = call_in_thread(lambda: _verify_workers(client, folder, launch_id), math.inf, stop)
        slots = count_slots(client)
        task = functools.partial(worker.run_point, job, slots > 1, launch_id, expected)
        yield from Dispatch(client, task, launch_id, slots, folder, loss, report_running).run(points, stop)


@contextlib.contextmanager
def _connect(address: str) -> Iterator[Client]:
    """Connect to a cluster's scheduler and wait for a first worker.

    Raises:
        ConfigError: neither comes.
    """
    local_cluster.silence()
    try:
        client = Client(address, timeout=TO_CONNECT)
    except OSError as error:
        raise ConfigError(f"hydra.launcher.address={address}: no scheduler answers: {on_one_line(error)}") from error
    except Exception as error:  # what Dask makes of the address, and of the user's settings of it
        raise ConfigError(f"hydra.launcher.address={address}: cannot be connected to: {on_one_line(error)}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=TO_CONNECT)
        except TimeoutError as error:
            raise ConfigError(f"hydra.launcher.address={address}: the cluster has no worker") from error
        yield client


def _verify_workers(client: Client, folder: Path, launch_id: str) -> dict[str, str]:
    """Return the description that every worker must give of itself, also one that comes later.

    Raises:
        ConfigError: a worker describes itself otherwise.
    """
    # Another machine may have another folder of this name; only a worker that sees the same one sees the token in it.
    token = folder / f".{launch_id}"
    token.mkdir()
    try:
        expected = worker.describe_process(token)
        answers = client.run(worker.describe_process, token, on_error="return")
    finally:
        token.rmdir()
    unfit = {
        address: mismatch
        for address, answer in answers.items()
        if (mismatch := worker.find_mismatch(answer, expected, folder))
    }
    if unfit:
        raise ConfigError("; ".join(f"the worker {address} is refused: {why}" for address, why in unfit.items()))
    return {**expected, "folder": str(folder)}
