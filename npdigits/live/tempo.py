"""When the next batch of a run that is watched may be made: at a pause never, after one batch or one epoch no more, at
so many batches a second not before."""

import math
from typing import NamedTuple

# What may be ordered, besides a speed.
GO, PAUSE, BATCH, EPOCH = "go", "pause", "batch", "epoch"


class Position(NamedTuple):
    """Where a run stands: after so many batches; after so many epochs, the sets being scored."""

    batches: int
    epochs: int


class Tempo:
    """How fast a run goes on. It begins paused.

    Attributes:
        going: whether it goes on; it stops by itself when what was ordered is done.
        speed: batches a second; infinite for as fast as it can.
    """

    def __init__(self, speed: float = math.inf) -> None:
        self.going, self.speed = False, speed
        self._last: Position | None = None  # where it pauses; a 0 in it says nothing
        self._due = 0.0

    @property
    def is_free(self) -> bool:
        """Whether it goes on as fast as it can, to no certain end."""
        return self.going and self.speed == math.inf and self._last is None

    def order(self, what: str, at: Position, in_epoch: int, now: float) -> None:
        """Go on, or pause.

        Args:
            what: ``GO``, ``PAUSE``, ``BATCH`` (one more) or ``EPOCH`` (to the end of the one at work).
            at: where the run stands.
            in_epoch: batches of an epoch.
            now: seconds.
        """
        self.going, self._last, self._due = what != PAUSE, None, now
        if what == BATCH:
            self._last = Position(at.batches + 1, 0)
        elif what == EPOCH:
            scoring = at.batches == (at.epochs + 1) * in_epoch  # of this epoch nothing is left to be seen
            self._last = Position(0, at.epochs + (2 if scoring else 1))

    def arrive(self, before: Position | None, at: Position, now: float) -> None:
        """Note that the run has come on."""
        if before is not None and at.batches > before.batches:
            # What is late is not made up for.
            self._due = max(self._due + 1 / self.speed, now) if math.isfinite(self.speed) else now
        last = self._last
        if last and ((last.batches and at.batches >= last.batches) or (last.epochs and at.epochs >= last.epochs)):
            self.going, self._last = False, None

    def wait(self, now: float) -> float:
        """Return for how many seconds the next batch is to wait; infinite at a pause, 0 or less for not at all."""
        if not self.going:
            return math.inf
        return 0.0 if self.speed == math.inf else self._due - now
