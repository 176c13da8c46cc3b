"""What a forked process does first, and while it waits: it holds nothing of its parent's, and ends with it."""

import itertools
import os
import signal

from npdigits.base.interruption import SIGNALS


def leave_signals() -> None:
    """Ignore Ctrl-C and SIGTERM, which often go to all processes of a job: the parent ends this one."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def close_files_but(*keep: int) -> None:
    """Close inherited files: a lock, and others' pipes, live as long as a process has them open.

    Standard input, output and error lead nowhere from then on: who reads the parent's waits for their end.
    """
    for kept, following in itertools.pairwise([2, *sorted({*keep} - {0, 1, 2}), os.sysconf("SC_OPEN_MAX")]):
        os.closerange(kept + 1, following)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in {0, 1, 2} - {*keep, nowhere}:
        os.dup2(nowhere, number)
    if nowhere > 2:
        os.close(nowhere)


def leave_if_orphaned(parent: int) -> None:
    """End this process if it is not a child of ``parent`` any more."""
    if os.getppid() != parent:
        os._exit(1)
