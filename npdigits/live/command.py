"""Runs and sweeps watched while they go on: ``npdigits-live [DIR …]``, ``python -m npdigits.live``.

A server on this machine alone, and a page in a browser that shows what lies below the folders, whoever began it.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.base.paths import resolved
from npdigits.base.program import Parser, exit_code, nonempty_path, whole_number
from npdigits.base.terminal import show
from npdigits.live.board import Board
from npdigits.live.gate import Keys
from npdigits.live.serving import LOOPBACK, check_classroom, host_of, listen, open_browser, serve
from npdigits.live.watcher import Watcher
from npdigits.runs.outputs import outputs

PROGRAM = "npdigits.live"
NEEDED = ("starlette", "uvicorn")
# Seconds between two updates: at most ten a second, to a class at most five.
TICK, CLASSROOM_TICK = 0.1, 0.2
PLAIN = "Plain HTTP: who is in this network can read along. It can only be read."


def main() -> None:
    """Serve until Ctrl-C; the exit code is 130 then, 2 for bad input."""
    parser = Parser(PROGRAM, description="Watch runs, sweeps and races in a browser while they go on")
    parser.add_argument(
        "folders",
        nargs="*",
        type=nonempty_path,
        metavar="DIR",
        help="run directories, or folders with any number of them; outputs/ if not given. No link in them is followed",
    )
    parser.add_argument("--port", type=whole_number(1, 65535), default=0, help="one that is free if not given")
    parser.add_argument("--host", default=LOOPBACK, metavar="ADDRESS", help=f"{LOOPBACK}; no other without --classroom")
    classroom = "show it, to be read only, at this address of this machine in the local network; plain HTTP"
    parser.add_argument("--classroom", metavar="ADDRESS", help=classroom)
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


def act(chosen: argparse.Namespace) -> int:
    """Serve until Ctrl-C.

    Raises:
        UserError: something that was typed cannot be.
    """
    tops, address = _folders(chosen.folders), _address(chosen)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f'{" and ".join(missing)} not installed: pip install "npdigits[live]"')
    from npdigits.live.answers import Answers

    with listen(address, chosen.port) as bound:
        port = bound.getsockname()[1]
        hosts = {host_of(address, port), *([f"localhost:{port}"] if address == LOOPBACK else [])}
        keys = Keys(change="") if chosen.classroom else Keys()
        board, tick = Board(), CLASSROOM_TICK if chosen.classroom else TICK
        watcher = Watcher(tops, board, tick)
        app = Answers(board, watcher, tick, keys, PLAIN if chosen.classroom else "").app(frozenset(hosts))
        host = f"http://{host_of(address, port)}"

        def ready() -> None:
            show(f"watching {', '.join(map(str, tops))}; Ctrl-C ends it")
            show(f"{host}/?token={keys.read}")
            if chosen.classroom:
                show(PLAIN)
            open_browser(f"{host}/open?once={keys.once}", not chosen.no_browser and _has_screen())

        watcher.start()
        try:
            serve(app, bound, ready)
        finally:
            watcher.stop()
    return 0


def _folders(given: list[Path]) -> list[Path]:
    """Return the folders to watch. That there are no outputs yet is no mistake: they may come.

    Raises:
        ConfigError: one that was named is not there.
    """
    for folder in given:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: {'no folder' if folder.exists() else 'there is no such folder'}")
    return list(dict.fromkeys(map(resolved, given or [outputs()])))


def _address(chosen: argparse.Namespace) -> str:
    """Return the address to listen at.

    Raises:
        ConfigError: it is not allowed.
    """
    if chosen.classroom is not None:
        check_classroom(chosen.classroom)
        if chosen.host not in (LOOPBACK, chosen.classroom):
            raise ConfigError(f"--host {chosen.host}: with --classroom allowed is the same address")
        return str(chosen.classroom)
    if chosen.host not in (LOOPBACK, "localhost"):
        raise ConfigError(
            f"--host {chosen.host}: allowed is {LOOPBACK}; --classroom ADDRESS shows the page in a local network"
        )
    return LOOPBACK


def _has_screen() -> bool:
    """Say whether a browser can be seen: elsewhere a text browser would take the terminal."""
    return (
        os.name == "nt" or sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & set(os.environ))
    )
