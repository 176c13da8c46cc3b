"""CSV that programs and spreadsheets read alike, whatever language the spreadsheet is set to."""

import csv
import io
import re
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

# A spreadsheet takes text that begins with one of these for a formula; some take the wide forms for the others.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# What could steer a terminal that a table is shown on, or show a cell in another order: control characters but tabs
# and ends of lines, and marks of direction. The halves of surrogates stay: so are names written that are not UTF-8.
STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# Where the comma is the decimal sign, a spreadsheet takes a point before exactly three digits for one of thousands:
# 0.898 becomes 898. Before four digits it does not.
THREE_DECIMALS = re.compile(r"(\.\d{3})(?!\d)")


def csv_table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table as CSV: every CSV that is meant for people is written here.

    Args:
        head: the columns' names, each made a cell as well.
        rows: of values, each made a cell by ``csv_cell``.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(map(csv_cell, head))
    lines.writerows(map(csv_cell, row) for row in rows)
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """Return a value as a cell: a number with other than three decimals, text that is no formula and steers nothing.

    A number reads back as the same number, and text as itself, but for these: text that begins as a formula does gets
    an apostrophe in front; a control character, of which no reader of a table has any use, becomes its escape.
    """
    if value is None or isinstance(value, Integral):
        return value
    if isinstance(value, Real):
        return THREE_DECIMALS.sub(r"\g<1>0", repr(float(value))) if value == value else value
    text = value if isinstance(value, str) else str(value)
    text = f"'{text}" if text.startswith(FORMULA) else text
    # A carriage return would end the row for some readers, as csv and pandas do not quote it.
    return STEERING.sub(lambda found: repr(found[0])[1:-1], text.replace("\r", " "))
