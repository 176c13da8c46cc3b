"""Light on a page, 0 … 1 of shape (height, width): sun through a window, shadows, lamps."""

import numpy as np
from scipy import ndimage

from hard.drawing import Draw
from npdigits.base.arrays import Array

Size = tuple[int, int]


def third(draw: Draw, size: Size, beside: float, rest: float) -> Array:
    """Return light of two strengths, with a straight border: the third along one side, and the rest."""
    light = np.full(size, rest)
    share, side = draw.between(0.25, 0.38), draw.whole(0, 3)
    wide = round(share * size[side % 2])
    part = slice(None, wide) if side < 2 else slice(-wide, None)
    light[(part, slice(None)) if side % 2 == 0 else (slice(None), part)] = beside
    return light


def half_plane(draw: Draw, size: Size, share: float, lit: float, rest: float, soft: float = 1.0) -> Array:
    """Return light with a border at any angle: ``lit`` on that share of the page, ``rest`` on the other part."""
    y, x = np.mgrid[: size[0], : size[1]]
    angle = draw.between(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    where = np.clip((np.quantile(along, share) - along) / max(soft, 1e-6) + 0.5, 0, 1)
    light: Array = rest + (lit - rest) * where
    return light


def lamp(draw: Draw, size: Size, ambient: float) -> Array:
    """Return a lamp's spot somewhere on the page, with a soft border; the rest has the ambient light."""
    y, x = np.mgrid[: size[0], : size[1]]
    at = draw.between(0.15, 0.85) * size[0], draw.between(0.15, 0.85) * size[1]
    wide = draw.between(0.15, 0.35) * max(size)
    long = draw.between(1, 1.4)
    away = ((y - at[0]) ** 2 + ((x - at[1]) / long) ** 2) / wide**2
    spot = np.exp(-away / 2) if draw.chance(0.6) else 1 / (1 + np.exp((np.sqrt(away) - 1.2) * draw.between(4, 25)))
    light: Array = ambient + (1 - ambient) * spot
    return light


def cast_by_phone(draw: Draw, size: Size, left: float) -> Array:
    """Return light with the soft shadow of a phone: an oblong, turned, that leaves this much of the light."""
    y, x = np.mgrid[: size[0], : size[1]]
    at = draw.between(0.25, 0.75) * size[0], draw.between(0.25, 0.75) * size[1]
    wide = draw.between(0.15, 0.3) * min(size)
    high, angle = wide * draw.between(1.2, 1.9), draw.between(-0.6, 0.6)
    across = (x - at[1]) * np.cos(angle) + (y - at[0]) * np.sin(angle)
    down = (y - at[0]) * np.cos(angle) - (x - at[1]) * np.sin(angle)
    inside = ((abs(across) < wide) & (abs(down) < high)).astype(float)
    light: Array = 1 - (1 - left) * ndimage.gaussian_filter(inside, draw.between(0.008, 0.05) * max(size))
    return light


def cast_by_hand(draw: Draw, size: Size, left: float) -> Array:
    """Return light with a hand's shadow: an arm and fingers that reach in from below."""
    y, x = np.mgrid[: size[0], : size[1]] / max(size)
    bottom, at = size[0] / max(size), draw.between(0.2, 0.8) * size[1] / max(size)
    lean = draw.between(-0.4, 0.4)
    top = draw.between(0.4, 0.7) * bottom
    inside = (abs(x - at - lean * (bottom - y)) < draw.between(0.1, 0.18)) & (y > top)
    for finger in range(4):
        place = at + lean * (bottom - top) + (finger - 1.5) * 0.07
        high = draw.between(0.1, 0.25)
        inside |= (abs(x - place - lean * (top - y)) < 0.028) & (y > top - high) & (y <= top + 0.02)
    light: Array = 1 - (1 - left) * ndimage.gaussian_filter(inside.astype(float), draw.between(0.006, 0.03) * max(size))
    return light


def blinds(draw: Draw, size: Size, left: float) -> Array:
    """Return sun through a blind or a window's bars: stripes of light at any angle."""
    y, x = np.mgrid[: size[0], : size[1]] / max(size)
    angle, period = draw.between(0, np.pi), draw.between(0.2, 0.5)
    phase = ((np.cos(angle) * x + np.sin(angle) * y) / period + draw.between(0, 1)) % 1
    where = (phase < draw.between(0.35, 0.65)).astype(float)
    light: Array = left + (1 - left) * ndimage.gaussian_filter(where, draw.between(0.5, 3))
    return light


def slope(draw: Draw, size: Size, least: float) -> Array:
    """Return light that falls off from one side to the other, to ``least``."""
    y, x = np.mgrid[: size[0], : size[1]]
    angle = draw.between(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    along = (along - along.min()) / np.ptp(along)
    fall: Array = 1 - (1 - least) * along ** draw.between(0.7, 1.5)
    return fall


def vignette(draw: Draw, size: Size, least: float) -> Array:
    """Return light that falls off towards the corners, to ``least``."""
    y, x = (np.linspace(-1, 1, n) for n in size)
    away = (y[:, None] ** 2 + x**2) / 2
    fall: Array = 1 - (1 - least) * away ** draw.between(0.8, 1.5)
    return fall
