"""A sweep's runs, done by the processes of a Dask cluster: this machine's own, made for the sweep, or any other.

What a worker's process does stands in ``worker``.
"""

import contextlib
import functools
import logging
import queue
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster

from npdigits import worker
from npdigits.cores import cores
from npdigits.errors import ClusterLostError, ConfigError, on_one_line
from npdigits.interruption import SIGNALS
from npdigits.sweep import Ended, Job, Point

# Seconds that runs get to save themselves when the sweep is stopped.
TO_SAVE = 3.0
# Seconds between two counts of a cluster's workers, of which some may come and go.
COUNT_EVERY = 1.0
# Seconds to wait for the scheduler of a cluster, and for its first worker.
TO_CONNECT = 15.0
KILLED = "its process was killed, perhaps as it took too much memory"


def work(
    points: Sequence[Point],
    job: Job,
    address: str | None,
    workers: int | None,
    folder: Path,
    stop: Callable[[], bool],
    begun: Callable[[int], None],
) -> Iterator[Ended]:
    """Do the runs by a cluster's workers, and yield how each ended.

    Args:
        points, job, folder, stop, begun: as of ``launcher.launch``.
        address: of the cluster's scheduler; None makes a cluster of this machine.
        workers: of that cluster; None as many as there are cores for.

    Raises:
        ConfigError: the cluster cannot be reached, or one of its workers cannot be trusted.
    """
    with _connected(address) if address else _own(points, workers) as client:
        yield from _by(client, points, job, folder, stop, begun)


@contextlib.contextmanager
def _own(points: Sequence[Point], workers: int | None) -> Iterator[Client]:
    """Make a cluster of this machine's own: a process for each worker, with one thread."""
    if workers is None:
        workers = max(1, cores() // max(point.config.threads for point in points))
    settings = {
        # The run of a worker that is killed is not tried again until the sweep is.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": f"{TO_CONNECT}s",
        # Looks a hundred times a second what a worker does.
        "distributed.worker.profile.enabled": False,
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        with _signals_for_this_thread_alone():
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=min(workers, len(points)),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # any free port; None asks for 8787, which another sweep may have
                    silence_logs=logging.CRITICAL + 1,
                )
            )
            client = stack.enter_context(Client(cluster))
        yield client


@contextlib.contextmanager
def _signals_for_this_thread_alone() -> Iterator[None]:
    """Let threads and processes that are started here have Ctrl-C, SIGTERM and SIGHUP blocked, for good.

    They come to all processes of a group, and are the launching process's to handle. One that comes meanwhile waits.
    Workers that take the place of killed ones are started by these threads, too.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else it is started by one of these threads, which lets signals in again then
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Client]:
    """Connect to a cluster's scheduler and wait for a first worker.

    Raises:
        ConfigError: neither comes.
    """
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        client = Client(address, timeout=TO_CONNECT)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"hydra.launcher.address={address}: no scheduler answers: {on_one_line(error)}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=TO_CONNECT)
        except TimeoutError as error:
            raise ConfigError(f"hydra.launcher.address={address}: the cluster has no worker") from error
        yield client


def _by(
    client: Client,
    points: Sequence[Point],
    job: Job,
    folder: Path,
    stop: Callable[[], bool],
    begun: Callable[[int], None],
) -> Iterator[Ended]:
    """Give the workers a run each, and the next as soon as one has ended.

    No run is given away ahead: Dask blames all that a worker has for its death, also what only waited there. Where it
    happens nevertheless, as workers come and go, a run that was never begun is given to another.

    Raises:
        ClusterLostError: the scheduler is gone.
    """
    launch_id = secrets.token_hex(8)
    here = _same_everywhere(client, folder, launch_id)
    seats, counted, before = _seats(client), time.monotonic(), time.time()
    act = functools.partial(worker.act, job, seats > 1, launch_id, here)
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    waiting, at_work, given_twice = list(reversed(points)), dict[Any, Point](), set[str]()
    stopping: float | None = None
    while waiting or at_work:
        if stopping is None and stop():
            stopping = time.monotonic()
            waiting.clear()
            with contextlib.suppress(Exception):  # a worker that cannot be told is ended with its cluster
                client.run(worker.end, launch_id, on_error="ignore", wait=False)
        if stopping is not None and time.monotonic() > stopping + TO_SAVE:
            break
        while waiting and len(at_work) < seats:
            point = waiting.pop()
            future = client.submit(act, point, key=f"{point.name}-{secrets.token_hex(8)}", pure=False)
            at_work[future] = point
            future.add_done_callback(done.put)
        begun(min(len(at_work), seats))
        try:
            future = done.get(timeout=0.1)
        except queue.Empty:
            continue
        point = at_work.pop(future)
        ended = _outcome(future, point)
        future.release()
        begun(min(len(at_work), seats))
        if ended.reason == KILLED and point.name not in given_twice and not _begun(folder / point.name, before):
            given_twice.add(point.name)
            waiting.append(point)
        else:
            yield ended
        if time.monotonic() > counted + COUNT_EVERY:
            try:
                seats, counted = _seats(client), time.monotonic()
            except OSError as error:
                raise ClusterLostError(f"the cluster is gone: {on_one_line(error)}") from error


def _begun(path: Path, since: float) -> bool:
    """Say whether a run has begun since then."""
    summary = path / "summary.json"
    return summary.exists() and summary.stat().st_mtime > since


def _outcome(future: Any, point: Point) -> Ended:
    """Return how a run ended, of which the future may know only that its process is gone."""
    if future.status == "finished":
        ended: Ended = future.result()
        return ended
    if future.status in ("cancelled", "lost"):
        raise ClusterLostError("the cluster is gone: its scheduler no longer answers")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Ended(point, "failed", KILLED)
    return Ended(point, "failed", on_one_line(error))


def _seats(client: Client) -> int:
    """Return how many runs the workers can do at a time."""
    return max(1, sum(int(threads) for threads in client.nthreads().values()))


def _same_everywhere(client: Client, folder: Path, launch_id: str) -> dict[str, str]:
    """Return what each worker is to say about itself.

    Raises:
        ConfigError: some worker says otherwise.
    """
    # A folder of the same name can be another one; this one only those see who see the sweep's.
    token = folder / f".{launch_id}"
    token.mkdir()
    try:
        here = worker.about(token)
        answers = client.run(worker.about, token, on_error="return")
    finally:
        token.rmdir()
    unfit = {where: reason for where, there in answers.items() if (reason := worker.unfit(there, here, folder))}
    if unfit:
        raise ConfigError("; ".join(f"the worker {where} is refused: {reason}" for where, reason in unfit.items()))
    return {**here, "folder": str(folder)}
