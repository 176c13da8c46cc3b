"""Picture files: which there are, and what is on them in shades of grey. Pillow reads them."""

import os
import stat
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from npdigits.base.arrays import Array
from npdigits.base.paths import resolved
from npdigits.pictures import shades
from npdigits.pictures.shades import FORMATS, BadPicture

ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".webp")
# Pictures too, but of none of these formats: in a folder they are named, as someone may count on them.
OTHER_PICTURES = (".gif", ".heic", ".heif", ".avif", ".jp2", ".pbm", ".pgm", ".ppm", ".pnm", ".svg", ".tga", ".ico")
MOST_PIXELS = 50_000_000
# Of larger ones a smaller copy is worked on, as much of a digit is seen in it.
LONGEST_SIDE = 1024


def found(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield what is named, and of folders, at any depth, all whose names end as pictures' do, in order.

    Links are followed. A folder without any is yielded itself, and so is one that cannot be opened. What is not there,
    or no picture, ``read`` says.
    """
    for path in map(Path, paths):
        yield from (sorted(_below(path)) if _is_folder(path) else []) or [path]


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 – which never raises, as Path.is_dir does in a folder that is closed


def _below(folder: Path) -> Iterator[Path]:
    waiting, seen = [folder], set()  # links may lead around in a circle
    while waiting:
        one = waiting.pop()
        real = resolved(one)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = list(os.scandir(one))
        except OSError:  # closed, or so deep that its name is too long
            yield one
            continue
        for entry in entries:
            path = one / entry.name
            if _leads_to_a_folder(entry):
                waiting.append(path)
            elif path.suffix.lower() in (*ENDINGS, *OTHER_PICTURES):
                yield path


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    """Say so by what its folder tells of it: where its path is too long ``_is_folder`` knows nothing."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def read(path: Path) -> Array:
    """Return a picture's grey values, bytes 0 (black) … 255 (white) of shape (height, width).

    Turned as its EXIF orientation says, on white paper where it is transparent (on black where its ink is light), the
    first of several pages, and made smaller where its longer side is more than ``LONGEST_SIDE``.

    Raises:
        BadPicture: says why.
    """
    try:
        if _is_folder(path):
            os.scandir(path).close()  # says why, where it cannot be opened
            raise BadPicture(f"a folder without pictures; their names end in {', '.join(ENDINGS)}")
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadPicture("no file, but a device or a pipe")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what can still be read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with shades.opened(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    size = f"{image.width:,} × {image.height:,} pixels"
                    raise BadPicture(f"{size}: allowed are {MOST_PIXELS:,} in all")
                image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG need not be read in full
                meant = shades.meaning(image)
                grey = shades.grey(_upright(image), meant)
                if max(grey.size) > LONGEST_SIDE:
                    grey = grey.resize(_smaller(grey.size), Image.Resampling.BOX)
                return np.asarray(grey)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture(f"far too large: allowed are {MOST_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise BadPicture(_unidentified(path)) from error
    except OSError as error:
        raise BadPicture(error.strerror or f"damaged: {_line(error)}") from error
    except Exception as error:  # of a damaged file a decoder may raise anything
        raise BadPicture(f"damaged: {_line(error)}") from error


def _smaller(size: tuple[int, int]) -> tuple[int, int]:
    """Return a size whose longer side is ``LONGEST_SIDE``, in the same proportions; no side is less than a pixel."""
    width, height = (max(1, round(side * LONGEST_SIDE / max(size))) for side in size)
    return width, height


def _upright(image: Image.Image) -> Image.Image:
    """Return it turned as its EXIF orientation says; as it is where that cannot be read."""
    image.load()
    try:
        upright: Image.Image = ImageOps.exif_transpose(image)
    except Exception:  # whatever the part of the file holds that is no picture
        return image
    return upright


def _unidentified(path: Path) -> str:
    """Return why a file is none that Pillow knows."""
    with path.open("rb") as file:
        if file.read(4) in TiffImagePlugin.PREFIXES:
            return "damaged, or a TIFF of a kind that is not read: save it as PNG, or as TIFF with 8 bits a value"
    return f"no picture of these formats: {', '.join(FORMATS)}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
