"""Figures for papers: what they show, in every form, in the same bytes, and within their edges."""

import itertools
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from made_runs import made_run, made_sweep
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from npdigits.base import canvas
from npdigits.base.errors import ConfigError, RunDirError
from npdigits.compare import command, paper, paper_curves, paper_differences, paper_intervals, paper_style
from npdigits.compare.comparison import compare
from npdigits.compare.difference import compare_over_seeds
from npdigits.compare.rows import ComparisonRow, Section
from npdigits.compare.statistics import t_interval
from npdigits.config.compose import compose
from npdigits.runs import metrics
from npdigits.runs.table import read_runs
from npdigits.training.state import Epoch

FILES = [f"{kind}-of-widths.{form}" for kind in paper.KINDS for form in paper.FORMS]
BEGIN = {"pdf": b"%PDF-1.4", "svg": b"<?xml", "png": b"\x89PNG"}
# hidden -> accuracies of eight seeds: those of 50 and 100 are hardly apart, and 10 is far off.
SEEDS = range(8)
ACCURACIES = {
    10: [0.90 + 0.001 * seed for seed in SEEDS],
    20: [0.94 + 0.001 * seed for seed in SEEDS],
    50: [0.96 + 0.001 * (seed % 3) for seed in SEEDS],
    100: [0.96 + 0.001 * (seed % 4) for seed in SEEDS],
}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Four rows of eight seeds; the first seed of each stops after three epochs, the others after five."""
    folder = made_sweep(tmp_path_factory.mktemp("widths") / "widths", "hidden", ACCURACIES)
    for width, seed in itertools.product(ACCURACIES, SEEDS):
        history = [
            Epoch(n, 0.01, 1 / n, 0.5, 1 / n, ACCURACIES[width][seed] - 0.1 / n, 1 / n, 0.5, 0.0, None, True)
            for n in range(1, 4 if seed == 0 else 6)
        ]
        (folder / f"hidden-{width}-{seed}" / "metrics.csv").write_text(metrics.format_metrics(history))
    return folder


@pytest.fixture(scope="module")
def widths(sweep):
    return compare(read_runs([str(sweep)]), default=compose().as_dict())


@pytest.fixture(scope="module")
def figures(widths):
    """All kinds in all forms, as wide as a column."""
    return paper.draw_figures(paper.parse_figures(FILES), widths, False, None)


@pytest.fixture(scope="module")
def called_hard(tmp_path_factory):
    """A comparison of as many rows as there are hard names."""
    many = {width: [0.9, 0.91 + width / 1000] for width in range(1, len(HARD) + 1)}
    folder = made_sweep(tmp_path_factory.mktemp("hard"), "hidden", many)
    return compare(read_runs([str(folder)]), default=compose().as_dict(), baseline="best")


def drawn(kind, comparison, width=paper.COLUMN, **more):
    """Return a figure of this kind, laid out, and its caption."""
    with canvas.defaults():
        figure, caption = paper.draw_kind(kind, comparison, width, None, **more)
        FigureCanvasAgg(figure).draw()
    return figure, caption


def test_every_kind_is_drawn_in_every_form_and_in_the_same_bytes_by_every_process(sweep, figures, tmp_path):
    assert [figure.file for figure in figures] == FILES
    for figure in figures:
        assert figure.content.startswith(BEGIN[figure.file.rpartition(".")[2]]), figure.file
        assert figure.caption.endswith((".", ")")) and "95 % t interval" in figure.caption
    typed = [part for file in FILES for part in ("--figure", file)]
    environment = os.environ | {"PYTHONHASHSEED": "7", "MPLBACKEND": "nonsense", "SOURCE_DATE_EPOCH": "1"}
    environment.pop("DISPLAY", None)
    ended = subprocess.run(
        [sys.executable, "-m", "npdigits.compare", sweep, *typed],
        **{"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "timeout": 120},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    for figure in figures:
        assert (tmp_path / figure.file).read_bytes() == figure.content, figure.file
        assert f"{figure.file}: {figure.caption}\n" in ended.stdout


def check_form(name, content, caption, inches):
    if name.endswith("pdf"):
        width = float(re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ", content)[1])
        assert width == pytest.approx(72 * inches)
        assert b"/Type3" not in content and b"/CIDFontType2" in content and b"/FontFile2" in content
        assert not re.search(rb"CreationDate|/Creator|/Producer|Matplotlib", content)
    elif name.endswith("svg"):
        text = content.decode()
        assert f'width="{72 * inches:g}pt"' in text
        assert all(f">hidden={width}</text>" in text for width in ACCURACIES)
        assert caption in text
        assert not re.search(r"<dc:date>|Matplotlib v", text)
    else:
        assert int.from_bytes(content[16:20], "big") == round(300 * inches)
        assert b"Software" not in content and b"matplotlib" not in content


def test_a_figure_is_as_wide_as_a_column_or_a_page_and_its_text_is_text(widths, figures):
    for figure in figures:
        check_form(*figure, paper.COLUMN)
    for figure in paper.draw_figures(paper.parse_figures(FILES[:2]), widths, True, None):
        check_form(*figure, paper.PAGE)
    assert (paper.COLUMN, paper.PAGE) == (3.3, 6.9)


def test_the_curves_are_the_means_and_thin_where_a_first_run_has_stopped(widths):
    figure, caption = drawn("curves", widths)
    axes = figure.axes[0]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(legend) == sorted(f"hidden={width}" for width in ACCURACIES)
    styles = set()
    for index, row in enumerate(widths.rows):
        thick, thin = axes.lines[2 * index : 2 * index + 2]
        accuracies = ACCURACIES[row.values["hidden"]]
        means = [100 * np.mean(accuracies) - 10 / n for n in (1, 2, 3)]
        assert thick.get_xdata().tolist() == [1, 2, 3] and np.allclose(thick.get_ydata(), means, rtol=1e-5)
        rest = [100 * np.mean(accuracies[1:]) - 10 / n for n in (4, 5)]
        assert thin.get_xdata().tolist() == [3, 4, 5] and np.allclose(thin.get_ydata()[1:], rest, rtol=1e-5)
        assert thin.get_linewidth() < thick.get_linewidth()
        half = 100 * t_interval(accuracies).half
        low, high = (edge(axes.collections[index].get_paths()[0].vertices[:, 1]) for edge in (np.min, np.max))
        assert (low, high) == (pytest.approx(means[0] - half, rel=1e-4), pytest.approx(means[2] + half, rel=1e-4))
        styles |= {thick.get_color(), str(thick.get_linestyle()), str(thick._dash_pattern)}
    assert len(styles) >= 2 * len(ACCURACIES) and "Thin" in caption and "(n = 8)" in caption


def test_more_rows_than_there_are_line_styles_are_said(tmp_path):
    many = made_sweep(tmp_path, "hidden", {width: [0.9, 0.91 + width / 1000] for width in range(1, 11)})
    comparison = compare(read_runs([str(many)]), default=compose().as_dict())
    figure, caption = drawn("curves", comparison)
    assert len(figure.legends[0].get_texts()) == 8 and "first 8 rows; 2 more are not drawn" in caption
    assert "Thin" not in caption


def test_the_intervals_show_seeds_means_and_differences_with_their_verdict(widths):
    figure, caption = drawn("intervals", widths)
    means, differences = figure.axes
    assert [label.get_text() for label in means.get_yticklabels()] == [widths.label(row) for row in widths.rows]
    places = means.get_yticks()
    assert list(places) == sorted(places) and means.get_ylim()[0] > means.get_ylim()[1]  # from above
    marks = {line.get_ydata()[0]: line for line in differences.lines if line.get_marker() == "o"}
    words = [text.get_text() for text in differences.texts]
    assert sorted(words) == ["baseline", "better", "better", "worse"]
    for place, row, word in zip(places, widths.rows, words, strict=True):
        dots, interval, mean = [
            line for line in means.lines if line.get_ydata()[0] == place and line.get_marker() != "None"
        ]
        assert np.allclose(dots.get_xdata(), 100 * row.figures["val_accuracy"])
        expected = t_interval(100 * row.figures["val_accuracy"])
        assert np.allclose(interval.get_xdata(), [expected.low, expected.high]) and mean.get_xdata()[
            0
        ] == pytest.approx(expected.mean)
        found = widths.family.differences.get(row)
        assert (found is None) == (word == "baseline") == (place not in marks)
        if found:
            assert marks[place].get_xdata()[0] == pytest.approx(100 * found.interval.mean)
            assert (marks[place].get_markerfacecolor() == marks[place].get_color()) == found.real
    assert "hidden=20" in caption and "Holm over 3 comparisons" in caption


def test_what_is_not_shown_to_differ_has_a_hollow_mark(tmp_path):
    made_sweep(tmp_path, "hidden", {20: [0.9, 0.91, 0.92], 50: [0.9, 0.91, 0.93]})
    figure, _ = drawn("intervals", compare(read_runs([str(tmp_path)]), default=compose().as_dict()))
    mark = next(line for line in figure.axes[1].lines if line.get_marker() == "o")
    assert mark.get_markerfacecolor() == "#FFFFFF" and figure.axes[1].texts[0].get_text() == "too few"


def test_of_one_row_and_of_single_seeds_the_intervals_are_drawn_all_the_same(tmp_path):
    made_run(tmp_path / "one", 0.9)
    one = compare(read_runs([str(tmp_path)]), default=compose().as_dict())
    figure, caption = drawn("intervals", one)
    assert len(figure.axes) == 1 and "Right" not in caption
    with pytest.raises(ConfigError, match="no two rows to compare"):
        drawn("differences", one)
    made_run(tmp_path / "two", 0.9, "hidden=50")
    with pytest.raises(ConfigError, match="single seed, by which no two are told apart"):
        drawn("differences", compare(read_runs([str(tmp_path)]), default=compose().as_dict()))


def test_bars_join_what_is_not_shown_to_differ(widths):
    figure, caption = drawn("differences", widths)
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["hidden=100", "hidden=50", "hidden=20", "hidden=10"]
    bars = [
        line
        for line in axes.lines
        if line.get_transform() == axes.get_yaxis_transform() and line.get_marker() == "None"
    ]
    assert [list(bar.get_ydata()) for bar in bars if len(set(bar.get_xdata())) == 1] == [list(axes.get_yticks()[:2])]
    assert "Holm) over 6 pairs" in caption


def rows_of(*columns):
    """Return rows of a comparison with these figures by seed."""
    section = Section("a", 6, "here")
    return [
        ComparisonRow(
            {"hidden": index}, section, tuple(range(len(one))), ("",) * len(one), {"val_accuracy": np.array(one)}
        )
        for index, one in enumerate(columns)
    ]


def test_rows_may_be_alike_across_one_that_differs_from_both():
    """Its differences to the others are small and always the same; the others' differences are large and vary."""
    rng = np.random.default_rng(0)
    base = rng.normal(0.9, 0.01, 12)
    rows = rows_of(base + 0.002, base + 0.001, base + np.where(np.arange(12) % 2, 0.02, -0.021))
    pairs = list(itertools.combinations(rows, 2))
    alike = paper_differences.find_alike(pairs, [compare_over_seeds(a, b, "val_accuracy") for a, b in pairs])
    assert alike[rows[0]] == {rows[2]} and alike[rows[1]] == {rows[2]} and alike[rows[2]] == {rows[0], rows[1]}
    bars = paper_differences.find_bars(rows, alike)
    assert bars == [[rows[0], rows[2]], [rows[1], rows[2]]]
    assert paper_differences.pack_bars(bars, {row: float(place) for place, row in enumerate(rows)}) == [0, 1]


