"""Picture files: finding them, and reading their shades of grey with Pillow."""

import contextlib
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from npdigits.base.arrays import Array
from npdigits.base.paths import resolved
from npdigits.base.text import message_of
from npdigits.pictures import shades
from npdigits.pictures.dither import undithered
from npdigits.pictures.proportions import TURNED, stretch
from npdigits.pictures.shades import FORMATS, BadPicture, Meaning

ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".tif", ".tiff", ".webp")
# Pictures of other formats: in a folder they are reported and not passed over, as the user may count on them.
OTHER_PICTURES = (".gif", ".heic", ".heif", ".avif", ".jp2", ".pbm", ".pgm", ".ppm", ".pnm", ".svg", ".tga", ".ico")
MOST_PIXELS = 50_000_000
# A larger picture is made smaller: that shows as much of a digit.
LONGEST_SIDE = 1024
# Pictures that may be taken as they are: at most so wide and high, in these of Pillow's modes.
LARGEST_SQUARE = 64
PLAIN = ("1", "L", "LA", "P", "RGB", "RGBA")


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the files that are named, and those with a picture's ending in named folders, at any depth, in order.

    Links are followed. A folder without pictures is yielded itself, and so is one that cannot be opened:
    ``read_picture`` says what is wrong with them, and with files that are missing or no pictures.
    """
    for path in map(Path, paths):
        yield from (sorted(_find_below(path)) if _is_folder(path) else []) or [path]


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 – which never raises, as Path.is_dir does in a folder that is closed


def _find_below(folder: Path) -> Iterator[Path]:
    waiting, seen = [folder], set()  # links may lead around in a circle
    while waiting:
        current = waiting.pop()
        real = resolved(current)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = list(os.scandir(current))
        except OSError:  # closed, or so deep that its name is too long
            yield current
            continue
        for entry in entries:
            path = current / entry.name
            if _leads_to_a_folder(entry):
                waiting.append(path)
            elif path.suffix.lower() in (*ENDINGS, *OTHER_PICTURES):
                yield path


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a folder or leads to one; ``_is_folder`` cannot where the path is too long."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def read_picture(path: Path) -> Array:
    """Return a picture's grey values, bytes 0 (black) … 255 (white) of shape (height, width).

    Turned as its EXIF orientation says, stretched as its resolutions say, grey where it was dithered, on white paper
    where it is transparent (on black where its ink is light), the first of several pages, and made smaller where its
    longer side is more than ``LONGEST_SIDE``.

    Raises:
        BadPicture: says why.
    """
    with _explained(path), _opened(path) as image:
        return _grey_values(image)[0]


def read_page(path: Path, longest: int) -> tuple[Array, tuple[int, int]]:
    """Return grey values as ``read_picture`` does, but of another size at most; and the picture's own (height, width).

    Raises:
        BadPicture: says why.
    """
    with _explained(path), _opened(path) as image:
        return _grey_values(image, longest)


def picture_of(content: bytes) -> Array:
    """Return a picture's grey values as ``read_picture`` does, of a file's content.

    Raises:
        BadPicture: says why.
    """
    with _explained(content), _opened_with_limits(io.BytesIO(content)) as image:
        return _grey_values(image)[0]


def _grey_values(
    image: Image.Image, longest: int = LONGEST_SIDE, told: tuple[Meaning, tuple[float, float]] | None = None
) -> tuple[Array, tuple[int, int]]:
    """Return grey values as ``read_picture`` does, and the picture's own (height, width), upright.

    Args:
        image: the picture.
        longest: its longer side, at most.
        told: what the file says about its numbers, and how it is to be stretched, where that was asked for before the
            picture was loaded.
    """
    wide, high = image.size
    image.draft(None, (longest, longest))  # a JPEG need not be read in full
    meant, (wider, higher) = told or (shades.meaning(image), stretch(image))
    lying = image.size
    grey = shades.grey(_upright(image), meant)
    if grey.size != lying:
        wide, high = high, wide
    values = np.asarray(grey)
    if max(grey.size) <= longest:  # else its dots become grey as it is made smaller
        values = undithered(values)
    size = _fitting(grey.width * wider, grey.height * higher, longest)
    if size != grey.size:
        values = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))
    return values, (high, wide)


def read_square(path: Path) -> Array | None:
    """Return the bytes of a small square picture as they are stored, shape (side, side); None for another picture.

    Such a one is of shades of grey of 8 bits, also where these are stored as colours, and has nothing transparent.

    Raises:
        BadPicture: says why.
    """
    with _explained(path), _opened(path) as image:
        return _square(image)


def read_either(path: Path, is_taken: Callable[[Array], bool]) -> tuple[Array | None, Array]:
    """Return what ``read_square`` does, where that is taken, else None; and that, or what ``read_picture`` returns.

    The file is opened once, which is a quarter of the work with a small picture.

    Raises:
        BadPicture: says why.
    """
    with _explained(path), _opened(path) as image:
        told = shades.meaning(image), stretch(image)
        square = _square(image, told[0])
        if square is not None and is_taken(square):
            return square, square
        return None, _grey_values(image, told=told)[0]


def square_of(content: bytes) -> Array | None:
    """Return what ``read_square`` does, of a file's content.

    Raises:
        BadPicture: says why.
    """
    with _explained(content), _opened_with_limits(io.BytesIO(content)) as image:
        return _square(image)


def _square(image: Image.Image, meant: Meaning | None = None) -> Array | None:
    if image.width != image.height or image.width > LARGEST_SQUARE or image.mode not in PLAIN:
        return None
    if (meant or shades.meaning(image)).signed or image.getexif().get(TURNED, 1) != 1:
        return None
    if image.has_transparency_data and np.asarray(image.convert("RGBA").getchannel("A")).min() < 255:
        return None
    if image.mode in ("1", "L", "LA"):
        return np.asarray(image.convert("L"))
    colours = np.asarray(image.convert("RGB"))
    if (colours != colours[:, :, :1]).any():
        return None
    return np.ascontiguousarray(colours[:, :, 0])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture that is a file and not too large.

    Raises:
        BadPicture: it is not.
    """
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        os.scandir(path).close()  # says why, where it cannot be opened
        raise BadPicture(f"a folder without pictures; their names end in {', '.join(ENDINGS)}")
    if not stat.S_ISREG(kind):
        raise BadPicture("no file, but a device or a pipe")
    with _opened_with_limits(path) as image:
        yield image


