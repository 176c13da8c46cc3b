"""The server: its socket, and how it is begun and ended."""

import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from npdigits.base.errors import ConfigError
from npdigits.live.gate import App

LOOPBACK = "127.0.0.1"
# The port that an address does not name.
HTTP = 80
# Seconds of silence after which it is asked whether the other end is still there, between two such questions, and how
# many stay without an answer before a connection is given up.
ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
# Questions that are answered at once, of all pages together; more are refused for the moment.
MOST_AT_ONCE = 256
# Bytes of the head of a question.
LONGEST_HEAD = 16384
# Seconds that questions have to be answered after Ctrl-C.
GRACE = 1


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is one that is free.

    Raises:
        ConfigError: the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    try:
        bound = socket.create_server((address, port), family=family, backlog=128)
    except OSError as error:
        where = f"--port {port}" if port else address
        raise ConfigError(f"{where}: {error.strerror}; allowed is a free port of this machine's") from error
    # Connections have it from here. Of a laptop that was closed nothing is heard: its connections would stay for ever.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in ALIVE.items():
        if hasattr(socket, name):
            bound.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return bound


def host_of(address: str, port: int) -> str:
    """Return how a browser names a server: "127.0.0.1:8000", "[fe80::1]:8000"."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def hosts_of(address: str, port: int) -> list[str]:
    """Return all that a browser may name a server: at port 80 also without the port."""
    named = host_of(address, port)
    return [named, named.removesuffix(":80")] if port == HTTP else [named]


def check_classroom(address: str) -> None:
    """Refuse what is no address of a local network.

    Raises:
        ConfigError: says what is allowed.
    """
    allowed = "allowed is an address of this machine in the local network, such as 192.168.1.20"
    try:
        found = ip_address(address)
    except ValueError as error:
        raise ConfigError(f"--classroom {address}: {allowed}") from error
    if found.is_unspecified or found.is_multicast or not found.is_private:
        raise ConfigError(f"--classroom {address}: {allowed}")


def serve(app: App, bound: Sequence[socket.socket], ready: Callable[[], None]) -> None:
    """Answer until Ctrl-C, which then is raised here as everywhere.

    Args:
        app: what answers.
        bound: the sockets.
        ready: called once it answers.
    """
    import uvicorn

    options: dict[str, Any] = {
        **{"log_config": None, "log_level": "critical", "access_log": False},
        **{"server_header": False, "proxy_headers": False, "lifespan": "off", "ws": "none", "loop": "asyncio"},
        **{"http": "h11", "h11_max_incomplete_event_size": LONGEST_HEAD},
        **{"limit_concurrency": MOST_AT_ONCE, "timeout_graceful_shutdown": GRACE},
    }
    ready()
    uvicorn.Server(uvicorn.Config(app, **options)).run(sockets=list(bound))


def open_browser(address: str, can: bool) -> None:
    """Open a browser, where there is a screen for one; what it says or does meanwhile holds nobody up."""
    if can:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
