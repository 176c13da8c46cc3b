"""Kinds: several digits where one is meant. Right is that they are refused."""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hard import light
from hard.camera import coloured, flat, photographed
from hard.drawing import REFUSED, Draw, Maker, Picture
from hard.glyphs import font_files, on_sheet, placed, written
from npdigits.base.arrays import Array


def grid_of(draw: Draw, rows: int, columns: int, alike: bool = False) -> Array:
    """Return the ink of digits in rows and columns, apart from one another."""
    side = draw.whole(40, 90)
    pitch = side * draw.between(1.2, 1.7), side * draw.between(1.1, 1.6)
    page = np.zeros((round(rows * pitch[0] + side * 0.2), round(columns * pitch[1] + side * 0.2)))
    first = draw.another()
    for row in range(rows):
        for column in range(columns):
            image = first if alike else draw.another()
            ink = written(draw, side * draw.between(0.85, 1.0), "own", image)
            middle = (
                ((row + 0.5) * pitch[0] + 0.1 * side) / len(page),
                ((column + 0.5) * pitch[1] + 0.1 * side) / page.shape[1],
            )
            page = np.maximum(page, placed(ink, page.shape, middle))
    return page


def several(draw: Draw, rows: tuple[int, int], columns: tuple[int, int], noisy: bool = False) -> Picture:
    """Digits in rows and columns on a page."""
    ink = grid_of(draw, draw.whole(*rows), draw.whole(*columns), draw.chance(0.3))
    ink = on_sheet(draw, ink, (0.05, 0.5))
    scene = coloured(draw, ink, draw.chance(0.2))
    if not noisy:
        return refused(flat(draw, scene))
    bright = light.slope(draw, ink.shape, draw.between(0.6, 0.9))
    return refused(photographed(draw, scene, bright))


def sudoku(draw: Draw, form: str) -> Picture:
    """A sudoku, a third of its cells filled: as a program draws it, or photographed, at times with printed digits."""
    cell, thick = draw.whole(24, 40), draw.whole(2, 3)
    side = 9 * cell + thick
    page = np.zeros((side, side))
    for i in range(10):
        wide = thick if i % 3 == 0 else 1
        page[i * cell : i * cell + wide] = page[:, i * cell : i * cell + wide] = 1
    font = ImageFont.truetype(font_files()[draw.whole(0, len(font_files()) - 1)], round(0.7 * cell))
    printed = draw.chance(0.5)
    for row in range(9):
        for column in range(9):
            if draw.chance(0.6):
                continue
            if printed and draw.chance(0.6):
                image = Image.new("L", (cell, cell))
                ImageDraw.Draw(image).text(
                    (cell // 2, cell // 2), str(draw.whole(1, 9)), fill=255, font=font, anchor="mm"
                )
                ink = np.asarray(image) / 255
            else:
                ink = written(
                    draw,
                    cell * draw.between(0.5, 0.7),
                    "own",
                    draw.another(draw.whole(1, 9) if 1 in draw.source.labels else None),
                )
            middle = ((row + 0.5) * cell / side), ((column + 0.5) * cell / side)
            page = np.maximum(page, placed(ink, page.shape, middle))
    if form == "flat":
        return refused(flat(draw, coloured(draw, on_sheet(draw, page, (0.02, 0.1)))))
    page = on_sheet(draw, page, (0.1, 0.25))
    page = tilted(draw, page)
    bright = light.half_plane(
        draw, page.shape, draw.between(0.3, 0.7), 1.0, draw.between(0.6, 0.95), draw.between(1, 60)
    )
    return refused(photographed(draw, coloured(draw, page), bright, noise=(1, 4), blur=(0.3, 0.8)))


def tilted(draw: Draw, ink: Array, by: float = 0.06) -> Array:
    """Return a page as a camera sees it that is not straight above it."""
    height, width = ink.shape
    there = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    seen = there + draw.rng.uniform(-by, by, (4, 2)) * min(ink.shape)
    # x' = (a·x + b·y + c) / (g·x + h·y + 1), y' = (d·x + e·y + f) / (g·x + h·y + 1), from what is seen to the page.
    rows = []
    for (x, y), (u, v) in zip(seen, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    coefficients = np.linalg.solve(np.array(rows), there.ravel()).tolist()
    image = Image.fromarray((ink * 255).astype(np.uint8))
    return (
        np.asarray(image.transform(image.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC))
        / 255
    )


def refused(picture: Picture) -> Picture:
    """Return a picture that is to be refused."""
    return Picture(picture.image, REFUSED, picture.ending, picture.options, picture.content)


KINDS: dict[str, Maker] = {
    "two_beside": functools.partial(several, rows=(1, 1), columns=(2, 2)),
    "two_above": functools.partial(several, rows=(2, 2), columns=(1, 1)),
    "row": functools.partial(several, rows=(1, 1), columns=(3, 6)),
    "column": functools.partial(several, rows=(3, 5), columns=(1, 1)),
    "two_by_two": functools.partial(several, rows=(2, 2), columns=(2, 2)),
    "two_by_two_camera": functools.partial(several, rows=(2, 2), columns=(2, 2), noisy=True),
    "grid": functools.partial(several, rows=(2, 4), columns=(3, 5)),
    "grid_camera": functools.partial(several, rows=(2, 4), columns=(3, 5), noisy=True),
    "sudoku": functools.partial(sudoku, form="flat"),
    "sudoku_camera": functools.partial(sudoku, form="camera"),
}
