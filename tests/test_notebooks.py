"""The notebooks of the lessons run from their first cell to their last, without an answer and with a right one."""

import inspect
import os
import re

import nbformat
import pytest
from answers import RIGHT
from made import REPOSITORY
from nbclient import NotebookClient

NOTEBOOKS = sorted((REPOSITORY / "experiments" / "lessons").glob("*.ipynb"))
MOST_BYTES = 12_000
# Under load a kernel may take long to start, and lesson 6 trains 200 networks.
SECONDS = 900


def cells_of(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]


def right_answer(lesson):
    """Return the source of a cell that has a right answer in place of the dots."""
    if lesson == 7:
        names = ("my_activation", "d_my_activation", "my_optimizer")
        parts = zip(names, map(inspect.getsource, RIGHT[7]), strict=True)
        sources = [re.sub(r"^def \w+", f"def {name}", source) for name, source in parts]
        return "%%writefile mine.py\n" + "\n\n".join(sources)
    (function,) = RIGHT[lesson]
    folder = str(REPOSITORY / "tests")
    return f"import sys\n\nsys.path.insert(0, {folder!r})\nfrom answers import {function.__name__} as my_function"


def said(cells):
    """Return all that cells have printed or shown as text."""
    outputs = [output for cell in cells for output in cell.outputs]
    return "".join(one.get("text", "") + one.get("data", {}).get("text/plain", "") for one in outputs)


def test_there_are_eight_and_they_are_small_and_without_outputs():
    assert [int(path.name.partition("_")[0]) for path in NOTEBOOKS] == list(range(1, 9))
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(text, 4)
        nbformat.validate(notebook)
        assert len(text.encode()) <= MOST_BYTES
        assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if "outputs" in cell)
        assert len(cells_of(notebook, "answer")) == 1 and cells_of(notebook, "check")
        assert "## Questions" in notebook.cells[-1].source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_without_an_answer_and_accepts_a_right_one(path, tmp_path, warm_cache, monkeypatch):
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    search = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", search)
    lesson = int(path.name.partition("_")[0])
    notebook = nbformat.read(path, 4)
    checks = cells_of(notebook, "check")
    again = [nbformat.v4.new_code_cell(source) for source in (right_answer(lesson), *(c.source for c in checks))]
    notebook.cells += again
    (folder := tmp_path / "work").mkdir()
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    assert f"Lesson {lesson}: not yet. " in said(checks) and "returned None: nothing is there yet" in said(checks)
    assert f"Lesson {lesson}: right. " in said(again), said(again)
    errors = [o for cell in notebook.cells for o in cell.get("outputs", ()) if o.output_type == "error"]
    assert not errors
