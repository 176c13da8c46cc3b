"""How many processes share the steps of a run, where nobody says: as many as help. Their number changes no bit."""

import itertools
import os
import sys
import threading
import time
from pathlib import Path

from npdigits.base.cores import cores
from npdigits.nn.cuts import choose_cuts
from npdigits.training.workers import can_fork

# Nanoseconds of a step on one core, for each parameter: for each image of the batch, and once.
PER_IMAGE, PER_STEP = 0.034, 1.3
# Nanoseconds that drawing an elastic distortion takes, an image of 784 pixels.
PER_DISTORTION = 7_000.0
# Nanoseconds of a step below which a process gains less than waiting for the others costs it.
LEAST_WORK = 15_000.0
LOADS = Path("/proc/loadavg")
# How often it is looked who is at work, and the seconds in between.
LOOKS, BETWEEN_LOOKS = 4, 0.003


def helpful(sizes: tuple[int, ...], batch_size: int, distorted: bool = False) -> int:
    """Return how many processes make the steps of a network faster, however many cores there are.

    Args:
        sizes: of the layers.
        batch_size: images of a step.
        distorted: whether the images are.
    """
    cuts = choose_cuts(sizes, batch_size)
    pieces = cuts.parts if not cuts.by_units else max(map(cuts.count, sizes[:-1], sizes[1:]))
    parameters = sum((fan_in + 1) * fan_out for fan_in, fan_out in itertools.pairwise(sizes))
    work = parameters * (batch_size * PER_IMAGE + PER_STEP) + distorted * batch_size * PER_DISTORTION * sizes[0] / 784
    return max(1, min(pieces, int(work / LEAST_WORK)))


def hindrance() -> str:
    """Return why no process should be forked from this one; "" where nothing stands against it."""
    if not can_fork():
        return "only on Linux can processes share a run's memory"
    # Not imported for this: a run that works alone starts faster without it, and no process is daemonic then.
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.current_process().daemon:
        return "this is a daemonic process"
    if threading.active_count() > 1:  # another one may hold a lock that is never released in the fork
        return "other threads are at work in this process"
    return ""


def obstacle() -> str:
    """Return what this system lacks for processes that share memory; "" where it lacks nothing.

    The semaphores by which they wait for each other lie in /dev/shm, which a container may not have.
    """
    from multiprocessing import get_context

    try:
        get_context("fork").Semaphore(0)
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    except ChildProcessError:  # a host that ignores its children has had it waited for
        return ""
    except (OSError, ImportError) as error:
        return f"no other can be started, or have a semaphore in /dev/shm: {getattr(error, 'strerror', None) or error}"
    return ""


def busy_cores(file: Path = LOADS) -> int:
    """Return how many cores of the machine are at work for others just now; 0 where the system does not tell.

    The least of a few looks, as much is at work for an instant only. The load average would still count a run that has
    just ended. Processes that wait for each other at each step come to a stand where they have no core each.

    Args:
        file: Linux' /proc/loadavg, whose fourth field is "runnable/all", with this process among the runnable ones.
    """
    seen = []
    for look in range(LOOKS):
        if look:
            time.sleep(BETWEEN_LOOKS)
        try:
            seen.append(int(file.read_text().split()[3].partition("/")[0]) - 1)
        except (OSError, ValueError, IndexError):
            return 0
    return max(0, min(seen))


def choose_processes(sizes: tuple[int, ...], batch_size: int, distorted: bool = False) -> tuple[int, str]:
    """Return how many processes are to share each step, and why it is only one; "" where that is simply enough.

    Args:
        sizes, batch_size, distorted: as for ``helpful``.
    """
    most = min(cores(), helpful(sizes, batch_size, distorted))
    if most == 1:
        return 1, ""
    if reason := hindrance() or obstacle():
        return 1, reason
    free = (os.cpu_count() or 1) - busy_cores()
    return (min(most, free), "") if free > 1 else (1, "the machine's cores are at work for others")