def test_bars_are_the_largest_groups_of_which_all_are_alike():
    rng = np.random.default_rng(1)
    for _ in range(60):
        rows = rows_of(*[[0.5]] * int(rng.integers(2, 8)))
        alike = {row: set() for row in rows}
        for a, b in itertools.combinations(rows, 2):
            if rng.random() < 0.6:
                alike[a].add(b)
                alike[b].add(a)
        groups = [
            set(some)
            for n in range(2, len(rows) + 1)
            for some in itertools.combinations(rows, n)
            if all(b in alike[a] for a, b in itertools.combinations(some, 2))
        ]
        largest = [group for group in groups if not any(group < other for other in groups)]
        bars = paper_differences.find_bars(rows, alike)
        assert {frozenset(bar) for bar in bars} == set(map(frozenset, largest)) and len(bars) == len(largest)
        at = {row: float(place) for place, row in enumerate(rows)}
        levels = paper_differences.pack_bars(bars, at)
        for (one, level), (other, its) in itertools.combinations(zip(bars, levels, strict=True), 2):
            assert level != its or at[one[-1]] < at[other[0]] or at[other[-1]] < at[one[0]]


HARD = [r"$\frac{1$", "two\nlines", "漢字 and é", "long" * 40, "many words " * 12, "a_b%&#{}~^\\"]


