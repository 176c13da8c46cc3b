"""Kinds: clean pages, pens, crops, lines, fax – all in even light."""

import functools
import io

import numpy as np
from PIL import Image

from hard.camera import bytes_of, coloured, flat, photographed
from hard.drawing import Draw, Maker, Picture
from hard.glyphs import on_sheet, written
from npdigits.base.arrays import Array

ORIENTATION = 274
# How a picture is turned before it is stored with an orientation, so that it is upright when turned as that says.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def sheet_of(
    draw: Draw, pen: str = "own", low: int = 50, high: int = 180, margins: tuple[float, float] = (0.3, 1.1)
) -> Array:
    """Return the ink of a page with the digit on it."""
    return on_sheet(draw, written(draw, draw.between(low, high), pen), margins)


def clean(draw: Draw, chalk: bool = False, pen: str = "own") -> Picture:
    """A drawing: paper of one value."""
    return flat(draw, coloured(draw, sheet_of(draw, pen), chalk))


def camera(draw: Draw, chalk: bool = False, pen: str = "own") -> Picture:
    """A photograph in even light."""
    return photographed(draw, coloured(draw, sheet_of(draw, pen), chalk))


def small(draw: Draw) -> Picture:
    """A digit of few pixels."""
    return flat(draw, coloured(draw, sheet_of(draw, "own", 14, 34)))


def crop(draw: Draw, margin: int, pen: str, noisy: bool = False, chalk: bool = False) -> Picture:
    """A digit cut out, with so many pixels of paper around it."""
    ink = np.pad(written(draw, draw.between(36, 140), pen), margin)
    scene = coloured(draw, ink, chalk)
    return photographed(draw, scene, noise=(1, 4), blur=(0.3, 0.7)) if noisy else flat(draw, scene)


def ruled(draw: Draw, squared: bool, contrast: tuple[float, float], touching: bool) -> Picture:
    """A digit on lines, or squares, whose darkness is such a share of the ink's."""
    ink = written(draw, draw.between(60, 150), "pen" if draw.chance(0.5) else "own")
    ink = on_sheet(draw, ink, (0.5, 1.2))
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.5), np.flatnonzero(ink.max(axis=0) > 0.5)
    wide = draw.between(1, 2.6)
    lines = np.zeros_like(ink)
    for axis, at in enumerate((rows, columns) if squared else (rows,)):
        long = at[-1] - at[0] + 1
        if touching:
            gap = draw.between(0.35, 0.8) * len(rows) if squared else draw.between(0.8, 1.5) * len(rows)
            first = at[0] + draw.between(0, min(gap, long))
        else:
            room = max(4.0, 0.06 * len(rows)) + wide
            gap = max(len(rows), len(columns)) * draw.between(1.05, 1.5) + 2 * room
            first = at[0] - room - draw.between(0, max(gap - long - 2 * room, 0))
        n = ink.shape[axis]
        for place in np.arange(first % gap - gap, n + gap, gap):
            line = np.clip(wide / 2 + 0.5 - abs(np.arange(n) - place), 0, 1)
            lines = np.maximum(lines, line[:, None] if axis == 0 else line[None, :])
    lines = lines * draw.between(*contrast)
    scene = coloured(draw, np.maximum(ink, lines))
    return photographed(draw, scene, noise=(0.5, 4)) if draw.chance(0.5) else flat(draw, scene)


def fax(draw: Draw, form: str, down: float) -> Picture:
    """A digit sent by fax: black and white, 204 dots an inch across and this share of them down."""
    ink = sheet_of(draw, "pen" if draw.chance(0.5) else "own", 60, 160)
    noise = draw.rng.normal(0, 0.12, ink.shape)
    image = Image.fromarray(np.where(ink + noise > 0.5, 0, 255).astype(np.uint8))
    image = image.resize((image.width, round(image.height * down)), Image.Resampling.BOX)
    image = image.point(lambda value: 255 if value > 127 else 0).convert("1")
    dpi = (204, round(204 * down))
    if form == "tif":
        return Picture(image, draw.label, "tif", {"compression": "group4", "dpi": dpi})
    return Picture(image, draw.label, "png", {"dpi": dpi} if form == "png" else {})


def tiff(draw: Draw, orientation: int, compression: str = "raw") -> Picture:
    """A scan as TIFF, whose rows are stored in another order than they are to be seen."""
    picture = camera(draw)
    image = picture.image
    if orientation in STORED:
        image = image.transpose(STORED[orientation])
    content = io.BytesIO()
    image.save(content, "TIFF", compression=compression, tiffinfo={ORIENTATION: orientation})
    return Picture(picture.image, draw.label, "tif", content=content.getvalue())


def exif(draw: Draw) -> Picture:
    """A photograph that a phone has stored lying on its side."""
    picture, orientation = camera(draw), draw.whole(2, 8)
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    content = io.BytesIO()
    picture.image.transpose(STORED[orientation]).save(content, "JPEG", quality=90, exif=tags)
    return Picture(picture.image, draw.label, "jpg", content=content.getvalue())


