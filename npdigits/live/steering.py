"""What the server answers about the training: what is seen of it, a digit read, and what is ordered.

Whoever may read sees it and may draw; the gate lets nobody order who has not the token of changes.
"""

import base64
import binascii
import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from npdigits.base.errors import ConfigError, UserError
from npdigits.base.kinds import short_repr
from npdigits.base.strict import parse_json
from npdigits.base.text import join_lines, printable
from npdigits.live.gate import TRAIN
from npdigits.live.page import training_page
from npdigits.live.session import BEGINNING, Session
from npdigits.live.settings import check_typed, described, networks_of, shown
from npdigits.live.tempo import BATCH, EPOCH, GO, PAUSE

# Bytes of an order, and letters of a digit that was drawn: 64 × 64 pixels.
MOST_BYTES, MOST_LETTERS = 8192, 5464
# Batches a second.
SLOWEST, FASTEST = 0.1, 10_000
HIGHEST = 10**12


class Steering:
    """Answers about a session.

    Args:
        session: the training.
        typed: the overrides of the command line.
        content: what the page is told at once.
    """

    def __init__(self, session: Session, typed: Sequence[str], content: dict[str, Any]) -> None:
        self._session, self._typed = session, typed
        self._page, self._policy = training_page(
            {**content, "speed": BEGINNING, "fields": described(), "settings": shown(check_typed(typed))}
        )

    def routes(self) -> list[Route]:
        """Return what is answered where."""
        return [
            Route(TRAIN, self._show_page),
            Route("/training", self._look),
            Route("/training/read", self._read),
            Route("/training/begin", functools.partial(_act, self._begin), methods=["POST"]),
            Route("/training/order", functools.partial(_act, self._order), methods=["POST"]),
        ]

    def _show_page(self, request: Request) -> Response:
        return Response(
            self._page, media_type="text/html; charset=utf-8", headers={"content-security-policy": self._policy}
        )

    def _look(self, request: Request) -> Response:
        """Answer what has changed: "points" is of each network "SERIES.COUNT", with commas between."""
        asked = request.query_params
        parts = [part.split(".") for part in asked.get("points", "")[:200].split(",") if part]
        points = [(_whole(part[0]), _whole(part[-1])) for part in parts]
        answer = self._session.answer(asked.get("training", ""), _whole(asked.get("since", "")), points)
        return Response(status_code=204) if answer is None else Response(answer, media_type="application/json")

    def _read(self, request: Request) -> Response:
        """Answer what the networks say of a digit: "image" is its pixels' bytes in base64."""
        image = request.query_params.get("image", "")
        try:
            if not 0 < len(image) <= MOST_LETTERS:
                raise ValueError
            base64.b64decode(image, validate=True)
        except (ValueError, binascii.Error):
            return _refused(f"image={short_repr(image)}: allowed are the pixels' bytes in base64")
        return Response(json.dumps(self._session.read(image), allow_nan=False), media_type="application/json")

    def _begin(self, asked: Any) -> None:
        """Begin a training with the settings of {"networks": [{key: value}, …]}."""
        (networks,) = _values(asked, "networks")
        self._session.begin(*networks_of(self._typed, networks))

    def _order(self, asked: Any) -> None:
        """Do {"do": "go"}, "pause", "batch" or "epoch"; or {"speed": batches a second}, null for as fast as it goes."""
        if isinstance(asked, dict) and "speed" in asked:
            (speed,) = _values(asked, "speed")
            if speed is not None and not (type(speed) in (int, float) and SLOWEST <= speed <= FASTEST):
                allowed = f"null, or a number from {SLOWEST:g} to {FASTEST:,} batches a second"
                raise ConfigError(f"speed={short_repr(speed)}: allowed is {allowed}")
            self._session.set_speed(speed)
            return
        (what,) = _values(asked, "do")
        if what not in (GO, PAUSE, BATCH, EPOCH):
            raise ConfigError(f"do={short_repr(what)}: allowed is {GO}, {PAUSE}, {BATCH} or {EPOCH}")
        self._session.order(what)


async def _act(act: Callable[[Any], None], request: Request) -> Response:
    """Do what the body of a request orders; 400 says in one line why not."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return _refused(f"allowed are at most {MOST_BYTES:,} bytes", 413)
    try:
        asked = parse_json(body)
    except ValueError as error:
        return _refused(f"no JSON as allowed: {error}")
    try:
        await run_in_threadpool(act, asked)
    except UserError as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"{error.filename or 'starting'}: {error.strerror}", 500)
    return Response(status_code=204)


def _values(asked: Any, *names: str) -> list[Any]:
    """Return the values of an order that has these names and no others.

    Raises:
        ConfigError: it has not.
    """
    if not isinstance(asked, dict) or asked.keys() != set(names):
        raise ConfigError(f"{short_repr(asked)}: allowed is a table with {', '.join(names)}")
    return [asked[name] for name in names]


def _refused(why: str, status: int = 400) -> Response:
    return PlainTextResponse(f"{printable(join_lines(why))}\n", status)


def _whole(text: str) -> int:
    return min(int(text), HIGHEST) if text.isascii() and text.isdigit() and len(text) < 15 else 0
