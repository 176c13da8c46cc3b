"""Giving a sweep's runs to the workers of a Dask cluster, and collecting how they ended."""

import contextlib
import functools
import math
import queue
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker

from npdigits.base.clock import Stopwatch
from npdigits.base.errors import ClusterLostError
from npdigits.base.interruption import never
from npdigits.base.text import on_one_line
from npdigits.runs.summary import Status
from npdigits.sweeps import worker
from npdigits.sweeps.in_thread import call_in_thread
from npdigits.sweeps.points import Outcome, Point

# Seconds that runs get to save themselves when the sweep is stopped.
TO_SAVE = 3.0
# Seconds between two counts of a cluster's workers, of which some may come and go.
COUNT_EVERY = 1.0
# Reasons of a run whose worker is gone: a process of this machine, a worker of another cluster, a worker that was late.
PROCESS_KILLED = "its process was killed, perhaps as it took too much memory"
WORKER_LOST = "its worker's process was killed, perhaps as it took too much memory, or could not be reached"
WORKER_LATE = "its worker was not heard of for too long, as if stopped or asleep, and Dask's scheduler gave it up"


class Dispatch:
    """Gives each worker of a cluster a run, and the next one as soon as a run has ended.

    No run is given out ahead: Dask blames a worker's death on every task that the worker holds, also on those that only
    wait there. As workers come and go, some wait nevertheless. So a run whose worker died before the run began is given
    out a second time, and so is a run whose worker was only late.

    Args:
        client: connected to the cluster, whose workers have been checked.
        task: does one run in a worker's process; must be picklable.
        launch_id: of this launch, by which the workers know it.
        slots: how many runs the workers can do at a time.
        folder: the sweep's.
        loss: why a run failed whose worker is gone.
        report_running: is told how many runs are at work.
    """

    def __init__(
        self,
        client: Client,
        task: Callable[[Point], Outcome],
        launch_id: str,
        slots: int,
        folder: Path,
        loss: str,
        report_running: Callable[[int], None],
    ) -> None:
        self._client, self._task, self._launch_id = client, task, launch_id
        self._folder, self._loss, self._report_running = folder, loss, report_running
        self._slots, self._counted_at, self._started_at = slots, time.monotonic(), time.time()
        self._waiting: list[Point] = []  # the next one stands last
        self._running: dict[Any, Point] = {}  # by their futures
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()  # futures
        self._retried: set[str] = set()
        self._clock = Stopwatch()
        self._stopped_at: float | None = None
        self._wanted: Callable[[], bool] = never

    def run(self, points: Sequence[Point], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """Do the runs, and yield how each ended, in the order in which they end.

        Args:
            points: the runs.
            stop: asked all the time whether to stop. Runs at work then get ``TO_SAVE`` seconds to save themselves.

        Raises:
            ClusterLostError: the scheduler is gone.
            Stopped: the cluster did not answer, and ``stop`` returned True meanwhile.
        """
        self._waiting, self._wanted = list(reversed(points)), stop
        while self._waiting or self._running:
            now = self._clock.seconds()
            if self._stopped_at is None and stop():
                self._stop(now)
            if self._stopped_at is not None and now > self._stopped_at + TO_SAVE:
                break
            self._give_out()
            try:
                future = self._done.get(timeout=0.1)
            except queue.Empty:
                continue
            ended = self._collect(future)
            if self._deserves_retry(ended):
                self._retried.add(ended.point.name)
                self._waiting.append(ended.point)
            else:
                yield ended
            self._recount_slots()

    def _stop(self, now: float) -> None:
        """Give out no more runs, and have the workers save and end those at work."""
        self._stopped_at = now
        self._waiting.clear()
        with contextlib.suppress(Exception):  # a worker that cannot be told is ended with its cluster
            end = functools.partial(self._client.run, worker.end_launch, self._launch_id, on_error="ignore", wait=False)
            call_in_thread(end, TO_SAVE)

    def _ask(self, call: Callable[[], Any]) -> Any:
        """Return what a call of the cluster returns, for which it takes its time: Dask sets no limit to most of them.

        Raises:
            Stopped: the sweep was to stop meanwhile.
        """
        return call_in_thread(call, math.inf, self._wanted)

    def _give_out(self) -> None:
        """Give each free slot a run."""
        while self._waiting and len(self._running) < self._slots:
            point = self._waiting.pop()
            key = f"{point.name}-{secrets.token_hex(8)}"
            future = self._client.submit(self._task, point, key=key, pure=False)
            self._running[future] = point
            future.add_done_callback(self._done.put)
        self._report()

    def _collect(self, future: Any) -> Outcome:
        """Return how the run of a future ended, and free its slot."""
        point = self._running.pop(future)
        ended = self._result_of(future, point)
        future.release()
        self._report()
        return ended

    def _result_of(self, future: Any, point: Point) -> Outcome:
        """Return how a run ended, of which the future may know only that the worker is gone."""
        if future.status == "finished":
            ended: Outcome = self._ask(future.result)
            return ended
        if future.status in ("cancelled", "lost"):
            raise ClusterLostError("the cluster is gone: its scheduler no longer answers")
        error = self._ask(future.exception)
        if isinstance(error, KilledWorker):
            return Outcome(point, Status.FAILED, WORKER_LATE if self._was_late(error) else self._loss)
        return Outcome(point, Status.FAILED, on_one_line(error))

    def _was_late(self, error: KilledWorker) -> bool:
        """Return whether the scheduler itself ended a run's worker, as it had not heard of it for too long."""
        with contextlib.suppress(Exception):  # an older Dask keeps no such events
            events = self._ask(functools.partial(self._client.get_events, "scheduler"))
            told = [event for _, event in events if isinstance(event, dict)]
            late = [event.get("workers", ()) for event in told if event.get("action") == "worker-ttl-timed-out"]
            return any(error.last_worker.address in workers for workers in late)
        return False

    def _deserves_retry(self, ended: Outcome) -> bool:
        """Return whether a run failed by its worker's fault, and for the first time."""
        if self._stopped_at is not None or ended.point.name in self._retried:
            return False
        return ended.reason == WORKER_LATE or (ended.reason == self._loss and not self._has_begun(ended.point))

    def _has_begun(self, point: Point) -> bool:
        """Return whether a run has begun in this launch."""
        summary = self._folder / point.name / "summary.json"
        return summary.exists() and summary.stat().st_mtime > self._started_at

    def _recount_slots(self) -> None:
        """Count the workers again, unless that was done a moment ago."""
        if time.monotonic() <= self._counted_at + COUNT_EVERY:
            return
        try:
            self._slots = self._ask(functools.partial(count_slots, self._client))
            self._counted_at = time.monotonic()
        except OSError as error:
            raise ClusterLostError(f"the cluster is gone: {on_one_line(error)}") from error

    def _report(self) -> None:
        """Report how many runs are at work; those beyond the slots only wait at a worker."""
        self._report_running(min(len(self._running), self._slots))


def count_slots(client: Client) -> int:
    """Return how many runs the cluster's workers can do at a time."""
    return max(1, sum(int(threads) for threads in client.nthreads().values()))