def dithered(draw: Draw, ordered: bool) -> Picture:
    """A photograph of one bit a pixel: its greys are patterns of dots."""
    scene = coloured(draw, sheet_of(draw, "own", 70, 180), draw.chance(0.2))
    y, x = np.mgrid[: scene.shape[0], : scene.shape[1]] / max(scene.shape)
    light = draw.between(0.75, 1) - draw.between(0, 0.35) * (x if draw.chance(0.5) else y)
    grey = bytes_of(photographed_grey(draw, scene, light))
    if ordered:
        bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8
        rows, columns = (-(-n // 4) for n in grey.shape)
        pattern = np.tile(bayer, (rows, columns))[: grey.shape[0], : grey.shape[1]]
        return Picture(Image.fromarray(grey > pattern), draw.label)
    return Picture(Image.fromarray(grey).convert("1"), draw.label)


def photographed_grey(draw: Draw, scene: Array, light: Array) -> Array:
    """Return a scene in shades of grey, in this light, with a little noise."""
    grey: Array = scene.mean(axis=2) * light + draw.rng.normal(0, draw.between(1, 4), light.shape)
    return grey


def pencil(draw: Draw) -> Picture:
    """A faint pencil: little contrast."""
    ink = sheet_of(draw, "pen") * draw.between(0.3, 0.5)
    return photographed(draw, coloured(draw, ink), noise=(0.5, 3))


def with_alpha(draw: Draw) -> Picture:
    """Ink on transparent ground, as drawing programs leave it."""
    ink = sheet_of(draw)
    dark = draw.chance(0.5)
    values = np.full((*ink.shape, 4), 0 if dark else 255, np.uint8)
    values[..., 3] = bytes_of(255 * ink)
    return Picture(Image.fromarray(values), draw.label)


KINDS: dict[str, Maker] = {
    "clean": clean,
    "clean_chalk": functools.partial(clean, chalk=True),
    "clean_thin": functools.partial(clean, pen="thin"),
    "clean_marker": functools.partial(clean, pen="marker"),
    "clean_small": small,
    "camera": camera,
    "camera_chalk": functools.partial(camera, chalk=True),
    "camera_thin": functools.partial(camera, pen="thin"),
    "camera_marker": functools.partial(camera, pen="marker"),
    "pencil": pencil,
    "transparent": with_alpha,
    **{f"crop_{margin}": functools.partial(crop, margin=margin, pen="own") for margin in (0, 2, 4)},
    **{f"crop_{margin}_pen": functools.partial(crop, margin=margin, pen="pen") for margin in (0, 2, 4)},
    **{f"crop_{margin}_marker": functools.partial(crop, margin=margin, pen="marker") for margin in (0, 2, 4, 6)},
    "crop_2_camera": functools.partial(crop, margin=2, pen="own", noisy=True),
    "crop_2_marker_camera": functools.partial(crop, margin=2, pen="marker", noisy=True),
    "crop_2_chalk": functools.partial(crop, margin=2, pen="own", chalk=True),
    "crop_2_marker_chalk": functools.partial(crop, margin=2, pen="marker", chalk=True),
    "ruled_faint": functools.partial(ruled, squared=False, contrast=(0.15, 0.5), touching=True),
    "squared_faint": functools.partial(ruled, squared=True, contrast=(0.15, 0.5), touching=True),
    "ruled_dark": functools.partial(ruled, squared=False, contrast=(0.8, 1.0), touching=False),
    "squared_dark": functools.partial(ruled, squared=True, contrast=(0.8, 1.0), touching=False),
    "ruled_dark_touching": functools.partial(ruled, squared=False, contrast=(0.75, 0.95), touching=True),
    "squared_dark_touching": functools.partial(ruled, squared=True, contrast=(0.75, 0.95), touching=True),
    "ruled_same_touching": functools.partial(ruled, squared=False, contrast=(0.95, 1.0), touching=True),
    "squared_same_touching": functools.partial(ruled, squared=True, contrast=(0.95, 1.0), touching=True),
    "fax_196": functools.partial(fax, form="png", down=0.96),
    "fax_98": functools.partial(fax, form="png", down=0.48),
    "fax_98_tiff": functools.partial(fax, form="tif", down=0.48),
    "fax_98_unsaid": functools.partial(fax, form="", down=0.48),
    "dithered": functools.partial(dithered, ordered=False),
    "dithered_ordered": functools.partial(dithered, ordered=True),
    **{f"tiff_{orientation}": functools.partial(tiff, orientation=orientation) for orientation in range(1, 9)},
    "tiff_6_lzw": functools.partial(tiff, orientation=6, compression="tiff_lzw"),
    "jpeg_turned": exif,
}
