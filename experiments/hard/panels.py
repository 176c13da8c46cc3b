"""Kinds: a digit on a panel within a page: what imshow saves, screenshots, labels, screens."""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hard.camera import blended, flat, photographed, stored
from hard.drawing import Draw, Maker, Picture
from hard.glyphs import font_files, placed, written
from npdigits.base.arrays import Array


def panel(draw: Draw, chalk: bool = True, noisy: bool = False, share: tuple[float, float] = (0.25, 0.8)) -> Picture:
    """A digit on a panel of its own colour: light on dark in a light page, or the other way about."""
    side = draw.whole(80, 320)
    size = side, round(side * draw.between(0.75, 1.35))
    high = max(36, round(min(size) * draw.between(*share)))
    wide = min(round(high * draw.between(0.8, 1.3)), size[1] - 8)
    inner = _on_panel(draw, (high, wide), chalk)
    light, dark = draw.between(215, 255), draw.between(0, 45)
    scene = np.full((*size, 3), light if chalk else dark)
    if draw.chance(0.4):
        scene *= draw.rng.uniform(0.9, 1, 3)
    top, left = draw.whole(4, size[0] - high - 4), draw.whole(4, size[1] - wide - 4)
    scene[top : top + high, left : left + wide] = inner
    return photographed(draw, scene, noise=(1, 4)) if noisy else flat(draw, scene)


def _on_panel(draw: Draw, size: tuple[int, int], chalk: bool) -> Array:
    """Return a panel with the digit, reflectances of shape (height, width, 3)."""
    ink = written(draw, draw.between(0.5, 0.8) * min(size), "own" if draw.chance(0.7) else "pen")
    ink = placed(ink, size, (draw.between(0.42, 0.58), draw.between(0.42, 0.58)))
    dark, light = np.full(3, draw.between(0, 40)), np.full(3, draw.between(220, 255))
    return blended(ink, dark, light) if chalk else blended(ink, light, dark)


def imshow(draw: Draw, chalk: bool = True, axes: bool = True) -> Picture:
    """What matplotlib saves of an MNIST image: a panel of large pixels, an axis with ticks and numbers, a title."""
    zoom = draw.whole(5, 11)
    image = draw.digit if chalk else 255 - draw.digit
    if draw.chance(0.5):
        inner = np.kron(image, np.ones((zoom, zoom), np.uint8))
    else:
        inner = np.asarray(Image.fromarray(image).resize((28 * zoom, 28 * zoom), Image.Resampling.BICUBIC))
    side = len(inner)
    pad = round(draw.between(0.12, 0.3) * side) + 18
    width = side + 2 * pad if draw.chance(0.5) else round((side + 2 * pad) * 4 / 3)
    page = Image.new("L", (width, side + 2 * pad), 255)
    left = (width - side) // 2
    page.paste(Image.fromarray(inner), (left, pad))
    pencil, font = ImageDraw.Draw(page), ImageFont.truetype(font_files()[0], max(8, round(0.045 * side)))
    if axes:
        pencil.rectangle((left - 1, pad - 1, left + side, pad + side), outline=0)
        for tick in range(0, 28, 5):
            at = round((tick + 0.5) * zoom)
            pencil.line((left + at, pad + side, left + at, pad + side + 4), fill=0)
            pencil.text((left + at, pad + side + 6), str(tick), fill=0, font=font, anchor="mt")
            pencil.line((left - 5, pad + at, left - 1, pad + at), fill=0)
            pencil.text((left - 7, pad + at), str(tick), fill=0, font=font, anchor="rm")
    if draw.chance(0.5):
        title = ("label: " + draw.label, "a digit", "Figure", "prediction")[draw.whole(0, 3)]
        pencil.text((width // 2, pad - 5), title, fill=0, font=font, anchor="mb")
    return stored(draw, np.repeat(np.asarray(page)[..., None], 3, axis=2), jpeg=0.3)


def screenshot(draw: Draw, chalk: bool = True) -> Picture:
    """A window of a drawing program: a bar with a title, a canvas, a button, some text."""
    width, height = draw.whole(220, 420), draw.whole(240, 440)
    page = Image.new("RGB", (width, height), tuple(draw.rng.integers(228, 256, 3).tolist()))
    pencil, font = ImageDraw.Draw(page), ImageFont.truetype(font_files()[0], draw.whole(9, 13))
    bar = draw.whole(16, 26)
    pencil.rectangle((0, 0, width, bar), fill=tuple(draw.rng.integers(150, 235, 3).tolist()))
    pencil.text((8, bar // 2), "Draw a digit", fill=(40, 40, 40), font=font, anchor="lm")
    side = round(min(width, height - bar - 60) * draw.between(0.6, 0.9))
    left, top = (width - side) // 2, bar + draw.whole(8, 20)
    panel = _on_panel(draw, (side, side), chalk)
    page.paste(Image.fromarray(np.rint(panel).astype(np.uint8)), (left, top))
    if not chalk:
        pencil.rectangle((left, top, left + side, top + side), outline=(120, 120, 120))
    low = top + side + 10
    pencil.rounded_rectangle((left, low, left + 64, low + 22), 4, fill=(70, 120, 200))
    pencil.text(
        (left + 32, low + 11), ("Clear", "Predict", "Send")[draw.whole(0, 2)], fill="white", font=font, anchor="mm"
    )
    if draw.chance(0.5):
        pencil.text((left + 76, low + 11), "with the mouse", fill=(60, 60, 60), font=font, anchor="lm")
    return stored(draw, np.asarray(page), jpeg=0.3)


KINDS: dict[str, Maker] = {
    "dark_panel": panel,
    "dark_panel_camera": functools.partial(panel, noisy=True),
    "dark_panel_large": functools.partial(panel, share=(0.8, 0.95)),
    "light_panel": functools.partial(panel, chalk=False),
    "light_panel_camera": functools.partial(panel, chalk=False, noisy=True),
    "imshow": imshow,
    "imshow_bare": functools.partial(imshow, axes=False),
    "imshow_light": functools.partial(imshow, chalk=False),
    "screenshot": screenshot,
    "screenshot_light": functools.partial(screenshot, chalk=False),
}
