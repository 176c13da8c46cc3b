"""CSV that programs and spreadsheets read alike, whatever language the spreadsheet is set to."""

import csv
import io
import re
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

# A spreadsheet takes text that begins with one of these for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Where the comma is the decimal sign, a spreadsheet takes a point before exactly three digits for one of thousands:
# 0.898 becomes 898. Before four digits it does not.
THREE_DECIMALS = re.compile(r"(\.\d{3})(?!\d)")


def csv_table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a table as CSV: every CSV that is meant for people is written here.

    Args:
        head: the columns' names.
        rows: of values, each made a cell by ``csv_cell``.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(head)
    lines.writerows(map(csv_cell, row) for row in rows)
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """Return a value as a cell: a number with other than three decimals, text that is no formula.

    A number reads back as the same number. Text that begins as a formula does gets an apostrophe in front.
    """
    if isinstance(value, str):
        # A carriage return would end the row for some readers, as csv and pandas do not quote it.
        return (f"'{value}" if value.startswith(FORMULA) else value).replace("\r", " ")
    if isinstance(value, Real) and not isinstance(value, Integral) and value == value:
        return THREE_DECIMALS.sub(r"\g<1>0", repr(float(value)))
    return value
