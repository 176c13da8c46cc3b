"""How many cores this process may use: by its affinity and by the quotas of its control groups (containers, SLURM).

A control group gives a quota: so many microseconds of all cores together in each period. Version 2 of the kernel's
interface keeps both in ``cpu.max``, version 1 in ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``.

A quota of 1.5 cores counts as two, as Go 1.25, OpenJDK and loky count it: a sweep is as fast as the sum of its
processes, one process could use one core only, and two share what there is.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst; proc(5) for ``mountinfo``.
"""

import contextlib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def cores(root: Path = ROOT) -> int:
    """Return the number of cores for this process if the system tells it, else of the machine; at least one.

    Args:
        root: the folder that /proc and /sys are below.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([count, *map(math.ceil, _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the quota, in cores, of each control group that this process is in, and of each group around it."""
    groups = _lines(root / "proc/self/cgroup")  # number:controllers:path
    mounts = _lines(root / "proc/self/mountinfo")
    for version, quota in ((2, _quota_of_version_2), (1, _quota_of_version_1)):
        own = next((path for line in groups for path in [_path_of_group(line, version)] if path), None)
        if own is None:
            continue
        for folder, above in _folders(own, [mount for line in mounts if (mount := _mount(line, version))]):
            for group in (folder, *list(folder.parents)[:above]):
                # Where a controller is off there is no such file; some containers have an empty one.
                with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
                    yield quota(root / group.relative_to("/"))


def _quota_of_version_2(folder: Path) -> float:
    quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
    return _in_cores(quota, period)


def _quota_of_version_1(folder: Path) -> float:
    return _in_cores(*((folder / f"cpu.cfs_{name}_us").read_text(encoding="ascii") for name in ("quota", "period")))


def _in_cores(quota: str, period: str) -> float:
    """Return a quota in cores.

    Raises:
        ValueError, ZeroDivisionError: there is none: ``max`` in version 2, -1 in version 1.
    """
    cores = int(quota) / int(period)
    if cores <= 0:
        raise ValueError(quota)
    return cores


def _path_of_group(line: str, version: int) -> str | None:
    """Return a group's path from a line of /proc/self/cgroup; None if it is not the one that counts cores."""
    number, controllers, path = line.split(":", 2) if line.count(":") >= 2 else ("", "", "")
    ours = number == "0" and not controllers if version == 2 else "cpu" in controllers.split(",")
    return path if ours and path.startswith("/") else None


def _mount(line: str, version: int) -> tuple[PurePosixPath, PurePosixPath] | None:
    """Return which group a line of /proc/self/mountinfo mounts, and where; None if it mounts something else."""
    before, _, after = line.partition(" - ")
    fields, of_type = before.split(), after.split()
    if len(fields) < 5 or len(of_type) < 3:
        return None
    ours = of_type[0] == "cgroup2" if version == 2 else of_type[0] == "cgroup" and "cpu" in of_type[2].split(",")
    group, folder = (PurePosixPath(_unescaped(field)) for field in fields[3:5])
    return (group, folder) if ours and folder.is_absolute() else None


def _folders(own: str, mounts: list[tuple[PurePosixPath, PurePosixPath]]) -> list[tuple[PurePosixPath, int]]:
    """Return the folder of a process's group in each mount that shows it, and how many folders above it are groups.

    A container may be shown its own group as the mount's root while the path is that of the host, or the other way
    about; then the mount's root is what is known of its groups.
    """
    shown = []
    for group, folder in mounts:
        path = PurePosixPath(own)
        if ".." not in path.parts and path.is_relative_to(group):
            below = path.relative_to(group)
            shown.append((folder / below, len(below.parts)))
    return shown or [(folder, 0) for _, folder in mounts[:1]]


def _unescaped(field: str) -> str:
    """Return a path of mountinfo, in which spaces and the like are three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # another system than Linux, or none that shows /proc
        return []
