"""Kinds: a sheet of paper on a table, seen by a camera."""

import functools
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from hard import light
from hard.camera import coloured, photographed
from hard.drawing import Draw, Maker, Picture
from hard.glyphs import written
from npdigits.base.arrays import Array

TOP, RIGHT, BOTTOM, LEFT = range(4)
WOODS = ((120, 82, 52), (150, 110, 72), (90, 58, 38), (176, 140, 98), (70, 48, 36))


class Lying(NamedTuple):
    """How the sheet lies: turned by up to so many degrees, its corners moved by up to a share of the shorter side."""

    turn: float = 4
    perspective: float = 0.0


STRAIGHT = Lying()


def on_table(
    draw: Draw, edges: int, table: str, lying: Lying = STRAIGHT, chalk: bool = False, lit: bool = False
) -> Picture:
    """A sheet with a digit; so many of its edges are seen, and the table beyond them."""
    height, width = draw.whole(200, 420), draw.whole(200, 420)
    seen = _seen(draw, edges)
    # Where the sheet's corners are in the picture, shares of its sides: clockwise from the left of the top.
    inset = [draw.between(0.07, 0.22) if side in seen else -draw.between(0.35, 0.5) for side in range(4)]
    corners = np.array(
        [
            [inset[LEFT], inset[TOP]],
            [1 - inset[RIGHT], inset[TOP]],
            [1 - inset[RIGHT], 1 - inset[BOTTOM]],
            [inset[LEFT], 1 - inset[BOTTOM]],
        ]
    ) * [width, height]
    corners += draw.rng.uniform(-1, 1, (4, 2)) * lying.perspective * min(width, height)
    angle = np.deg2rad(draw.between(-lying.turn, lying.turn))
    middle = np.array([width, height]) / 2
    corners = (corners - middle) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + middle
    ink = _ink(draw, corners, (height, width))
    sheet = coloured(draw, ink, chalk)
    if table == "light":  # and the paper is darker: recycled, or brown
        sheet *= draw.between(0.6, 0.8)
    ground = _table(draw, (height, width), table)
    inside = _polygon(corners, (height, width))
    shadow = 1 - draw.between(0.1, 0.5) * ndimage.gaussian_filter(
        np.roll(inside, (draw.whole(-3, 3), draw.whole(-3, 3)), (0, 1)), 3
    )
    scene = ground * shadow[..., None] * (1 - inside[..., None]) + sheet * inside[..., None]
    bright = (
        light.half_plane(
            draw, (height, width), draw.between(0.3, 0.7), 1.0, draw.between(0.5, 0.8), draw.between(0.5, 30)
        )
        if lit
        else 1.0
    )
    return photographed(draw, scene, bright, noise=(2, 6))


def _seen(draw: Draw, edges: int) -> set[int]:
    """Return which edges are seen; two of them meet."""
    first = draw.whole(0, 3)
    return {(first + i) % 4 for i in range(edges)}


