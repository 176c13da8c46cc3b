"""A contact sheet: some pictures of each kind, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from hard import kinds
from hard.drawing import Digits
from hard.glyphs import font_files

CELL, TITLE, ACROSS = 110, 14, 6


def write(path: Path, names: Sequence[str], seed: int, source: Digits, columns: int = 3) -> None:
    """Write samples of these kinds, ``ACROSS`` of each in a row, ``columns`` kinds side by side."""
    lines = -(-len(names) // columns)
    sheet = Image.new("RGB", (columns * (ACROSS * CELL + 10), lines * (CELL + TITLE)), (90, 110, 160))
    pencil, font = ImageDraw.Draw(sheet), ImageFont.truetype(font_files()[0], 11)
    for i, name in enumerate(names):
        left, top = i // lines * (ACROSS * CELL + 10), i % lines * (CELL + TITLE)
        pencil.text((left + 2, top), name, fill="white", font=font)
        for number in range(ACROSS):
            picture = kinds.made(name, number, seed, source)
            image = picture.image
            if image.mode == "RGBA":
                image = Image.alpha_composite(Image.new("RGBA", image.size, (128, 160, 128, 255)), image)
            small = image.convert("RGB")
            small.thumbnail((CELL - 4, CELL - 4))
            sheet.paste(small, (left + number * CELL, top + TITLE))
            pencil.text((left + number * CELL + CELL - 12, top), picture.label or "–", fill="yellow", font=font)
    sheet.save(path)
