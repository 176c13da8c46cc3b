"""Every plot of every kind of run is drawn, from the run directory alone, and shows what that holds."""

import errno
import json
import logging
import os
import shutil
import sys
import time
import warnings

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest
from made import digits, read_summary, write_set
from matplotlib.backends.backend_agg import FigureCanvasAgg
from typed import tree, typed

from npdigits.base import canvas
from npdigits.base.errors import DataUnavailable, RunDirError
from npdigits.base.npz import hash_arrays, npz, read_npz
from npdigits.config.compose import compose
from npdigits.config.identity import identity
from npdigits.data import sets
from npdigits.plots import main
from npdigits.runs import plots, run_files
from npdigits.runs.events import Listener
from npdigits.runs.report import Report
from npdigits.sweeps import plan, sweep
from npdigits.sweeps.points import Point
from npdigits.train import run

NAMES = {"cost", "accuracy", "gap", "learning_rate", "confusion", "mistakes", "weights"}
KINDS = {
    "ordinary": "epochs=12",
    "one epoch": "epochs=1",
    "no validation data": "epochs=3 val_size=0",
    "one epoch, no validation data": "epochs=1 val_size=0",
    "softmax regression": "hidden=[]",
    "two hidden layers": "hidden=[150,5]",
    "all weights zero": "initializer=zeros epochs=1",
    "a rate that falls to zero": "schedule=cosine epochs=4",
    "a constant rate": "schedule=constant lr=1e-300",
    "distorted": "augment=elastic alpha=3 sigma=2 epochs=1",
    "diverged": "optimizer=sgd lr=3 schedule=constant l2=1",
}


@pytest.fixture
def trained(tmp_path, idx_set):
    """Return a function that trains on the small set without drawing and returns the run directory."""

    def train(*overrides):
        common = ("data=idx", f"data.dir={idx_set}", "epochs=2", "hidden=6", "plots=false", "quiet=true")
        run(compose([*common, *overrides]), tmp_path / "run")
        return tmp_path / "run"

    return train


