"""Lesson 8: a picture of a digit brought to the form of the training digits, judged by what that form is."""

import numpy as np

from npdigits.base.arrays import Array
from npdigits.lessons.answers import Answer, Function, Wrong
from npdigits.lessons.paper import picture_of

SIDE, INK = 28, 0.3
# The ink's centre of mass, or its box's, lies so near the middle, in pixels; the training digits' within 1.
NEAR = 2.5
# The longer side of the ink, in pixels: 20 in the training digits, and blurred edges add or take some.
SMALLEST, LARGEST = 15, 24


def check(function: Function) -> None:
    """Judge ``my_function(picture)``: grey 0 (black) … 255 (white) in, (28, 28) of 0 (paper) … 255 (ink) out."""
    answer = Answer(function, "picture")
    rng = np.random.default_rng(8)
    cases = [(digit, picture_of(digit, rng)) for digit in [*range(10)] * 2]
    formed = []
    for _, picture in cases:
        given = answer.array((SIDE, SIDE), picture)
        if given.min() < -1 or given.max() > 256:
            raise Wrong(
                f"its numbers go from {given.min():.0f} to {given.max():.0f}; 0 (paper) to 255 (ink) is asked for"
            )
        if np.median(given) > 127:
            raise Wrong("paper is bright in it; in the training digits paper is 0, ink 255: turn the greys round")
        if given.max() < 100:
            raise Wrong(f"the brightest pixel is {given.max():.0f}: full ink is 255, not 1")
        if np.median(given) > 20:
            raise Wrong(f"paper is {np.median(given):.0f} in it, a grey veil; in the training digits it is 0")
        formed.append(given)
    sides = [_sides(given) for given in formed]
    for (digit, _), side in zip(cases, sides, strict=True):
        if max(side) < SMALLEST:
            raise Wrong(f"the {digit} is {max(side)} pixels long, the training digits are 20: cut the paper off first")
        if max(side) > LARGEST:
            raise Wrong(f"the {digit} is {max(side)} pixels long, the training digits are 20, with paper around them")
    for (digit, picture), given in zip(cases, formed, strict=True):
        _check_place(given, picture, digit)


def _sides(given: Array) -> tuple[int, int]:
    """Return the height and width of the ink."""
    ink = given > INK * given.max()
    return int(np.ptp(np.flatnonzero(ink.any(axis=1)))) + 1, int(np.ptp(np.flatnonzero(ink.any(axis=0)))) + 1


def _check_place(given: Array, picture: Array, digit: int) -> None:
    """Raise ``Wrong`` if the ink is not in the middle, or out of shape."""
    ink = given > INK * given.max()
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    high, wide = _sides(given)
    dark = picture < (picture.max() / 2 + picture.min() / 2)
    true = np.ptp(np.flatnonzero(dark.any(axis=0))) / np.ptp(np.flatnonzero(dark.any(axis=1)))
    if not 0.6 < wide / high / true < 1.7 and min(high, wide) > 6:
        raise Wrong(f"the {digit} is squeezed: make height and width smaller by the same factor")
    centre = (np.argwhere(ink) + 0.5).mean(axis=0)
    box = np.array([rows[[0, -1]].mean(), columns[[0, -1]].mean()]) + 0.5
    if min(np.abs(centre - SIDE / 2).max(), np.abs(box - SIDE / 2).max()) > NEAR:
        raise Wrong(f"the middle of the {digit} is at row {centre[0]:.0f}, column {centre[1]:.0f}, not at 14, 14")
