"""The system's limits on open files, processes and threads, compared with what a cluster of this machine needs."""

import contextlib
import os
from pathlib import Path

from npdigits.base.errors import ConfigError

# Open files of the launching process beyond what it has open already, and threads of all processes: with no worker, and
# for each. With distributed 2026.8 at most 9 and 11 files, 6 and 7 threads were seen.
FILES, FILES_A_WORKER = 24, 14
THREADS, THREADS_A_WORKER = 8, 8
# Counting a user's threads takes a while, so it is left out where the limit exceeds the need by so many.
PLENTY = 4096


def raise_limits(workers: int) -> None:
    """Raise the limits of this process where they are too low for a cluster of so many workers.

    Raises:
        ConfigError: they may not be raised so far.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    files = _count_entries("/dev/fd") + FILES + FILES_A_WORKER * workers
    threads = THREADS + THREADS_A_WORKER * workers
    lacking = ""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < files:  # no limit is a negative number
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        except (OSError, ValueError):
            lacking = f"{files} open files, and {hard} are allowed (ulimit -n)"
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if os.geteuid() and 0 <= soft < threads + PLENTY and soft < (total := threads + _count_threads_of_user()):
        try:
            resource.setrlimit(resource.RLIMIT_NPROC, (total, hard))
        except (OSError, ValueError):
            lacking = f"{total} processes and threads of its user, and {hard} are allowed (ulimit -u)"
    room = _count_room_in_control_group()
    if room is not None and room < threads:
        lacking = f"{threads} more processes and threads, and {room} are allowed (pids.max of its control group)"
    if lacking:
        raise ConfigError(f"a sweep with workers={workers} needs {lacking}: use fewer workers, or workers=0")


def _count_entries(folder: str | Path) -> int:
    """Return how many entries a folder of the system has; 0 if it is not there."""
    try:
        return len(list(Path(folder).iterdir()))
    except OSError:
        return 0


def _count_threads_of_user() -> int:
    """Return how many threads this user has in all processes; 0 where the system does not tell."""
    threads = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended meanwhile
            threads += _count_entries(process / "task") if process.stat().st_uid == os.getuid() else 0
    return threads


def _count_room_in_control_group() -> int | None:
    """Return how many more threads this process's control group (a container's, a job's) may have; None: any number."""
    try:
        name = Path("/proc/self/cgroup").read_text().partition("0::/")[2].partition("\n")[0]
        group = Path("/sys/fs/cgroup", name.lstrip("/"))
        return int((group / "pids.max").read_text()) - int((group / "pids.current").read_text())
    except (OSError, ValueError):  # no such groups; or "max"
        return None
