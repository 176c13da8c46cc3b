"""Being a program: what goes wrong is said in one line on standard error, and the exit code tells what it was."""

import argparse
import io
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from npdigits.errors import UserError
from npdigits.interruption import Terminated
from npdigits.report import nobody_reads, plain

BAD_INPUT = 2
# As shells have it: 128 and the signal's number.
INTERRUPTED = 130
NOBODY_READS = 141
TERMINATED = 143


class Parser(argparse.ArgumentParser):
    """A command line, which refuses in one line what it does not know, without argparse's usage."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end."""
        sys.exit(_say(self.prog.removeprefix("python -m "), f"{message}; --help tells more", BAD_INPUT))


def exit_code(name: str, act: Callable[[], int]) -> int:
    """Do what a program is for; return its exit code.

    SIGTERM and SIGHUP end it as Ctrl-C does, by an exception, so that what is half done can be undone.

    Args:
        name: of the program, as its messages begin.
        act: does it, and returns the exit code; what it raises that is the user's to mend becomes a line.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text, nor terminals have a "×"
    signal.signal(signal.SIGTERM, _terminate)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup does
        signal.signal(signal.SIGHUP, _terminate)
    try:
        code = act()
        _flush()
        return code
    except KeyboardInterrupt:
        return _say(name, "interrupted", INTERRUPTED)
    except Terminated:
        return _say(name, "terminated", TERMINATED)
    except BrokenPipeError:  # … | head
        return NOBODY_READS
    except UserError as error:
        return _say(name, str(error), BAD_INPUT)
    except OSError as error:
        return _say(name, f"{error.filename or 'writing'}: {error.strerror or error}", BAD_INPUT)
    finally:
        try:
            _flush()
        except OSError:  # Python would try it once more at its end, and make a traceback of it
            nobody_reads()


def _flush() -> None:
    if sys.stdout:  # closed, it is None
        sys.stdout.flush()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _say(name: str, message: str, code: int) -> int:
    print(f"{name}: {plain(' '.join(message.split()))}", file=sys.stderr)
    return code
