"""CSV that programs and spreadsheets read alike, whatever language the spreadsheet is set to."""

import re
from numbers import Integral, Real
from typing import Any

# What begins with one of these, a spreadsheet takes for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Where the comma is the decimal sign, a spreadsheet takes a point before exactly three digits for one of thousands:
# 0.898 becomes 898. Before four digits it does not.
THREE_DECIMALS = re.compile(r"(\.\d{3})(?!\d)")


def csv_cell(value: Any) -> Any:
    """Return a value as a cell: a number with other than three decimals, text that is no formula.

    The numbers read back as the same; a text that begins as a formula does gets an apostrophe.
    """
    if isinstance(value, str):
        # A carriage return would end the row for some readers, as csv and pandas do not quote it.
        return (f"'{value}" if value.startswith(FORMULA) else value).replace("\r", " ")
    if isinstance(value, Real) and not isinstance(value, Integral) and value == value:
        return THREE_DECIMALS.sub(r"\g<1>0", repr(float(value)))
    return value
