"""Kinds: pictures of no digit at all. Right is that they are refused."""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from hard.camera import coloured, flat, photographed
from hard.drawing import REFUSED, Draw, Maker, Picture
from hard.glyphs import by_strokes, cut, font_files, ink_of, on_sheet
from hard.tables import cloth, wood
from npdigits.base.arrays import Array

# Letters that are shaped like digits are left out: people do not tell them apart either.
LIKE_DIGITS = "BDGIJOQSZbgiloqsyz"
LETTERS = "".join(letter for letter in map(chr, [*range(65, 91), *range(97, 123)]) if letter not in LIKE_DIGITS)
FIGURES: tuple[list[list[tuple[float, float]]], ...] = (
    [[(5, 0), (10, 9), (0, 9), (5, 0)]],
    [[(0, 0), (9, 0), (9, 9), (0, 9), (0, 0)]],
    [[(5, 0), (8, 10), (0, 4), (10, 4), (2, 10), (5, 0)]],
    [[(0, 6), (3, 10), (10, 0)]],
    [[(0, 0), (10, 10)], [(10, 0), (0, 10)]],
    [[(5, 0), (5, 10)], [(0, 5), (10, 5)]],
    [[(0, 5), (10, 5)], [(6, 1), (10, 5), (6, 9)]],
    [[(5, 10), (0, 4), (1, 1), (3.5, 0.5), (5, 3), (6.5, 0.5), (9, 1), (10, 4), (5, 10)]],
    [[(0, 5), (2, 2), (4, 8), (6, 2), (8, 8), (10, 5)]],
    [[(0, 0), (3, 9), (6, 0), (9, 9), (12, 0)]],
    [[(0, 3), (10, 3)], [(0, 7), (10, 7)]],
    [[(3, 0), (2, 10)], [(8, 0), (7, 10)], [(0, 3), (10, 3)], [(0, 7), (10, 7)]],
)


def shown(draw: Draw, ink: Array) -> Picture:
    """Return a picture of ink that is no digit."""
    scene = coloured(draw, on_sheet(draw, ink, (0.3, 0.8)), draw.chance(0.2))
    return no_digit(photographed(draw, scene, noise=(0.5, 4)) if draw.chance(0.5) else flat(draw, scene))


def no_digit(picture: Picture) -> Picture:
    return Picture(picture.image, REFUSED, picture.ending, picture.options)


def scribble(draw: Draw) -> Picture:
    """A line that goes to and fro: a curve through random places, or a random walk."""
    high, n = draw.between(60, 150), draw.whole(6, 30)
    points = draw.rng.uniform(0, 1, (n, 2)) if draw.chance(0.5) else np.cumsum(draw.rng.normal(0, 1, (n, 2)), axis=0)
    at = np.linspace(0, n - 1, 12 * n)
    line = np.stack([np.interp(at, np.arange(n), points[:, i]) for i in (0, 1)], axis=1)
    line = ndimage.gaussian_filter1d(line, draw.between(2, 7), axis=0)
    line = (line - line.min(axis=0)) / max(float(np.ptp(line, axis=0).max()), 1e-6) * high
    return shown(draw, ink_of([line], high * draw.between(0.03, 0.1)))


def hatching(draw: Draw) -> Picture:
    """Something crossed out: strokes to and fro."""
    n, high = draw.whole(4, 12), draw.between(60, 150)
    x = np.linspace(0, draw.between(0.6, 1.4), 2 * n) + draw.rng.normal(0, 0.02, 2 * n)
    y = np.arange(2 * n) % 2 + draw.rng.normal(0, 0.08, 2 * n)
    return shown(draw, ink_of([np.stack([x, y], axis=1) * high], high * draw.between(0.03, 0.08)))


def blot(draw: Draw) -> Picture:
    """A blot of ink: round, with arms, or several."""
    side = draw.whole(50, 140)
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    radius = np.ones(400)
    for wave in range(1, 9):
        radius += draw.rng.normal(0, 0.5 / wave**0.8) * np.cos(wave * angle + draw.between(0, 2 * np.pi))
    radius = np.maximum(radius, 0.15)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    points = (points - points.min(axis=0)) / np.ptp(points, axis=0).max() * side * 2
    image = Image.new("L", (2 * side + 3, 2 * side + 3))
    pencil = ImageDraw.Draw(image)
    pencil.polygon([(x, y) for x, y in points.tolist()], fill=255)
    for _ in range(draw.whole(0, 5)):
        x, y, size = draw.between(0, 2 * side), draw.between(0, 2 * side), draw.between(0.02, 0.15) * side
        pencil.ellipse((x - size, y - size, x + size, y + size), fill=255)
    return shown(draw, cut(np.asarray(image.resize((side, side), Image.Resampling.BOX)) / 255))


def texture(draw: Draw) -> Picture:
    """A surface: wood, cloth, clouds, grain, stripes, leaves of grass."""
    size, kind = (draw.whole(90, 260), draw.whole(90, 260)), draw.whole(0, 5)
    if kind == 0:
        scene = wood(draw, size)
    elif kind == 1:
        scene = cloth(draw, size)
    else:
        wide = ((1, 1), (6, 6), (1, 14), (14, 1))[kind - 2]
        grain = ndimage.gaussian_filter(draw.rng.normal(0, 1, size), [w * draw.between(0.5, 1.5) for w in wide])
        grain = grain / max(float(grain.std()), 1e-6)
        if draw.chance(0.4):
            grain = np.where(grain > draw.between(0.5, 1.5), 2.0, -1.0)
        scene = np.clip(draw.between(90, 190) + draw.between(15, 60) * grain, 0, 255)[..., None] * draw.rng.uniform(
            0.8, 1, 3
        )
    return no_digit(photographed(draw, scene, noise=(1, 5)))


def sign(draw: Draw, signs: str) -> Picture:
    """A letter or a sign of a font, at times slanted."""
    while True:
        file = font_files()[draw.whole(0, len(font_files()) - 1)]
        font = ImageFont.truetype(file, draw.whole(60, 160))
        image = Image.new("L", (400, 400))
        ImageDraw.Draw(image).text((200, 200), signs[draw.whole(0, len(signs) - 1)], fill=255, font=font, anchor="mm")
        image = image.rotate(draw.between(-10, 10), Image.Resampling.BICUBIC)
        if image.getbbox():
            return shown(draw, cut(np.asarray(image) / 255))


def figure(draw: Draw) -> Picture:
    """A figure drawn by hand: a triangle, a star, a cross, an arrow, a heart, a tick …"""
    high = draw.between(60, 150)
    strokes = FIGURES[draw.whole(0, len(FIGURES) - 1)]
    return shown(draw, by_strokes(draw, strokes, 1.4 * high, high * draw.between(0.05, 0.12)))


KINDS: dict[str, Maker] = {
    "scribble": scribble,
    "hatching": hatching,
    "blot": blot,
    "texture": texture,
    "letters": functools.partial(sign, signs=LETTERS),
    "signs": functools.partial(sign, signs="!?#&%+=*@$<>{}[]()~"),
    "figures": figure,
}
