"""Seconds at work: a clock that leaves out what passed while the process was stopped (Ctrl-Z) or the machine slept."""

import threading
import time

# A gap between two readings is a pause if it is longer than GAP seconds and the process had less than the share IDLE of
# a processor meanwhile. A shorter pause distorts no estimate by much.
GAP = 5.0
IDLE = 0.05


class Stopwatch:
    """Counts seconds from its creation on. Read it often: it cannot tell work from a pause between two readings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # a live line is drawn by another thread
        self._seconds = 0.0
        self._seen, self._computed = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """Return how many seconds were spent at work."""
        with self._lock:
            now, computed = time.perf_counter(), time.process_time()
            passed, worked = now - self._seen, computed - self._computed
            self._seconds += worked if passed > GAP and worked < IDLE * passed else passed
            self._seen, self._computed = now, computed
            return self._seconds

    def leave_out(self, seconds: float) -> None:
        """Do not count so many of the seconds since the last look: they were a pause."""
        with self._lock:
            self._seen += seconds
