"""What the server answers: the page, what has changed, and a folder's table."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from npdigits.live.board import KINDS, SORTS, Board, View
from npdigits.live.curve import Curves
from npdigits.live.gate import OPEN, PAGE, TRAIN, Gate, Keys
from npdigits.live.page import page
from npdigits.live.steering import Steering
from npdigits.live.table import Tables
from npdigits.live.watcher import Watcher

# Curves that one page may have at once.
MOST_CURVES = 6
# No version and no number of points is higher.
HIGHEST = 10**12


class Answers:
    """Answers from what the board shows now; each is made in a thread of its own.

    Args:
        board, watcher: of the runs.
        tick: seconds that a page waits at least between two questions.
        keys: what one must know.
        says: what the page says of itself: "" or that it is shown to a class.
        steering: answers about the training, and whether it is what was asked for; None where there is none.
    """

    def __init__(
        self,
        board: Board,
        watcher: Watcher,
        tick: float,
        keys: Keys,
        says: str = "",
        steering: tuple[Steering, bool] | None = None,
    ) -> None:
        self._board, self._watcher, self._keys = board, watcher, keys
        self._curves, self._tables = Curves(tick), Tables()
        self._steering = steering
        content = {
            "trains": TRAIN if steering else "",
            "tick": round(1000 * tick),
            "says": says,
            "kinds": list(KINDS),
            "sorts": SORTS,
            "curves": MOST_CURVES,
        }
        self._page, self._policy = page(content)

    def app(self, hosts: frozenset[str]) -> Gate:
        """Return the application, behind its gate."""
        routes = [
            Route(PAGE, self._show_page),
            Route(OPEN, self._open),
            Route("/events", self._events),
            Route("/table", self._table),
            Route("/session", self._session),
            *(self._steering[0].routes() if self._steering else []),
        ]
        return Gate(Starlette(routes=routes), hosts, self._keys)

    def _show_page(self, request: Request) -> Response:
        return Response(
            self._page, media_type="text/html; charset=utf-8", headers={"content-security-policy": self._policy}
        )

    def _open(self, request: Request) -> Response:
        """Send the browser that the program has opened to the page; nobody else, and not twice."""
        if not self._keys.use_once(request.query_params.get("once", "")):
            return PlainTextResponse("Used before: open the address that npdigits-live has printed.\n", 403)
        first = TRAIN if self._steering and self._steering[1] else PAGE
        return RedirectResponse(f"{first}?token={self._keys.read}", 303)

    def _session(self, request: Request) -> Response:
        """Tell the page what it needs to change something; "" where nobody may."""
        return _json({"change": self._keys.change})

    def _events(self, request: Request) -> Response:
        """Answer what has changed: rows of the list, and points of curves."""
        self._watcher.asked()
        asked = request.query_params
        view = View(
            group=asked.get("group", ""),
            kind=_one_of(asked.get("kind"), tuple(KINDS)),
            sort=_one_of(asked.get("sort"), SORTS),
            sheet=_whole(asked.get("sheet")),
        )
        known = _whole(asked.get("since"))
        if known and asked.get("server") != self._board.name:  # another one has answered before
            known = 0
        answer = self._board.since(known, view)
        curves, gone = self._curves_since(asked)
        if answer is None and not curves and not gone:
            return Response(status_code=204)
        return _json({"server": self._board.name, **(answer or {}), "curves": curves, "gone": gone})

    def _curves_since(self, asked: QueryParams) -> tuple[dict[str, Any], list[str]]:
        """Return new points of the curves that were asked for, "ID.KEY.KNOWN,ID.KEY.KNOWN"; and whose runs are gone."""
        found = {}
        parts = [part.split(".") for part in asked.get("curves", "")[:1000].split(",") if part]
        known = {part[0]: (part[1], _whole(part[2])) for part in parts[:MOST_CURVES] if len(part) == 3}
        there = self._board.known(known)
        for run in there:
            if (news := self._curves.since(run, *known[run.id])) is not None:
                found[run.id] = {**news, "row": run.row}
        return found, sorted(known.keys() - {run.id for run in there})

    def _table(self, request: Request) -> Response:
        """Answer the table of a folder, as far as it was made."""
        group = self._board.groups.get(request.query_params.get("group", ""))
        if group is None:
            return PlainTextResponse("There is no such folder.\n", 404)
        race = group.path.parent if group.kind == "race" else None
        return _json(self._tables.of(group.id, self._board.members(group.id), race))


def _json(content: Any) -> Response:
    return Response(json.dumps(content, allow_nan=False, separators=(",", ":")), media_type="application/json")


def _whole(text: str | None) -> int:
    """Return a whole number from 0; 0 for all else."""
    return min(int(text), HIGHEST) if text and text.isascii() and text.isdigit() and len(text) < 15 else 0


def _one_of(text: str | None, allowed: tuple[str, ...]) -> str:
    return text if text in allowed else allowed[0]
