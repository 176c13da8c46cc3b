"""Kinds of values that a file may hold: each looks at a plain value, and refuses what is of another type or range.

A kind is a function that returns nothing; it raises ``Unfit``, which names the key, the value and what is allowed.
"""

import re
import reprlib
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

# A value in a message has at most so many characters.
SHOWN = 80
# Whole numbers in files have at most so many digits: a seed of 128 bits has 39.
LARGEST = 10**40

Kind = Callable[[Any], None]


class Unfit(ValueError):
    """A value that may not stand where it stands.

    Attributes:
        value: as it was found.
        allowed: what may stand there, in words.
        where: its key, with those of the tables around it: "data_sizes.train".
    """

    def __init__(self, value: Any, allowed: str, where: str = "") -> None:
        super().__init__(allowed)
        self.value, self.allowed, self.where = value, allowed, where

    def __str__(self) -> str:
        return f"{self.where}={short_repr(self.value)}: allowed is {self.allowed}".removeprefix("=")

    def below(self, key: str) -> "Unfit":
        """Return this error, about what stands at this key or place of a table or a list."""
        dot = "." if self.where and not self.where.startswith("[") else ""
        self.where = f"{key}{dot}{self.where}"
        return self


class Missing(Unfit):
    """A key that is not there."""

    def __init__(self, where: str) -> None:
        super().__init__(None, "a value", where)

    def __str__(self) -> str:
        return f"no {self.where}"


class _Short(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        # Python makes no text of a number of more than 4,300 digits.
        return super().repr_int(x, level) if abs(x) < 10**SHOWN else f"a whole number of {x.bit_length():,} bits"


_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = SHOWN - 20
_SHORT.maxlevel = 2


def short_repr(value: Any) -> str:
    """Return a value as Python writes it, on one line and shortened, whatever it is."""
    text = _SHORT.repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def whole(low: int, high: int = LARGEST - 1) -> Kind:
    """Allow whole numbers in a range."""
    top = f" to {high:,}" if high < LARGEST - 1 else ", of at most 40 digits"
    allowed = f"a whole number from {low:,}{top}" if low > -LARGEST + 1 else f"a whole number{top}"

    def check(value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            raise Unfit(value, allowed)

    return check


def number(low: float, high: float, allowed: str = "") -> Kind:
    """Allow numbers in a range, and so no NaN and no infinity."""
    allowed = allowed or f"a number from {low:g} to {high:g}"

    def check(value: Any) -> None:
        if type(value) not in (int, float) or not low <= value <= high:
            raise Unfit(value, allowed)

    return check


FINITE = number(-sys.float_info.max, sys.float_info.max, "a finite number")


def text(most: int, pattern: str = "", allowed: str = "") -> Kind:
    """Allow texts of at most so many characters that can be written anywhere; of a pattern, if one is given."""
    allowed = allowed or f"a text of at most {most:,} characters"
    fits = re.compile(pattern).fullmatch if pattern else None

    def check(value: Any) -> None:
        if not isinstance(value, str) or len(value) > most or (fits and not fits(value)):
            raise Unfit(value, allowed)
        if not value.isascii() and not _can_be_written(value):
            raise Unfit(value, "a text without half a character (a lone surrogate)")

    return check


def _can_be_written(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def truth(value: Any) -> None:
    """Allow true and false."""
    if type(value) is not bool:
        raise Unfit(value, "true or false")


def optional(kind: Kind) -> Kind:
    """Allow null besides."""

    def check(value: Any) -> None:
        if value is not None:
            try:
                kind(value)
            except Unfit as error:
                raise error if error.where else Unfit(value, f"null or {error.allowed}") from None

    return check


def either(first: Kind, second: Kind) -> Kind:
    """Allow what one of two kinds allows."""

    def check(value: Any) -> None:
        try:
            first(value)
        except Unfit as one:
            try:
                second(value)
            except Unfit as other:
                raise other if other.where else Unfit(value, f"{one.allowed}, or {other.allowed}") from None

    return check


def list_of(kind: Kind, most: int, least: int = 0) -> Kind:
    """Allow lists of what a kind allows."""
    length = f"{least}" if least == most else f"{least:,} to {most:,}"

    def check(value: Any) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Unfit(value, f"a list of {length} elements")
        for place, element in enumerate(value):
            try:
                kind(element)
            except Unfit as error:
                raise error.below(f"[{place}]") from None

    return check


_KEY = text(200)


def table(
    known: Mapping[str, Kind],
    others: Kind | None = None,
    required: Collection[str] = (),
    most: int = 10_000,
    names: Kind = _KEY,
) -> Kind:
    """Allow tables of names and values.

    Args:
        known: what the value of each of these names may be.
        others: what the value of another name may be; None where there may be no other.
        required: names that must be there.
        most: names that there may be.
        names: what the other names may be.
    """
    of_known = known.get

    def refuse_name(value: Any) -> None:
        raise Unfit(value, f"one of the keys {', '.join(known)}")

    def check(value: Any) -> None:
        if not isinstance(value, dict) or len(value) > most:
            raise Unfit(value, f"a table of at most {most:,} names and values")
        if missing := [name for name in required if name not in value]:
            raise Missing(missing[0])
        name: Any = ""
        try:
            for name, one in value.items():
                if (kind := of_known(name)) is None:
                    names(name)
                    kind = others or refuse_name
                kind(one)
        except Unfit as error:
            raise error.below(name if name in known else short_repr(name).strip("'")) from None

    return check


def scalar(most: int) -> Kind:
    """Allow null, true and false, numbers, and texts of at most so many characters."""
    kinds: dict[type, Kind] = {
        **{str: text(most), int: whole(1 - LARGEST), float: FINITE},
        **{bool: truth, type(None): lambda value: None},
    }

    def check(value: Any) -> None:
        if (kind := kinds.get(type(value))) is None:
            raise Unfit(value, "a text, a number, true, false or null")
        kind(value)

    return check


def plain(deepest: int, most: int = 10_000) -> Kind:
    """Allow any value, with at most so many lists and tables within another, each of at most so many elements."""
    of_scalar = scalar(most)
    inner = plain(deepest - 1, most) if deepest > 1 else of_scalar
    of_list, of_table = list_of(inner, most), table({}, inner, most=most)

    def check(value: Any) -> None:
        if isinstance(value, list):
            of_list(value)
        elif isinstance(value, dict):
            of_table(value)
        else:
            of_scalar(value)

    return check
