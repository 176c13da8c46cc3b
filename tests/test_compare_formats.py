"""The table in every notation: what a cell holds never becomes notation."""

import csv
import html
import io
import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from npdigits.base.text import printable
from npdigits.compare.formats import as_csv, as_json, latex, latex_text, markdown, markdown_text, terminal
from npdigits.compare.views import View

NASTY = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2",
    "@SUM(A1)",
    "a|b",
    "<script>alert(1)</script>",
    "a\nb",
    "\x1b[31mred",
    "50 % & more_of #it $x^2 ~{}\\",
    "漢字 é ±",
    "**bold** [link](x) `code`",
    "",
    "\u202eright to left",
    "a--b",
    "*starred",
    "[0]",
]


def view(*cells):
    frame = pd.DataFrame({"key": cells, "figure": np.arange(len(cells), dtype=float)})
    return View(["key", "figure %"], 1, [[cell, f"{i}.0 ± 0.1"] for i, cell in enumerate(cells)], frame)


def test_the_terminal_gets_aligned_columns():
    assert terminal(view("a", "long name"), ["one", "two"]).splitlines() == [
        *("key         figure %", "a          0.0 ± 0.1", "long name  1.0 ± 0.1", "", "one", "two")
    ]


def test_wide_letters_take_two_columns_and_combined_ones_none():
    lines = terminal(view("漢字", "e\u0301a"), []).splitlines()
    assert lines == ["key    figure %", "漢字  0.0 ± 0.1", "e\u0301a    1.0 ± 0.1"]


@pytest.mark.parametrize("text", NASTY)
def test_nothing_steers_the_terminal_or_breaks_a_line(text):
    shown = terminal(view(text), [text])
    assert len(shown.splitlines()) <= 4
    assert all(c.isprintable() for c in shown.replace("\n", ""))
    assert printable("a\nb\x1b") == "a\\nb\\x1b"


@pytest.mark.parametrize("text", NASTY)
def test_csv_reads_back_and_holds_no_formula(text):
    rows = list(csv.reader(io.StringIO(as_csv(view(text).frame))))
    assert rows[0] == ["key", "figure"]
    escaped = text.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")  # which no reader has any use of
    assert rows[1][0].removeprefix("'") == escaped.removeprefix("'")
    assert not rows[1][0].startswith(("=", "+", "-", "@"))


def test_csv_keeps_numbers_whole():
    frame = pd.DataFrame({"lr": [-0.1, 1e-5], "mean": [1 / 3, np.nan]})
    assert as_csv(frame) == "lr,mean\n-0.1,0.3333333333333333\n1e-05,\n"


def cells_of(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize("text", NASTY)
def test_markdown_keeps_its_columns_and_says_the_same(text):
    lines = markdown(view(text), ["a | b"]).splitlines()
    assert lines[1] == "| --- | ---: |"
    assert [len(cells_of(line)) for line in lines[:3]] == [2, 2, 2]
    said = html.unescape(re.sub(r"\\(.)", r"\1", cells_of(lines[2])[0]))
    assert said == printable(text).strip() or "\\" in text
    assert "<" not in lines[2] and lines[4] == r"a \| b"


def test_latex_is_a_booktabs_table():
    text = latex(view("a_b", "c"), ["50 % ± 1"])
    assert text.splitlines() == [
        *(
            r"% \usepackage{booktabs} in the preamble",
            r"\begin{tabular}{lr}",
            r"  \toprule",
            r"  key & figure \% \\",
            r"  \midrule",
        ),
        *(r"  a\_b & 0.0 $\pm$ 0.1 \\", r"  c & 1.0 $\pm$ 0.1 \\", r"  \bottomrule", r"\end{tabular}", "% 50 % ± 1"),
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50 % & more_of #it", r"50 \% \& more\_of \#it"),
        ("$x^2 ~{}\\", r"\$x\textasciicircum{}2 \textasciitilde{}\{\}\textbackslash{}"),
        ("<a>|b", "$<$a$>$$|$b"),
        ("a\nb", r"a\textbackslash{}nb"),
        ("a--b – c", "a-{}-b -- c"),
        ("*", "{*}"),
        ("[0]", "{[}0]"),
        ("é 漢", r"é \texttt{U+6F22}"),
        ("−0.1 ± 0.2 Δ ≤ λ²", r"$-$0.1 $\pm$ 0.2 $\Delta$ $\leq$ $\lambda$$^2$"),
        ("----", "-{}-{}-{}-"),
        ("a" * 1001, "a" * 999 + r"\ldots{}"),
    ],
)
def test_latex_reads_nothing_as_notation(text, written):
    assert latex_text(text) == written


# All letters and signs of the first alphabets, and what neither a cell nor a line of TeX can hold.
ALL = ["".join(map(chr, range(start, start + 256))) for start in range(0, 0x3000, 256)] + ["漢字 \U0001f600 e\u0301"]
LONG = ["-" * 250_000, "λ_%\t" * 70_000]


def test_latex_compiles_whatever_cells_and_lines_hold(compiled_latex):
    texts = [*NASTY, *ALL, *LONG]
    wide = View(["a"] * 20, 1, [["λ\x7f" * 500] * 20], pd.DataFrame())
    for table in (latex(view(*texts), texts), latex(wide, [])):
        assert max(len(line.encode()) for line in table.splitlines()) < 200_000
        assert compiled_latex(table) == ""


def test_of_other_notation_than_this_latex_would_not_compile(compiled_latex):
    broken = latex(view("a"), []).replace("a &", r"\nothing &")
    assert "Undefined control sequence" in compiled_latex(broken)


@pytest.mark.parametrize("text", NASTY)
def test_json_reads_back(text):
    content = {
        "rows": view(text).frame,
        "says": [text],
        "at all": {"x": np.float64(0.5), "n": math.nan, "i": np.int64(3)},
    }
    assert json.loads(as_json(content)) == {
        "rows": [{"key": text, "figure": 0.0}],
        "says": [text],
        "at all": {"x": 0.5, "n": None, "i": 3},
    }


def test_markdown_text_escapes_what_github_reads():
    assert markdown_text("*a* _b_ <i> ~c~ $d$") == r"\*a\* \_b\_ &lt;i&gt; \~c\~ \$d\$"
