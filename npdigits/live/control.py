"""The control of a run that is watched: asked between two batches, it waits, looks inside and answers, as it is told.

It changes nothing of the run, and nothing is computed for anybody while nobody asks.
"""

import contextlib
import json
import math
import select
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from npdigits.live.lockstep import Partner
from npdigits.live.sight import Sight, end_of, points_of
from npdigits.live.tempo import BATCH, EPOCH, GO, PAUSE, Position, Tempo
from npdigits.runs.events import Listener
from npdigits.runs.record import RunRecord
from npdigits.runs.summary import Summary
from npdigits.training.state import Epoch

# Seconds between two looks whether something was ordered, at full speed.
CHECK = 0.01
# Seconds between two looks inside at least; where one holds the run up, as a multiple of what it takes: that is 13 % of
# the time at most.
TICK, REST = 0.1, 7.0
# Bytes of an order at most.
LONGEST_ORDER = 65536
# What messages begin with: a look inside is not read by the server, all else is.
LOOK, OTHER = b"L", b"O"


class Control(Listener):
    """Is asked by ``run`` between two batches, and told what happens to the run.

    Args:
        wire: to the server; when it has closed it the run ends, and is saved.
        sight: makes what looks inside a run.
        partner: the other run of two; None where there is none.
        speed: batches a second at first.
    """

    def __init__(
        self, wire: Connection, sight: Callable[[RunRecord], Sight], partner: Partner | None, speed: float
    ) -> None:
        self._wire, self._make_sight, self._partner = wire, sight, partner
        self._tempo = Tempo(speed)
        self._run: RunRecord | None = None
        self._sight: Sight | None = None
        self._at: Position | None = None
        self._over = self._asked = self._ended = False
        self._seen: Position | None = None  # of the last look
        self._is_free = False  # until ``_check_at`` it need not be known where the run stands
        self._look_at = self._check_at = 0.0
        # The last look's seconds of the processor; the processor's seconds, or the clock's, before the next one that
        # holds the run up.
        self._cost = self._used_up = self._late_at = 0.0

    # ---- what happens to the run

    def begun(self, run: RunRecord) -> None:
        self._run, self._sight = run, self._make_sight(run)
        self._tell({"kind": "begun", "path": str(run.path), **self._sight.about()})

    def epoch_ended(self, run: RunRecord, epoch: Epoch) -> None:
        if not run.state.stopped_by:
            return
        # What is left to be written may take a while, and needs no company.
        where = Position(run.state.optimizer.steps, len(run.state.history))
        self._tell({"kind": "state", "going": self._tempo.going, "closing": True, **where._asdict()})
        if self._partner:
            self._partner.close()

    def ended(self, run: RunRecord) -> None:
        if self._partner:
            self._partner.close()

    def __call__(self) -> bool:
        """Return whether the run is to end, once it may go on."""
        if self._is_free and time.perf_counter() < self._check_at:
            return False
        assert self._run is not None, "begun() comes first"
        state, before = self._run.state, self._at
        if before is None or state.optimizer.steps != before.batches or len(state.history) != before.epochs:
            self._arrive(before, Position(state.optimizer.steps, len(state.history)))
        return self._serve()

    def serve_rest(self, summary: Summary) -> None:
        """After the run's end go on to show it, until the server wants no more."""
        if self._run is not None:
            self._at = Position(self._run.state.optimizer.steps, len(self._run.state.history))
        self._ended, self._seen, self._tempo.going = True, None, False
        where: dict[str, Any] = self._at._asdict() if self._at else {}
        if self._run is not None and self._sight is not None and summary.diverged_in_epoch is not None:
            in_epoch = self._sight.in_epoch
            # The state is that of the epoch before: what came then stands in a file.
            where |= end_of(self._run.path, summary.diverged_in_epoch, in_epoch)
            self._tell({"kind": "steps", "points": points_of(self._run.path, in_epoch)})
        self._tell({"kind": "ended", "status": str(summary.status), "why": summary.diagnosis, **where})
        self._serve()

    # ---- what is waited for

    def _arrive(self, before: Position | None, at: Position) -> None:
        self._at, was_going = at, self._tempo.going
        self._tempo.arrive(before, at, time.perf_counter())
        if self._partner:
            self._partner.arrive()
        if before is None or was_going != self._tempo.going:
            self._tell_state()

    def _serve(self) -> bool:
        """Do what is ordered until the next batch may be made; return whether the run is to end."""
        while not self._over:
            now = time.perf_counter()
            rest, look_at = self._rest(now), self._look_at
            wants = self._asked and self._differs()
            if wants and now >= look_at:
                if rest > self._cost or now >= self._late_at or time.process_time() >= self._used_up:
                    self._look()
                    continue
                look_at = self._look_at = now + CHECK  # not yet: it would hold the run up for too large a share
            if rest <= 0 and now < self._check_at:
                break
            until_look = look_at - now if wants else math.inf
            if not self._receive(max(0.0, min(rest, until_look))) and rest <= 0:
                self._check_at = now + CHECK
        if self._partner and not self._ended:
            self._partner.leave()
        self._is_free = self._tempo.is_free and not self._partner
        return self._over

    def _rest(self, now: float) -> float:
        """Return for how long to wait: for the partner, or as the tempo says. Who follows has its leader's tempo."""
        if self._ended:
            return math.inf
        if self._partner and not self._partner.ready:
            return math.inf
        if self._partner and self._partner.is_sent:
            return 0.0
        return self._tempo.wait(now)

    def _receive(self, seconds: float) -> bool:
        """Wait so long for orders, and do them; return whether something came."""
        wires = [self._wire, *([self._partner.wire] if self._partner and self._partner.wire else [])]
        ready, _, _ = select.select(wires, [], [], None if seconds == math.inf else seconds)
        for one in ready:
            if one is self._wire:
                self._obey()
            elif self._partner:
                self._partner.hear()
        return bool(ready)

    def _obey(self) -> None:
        try:
            order = json.loads(self._wire.recv_bytes(LONGEST_ORDER))
        except (EOFError, OSError, ValueError):  # the server has ended, or was killed
            self._over = True
            return
        what = order["do"]
        if what == "end":
            self._over = True
        elif what == "look":
            self._asked = True
        elif what == "read" and self._sight is not None:
            self._tell({"kind": "read", "id": order["id"], **self._sight.read(order["image"])})
        elif what == "speed":
            self._tempo.speed = order["speed"] or math.inf
        elif what in (GO, PAUSE, BATCH, EPOCH) and not self._ended:
            self._order(what)
            self._tell_state()

    def _order(self, what: str) -> None:
        assert self._at is not None and self._sight is not None, "orders are read where a batch is waited for"
        if what in (BATCH, EPOCH) and self._partner and self._partner.follows:
            # Where that ends its leader knows: it may have taken this run there before the order is read.
            what = PAUSE
        self._tempo.order(what, self._at, self._sight.in_epoch, time.perf_counter())

    # ---- what is told

    def _differs(self) -> bool:
        """Say whether there is something to be seen that was not seen before."""
        return self._sight is not None and (self._seen is None or self._seen != self._at)

    def _look(self) -> None:
        assert self._sight is not None and self._at is not None
        begun, used = time.perf_counter(), time.process_time()
        look, point = self._sight.look(self._at)
        self._asked, self._seen = False, self._at
        self._tell({"kind": "point", "at": self._at._asdict(), **point})
        _send(self._wire, LOOK + json.dumps(look, allow_nan=False, separators=(",", ":")).encode())
        ended = time.perf_counter()
        # Others may be at work here: what it costs the run is told by the processor's time. One that waits uses little.
        now_used = time.process_time()
        self._cost = now_used - used
        self._look_at, self._late_at, self._used_up = (
            begun + TICK,
            ended + REST * (ended - begun),
            now_used + REST * self._cost,
        )

    def _tell_state(self) -> None:
        self._tell({"kind": "state", "going": self._tempo.going, **(self._at._asdict() if self._at else {})})

    def _tell(self, message: dict[str, Any]) -> None:
        tell(self._wire, message)


def tell(wire: Connection, message: dict[str, Any]) -> None:
    """Send a message to the server; one that has ended is told nothing."""
    _send(wire, OTHER + json.dumps(message, allow_nan=False, separators=(",", ":")).encode())


def _send(wire: Connection, content: bytes) -> None:
    with contextlib.suppress(OSError):
        wire.send_bytes(content)
