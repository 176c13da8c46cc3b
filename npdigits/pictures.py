"""Picture files: which there are, and what is on them in shades of grey. Pillow reads them."""

import os
import stat
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from npdigits.memory import Array

# Pillow's names; nothing else is tried, as every format more is one more way into the machine.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".webp")
MOST_PIXELS = 50_000_000
# Of larger ones a smaller copy is worked on, as much of a digit is seen in it.
LONGEST_SIDE = 512


class BadPicture(ValueError):
    """A file that is no picture of these formats, or one that is damaged or too large."""


def found(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield what is named, and of folders, at any depth, all whose names end as pictures' do, in order.

    A folder without any is yielded itself. What is not there, or no picture, ``read`` says.
    """
    for path in map(Path, paths):
        of_it = sorted(one for one in path.rglob("*") if one.suffix.lower() in ENDINGS) if path.is_dir() else []
        yield from of_it or [path]


def read(path: Path) -> Array:
    """Return a picture's grey values, bytes 0 (black) … 255 (white) of shape (height, width).

    Turned as its EXIF orientation says, on white paper where it is transparent, the first of several pages, and made
    smaller where its longer side is more than ``LONGEST_SIDE``.

    Raises:
        BadPicture: says why.
    """
    if path.is_dir():
        raise BadPicture(f"a folder without pictures; their names end in {', '.join(ENDINGS)}")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadPicture("no file, but a device or a pipe")
        # Pillow warns of what it can still read; anything odd is an error here.
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    size = f"{image.width:,} × {image.height:,} pixels"
                    raise BadPicture(f"{size}: allowed are {MOST_PIXELS:,} in all")
                image.draft("L", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG need not be read in full
                grey = _grey(ImageOps.exif_transpose(image))
                if max(grey.size) > LONGEST_SIDE:
                    grey = ImageOps.contain(grey, (LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
                return np.asarray(grey)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture(f"far too large: allowed are {MOST_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise BadPicture(f"no picture of these formats: {', '.join(FORMATS)}") from error
    except OSError as error:
        raise BadPicture(error.strerror or f"damaged: {_line(error)}") from error
    except Exception as error:  # of a damaged file a decoder may raise anything
        raise BadPicture(f"damaged: {_line(error)}") from error


def _grey(image: Image.Image) -> Image.Image:
    """Return shades of grey, 8 bits each."""
    if image.mode.startswith(("I", "F")):  # 16 bits a pixel, or more
        values = np.asarray(image).astype(float)
        top = 65535 if image.mode.startswith("I") else max(float(values.max(initial=0)), 1.0)
        return Image.fromarray(np.clip(values * 255 / top, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    return image.convert("L")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
