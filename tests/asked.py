"""Asking an application of the ASGI kind without a server: exactly these bytes of a request, in this process."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from npdigits.live.gate import App


@dataclass(frozen=True)
class Answer:
    """What was answered; names of headers are in small letters."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Asks an application, with these headers where a question has no others of the names; None leaves one out."""

    def __init__(self, app: App, host: str, headers: dict[str, str] | None = None) -> None:
        self._app, self._headers = app, {"host": host, **(headers or {})}
        self.server = "127.0.0.1", 8000  # the socket that is asked

    def get(self, path: str, headers: dict[str, Any] | None = None) -> Answer:
        return self.request("GET", path, headers)

    def request(self, method: str, path: str, headers: dict[str, Any] | None = None, body: bytes = b"") -> Answer:
        """Return the answer; a header's value may be bytes."""
        asked = self._ask(method, path, {**self._headers, **(headers or {})}, body)
        with ThreadPoolExecutor(1) as thread:  # this one may have Playwright's loop
            return thread.submit(asyncio.run, asked).result()

    async def _ask(self, method: str, path: str, headers: dict[str, Any], body: bytes) -> Answer:
        place, _, query = path.partition("?")
        sent: list[Any] = []
        scope = {
            **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http"},
            **{"path": unquote(place), "raw_path": place.encode(), "root_path": ""},
            "query_string": quote(query, safe="=&%/.,:+-_~").encode(),
            "headers": [
                (name.lower().encode(), value if isinstance(value, bytes) else value.encode())
                for name, value in headers.items()
                if value is not None
            ],
            **{"client": ("127.0.0.1", 1), "server": self.server},
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        head, *bodies = sent
        there = {name.decode().lower(): value.decode() for name, value in head["headers"]}
        return Answer(head["status"], there, b"".join(body.get("body", b"") for body in bodies))
