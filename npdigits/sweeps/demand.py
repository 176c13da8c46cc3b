"""What a sweep wants of a cluster, shown to it by tasks that wait: a cluster that adapts grows for those only.

A run is given to a worker that is there and free, so none ever waits at the scheduler. In its place tasks wait that
need a resource which no worker has: Dask counts them as work that cannot begin, and never begins them. It takes the
work that is there, in seconds, for as many workers as would do it within ``distributed.adaptive.target-duration``
(``Scheduler.adaptive_target``), and learns how long a run takes when the first one has ended, which is too late. So
no two runs have one name, of which Dask could know the duration; each run that waits is shown as so many tasks as one
worker is to do; and as Dask counts what is at work in another way in each version, it is asked what comes out.
"""

import contextlib
import math
import secrets
from typing import Any

import dask
from dask.utils import parse_timedelta
from distributed import Client

# The first part of the keys of the tasks that wait; all have one, so that Dask looks at one duration, which is unknown.
WAITS = "npdigits-waits"
# No worker offers it.
RESOURCE = "npdigits-one-more-worker"
# More runs are not shown.
MOST = 200


class Demand:
    """Shows to a cluster how many workers a sweep has work for."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._shown: list[Any] = []  # futures
        self._per_worker = _tasks_for_a_worker()
        self._too_many = 0  # of the tasks for a worker, by what Dask has made of them
        self._runs = 0

    def show(self, waiting: int, at_work: int) -> None:
        """Show that so many runs wait for a worker, while others are at work."""
        waiting, at_work = min(waiting, MOST), min(at_work, MOST)
        self._runs = waiting + at_work if waiting else 0
        # A run at work counts as one task at least; and Dask rounds up.
        most = self._per_worker * self._runs - at_work - 1
        self._too_many = max(0, min(self._too_many, most - waiting))
        wanted = max(waiting, most - self._too_many) if waiting else 0
        if wanted > len(self._shown):
            keys = [f"{WAITS}-{secrets.token_hex(8)}" for _ in range(wanted - len(self._shown))]
            resources = {RESOURCE: 1}
            self._shown += [self._client.submit(_never, key=key, pure=False, resources=resources) for key in keys]
        elif wanted < len(self._shown):
            self._withdraw(self._shown[wanted:])
            del self._shown[wanted:]

    def correct(self, threads_of_a_worker: float) -> None:
        """Ask the cluster how many workers it would have now, and show more or less from the next time on.

        Args:
            threads_of_a_worker: on average; each can do a run.
        """
        if not self._runs:
            return
        with contextlib.suppress(Exception):  # a scheduler that cannot be asked does as it can
            scheduler: Any = self._client.scheduler
            grows_to = self._client.sync(scheduler.adaptive_target)
            wanted = math.ceil(self._runs / threads_of_a_worker)
            self._too_many += math.ceil((grows_to - wanted) * threads_of_a_worker * self._per_worker)

    def _withdraw(self, futures: list[Any]) -> None:
        with contextlib.suppress(Exception):  # the cluster is gone, and the tasks with it
            for future in futures:
                future.release()


def run_key() -> str:
    """Return a new key for a run's task; Dask reads no name in it that another run shares."""
    return f"npdigits_{secrets.token_hex(8)}"


def _tasks_for_a_worker() -> int:
    """Return for how many tasks of unknown duration Dask wants one worker."""
    target = parse_timedelta(dask.config.get("distributed.adaptive.target-duration"))
    unknown = parse_timedelta(dask.config.get("distributed.scheduler.unknown-task-duration"))
    return min(100, max(1, math.ceil(target / unknown))) if unknown > 0 else 1


def _never() -> None:
    """Nothing: no worker is ever given this."""
