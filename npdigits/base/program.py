"""A program: its command line, its exit code, and one line on standard error for whatever goes wrong."""

import argparse
import io
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from npdigits.base.errors import UserError, first_cause, noted_log
from npdigits.base.interruption import Terminated
from npdigits.base.terminal import Unfailing, discard_output, show, show_error
from npdigits.base.text import join_lines, on_one_line, printable

BAD_INPUT = 2
# Of a run whose cost stopped being finite.
DIVERGED = 3
# What is not the user's to mend: sysexits.h's EX_SOFTWARE.
FAULT = 70
# As shells have it: 128 and the signal's number.
INTERRUPTED = 130
NOBODY_READS = 141
TERMINATED = 143


class Parser(argparse.ArgumentParser):
    """A command line. It refuses in one line what it does not know, without argparse's usage.

    Args:
        name: of the program, as its messages begin; None is the file's. Those of the package, ``npdigits…``, have
            ``--version`` too, and their usage is the command by which they were started.
        options: argparse's.
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        super().__init__(**{"prog": name and _command(name), "allow_abbrev": False, **options})
        self.name = name or self.prog
        if self.name.startswith("npdigits"):
            self.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end."""
        sys.exit(_say(self.name, f"{message}; --help tells more", BAD_INPUT))


class _Version(argparse.Action):
    """Prints the console script's name and the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata

        assert isinstance(parser, Parser)
        show(f"{console_script(parser.name)} {metadata.version('npdigits')}")
        parser.exit()


def console_script(name: str) -> str:
    """Return the command that is installed for a program: npdigits-predict for ``npdigits.predict``."""
    return name.replace(".", "-").replace("_", "-")


def _command(name: str) -> str:
    """Return the command by which a program was started, as its usage shows it."""
    if not name.startswith("npdigits."):
        return name
    script = console_script(name)
    return script if Path(sys.argv[0]).stem == script else f"python -m {name}"


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add the option by which a user has own code executed that a run directory keeps."""
    parser.add_argument("--trust", action="store_true", help="execute the own code that a run directory keeps")


def nonempty_path(text: str) -> Path:
    """Return a path that was typed, for argparse; '' would be the working directory."""
    if not text:
        raise argparse.ArgumentTypeError("'': allowed is the name of a file or folder")
    return Path(text)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a function that reads a whole number within bounds, for argparse."""

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text}: allowed are whole numbers from {least} to {most}")
        return int(text)

    return number


def warn(name: str, text: str) -> None:
    """Print a program's warning on standard error."""
    show_error(f"{name}: WARNING: {printable(text)}")


def exit_code(name: str, act: Callable[[], int]) -> int:
    """Call ``act``; return the program's exit code.

    SIGTERM and SIGHUP end it as Ctrl-C does, by an exception, so that what is half done can be undone.

    Args:
        name: of the program, as its messages begin.
        act: reads the command line, does what it says, and returns the exit code. An exception becomes a line; the
            traceback of one that is not the user's to mend goes into a file.
    """
    _open_streams()
    interrupted = terminated = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    def terminate(number: int, frame: FrameType | None) -> None:
        nonlocal terminated
        terminated = True
        raise Terminated

    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):  # as a shell in the background does
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, terminate)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup does
        signal.signal(signal.SIGHUP, terminate)
    try:
        try:
            code = act()
        except SystemExit as end:  # argparse's, after --help and after an error
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else _say(name, str(end.code), 1)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _say(name, "interrupted", INTERRUPTED)
    except Terminated:
        return _say(name, "terminated", TERMINATED)
    except Exception as error:
        if terminated:  # a library has made another error of it
            return _say(name, "terminated", TERMINATED)
        if interrupted:
            return _say(name, "interrupted", INTERRUPTED)
        return _report(name, first_cause(error))
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # Python would try it once more at its end, and make a traceback of it
            discard_output(sys.stdout)


def _report(name: str, error: Exception) -> int:
    """Say in one line what went wrong; return the exit code."""
    if isinstance(error, BrokenPipeError):  # … | head
        return NOBODY_READS
    if isinstance(error, UserError):
        return _say(name, str(error), BAD_INPUT)
    if isinstance(error, FileNotFoundError) and not error.filename and _is_working_directory_gone():
        return _say(name, "the working directory is gone: cd to one that is there", BAD_INPUT)
    if isinstance(error, OSError):
        return _say(name, f"{error.filename or 'writing'}: {error.strerror or error}", BAD_INPUT)
    if isinstance(error, MemoryError):
        return _say(name, f"out of memory{': ' * bool(str(error))}{error}", BAD_INPUT)
    return _say(name, f"this is a fault of npdigits: {on_one_line(error)}; {_keep_traceback(error)}", FAULT)


def _is_working_directory_gone() -> bool:
    """Say whether the working directory was deleted."""
    try:
        return not Path.cwd()
    except OSError:
        return True


def _open_streams() -> None:
    """Let standard output and error take any text. One that is closed leads nowhere: print would choose the other.

    Standard error carries no result: that it cannot be written ends nothing.
    """
    # Else the next file that is opened has the number of a closed stream, and gets what is meant for the stream.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = Path(os.devnull).open("w")  # noqa: SIM115 – open to the process's end
            setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files need not be text, nor terminals have a "×"
    if not isinstance(sys.stderr, Unfailing):
        sys.stderr = Unfailing(sys.stderr)


def _keep_traceback(error: Exception) -> str:
    """Say in which file the traceback of an error is: the run's log that has it, or one that is made for it."""
    if log := noted_log(error):
        return f"the traceback is in {log}"
    head = f"{sys.argv}\nPython {platform.python_version()}, {platform.platform()}\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="npdigits-fault-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(head + "".join(traceback.format_exception(error)))
        return f"the traceback is in {file.name}"
    except OSError as unwritable:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"in {last.filename}, line {last.lineno} (the traceback could not be kept: {unwritable})"


def _say(name: str, message: str, code: int) -> int:
    """Print a line on standard error; return the exit code."""
    show_error(f"{name}: {printable(join_lines(message))}")
    return code
