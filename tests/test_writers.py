"""All that npdigits says, and every CSV, is written at one place each, so that no escape and no formula passes."""

import ast
import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

import npdigits
from npdigits.base import terminal
from npdigits.base.spreadsheet import FORMULA, csv_table
from npdigits.compare.formats import as_csv
from npdigits.runs.report import Report, final_table
from npdigits.runs.summary import Status, Summary
from npdigits.sweeps.table import rows_as_csv

PACKAGE = Path(npdigits.__file__).parent
# What writes by a way of its own, and why it may.
ALLOWED = {
    ("base/terminal.py", "print"): "the writer itself",
    ("base/terminal.py", "sys.stdout"): "the writer itself",
    ("base/spreadsheet.py", "csv.writer"): "the writer itself",
    ("base/start.py", "print"): "a fixed text, before anything may be imported",
    ("base/program.py", "sys.stdout"): "flushed and, where it cannot be written, closed",
    ("runs/report.py", "sys.stdout"): "handed to the writer",
    ("runs/metrics.py", "csv.writer"): "metrics.csv, read back exactly; its columns are identifiers",
    ("pictures/pool.py", "sys.stdout"): "a pipe to another process of npdigits",
    ("runs/table.py", "warnings.warn"): "a warning in Python, its text escaped there",
    ("forms/recorded.py", "warnings.warn"): "a warning in Python, of two numbers",
}
STREAMS = {"sys.stdout", "sys.__stdout__", "sys.__stderr__"}
CALLS = {"print", "csv.writer", "csv.DictWriter", "warnings.warn", "sys.stderr.write", "sys.stderr.writelines"}
METHODS = {"to_csv", "to_string", "print_exc", "print_exception", "writerow", "writerows"}
LOGGED = {"debug", "info", "warning", "error", "critical", "exception"}
HOSTILE = "\x1b[2J\x9b31m\u202egnp.exe\x07\x7f"
STEERING = set("\x1b\x9b\u202e\x07\x7f")


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def ways_of_writing(source):
    """Yield what a module writes with, but for files."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and dotted(node) in STREAMS:
            yield dotted(node)
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            method = name.rpartition(".")[2]
            if name in CALLS or method in METHODS or (method in LOGGED and "log" in name):
                yield name
        if isinstance(node, ast.ImportFrom) and node.module in ("csv", "sys", "logging", "warnings"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("print('a')", ["print"]),
        ("import sys\nsys.stdout.write('a')", ["sys.stdout"]),
        ("def f(to):\n    sys.stderr.write(to)", ["sys.stderr.write"]),
        ("frame.to_csv(path)", ["frame.to_csv"]),
        ("csv.writer(file).writerow(x)", ["?.writerow", "csv.writer"]),
        ("logging.warning('a')", ["logging.warning"]),
        ("from csv import writer", ["csv.writer"]),
        ("show('a')", []),
    ],
)
def test_every_way_is_seen(source, found):
    assert sorted(ways_of_writing(source)) == found


def test_nothing_is_written_by_another_way():
    others, used = [], set()
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        for way in ways_of_writing(file.read_text(encoding="utf-8")):
            of_csv = way.rpartition(".")[2] in ("writerow", "writerows")
            key = name, "csv.writer" if of_csv else way
            used.add(key)
            if key not in ALLOWED:
                others.append(f"{name}: {way}")
    assert others == []
    assert set(ALLOWED) <= used, "an exception that nothing needs any more"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_lines_hold_nothing_that_steers_a_terminal(stream):
    to = stream()
    terminal.show(f"a {HOSTILE}\nb\tc", to)
    assert to.getvalue() == "a \\x1b[2J\\x9b31m\\u202egnp.exe\\x07\\x7f\nb\\tc\n"


def test_what_programs_read_is_escaped_on_a_terminal_alone():
    pipe, screen = io.StringIO(), Terminal()
    for to in (pipe, screen):
        terminal.hand_over(f"a\t{HOSTILE}\n", to)
    assert pipe.getvalue() == f"a\t{HOSTILE}\n"
    assert screen.getvalue() == "a\t\\x1b[2J\\x9b31m\\u202egnp.exe\\x07\\x7f\n"


def test_a_report_says_and_keeps_no_escape(capsys):
    kept = []
    report = Report(quiet=False)
    report._keep = kept.append
    summary = Summary(Status.FINISHED, best_epoch=HOSTILE, test_cost=0.1, test_accuracy=0.9)
    summary = Summary(
        **{**vars(summary), "readout": {"interval": [0, 1], "correct": HOSTILE, "digits": 75, "accuracy": 1}}
    )
    report.say(final_table(summary))
    report.say(f"this run was begun with {HOSTILE}")
    report.warn(HOSTILE)
    said = capsys.readouterr()
    for text in (said.out, said.err, *kept):
        assert not STEERING & set(text) and "\\x1b" in text
    assert said.out.count("\n") == 4


@pytest.mark.parametrize("text", [HOSTILE, f"=1{HOSTILE}", "\u2066a", "a\x85b", "\x00"])
def test_no_cell_and_no_head_steers_a_terminal(text):
    tables = [
        csv_table([text], [[text]]),
        as_csv(pd.DataFrame({text: [text]})),
        rows_as_csv([{text: text}]),
        csv_table([text], [[Path(text.replace("\x00", "\x01"))]]),
    ]
    for table in tables:
        assert all(c.isprintable() or c == "\n" for c in table) and table.count("\n") == 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-loss", "@a", "\ta", "\ra", "\na", "＝1"])
def test_no_head_is_a_formula(text):
    for table in (csv_table([text], []), as_csv(pd.DataFrame({text: [0.5]})), rows_as_csv([{text: 3}])):
        ((head,), *_) = csv.reader(io.StringIO(table))
        assert head == "'" + text.replace("\r", " ") and not head.startswith(FORMULA)


@pytest.mark.parametrize(
    "text", ["größe/h 20", "数字", "a\nb", "a\tb", "a\u00a0b", "a,b", 'a"b', "\\x1b", "", "\udc80"]
)
def test_other_text_reads_back(text):
    ((head,), (cell,)) = csv.reader(io.StringIO(csv_table([text or "a"], [[text]]))) if text else (("a",), ("",))
    assert (head, cell) == (text or "a", text)


def test_json_stays_json_on_a_terminal():
    screen = Terminal()
    terminal.hand_over(json.dumps({"a": HOSTILE}, indent=1), screen)
    assert json.loads(screen.getvalue()) == {"a": HOSTILE}
