"""Who may ask the server what: the gate before all that it answers.

A server on this machine can be reached by every page that is open in a browser here, and by every user of the machine.
So a question must name the host that the server listens on (else a name that was rebound to 127.0.0.1 would do), come
from the server's own page, and bring a token. Who reads brings the reading token: the page's address has it, questions
have it in a header, which no other page can set. Who changes something needs another one, in a header too. There are
no cookies: a browser would send them to every other server on 127.0.0.1.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# The headers that bring the tokens.
READ_HEADER, CHANGE_HEADER = "x-npdigits-token", "x-npdigits-change"
# Where the pages are, of runs and of the training; and where a browser is sent that is opened by the program.
PAGE, TRAIN, OPEN = "/", "/train", "/open"
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


@dataclass
class Keys:
    """What one must know.

    Attributes:
        read: who knows it may read.
        change: who knows it as well may change something; "" where nobody may.
        once: lets one browser in, once: a program's arguments can be seen by every user of the machine, so the one
            that opens a browser does not name the reading token.
    """

    read: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    change: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    once: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def use_once(self, given: str) -> bool:
        """Say whether this lets a browser in, and let no other in by it."""
        if not self.once or not _equal(given, self.once):
            return False
        self.once = ""
        return True


class Gate:
    """Refuses questions, and gives the headers to all answers that say how a browser is to treat them.

    Args:
        app: what answers.
        hosts: by which the server may be asked for: "127.0.0.1:8000".
        keys: what one must know; without ``keys.change`` nothing can be changed.
    """

    def __init__(self, app: App, hosts: frozenset[str], keys: Keys) -> None:
        self._app, self._hosts, self._keys = app, hosts, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                more = {"content-security-policy": POLICY, **HEADERS}
                added = [(name.encode(), value.encode()) for name, value in more.items() if name.encode() not in there]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        refused = self._refuse(scope)
        if refused is None:
            await self._app(scope, receive, with_headers)
            return
        status, why = refused
        body = f"{why}\n".encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await with_headers({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _refuse(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the reason why a question is not answered; None where it is."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        host = headers.get("host", [])
        if len(host) != 1 or host[0].lower() not in self._hosts:
            return 421, "This server is not asked for by that name: see the address that npdigits-live has printed."
        origins = headers.get("origin", [])
        if any(origin.lower() != f"http://{host[0].lower()}" for origin in origins):
            return 403, "Another page may not ask this server."
        reads = scope["method"] in ("GET", "HEAD")
        opens = reads and scope["path"] in (PAGE, TRAIN, OPEN)
        if not _comes_from_here(headers, opens):
            return 403, "Another page may not ask this server."
        if scope["path"] == OPEN and reads:
            return None  # it has a key of its own
        if not self._may_read(scope, headers, opens):
            return 403, "The token is missing or wrong: open the address that npdigits-live has printed."
        if not reads:
            return self._refuse_change(headers, origins)
        return None

    def _may_read(self, scope: Scope, headers: dict[str, list[str]], opens: bool) -> bool:
        given = headers.get(READ_HEADER, [])
        if opens and not given:
            try:
                given = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=8).get("token", [])
            except ValueError:
                return False
        return len(given) == 1 and _equal(given[0], self._keys.read)

    def _refuse_change(self, headers: dict[str, list[str]], origins: list[str]) -> tuple[int, str] | None:
        if not self._keys.change:
            return 403, "This page is to be read only."
        given = headers.get(CHANGE_HEADER, [])
        if not origins or len(given) != 1 or not _equal(given[0], self._keys.change):
            return 403, "Only the page of this server may change something."
        return None


class ByAddress:
    """Lets one application answer at each of several sockets, whatever name a question gives.

    Args:
        apps: of each socket's address and port.
    """

    def __init__(self, apps: Mapping[tuple[str, int], Gate]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[tuple(scope["server"])](scope, receive, send)


def _comes_from_here(headers: dict[str, list[str]], opens: bool) -> bool:
    """Say whether a question comes from the server's own page; a user may open the page from anywhere."""
    site = headers.get("sec-fetch-site", ["none"])
    if site in (["same-origin"], ["none"]):
        return True
    return opens and headers.get("sec-fetch-mode") == ["navigate"] and headers.get("sec-fetch-dest") == ["document"]


def _equal(given: str, expected: str) -> bool:
    """Compare in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
