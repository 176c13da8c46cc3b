"""Hydra's grammar of overrides, but with ranges in decimals, whose values are counted before they are made.

Hydra's own ``range`` adds up binary fractions (0.30000000000000004, and 0.4 below 0.4), and its ``sort`` of a range
that does not end on a step begins elsewhere.
"""

import functools
import inspect
import math
import re
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, Quote, QuotedString, Sweep
from hydra.errors import HydraException

from npdigits.base.errors import ConfigError

# Values of one key, at most.
MOST_VALUES = 100_000
# What each function of Hydra's grammar takes.
USAGE = {
    "range": "range(stop), range(start,stop) or range(start,stop,step) of numbers",
    "choice": "choice(a,b,…)",
    "glob": "glob(pattern) of a group's choices, such as experiment=glob(l*)",
    "sort": "sort(a,b,…) or sort(range(…)) of values that can be compared",
    "shuffle": "shuffle(a,b,…) or shuffle(range(…))",
    "interval": "interval(low,high) of two numbers",
    "tag": "tag(log,interval(low,high)) or tag(int,interval(low,high))",
    **{cast: f"{cast}(…) of values that can be read so" for cast in ("int", "float", "str", "bool")},
}
# Text that Hydra's grammar reads as itself without quotes, but for the words below.
UNQUOTED = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.-]*(:[A-Za-z_][A-Za-z0-9_]*)?")
WORDS = ("true", "false", "null", "nan", "inf")


class RefusedError(ValueError):
    """A function of the grammar cannot make its values; the message says why in our words."""


def parser(loader: ConfigLoader | None = None) -> OverridesParser:
    """Return a parser of overrides.

    Args:
        loader: knows the choices of each group, which ``glob`` needs.
    """
    return OverridesParser(_without_choices().functions, loader) if loader else _without_choices()


@functools.cache
def _without_choices() -> OverridesParser:
    """Return a parser with our functions in the place of Hydra's."""
    made = OverridesParser.create()
    for name, function in (("range", _range), ("shuffle", _shuffle), ("interval", _interval)):
        made.functions.definitions[name] = inspect.signature(function)
        made.functions.functions[name] = function
    return made


def parses(key: str, value: str) -> bool:
    """Say whether Hydra's grammar has such a value.

    Raises:
        ConfigError: it has, but a function in it refuses what it is given.
    """
    try:
        read = parser().parse_override(f"{key}={value}")
    except HydraException as error:
        if why := reason(error):
            raise ConfigError(f"{key.lstrip('+')}={value}: {why}") from error
        return False
    if holds_sweep(read.value()):
        shown = key.lstrip("+")
        raise ConfigError(f"{shown}={value}: allowed in a list are values; a sweep over lists is {shown}=[…],[…]")
    return True


def values(override: Override) -> list[tuple[str, Any]]:
    """Return the values that an override gives to its key, each as text and as it is.

    Raises:
        ConfigError: as ``count``.
    """
    count(override)
    if not override.is_sweep_override():
        value = override.value()
        return [(to_text(value), value)]
    return [(to_text(element), plain(element)) for element in _flat(override.sweep_iterator())]


def count(override: Override) -> int:
    """Return how many values an override gives to its key.

    Raises:
        ConfigError: there are none, too many, or they cannot be listed.
    """
    if not override.is_sweep_override():
        return 1
    typed = str(override.input_line).lstrip("+")  # which an own component's key has been given
    if not override.is_discrete_sweep():
        hint = "; race=64 draws 64 settings from intervals" if isinstance(override.value(), IntervalSweep) else ""
        raise ConfigError(f"{typed}: allowed in a sweep are lists, choices, ranges and globs{hint}")
    n = sum(1 for _ in _flat(override.sweep_iterator()))
    if not n:
        raise ConfigError(f"{typed}: nothing fits")
    if n > MOST_VALUES:
        raise ConfigError(f"{typed}: {n:,} values: allowed are at most {MOST_VALUES:,}")
    return n


def _flat(elements: Iterable[Any]) -> Iterator[Any]:
    """Yield values; in the place of a range or choice among them, yield its values."""
    for element in elements:
        if isinstance(element, ChoiceSweep):
            yield from _flat(element.list)
        else:
            yield element


def plain(element: Any) -> Any:
    """Return a value of Hydra's grammar with texts in the place of quoted texts."""
    if isinstance(element, list):
        return [plain(part) for part in element]
    if isinstance(element, dict):
        return {plain(key): plain(value) for key, value in element.items()}
    return element.text if isinstance(element, QuotedString) else element


