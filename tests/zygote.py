"""Programs in processes of their own that need not import everything anew: forked from one that has.

``run`` and ``Popen`` are those of ``subprocess`` for commands ``[sys.executable, "-m", module, …]``. The process has
the directory, the environment, the streams and the arguments that it was given, executes the module as ``python -m``
does and ends as Python does. It differs in what only Python's start would show: what is imported and when, and what
/proc tells of its command and its first environment. Tests of these start it by ``subprocess``.

``python zygote.py N`` is the process that forks, asked through its socket N.
"""

import atexit
import contextlib
import gc
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Of the environment only this may differ from what the process that forks was started with: the programs read it when
# they need it, no package reads it when it is imported.
FREE = ("NPDIGITS_", "PYTEST_", "no_proxy", "NO_PROXY", "HYDRA_FULL_ERROR", "KMP_", "CUDA_MODULE_LOADING")
BASE = {**os.environ, "PYTHONIOENCODING": "utf-8"}  # of before any test has changed it
PRELOADED = (
    *("pandas", "scipy.stats", "npdigits.train", "npdigits.evaluate", "npdigits.predict", "npdigits.plots"),
    *("npdigits.compare.command", "npdigits.export.command", "npdigits.check_gradient"),
    *("npdigits.sweeps.launcher", "npdigits.sweeps.local_cluster"),
    *("distributed.cli.dask_scheduler", "distributed.cli.dask_worker"),
)
OPTIONS = {"cwd", "env", "stdin", "stdout", "stderr", "text", "encoding", "start_new_session"}
_lock = threading.Lock()
_asked: dict[int, socket.socket] = {}  # by the process that asks: no fork uses its parent's


class Popen(subprocess.Popen[Any]):
    """A process, as ``subprocess`` has it; where it may not be forked, it is started anew."""

    def __init__(self, command: Sequence[Any], **options: Any) -> None:
        self._answer: socket.socket | None = None
        python, m, *_ = command
        assert python == sys.executable and m == "-m" and options.keys() <= OPTIONS, (command, options)
        self._session = options.get("start_new_session", False)
        super().__init__([*map(str, command)], **options)

    def _execute_child(self, *given: Any) -> None:
        names = ["args", "executable", "preexec", "close", "pass", "cwd", "env", "startupinfo", "flags", "shell"]
        # p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite
        wanted, pipes = dict(zip(names, given, strict=False)), given[len(names) : len(names) + 6]
        environment = dict(os.environ if wanted["env"] is None else wanted["env"])
        zygote = _zygote(environment)
        if zygote is None:
            super()._execute_child(*given)  # type: ignore[misc]
            return
        request = {
            **{"module": wanted["args"][2], "arguments": wanted["args"][3:], "environment": environment},
            **{"cwd": str(Path.cwd() / (wanted["cwd"] or ".")), "session": self._session},
        }
        self._answer, theirs = socket.socketpair()
        streams = [pipe if pipe != -1 else number for number, pipe in enumerate(pipes[place] for place in (0, 3, 5))]
        try:
            with theirs, _lock:
                self._answer.sendall(json.dumps(request).encode())
                self._answer.shutdown(socket.SHUT_WR)
                socket.send_fds(zygote, [b"x"], [theirs.fileno(), *streams])
        except BrokenPipeError:  # somebody has ended the process that forks
            self._answer.close()
            self._answer = None
            super()._execute_child(*given)  # type: ignore[misc]
            return
        self.pid = self._answered()
        self._child_created = True
        devnull = getattr(self, "_devnull", None)
        for pipe, own in ((pipes[0], pipes[1]), (pipes[3], pipes[2]), (pipes[5], pipes[4])):
            if pipe not in (-1, devnull) and own != -1:
                os.close(pipe)
        if devnull is not None:
            os.close(devnull)
        self._closed_child_pipe_fds = True

    def _try_wait(self, flags: int) -> tuple[int, int]:
        if self._answer is None:
            return super()._try_wait(flags)  # type: ignore[misc,no-any-return]
        if flags and not select.select([self._answer], [], [], 0)[0]:
            return 0, 0
        status = self._answered()
        self._answer.close()
        return self.pid, status

    def _answered(self) -> int:
        assert self._answer is not None
        content = self._answer.recv(8, socket.MSG_WAITALL)
        if len(content) < 8:
            raise ChildProcessError("the process that forks is gone")
        return int.from_bytes(content, "little")

    def _internal_poll(self, _deadstate: Any = None, **_: Any) -> int | None:
        if self._answer is None:
            return super()._internal_poll(_deadstate)  # type: ignore[misc,no-any-return]
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def run(command: Sequence[Any], timeout: float | None = None, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run such a command, without a terminal, and return how it ended and what it printed."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(command, **{**streams, **options}) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _zygote(environment: dict[str, str]) -> socket.socket | None:
    """Return where to ask for a process of this environment; None where it must be started anew."""
    if sys.platform != "linux":
        return None
    with _lock:
        if os.getpid() not in _asked:
            ours, theirs = socket.socketpair()
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, __file__, str(theirs.fileno())],
                    **{"env": BASE, "pass_fds": [theirs.fileno()]},  # type: ignore[arg-type]
                    **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
                )
            _asked[os.getpid()] = ours
            atexit.register(_end, ours, process)

    def fixed(variables: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if not name.startswith(FREE)}

    return _asked[os.getpid()] if fixed({"PYTHONIOENCODING": "utf-8", **environment}) == fixed(BASE) else None


