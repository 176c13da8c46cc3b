"""The axes of a race's space: what each key that is searched may be, and the value at a place between 0 and 1."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, Sweep

from npdigits.base.errors import ConfigError
from npdigits.config import grammar
from npdigits.config.keys import RULES, allows

# What the tags of an interval may say.
TAGS = ("log", "int")
# A number drawn from an interval has as many digits as tell some so many numbers in it apart.
TOLD_APART = 1000
# Numbers by which it is found out what a key takes: every key of numbers allows the first, of whole ones the second.
NUMBER, WHOLE_NUMBER = 0.5, 2


@dataclass(frozen=True)
class Axis:
    """The values that a key may have in a race.

    Attributes:
        key: "lr".
        text: the values as typed: "tag(log, interval(1e-4,1e-1))".
        values: each as text and as it is, in the order typed; empty for an interval.
        low, high: the ends of an interval, which are among its values.
        log: whether an interval is even in the logarithm.
        whole: whether an interval is of whole numbers.
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
        if self.values:
            return len(self.values)
        return int(self.high) - int(self.low) + 1 if self.whole else None

    def at(self, place: float) -> tuple[str, Any]:
        """Return the value at a place, 0 ≤ place < 1, as text and as it is; each value has an equal share.

        A number of an interval is rounded to so few digits that the text is the number. In a logarithmic interval of
        whole numbers the share of n is that of the logarithms from n − 1/2 to n + 1/2.
        """
        place = float(place)
        if self.values:
            return self.values[min(int(place * len(self.values)), len(self.values) - 1)]
        value: float = self._whole_at(place) if self.whole else self._number_at(place)
        return repr(value), value

    def _whole_at(self, place: float) -> int:
        low, high = int(self.low), int(self.high)
        if self.log:
            begin, end = math.log(low - 0.5), math.log(high + 0.5)
            value = round(math.exp(begin + place * (end - begin)))
        else:
            value = low + math.floor(place * (high - low + 1))
        return min(max(value, low), high)

    def _number_at(self, place: float) -> float:
        if self.log:
            begin, end = math.log(self.low), math.log(self.high)
            value = math.exp(begin + place * (end - begin))
            digits = max(1, math.ceil(-math.log10((end - begin) / TOLD_APART)))
            value = float(f"{value:.{digits - 1}e}")
        else:
            value = (1 - place) * self.low + place * self.high
            # Halves, as the width of the widest interval is no finite number.
            width = self.high / 2 - self.low / 2
            digits = round(-math.log10(max(width / (TOLD_APART / 2), math.ulp(0.0))))
            value = round(value, digits)
        return min(max(value, self.low), self.high) + 0.0  # which makes 0.0 of −0.0


def read_axis(key: str, override: Override) -> Axis | None:
    """Return the values that an override lets a race choose from; None where it has one value.

    Raises:
        ConfigError: no race can choose from these.
    """
    if not override.is_sweep_override():
        return None
    line = str(override.input_line).lstrip("+")  # which an own component's key has been given
    text, found = line.partition("=")[2].strip(), override.value()
    if isinstance(found, IntervalSweep):
        return _interval(key, text, line, found)
    if isinstance(found, ChoiceSweep):
        if any(isinstance(one, Sweep) and not isinstance(one, ChoiceSweep) for one in found.list):
            raise ConfigError(f"{line}: an interval stands alone; choices are single values")
        if found.shuffle:
            raise ConfigError(f"{line}: a race draws the order itself (race.seed): allowed is choice(…) or range(…)")
    if isinstance(found, Sweep) and found.tags:
        raise ConfigError(f"{line}: a tag is read with interval(low,high) only")
    values = tuple(grammar.values(override))
    for _, value in values:
        _check(key, line, value)
    return Axis(key, text, values)


def _interval(key: str, text: str, line: str, found: IntervalSweep) -> Axis:
    """Return the axis of an interval."""
    low, high = found.start, found.end
    assert low is not None
    assert high is not None
    log, whole = "log" in found.tags, "int" in found.tags or type(low) is int
    for tag in found.tags - set(TAGS):
        raise ConfigError(f"{line}: {tag}: allowed tags are {' and '.join(TAGS)}")
    if key in RULES and not allows(key, NUMBER):
        if not allows(key, WHOLE_NUMBER):
            raise ConfigError(f"{line}: {key} takes no numbers from an interval: allowed are lists, choices and ranges")
        whole = True
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise ConfigError(f"{line}: the ends of an interval of whole numbers are whole")
    if log and low <= 0:
        raise ConfigError(f"{line}: the lower end of a logarithmic interval is above 0, not {low:g}")
    if whole:
        low, high = int(low), int(high)
    if low >= high:
        what = f"from {low!r} to {high!r} there are no two numbers" if low == high else "upside down"
        raise ConfigError(f"{line}: {what}: allowed is interval(low,high) with low < high")
    for end in (low, high):
        _check(key, line, end)
    return Axis(key, text, (), low, high, log, whole)


def _check(key: str, line: str, value: Any) -> None:
    """Refuse a value that a key does not allow; an interpolation is not known yet, and own keys say so themselves.

    Raises:
        ConfigError: it does not.
    """
    if key not in RULES or (isinstance(value, str) and "${" in value):
        return
    try:
        RULES[key](value)
    except ValueError as error:
        shown = grammar.to_text(value) if not isinstance(value, float) else f"{value:g}"
        raise ConfigError(f"{line}: {key}={shown} is not allowed; allowed is {error}") from None


def refuse_empty(axes: Sequence[Axis], arm: str = "") -> None:
    """Refuse a space in which nothing varies.

    Raises:
        ConfigError: with what a space looks like.
    """
    where = f"--arm {arm}: " if arm else ""
    if not axes:
        raise ConfigError(f"{where}nothing is searched: allowed are keys with several values: lr=interval(0.001,0.1)")
    if points(axes) == 1:
        typed = " ".join(f"{axis.key}={axis.text}" for axis in axes)
        raise ConfigError(f"{where}{typed}: the space has one point; a race needs two at least")


def points(axes: Sequence[Axis]) -> int | None:
    """Return how many points there are; None for endlessly many."""
    counts = [axis.count for axis in axes]
    return None if None in counts else math.prod(count for count in counts if count is not None)