@pytest.fixture(scope="module")
def by_default(tmp_path_factory):
    """A run that was trained and drawn once, and the contents of its plots."""
    folder = tmp_path_factory.mktemp("by-default")
    common = ("data=idx", f"data.dir={write_set(folder / 'idx_set')}", "epochs=3", "hidden=6", "augment=affine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(folder / "cache"))
        run(compose([*common, "plots=false", "quiet=true"]), folder / "run")
    return folder / "run", {file.name: file.read_bytes() for file in plots.draw(folder / "run")}


def pictures(paths):
    return {path.stem: matplotlib.image.imread(path) for path in paths}


@pytest.mark.parametrize("kind", KINDS)
def test_every_plot_of_every_kind_of_run_shows_something(trained, kind):
    drawn = plots.draw(trained(*KINDS[kind].split()))
    more = {"augmentation"} if "augment" in KINDS[kind] else {"divergence"} if kind == "diverged" else set()
    assert {path.name for path in drawn} == {f"{name}.png" for name in NAMES | more}
    for name, picture in pictures(drawn).items():
        axes = picture[50:-50, 80:-80, :3]  # without title and labels
        assert axes.size > 10_000 and np.ptp(axes) > 0, name


@pytest.mark.parametrize(("classes", "shape"), [(2, (8, 7)), (30, (3, 11)), (10, (1, 1)), (10, (1, 28))])
def test_any_number_of_classes_and_any_size_of_image_is_drawn(trained, idx_set, classes, shape):
    write_set(idx_set, *(digits(n, shape, classes, seed=n) for n in (600, 100)))
    assert {path.stem for path in plots.draw(trained())} == NAMES


def test_no_mistakes_and_nothing_but_mistakes_are_drawn(trained):
    path = trained()
    kept = read_npz(path / "predictions.npz")
    for wrong in (0, 1):
        labels = ((kept["probabilities"].argmax(axis=1) + wrong) % 10).astype(np.uint8)
        mistakes = np.arange(24 if wrong else 0)
        images = np.full((len(mistakes), 56), 200, np.uint8)
        changed = {"labels": labels, "mistakes": mistakes, "mistake_images": images}
        (path / "predictions.npz").write_bytes(npz(kept | changed))
        assert {path.stem for path in plots.draw(path)} == NAMES
        title = plots.confusion(plots.RunFiles(path)).axes[0].get_title()
        assert title.startswith(f"Test set, {100 * wrong} of 100 read wrong")


def test_the_curves_are_the_columns_and_the_best_epoch_is_marked(trained):
    shown = plots.RunFiles(trained("epochs=5"))
    for name, scale in (("cost", 1), ("accuracy", 100)):
        axes = getattr(plots, name)(shown).axes[0]
        lines = {line.get_label(): line for line in axes.lines}
        for split, label in (("train", "training"), ("val", "validation"), ("test", "test")):
            assert lines[label].get_xdata().tolist() == [1, 2, 3, 4, 5]
            assert np.allclose(lines[label].get_ydata(), shown.metrics[f"{split}_{name}"] * scale)
        assert axes.lines[-1].get_xdata()[0] == shown.summary.best_epoch
        assert [text.get_text() for text in axes.get_legend().get_texts()] == list(lines)[:3]
    assert np.allclose(plots.gap(shown).axes[0].lines[0].get_ydata(), shown.metrics["gap"])
    assert np.allclose(plots.learning_rate(shown).axes[0].lines[0].get_ydata(), shown.metrics["lr"])


def test_the_gap_and_its_variance_have_a_panel_each(trained, tmp_path):
    shown = plots.RunFiles(trained("epochs=12", "stop_on=none"))
    upper, lower = plots.gap(shown).axes
    assert upper.get_position().y0 > lower.get_position().y1 and lower.get_xlabel() == "epoch"
    variance = lower.lines[0].get_ydata()
    assert np.array_equal(variance, shown.metrics["val_cost_variance"], equal_nan=True)
    assert lower.get_yscale() == "log" and upper.get_yscale() == "linear"
    assert [upper.get_ylabel(), lower.get_ylabel()] == [
        "validation − training\ncost (nats)",
        "validation cost's\nvariance (nats²)",
    ]
    shutil.rmtree(tmp_path / "run")
    short = plots.gap(plots.RunFiles(trained("epochs=2")))  # too few for a variance
    assert [text.get_text() for text in short.axes[1].texts] == ["no variance"]


@pytest.mark.parametrize("units", [3, 20, 100, 130])
def test_weights_have_whole_pixels_numbers_and_a_colour_legend(trained, units):
    shown = plots.RunFiles(trained(f"hidden={units}", "epochs=1"))
    figure = plots.weights(shown)
    FigureCanvasAgg(figure).draw()
    axes, legend = figure.axes
    image = axes.images[0].get_array()
    across = axes.get_position().width * figure.get_size_inches()[0] * 100 / image.shape[1]
    up = axes.get_position().height * figure.get_size_inches()[1] * 100 / image.shape[0]
    assert across == pytest.approx(round(across)) and up == pytest.approx(across) and across >= 2
    rows = [label.get_text().split("–") for label in axes.get_yticklabels()]
    assert rows[0][0] == "1" and rows[-1][-1] == str(min(units, 100))
    assert [int(a[-1]) + 1 for a in rows[:-1]] == [int(b[0]) for b in rows[1:]]
    limit = np.quantile(np.abs(shown.best["W1"][:100]), 0.995)
    assert axes.images[0].get_clim() == pytest.approx((-limit, limit))
    labels = [label.get_text().replace("−", "-") for label in legend.get_yticklabels()]
    assert np.allclose([float(label) for label in labels], limit * np.array([-1, -0.5, 0, 0.5, 1]), rtol=0.06)
    assert legend.get_title(loc="left") == "weight"


CURVES = {"cost", "accuracy", "gap", "learning_rate"}


class Draw(Listener):
    """Draws a run while it trains, and keeps what its directory held then."""

    def __init__(self, keep):
        self.keep, self.drawn, self.titles = keep, [], []

    def epoch_ended(self, run, epoch):
        self.drawn.append({path.stem for path in plots.draw(run.path)})
        self.titles.append(plots.RunFiles(run.path).title)
        if epoch.epoch == 2:
            shutil.copytree(run.path, self.keep)


def test_a_run_at_work_is_drawn_as_far_as_it_came_and_not_harmed(trained, tmp_path, idx_set):
    undisturbed = trained("epochs=3", "inspect=true").rename(tmp_path / "undisturbed")
    draw, left = Draw(tmp_path / "left"), ("metrics.csv", "layers.csv", "predictions.npz", "checkpoints/last.npz")
    keys = ("data=idx", f"data.dir={idx_set}", "epochs=3", "hidden=6", "plots=false", "quiet=true", "inspect=true")
    run(compose(keys), tmp_path / "run", listeners=[draw])
    assert all((tmp_path / "run" / name).read_bytes() == (undisturbed / name).read_bytes() for name in left)
    assert all(CURVES | {"layers"} <= names <= CURVES | {"layers", "weights"} for names in draw.drawn)
    assert [title.split(", ")[-1] for title in draw.titles] == [f"running after epoch {n}" for n in (1, 2, 3)]

    killed = tmp_path / "left"  # as a process leaves it that is killed while it adds a row
    (killed / "checkpoints/best.npz").unlink(missing_ok=True)
    for name in ("metrics.csv", "layers.csv"):
        text = (killed / name).read_text()
        (killed / name).write_text(text + text.splitlines()[-1][:9].replace("2", "3", 1))
    for status in ("running", "interrupted", "failed"):
        (killed / "summary.json").write_text(json.dumps(read_summary(killed) | {"status": status}))
        shutil.rmtree(killed / "plots", ignore_errors=True)
        assert {path.stem for path in plots.draw(killed)} == CURVES | {"layers"}
        shown = plots.RunFiles(killed)
        assert shown.title.endswith(f", {status} after epoch 2")
        assert plots.cost(shown).axes[0].lines[0].get_xdata().tolist() == [1, 2]


def test_a_run_without_an_epoch_has_nothing_to_draw(trained):
    path = trained()
    (path / "metrics.csv").write_text((path / "metrics.csv").read_text().splitlines(keepends=True)[0])
    (path / "summary.json").write_text(json.dumps(read_summary(path) | {"status": "running"}))
    with pytest.raises(RunDirError, match=r"no epoch has ended yet \(status running\): nothing to draw$"):
        plots.draw(path)


def test_a_run_that_was_ended_and_goes_on_is_drawn_without_its_former_predictions(trained):
    path = trained("epochs=3")
    rows = (path / "metrics.csv").read_text().splitlines(keepends=True)
    (path / "metrics.csv").write_text("".join(rows[:2]))
    (path / "summary.json").write_text(json.dumps(read_summary(path) | {"status": "running", "best_epoch": 1}))
    assert {path.stem for path in plots.draw(path)} == CURVES | {"weights"}
    assert plots.RunFiles(path).best_epoch == 1


def test_a_run_that_diverged_is_drawn_up_to_there(trained):
    path = trained("epochs=40", "optimizer=sgd", "lr=3", "schedule=constant", "l2=1")
    shown, summary = plots.RunFiles(path), read_summary(path)
    assert summary["status"] == "diverged" and summary["diverged_in_epoch"] > 1
    assert {path.stem for path in plots.draw(path)} == NAMES | {"divergence"}
    assert shown.title.endswith(f", diverged in epoch {summary['diverged_in_epoch']}")
    assert plots.diverged(shown).axes[0].get_title().endswith(f" — {shown.title}")
    assert len(plots.cost(shown).axes[0].lines[0].get_xdata()) == summary["diverged_in_epoch"] - 1


def test_the_layers_plot_has_a_line_a_layer(trained):
    shown = plots.RunFiles(trained("hidden=[7,6]", "epochs=4", "inspect=true"))
    _, *panels = plots.layers(shown).axes
    for axes, column in zip(panels, ("weight_norm", "gradient_norm", "update_ratio"), strict=False):
        assert [line.get_ydata().tolist() for line in axes.lines] == shown.layers[column].reshape(4, 3).T.tolist()
    assert len(panels[3].lines) == 2 * 3 + 1  # dead, saturated and identical units; of the output identical ones alone


STILL = ("initializer=zeros", "epochs=7", "stop_on=none", "inspect=true", "schedule=constant", "lr=1e-9")


@pytest.mark.parametrize("typed", [STILL, ("epochs=12", "inspect=true"), ("epochs=1", "inspect=true")])
def test_no_label_leaves_the_picture_and_no_axis_has_an_offset(trained, typed):
    shown = plots.RunFiles(trained(*typed))
    for name, figure in ((name, plots.DRAWN_BY[name](shown)) for name in (*CURVES, "layers", "weights")):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        box, (width, height) = figure.get_tightbbox(canvas.get_renderer()), figure.get_size_inches()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, (name, box)
        assert not any("+" in axes.yaxis.get_offset_text().get_text() for axes in figure.axes), name


@pytest.mark.parametrize("name", [r"$\frac{1$", r"\$a$ $", "two\nlines", "$" * 200])
def test_a_data_name_is_drawn_as_it_is(trained, name):
    path = trained()
    (path / "summary.json").write_text(json.dumps(read_summary(path) | {"data": name}))
    assert {path.stem for path in plots.draw(path)} == NAMES
    title = plots.cost(plots.RunFiles(path)).axes[0].title
    shown, is_math = title._preprocess_math(title.get_text())
    assert not is_math and name.replace("\n", r"\n") in shown


def test_damage_is_named_and_not_drawn(trained):
    path = trained("epochs=3")
    best, rows = path / "checkpoints" / "best.npz", (path / "metrics.csv").read_text().splitlines(keepends=True)
    summary, kept = read_summary(path), best.read_bytes()
    arrays = read_npz(best)
    changed = arrays | {"W1": np.full_like(arrays["W1"], np.nan)}
    best.write_bytes(npz(changed))
    refuse(path, "best.npz: damaged: its content is not what its digest says")
    del changed["sha256"]
    best.write_bytes(npz(changed | {"sha256": np.frombuffer(bytes.fromhex(hash_arrays(changed)), np.uint8)}))
    refuse(path, "best.npz: damaged: holds numbers that are not finite")
    best.write_bytes(kept)
    (path / "metrics.csv").write_text("".join(rows[: summary["best_epoch"]]))
    refuse(path, f"metrics.csv has {summary['best_epoch'] - 1} rows, but best_epoch={summary['best_epoch']}")


def refuse(path, said):
    with pytest.raises(RunDirError) as error:
        plots.draw(path)
    line = str(error.value)
    assert line.endswith(said) and line.count(str(path)) == 1 and not (path / "plots").exists()


def test_a_single_epoch_is_a_visible_point(trained):
    shown = plots.RunFiles(trained("epochs=1"))
    for name, lines in (("cost", 3), ("accuracy", 3), ("gap", 1), ("learning_rate", 1)):
        markers = [line.get_marker() for line in getattr(plots, name)(shown).axes[0].lines[:lines]]
        assert markers == ["."] * lines, name


def test_without_validation_data_no_curve_and_no_legend_pretends_there_was(trained):
    shown = plots.RunFiles(trained("val_size=0"))
    for plot in (plots.cost, plots.accuracy):
        legend = plot(shown).axes[0].get_legend()
        assert [text.get_text() for text in legend.get_texts()] == ["training", "test"]
    assert [text.get_text() for text in plots.gap(shown).axes[0].texts] == ["no validation data"]


def test_the_confusion_matrix_counts_the_digits_and_colours_the_mistakes(trained):
    shown = plots.RunFiles(trained("epochs=1", "lr=1e-3"))
    labels, guesses = shown.predictions["labels"], shown.predictions["probabilities"].argmax(axis=1)
    axes = plots.confusion(shown).axes[0]
    counts = {tuple(map(int, text.get_position()[::-1])): int(text.get_text()) for text in axes.texts}
    pairs = list(zip(labels.tolist(), guesses.tolist(), strict=True))
    assert counts == {pair: pairs.count(pair) for pair in pairs}
    mistakes = {pair: n / 10 for pair, n in counts.items() if pair[0] != pair[1]}  # 10 digits of each class
    expected = np.zeros((10, 10))
    expected[tuple(zip(*mistakes, strict=True))] = list(mistakes.values())
    assert expected.any() and np.allclose(axes.images[0].get_array(), expected)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("read as", "is")


def test_every_title_names_the_data_that_was_used(trained):
    shown = plots.RunFiles(trained("hidden=[7,6]", "augment=affine", "inspect=true"))
    assert shown.title == f"idx ({shown.summary.data_sha256[:8]}), 56–7–6–10"
    for name in shown.names:
        assert plots.DRAWN_BY[name](shown).axes[0].get_title().endswith(f" — {shown.title}"), name


def test_a_deep_networks_title_stays_within_the_picture(trained):
    shown = plots.RunFiles(trained("hidden=[100,90,80,70,60,50,40,30,20,15,10]", "augment=affine", "inspect=true"))
    for name in shown.names:
        canvas = FigureCanvasAgg(plots.DRAWN_BY[name](shown))
        canvas.draw()
        width, height = canvas.get_width_height()
        title = canvas.figure.axes[0].title.get_window_extent()
        assert title.x0 >= 0 and title.x1 <= width and title.y1 <= height, name


def test_after_a_fallback_the_title_names_what_was_really_used(tmp_path, warm_cache, monkeypatch):
    def unavailable(root, mirror, folder, warn):
        raise DataUnavailable("no network")

    monkeypatch.setitem(sets.LOADERS, "mnist", unavailable)
    run(compose(["data=mnist", "epochs=1", "plots=false", "quiet=true"]), tmp_path / "run")
    shown = plots.RunFiles(tmp_path / "run")
    assert shown.title.startswith(f"mnist_5k ({shown.summary.data_sha256[:8]}), 784–20–10")


def test_the_command_draws_again_from_the_directory_alone(trained, tmp_path):
    path = trained()
    first = {name: picture.tobytes() for name, picture in pictures(plots.draw(path)).items()}
    for file in (path / "plots").iterdir():
        file.unlink()
    for name in ("config.yaml", "environment.json", "overrides.yaml", "train.log", "checkpoints/last.npz"):
        (path / name).unlink()
    moved = path.rename(tmp_path / "moved")
    ended = typed("moved", cwd=tmp_path, module="npdigits.plots")
    assert (ended.returncode, ended.stderr) == (0, "")
    drawn = [tmp_path / line for line in ended.stdout.splitlines()]
    assert {file.parent for file in drawn} == {moved / "plots"}
    assert {name: picture.tobytes() for name, picture in pictures(drawn).items()} == first


@pytest.mark.parametrize(("form", "begins"), [("pdf", b"%PDF-1.4"), ("svg", b"<?xml")])
def test_all_plots_are_drawn_as_vectors_beside_the_others(trained, monkeypatch, capsys, form, begins):
    path = trained("augment=affine")
    (path / "plots").mkdir()
    before = {path / "plots" / f"{name}.png": name.encode() for name in NAMES | {"augmentation"}}
    for file, content in before.items():
        file.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["plots", str(path), "--format", form])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    drawn = [path.parent / line for line in capsys.readouterr().out.splitlines()]
    assert end.value.code == 0 and {file.name for file in drawn} == {file.stem + f".{form}" for file in before}
    contents = [file.read_bytes() for file in drawn]
    assert all(content.startswith(begins) and b"Type3" not in content for content in contents)
    assert not any(b"CreationDate" in content or b"<dc:date>" in content for content in contents)
    assert {file: file.read_bytes() for file in before} == before
    some = dict(plots.render(plots.RunFiles(path), ("cost", "confusion"), form))
    assert all((path / "plots" / f"{name}.{form}").read_bytes() == content for name, content in some.items())


