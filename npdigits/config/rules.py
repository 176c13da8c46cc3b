"""What a key of the configuration allows: each rule turns a raw value into the one that is used, or refuses it."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from npdigits.base.kinds import LARGEST
from npdigits.config.own_names import find_entry_point, is_own
from npdigits.config.suggestions import suggestion

# A name that is longer names nothing.
LONGEST_NAME = 40
# raw value -> value; raises ValueError with what is allowed.
Rule = Callable[[Any], Any]


def integer(low: int, high: int | None = None) -> Rule:
    """Allow whole numbers from ``low`` to ``high``."""
    allowed = f"a whole number ≥ {low}" if high is None else f"a whole number from {low} to {high}"

    def rule(value: Any) -> int:
        if type(value) is int and value >= LARGEST:
            raise ValueError(f"{allowed}{'' if high else ', of at most 40 digits'}")
        if type(value) is not int or value < low or (high is not None and value > high):
            raise ValueError(allowed)
        return value

    return rule


def number(allowed: str, accepts: Callable[[float], bool]) -> Rule:
    """Allow finite numbers that a condition accepts."""

    def rule(value: Any) -> float:
        if type(value) not in (int, float):
            raise ValueError(allowed)
        try:
            result = float(value)
        except OverflowError:
            raise ValueError(allowed) from None
        if not math.isfinite(result) or not accepts(result):
            raise ValueError(allowed)
        return result + 0.0  # which makes 0.0 of −0.0: one experiment, one way to write it

    return rule


def one_of(names: Mapping[str, Any], aliases: Mapping[str, str] | None = None) -> Rule:
    """Allow these names, and short ones for some of them; the full name is what is kept."""
    aliases = aliases or {}

    def rule(value: Any) -> str:
        if isinstance(value, str) and value in aliases:
            return aliases[value]
        if not isinstance(value, str) or value not in names:
            known = [*aliases, *names]
            raise ValueError(f"one of {', '.join(known)}{suggestion(value, known)}")
        return value

    return rule


def own_or(key: str, rule: Rule) -> Rule:
    """Allow the user's own component besides: FILE.py:NAME, package.module:NAME, or an installed one's entry point."""

    def own_or_named(value: Any) -> Any:
        if is_own(value):
            return value
        try:
            return rule(value)
        except ValueError as error:
            if isinstance(value, str) and (place := find_entry_point(key, value)):
                return place
            raise ValueError(_with_own(value, str(error))) from None

    return own_or_named


def _with_own(value: Any, allowed: str) -> str:
    """Return what is allowed, with own components where a value looks as if it were to name one."""
    looks_so = isinstance(value, str) and re.search(r"[./\\]", value)
    if not isinstance(value, str) or (not looks_so and ("did you mean" in allowed or len(value) > LONGEST_NAME)):
        return allowed
    question = (
        f"; did you mean {value}:NAME, with the name of a function in that file?" if value.endswith(".py") else ""
    )
    return f"{allowed.partition('; did you mean')[0]}, or your own as FILE.py:NAME{question}"


def own_spec(value: Any) -> str:
    """Allow the name of a function of the user's."""
    if not is_own(value):
        raise ValueError("the place of your own function, as FILE.py:NAME")
    return str(value)


def own_specs(value: Any) -> tuple[str, ...]:
    """Allow a list of the user's own functions, which may be empty; or one of them."""
    specs = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(is_own(spec) for spec in specs):
        raise ValueError("a list of your own functions, such as [mine.py:top2], or []")
    if len(set(specs)) < len(specs):
        raise ValueError("each of your own functions once")
    return specs


def optional(rule: Rule) -> Rule:
    """Allow null besides."""

    def or_none(value: Any) -> Any:
        if value is None:
            return None
        try:
            return rule(value)
        except ValueError as error:
            raise ValueError(f"null or {error}") from None

    return or_none


def boolean(value: Any) -> bool:
    """Allow true and false."""
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def text(value: Any) -> str:
    """Allow a string that is not empty and could be a path or an address."""
    if isinstance(value, bool | int | float):
        raise ValueError("a text; what reads as something else needs quotes")
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("a text")
    return value


def hidden_sizes(value: Any) -> tuple[int, ...]:
    """Allow one size, or a list of sizes, which may be empty."""
    sizes = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(type(n) is int and n >= 1 for n in sizes):
        raise ValueError("a whole number ≥ 1, or a list of them, such as 20, [300,100] or []")
    return sizes


def shares_of(rule: Rule) -> Rule:
    """Allow one number that a rule allows, or a list of them."""

    def one_or_several(value: Any) -> tuple[float, ...]:
        values = value if isinstance(value, list | tuple) and value else (value,)
        try:
            return tuple(rule(p) for p in values)
        except ValueError as error:
            raise ValueError(f"{error}, or a list of them, one a hidden layer") from None

    return one_or_several


shares = shares_of(number("a number from 0 to 0.99", lambda p: 0 <= p <= 0.99))


def pair_of_betas(value: Any) -> tuple[float, ...]:
    """Allow two numbers 0 ≤ β < 1."""
    rule = number("", lambda beta: 0 <= beta < 1)
    try:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise ValueError
        return tuple(rule(beta) for beta in value)
    except ValueError:
        raise ValueError("two numbers 0 ≤ β < 1, such as [0.9,0.999]") from None


def pair_of_sides(value: Any) -> tuple[int, int]:
    """Allow a height and a width in pixels."""
    sides = tuple(value) if isinstance(value, list | tuple) else ()
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= 10_000 for side in sides):
        raise ValueError("a height and a width from 1 to 10000, such as [28,28]")
    return sides[0], sides[1]


def span(value: Any) -> tuple[float, float]:
    """Allow a lowest and a highest value."""
    rule = number("", lambda x: True)
    try:
        low, high = value if isinstance(value, list | tuple) else ()
        low, high = rule(low), rule(high)
        if low >= high:
            raise ValueError
    except ValueError:
        raise ValueError("a lower and a higher number, such as [0,255]") from None
    return low, high


def names(value: Any) -> tuple[str, ...]:
    """Allow a list of different names, which may be numbers."""
    given = tuple(value) if isinstance(value, list | tuple) else ()
    texts = tuple(str(name).strip() for name in given)
    fits = all(type(name) in (str, int) for name in given) and all(texts) and len(set(texts)) == len(texts)
    if not texts or not fits:
        raise ValueError("a list of different names, such as [zero,one,two]")
    return texts


def share_or_number(value: Any) -> float:
    """Allow a share between 0 and 1, or a whole number from 1 on."""
    if type(value) is int and value >= 1:
        return value
    if type(value) is not float or not 0 < value < 1:
        raise ValueError("a share between 0 and 1, or a whole number ≥ 1")
    return value