def holds_sweep(element: Any) -> bool:
    """Say whether a list or mapping has a range or choice in it, which nothing could list."""
    if isinstance(element, list | dict):
        parts = element.values() if isinstance(element, dict) else element
        return any(isinstance(part, Sweep | Glob) or holds_sweep(part) for part in parts)
    return False


def to_text(element: Any) -> str:
    """Return a value as one would type it: in quotes only where it would be read as something else, without escapes."""
    if isinstance(element, list):
        return f"[{','.join(to_text(part) for part in element)}]"
    if isinstance(element, dict):
        return f"{{{','.join(f'{to_text(key)}:{to_text(value)}' for key, value in element.items())}}}"
    if element is None or isinstance(element, bool):
        return {None: "null", True: "true", False: "false"}[element]
    if isinstance(element, QuotedString):
        element = element.text
    if not isinstance(element, str) or _reads_as_itself(element):
        return str(element)
    return quoted(element)


def quoted(text: str) -> str:
    """Return text in the quotes of Hydra's grammar."""
    return QuotedString(text, Quote.double if "'" in text and '"' not in text else Quote.single).with_quotes()


def reason(error: BaseException) -> str:
    """Return what a function of the grammar refused, and why; "" if the error has another cause."""
    line, cause = "", error
    while cause:
        if isinstance(cause, RefusedError):
            return str(cause)
        if evaluated := re.match(r"\w+ while evaluating '(\w+)", str(cause)):
            line = f"allowed is {USAGE[evaluated[1]]}" if evaluated[1] in USAGE else f"there is no {evaluated[1]}(…)"
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    return line


def _reads_as_itself(text: str) -> bool:
    """Say whether Hydra reads a text without quotes as that text, also in a list."""
    if not text or text.endswith("\\"):  # which would escape the bracket after it
        return False
    if UNQUOTED.fullmatch(text):
        return text.lower() not in WORDS
    try:
        read = parser().parse_override(f"key={text}")
    except HydraException:
        return False
    return bool(read.value() == text)


def _range(start: Any, stop: Any = None, step: Any = 1) -> ChoiceSweep:
    """Return the numbers from ``start`` to before ``stop``, as the decimals that were typed."""
    if stop is None:
        start, stop = 0, start
    bounds = (start, stop, step)
    if not all(type(bound) in (int, float) and math.isfinite(bound) for bound in bounds) or step == 0:
        raise RefusedError(f"allowed is {USAGE['range']}{'; a step of 0 leads nowhere' if step == 0 else ''}")
    # The shortest decimals that read as a number are those that were typed.
    first, end, width = (Fraction(repr(bound)) for bound in bounds)
    n = max(0, math.ceil((end - first) / width))
    if n > MOST_VALUES:
        raise RefusedError(f"{_with_commas(n)} values: allowed are at most {MOST_VALUES:,}")
    if all(type(bound) is int for bound in bounds):
        return ChoiceSweep(list=list(range(start, stop, step)))
    # Over a common denominator: Python divides whole numbers to the nearest float, as it does fractions.
    over = math.lcm(first.denominator, width.denominator)
    begin, by = int(first * over), int(width * over)
    return ChoiceSweep(list=[(begin + by * i) / over for i in range(n)])


def _interval(start: Any, end: Any) -> IntervalSweep:
    """Return an interval of numbers, for a race."""
    if any(isinstance(bound, str) and "${" in bound for bound in (start, end)):
        raise RefusedError("the ends of an interval are numbers: an interpolation is not known when it is read")
    if not all(type(bound) in (int, float) and abs(bound) <= sys.float_info.max for bound in (start, end)):
        raise RefusedError(f"allowed is {USAGE['interval']}")
    return IntervalSweep(start=float(start), end=float(end))


def _shuffle(*values: Any, sweep: Any = None, list: Any = None) -> ChoiceSweep:
    """Return the values in a random order, in which they are run. A single value in a random order is refused."""
    given = (*values, *(value for value in (sweep, list) if value is not None))
    if len(given) == 1:
        if not isinstance(given[0], ChoiceSweep):
            raise RefusedError(f"allowed is {USAGE['shuffle']}: the order of runs, not of a value")
        given = tuple(given[0].list)
    return ChoiceSweep(list=[*given], shuffle=True)


def _with_commas(n: int) -> str:
    return f"{n:,}" if n < 10**15 else "endlessly many"
