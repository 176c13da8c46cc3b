"""Cells of CSV that a spreadsheet takes for what they are, whatever language it is set to."""

import csv
import io
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npdigits.base.spreadsheet import FORMULA, csv_cell
from npdigits.compare.formats import as_csv
from npdigits.runs.reading import Reading, readings_as_csv
from npdigits.sweeps import table as sweep_table

# What a spreadsheet whose decimal sign is the comma may take for a number with a point before each three digits.
THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(e.*)?")
FIGURES = (0.898, 12.345, 0.001, 1.234e-7, 0.8984, 0.5, 1e-300, float(np.float32(0.898)), np.float64(0.898))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_figure_can_be_taken_for_thousands_and_each_reads_back(figure):
    text = csv_cell(figure)
    assert not THOUSANDS.fullmatch(text)
    assert float(text) == figure


@pytest.mark.parametrize("figure", FIGURES)
def test_every_table_writes_its_figures_so(figure):
    tables = [
        as_csv(pd.DataFrame({"val_accuracy": [figure], "hidden": [20]})),
        as_csv(pd.DataFrame({"lr": np.array([figure, "null"], dtype=object)})),
        sweep_table.rows_as_csv([{"lr": figure, "seed": 3}]),
        readings_as_csv([Reading("a.png", (0, 1), (figure, 1 - figure), ("3", "5"))], [], {}),
    ]
    for table in tables:
        cells = [cell for line in csv.reader(io.StringIO(table)) for cell in line]
        assert not any(map(THOUSANDS.fullmatch, cells)), table
        assert any(cell == csv_cell(figure) for cell in cells), table


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\ta", "\ra"])
def test_no_table_holds_a_formula(text):
    tables = [
        as_csv(pd.DataFrame({"reason": [text]})),
        sweep_table.rows_as_csv([{"status": "failed", "reason": text}]),
        readings_as_csv([], [(text, text)], {}),
    ]
    for table in tables:
        _, *rows = csv.reader(io.StringIO(table))
        assert [cell for row in rows for cell in row if cell.endswith(text[1:])].count("'" + text.replace("\r", " "))
        assert not any(cell.startswith(FORMULA) for row in rows for cell in row)


@pytest.mark.parametrize("value", [3, True, None, "", "relu", "[300,100]", math.nan, np.int64(7)])
def test_what_is_no_figure_and_no_formula_stays(value):
    assert csv_cell(value) is value
