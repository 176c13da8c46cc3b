"""Giving a sweep's runs to the workers of a Dask cluster, and collecting how they ended."""

import contextlib
import functools
import math
import queue
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker

from npdigits.base.clock import Stopwatch
from npdigits.base.errors import ConfigError, DisconnectedError
from npdigits.base.interruption import never
from npdigits.base.text import on_one_line
from npdigits.runs.summary import Status
from npdigits.sweeps import worker
from npdigits.sweeps.demand import Demand, run_key
from npdigits.sweeps.in_thread import begin_in_thread, call_in_thread
from npdigits.sweeps.patience import Patience
from npdigits.sweeps.places import Places
from npdigits.sweeps.points import Outcome, Point
from npdigits.sweeps.progress import Progress
from npdigits.sweeps.tried import Attempt, Tried

# Reasons of a run that has lost its process twice at the same epoch: one of this machine, a worker of another cluster.
PROCESS_KILLED = "its process was killed twice in the same epoch, perhaps as it took too much memory"
WORKER_LOST = "its worker was lost twice in the same epoch, perhaps as the run took too much memory"
# Seconds that runs get to save themselves when the sweep is stopped.
TO_SAVE = 3.0
# What a future is while its scheduler is there.
KNOWN = ("pending", "finished", "error")
GONE = "the cluster is gone: its scheduler no longer answers"
# Seconds between two counts of a cluster's workers, of which some may come and go.
COUNT_EVERY = 1.0
# Seconds after which a run is tried again that another process holds: one that was cut off may still be at it.
HELD_AGAIN = 2.0
# Seconds that others get to come where every worker is refused, before anything has begun.
TO_TRUST = 5.0

# What becomes of a run that is stopped.
GIVEN_BACK = (Status.LEFT, Status.INTERRUPTED)