@pytest.mark.parametrize("width", [paper.COLUMN, paper.PAGE])
@pytest.mark.parametrize("kind", paper.KINDS)
def test_whatever_rows_are_called_all_text_stays_within_the_figure(called_hard, kind, width, monkeypatch):
    """With labels that are formulas to matplotlib, long, of several lines, or in letters that the font lacks."""
    comparison = called_hard
    names = {id(row): name for row, name in zip(comparison.rows, HARD, strict=True)}
    monkeypatch.setattr(type(comparison), "label", lambda self, row, marks=False, unlike=None: names[id(row)])
    figure, _ = drawn(kind, comparison, width)
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert any("\\u6f22" in text.get_text() for text in texts)
    assert not any(text._preprocess_math(text.get_text())[1] for text in texts)
    edge = figure.get_tightbbox(figure.canvas.get_renderer())
    assert edge.x0 >= 0 and edge.y0 >= 0 and edge.x1 <= width and edge.y1 <= figure.get_size_inches()[1]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--figure", "-"], "--figure -: allowed is a name that begins with curves, intervals or differences"),
        (["--figure", ""], "--figure '': allowed is a name that begins with"),
        (["--figure", "curves.pdf", "--diff", "hidden-20-0", "hidden-20-1"], "not of the two runs of --diff"),
        (["--figure", "fig3.pdf"], "--figure fig3.pdf: allowed is a name"),
        (["--figure", "curves.jpg"], "and ends in .pdf, .svg or .png"),
        (["--figure", "curves.pdf", "--figure", "./curves.pdf"], "--figure is written there too"),
        (["--figure", "nowhere/curves.pdf"], "there is no such folder"),
        (["--figure", "hidden-20-0/curves.pdf"], "a file of a run or a sweep could be lost"),
        (
            ["--figure", "intervals.pdf", "--figure", "curves.pdf", "--metric", "seconds"],
            "seconds is not measured by epoch",
        ),
        (["--figure", "intervals.pdf", "--figure", "curves.pdf", "--by", "hidden"], "not of marginal means"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_nothing_is_written(sweep, typed, said, monkeypatch, capsys):
    monkeypatch.chdir(sweep)
    monkeypatch.setattr(sys, "argv", ["npdigits-compare", str(sweep), *typed])
    before = sorted(sweep.rglob("*"))
    with pytest.raises(SystemExit) as end:
        command.main()
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "") and err.startswith("npdigits-compare: --figure ") and err.count("\n") == 1
    assert said in err and sorted(sweep.rglob("*")) == before


