"""Runs watched while they go on, and a network trained in a page: ``npdigits-live [DIR …] [key=value …]``.

A server on this machine alone, and a page in a browser that shows what lies below the folders, whoever began it; with
settings as ``npdigits`` has them, or when asked to, a page that trains.
"""

import argparse
import contextlib
import importlib.util
import os
import socket
import sys
from pathlib import Path

from npdigits.base.errors import ConfigError
from npdigits.base.paths import resolved
from npdigits.base.program import Parser, exit_code, whole_number
from npdigits.base.terminal import show
from npdigits.config.schema import Config
from npdigits.live.board import Board
from npdigits.live.gate import PAGE, TRAIN, App, ByAddress, Gate, Keys
from npdigits.live.serving import LOOPBACK, check_classroom, host_of, hosts_of, listen, open_browser, serve
from npdigits.live.session import Session
from npdigits.live.settings import check_typed, shown
from npdigits.live.watcher import Watcher
from npdigits.runs.outputs import outputs

PROGRAM = "npdigits.live"
NEEDED = ("starlette", "uvicorn")
# Seconds between two updates: at most ten a second, to a class at most five.
TICK, CLASSROOM_TICK = 0.1, 0.2
PLAIN = "Plain HTTP: who is in this network can read along. It can only be read."


def main() -> None:
    """Serve until Ctrl-C; the exit code is 130 then, 2 for bad input."""
    parser = Parser(
        PROGRAM,
        description="Watch runs, sweeps and races in a browser while they go on; or train there, and see it learn",
    )
    parser.add_argument(
        "what",
        nargs="*",
        type=nonempty,
        metavar="DIR | key=value",
        help="run directories, or folders with any number of them; outputs/ if not given. No link in them is followed. "
        "With key=value, as npdigits has them, a network is trained in the page, which may change settings",
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
    typed = [one for one in chosen.what if "=" in one and not Path(one).is_dir()]
    tops = _folders([Path(one) for one in chosen.what if one not in typed])
    address = _address(chosen)
    config = check_typed(typed) if typed else None
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f'{" and ".join(missing)} not installed: pip install "npdigits[live]"')
    # Who shows a training to a class steers it on this machine.
    places = [(address, chosen.port), *([(LOOPBACK, 0)] if chosen.classroom and typed else [])]
    with contextlib.ExitStack() as opened:
        bound = [opened.enter_context(listen(*place)) for place in places]
        session, board = Session(str((config and config.out_dir()) or "")), Board()
        watcher = Watcher(tops, board, TICK, session.runs)
        shows = [bool(chosen.classroom) and i == 0 for i in range(len(bound))]
        sites = [Site(*pair, TRAIN if typed else PAGE) for pair in zip(bound, shows, strict=True)]
        trains = bool(typed) or not chosen.classroom
        gates = {site.place: site.app(board, watcher, session if trains else None, typed) for site in sites}
        app: App = ByAddress(gates) if len(gates) > 1 else next(iter(gates.values()))

        def ready() -> None:
            if config:
                session.begin([typed], [shown(config)])
            show(f"watching {', '.join(map(str, tops))}{_besides(config, tops)}; Ctrl-C ends it")
            for site in sites:
                show(site.said)
            if chosen.classroom:
                show(PLAIN)
            open_browser(f"{sites[-1].host}/open?once={sites[-1].keys.once}", not chosen.no_browser and _has_screen())

        watcher.start()
        try:
            serve(app, bound, ready)
        finally:
            session.end()
            watcher.stop()
    return 0


class Site:
    """One address at which the server answers.

    Args:
        bound: its socket.
        is_shown: whether it is to be read only, by a class.
        page: the one that is opened first.
    """

    def __init__(self, bound: socket.socket, is_shown: bool, page: str) -> None:
        address, port, *_ = bound.getsockname()
        self.place: tuple[str, int] = (address, port)
        self._is_shown = is_shown
        self.keys = Keys(change="") if self._is_shown else Keys()
        names = [address, *(["localhost"] if address == LOOPBACK else [])]
        self._hosts = {host for name in names for host in hosts_of(name, port)}
        self.host = f"http://{host_of(address, port)}"
        self.said = f"{'to be read only: ' * is_shown}{self.host}{page}?token={self.keys.read}"

    def app(self, board: Board, watcher: Watcher, session: Session | None, typed: list[str]) -> Gate:
        """Return what answers here."""
        from npdigits.live.answers import Answers
        from npdigits.live.steering import Steering

        tick, says = (CLASSROOM_TICK, PLAIN) if self._is_shown else (TICK, "")
        content = {"tick": round(1000 * tick), "says": says}
        steering = None if session is None else (Steering(session, typed, content), bool(typed))
        return Answers(board, watcher, tick, self.keys, says, steering).app(frozenset(self._hosts))


def nonempty(text: str) -> str:
    """Return what was typed; '' would be the working directory."""
    if not text:
        raise argparse.ArgumentTypeError("'': allowed is the name of a folder, or key=value")
    return text


def _folders(given: list[Path]) -> list[Path]:
    """Return the folders to watch. That there are no outputs yet is no mistake: they may come.

    Raises:
        ConfigError: one that was named is not there.
    """
    for folder in given:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: {'no folder' if folder.exists() else 'there is no such folder'}")
    return list(dict.fromkeys(map(resolved, given or [outputs()])))


def _besides(config: Config | None, tops: list[Path]) -> str:
    """Return what is said of a training whose run directory lies in none of the folders."""
    run = resolved(config.out_dir() or outputs()) if config else None
    if run is None or any(run.is_relative_to(top) for top in tops):
        return ""
    return f", and what is trained here{f' in {run}' if config and config.out_dir() else ''}"


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
