"""All kinds of hard pictures by name; a picture depends on its kind, its number, the seed and the digits alone."""

import io
from collections.abc import Mapping

from hard import doubtful, lit, pages, panels, pieces, several, tables
from hard.drawing import Digits, Draw, Maker, Picture

KINDS: Mapping[str, Maker] = (
    pages.KINDS | lit.KINDS | tables.KINDS | panels.KINDS | several.KINDS | pieces.KINDS | doubtful.KINDS
)


def made(kind: str, number: int, seed: int, source: Digits) -> Picture:
    """Return a picture."""
    return KINDS[kind](Draw.of(kind, number, seed, source))


def content_of(picture: Picture) -> bytes:
    """Return the bytes of its file."""
    if picture.content:
        return picture.content
    buffer = io.BytesIO()
    names = {"jpg": "JPEG", "tif": "TIFF", "png": "PNG"}
    fast = {"compress_level": 1} if picture.ending == "png" else {}
    picture.image.save(buffer, names[picture.ending], **fast, **picture.options)
    return buffer.getvalue()
