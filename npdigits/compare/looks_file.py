"""The file in which looks at results are kept, in the user's own folder for what is remembered."""

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import platformdirs

from npdigits.base import lock, paths
from npdigits.base.bounded import read_bytes
from npdigits.base.files import write_whole
from npdigits.base.lock import BusyError
from npdigits.base.strict import parse_json

NAME, LOCK = "looks.json", "looks.lock"
# The version of the file's form.
FORM = 1
# So many looks are kept, the latest ones.
MOST_KEPT = 500
MOST_BYTES = 4 << 20
# Seconds in which another process is done with writing its look, and between two attempts.
PATIENCE, PAUSE = 2.0, 0.02


@dataclass(frozen=True)
class Question:
    """Which results are looked at.

    Attributes:
        sources: the paths that links lead to, where the results are.
        by: keys whose marginal means are compared.
        filter: which runs.
    """

    sources: tuple[str, ...]
    by: tuple[str, ...] = ()
    filter: str = ""

    def is_about(self, other: "Question") -> bool:
        """Say whether another question is asked of the same results: of the same place, or one above or below.

        Whoever chooses runs or averages otherwise looks again: a filter on the seeds adds seeds as well as runs do.
        """
        return any(_overlap(PurePath(a), PurePath(b)) for a in self.sources for b in other.sources)


def _overlap(a: PurePath, b: PurePath) -> bool:
    return a == b or a in b.parents or b in a.parents


@dataclass(frozen=True)
class Look:
    """What was tested.

    Attributes:
        metrics: which ones.
        baselines: what the rows were compared with.
        margin: how much did not matter, or "".
        unpaired: whether no runs were paired, as asked.
        figures: the SHA-256 of all figures that were tested.
        runs: how many runs there were.
        which: how they were chosen and averaged, in words; "" for all of them. The same figures are the same look.
    """

    metrics: tuple[str, ...]
    baselines: tuple[str, ...]
    margin: str
    unpaired: bool
    figures: str
    runs: int
    which: str = field(default="", compare=False)

    def differs_by(self, other: "Look") -> str:
        """Return in a few words how this look was another one than ``other``."""
        parts = [] if self.which == other.which else [self.which or "of all runs"]
        if self.metrics != other.metrics:
            parts.append(f"by {' and '.join(self.metrics)}")
        if self.baselines != other.baselines and self.runs == other.runs:
            parts.append(f"against {' and '.join(self.baselines)}")
        if self.margin != other.margin:
            parts.append(f"within {self.margin}" if self.margin else "without a margin")
        if self.unpaired != other.unpaired:
            parts.append("unpaired" if self.unpaired else "paired")
        if self.runs != other.runs:
            parts.append(f"with {self.runs} run{'s' * (self.runs != 1)}")
        return " ".join(parts) or "with other figures"


@dataclass(frozen=True)
class Record:
    """A look that was made: at what, and how many looks were planned then (0: that was not said)."""

    question: Question
    look: Look
    planned: int


def directory() -> Path:
    """Return the folder of what is remembered: NPDIGITS_STATE, else the platform's own for this user.

    Raises:
        ConfigError: NPDIGITS_STATE begins with a home that there is not.
    """
    named = os.environ.get("NPDIGITS_STATE")
    return paths.absolute("NPDIGITS_STATE", named) or paths.of_user(platformdirs.user_state_dir)


def write_records(folder: Path, change: Callable[[list[Record]], list[Record]]) -> None:
    """Read the looks, change them and write them, while no other process does.

    Args:
        folder: where they are kept; it is made.
        change: returns what is to be kept of what is there.

    Raises:
        BusyError: another process is writing there.
        OSError, ValueError: they cannot be read or written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(folder / LOCK):
        records = read_records(folder)
        changed = change(records)
        if changed != records:
            write_whole(folder / NAME, _dump(changed[-MOST_KEPT:]), durable=False)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock of the file, waiting for who has it.

    Raises:
        BusyError: another process keeps it.
        OSError: it cannot be taken.
    """
    if lock.fcntl is None:
        from filelock import FileLock, Timeout

        try:
            with FileLock(path, timeout=PATIENCE):
                yield
        except Timeout as error:
            raise BusyError from error
        return
    end = time.monotonic() + PATIENCE
    while True:
        try:
            taken = lock.take(path)
            break
        except BusyError:
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE)
    try:
        yield
    finally:
        taken.release()


def read_records(folder: Path) -> list[Record]:
    """Return all looks that are kept in a folder, the latest last.

    Raises:
        OSError, ValueError: they cannot be read.
    """
    try:
        content = read_bytes(folder / NAME, MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return []
    try:
        found = parse_json(content)
        if found["form"] != FORM:
            raise ValueError(f"of the form {found['form']}, and this version knows {FORM}")
        return [_record_from(one) for one in found["looks"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{folder / NAME}: damaged; remove it") from error


def _record_from(found: Any) -> Record:
    """Return a look as it was kept.

    Raises:
        ValueError, KeyError, TypeError: it is damaged.
    """
    question = Question(_texts(found["sources"]), _texts(found["by"]), _text(found["filter"]))
    look = Look(
        _texts(found["metrics"]),
        _texts(found["baselines"]),
        _text(found["margin"]),
        bool(found["unpaired"]),
        _text(found["figures"]),
        int(found["runs"]),
        _text(found["which"]),
    )
    planned = found["planned"]
    if type(planned) is not int or not 0 <= planned < 10**6:
        raise ValueError("a number of looks")
    return Record(question, look, planned)


def _texts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise ValueError("no list of texts")
    return tuple(_text(one) for one in found)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise ValueError("no text")
    return found


def _dump(records: Sequence[Record]) -> str:
    """Return the file's content, of the latest looks that have room in it."""
    lines, size = list[str](), 0
    for record in reversed(records):
        of_both = dataclasses.asdict(record.question) | dataclasses.asdict(record.look)
        line = json.dumps({**of_both, "planned": record.planned})
        size += len(line) + 2
        if size > MOST_BYTES - 100:
            break
        lines.append(line)
    return f'{{"form": {FORM}, "looks": [\n' + ",\n".join(reversed(lines)) + "\n]}\n"
