"""How much memory this process may still take: what the machine has free, and the limits of its control group."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from npdigits.base.errors import DataError

ROOT = Path("/")
# The largest and the used number of bytes of a control group: version 2 of the kernel's interface, and version 1.
_GROUPS = (
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def room(root: Path = ROOT) -> int | None:
    """Return the bytes of memory that are free for this process; None where the system does not tell.

    Args:
        root: the folder that /proc and /sys are below.

    Source: Linux, proc(5) for ``meminfo``; Documentation/admin-guide/cgroup-v2.rst.
    """
    return min(_free(root), default=None)


def _free(root: Path) -> Iterator[int]:
    with contextlib.suppress(OSError, ValueError, StopIteration, IndexError):
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        yield 1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
    for most, used in _GROUPS:
        with contextlib.suppress(OSError, ValueError):  # "max" where there is no limit
            allowed = int((root / most).read_text(encoding="ascii"))
            # The group's figure counts files that are only cached, which make room: a lower bound would refuse what
            # fits. Half of what is used is taken for such.
            yield max(0, allowed - int((root / used).read_text(encoding="ascii")) // 2)


def refuse_too_large(place: str, rows: int, pixels: int, itemsize: int) -> None:
    """Raise an error where images would take more memory than there is.

    Raises:
        DataError: they do.
    """
    needed, free = rows * pixels * itemsize, room()
    if free is not None and needed > free:
        raise DataError(
            f"{place}: about {rows:,} images of {pixels:,} pixels take {_readable(needed)} of memory: "
            f"{_readable(free)} are free"
        )


def _readable(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**29 else f"{size / 2**20:.0f} MiB"
