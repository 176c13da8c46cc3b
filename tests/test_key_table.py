"""The table of all keys in conf/README.md is the one that is made from the keys."""

from pathlib import Path

import pytest

from npdigits.config.key_table import allowed_by, markdown, rows
from npdigits.config.keys import NAMES, READ_ONLY_WITH, TABLE
from npdigits.config.rules import integer

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_readme_has_the_table_of_today():
    assert markdown() in (REPOSITORY / "conf" / "README.md").read_text(encoding="utf-8")


def test_every_key_has_a_row_with_its_default_and_what_reads_it():
    table = {name: (default, allowed, read_with) for name, default, allowed, read_with in rows()}
    assert list(table) == list(TABLE)
    assert table["betas"] == ("[0.9, 0.999]", "two numbers 0 ≤ β < 1", "`optimizer` = adam, lion")
    assert {name for name, (*_, read_with) in table.items() if read_with} == set(READ_ONLY_WITH)
    assert all("or your own" in table[key][1] for key in NAMES)


def test_a_rule_says_what_it_allows():
    assert allowed_by(integer(3, 7)) == "a whole number from 3 to 7"
    with pytest.raises(AssertionError, match="allows anything"):
        allowed_by(lambda value: value)