def test_a_form_that_there_is_not_is_a_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["plots", "run", "--format", "jpg"])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code == 2 and said.count("\n") == 1 and "--format" in said and "pdf" in said


def test_plots_are_drawn_unless_they_are_not_wanted(trained, tmp_path):
    path = trained("plots=false")
    assert not (path / "plots").exists()
    assert {file.stem for file in (trained("plots=true") / "plots").iterdir()} == NAMES


@pytest.mark.parametrize("typed_after_it", ["none", "run none", "damaged", "diverged", "", "--all"])
def test_what_cannot_be_drawn_is_one_line(trained, tmp_path, monkeypatch, capsys, typed_after_it):
    arguments = typed_after_it.split()
    path = trained("epochs=1")
    for name in ("damaged", "diverged"):
        (tmp_path / name).mkdir()
        for file in ("summary.json", "metrics.csv"):
            (tmp_path / name / file).write_bytes((path / file).read_bytes())
    (tmp_path / "damaged" / "predictions.npz").write_bytes(b"PK")
    nothing = {"status": "diverged", "data": "idx"}
    (tmp_path / "diverged" / "summary.json").write_text(json.dumps(nothing))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["plots", *arguments])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert end.value.code == 2
    assert said.err.startswith("npdigits.plots: ") and said.err.count("\n") == 1
    if arguments in ([], ["--all"]):
        assert said.err.endswith("the following arguments are required: RUN; --help tells more\n") and said.out == ""
    else:
        assert said.err.startswith(f"npdigits.plots: {arguments[-1]}")
        assert ("no epoch was finished" in said.err) == (arguments == ["diverged"])


