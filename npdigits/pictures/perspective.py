"""Ink on a sheet, seen upright: by a projective map between the sheet's plane and the picture.

A map is a 3 × 3 matrix: (x, y) becomes (u/w, v/w) with (u, v, w)ᵀ = M·(x, y, 1)ᵀ (Hartley & Zisserman 2004, §2.3).
Coordinates are those of pixels' middles, x to the right and y down.
"""

from dataclasses import dataclass

import numpy as np

from npdigits.base.arrays import Array
from npdigits.pictures import ndimage
from npdigits.pictures.box import Box


def projection(points: Array, onto: Array) -> Array:
    """Return the map that takes four points onto four others, each of shape (4, 2) as rows (x, y)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(points, onto, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    matrix: Array = np.append(np.linalg.solve(np.array(rows, float), np.array(values, float)), 1).reshape(3, 3)
    return matrix


def projected(matrix: Array, points: Array) -> Array:
    """Return where a map takes points, shape (n, 2)."""
    u, v, w = matrix @ np.column_stack([points, np.ones(len(points))]).T
    return np.column_stack([u / w, v / w])


def turning(angle: float, shape: tuple[int, int]) -> tuple[Array, tuple[int, int]]:
    """Return the map from a sheet that is turned by an angle back to one of this shape, and the turned one's shape.

    Args:
        angle: by which lines fall to the right, in radians; they are level on the turned sheet.
        shape: (height, width).
    """
    height, width = shape
    cosine, sine = np.cos(angle), np.sin(angle)
    high = int(np.ceil(height * abs(cosine) + width * abs(sine)))
    wide = int(np.ceil(width * abs(cosine) + height * abs(sine)))
    middle, centre = np.array([(wide - 1) / 2, (high - 1) / 2]), np.array([(width - 1) / 2, (height - 1) / 2])
    turn = np.array([[cosine, -sine], [sine, cosine]])
    back = np.eye(3)
    back[:2, :2], back[:2, 2] = turn, centre - turn @ middle
    return back, (high, wide)


def four_corners(mask: Array) -> Array:
    """Return the corners of a piece that is about a rectangle: upper left, upper right, lower right, lower left."""
    y, x = np.nonzero(mask)
    ends = [np.argmin(x + y), np.argmax(x - y), np.argmax(x + y), np.argmin(x - y)]
    return np.array([(x[k], y[k]) for k in ends], float)


@dataclass(frozen=True)
class Sheet:
    """Ink on a flat sheet, and where it is in the picture.

    Attributes:
        levels: 0 (paper) … 255 (ink), shape (height, width).
        mask: what is ink.
        back: the map from the sheet to the picture.
    """

    levels: Array
    mask: Array
    back: Array

    def seen(self, back: Array, shape: tuple[int, int]) -> "Sheet":
        """Return another view of the sheet.

        Args:
            back: the map from that view to this sheet.
            shape: of that view.
        """
        y, x = np.indices(shape, float)
        places = projected(back, np.column_stack([x.ravel(), y.ravel()]))
        at = places[:, ::-1].T.reshape(2, *shape)
        levels = ndimage.map_coordinates(self.levels, at, order=1)
        mask = ndimage.map_coordinates(self.mask.astype(np.float32), at, order=1) > 0.5
        return Sheet(levels, mask, self.back @ back)

    def without(self, gone: Array) -> "Sheet":
        """Return the sheet without the ink of a mask."""
        return Sheet(np.where(gone, 0, self.levels), self.mask & ~gone, self.back)

    def place(self, box: Box) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom of the box in the picture around one on the sheet, in edges of pixels."""
        left, top, right, bottom = box.left - 0.5, box.top - 0.5, box.right - 0.5, box.bottom - 0.5
        corners = projected(self.back, np.array([(left, top), (right, top), (right, bottom), (left, bottom)])) + 0.5
        (x, y), (x_end, y_end) = corners.min(axis=0), corners.max(axis=0)
        return float(x), float(y), float(x_end), float(y_end)
