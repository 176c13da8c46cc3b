"""What a program says of what goes wrong, and its exit code."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import zygote
from made import REPOSITORY, output_of, start_python

from npdigits.base import program
from npdigits.base.errors import ConfigError, note_log
from npdigits.base.interruption import Terminated

PROGRAMS = (
    *("npdigits.predict", "npdigits.evaluate", "npdigits.export", "npdigits.plots", "npdigits.compare"),
    *("npdigits.check_gradient", "npdigits.data", "npdigits.live"),
)

# Buffered, as it is unless somebody asks for the opposite.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
PRINTS = (
    "import sys; from npdigits.base.program import exit_code; sys.exit(exit_code('p', lambda: print(sys.argv[1]) or 0))"
)
ACTS = """
import sys, time
from npdigits.base.program import exit_code
def act():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("undone")
sys.exit(exit_code("p", act))
"""


def raising(error):
    def act():
        raise error

    return act


@pytest.fixture
def signals():
    """Put the handlers back that a program sets."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("lr=0:\nallowed is\x1b more"), 2, "lr=0: allowed is\\x1b more"),
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), 2, "a.csv: No space left on device"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "writing: No space left on device"),
        (OSError("of a library"), 2, "writing: of a library"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Terminated(), 143, "terminated"),
    ],
)
def test_what_goes_wrong_is_a_line_and_a_code(signals, capsys, error, code, line):
    assert program.exit_code("npdigits.some", raising(error)) == code
    assert capsys.readouterr() == ("", f"npdigits.some: {line}\n")


FAULTS = (ZeroDivisionError, RuntimeError, TypeError, KeyError, AttributeError, AssertionError, RecursionError)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_of_ours_is_a_line_a_code_and_a_file_with_the_traceback(signals, capsys, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert program.exit_code("npdigits.some", raising(kind("on\npurpose"))) == program.FAULT == 70
    (file,) = tmp_path.iterdir()
    said = capsys.readouterr()
    begun = f"npdigits.some: this is a fault of npdigits: {kind.__name__}: "
    assert said.out == "" and said.err.startswith(begun) and said.err.count("\n") == 1
    assert said.err.endswith(f"; the traceback is in {file}\n")
    assert "Traceback (most recent call last)" in file.read_text() and "in act\n" in file.read_text()
    assert os.name == "nt" or file.stat().st_mode & 0o077 == 0  # nobody else's to read


def test_a_fault_whose_traceback_stands_in_a_runs_log_names_that(signals, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    error = RuntimeError("on purpose")
    note_log(error, "out/train.log")
    assert program.exit_code("p", raising(error)) == program.FAULT
    said = "p: this is a fault of npdigits: RuntimeError: on purpose; the traceback is in out/train.log\n"
    assert capsys.readouterr().err == said and list(tmp_path.iterdir()) == []


def test_a_fault_whose_traceback_cannot_be_kept_names_the_place(signals, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert program.exit_code("p", raising(KeyError("a"))) == program.FAULT
    assert f"KeyError: 'a'; in {__file__}, line " in capsys.readouterr().err


def test_too_little_memory_is_no_fault(signals, capsys):
    assert program.exit_code("p", raising(MemoryError())) == program.BAD_INPUT
    assert capsys.readouterr().err == "p: out of memory\n"


def test_a_librarys_last_words_are_a_line(signals, capsys):
    assert program.exit_code("p", raising(SystemExit("enough"))) == 1
    assert capsys.readouterr().err == "p: enough\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for another process")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_program_that_is_ended_undoes_what_is_half_done(name):
    child = start_python(ACTS)
    assert child.stdout.readline() == "begun\n"
    child.send_signal(getattr(signal, name))
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (program.TERMINATED, "undone\n", "p: terminated\n")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGTERM, program.TERMINATED, "p: terminated\n"),
        (signal.SIGINT, program.INTERRUPTED, "p: interrupted\n"),
    ],
)
def test_a_signal_that_a_library_makes_another_error_of_is_that_signal(signals, capsys, number, code, said):
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def act():
        try:
            signal.raise_signal(number)
        except (KeyboardInterrupt, Terminated) as error:
            raise ConfigError("of a library") from error

    assert program.exit_code("p", act) == code
    assert capsys.readouterr().err == said


