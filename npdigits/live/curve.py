"""The curves of runs that somebody looks at: read as they grow, thinned so that they never need much room."""

import collections
import math
import threading
import time
from collections.abc import Mapping
from typing import Any

from npdigits.live.folder import GoneError, Opened
from npdigits.live.seen import SeenRun
from npdigits.live.tail import Tail
from npdigits.runs.metrics import SCORES

# What is drawn.
COLUMNS = ("epoch", *SCORES)
# Points of a curve at most: twice as many as a wide page has pixels for at one each. One that is longer is halved.
MOST_POINTS = 1000
# Curves that are kept, for all pages together: 0.5 MB each at most.
MOST_CURVES = 48
# Looks at a table that are made at once: 8 MB, the rest comes with the next question.
LOOKS = 32


class Curve:
    """The curve of one run: every k-th epoch.

    Attributes:
        step: k, a power of two; whoever knows points of another step begins anew.
        points: of each column its values.
        looked: when it was read last, by ``time.monotonic``.
    """

    def __init__(self) -> None:
        self._tail = Tail()
        self._generation, self.looked = 0, -math.inf
        self._begin()

    def _begin(self) -> None:
        self.step, self.points = 1, {name: list[float | None]() for name in COLUMNS}
        self._generation += 1

    @property
    def key(self) -> str:
        """Which curve this is: another one where the table was replaced, or the step has changed."""
        return f"{self._generation}-{self.step}"

    def read(self, run: SeenRun) -> None:
        """Read on. A table that is damaged has the points before that."""
        try:
            with Opened(run.place) as opened:
                for _ in range(LOOKS):
                    anew, rows = self._tail.more(opened)
                    if anew:
                        self._begin()
                    for row in rows:
                        self._add(row)
                    if not self._tail.behind:
                        break
        except (GoneError, OSError, ValueError):
            return

    def _add(self, row: Mapping[str, float]) -> None:
        if (int(row["epoch"]) - 1) % self.step:
            return
        for name in COLUMNS:
            value = row[name]
            self.points[name].append(float(f"{value:.6g}") if math.isfinite(value) else None)
        if len(self.points["epoch"]) > MOST_POINTS:
            self.step *= 2
            self.points = {name: values[::2] for name, values in self.points.items()}


class Curves:
    """The curves that were asked for last.

    Args:
        rest: seconds between two looks at a curve, however many pages ask for it.
    """

    def __init__(self, rest: float = 0.0) -> None:
        self._lock, self._rest = threading.Lock(), rest
        self._kept: collections.OrderedDict[str, Curve] = collections.OrderedDict()

    def since(self, run: SeenRun, key: str, known: int) -> dict[str, Any] | None:
        """Return the points of a run's curve that a page does not know; None where there are none.

        Args:
            run: whose.
            key, known: which curve the page knows, and how many points of it.
        """
        with self._lock:
            curve = self._kept.setdefault(run.id, Curve())
            self._kept.move_to_end(run.id)
            while len(self._kept) > MOST_CURVES:
                self._kept.popitem(last=False)
            if time.monotonic() - curve.looked >= self._rest:
                curve.read(run)
                curve.looked = time.monotonic()
            there = len(curve.points["epoch"])
            begin = known if key == curve.key and 0 <= known <= there else 0
            if begin == there and key == curve.key:
                return None
            points = {name: values[begin:] for name, values in curve.points.items()}
            return {"key": curve.key, "begin": begin, "points": points}
