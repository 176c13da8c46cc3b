"""How many cores this process may use."""

import os


def cores() -> int:
    """Return the number of cores for this process if the system tells it, else of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
