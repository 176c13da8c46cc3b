"""From ink to a photograph: paper and pens of many colours, light, blur, noise, JPEG."""

import numpy as np
from PIL import Image
from scipy import ndimage

from hard.drawing import Draw, Picture
from npdigits.base.arrays import Array

# Reflectances, red, green, blue: white, cream, yellow, blue, pink, recycled grey, brown.
PAPERS = (
    *((246, 246, 244), (250, 250, 250), (240, 232, 214), (244, 236, 170), (214, 226, 240), (244, 218, 222)),
    *((205, 203, 196), (196, 164, 122)),
)
# Black, blue, dark red, green, pencil.
INKS = ((25, 25, 30), (28, 40, 120), (130, 20, 30), (15, 80, 45), (85, 85, 88))
BOARDS = ((30, 30, 32), (38, 62, 50), (24, 36, 52), (12, 12, 12))
CHALKS = ((235, 235, 230), (240, 230, 170), (255, 255, 255))


def coloured(draw: Draw, ink: Array, chalk: bool = False) -> Array:
    """Return a sheet with ink as reflectances of 0 … 255, shape (height, width, 3); with chalk it is a dark board."""
    papers, pens = (BOARDS, CHALKS) if chalk else (PAPERS, INKS)
    paper = np.array(papers[draw.whole(0, len(papers) - 1)], float)
    pen = np.array(pens[draw.whole(0, len(pens) - 1)], float)
    if draw.chance(0.4):  # plain grey, as scanners and many programs make it
        paper[:], pen[:] = paper.mean(), pen.mean()
    return blended(ink, paper, pen)


def blended(ink: Array, paper: Array, pen: Array) -> Array:
    """Return reflectances where ink covers paper."""
    whole: Array = paper * (1 - ink[..., None]) + pen * ink[..., None]
    return whole


def photographed(
    draw: Draw,
    scene: Array,
    light: Array | float = 1.0,
    noise: tuple[float, float] = (1, 5),
    blur: tuple[float, float] = (0.3, 1.0),
) -> Picture:
    """Return a camera's picture of a scene: in light of 0 … 1, blurred, noisy, at times as JPEG or in grey."""
    light = np.asarray(light)
    values = scene * (light[..., None] if light.ndim == 2 else light)
    wide = draw.between(*blur)
    values = ndimage.gaussian_filter(values, (wide, wide, 0))
    grain = draw.between(*noise)
    values = (
        values + draw.rng.normal(0, grain, values.shape[:2])[..., None] + draw.rng.normal(0, grain / 2, values.shape)
    )
    return stored(draw, bytes_of(values))


def flat(draw: Draw, scene: Array) -> Picture:
    """Return the scene itself, as a program draws it."""
    return stored(draw, bytes_of(scene), jpeg=0)


def stored(draw: Draw, values: Array, jpeg: float = 0.5) -> Picture:
    """Return a picture as a file: half of them in shades of grey, a share as JPEG."""
    image = Image.fromarray(values)
    if draw.chance(0.5):
        image = image.convert("L")
    if draw.chance(jpeg):
        return Picture(image, draw.label, "jpg", {"quality": draw.whole(70, 95)})
    return Picture(image, draw.label)


def bytes_of(values: Array) -> Array:
    """Return values as bytes."""
    whole: Array = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return whole
