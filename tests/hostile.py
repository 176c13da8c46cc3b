"""Damaged run directories through every program: ``python tests/hostile.py 2000 [--processes 50] [--seed N]``.

hypothesis draws the damage (``damage.py``). Each directory is shown to the programs that read one run; with the others
of its group, and a sound run among them, to those that read many. A program must end with a documented exit code, in
ten seconds of work, within 500 MiB, without a traceback, and show the sound run; nothing it prints may steer a
terminal or be a formula to a spreadsheet. ``--processes`` does the same with so many directories by real processes.
"""

import argparse
import contextlib
import csv
import faulthandler
import importlib
import io
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from damage import damages
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from made import REPOSITORY, digits, write_set
from PIL import Image

import npdigits
from npdigits.base.errors import UserError
from npdigits.base.spreadsheet import FORMULA

FORMER = REPOSITORY / "tests" / "former"
SECONDS, MEBIBYTES = 10, 500
# A program that waits takes no processor time, and one that works takes longer where others work too.
SECONDS_BY_THE_CLOCK = 60
CODES = (0, 1, 2, 3)
# What steers a terminal: C0 without newline and tab, C1, and marks that turn the direction of writing.
STEERS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?|-inf|-")
OWN = """
import numpy as np

def swish(z, *, beta: float = 1.0):
    return z / (1 + np.exp(-beta * z))

def d_swish(z, a, *, beta: float = 1.0):
    return beta * a + (1 - beta * a) / (1 + np.exp(-beta * z))
"""
MODULES = {name: f"{name}.command" for name in ("npdigits.compare", "npdigits.export")}
UNHURRIED: dict[str, Any] = {
    **{"phases": [Phase.generate], "deadline": None, "database": None},
    **{"suppress_health_check": list(HealthCheck)},
}
TINY = ("hidden=3", "epochs=2", "batch_size=50", "optimizer=sgd", "lr=0.1", "quiet=true")


class Hang(BaseException):
    """A call took too long; no program may catch it."""


@dataclass
class Materials:
    """What the harness is made of once: a folder with sound runs, a data set and a picture."""

    folder: Path
    keys: list[str] = field(default_factory=list)

    @property
    def runs(self) -> list[Path]:
        """The sound runs that are copied and damaged."""
        former = [FORMER / name for name in ("dd95b35/run", "dd95b35/cut_off", "4c8f4d0/distorted", "3c68595/run")]
        return [*(self.folder / name for name in ("sweep/0", "own", "cut_off", "drawn")), *former]


@dataclass
class Tally:
    """What was seen: calls by program, damage by kind, the worst time and memory, and what went wrong."""

    calls: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    in_all: Counter[str] = field(default_factory=Counter)
    memory: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    directories: int = 0

    def lines(self) -> list[str]:
        """Return what was seen, a line a program."""
        rows = [
            f"{name}: {self.calls[name]} calls, codes "
            + ", ".join(f"{code.split()[-1]}: {n}" for code, n in sorted(self.codes.items()) if code.split()[0] == name)
            + f"; {self.in_all[name]:.0f} s, slowest {self.seconds[name]:.2f} s, memory +{self.memory[name]:.0f} MiB"
            for name in self.calls
        ]
        rows += ["damage: " + ", ".join(f"{kind} {n}" for kind, n in sorted(self.kinds.items()))]
        worst = f"slowest {max(self.seconds.values()):.2f} s, memory +{max(self.memory.values()):.0f} MiB"
        calls = f"{self.directories} directories, {self.calls.total()} calls, {worst}"
        return [*rows, *self.wrong, f"{calls}, {len(self.wrong)} wrong"]


def make_materials(folder: Path) -> Materials:
    """Make the sound runs: of a sweep, with own code, cut off, with plots and augmentation."""
    write_set(folder / "data", digits(120, (28, 28)), digits(60, (28, 28), seed=1))
    (folder / "mine.py").write_text(OWN)
    one = np.full((28, 28), 255, np.uint8)
    one[5:23, 13:16] = 0
    Image.fromarray(one).save(folder / "digit.png")
    these = Materials(folder, ["data=idx", f"data.dir={folder / 'data'}", *TINY])
    make: tuple[tuple[str, list[str]], ...] = (
        ("sweep/0", ["plots=false", "seed=0"]),
        ("sound", ["plots=false", "seed=7"]),
        ("own", ["plots=false", f"activation={folder / 'mine.py'}:swish"]),
        ("cut_off", ["plots=false", "epochs=1"]),
        ("drawn", ["plots=true", "rotation=10"]),
    )
    for name, more in make:
        changed = {override.partition("=")[0] for override in more}
        keys = [key for key in these.keys if key.partition("=")[0] not in changed]
        code, _, said = call("npdigits.train", [*keys, *more, f"out={folder / name}"])
        if code not in (0,):
            raise RuntimeError(f"{name}: {said}")
    return these


