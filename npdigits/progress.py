"""What a sweep shows while its runs are at work: one live line on a terminal, elsewhere a line for each that ended."""

import sys
import time
from typing import Any

from npdigits.report import Report
from npdigits.rundir import ENDED
from npdigits.sweep import Ended


class Progress:
    """Counts runs, estimates the time left from how fast they have ended, and knows the best validation accuracy.

    Args:
        total: how many runs there are to do.
        report: what speaks.
    """

    def __init__(self, total: int, report: Report) -> None:
        self.total, self.report = total, report
        self._ended: list[Ended] = []
        self._at_work = 0
        self._begun = time.perf_counter()
        self._live: Any = None

    def __enter__(self) -> "Progress":
        if self.total and not self.report.quiet and sys.stdout is not None and sys.stdout.isatty():
            from rich.live import Live

            self._live = Live(get_renderable=self._one_line, transient=True, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def at_work(self, n: int) -> None:
        """Take note of how many runs are at work."""
        self._at_work = n

    def ended(self, one: Ended) -> None:
        """Take note of a run's end, and say it where there is no live line."""
        self._ended.append(one)
        if self._live:
            return
        figure = one.summary.get("val_accuracy")
        accuracy = f"  val {figure:.2%}" if one.status in ENDED and figure is not None else ""
        count = f"{len(self._ended):{len(str(self.total))}}/{self.total}"
        self.report.say(f"{count} {one.status:<11} {one.point.name}{accuracy}{self._time_left()}")

    def line(self) -> str:
        """Return the live line."""
        finished = sum(one.status in ENDED for one in self._ended)
        failed = len(self._ended) - finished
        left = max(0, self.total - len(self._ended) - self._at_work)
        parts = [f"{finished} finished", f"{self._at_work} running", f"{failed} failed", f"{left} left"]
        known = [one for one in self._ended if one.summary.get("val_accuracy") is not None and one.status in ENDED]
        best = max(known, key=lambda one: one.summary["val_accuracy"], default=None)
        line = ", ".join(parts) + self._time_left()
        return line + (f"  best val {best.summary['val_accuracy']:.2%} {best.point.name}" if best else "")

    def _one_line(self) -> Any:
        from rich.text import Text

        return Text(self.line(), no_wrap=True, overflow="ellipsis")

    def _time_left(self) -> str:
        """Return the time left, if at least one run tells how long they take."""
        n = len(self._ended)
        if not n or n == self.total:
            return ""
        seconds = (time.perf_counter() - self._begun) / n * (self.total - n)
        return f"  {seconds:.0f} s left" if seconds < 100 else f"  {seconds / 60:.0f} min left"
