"""A picture's shades of grey: what its numbers mean, and what is seen where it is transparent.

Pillow opens the file. For TIFF, and for 16 bits a value, it hands on some numbers without their meaning, and others
wrong; this module asks the file itself.
"""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFilter,
    ImageStat,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from npdigits.base.arrays import Array
from npdigits.pictures.components import BLOT, stroke_width

# Pillow's names. No other format is tried: each is one more way into the machine.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
# Imported here, or Pillow imports those of all its formats, which takes half as long as reading a photograph.
DECODERS = (PngImagePlugin, JpegImagePlugin, BmpImagePlugin, TiffImagePlugin, WebPImagePlugin)
GREY = ("1", "L", "LA")
# A colour channel replaces the lightness if its standard deviation is more than so many times as large.
PLAINER = 2.0
# These are computed from all pixels, or, where there are twice as many along the longer side, from about so many.
MANY = 512
# The largest values of pictures of 8, 10, 12, 14 and 16 bits.
DEPTHS = tuple(float(2**bits - 1) for bits in (8, 10, 12, 14, 16))
# Floats below 0 are black, as resampling leaves them, if they are at most such a share of the largest value below.
UNDERSHOOT = 0.1
# Light ink on transparent ground: its grey values differ by at most ALIKE, but for the share ENDS at either end. Its
# edges are left out, unless less than the share WITHIN is within them.
ALIKE, ENDS, WITHIN = 80, 0.01, 0.1
# TIFF's tags, and the values of some.
BITS, PHOTOMETRIC, ORIENTATION, PLANES, SAMPLE_FORMAT = 258, 262, 274, 284, 339
WHITE_IS_ZERO, SEPARATE, SIGNED = 0, 2, 2
# libtiff gives numbers in the machine's byte order, which Pillow 13 takes for the file's.
NATIVE = {"F;32BF": "F;32NF", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}
_SWITCH = threading.Lock()


class BadPicture(ValueError):
    """A file that is no picture of these formats, or one that is damaged or too large."""


class Meaning(NamedTuple):
    """What a file says about its numbers and Pillow does not hand on.

    Attributes:
        bits: of a stored value.
        signed: whether values may be negative.
        white_is_zero: whether the largest value is black.
        key: the value of 16 bits that is transparent.
        may_be_opaque: whether a picture that is transparent everywhere is opaque: BMP's fourth byte is often left at 0.
    """

    bits: int = 8
    signed: bool = False
    white_is_zero: bool = False
    key: int | None = None
    may_be_opaque: bool = False


@contextlib.contextmanager
def opened(source: Path | BinaryIO) -> Iterator[Image.Image]:
    """Open a picture with a decoder that reads it right."""
    with contextlib.ExitStack() as stack:
        image: Image.Image = stack.enter_context(Image.open(source, formats=FORMATS))
        tags = getattr(image, "tag_v2", {})
        raw = image.info.get("compression") == "raw"
        if raw and (tags.get(ORIENTATION) in (5, 6, 7, 8) or tags.get(PLANES) == SEPARATE):
            # Pillow's own decoder makes noise of these; libtiff, which it uses for all that is compressed, does not.
            image = stack.enter_context(_open_with_libtiff(source))
        tile = next(iter(getattr(image, "tile", [])), None)
        if tile and tile[0] == "libtiff" and tile[3][0] in NATIVE:
            args = (NATIVE[tile[3][0]], *tile[3][1:])
            image.tile = [tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args)]  # type: ignore[attr-defined]
        yield image


def _open_with_libtiff(source: Path | BinaryIO) -> Image.Image:
    with _SWITCH:
        before, TiffImagePlugin.READ_LIBTIFF = TiffImagePlugin.READ_LIBTIFF, True
        try:
            return Image.open(source, formats=FORMATS)
        finally:
            TiffImagePlugin.READ_LIBTIFF = before


def meaning(image: Image.Image) -> Meaning:
    """Return what the file says about its numbers. Call it before the picture is loaded.

    Raises:
        BadPicture: Pillow is known to read it wrong.
    """
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(PLANES) == SEPARATE and image.mode in ("LA", "La", "PA"):
        raise BadPicture("a TIFF with its transparency in a plane of its own, which is not read: save it as PNG")
    key = image.info.get("transparency")
    tile = next(iter(getattr(image, "tile", [])), None)
    if tile and tile[3] == "RGB;16B" and isinstance(key, tuple):  # Pillow keeps the upper halves of its values
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return Meaning(
        bits=max(tags.get(BITS, (8,))),
        signed=SIGNED in tags.get(SAMPLE_FORMAT, ()),
        white_is_zero=tags.get(PHOTOMETRIC) == WHITE_IS_ZERO,
        key=key if isinstance(key, int) else None,
        may_be_opaque=image.format == "BMP",
    )