def call(module: str, arguments: Sequence[Any]) -> tuple[Any, str, str]:
    """Call a program's ``main`` in this process; return its exit code, output and errors."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before, code = sys.argv, None
    sys.argv = ["program", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            importlib.import_module(MODULES.get(module, module)).main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    return code, *(stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err))  # type: ignore[attr-defined]


def call_function(name: str, path: Path) -> tuple[int, str, str]:
    """Call a function of the package; return a code as a program's, what it found, and what it said."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            if name == "Classifier.load":
                found = str(npdigits.Classifier.load(path).predict_proba(np.zeros((1, 784))).shape)
            else:
                found = "\n".join(getattr(npdigits, name)(path).run)
        except UserError as error:
            return 2, "", str(error)
    return 0, found, "\n".join(f"{line.category.__name__}: {line.message}" for line in said)


def calls_of_one(
    these: Materials, run: Path, sound: Path, place: Path, all_of_them: bool
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the programs that read one run, with their arguments; those that write stand last."""
    yield "npdigits.evaluate", [run, "--trust", "--csv", "-"]
    yield "npdigits.predict", [run, these.folder / "digit.png", "--trust", "--csv", "-"]
    yield "npdigits.export", [run, "--html", place / "a.html", "--onnx", place / "a.onnx"]
    yield "npdigits.compare", ["--diff", run, sound]
    yield "Classifier.load", [run]
    if not all_of_them:
        return
    yield "npdigits.plots", [run]
    yield "npdigits.train", [*these.keys, "plots=false", "seed=0", f"out={run}"]
    yield "npdigits.train", [f"resume={run}", "plots=false", "quiet=true"]


def calls_of_many(these: Materials, folder: Path, place: Path) -> Iterator[tuple[str, list[Any]]]:
    """Yield the programs that read a folder of runs, with their arguments."""
    yield "npdigits.compare", [folder]
    yield "npdigits.compare", [folder, "--all", "--csv", "-"]
    yield "npdigits.compare", [folder, "--html", place / "b.html", "--json", "-"]
    yield "npdigits.compare", [folder, "--by", "seed", "--markdown", "-"]
    yield "npdigits.compare", [folder, "--latex", place / "b.tex"]
    yield "load_runs", [folder]
    yield "load_metrics", [folder]
    yield "npdigits.train", ["-m", *these.keys, "plots=false", "seed=0,1", "workers=0", f"out={folder}"]


def look_at(tally: Tally, name: str, arguments: Sequence[Any], about: str, sound: Path | None = None) -> None:
    """Call a program, and note all that must not be."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    signal.setitimer(signal.ITIMER_REAL, SECONDS_BY_THE_CLOCK)
    try:
        if name.startswith("npdigits."):
            code, out, err = call(name, arguments)
        else:
            code, out, err = call_function(name, arguments[0])
    except Hang:
        code, out, err = "hang", "", ""
    except Exception as error:  # what a function may not raise, or a main
        code, out, err = type(error).__name__, "", str(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    note(tally, name, arguments, about, (code, out, err), time.process_time() - start, grown, sound)


def note(
    tally: Tally,
    name: str,
    arguments: Sequence[Any],
    about: str,
    ended: tuple[Any, str, str],
    seconds: float,
    memory: float,
    sound: Path | None,
) -> None:
    """Count a call, and note what is wrong with how it ended."""
    code, out, err = ended
    tally.calls[name] += 1
    tally.codes[f"{name} {code}"] += 1
    tally.seconds[name] = max(seconds, tally.seconds.get(name, 0))
    tally.in_all[name] += seconds
    tally.memory[name] = max(memory, tally.memory.get(name, 0))
    wrong = [f"code {code}: {err.strip()[-300:]}"] if code not in CODES else []
    wrong += [f"{seconds:.1f} s"] if seconds > SECONDS and code in CODES else []
    wrong += [f"{memory:.0f} MiB"] if memory > MEBIBYTES else []
    wrong += ["a traceback"] if "Traceback (most recent" in out + err else []
    wrong += [f"steers the terminal: {found[0]!r}" for found in [STEERS.search(out + err)] if found]
    if arguments[-2:] == ["--csv", "-"] and (cells := formulas(out)):
        wrong.append(f"formulas: {cells[:3]}")
    if sound is not None and str(sound) not in out:
        wrong.append(f"the sound run is not shown: code {code}: {err[-300:]}")
    shown = " ".join(str(argument) for argument in arguments)
    tally.wrong += [f"WRONG {name} {shown[:200]}: {line}; {about}" for line in wrong]


def formulas(text: str) -> list[str]:
    """Return the cells of a table that a spreadsheet takes for formulas."""
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    return [cell for cell in cells if cell.startswith(FORMULA) and not NUMBER.fullmatch(cell)]


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Raise ``Hang`` where a call takes too long; where nothing helps, show where it is and end the process."""

    def hang(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, hang)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


def look_through(
    these: Materials,
    n: int,
    drawn_seed: int,
    show: Callable[..., None] = look_at,
    group: int = 10,
    rarely: int = 1,
) -> Tally:
    """Damage n directories, in groups, and show them to every program; those that take long see each ``rarely``-th."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as made, watched():
        folder, place = Path(made) / "runs", Path(made) / "written"
        place.mkdir()
        sound, abouts = folder / "sound", []

        def end_group() -> None:
            for name, arguments in calls_of_many(these, folder, place):
                shows = name.startswith("load_") or "--all" in arguments
                show(tally, name, arguments, " | ".join(abouts), sound if shows else None)
            for about, (index, run) in zip(list(abouts), enumerate(sorted(folder.glob("run*"))), strict=True):
                for name, arguments in calls_of_one(these, run, sound, place, index % rarely == 0):
                    show(tally, name, arguments, about)
            shutil.rmtree(folder)
            abouts.clear()

        for index in range(n):
            if not sound.exists():
                shutil.copytree(these.folder / "sound", sound)
            source, done = damage_one(these, folder / f"run{len(abouts):03}", drawn_seed * 10**6 + index)
            tally.directories += 1
            tally.kinds.update(kind.rpartition(": ")[2] for _, kind in done)
            abouts.append(f"{source.parent.name}/{source.name}: {done}")
            if len(abouts) == group:
                end_group()
        if abouts:
            end_group()
    return tally


def damage_one(these: Materials, run: Path, drawn_seed: int) -> tuple[Path, list[tuple[str, str]]]:
    """Make one damaged run directory; return what it is a copy of, and what was done to it."""
    made: list[tuple[Path, list[tuple[str, str]]]] = []

    # hypothesis begins with its simplest example and later varies those it had: the second one is drawn freely.
    @seed(drawn_seed)
    @settings(**UNHURRIED, max_examples=2)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        if run.exists():
            shutil.rmtree(run)
        source = data.draw(st.sampled_from(these.runs))
        shutil.copytree(source, run)
        made.append((source, data.draw(damages(run))))

    draw()
    return made[-1]


def look_by_process(tally: Tally, name: str, arguments: Sequence[Any], about: str, sound: Path | None = None) -> None:
    """Run a program as a process of its own, and note all that must not be; functions have none."""
    if not name.startswith("npdigits."):
        return
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        typed = [sys.executable, "-m", name, *map(str, arguments)]
        child = subprocess.Popen(typed, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        alarm = f"import os, time; time.sleep({SECONDS_BY_THE_CLOCK}); os.kill({child.pid}, 9)"
        killer = subprocess.Popen([sys.executable, "-c", alarm])
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        killer.kill()
        killer.wait()
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode("utf-8", "replace"))
    seconds, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    note(tally, name, arguments, about, (child.returncode, said[0], said[1]), seconds, memory, sound)


def main() -> None:
    """Look through, and fail if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directories", type=int, nargs="?", default=2000)
    parser.add_argument("--processes", type=int, default=0, help="so many more by real processes")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--rarely", type=int, default=1, metavar="N", help="plots and training of each N-th only")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        these = make_materials(Path(folder))
        for n, show in ((chosen.directories, look_at), (chosen.processes, look_by_process)):
            if n:
                tally = look_through(these, n, chosen.seed, show, rarely=chosen.rarely)
                print("\n".join(tally.lines()), flush=True)
                wrong += len(tally.wrong)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
