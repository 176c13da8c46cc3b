"""Kinds: light and shadow on the page, and what lies beside the digit."""

import functools
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from hard import light
from hard.camera import blended, coloured, flat, photographed
from hard.drawing import Draw, Maker, Picture
from hard.pages import sheet_of
from npdigits.base.arrays import Array

Cast = Callable[[Draw, light.Size], Array]


def lit(draw: Draw, cast: Cast, chalk: bool = False, noise: tuple[float, float] = (1, 5)) -> Picture:
    """A page in such light."""
    pen = "thin" if draw.chance(0.2) else "own" if draw.chance(0.6) else "pen"
    ink = sheet_of(draw, pen, 50, 150, (0.4, 1.3))
    return photographed(draw, coloured(draw, ink, chalk), cast(draw, ink.shape), noise)


def lit_flat(draw: Draw, cast: Cast) -> Picture:
    """The same without noise: two values of paper."""
    ink = sheet_of(draw, "own", 50, 150, (0.4, 1.3))
    return flat(draw, coloured(draw, ink) * cast(draw, ink.shape)[..., None])


def hard_shadow(draw: Draw, size: light.Size) -> Array:
    return light.half_plane(draw, size, draw.between(0.2, 0.8), 1.0, draw.between(0.4, 0.8), draw.between(0.5, 3))


def part(draw: Draw, size: light.Size, rest: float) -> Array:
    """Return sun on a fifth to a half of the page, at any angle."""
    return light.half_plane(draw, size, draw.between(0.2, 0.5), 1.0, rest, draw.between(0.5, 3))


def corner(draw: Draw, size: light.Size) -> Array:
    """Return two shadows with hard edges, one over the other."""
    return np.minimum(hard_shadow(draw, size), hard_shadow(draw, size))


def stripe(draw: Draw, lighter: bool, noisy: bool) -> Picture:
    """A digit on grey with a stripe along one side, lighter or darker than the paper."""
    ink = sheet_of(draw, "own", 50, 150, (0.4, 0.9))
    paper = np.full(3, draw.between(110, 190) if lighter else draw.between(190, 255))
    scene = blended(ink, paper, np.full(3, draw.between(0, 40)))
    side, value = draw.whole(0, 3), draw.between(245, 255) if lighter else draw.between(20, 150)
    free = _free(ink, side)
    wide = max(2, round(min(draw.between(0.05, 0.3) * ink.shape[side % 2], draw.between(0.5, 1.05) * free)))
    where = slice(None, wide) if side < 2 else slice(-wide, None)
    scene[(where, slice(None)) if side % 2 == 0 else (slice(None), where)] = value
    return photographed(draw, scene, noise=(1, 4)) if noisy else flat(draw, scene)


def _free(ink: Array, side: int) -> int:
    """Return how wide the paper beside the digit is: above, left, below, right of it."""
    lines = np.flatnonzero(ink.max(axis=1 - side % 2) > 0.5)
    return int(lines[0]) if side < 2 else int(ink.shape[side % 2] - 1 - lines[-1])


def thing(draw: Draw, lighter: bool) -> Picture:
    """A page with a thing on it beside the digit: a card, a coin, an eraser, a note."""
    ink = sheet_of(draw, "own", 50, 130, (0.9, 1.5))
    scene = coloured(draw, ink) if not lighter else blended(ink, np.full(3, draw.between(120, 190)), np.full(3, 25.0))
    side = draw.whole(0, 3)
    free, n = _free(ink, side), ink.shape[1 - side % 2]
    high, wide = free * draw.between(0.35, 0.75), n * draw.between(0.15, 0.5)
    at = free / 2 if side < 2 else ink.shape[side % 2] - free / 2
    along = draw.between(wide / 2, n - wide / 2)
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    down, across = (y, x) if side % 2 == 0 else (x, y)
    if draw.chance(0.4):
        inside = ((down - at) / high * 2) ** 2 + ((across - along) / wide * 2) ** 2 < 1
    else:
        lean = draw.between(-0.15, 0.15)
        inside = (abs(down - at - lean * (across - along)) < high / 2) & (abs(across - along) < wide / 2)
    colour = draw.rng.uniform(225, 255, 3) if lighter else draw.rng.uniform(20, 130, 3)
    shadow = 1 - 0.4 * ndimage.gaussian_filter(np.roll(inside, (2, 2), (0, 1)).astype(float), 3)
    scene = np.where(inside[..., None], colour, scene * shadow[..., None])
    return photographed(draw, scene, noise=(0.5, 4))


