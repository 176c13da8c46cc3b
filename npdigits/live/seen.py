"""A run as it is seen from outside, by what its files say: how far it is, how well it does, how long it may take."""

import collections
import hashlib
import math
from pathlib import Path
from typing import Any

from npdigits.base.errors import NewerError, UserError
from npdigits.base.strict import parse_json
from npdigits.base.text import counted, join_lines, on_one_line
from npdigits.config.keys import RULES
from npdigits.config.value_text import as_cell, short_text
from npdigits.live.folder import GoneError, Mark, Opened, Place
from npdigits.live.tail import FILE, Tail
from npdigits.runs.contents import IDENTITY, MOST_BYTES
from npdigits.runs.metrics import SCORES
from npdigits.runs.summary import SCHEMA, Status, Summary
from npdigits.runs.table import NOT_KEYS

# What a run that says that it is at work, and has long written nothing, and a folder that cannot be read, are called.
QUIET, UNREADABLE = "quiet", "unreadable"
# One that has finished, and of which its own diagnosis says that it failed: it has not learned what it was to learn.
BUT_FAILED = "finished, but failed"
# A run is quiet after this many seconds, or this many times its own seconds an epoch, whichever is more.
QUIET_AFTER, QUIET_EPOCHS = 60.0, 20.0
# The pace is that of the last so many looks at which the run was further.
LOOKS = 16
# Characters of a reason, in which a diagnosis has room, and of the settings that are shown.
LONGEST_REASON, LONGEST = 1000, 400


def identifier(path: Path) -> str:
    """Return a name for a folder, which the page knows it by: no path ever comes from the page."""
    return hashlib.blake2b(str(path).encode("utf-8", "surrogateescape"), digest_size=9).hexdigest()