def test_what_matplotlib_raises_is_one_line(widths, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("of\nits own")

    monkeypatch.setattr(canvas, "vector", fail)
    with pytest.raises(RunDirError, match=r"^--figure curves\.pdf: cannot be drawn: RuntimeError: of its own$"):
        paper.draw_figures(paper.parse_figures(["curves.pdf"]), widths, False, None)


def test_more_rows_than_are_legible_are_refused(widths, monkeypatch):
    monkeypatch.setattr(paper_differences, "MOST_ROWS", 3)
    monkeypatch.setattr(paper_intervals, "MOST_ROWS", 3)
    for kind in ("intervals", "differences"):
        with pytest.raises(ConfigError, match=r"4 rows: .* 3.*--filter"):
            drawn(kind, widths)


def test_curves_of_other_programs_are_drawn_by_their_steps(widths):
    """Each run has its own steps, and the metric is not there at all of them."""

    def history(run):
        seed = int(run.rpartition("-")[2])
        steps = np.arange(10.0 * (seed % 2), 100, 20)
        return {"val_accuracy": (steps, np.full(len(steps), seed / 10)), "other": (np.arange(3.0), np.zeros(3))}

    with canvas.defaults():
        figure, _ = paper_curves.draw(widths, paper.COLUMN, history)
    line = figure.axes[0].lines[0]
    assert figure.axes[0].get_xlabel() == "step" and line.get_xdata().tolist() == list(range(0, 90, 10))
    assert np.allclose(line.get_ydata()[:2], [30, 40])


def test_a_label_is_broken_at_spaces_or_anywhere_and_ends_in_dots():
    assert paper_style.wrap("hidden=20 lr=0.01", 5) == "hidden=20 lr=0.01"
    assert paper_style.wrap("hidden=20 lr=0.01", 0.6) == "hidden=20\nlr=0.01"
    long = paper_style.wrap("x" * 100, 0.5)
    assert long.count("\n") == 2 and long.endswith("…") and paper_style.widest([long]) <= 0.5


def test_the_figures_stand_in_a_document_that_compiles(figures, tmp_path, compiled_latex):
    included = ""
    for figure in figures:
        if not figure.file.endswith("svg"):
            (tmp_path / figure.file).write_bytes(figure.content)
            included += rf"\includegraphics{{{figure.file}}}"
    assert included.count("includegraphics") == 6
    assert compiled_latex("% \\usepackage{booktabs} in the preamble", included) == ""
