"""Standard output and error: what is written there, and streams that may be closed, full or unread.

All that npdigits says is written here (a test reads the code for it), as texts come from files and names that others
made: what could steer a terminal stands there as escapes.
"""

import contextlib
import os
import sys
from typing import Any, TextIO, cast

from npdigits.base.text import printable, printable_lines


class Unfailing:
    """A text stream that takes everything: what it cannot write is lost, and raises nothing.

    A pipe whose reader is gone, a terminal that was closed, a full disk are no reason to end what is at work.

    Args:
        stream: what to write to, for as long as it can be.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, with escapes for what the stream's encoding does not have."""
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError as error:
                self._stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
        except Exception:  # a host's stream (a notebook's, a test's) may raise what it likes
            discard_output(self._stream)
        return len(text)

    def flush(self) -> None:
        """Write what is kept back."""
        try:
            self._stream.flush()
        except Exception:
            discard_output(self._stream)

    def isatty(self) -> bool:
        """Say whether it is a terminal; a stream that was closed is none."""
        try:
            return bool(self._stream.isatty())
        except Exception:
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def discard_output(stream: Any) -> None:
    """Redirect a stream to nowhere, if it is a file; else Python would complain at its end of what the buffer holds."""
    with contextlib.suppress(Exception):  # no file at all, or closed, or a host's stream
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


def show(text: str, to: Any = None, end: str = "\n") -> None:
    """Print lines for people, with escapes for the characters that could steer a terminal.

    Args:
        text: of one line or several.
        to: the stream; None is standard output.
        end: what comes after.
    """
    print(printable_lines(text), end=end, file=to or sys.stdout, flush=True)


def show_error(text: str) -> None:
    """Print lines for people on standard error, as ``show`` does."""
    show(text, sys.stderr)


def hand_over(text: str, to: Any = None) -> None:
    """Print what programs read (a table, a path) as it is; where standard output is a terminal, with escapes."""
    to = to or sys.stdout
    if Unfailing(to).isatty():
        text = "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
    print(text, end="", file=to, flush=True)


def on_terminal() -> bool:
    """Say whether standard output is a terminal."""
    return Unfailing(sys.stdout).isatty()


def live_options() -> dict[str, Any]:
    """Return the options by which rich draws a live line on standard output, which may be closed at any time."""
    from rich.console import Console

    # What is said on standard error meanwhile stands above the line; where that is no terminal, it stays there.
    error_too = Unfailing(sys.stderr).isatty()
    return {
        "console": Console(file=cast("TextIO", Unfailing(sys.stdout))),
        "transient": True,
        "redirect_stderr": error_too,
    }
