"""Standard output and error as streams that may be closed, full or unread, and that never end what is at work."""

import contextlib
import os
import sys
from typing import Any, TextIO, cast


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
