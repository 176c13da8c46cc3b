"""A Dask cluster of this machine's own: processes that are made for a sweep, talk to each other alone, and end with it.

The user's Dask configuration is meant for other clusters and is left out. All connections are encrypted, and both ends
prove themselves by a certificate that is made for this sweep: otherwise, whoever reaches a worker's port could have it
do anything as the user who started it. The certificate's key goes to the workers by a pipe. It stands in a file, which
OpenSSL wants, for an instant only, in a folder that no other user can read.
"""

import contextlib
import logging
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, Security, SpecCluster, Worker

from npdigits.base.errors import ConfigError
from npdigits.base.interruption import Stopped
from npdigits.base.text import on_one_line
from npdigits.sweeps.in_thread import call_in_thread
from npdigits.sweeps.limits import raise_limits

HOST = "127.0.0.1"
OFF = logging.CRITICAL + 1
# Seconds to wait until all processes have started, until one connection stands, and until all processes have ended.
TO_START = 120.0
TO_CONNECT = 15.0
TO_END = 20.0


class _WithoutHttp:
    """A node of a cluster that serves no pages: Dask's own would be open to every user of the machine."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Start nothing."""


class QuietScheduler(_WithoutHttp, Scheduler):
    """The scheduler, in the launching process."""


class QuietWorker(_WithoutHttp, Worker):
    """A worker, in a process of its own."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        silence()
        super().__init__(*arguments, **options)


@contextlib.contextmanager
def open_cluster(workers: int, stop: Callable[[], bool]) -> Iterator[Client]:
    """Start a cluster of so many processes, each with one thread, and end all of them at the exit.

    Args:
        workers: how many processes.
        stop: asked while they start whether to give that up.

    Raises:
        ConfigError: the cluster cannot be started. No process is left, and no file.
        Stopped: the start was given up.
    """
    raise_limits(workers)
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="npdigits-", ignore_cleanup_errors=True))
            stack.callback(_kill_children, set(multiprocessing.active_children()))
            stack.enter_context(dask.config.set(_configuration(folder)))
            silence()
            security = _make_certificate()
            cluster, client = call_in_thread(
                lambda: _start(workers, security), TO_START, stop, lambda both: _end(*both)
            )
        except (ConfigError, Stopped):
            raise
        except Exception as error:
            raise ConfigError(_describe_failure(workers, error)) from error
        stack.callback(_end, cluster, client)
        yield client


def silence() -> None:
    """Have Dask, and the packages that it stands on, log nothing: npdigits itself reports what matters."""
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(OFF)
        for child in [logger for logger in logging.root.manager.loggerDict if logger.startswith(f"{name}.")]:
            logging.getLogger(child).setLevel(OFF)


def _start(workers: int, security: Security) -> tuple[SpecCluster, Client]:
    """Start the processes, and connect to them."""
    common = {"host": HOST, "port": 0, "protocol": "tls://", "security": security}
    scheduler = {"cls": QuietScheduler, "options": {**common, "dashboard": False}}
    options = {
        **common,
        "worker_class": QuietWorker,
        "nthreads": 1,
        "memory_limit": 0,  # a share of the memory each would have runs killed for which there is room
        "silence_logs": OFF,
    }
    cluster = SpecCluster(
        workers={number: {"cls": Nanny, "options": options} for number in range(workers)},
        scheduler=scheduler,
        security=security,
        silence_logs=OFF,
        shutdown_on_close=False,
    )
    return cluster, Client(cluster, set_as_default=False)


def _end(cluster: SpecCluster, client: Client) -> None:
    """End the processes. An error here changes nothing: all runs have ended, or were given up."""

    def close() -> None:
        client.close()
        cluster.close()

    with contextlib.suppress(Exception):
        call_in_thread(close, TO_END)


def _kill_children(before: set[Any]) -> None:
    """Kill the child processes that have been started since, and are still there."""
    for process in set(multiprocessing.active_children()) - before:
        process.kill()
        process.join(TO_END)


def _configuration(folder: str) -> dict[str, Any]:
    """Return Dask's configuration for this cluster: Dask's defaults and our own values, for every key that is set."""
    values: dict[str, Any] = dask.config.merge(*dask.config.defaults)
    ours: dict[str, Any] = {
        # A run whose worker is killed is not tried again before the sweep is started again.
        "distributed.scheduler.allowed-failures": 0,
        # A worker that does not answer was stopped (Ctrl-Z) or the machine slept; a dead one is noticed otherwise.
        "distributed.scheduler.worker-ttl": None,
        "distributed.comm.timeouts.tcp": "1 day",
        "distributed.comm.timeouts.connect": f"{TO_CONNECT}s",
        # Looks a hundred times a second what a worker does.
        "distributed.worker.profile.enabled": False,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "temporary-directory": folder,
    }
    dask.config.set(ours, config=values)
    # For a key with hyphens Dask also takes the one with underscores.
    keys = {*dask.config.config, *values}
    return {key: values.get(dask.config.canonical_name(key, values)) for key in keys}


def _make_certificate() -> Security:
    """Return a new key and its certificate.

    Raises:
        ConfigError: they cannot be made.
    """
    try:
        security: Security = Security.temporary()
    except ImportError as error:
        raise ConfigError(
            f"a sweep by several processes needs cryptography, which cannot be imported ({on_one_line(error)}): "
            "install it, or use workers=0"
        ) from error
    return security


def _describe_failure(workers: int, error: Exception) -> str:
    """Return the line about a cluster that could not be started; it names the error that began the chain."""
    first: BaseException = error
    while inner := first.__cause__ or first.__context__:
        first = inner
    why = f"not all had after {TO_START:.0f} s" if isinstance(error, TimeoutError) else on_one_line(first)
    return f"the sweep's {workers} processes could not be started: {why}; workers=0 does without them"
