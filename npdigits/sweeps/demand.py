"""What a sweep wants of a cluster, shown to it by tasks that wait: a cluster that adapts grows for those only.

A run is given to a worker that is there and free, so none ever waits at the scheduler. In its place a task waits that
needs a resource which no worker has: Dask counts it as work that cannot begin, and never begins it.
"""

import contextlib
import secrets
from typing import Any

from distributed import Client

# The first part of the keys of all tasks, by which Dask estimates how long one takes.
TASK = "npdigits"
# No worker offers it.
RESOURCE = "npdigits-one-more-worker"
# More are not shown: Dask extrapolates from the first hundred.
MOST = 200


class Demand:
    """Shows to a cluster how many runs wait."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._shown: list[Any] = []  # futures

    def show(self, waiting: int) -> None:
        """Show that so many runs wait for a worker."""
        waiting = min(waiting, MOST)
        if waiting > len(self._shown):
            keys = [task_key() for _ in range(waiting - len(self._shown))]
            resources = {RESOURCE: 1}
            self._shown += [self._client.submit(_never, key=key, pure=False, resources=resources) for key in keys]
        elif waiting < len(self._shown):
            self._withdraw(self._shown[waiting:])
            del self._shown[waiting:]

    def _withdraw(self, futures: list[Any]) -> None:
        with contextlib.suppress(Exception):  # the cluster is gone, and the tasks with it
            for future in futures:
                future.release()


def task_key() -> str:
    """Return a new key for a task."""
    return f"{TASK}-{secrets.token_hex(8)}"


def _never() -> None:
    """Nothing: no worker is ever given this."""
