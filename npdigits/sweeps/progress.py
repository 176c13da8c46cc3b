"""What a sweep shows while its runs are at work: one live line on a terminal, elsewhere a line for each that ended."""

import collections
from collections.abc import Sequence
from typing import Any

from npdigits.base.clock import Stopwatch
from npdigits.base.terminal import live_options, on_terminal
from npdigits.base.text import printable
from npdigits.config.override import Override
from npdigits.runs.report import Report
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Outcome


class Progress:
    """Counts runs, estimates the time left from how fast they have ended, and knows the best validation accuracy.

    Args:
        total: how many runs there are to do.
        swept: the keys that vary; the best run is named by their values.
        report: prints the lines.
    """

    def __init__(self, total: int, swept: Sequence[str], report: Report) -> None:
        self.total, self.swept, self.report = total, swept, report
        self._ended: list[Outcome] = []
        self._at_work = 0
        self._clock = Stopwatch()
        self._last_end = 0.0  # by the clock
        self._live: Any = None  # rich.live.Live

    def __enter__(self) -> "Progress":
        if self.total and not self.report.quiet and on_terminal():
            from rich.live import Live

            self._live = Live(get_renderable=self._render, **live_options(), refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def at_work(self, n: int) -> None:
        """Note how many runs are at work."""
        self._at_work = n
        self._clock.seconds()

    def ended(self, run: Outcome) -> None:
        """Note a run's end, and print a line of it where there is no live line."""
        self._ended.append(run)
        self._last_end = self._clock.seconds()
        if self._live:
            return
        accuracy = run.val_accuracy
        shown = f"  val {accuracy:.2%}" if run.status.ended and accuracy is not None else ""
        count = f"{len(self._ended):{len(str(self.total))}}/{self.total}"
        self.report.say(f"{count} {run.status:<11} {run.point.name}{shown}{self._time_left()}")

    def line(self) -> str:
        """Return the live line."""
        ended = collections.Counter(run.status for run in self._ended)
        left = max(0, self.total - len(self._ended) - self._at_work)
        counts: dict[Status, int] = {
            Status.FINISHED: ended.pop(Status.FINISHED, 0),
            Status.RUNNING: self._at_work,
            Status.FAILED: ended.pop(Status.FAILED, 0),
        }
        counts |= {**ended, Status.LEFT: left}
        line = ", ".join(f"{n} {status}" for status, n in counts.items()) + self._time_left()
        known = [(run.val_accuracy, run) for run in self._ended if run.status.ended and run.val_accuracy is not None]
        if not known:
            return line
        accuracy, best = max(known, key=lambda pair: pair[0])
        varied = [override for override in best.point.overrides if Override.of(override).key in self.swept]
        return f"{line}  best val {accuracy:.2%} {' '.join(varied)}"

    def _render(self) -> Any:
        from rich.text import Text

        return Text(printable(self.line()), no_wrap=True, overflow="ellipsis")

    def _time_left(self) -> str:
        """Return the time left as text; "" until a run has ended, and after the last one."""
        n = len(self._ended)
        if not n or n == self.total:
            return ""
        # Between two ends the estimate counts down, and does not grow.
        since = self._clock.seconds() - self._last_end
        seconds = max(0.0, self._last_end / n * (self.total - n) - since)
        return f"  {seconds:.0f} s left" if seconds < 100 else f"  {seconds / 60:.0f} min left"