def grey(image: Image.Image, meant: Meaning) -> Image.Image:
    """Return shades of grey of 8 bits: the lightness, or the colour channel with more than twice its contrast.

    Ink and paper of different colours can be equally light. Transparent pixels become white; black if the ink is light.

    Raises:
        BadPicture: none of its values is a number.
    """
    if image.mode.startswith(("I", "F")):  # 16 bits a pixel, or more, of which a scanner may use 8, 10, 12 or 14
        values = np.asarray(image)
        image = Image.fromarray(_bytes(values, image.mode, meant))
        if meant.key is not None:
            image.putalpha(Image.fromarray(np.where(values == meant.key, 0, 255).astype(np.uint8)))
    elif image.mode == "L" and meant.signed:
        image = Image.fromarray(np.asarray(image) ^ 128)
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = _on_ground(image.convert("RGBA"), meant.may_be_opaque)
    if image.mode == "LAB":  # whose first channel is the lightness; Pillow does not convert the rest
        return image.getchannel(0)
    lightness = image.convert("L")
    if image.mode in GREY:
        return lightness
    colours = image if image.mode == "RGB" else image.convert("RGB")
    spreads = [_spread(channel) for channel in _some(colours).split()]
    most = max(spreads)
    return colours.getchannel(spreads.index(most)) if most > PLAINER * _spread(_some(lightness)) else lightness


def _bytes(values: Array, mode: str, meant: Meaning) -> Array:
    """Return grey values of many bits, or floats, as bytes."""
    whole = mode.startswith("I")
    if whole and meant.bits == 32 and not meant.signed:  # which Pillow hands on as if they were signed
        values = values.view(np.uint32)
    values = values.astype(float)
    if not (known := np.isfinite(values)).all():  # a scientist's camera may leave out pixels
        if not known.any():
            raise BadPicture("none of its values is a number")
        values[~known] = np.median(values[known])  # the paper's value
    low, most = float(values.min(initial=0)), float(values.max(initial=0))
    if low < 0 and (whole or low < -UNDERSHOOT * most):  # the file does not say which is black
        values, top = values - low, most - low or 1.0
    elif meant.signed and meant.bits < 32:  # of 32 bits, signed or not, programs use the lowest
        top = float(2 ** (meant.bits - 1) - 1)
    elif whole:
        top = next((top for top in DEPTHS if most <= top), most)
    else:
        top = max(most, 1.0)
    if meant.white_is_zero:
        values = top - values
    return np.clip(values * 255 / top, 0, 255).astype(np.uint8)


def _on_ground(image: Image.Image, may_be_opaque: bool) -> Image.Image:
    """Return an RGBA picture on white paper; on black if its ink is light, so that it is seen."""
    alpha = image.getchannel("A")
    if may_be_opaque and alpha.getextrema() == (0, 0):
        return image.convert("RGB")
    ground = "black" if _is_light_ink(image.convert("L"), alpha) else "white"
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image)


def _is_light_ink(lightness: Image.Image, alpha: Image.Image) -> bool:
    """Say whether the opaque part of a picture is strokes, all of them light, and not paper with ink, nor dark ink."""
    seen = alpha.point(lambda a: 255 if a > 127 else 0)
    box = seen.getbbox()
    if box is None or stroke_width(np.asarray(seen.crop(box)) > 0) > BLOT * max(box[2] - box[0], box[3] - box[1]):
        return False
    # At its edges the colour of the transparent part may be mixed in.
    shown, within = (np.asarray(mask) > 0 for mask in (seen, seen.filter(ImageFilter.MinFilter(3))))
    some = np.asarray(lightness)[within if within.sum() >= WITHIN * shown.sum() else shown]
    low, middle, high = np.quantile(some, (ENDS, 0.5, 1 - ENDS))
    return bool(middle > 127 and high - low <= ALIKE)


def _some(image: Image.Image) -> Image.Image:
    """Return a picture itself; of a large one every so-manieth pixel, which tells as much of its contrast."""
    step = max(image.size) // MANY
    return image if step < 2 else image.resize((image.width // step, image.height // step), Image.Resampling.NEAREST)


def _spread(channel: Image.Image) -> float:
    return float(ImageStat.Stat(channel).stddev[0])
