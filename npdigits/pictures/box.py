"""Boxes around pieces of ink."""

from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """Where a piece is: rows ``top`` to before ``bottom``, columns ``left`` to before ``right``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def longest(self) -> int:
        return max(self.height, self.width)

    @staticmethod
    def around(boxes: Sequence["Box"]) -> "Box":
        """Return the smallest box around some boxes."""
        top, left = min(box.top for box in boxes), min(box.left for box in boxes)
        return Box(top, max(box.bottom for box in boxes), left, max(box.right for box in boxes))

    def holds(self, other: "Box") -> bool:
        """Say whether the other is within this one and touches none of its edges."""
        down = self.top < other.top and other.bottom < self.bottom
        return down and self.left < other.left and other.right < self.right

    def as_large_as(self, other: "Box", within: float) -> bool:
        """Say whether both sides are as long as the other's, but for a share of these."""
        high, wide = abs(self.height - other.height), abs(self.width - other.width)
        return high <= within * other.height and wide <= within * other.width

    def gap(self, other: "Box") -> int:
        """Return how far apart the two are, the larger of the distances along rows and columns; 0 if both overlap."""
        down = max(other.top - self.bottom, self.top - other.bottom)
        return max(down, other.left - self.right, self.left - other.right, 0)