ODDITIES = """
text.usetex: True
text.latex.preamble: \\usepackage{not-there}
font.family: Not There
font.size: 40
figure.dpi: 2000
savefig.dpi: 5000
savefig.bbox: tight
savefig.transparent: True
figure.autolayout: True
figure.constrained_layout.use: True
figure.facecolor: black
axes.prop_cycle: cycler(color="rgb")
axes.formatter.use_locale: True
lines.linewidth: 9
path.sketch: 1, 100, 2
image.cmap: no-such-map
no.such.key: 3
no colon
"""
SETTINGS = {
    "Jupyter's backend": {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    "no such backend": {"MPLBACKEND": "nonsense"},
    "a backend with windows": {"MPLBACKEND": "tkagg"},
    "oddities": {"MATPLOTLIBRC": "{folder}/oddities", "LC_ALL": "C.UTF-8"},
    "oddities, and no such locale": {"MATPLOTLIBRC": "{folder}/oddities", "LC_ALL": "xx_YY.UTF-8"},
    "no text": {"MATPLOTLIBRC": "{folder}/no-text"},
    "no settings can be kept": {"MPLCONFIGDIR": "{folder}/oddities/below-a-file"},
    "a style that is no text": {"MPLCONFIGDIR": "{folder}"},
}


@pytest.fixture
def settings(tmp_path):
    """Return a function that names the environment of one of these."""
    folder = tmp_path / "settings"
    (folder / "stylelib").mkdir(parents=True)
    (folder / "oddities").write_text(ODDITIES)
    for name in ("no-text", "stylelib/a.mplstyle"):
        (folder / name).write_bytes(b"\xff\xfe")
    return lambda chosen: {name: value.format(folder=folder) for name, value in SETTINGS[chosen].items()}


@pytest.mark.parametrize("chosen", SETTINGS)
def test_plots_are_the_same_bytes_whatever_the_users_settings_say(by_default, tmp_path, settings, chosen):
    original, expected = by_default
    path = tmp_path / "run"
    shutil.copytree(original, path, ignore=shutil.ignore_patterns("plots"))
    ended = typed("run", cwd=tmp_path, module="npdigits.plots", **settings(chosen))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {file.name: file.read_bytes() for file in (path / "plots").iterdir()} == expected


def test_what_the_program_around_has_set_is_neither_used_nor_changed(trained):
    path = trained()
    expected = {file.name: file.read_bytes() for file in plots.draw(path)}
    logger = logging.getLogger("matplotlib")
    with mpl.rc_context({"font.size": 40, "text.usetex": True, "lines.linewidth": 9}):
        before = dict(mpl.rcParams), logger.level, warnings.filters[:]
        assert {file.name: file.read_bytes() for file in plots.draw(path)} == expected
        assert (dict(mpl.rcParams), logger.level, warnings.filters[:]) == before


def test_where_matplotlib_cannot_be_imported_at_all_a_run_finishes(tmp_path, idx_set):
    """A matplotlibrc in the working directory comes before all others, and this one is no text."""
    (tmp_path / "matplotlibrc").write_bytes(b"\xff\xfe")
    keys = ("data=idx", f"data.dir={idx_set}", "epochs=1", "hidden=4", "quiet=true", "out=run")
    for _ in range(2):  # the second time it is finished before
        ended = typed(*keys, cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (0, f"{tmp_path / 'run'}\n")
        assert ended.stderr.startswith("npdigits: WARNING: not all plots are drawn: matplotlib cannot be imported: ")
        assert ended.stderr.endswith(f"; it reads {tmp_path / 'matplotlibrc'}\n") and ended.stderr.count("\n") == 1
        assert read_summary(tmp_path / "run")["status"] == "finished"
    ended = typed("run", cwd=tmp_path, module="npdigits.plots")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("npdigits.plots: matplotlib cannot be imported: ")
    assert ended.stderr.count("\n") == 1


WRONG = {
    "no memory": (canvas, "png", MemoryError()),
    "a surprise": (canvas, "png", RuntimeError("latex could not be found\nfor two lines")),
    "a font that cannot be read": (canvas, "png", OSError(errno.EIO, os.strerror(errno.EIO))),
    "no figure": (canvas, "titled", ValueError("no figure")),
    "damaged": (run_files, "read_predictions", ValueError("damaged")),
    "a full disk": (os, "replace", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_goes_wrong_with_the_plots_is_one_warning_and_no_more(tmp_path, idx_set, monkeypatch, capsys, wrong):
    """Also in a sweep, in whose log it is said."""
    module, name, error = WRONG[wrong]

    def go_wrong(*arguments, **named):
        if module is not os or str(arguments[1]).endswith(".png"):
            raise error
        return original(*arguments, **named)

    original = getattr(module, name)
    monkeypatch.setattr(module, name, go_wrong)
    keys = ["data=idx", f"data.dir={idx_set}", "epochs=1", "hidden=4", "quiet=true"]
    config = compose(keys)
    assert run(config, tmp_path / "run", keys)["status"] == "finished"
    assert read_summary(tmp_path / "run")["status"] == "finished"
    said = capsys.readouterr().err
    assert said.startswith("npdigits: WARNING: not all plots are drawn: ") and said.count("\n") == 1
    assert not list((tmp_path / "run").rglob(".*.tmp"))
    found, source = plan.find_source(config, Report(True))
    point = Point(tuple(keys), config, identity(config, found.sha256), "point")
    assert sweep.do(tmp_path, {config.data: source}, point, False).status == "finished"
    assert "WARNING not all plots are drawn: " in (tmp_path / "point" / "train.log").read_text()
    assert capsys.readouterr().err == ""


def test_plots_that_were_begun_long_ago_and_never_ended_are_removed(trained):
    path = trained()
    plots.draw(path)
    (path / "plots" / ".cost.png.0123abcd.tmp").touch()
    os.utime(path / "plots" / ".cost.png.0123abcd.tmp", (0, 0))
    plots.draw(path)
    assert {file.stem for file in (path / "plots").iterdir()} == NAMES


def test_plots_are_not_drawn_through_a_link(trained, tmp_path):
    path = trained()
    (tmp_path / "pictures").mkdir()
    (path / "plots").symlink_to(tmp_path / "pictures")
    with pytest.raises(RunDirError, match="plots: a link"):
        plots.draw(path)
    assert not list((tmp_path / "pictures").iterdir())


def test_a_plot_that_cannot_be_written_is_an_error_that_names_the_folder(trained):
    path = trained()
    (path / "plots").write_text("in the way")
    with pytest.raises(RunDirError, match=r"plots: cannot be written: "):
        plots.draw(path)


@pytest.mark.alone
def test_all_plots_take_little_time(trained):
    path = trained("epochs=12", "hidden=20")
    plots.draw(path)
    begun = time.perf_counter()
    before = read_summary(path), {name: value for name, value in tree(path).items() if "plots" not in name}
    plots.draw(path)
    assert time.perf_counter() - begun < 3  # about 0.4 s; the machine may be busy
    assert before == (read_summary(path), {n: value for n, value in tree(path).items() if "plots" not in n})
