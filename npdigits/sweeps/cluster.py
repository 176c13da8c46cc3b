"""A sweep's runs, done by the processes of a Dask cluster: this machine's own, made for the sweep, or any other.

What a worker's process does stands in ``worker``, how this machine's own cluster is made in ``local_cluster``.
"""

import contextlib
import functools
import queue
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker

from npdigits.base.clock import Stopwatch
from npdigits.base.cores import cores
from npdigits.base.errors import ClusterLostError, ConfigError
from npdigits.base.interruption import Stopped
from npdigits.base.text import on_one_line
from npdigits.runs.summary import Status
from npdigits.sweeps import local_cluster, worker
from npdigits.sweeps.local_cluster import TO_CONNECT
from npdigits.sweeps.points import Ended, Job, Point

# Seconds that runs get to save themselves when the sweep is stopped.
TO_SAVE = 3.0
# Seconds between two counts of a cluster's workers, of which some may come and go.
COUNT_EVERY = 1.0
# Why a run has not ended whose worker is gone: one of this machine; of another cluster; one that was only late.
KILLED = "its process was killed, perhaps as it took too much memory"
LOST = "its worker's process was killed, perhaps as it took too much memory, or could not be reached"
LATE = "its worker was not heard of for too long, as if stopped or asleep, and Dask's scheduler gave it up"


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
    if workers is None:
        workers = max(1, cores() // max(point.config.threads for point in points))
    made = _connected(address) if address else local_cluster.made(min(workers, len(points)), stop)
    with contextlib.suppress(Stopped), made as client:
        yield from _by(client, points, job, folder, stop, begun, LOST if address else KILLED)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Client]:
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


def _by(
    client: Client,
    points: Sequence[Point],
    job: Job,
    folder: Path,
    stop: Callable[[], bool],
    begun: Callable[[int], None],
    gone: str,
) -> Iterator[Ended]:
    """Give the workers a run each, and the next as soon as one has ended.

    No run is given away ahead: Dask blames all that a worker has for its death, also what only waited there. Where it
    happens nevertheless, as workers come and go, a run that was never begun is given to another; and so is one whose
    worker was only late.

    Args:
        client: of the cluster.
        points, job, folder, stop, begun: as of ``work``.
        gone: why a run fails whose worker is gone.

    Raises:
        ClusterLostError: the scheduler is gone.
    """
    launch_id = secrets.token_hex(8)
    here = _same_everywhere(client, folder, launch_id)
    seats, counted, before = _seats(client), time.monotonic(), time.time()
    act = functools.partial(worker.act, job, seats > 1, launch_id, here)
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    waiting, at_work, given_twice = list(reversed(points)), dict[Any, Point](), set[str]()
    clock, stopping = Stopwatch(), None
    while waiting or at_work:
        now = clock.seconds()
        if stopping is None and stop():
            stopping = now
            waiting.clear()
            with contextlib.suppress(Exception):  # a worker that cannot be told is ended with its cluster
                client.run(worker.end, launch_id, on_error="ignore", wait=False)
        if stopping is not None and now > stopping + TO_SAVE:
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
        ended = _outcome(client, future, point, gone)
        future.release()
        begun(min(len(at_work), seats))
        again = ended.reason == LATE or (ended.reason == gone and not _begun(folder / point.name, before))
        if again and stopping is None and point.name not in given_twice:
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


def _outcome(client: Client, future: Any, point: Point, gone: str) -> Ended:
    """Return how a run ended, of which the future may know only that its process is gone."""
    if future.status == "finished":
        ended: Ended = future.result()
        return ended
    if future.status in ("cancelled", "lost"):
        raise ClusterLostError("the cluster is gone: its scheduler no longer answers")
    error = future.exception()
    if isinstance(error, KilledWorker):
        return Ended(point, Status.FAILED, LATE if _late(client, error) else gone)
    return Ended(point, Status.FAILED, on_one_line(error))


def _late(client: Client, error: KilledWorker) -> bool:
    """Say whether the scheduler itself ended the worker that a run had, as it had not heard of it for too long."""
    with contextlib.suppress(Exception):  # an older Dask keeps no such events
        events = [event for _, event in client.get_events("scheduler") if isinstance(event, dict)]
        late = [event.get("workers", ()) for event in events if event.get("action") == "worker-ttl-timed-out"]
        return any(error.last_worker.address in workers for workers in late)
    return False


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