@contextlib.contextmanager
def _opened_with_limits(source: Path | BinaryIO) -> Iterator[Image.Image]:
    """Open a picture that is not too large.

    Raises:
        BadPicture: it is.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what can still be read
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with shades.opened(source) as image:
            if image.width * image.height > MOST_PIXELS:
                size = f"{image.width:,} × {image.height:,} pixels"
                raise BadPicture(f"{size}: allowed are {MOST_PIXELS:,} in all")
            yield image


@contextlib.contextmanager
def _explained(source: Path | bytes) -> Iterator[None]:
    """Let all that goes wrong with a picture be a ``BadPicture``, which says why."""
    try:
        yield
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture(f"far too large: allowed are {MOST_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise BadPicture(_unidentified(source)) from error
    except OSError as error:
        raise BadPicture(error.strerror or f"damaged: {message_of(error)}") from error
    except MemoryError as error:
        raise BadPicture("too large for the memory that is left") from error
    except Exception as error:  # of a damaged file a decoder may raise anything
        raise BadPicture(f"damaged: {message_of(error)}") from error


def _fitting(width: float, height: float, longest: int) -> tuple[int, int]:
    """Return a size in these proportions whose longer side is at most so long; no side is less than a pixel."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _upright(image: Image.Image) -> Image.Image:
    """Return a picture turned as its EXIF orientation says; unchanged where that cannot be read."""
    image.load()
    try:
        if image.getexif().get(TURNED, 1) == 1:  # of which there would be a copy
            return image
        upright: Image.Image = ImageOps.exif_transpose(image)
    except Exception:  # whatever the part of the file holds that is no picture
        return image
    return upright


def _unidentified(source: Path | bytes) -> str:
    """Return why Pillow cannot identify a file, or a file's content."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            source = file.read(4)
    if source[:4] in TiffImagePlugin.PREFIXES:
        return "damaged, or a TIFF of a kind that is not read: save it as PNG, or as TIFF with 8 bits a value"
    return f"no picture of these formats: {', '.join(FORMATS)}"