def pen_beside(draw: Draw) -> Picture:
    """A pen that lies beside the digit and reaches in from an edge."""
    ink = sheet_of(draw, "own", 50, 130, (0.7, 1.4))
    scene, side = coloured(draw, ink), draw.whole(0, 3)
    free, n = _free(ink, side), ink.shape[1 - side % 2]
    wide, reach = draw.between(0.15, 0.35) * free, draw.between(0.5, 0.95) * n
    lean = draw.between(-0.5, 0.5) * free / n
    at = free / 2 if side < 2 else ink.shape[side % 2] - free / 2
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    down, across = (y, x) if side % 2 == 0 else (x, y)
    inside = (abs(down - at - lean * (across - n / 2)) < wide / 2) & (across < reach)
    shadow = 1 - 0.35 * ndimage.gaussian_filter(np.roll(inside, (3, 3), (0, 1)).astype(float), 3)
    scene = np.where(inside[..., None], draw.rng.uniform(20, 120, 3), scene * shadow[..., None])
    return photographed(draw, scene, noise=(0.5, 4))


def _strong(cast: Callable[..., Array], low: float, high: float) -> Cast:
    return lambda draw, size: cast(draw, size, draw.between(low, high))


def _third(rest: float, beside: float = 1.0) -> Cast:
    return lambda draw, size: light.third(draw, size, beside, rest)


def _part(rest: float) -> Cast:
    return lambda draw, size: part(draw, size, rest)


RESTS = (0.75, 0.6, 0.5)
KINDS: dict[str, Maker] = {
    **{f"shaded_third_{100 * rest:.0f}": functools.partial(lit, cast=_third(1.0, rest)) for rest in RESTS},
    **{f"sunlit_third_{100 * rest:.0f}": functools.partial(lit, cast=_third(rest)) for rest in RESTS},
    **{f"sunlit_third_{100 * rest:.0f}_flat": functools.partial(lit_flat, cast=_third(rest)) for rest in RESTS},
    **{f"sunlit_part_{100 * rest:.0f}": functools.partial(lit, cast=_part(rest)) for rest in RESTS},
    **{f"sunlit_third_{100 * rest:.0f}_chalk": functools.partial(lit, cast=_third(rest), chalk=True) for rest in RESTS},
    "hard_shadow": functools.partial(lit, cast=hard_shadow),
    "hard_shadow_flat": functools.partial(lit_flat, cast=hard_shadow),
    "hard_shadow_noisy": functools.partial(lit, cast=hard_shadow, noise=(5, 10)),
    "hard_shadow_chalk": functools.partial(lit, cast=hard_shadow, chalk=True),
    "two_shadows": functools.partial(lit, cast=corner),
    "lamp": functools.partial(lit, cast=_strong(light.lamp, 0.4, 0.7)),
    "lamp_chalk": functools.partial(lit, cast=_strong(light.lamp, 0.4, 0.7), chalk=True),
    "phone_shadow": functools.partial(lit, cast=_strong(light.cast_by_phone, 0.45, 0.8)),
    "phone_shadow_chalk": functools.partial(lit, cast=_strong(light.cast_by_phone, 0.45, 0.8), chalk=True),
    "hand_shadow": functools.partial(lit, cast=_strong(light.cast_by_hand, 0.45, 0.8)),
    "blinds": functools.partial(lit, cast=_strong(light.blinds, 0.5, 0.8)),
    "slope": functools.partial(lit, cast=_strong(light.slope, 0.3, 0.7)),
    "vignette": functools.partial(lit, cast=_strong(light.vignette, 0.3, 0.7)),
    "white_stripe": functools.partial(stripe, lighter=True, noisy=False),
    "white_stripe_camera": functools.partial(stripe, lighter=True, noisy=True),
    "dark_stripe": functools.partial(stripe, lighter=False, noisy=False),
    "dark_stripe_camera": functools.partial(stripe, lighter=False, noisy=True),
    "light_thing": functools.partial(thing, lighter=True),
    "dark_thing": functools.partial(thing, lighter=False),
    "pen_beside": pen_beside,
}
