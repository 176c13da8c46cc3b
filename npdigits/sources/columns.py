"""Columns of a table: each cell as a setting, and each column as numbers where it holds numbers."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from npdigits.sources.values import as_setting, from_text


class Blank:
    """What stands in a cell that holds nothing."""

    def __repr__(self) -> str:
        return "blank"


BLANK: Final = Blank()
# Texts that say of a number that it is none, or not finite. What says that there is no number: polars' null, Keras'
# and R's NA, Excel's #N/A. What pandas calls <NA> too.
NOT_FINITE = {
    **dict.fromkeys(("nan", "NaN", "NAN", "-nan", ".nan", ".NaN"), math.nan),
    **dict.fromkeys(("inf", "Inf", "INF", "Infinity", "infinity", "+inf", ".inf"), math.inf),
    **dict.fromkeys(("-inf", "-Inf", "-INF", "-Infinity", "-infinity", "-.inf"), -math.inf),
}
NO_NUMBER = frozenset(("", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "None"))
# 870, 1,234 and 12,345,678; not 0,931, which can only be a decimal.
GROUPED = re.compile(r"[+-]?(0|[1-9]\d{0,2}(,\d{3})*)")
# Columns with more different texts than this are converted at once, as text for text takes four times as long.
MANY = 2_000
DIGITS = frozenset("0123456789.eE+-")
# Cells of a table. A few bytes of a file may stand for any number of blank or equal ones.
MOST_CELLS = 5 * 10**7
# From here on not every whole number is a float64.
EXACT = 2**53


@dataclass(frozen=True)
class Column:
    """A column of n cells.

    Attributes:
        codes: (n,), equal for equal cells.
        values: what each code stands for: a number, a text, a boolean, None, or ``BLANK``.
        numbers: (n,) float64, NaN where there is none; None for a column that holds other things than numbers.
        blank: (n,), whether there is nothing in a cell.
    """

    codes: npt.NDArray[np.intp]
    values: Sequence[Any]
    numbers: npt.NDArray[np.float64] | None
    blank: npt.NDArray[np.bool_]

    def cells(self) -> list[Any]:
        """Return the cells as settings: 8.0 is 8, as a column of whole numbers with holes is written with points."""
        table = np.empty(len(self.values), dtype=object)
        table[:] = self.values
        # Of many values few are whole: these are looked for at once.
        for position in range(len(table)) if len(table) <= MANY else _find_whole(self.values):
            table[position] = _whole(table[position])
        return list(table[self.codes])


@dataclass(frozen=True)
class Table:
    """A table of n rows.

    Attributes:
        columns: by name.
        n: rows.
        skipped: (place, why) of rows that cannot be read.
        remarks: on how it was read.
        wider: rows that were left out as they have more cells than there are names.
    """

    columns: dict[str, Column]
    n: int
    skipped: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    wider: int = 0


def _find_whole(values: Sequence[Any]) -> Sequence[int]:
    """Return the positions of values that may be whole."""
    try:
        numbers = np.array(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        return range(len(values))
    return np.flatnonzero(numbers == np.floor(numbers)).tolist()


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < EXACT else value


def column_of_texts(texts: Sequence[str], decimal_comma: bool = False, has_points: bool = False) -> Column:
    """Return the column that texts stand for.

    It is one of numbers where all that is not blank is a number: then "nan" is NaN, and "NA" or "None" is blank.
    Whole numbers with leading zeros and those that are too long make it a column of text.
    """
    codes, unique = pd.factorize(np.array(texts, dtype=object))
    different = [str(text) for text in unique]
    if decimal_comma and _have_commas(different) and not _are_ambiguous(different, has_points):
        different = [text.replace(",", ".") for text in different]
    if len(different) > MANY and (fast := _floats(different)) is not None:
        return Column(codes, fast.tolist(), fast[codes], np.zeros(len(codes), dtype=bool))
    return _of_different(codes, [_of_text(text) for text in different], different)


def _have_commas(texts: Iterable[str]) -> bool:
    """Say whether texts are numbers with decimal commas: at least one has a comma, and none a point."""
    filled = [text for text in texts if text.strip() not in NO_NUMBER and text.strip() not in NOT_FINITE]
    return any("," in text for text in filled) and all(
        text.count(",") <= 1 and "." not in text and isinstance(_of_text(text.replace(",", ".")), int | float)
        for text in filled
    )


def _are_ambiguous(texts: Iterable[str], has_points: bool) -> bool:
    """Say whether numbers with commas may be thousands as well as decimals.

    So they are where each is a whole number of up to three digits, or one with groups of exactly three digits behind
    its commas, and both are there: 870 and 1,234. Numbers of which all have a comma are decimals of three places,
    unless other columns of the table have decimal points.
    """
    filled = [text.strip() for text in texts]
    filled = [text for text in filled if text not in NO_NUMBER and text not in NOT_FINITE]
    return (has_points or any("," not in text for text in filled)) and all(map(GROUPED.fullmatch, filled))


def _of_text(text: str) -> Any:
    """Return what a text stands for; a text keeps the spaces around it."""
    stripped = text.strip()
    if not stripped:
        return BLANK
    value = from_text(stripped)
    return text if isinstance(value, str) else value


def _floats(texts: Sequence[str]) -> npt.NDArray[np.float64] | None:
    """Return texts as numbers if all are plain finite ones with a point or an exponent, else None."""
    if not DIGITS.issuperset("".join(texts)) or any(text.lstrip("+-").isdigit() for text in texts):
        return None
    try:
        numbers = np.array([float(text) for text in texts])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _of_different(codes: npt.NDArray[np.intp], values: list[Any], texts: Sequence[Any]) -> Column:
    """Return the column of these codes and values, of numbers if the values are.

    Args:
        codes: (n,) positions in ``values``.
        values: without double ones.
        texts: what the values were written as.
    """
    numbers = [_number(value, text) for value, text in zip(values, texts, strict=True)]
    # A column without any number is one of text, though "nan" and "" could be read as numbers.
    if None in numbers or not any(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        if not values or None in numbers or all(value is BLANK or value is None for value in values):
            return Column(codes, values, None, np.array([value is BLANK for value in values], dtype=bool)[codes])
        if not any(isinstance(text, str) and text.strip() in NOT_FINITE for text in texts):
            return Column(codes, values, None, np.array([value is BLANK for value in values], dtype=bool)[codes])
    known = [number for number in numbers if number is not None]
    cells = [_cell(value, number) for value, number in zip(values, known, strict=True)]
    blank = np.array([cell is BLANK for cell in cells], dtype=bool)
    return Column(codes, cells, np.array([_as_float(number) for number in known], dtype=float)[codes], blank[codes])


def _number(value: Any, text: Any) -> float | None:
    """Return a cell as a number, NaN for a blank one; None for what is something else."""
    if value is BLANK or value is None:
        return math.nan
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    stripped = text.strip() if isinstance(text, str) else ""
    if stripped in NOT_FINITE:
        return NOT_FINITE[stripped]
    return math.nan if isinstance(text, str) and stripped in NO_NUMBER else None


def _cell(value: Any, number: float) -> Any:
    """Return a cell of a column of numbers."""
    if isinstance(value, str):
        return number if value.strip() in NOT_FINITE else BLANK
    return BLANK if value is None else value


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf if number > 0 else -math.inf


def column_of_values(values: Sequence[Any]) -> Column:
    """Return the column of Python's values: of JSON, of a parquet file. Lists and tables are text.

    A text in a column of numbers makes it a column of text, but for "NaN" and the like.
    """
    codes = np.empty(len(values), dtype=np.intp)
    seen: dict[Any, int] = {}
    different: list[Any] = []
    for index, value in enumerate(values):
        cell = value if value is BLANK else as_setting(value)
        # True equals 1, and 1 equals 1.0; NaN does not equal itself.
        key = (type(cell), cell if cell == cell else "NaN")
        code = seen.setdefault(key, len(different))
        if code == len(different):
            different.append(cell)
        codes[index] = code
    return _of_different(codes, different, different)


def columns_of_records(records: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Return the columns of records, a row each; a name that a record lacks is blank there.

    Raises:
        ValueError: they have too many names.
    """
    names = dict.fromkeys(name for record in records for name in record)
    if len(names) * len(records) > MOST_CELLS:
        raise ValueError(f"{len(records):,} records of {len(names):,} names: allowed are {MOST_CELLS:,} cells")
    return {name: column_of_values([record.get(name, BLANK) for record in records]) for name in names}


def unique_names(names: Iterable[str], remark: Callable[[str], None]) -> list[str]:
    """Return names for columns: of those that are there twice the second has its number behind it."""
    result: dict[str, None] = {}
    for position, name in enumerate(names, 1):
        stripped = " ".join(name.split()) or f"column {position}"
        if stripped in result:
            remark(f"the column {stripped} is there twice: the later one is called {stripped} (column {position})")
            stripped = f"{stripped} (column {position})"
        result[stripped] = None
    return list(result)
