"""How many threads BLAS uses: one, as more give other bits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import threadpoolctl

_lock = threading.Lock()
_users = 0
_limits: list[threadpoolctl.threadpool_limits] = []


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS work in one thread here, in any number of Python's threads at once.

    The limit of OpenBLAS is the whole process's: the last that goes takes it off, whichever thread set it.
    """
    global _users
    with _lock:
        _users += 1
        _limits.append(threadpoolctl.threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                # threadpoolctl (3.8) lets none but the first thread change the limit, and it may still be alive.
                getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", lambda **_: None)(force=True)
                while _limits:
                    _limits.pop().__exit__(None, None, None)
