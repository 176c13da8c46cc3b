"""Whose fault it is that a run has not ended: its setting's, which then loses, or that of the place where it was done.

A run that its process or place has failed (it was killed, there was no memory or no room on the disk, a worker could
not be used, another process held it) is tried again, as elsewhere, or later, it would have come through. The same run
fails again wherever it is done where its cost stops being finite, or the user's own code fails. The word of that is in
its summary.json, so whoever reads the run directory judges as the process did that did the run.
"""

import errno
import re

from npdigits.runs.summary import Status

# Whose fault it is.
NOBODY, OWN, PLACE = "", "own", "place"
# How the reason begins of a run that the user's own code has failed.
OWN_CODE = "OwnCodeError: "
# What own code may fail of that does not come of it: memory, a library that is not installed there, the disk.
_OF_SYSTEM = [
    str(getattr(errno, name))
    for name in ("ENOMEM", "ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "EAGAIN", "ESTALE")
    if hasattr(errno, name)
]
_OF_PLACE = re.compile(rf"MemoryError|ModuleNotFoundError|ImportError|\[Errno ({'|'.join(_OF_SYSTEM)})\]")


def blame_of(status: Status, reason: str) -> str:
    """Return whose fault it is that a run has not finished.

    Args:
        status: of its ``Outcome``, or of its summary.json.
        reason: likewise.

    Returns:
        ``OWN`` where its setting loses; ``PLACE`` where it is to be tried again; ``NOBODY`` where it has finished, or
        goes on: it is paused, at work, was stopped or was not begun.
    """
    if status == Status.DIVERGED:
        return OWN
    if status == Status.FAILED:
        return OWN if reason.startswith(OWN_CODE) and not _OF_PLACE.search(reason) else PLACE
    return PLACE if status == Status.HELD else NOBODY
