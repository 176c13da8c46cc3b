"""A table as text for the terminal, CSV, Markdown, LaTeX, JSON. A cell's content never becomes notation."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from npdigits.base.spreadsheet import csv_table
from npdigits.base.text import aligned, printable
from npdigits.compare.views import View

# Those that LaTeX has a command for: the others look like Latin ones.
GREEK = {
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta"},
    **{"ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma"},
    **{"τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta"},
    **{"Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}
LATEX = {
    **{"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': "''"},
    # "–" is inserted last, as two hyphens are an en dash. A star or a bracket would become an argument of a line's end.
    **{"±": r"$\pm$", "−": r"$-$", "–": "\0", "≤": r"$\leq$", "≥": r"$\geq$", "×": r"$\times$", "·": r"$\cdot$"},
    **{"[": "{[}", "*": "{*}", "`": "{`}", "…": r"\ldots{}", "²": "$^2$"},
    **{letter: f"$\\{name}$" for letter, name in GREEK.items()},
}
# TeX ends at a line, of a comment too, of 200,000 bytes, and at a cell that is some metres wide. A character may become
# 24; of a longer cell the beginning is written.
LONGEST_CELL, LONGEST_COMMENT, LONGEST_ROW = 1000, 10_000, 100_000
# Letters beyond ASCII that LaTeX's default font has.
ACCENTED = set("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿ")


def terminal(view: View, lines: Sequence[str]) -> str:
    """Return aligned columns, and the lines under them."""
    table = aligned([view.columns, *view.cells], view.left)
    return "\n".join([*table, "", *map(printable, lines)]).rstrip() + "\n"


def as_csv(frame: pd.DataFrame) -> str:
    """Return unrounded figures as CSV."""
    figures = frame.astype(object).where(frame.notna(), None)
    return csv_table(frame.columns, figures.itertuples(index=False, name=None))


def markdown(view: View, lines: Sequence[str]) -> str:
    """Return a table in GitHub's Markdown, and the lines under it."""
    rows = [[markdown_text(cell) for cell in row] for row in [view.columns, *view.cells]]
    rule = ["---" if index < view.left else "---:" for index in range(len(view.columns))]
    table = "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])
    return "\n\n".join([table, *map(markdown_text, lines)]) + "\n"


def markdown_text(text: str) -> str:
    """Return text in which nothing is Markdown's notation."""
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|#~$!" else c for c in text)


def latex(view: View, lines: Sequence[str]) -> str:
    """Return a tabular with the rules of booktabs, its notes below it, and the lines under it as comments."""
    head, *rows = (_latex_row([latex_text(cell) for cell in row]) for row in [view.columns, *view.cells])
    layout = "l" * view.left + "r" * (len(view.columns) - view.left)
    begin = [r"% \usepackage{booktabs} in the preamble", rf"\begin{{tabular}}{{{layout}}}", r"  \toprule", head]
    comments = (printable(line) for line in lines if line not in view.notes)
    parts = (
        f"% {line[start : start + LONGEST_COMMENT]}"
        for line in comments
        for start in range(0, len(line) or 1, LONGEST_COMMENT)
    )
    end = [r"  \bottomrule", r"\end{tabular}", *_latex_notes(view.notes)]
    return "\n".join([*begin, r"  \midrule", *rows, *end, *parts]) + "\n"


def _latex_notes(notes: Sequence[str]) -> list[str]:
    """Return what a paper is to say below a table, as wide as the text; nothing where there is nothing to say."""
    if not notes:
        return []
    paragraphs = (f"  {latex_text(note)}\\par" for note in notes)
    return [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize", *paragraphs, r"\end{minipage}"]


def _latex_row(cells: Sequence[str]) -> str:
    """Return a row of a tabular, in one line if TeX can read that."""
    row = f"  {' & '.join(cells)} \\\\"
    return row if len(row) <= LONGEST_ROW else "  {} \\\\".format(" &\n  ".join(cells))


def latex_text(text: str) -> str:
    """Return text in which nothing is LaTeX's notation; what pdfTeX has no letter for becomes its number."""
    text = printable(text)
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    letters = (LATEX.get(c) or (c if c.isascii() or c in ACCENTED else rf"\texttt{{U+{ord(c):04X}}}") for c in text)
    return re.sub("-(?=-)", "-{}", "".join(letters)).replace("\0", "--")


def as_json(content: Mapping[str, Any]) -> str:
    """Return JSON; a missing figure is null, and what could steer a terminal is written as \\uXXXX."""
    text = json.dumps(_jsonable(content), indent=2, ensure_ascii=False, allow_nan=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text) + "\n"


def _jsonable(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return [_jsonable(record) for record in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
