"""summary.json: what a run is, how far it has come, how it ended and what it reached."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import NewerError, RunDirError
from npdigits.base.kinds import Unfit, plain, table
from npdigits.base.strict import parse_json
from npdigits.config.former import successor
from npdigits.config.numerics import NUMERICS, split_numerics
from npdigits.forms.found import Meaning
from npdigits.runs.contents import (
    LONGEST_REASON,
    MOST_BYTES,
    MOST_SCHEMA,
    SUMMARY_VALUES,
    check_classes,
    check_epochs,
)
from npdigits.runs.metrics import SCORES

# The version of what a run directory's files hold, said here for all of them; a checkpoint, which is read alone, says
# its own. Raised whenever an earlier version would take a file for damaged or misread it. 1 is of release 0.2.0 and
# before, and is not written; whether 2 or 3 is, ``about_data`` says. 4 is written while a run is paused, of which
# earlier versions do not know; under ``BUT_FOR_PAUSE`` stands what the schema is otherwise.
SCHEMA, BUT_FOR_PAUSE = 4, "schema_but_for_pause"


class Status(StrEnum):
    """How a run has ended, or that it has not; in the order in which a sweep's end lists them."""

    FINISHED = "finished"
    DIVERGED = "diverged"  # the cost stopped being finite
    PAUSED = "paused"  # as far as it was to come for now, before its full number of epochs
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    HELD = "held"  # another process is writing it; of a sweep's runs only
    LEFT = "left"  # not begun; of a sweep's runs only
    RUNNING = "running"  # at work, or its process was killed

    @property
    def ended(self) -> bool:
        """Whether the run will not go on."""
        return self in (Status.FINISHED, Status.DIVERGED)

    @property
    def as_far_as_asked(self) -> bool:
        """Whether the run came as far as it was to: to its end, or to where it was to be paused."""
        return self.ended or self == Status.PAUSED

    @property
    def of_a_summary(self) -> bool:
        """Whether a summary.json may say so."""
        return self not in (Status.HELD, Status.LEFT)