def _ink(draw: Draw, corners: Array, size: tuple[int, int]) -> Array:
    """Return the digit's ink in the picture, near the middle of what is seen of the sheet, as the sheet lies."""
    low, high = np.maximum(corners.min(axis=0), 0), np.minimum(corners.max(axis=0), size[::-1])
    free = min(high - low)
    ink = written(draw, draw.between(0.3, 0.55) * free, "own" if draw.chance(0.5) else "pen")
    room = (min(free, *(high - low)) - max(ink.shape)) / 2
    middle = (low + high) / 2 + draw.rng.uniform(-0.4, 0.4, 2) * room
    # The sheet's own directions at its middle: along its upper edge, and down.
    across = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
    down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    across, down = across / np.hypot(*across), down / np.hypot(*down)
    back = np.linalg.inv(np.stack([across, down], axis=1))
    start = np.array([ink.shape[1], ink.shape[0]]) / 2 - back @ middle
    image = Image.fromarray((ink * 255).astype(np.uint8))
    coefficients = (back[0, 0], back[0, 1], start[0], back[1, 0], back[1, 1], start[1])
    moved = image.transform((size[1], size[0]), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
    return np.asarray(moved) / 255


def _polygon(corners: Array, size: tuple[int, int]) -> Array:
    """Return how much of each pixel is within a convex polygon whose corners are given clockwise."""
    y, x = np.mgrid[: size[0], : size[1]]
    inside = np.full(size, np.inf)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        long = np.hypot(bx - ax, by - ay)
        inside = np.minimum(inside, ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / long)
    share: Array = np.clip(inside + 0.5, 0, 1)
    return share


def _table(draw: Draw, size: tuple[int, int], kind: str) -> Array:
    """Return a table's reflectances: dark, light, middling, of wood, or a cloth with a pattern."""
    if kind == "wood":
        return wood(draw, size)
    if kind == "cloth":
        return cloth(draw, size)
    low, high = {"dark": (15, 70), "middle": (85, 140), "light": (225, 255)}[kind]
    colour = np.clip(draw.between(low, high) * draw.rng.uniform(0.85, 1.15, 3), 0, 255)
    return np.broadcast_to(colour, (*size, 3)).copy()


def wood(draw: Draw, size: tuple[int, int]) -> Array:
    """Return boards of wood: rings that run along them, fine streaks, and gaps between boards."""
    y, x = np.mgrid[: size[0], : size[1]] / max(size)
    if draw.chance(0.5):
        y, x = x, y
    base = np.array(WOODS[draw.whole(0, len(WOODS) - 1)], float)
    bend = ndimage.gaussian_filter(draw.rng.normal(0, 1, size), (12, 40), mode="wrap")
    bend /= max(float(np.ptp(bend)), 1e-6)
    rings = np.sin(2 * np.pi * (y * draw.between(8, 25) + bend * draw.between(1, 5)))
    along = 1 if np.ptp(y[0]) == 0 else 0
    streaks = ndimage.gaussian_filter1d(draw.rng.normal(0, 1, size), 20, axis=along)
    streaks /= max(float(streaks.std()), 1e-6)
    value = 1 + draw.between(0.04, 0.14) * rings + draw.between(0.02, 0.07) * streaks
    if draw.chance(0.5):
        value *= np.where((y * draw.between(2, 5) + draw.between(0, 1)) % 1 < 0.02, 0.5, 1)
    whole: Array = base * value[..., None]
    return whole


def cloth(draw: Draw, size: tuple[int, int]) -> Array:
    """Return a cloth with checks."""
    y, x = np.mgrid[: size[0], : size[1]] / max(size)
    period = draw.between(0.08, 0.2)
    checks = ((x % period < period / 2).astype(float) + (y % period < period / 2)) / 2
    first, second = draw.rng.uniform(30, 120, 3), draw.rng.uniform(80, 190, 3)
    whole: Array = first + (second - first) * checks[..., None]
    return whole


EDGES = {"one": 1, "two": 2, "three": 3, "all": 4}
TURNED, TILTED = Lying(turn=18), Lying(turn=8, perspective=0.06)
KINDS: dict[str, Maker] = {
    **{
        f"table_{edges}_{table}": functools.partial(on_table, edges=n, table=table)
        for edges, n in EDGES.items()
        for table in ("dark", "middle", "light", "wood")
    },
    "table_all_cloth": functools.partial(on_table, edges=4, table="cloth"),
    "table_two_turned": functools.partial(on_table, edges=2, table="dark", lying=TURNED),
    "table_all_turned": functools.partial(on_table, edges=4, table="dark", lying=TURNED),
    "table_two_tilted": functools.partial(on_table, edges=2, table="wood", lying=TILTED),
    "table_all_tilted": functools.partial(on_table, edges=4, table="dark", lying=TILTED),
    "table_all_tilted_wood": functools.partial(on_table, edges=4, table="wood", lying=TILTED),
    "table_one_shadow": functools.partial(on_table, edges=1, table="dark", lit=True),
    "table_two_shadow": functools.partial(on_table, edges=2, table="dark", lit=True),
    "table_all_shadow": functools.partial(on_table, edges=4, table="wood", lit=True),
    "table_two_chalk": functools.partial(on_table, edges=2, table="middle", chalk=True),
    "table_all_chalk": functools.partial(on_table, edges=4, table="light", chalk=True),
}