def test_a_shell_in_the_background_is_heeded(signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    program.exit_code("p", lambda: 0)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_nohup_is_heeded(signals):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    program.exit_code("p", lambda: 0)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_reader_that_goes_away_is_no_traceback():
    """Also where all of the output fits into the buffer, and is written at the very end."""
    read, write = os.pipe()
    os.close(read)
    typed = [sys.executable, "-c", PRINTS, "a"]
    ended = subprocess.run(typed, stdout=write, stderr=subprocess.PIPE, env=BUFFERED, timeout=60)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (program.NOBODY_READS, b"")


def test_ctrl_c_of_a_pipe_whose_reader_is_gone_is_one_line():
    read, write = os.pipe()
    os.close(read)
    act = "print('a')\n    raise KeyboardInterrupt"
    code = (
        f"import sys\nfrom npdigits.base.program import exit_code\ndef act():\n    {act}\nsys.exit(exit_code('p', act))"
    )
    typed = [sys.executable, "-c", code]
    ended = subprocess.run(typed, stdout=write, stderr=subprocess.PIPE, env=BUFFERED, timeout=60)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (program.INTERRUPTED, b"p: interrupted\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_cannot_be_written_is_one_line():
    with Path("/dev/full").open("w") as full:
        typed = [sys.executable, "-c", PRINTS, "a"]
        ended = subprocess.run(typed, stdout=full, stderr=subprocess.PIPE, env=BUFFERED, timeout=60)
    assert (ended.returncode, ended.stderr) == (program.BAD_INPUT, b"p: writing: No space left on device\n")


def test_names_that_are_no_text_can_be_printed():
    ended = subprocess.run(
        [sys.executable, "-c", PRINTS, b"\xc3\x97\xff"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        timeout=60,
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, rb"\xd7\udcff", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows closes no stream this way")
@pytest.mark.parametrize(("act", "code"), [("0", 0), ("[][0]", 70), ("open('nowhere')", 2)])
def test_a_closed_standard_output_changes_no_exit_code(act, code, tmp_path):
    program_of = f"import sys; from npdigits.base.program import exit_code; sys.exit(exit_code('p', lambda: {act}))"
    ended = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', sys.executable, "-c", program_of],
        timeout=60,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert ended.returncode == code


@pytest.mark.skipif(sys.platform == "win32", reason="Windows closes no stream this way")
@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_where_standard_error_takes_nothing_nothing_goes_to_standard_output(closed):
    code = "import sys; from npdigits.base.program import exit_code; sys.exit(exit_code('p', lambda: open('nowhere')))"
    typed = ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, "-c", code]
    ended = subprocess.run(typed, stdout=subprocess.PIPE, env=BUFFERED, timeout=60)
    assert (ended.returncode, ended.stdout) == (program.BAD_INPUT, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows closes no stream this way")
@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "2>&- <&-"])
def test_a_warning_that_cannot_be_written_changes_nothing(closed):
    act = "print('a warning', file=sys.stderr, flush=True) or print('a result') or 0"
    code = f"import sys; from npdigits.base.program import exit_code; sys.exit(exit_code('p', lambda: {act}))"
    typed = ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, "-c", code]
    ended = subprocess.run(typed, stdout=subprocess.PIPE, env=BUFFERED, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, b"a result\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows closes no stream this way")
def test_no_file_gets_what_is_meant_for_a_closed_stream(tmp_path):
    act = "[open('file', 'w'), __import__('os').write(2, b'a library writes it'), 0][-1]"
    code = f"import sys; from npdigits.base.program import exit_code; sys.exit(exit_code('p', lambda: {act}))"
    typed = ["sh", "-c", 'exec "$0" "$@" >&- 2>&- <&-', sys.executable, "-c", code]
    assert subprocess.run(typed, cwd=tmp_path, timeout=60).returncode == 0
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_is_printed_on_any_terminal_and_its_loss_is_said(name):
    typed = [sys.executable, "-m", name, "--help"]
    environment = {**BUFFERED, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(typed, capture_output=True, env=environment, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"") and ended.stdout.startswith(b"usage: ")
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as full:
            ended = subprocess.run(typed, stdout=full, stderr=subprocess.PIPE, env=environment, timeout=60)
        assert ended.returncode == program.BAD_INPUT and ended.stderr.endswith(b": writing: No space left on device\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_empty_name_is_not_the_working_directory(name, tmp_path):
    ended = zygote.run([sys.executable, "-m", name, "", "x"], cwd=tmp_path, timeout=60)
    assert (ended.returncode, ended.stdout) == (program.BAD_INPUT, b"")
    assert b"'': allowed " in ended.stderr and ended.stderr.count(b"\n") == 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_unknown_option_is_a_line_without_usage(name):
    ended = zygote.run([sys.executable, "-m", name, "a", "b", "--nonsense"], timeout=60)
    shown = "npdigits-compare" if name == "npdigits.compare" else name
    line = f"{shown}: unrecognized arguments: --nonsense; --help tells more"
    assert (ended.returncode, ended.stdout, ended.stderr.decode().splitlines()) == (2, b"", [line])


MESSAGES_OF = {"npdigits.train": "npdigits", "npdigits.compare": "npdigits-compare"}
INTERRUPTED = """
import sys
class Interrupting:
    @staticmethod
    def find_spec(name, *_):
        if name == "numpy":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting)
"""


@pytest.mark.parametrize("name", [*PROGRAMS, "npdigits.train"])
def test_ctrl_c_during_the_imports_is_one_line(name):
    script = name.removeprefix("npdigits.")
    for begun in (
        f"import runpy; runpy.run_module('{name}', run_name='__main__', alter_sys=True)",
        f"from npdigits import console; console.{script}()",
    ):
        child = start_python(INTERRUPTED + begun)
        out, err = child.communicate(timeout=60)
        line = f"{MESSAGES_OF.get(name, name)}: interrupted\n"
        assert (child.returncode, out, err) == (program.INTERRUPTED, "", line)


def installed_commands():
    """Return the console scripts: name -> "npdigits.console:plots"."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]


def test_the_package_says_which_programs_there_are():
    said = output_of(start_python("import runpy; runpy.run_module('npdigits', run_name='__main__')"))
    rows = [line.split(None, 4) for line in said.splitlines() if line.startswith("npdigits") and "python -m" in line]
    assert sorted(row[0] for row in rows) == sorted(installed_commands())
    assert {row[3] for row in rows} == {*PROGRAMS, "npdigits.train"} and all(row[4] for row in rows)
    for command, _, _, module, _ in rows:
        named = "npdigits-train" if command == "npdigits" else command
        assert program.console_script(module) == named


# Begins a program as its console script does, and as ``python -m`` does, by each of several command lines. All in one
# process, as a program imports for half a second.
BEGINNING = """
import contextlib, importlib, io, json, runpy, sys
place, module, lines = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
package, _, function = place.partition(":")
said = []
for how, argv in lines:
    sys.argv = argv
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            if how == "-m":
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            else:
                getattr(importlib.import_module(package), function)()
        except SystemExit as end:
            code = end.code
    said.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(said))
"""


@pytest.mark.parametrize("name", [*PROGRAMS, "npdigits.train"])
def test_version_and_usage_show_the_command_that_was_typed_and_messages_begin_as_ever(name):
    script = "npdigits" if name == "npdigits.train" else program.console_script(name)
    begun = ((f"bin/{script}", script), (f"Scripts/{script}.exe", script), ("x.py", f"python -m {name}"))
    lines = [
        ("-m", ["x.py", "--version"]),
        ("script", [f"bin/{script}", "--version"]),
    ]  # -m first: nothing is imported yet
    lines += [("script", [argv0, option]) for argv0, _ in begun for option in ("--help", "--nonsense")]
    process = start_python(BEGINNING, installed_commands()[script], name, json.dumps(lines))
    by_module, by_script, *others = json.loads(output_of(process))
    assert by_module == by_script == [0, f"{script} {metadata.version('npdigits')}\n", ""]
    if name in ("npdigits.compare", "npdigits.train"):  # which have names of their own
        return
    for (_, shown), (helped, usage, _), (refused, _, message) in zip(begun, others[::2], others[1::2], strict=True):
        assert helped == 0 and usage.startswith(f"usage: {shown} ")
        assert refused == program.BAD_INPUT and message.startswith(f"{name}: ")


def test_what_is_imported_is_not_looked_through_for_garbage_and_all_else_is():
    code = """
import atexit, gc, sys, types, weakref
from npdigits.base.start import start

class Round:
    def __init__(self):
        self.itself = self

imported = Round()
before = weakref.ref(imported)
del imported

def main():
    made = weakref.ref(Round())
    gc.collect()
    print(gc.isenabled(), before() is None, made() is None)
    atexit.register(lambda: print(gc.get_freeze_count() > 1000))
    sys.exit(3)

sys.modules["program"] = types.ModuleType("program")
sys.modules["program"].main = main
start("a program", "program")
"""
    process = start_python(code)
    assert process.communicate(timeout=60) == ("True False True\nTrue\n", "")
    assert process.returncode == 3
