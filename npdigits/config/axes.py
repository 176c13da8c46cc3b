"""The axes of a race's space: what each key that is searched may be, and the value at a place between 0 and 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Axis:
    """The values that a key may have in a race.

    Attributes:
        key: "lr".
        text: the values as typed: "tag(log, interval(1e-4,1e-1))".
        values: each as text and as it is, in the order typed; empty for an interval.
        low, high: the ends of an interval.
        log: whether an interval is even in the logarithm.
        whole: whether an interval is of whole numbers, its ends among them.
    """

    key: str
    text: str
    values: tuple[tuple[str, Any], ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    @property
    def count(self) -> int | None:
        """How many values there are; None for an interval of numbers that are not whole."""
        raise NotImplementedError

    def at(self, place: float) -> tuple[str, Any]:
        """Return the value at a place, 0 ≤ place < 1, as text and as it is; each value has an equal share.

        A number of an interval is rounded to so few digits that the text is the number.
        """
        raise NotImplementedError


def refuse_empty(axes: Sequence[Axis]) -> None:
    """Refuse a space in which nothing varies."""
    raise NotImplementedError