def _end(ours: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    ours.close()
    process.communicate(timeout=10)


def serve(asked: socket.socket) -> dict[str, Any]:
    """Fork a process for each request; return, in it, what it is to be. Where nobody asks any more, end."""
    waiting: dict[int, socket.socket] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([asked, woken], [], [])
        if woken in ready:
            os.read(woken, 1 << 10)
            while waiting:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                with waiting.pop(pid) as answer, contextlib.suppress(OSError):  # nobody may wait for it any more
                    answer.sendall(status.to_bytes(8, "little"))
        if asked not in ready:
            continue
        said, handed, _, _ = socket.recv_fds(asked, 1, 4)
        if not said:
            sys.exit()
        answer, streams = socket.socket(fileno=handed[0]), handed[1:]
        with contextlib.closing(answer.makefile("rb")) as file:
            request = file.read()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, before)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            for opened in (*streams, wake, woken):
                os.close(opened)
            for one in (answer, asked, *waiting.values()):
                one.close()
            wanted: dict[str, Any] = json.loads(request)
            return wanted
        for stream in streams:
            os.close(stream)
        waiting[pid] = answer
        answer.sendall(pid.to_bytes(8, "little"))


def become(wanted: dict[str, Any]) -> None:
    """Do in this process what ``python -m`` does, with what was imported before."""
    if wanted["session"]:
        os.setsid()
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.path.insert(0, wanted["cwd"])
    spec = importlib.util.find_spec(wanted["module"])
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{spec.name}.__main__")
    assert spec is not None and spec.loader is not None and spec.origin is not None, wanted
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=spec.origin, __spec__=spec, __package__=spec.parent, __loader__=spec.loader)
    sys.modules["__main__"] = main
    sys.argv = [spec.origin, *wanted["arguments"]]
    sys.orig_argv = [sys.executable, "-m", wanted["module"], *wanted["arguments"]]
    code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
    exec(code, main.__dict__)


if __name__ == "__main__":
    this = sys.modules["__main__"]  # lest it be cleared
    sys.path.pop(0)  # where the tests are
    from npdigits.config.compose import compose

    for name in PRELOADED:
        importlib.import_module(name)
    compose([])  # which takes Hydra twice as long the first time
    gc.collect()
    gc.freeze()
    become(serve(socket.socket(fileno=int(sys.argv[1]))))