@dataclass(frozen=True)
class Summary:
    """The content of summary.json, in the order of its keys; what is None or empty is not written.

    Attributes:
        status: how the run has ended, or that it has not.
        schema: the version of what the files of the run directory hold (``SCHEMA``), but for that the run is paused.
        identity: SHA-256 of the run's identity, in hex.
        data: name of the data set that was really used, which after a fallback is not the one that was asked for.
        data_sha256: of its images and labels.
        data_sizes: digits of the sets ``train``, ``val`` and ``test``.
        image_shape: [height, width].
        classes: the names of the classes; None where they are the numbers 0 … n−1.
        reading: what the stored numbers of the data set meant (``forms.found.Meaning.as_dict``); None: bytes, 0 (paper)
            … 255 (ink), and the labels 0 … n−1.
        parameters: how many weights and biases there are.
        epochs_run: how many epochs have ended.
        seconds: at work, over all processes that trained this run.
        seconds_shared: whether other runs shared the machine meanwhile, so that the seconds say little.
        bits_may_differ: whether it was begun in an environment in which other bits may come out.
        stopped_by: ``epochs``, ``diverged`` or the stopping rule that ended it.
        diverged_in_epoch: the epoch in which the cost stopped being finite.
        best_epoch: the epoch whose weights are kept.
        train_cost, …, test_accuracy: of that epoch, as in metrics.csv; without validation data ``val_…`` are null.
        own_metrics: the user's own figures of that epoch, as in metrics.csv.
        readout: of 75 random test digits, how many are read right (``results.read_out``).
        at_chance, never_read: see ``results.find_blindness``.
        temperature: T of the probabilities softmax(z/T), found on the validation set (``training.temperature``); None
            where that does not tell, and of earlier versions: 1.
        diagnosis: why it has failed, in words (``runs.diagnosis``); "" where it has not.
        sizes: bytes of each result file of a run that has ended or is paused, by which one that is lost or torn is
            noticed.
        more_sizes: the same of those that earlier versions do not know.
        reason: why it failed.
        others: keys that this version does not know.
    """

    status: Status
    schema: int = 1
    identity: str = ""
    data: str = ""
    data_sha256: str = ""
    data_sizes: Mapping[str, int] | None = None
    image_shape: list[int] | None = None
    classes: list[str] | None = None
    reading: Mapping[str, Any] | None = None
    parameters: int | None = None
    epochs_run: int | None = None
    seconds: float | None = None
    seconds_shared: bool = False
    bits_may_differ: bool = False
    stopped_by: str | None = None
    diverged_in_epoch: int | None = None
    best_epoch: int | None = None
    train_cost: float | None = None
    train_accuracy: float | None = None
    val_cost: float | None = None
    val_accuracy: float | None = None
    test_cost: float | None = None
    test_accuracy: float | None = None
    own_metrics: Mapping[str, Any] | None = None
    readout: Mapping[str, Any] | None = None
    at_chance: bool | None = None
    never_read: list[int] | None = None
    temperature: float | None = None
    diagnosis: str = ""
    sizes: Mapping[str, int] | None = None
    more_sizes: Mapping[str, int] | None = None
    reason: str = ""
    others: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, values: Any) -> "Summary":
        """Return what a summary.json of this content says.

        Raises:
            KeyError: this key is missing, which nothing can stand for.
            ValueError: it is not what a run writes; the message names the key and the value.
        """
        if not isinstance(values, dict):
            raise ValueError("not a table of names and values")
        if "status" not in values:
            raise KeyError("status" if "identity" in values else "identity")
        allowed = [str(status) for status in Status if status.of_a_summary]
        if values["status"] not in allowed:
            raise Unfit(values["status"], f"one of {', '.join(allowed)}", "status")
        known = {name: value for name, value in values.items() if value is not None and name in SUMMARY_VALUES}
        others = {name: value for name, value in values.items() if name not in SUMMARY_VALUES}
        _KNOWN(known)
        _OTHERS(others)
        check_epochs(known)
        check_classes(known)
        schema = known.pop(BUT_FOR_PAUSE, None)
        if values["status"] == Status.PAUSED:
            if schema is None:
                raise KeyError(BUT_FOR_PAUSE)
            known["schema"] = schema
        return cls(**known | {"status": Status(values["status"])}, others=others)

    @property
    def height_and_width(self) -> tuple[int, int]:
        """The height and width of the images, in pixels.

        Raises:
            ValueError: summary.json does not say.
        """
        if self.image_shape is None:
            raise ValueError("summary.json has no image_shape")
        height, width = self.image_shape
        return height, width

    def class_names(self, n: int) -> tuple[str, ...]:
        """Return the names of the n classes of the network, which are numbers where the data set has no others.

        Raises:
            ValueError: summary.json names another number of classes.
        """
        if self.classes is not None and len(self.classes) != n:
            raise ValueError(f"summary.json names {len(self.classes)} classes, but the network has {n}")
        return tuple(self.classes or map(str, range(n)))

    def meaning(self, n: int) -> Meaning:
        """Return what numbers mean to this run: of images, and of the labels of its n classes.

        Raises:
            ValueError: summary.json has no image_shape, or names another number of classes.
        """
        names = self.class_names(n)
        if self.reading is None:
            return Meaning(self.height_and_width, values=tuple(range(n)), classes=names)
        if len(self.reading["values"]) != n:
            raise ValueError(f"summary.json: reading has {len(self.reading['values'])} labels, the network {n} classes")
        return Meaning.parse(self.reading)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values under the names of summary.json."""
        values: dict[str, Any] = {}
        for column in dataclasses.fields(self):
            name, value = column.name, getattr(self, column.name)
            scored = name in SCORES and self.best_epoch is not None
            if name != "others" and (scored or not (value is None or value is column.default or value == "")):
                values[name] = str(value) if name == "status" else value
        if self.status == Status.PAUSED:
            values |= {"schema": SCHEMA, BUT_FOR_PAUSE: self.schema}
        return {**values, **self.others}

    def json(self) -> str:
        """Return the content of summary.json; a figure that is not finite, which JSON has no word for, is null.

        A reason is cut where a reader would take it for no reason, as an own component's message may be of any length.
        """
        finite = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in self.as_dict().items()
        }
        if len(self.reason) > LONGEST_REASON:
            finite["reason"] = self.reason[: LONGEST_REASON - 1] + "…"
        return json.dumps(finite, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def explanation(self, made_by: Any = NUMERICS, epochs: Any = None) -> str:
        """Return why the run has not finished, in one line; "" where it has, or where nobody knows.

        Args:
            made_by: the numerics of the code that began it: other code cannot go on with it.
            epochs: how many it is to have in all, where that is known.
        """
        if self.status == Status.DIVERGED:
            return f"the cost stopped being finite in epoch {self.diverged_in_epoch}"
        if self.status == Status.RUNNING:
            return f"at work, or its process was killed; {self.epochs_run} epochs so far"
        if self.status in (Status.INTERRUPTED, Status.PAUSED):
            paused = self.status == Status.PAUSED
            of_all = f" of {epochs}" if paused and type(epochs) is int else ""
            version, _ = split_numerics(made_by)
            same = "its race or the same command goes on" if paused else "the same command goes on"
            other = successor(version) or "the version of npdigits that began it goes on"
            return f"after epoch {self.epochs_run}{of_all}; {same if version == NUMERICS else other}"
        return self.reason


_KNOWN, _OTHERS = table(SUMMARY_VALUES), table({}, plain(8))


def read_summary(path: Path) -> Summary:
    """Read a run directory's summary.json.

    Raises:
        NewerError: a newer version of npdigits wrote it and the files beside it.
        RunDirError: there is none, or it cannot be read.
    """
    try:
        values = parse_json(read_bytes(f"{path}/summary.json", MOST_BYTES["summary.json"]))
        _refuse_newer(path / "summary.json", values)
        return Summary.parse(values)
    except OSError as error:
        raise RunDirError(f"{path}: not a run directory: summary.json: {error.strerror}") from error
    except KeyError as error:
        raise RunDirError(f"{path}: damaged: summary.json has no {error.args[0]}") from error
    except ValueError as error:
        raise RunDirError(f"{path}/summary.json: damaged: {error}") from error


def read_summary_if_there(path: Path) -> Summary | None:
    """Return a run directory's summary; None where there is none that can be read.

    Raises:
        NewerError: a newer version of npdigits wrote it and the files beside it.
    """
    try:
        return read_summary(path)
    except NewerError:
        raise
    except RunDirError:
        return None


def _refuse_newer(file: Path, values: Any) -> None:
    """Refuse what a summary.json of a newer schema holds, before anything else of it is looked at.

    Raises:
        NewerError: it is one.
    """
    schema = values.get("schema") if isinstance(values, dict) else None
    if type(schema) is int and SCHEMA < schema <= MOST_SCHEMA:
        raise NewerError.of(file, schema, SCHEMA)