def shown(path: Path) -> str:
    """Return a path as text that can be sent, whatever bytes its names have; control characters are the page's."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class SeenRun:
    """A run directory, looked at again and again.

    Attributes:
        place: the folder.
        id: what the page knows it by.
        group: the id of the folder that it lies in.
        status: a status of ``Status``, ``QUIET`` or ``UNREADABLE``.
        begun: when identity.json was written, in seconds since 1970.
        reason: why it did not finish, failed though it did, or cannot be read.
        name: its path below the folder that was named.

    Args:
        top: the folder that was named.
        place: of the run.
        default: the default configuration, whose values are not worth naming.
    """

    def __init__(self, top: Path, place: Place, default: dict[str, Any]) -> None:
        self.place, self._default = place, default
        self.name = shown(place.path.relative_to(top)) if place.path != top else shown(Path(place.path.name))
        self.id, self.group = identifier(place.path), identifier(place.path.parent)
        self.status: str = Status.RUNNING
        self.reason, self.begun = "", 0.0
        self._marks: dict[str, Mark | None] = {}
        self._identity: dict[str, Any] = {}
        self._summary: Summary | None = None
        self._tail, self._damage = Tail(), ""
        self._last: dict[str, float] = {}
        self._best: dict[str, float] = {}
        self._looks: collections.deque[tuple[float, int]] = collections.deque(maxlen=LOOKS)
        self._written = 0.0
        self.row: dict[str, Any] = {}

    @property
    def standing(self) -> str:
        """The status, or of a run that has finished and failed all the same ``BUT_FAILED``."""
        failed = self._summary is not None and self._summary.diagnosis != ""
        return BUT_FAILED if failed and self.status == Status.FINISHED else self.status

    @property
    def at_work(self) -> bool:
        """Whether the run may go on at any moment."""
        return self.status == Status.RUNNING or self._tail.behind

    def look(self, now: float) -> bool:
        """Look at the files; return whether there is anything new to show.

        Args:
            now: seconds since 1970.
        """
        try:
            with Opened(self.place) as opened:
                self._read(opened, now)
            self._judge(now)
        except GoneError:
            self.status, self.reason = UNREADABLE, "it is gone, or another folder stands in its place"
        except UserError as error:  # of a newer version
            self.status, self.reason = UNREADABLE, str(error)
        except (OSError, ValueError) as error:
            where = isinstance(error, OSError) and shown(Path(Path(error.filename or "the folder").name))
            why = f"{where}: {error.strerror}" if isinstance(error, OSError) else str(error)
            self.status, self.reason = UNREADABLE, why
        except Exception as error:  # the others are to be looked at
            self.status, self.reason = UNREADABLE, f"this is a fault of npdigits: {on_one_line(error)}"
        row = self._row()
        changed = row != self.row
        self.row = row
        return changed

    def _read(self, opened: Opened, now: float) -> None:
        """Read what has changed.

        Raises:
            OSError, ValueError, UserError: a file is not what a run writes.
        """
        for name, take in (("identity.json", self._take_identity), ("summary.json", self._take_summary)):
            mark = opened.mark(name)
            if mark is None:
                self._forget(name)
            elif mark != self._marks.get(name):
                self._marks.pop(name, None)  # what cannot be read is tried again at the next look
                take(_parsed(name, opened.read(name, MOST_BYTES[name])))
            self._marks[name] = mark
        self._follow(opened, now)
        self._damage = self._find_damage()
        marks = [mark for mark in self._marks.values() if mark is not None]
        self._written = max((mark.written for mark in marks), default=0) / 1e9
        if (first := self._marks["identity.json"]) is not None:
            self.begun = first.written / 1e9

    def _forget(self, name: str) -> None:
        """Forget what a file has said that is gone; a new folder may have the number of one that was removed."""
        if name == "identity.json":
            self._identity = {}
        else:
            self._summary = None

    def _take_identity(self, content: Any) -> None:
        """Take what identity.json says.

        Raises:
            ValueError: no run writes it.
        """
        if not isinstance(content, dict):
            raise ValueError("identity.json: damaged: not a table of names and values")
        try:
            IDENTITY(content)
        except ValueError as error:
            raise ValueError(f"identity.json: damaged: {error}") from error
        self._identity = content

    def _take_summary(self, content: Any) -> None:
        """Take what summary.json says.

        Raises:
            NewerError: a newer version wrote it.
            ValueError: no run writes it.
        """
        schema = content.get("schema") if isinstance(content, dict) else None
        if type(schema) is int and schema > SCHEMA:
            raise NewerError.of(Path("summary.json"), schema, SCHEMA)
        try:
            self._summary = Summary.parse(content)
        except KeyError as error:
            raise ValueError(f"summary.json: damaged: no {error.args[0]}") from error
        except ValueError as error:
            raise ValueError(f"summary.json: damaged: {error}") from error

    def _follow(self, opened: Opened, now: float) -> None:
        anew, rows = self._tail.more(opened)
        self._marks["metrics.csv"] = opened.mark("metrics.csv")
        if anew:
            self._last, self._best = {}, {}
            self._looks.clear()
        for row in rows:
            self._last = row
            if row["is_best"] == 1:
                self._best = row
        if self._looks and now - self._looks[-1][0] > self._patience():
            self._looks.clear()  # the machine slept, or the run was stopped: that says nothing of its pace
        if rows or anew:
            self._looks.append((now, self._tail.rows))

    def _find_damage(self) -> str:
        """Return what is wrong with the table of a run whose figures its summary has; "" where nothing is.

        Raises:
            ValueError: something is, and no summary has the figures.
        """
        summary, trouble = self._summary, self._tail.trouble
        if summary is None or summary.status == Status.RUNNING or not summary.epochs_run:
            if trouble:
                raise ValueError(trouble)
            return ""
        if trouble or self._tail.behind or self._tail.rows >= summary.epochs_run:
            return trouble
        if self._marks[FILE] is None:
            return f"{FILE}: not there"
        rows = counted(self._tail.rows, "whole row", "whole rows")
        return f"{FILE}: damaged: {rows} of {counted(summary.epochs_run, 'epoch', 'epochs')}"

    def _judge(self, now: float) -> None:
        """Find what the run is called."""
        summary = self._summary
        self.status = summary.status if summary else Status.RUNNING
        self.reason = ""
        if summary and summary.status.ended and summary.diagnosis:
            self.reason = summary.diagnosis
        elif summary and summary.status not in (Status.RUNNING, Status.FINISHED):
            self.reason = summary.explanation(self._identity.get("numerics"), self._identity.get("epochs"))
        self.reason = "; ".join(filter(None, (self.reason, self._damage)))
        if self.status == Status.RUNNING and now - self._written > self._patience() and not self._tail.behind:
            self.status = QUIET
            self.reason = "says that it is at work, and has written nothing for a while; perhaps its process was killed"

    def _patience(self) -> float:
        """Return seconds after which a run that writes nothing is quiet."""
        return max(QUIET_AFTER, QUIET_EPOCHS * (self._pace() or 0))

    def _pace(self) -> float | None:
        """Return seconds an epoch; None where nothing tells them."""
        if len(self._looks) > 1:
            (t, rows), (now, later) = self._looks[0], self._looks[-1]
            if later > rows:
                return (now - t) / (later - rows)
        summary = self._summary
        if summary and summary.seconds and summary.epochs_run:
            return summary.seconds / summary.epochs_run
        table = self._marks.get("metrics.csv")
        if table and self.begun and self._tail.rows:
            return max(0.0, table.written / 1e9 - self.begun) / self._tail.rows
        return None

    def _row(self) -> dict[str, Any]:
        """Return what the page shows."""
        summary, epochs = self._summary, self._identity.get("epochs")
        epochs = epochs if type(epochs) is int else None
        last = {} if self._damage else self._last
        done, best = self._tail.rows, {**self._best, "best_epoch": self._best.get("epoch")}
        if summary and (summary.status != Status.RUNNING or not done):
            done = summary.epochs_run or done
            if summary.best_epoch is not None:
                best = {name: getattr(summary, name) for name in (*SCORES, "best_epoch")}
        return {
            "id": self.id,
            "group": self.group,
            "name": self.name,
            "settings": self._settings(),
            "status": str(self.status),
            "standing": str(self.standing),
            "reason": join_lines(self.reason)[:LONGEST_REASON],
            "epochs": epochs,
            "done": done,
            "ends": self._ends(epochs, done),
            "written": round(self._written, 1) if self.status in (Status.RUNNING, QUIET) else None,
            "last": {name: _finite(last.get(name)) for name in SCORES},
            "best": {name: _finite(best.get(name)) for name in (*SCORES, "best_epoch")},
        }

    def _ends(self, epochs: int | None, done: int) -> float | None:
        """Return when all epochs will have been done at this pace, in seconds since 1970; None where nobody knows."""
        pace = self._pace()
        if self.status != Status.RUNNING or epochs is None or pace is None:
            return None
        since = self._looks[-1][0] if len(self._looks) > 1 else self._written
        return round(since + pace * max(0, epochs - done), 1)

    def _settings(self) -> str:
        """Return what is not the default: "hidden=[50] seed=1"."""
        named = [
            f"{key}={short_text(as_cell(value))}"
            for key in RULES
            if (value := self._identity.get(key)) is not None and key not in NOT_KEYS and self._differs(key, value)
        ]
        seed = self._identity.get("seed")
        return join_lines(" ".join([*named, *([] if seed is None else [f"seed={seed}"])]))[:LONGEST]

    def _differs(self, key: str, value: Any) -> bool:
        return key in self._default and self._default[key] != value


def _parsed(name: str, content: bytes) -> Any:
    """Return what a JSON file holds.

    Raises:
        ValueError: it is none.
    """
    try:
        return parse_json(content)
    except ValueError as error:
        raise ValueError(f"{name}: damaged: {error}") from error


def _finite(value: float | None) -> float | None:
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None
