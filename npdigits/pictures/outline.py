"""Outlines of solid parts of a picture: convex hulls, their corners, how they are turned."""

import numpy as np

from npdigits.base.arrays import Array

# A hull's corners may leave out such a share of its area: what is round about a corner.
LOSS = 0.05


def hull_of(mask: Array) -> Array:
    """Return the corners of a mask's convex hull, shape (n, 2) as rows (x, y), clockwise as seen (Andrew 1979)."""
    rows = np.flatnonzero(mask.any(axis=1))
    left, right = mask[rows].argmax(axis=1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    down = [(int(x), int(y)) for x, y in zip(right, rows, strict=True)]
    up = [(int(x), int(y)) for x, y in zip(left[::-1], rows[::-1], strict=True)]
    points: list[tuple[int, int]] = []
    for x, y in [up[-1], *down, *up]:
        while len(points) > 1 and _turn(points[-2], points[-1], (x, y)) <= 0:
            points.pop()
        if not points or points[-1] != (x, y):
            points.append((x, y))
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    return np.array(points, float)


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Return twice the area of a triangle, positive if it goes clockwise as seen, y being down."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def hull_mask(hull: Array, shape: tuple[int, ...]) -> Array:
    """Return the pixels within a convex outline, those on it included."""
    y, x = np.indices(shape)
    inside = np.ones(shape, bool)
    for (ax, ay), (bx, by) in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    return inside


def corners_of(hull: Array) -> Array:
    """Return the fewest corners of a convex hull that keep its area but for ``LOSS``, the upper left one first."""
    points = hull
    most, lost = LOSS * _area(hull), 0.0
    while len(points) > 4:
        (x, y), (u, v) = (points - np.roll(points, 1, axis=0)).T, (np.roll(points, -1, axis=0) - points).T
        cut = np.abs(x * v - y * u)
        least = int(cut.argmin())
        lost += float(cut[least]) / 2
        if lost > most:
            break
        points = np.delete(points, least, axis=0)
    first = int(points.sum(axis=1).argmin())
    corners: Array = np.roll(points, -first, axis=0)
    return corners


def _area(points: Array) -> float:
    x, y = points.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def turn_of(corners: Array) -> tuple[float, float]:
    """Return by how many degrees a quadrilateral is turned, and how far its widest or sharpest corner is from 90."""
    sides = np.roll(corners, -1, axis=0) - corners
    angles = np.rad2deg(np.unwrap(np.arctan2(sides[:, 1], sides[:, 0])))
    corner = np.diff(np.append(angles, angles[0] + 360)) - 90
    return float(np.mean(angles - [0, 90, 180, 270])), float(np.abs(corner).max())
