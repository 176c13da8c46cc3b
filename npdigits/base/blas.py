"""BLAS in one thread: more threads give other bits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import threadpoolctl

_lock = threading.Lock()
_users = 0
_limits: list[threadpoolctl.threadpool_limits] = []


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS work in one thread within this context, which several of Python's threads may enter at once.

    OpenBLAS has one limit for the whole process. The last thread to leave removes it, whichever set it.
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