class Dispatch:
    """Gives each worker of a cluster as many runs as it has room for, and the next one as soon as one has ended.

    Each run is given to one worker by its address: so it is known which run a lost worker had, and no run waits there.
    Where that worker is lost, is about to end or cannot do it, another one goes on from the run's checkpoint.

    Args:
        client: connected to the cluster.
        job: does one run in a worker's process; must be picklable.
        launch_id: of this launch, by which the workers know it.
        folder: the sweep's.
        elsewhere: whether it is not this machine's own cluster, of which all processes are alike.
        wait: minutes without any worker after which the sweep is ended; None: never.
        progress: shows what is at work.
    """

    def __init__(
        self,
        client: Client,
        job: Callable[..., Any],
        launch_id: str,
        folder: Path,
        elsewhere: bool,
        wait: float | None,
        progress: Progress,
    ) -> None:
        self._job, self._launch_id = job, launch_id
        self._elsewhere, self._progress = elsewhere, progress
        # (future, answer); None: look. No SimpleQueue: see call_in_thread.
        self._news: queue.Queue[tuple[Any, Any] | None] = queue.Queue()
        self._places = Places(client, folder, lambda: self._news.put(None), progress.warn)
        self._forgotten = functools.partial(Tried, folder, wait)
        self._tried, self._begun = self._forgotten(), False  # whether anything has begun before these runs
        self._waiting: deque[Point] = deque()  # the next one stands first
        self._running: dict[Any, Attempt] = {}  # by their futures
        self._later: list[tuple[float, Point]] = []  # runs that others hold, and when to try them again
        self._clock = Stopwatch()
        self._counted_at = -math.inf
        self._stopped_at: float | None = None
        self._patience = Patience(wait, progress.say)
        self._wanted: Callable[[], bool] = never
        self._client, self._demand = client, Demand(client)

    def connect_again(self, client: Client) -> None:
        """Go on by another connection to the cluster; the runs that were at work are given out once more."""
        self._client, self._demand = client, Demand(client)
        self._places.start(client)
        self._waiting.extendleft(attempt.point for attempt in self._running.values())
        self._running.clear()
        self._counted_at = -math.inf

    def run(self, points: Sequence[Point], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """Do the runs, and yield how each ended, in the order in which they end.

        It may be called again once all have ended. Of a run that is tried again then no loss is remembered.

        Args:
            points: the runs; none: those that are left from before, after ``connect_again``.
            stop: asked all the time whether to stop. Runs at work then get ``TO_SAVE`` seconds to save themselves.

        Raises:
            DisconnectedError: the connection to the scheduler broke.
            ClusterLostError: no worker came for too long.
            ConfigError: no worker can be trusted; nothing has begun.
            Stopped: the cluster did not answer, and ``stop`` returned True meanwhile.
        """
        if points:
            self._begun |= self._tried.any_given
            self._tried = self._forgotten()
        self._waiting.extend(points)
        self._wanted = stop
        while self._waiting or self._running or self._later:
            now = self._clock.seconds()
            if self._stopped_at is None and stop():
                self._stop(now)
            if self._stopped_at is None:
                yield from self._count_workers(now)
                self._give_out(now)
                self._look_for_a_place(now)
            elif now > self._stopped_at + TO_SAVE:
                break
            try:
                news = self._news.get(timeout=0.1)
            except queue.Empty:
                continue
            if news and (attempt := self._running.pop(news[0], None)):  # else it was given up meanwhile
                news[0].release()
                yield from self._judge(attempt, news[1])
                self._progress.at_work(len(self._running))

    def _stop(self, now: float) -> None:
        """Give out no more runs, and have the workers save and end those at work."""
        self._stopped_at = now
        self._waiting.clear()
        self._later.clear()
        with contextlib.suppress(Exception):  # a worker that cannot be told is ended with its cluster
            end = functools.partial(self._client.run, worker.end_launch, self._launch_id, on_error="ignore")
            call_in_thread(end, TO_SAVE)

    def _count_workers(self, now: float) -> Iterator[Outcome]:
        """Take note of which workers have come and which are gone, unless that was done a moment ago."""
        self._places.learn()
        if now < self._counted_at + COUNT_EVERY:
            return
        try:
            counted = call_in_thread(self._ask_for_workers, math.inf, self._wanted)
        except OSError as error:
            raise DisconnectedError(f"the cluster is gone: {on_one_line(error)}") from error
        self._counted_at = now
        gone = self._places.update({address: int(threads) for address, threads in counted.items()})
        for future, attempt in list(self._running.items()):
            if attempt.address in gone:
                if future.status not in KNOWN:  # Dask has connected again by itself, to a scheduler that knows no run
                    raise DisconnectedError(GONE)
                del self._running[future]
                future.release()
                yield from self._lose(attempt)
        self._progress.at_work(len(self._running))

    def _ask_for_workers(self) -> dict[str, int]:
        """Return how many threads each worker has, and have the demand corrected by what the cluster makes of it."""
        threads: dict[str, int] = self._client.nthreads()
        if self._elsewhere:
            self._demand.correct(sum(threads.values()) / len(threads) if threads else 1.0)
        return threads

    def _give_out(self, now: float) -> None:
        """Give a run to each free place."""
        due = [point for when, point in self._later if when <= now]
        self._later = [(when, point) for when, point in self._later if when > now]
        self._waiting.extendleft(reversed(due))
        used = Counter(attempt.address for attempt in self._running.values())
        free = sum(max(0, seats - used[address]) for address, seats in self._places.seats.items())
        left_out, given = 0, []  # left out are runs that wait for another machine
        while free and left_out < len(self._waiting):
            point = self._waiting[left_out]
            address = self._places.choose(used, self._tried.avoided(point))
            if address is None:
                left_out += 1
                continue
            del self._waiting[left_out]
            given.append((point, address))
            used[address] += 1
            free -= 1
        if self._elsewhere:  # this machine's own cluster does not grow
            with contextlib.suppress(Exception):  # what is wrong is noticed below, or when the workers are counted
                self._demand.show(len(self._waiting), len(self._running) + len(given))
        while given:
            try:
                self._submit(*given[0])
            except Exception as error:
                self._waiting.extendleft(point for point, _ in given)
                raise DisconnectedError(f"the cluster is gone: {on_one_line(error)}") from error
            del given[0]

    def _submit(self, point: Point, address: str) -> None:
        """Give a run to a worker."""
        attempt = self._tried.begin(point, address)
        shared = self._places.counted > 1
        task = functools.partial(worker.run_point, self._job, self._launch_id, self._places.expected, shared)
        future = self._client.submit(
            task, point, key=run_key(), pure=False, workers=[address], allow_other_workers=False
        )
        self._running[future] = attempt
        self._tried.given(point)
        future.add_done_callback(lambda future: begin_in_thread(functools.partial(self._fetch, future)))
        self._progress.at_work(len(self._running))

    def _fetch(self, future: Any) -> None:
        """Get what a worker answered; in a thread, as a worker that is gone meanwhile does not answer any more."""
        answer: Any
        try:
            if future.status == "finished":
                answer = future.result()
            elif future.status == "error":
                answer = future.exception()
            else:
                answer = DisconnectedError(GONE)
        except Exception:  # it was lost on its way; who does the run again finds it done
            answer = worker.Answer()
        self._news.put((future, answer))

    def _judge(self, attempt: Attempt, answer: Any) -> Iterator[Outcome]:
        """Take note of how an attempt ended; yield how the run ended, if it did."""
        point = attempt.point
        if isinstance(answer, DisconnectedError):
            self._waiting.appendleft(point)
            raise answer
        if isinstance(answer, KilledWorker):
            yield from self._lose(attempt)
        elif not isinstance(answer, worker.Answer):  # an error that does not come from the run: all of those are caught
            yield from self._refuse(attempt, on_one_line(answer))
        elif answer.refused:
            yield from self._refuse(attempt, answer.refused)
        elif self._stopped_at is not None:
            yield answer.outcome or Outcome(point, Status.LEFT)
        elif answer.leaving or answer.outcome is None or answer.outcome.status in GIVEN_BACK:
            if answer.leaving:  # else the scheduler has taken it back
                self._places.leave(attempt.address)
            self._again(point)
        elif answer.outcome.status == Status.HELD and self._tried.may_be_held_by_a_lost_worker(point):
            self._later.append((self._clock.seconds() + HELD_AGAIN, point))
        elif answer.outcome.short_of_memory and self._has_another_place(point, attempt.address):
            self._again(point)
        else:
            yield answer.outcome

    def _refuse(self, attempt: Attempt, why: str) -> Iterator[Outcome]:
        """Give a worker no more runs, and its run to another; yield that it failed where all are alike."""
        if not self._elsewhere:
            yield Outcome(attempt.point, Status.FAILED, why)
            return
        self._places.ban(attempt.address, why)
        self._tried.refused(attempt.point)
        self._again(attempt.point)

    def _lose(self, attempt: Attempt) -> Iterator[Outcome]:
        """Give a run that has lost its process to another worker; yield that it failed if it is to blame for that."""
        to_blame = self._tried.lost(attempt)
        if to_blame and self._stopped_at is None:
            yield Outcome(attempt.point, Status.FAILED, WORKER_LOST if self._elsewhere else PROCESS_KILLED)
        else:
            self._again(attempt.point)

    def _again(self, point: Point) -> None:
        """Give a run out again, before all others."""
        if self._stopped_at is None:
            self._waiting.appendleft(point)

    def _has_another_place(self, point: Point, address: str) -> bool:
        """Note that a run does not fit into a machine's memory; say whether there is another to try."""
        self._tried.avoid(point, address)
        return self._places.has_another(self._tried.avoided(point))

    def _look_for_a_place(self, now: float) -> None:
        """Say what is waited for where nothing is at work, and end that at last.

        Raises:
            ConfigError: no worker can be trusted, and nothing has begun.
            ClusterLostError: it was waited for long enough.
        """
        if self._running or self._places.asked or not (self._waiting or self._later):
            self._patience.busy()
            return
        alone = self._patience.alone(now)
        if self._places.all_banned and not (self._begun or self._tried.any_given) and alone > TO_TRUST:
            raise ConfigError("every worker of the cluster is refused: nothing has begun")
        place = "a worker" if self._elsewhere else "a new process in the place of one that was killed"
        what = place if self._waiting else "another process, which holds what is left"
        self._patience.check(now, what, len(self._waiting) + len(self._later))
