"""What a run says: on the terminal, and in its train.log."""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from npdigits.base.clock import Stopwatch
from npdigits.base.errors import note_log
from npdigits.base.files import Appended
from npdigits.base.terminal import Unfailing, hand_over, live_options, on_terminal, show
from npdigits.base.text import listed, printable, printable_lines
from npdigits.runs.events import Listener
from npdigits.runs.summary import Status, Summary
from npdigits.runs.weight_history import say_size
from npdigits.training.state import Epoch

if TYPE_CHECKING:
    from npdigits.runs.record import RunRecord

# So many classes that are never read are named.
MOST_NAMES = 20
SETS = {"train": "training", "val": "validation", "test": "test"}


class Report(Listener):
    """Speaks to the terminal and keeps what it said. No stream decides about what is reported.

    On a terminal the epochs are one live line (rich); elsewhere each is a plain line. What is said before the run
    directory exists is kept and written once it does.

    Args:
        quiet: say nothing but warnings and the run directory.
        silent: say nothing at all, but in the log.
    """

    def __init__(self, quiet: bool, silent: bool = False) -> None:
        self.quiet, self.silent = quiet or silent, silent
        self._early: list[str] = []
        self._log: Appended | None = None
        self._live: Any = None
        self._epochs_done = 0
        self._clock = Stopwatch()

    def open_log(self, log: Appended) -> None:
        """Write to this file from now on, and what was said before."""
        self._log = log
        log.write("".join(self._early))
        self._early.clear()

    def close(self) -> None:
        """Take the live line down and close the log."""
        self.close_live()
        if self._log:
            with contextlib.suppress(OSError):  # of what found no room before
                self._log.close()
            self._log = None

    def close_live(self) -> None:
        """Take the live line down; what is said next stands below it."""
        if self._live:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Print lines, unless quiet; what could steer a terminal stands there as escapes, in the log as well."""
        text = printable_lines(text)
        self._keep(text)
        if not self.quiet:
            self._print(text)

    def warn(self, text: str) -> None:
        """Print a warning on standard error, always; what could steer a terminal stands there as escapes."""
        self.close_live()
        text = printable(text)
        self._keep(f"WARNING {text}")
        if not self.silent:
            show(f"npdigits: WARNING: {text}", Unfailing(sys.stderr))

    def fault(self, error: Exception) -> None:
        """Keep the traceback of an error in the log, if there is one, and note that in the error."""
        if self._log is not None:
            self._keep("".join(["FAULT\n", *traceback.format_exception(error)]).rstrip())
            note_log(error, str(self._log.path))

    def result(self, text: str) -> None:
        """Print what a script wants to read, always."""
        self._keep(printable(text))
        if not self.silent:
            hand_over(f"{text}\n", Unfailing(sys.stdout))

    def begun(self, run: RunRecord) -> None:
        """Say what is trained on what, and count the time that an epoch takes from now."""
        sizes = run.summary.data_sizes or {}
        self.say(
            f"{run.summary.data}: {sizes['train']:,} digits to train on, {sizes['val']:,} for validation, "
            f"{sizes['test']:,} for the test; network {'–'.join(map(str, run.sizes))}, "
            f"{run.summary.parameters:,} parameters"
        )
        if large := say_size(run.config, run.sizes):
            self.say(large)
        self._clock = Stopwatch()

    def ended(self, run: RunRecord) -> None:
        """Say of a run that was interrupted or is paused how to go on."""
        status = run.summary.status
        if status in (Status.INTERRUPTED, Status.PAUSED):
            where = f"epoch {run.summary.epochs_run} of {run.config.epochs}"
            self.say(f"{status} after {where}: resume={run.path} goes on from there")

    def epoch_ended(self, run: RunRecord, epoch: Epoch) -> None:
        """Show an epoch's record, and how long the rest would take, up to where the run is to pause."""
        epochs = run.config.epochs
        self._epochs_done += 1
        line = epoch_line(epoch, epochs)
        left = self._clock.seconds() / self._epochs_done * (run.until - epoch.epoch)
        self._keep(line)
        if self.quiet:
            return
        if not on_terminal():
            self._print(line)
            return
        if self._live is None:
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (BarColumn(bar_width=20), TextColumn("{task.description}"))
            self._live = Progress(*columns, **live_options(), auto_refresh=False)
            self._live.start()
            self._task = self._live.add_task("", total=epochs)
        text = f"{line.removesuffix('  best')}  {left:.0f} s left"  # fits into 80 columns
        self._live.update(self._task, completed=epoch.epoch, description=text, refresh=True)

    @staticmethod
    def _print(text: str) -> None:
        show(text, Unfailing(sys.stdout))

    def _keep(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n"
        if self._log is None:
            self._early.append(line)
            return
        # A full disk must not end a run for the sake of its log.
        with contextlib.suppress(OSError):
            self._log.write(line)


def epoch_line(record: Epoch, epochs: int) -> str:
    """Return an epoch on one line: costs and accuracies of the training and the validation set, learning rate."""
    parts = [f"epoch {record.epoch:{len(str(epochs))}}/{epochs}  lr {record.lr:.2e}"]
    parts.append(f"train {_cost(record.train_cost)} {record.train_accuracy:7.2%}")
    if record.val_cost is not None:
        parts.append(f"val {_cost(record.val_cost)} {record.val_accuracy:7.2%}")
    return "  ".join(parts) + ("  best" if record.is_best else "")


def outcome_of(summary: Summary) -> str:
    """Return the final table of a run that has one, and why it has failed, if it has; "" where there is neither."""
    table = [] if summary.readout is None else [final_table(summary)]
    return "\n".join([*table, *([f"  why: {summary.diagnosis}"] if summary.diagnosis else [])])


def final_table(summary: Summary) -> str:
    """Return the best epoch's costs and accuracies as a small table, a row a data set."""
    rows = [f"{f'best epoch {summary.best_epoch}':<16}{'cost':>8}{'accuracy':>10}"]
    for name, title in SETS.items():
        cost, accuracy = getattr(summary, f"{name}_cost"), getattr(summary, f"{name}_accuracy")
        if cost is not None:
            rows.append(f"  {title:<14}{_cost(cost):>8}{accuracy:>10.2%}")
    readout = summary.readout or {}
    low, high = readout["interval"]
    rows.append(
        f"  {readout['correct']} of {readout['digits']} random test digits read right: "
        f"{readout['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%})"
    )
    if summary.at_chance:
        rows.append("  at chance: it reads no better than one who always says the most frequent class")
    if summary.never_read:
        names = [summary.classes[i] if summary.classes else str(i) for i in summary.never_read]
        more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
        rows.append(f"  never read: nothing in the test set is read as {listed(names[:MOST_NAMES])}{more}")
    return "\n".join(rows)


def _cost(value: float) -> str:
    """Return a cost with four decimals; one that is on its way to infinity shorter."""
    return f"{value:.4f}" if value < 1000 else f"{value:.1e}"
