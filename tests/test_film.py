"""The film of a run's weights: its frames, its size, and what is said where there can be none."""

import sys

import numpy as np
import pytest
from PIL import Image

from npdigits.base.errors import RunDirError
from npdigits.config.compose import compose
from npdigits.plots import main
from npdigits.runs import film as module
from npdigits.runs.film import film
from npdigits.runs.run import run
from npdigits.runs.run_files import RunFiles
from npdigits.runs.weight_history import epochs_kept, read_weights
from npdigits.runs.weight_plots import Tiles


@pytest.fixture
def do(tmp_path, idx_set):
    def do(*typed, **options):
        keys = ["data=idx", f"data.dir={idx_set}", "epochs=4", "hidden=6", "plots=false", "quiet=true", *typed]
        run(compose(keys), tmp_path / "run", keys, **options)
        return tmp_path / "run"

    return do


@pytest.fixture
def said(monkeypatch):
    """Keep the lines of text that are drawn, beside drawing them."""
    from PIL import ImageDraw

    lines, original = [], ImageDraw.ImageDraw.text

    def text(self, place, line, *others):
        lines.append(line)
        original(self, place, line, *others)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return lines


def frames(path):
    with Image.open(path) as image:
        shown = []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            shown.append(np.asarray(image.convert("RGB")).astype(int))
        return shown


def test_a_frame_an_epoch_with_its_figures_and_the_same_colours_for_the_same_weights(do, tmp_path, said):
    path = do("history=all")
    made = film(path)
    assert made.epochs == (0, 1, 2, 3, 4) and len(made.content) < 2_000_000
    (tmp_path / "film.webp").write_bytes(made.content)
    shown = frames(tmp_path / "film.webp")
    assert len(shown) == 5 and shown[0].shape == (made.size[1], made.size[0], 3)
    metrics = RunFiles(path).metrics
    lines = [line for line in said if line.startswith(("initial", "epoch"))]
    assert lines[0] == "initial weights" and len(lines) == 5
    for epoch, line in enumerate(lines[1:], start=1):
        accuracy, cost = metrics["val_accuracy"][epoch - 1], metrics["val_cost"][epoch - 1]
        best = "   best" if epoch == RunFiles(path).best_epoch else ""
        assert line == f"epoch {epoch}   validation accuracy {accuracy:.1%}   cost {cost:.4g}{best}"
    assert len({line for line in said if line.startswith("weight")}) == 1  # one scale for all

    # Each pixel has the colour of its weight, within what the compression leaves.
    weights = [arrays["W1"].reshape(6, 8, 7) for arrays in read_weights(path, epochs_kept(path))]
    limit = np.quantile(np.abs(weights), 0.995)
    tiles = Tiles((6, 8, 7))
    scale = round(640 / tiles.size[1])
    for picture, units in zip(shown, weights, strict=True):
        sheet = tiles.sheet(units)
        top, left = 10 + 2 * 24, (picture.shape[1] - scale * tiles.size[1]) // 2
        middles = picture[top + scale // 2 :: scale, left + scale // 2 :: scale][: tiles.size[0], : tiles.size[1]]
        redness = (middles[..., 0] - middles[..., 2])[~np.isnan(sheet)]
        expected = (sheet / limit)[~np.isnan(sheet)]
        assert np.corrcoef(redness, expected.clip(-1, 1))[0, 1] > 0.95
        strong = np.abs(expected) > 0.3
        assert (np.sign(redness[strong]) == np.sign(expected[strong])).all()


@pytest.mark.parametrize("typed", [("val_size=0",), ("hidden=[]",), ("initializer=zeros",), ("hidden=130",)])
def test_any_kind_of_run_has_a_film(do, said, typed):
    made = film(do("history=all", *typed))
    assert len(made.epochs) == 5
    if "val_size=0" in typed:
        assert said[5].startswith("epoch 1   training accuracy ")
    assert ("100 of 130 units" in said[0]) == ("hidden=130" in typed)


def test_a_run_that_is_paused_or_kept_only_some_is_shown_as_far(do):
    path = do("history=all", until=2)
    assert film(path).epochs == (0, 1, 2)
    do("history=all")
    (path / "history/00002.npz").unlink()
    assert film(path).epochs == (0, 1, 3, 4)


@pytest.mark.parametrize("most", [60_000, 30_000, 9_000])
def test_it_is_made_small_enough(do, monkeypatch, most):
    path = do("history=all", "hidden=40", "epochs=9", "stop_on=none")
    monkeypatch.setattr(module, "MOST_BYTES", most)
    made = film(path)
    assert len(made.content) <= most and made.epochs[0] == 0 and made.epochs[-1] == 9


def test_of_many_epochs_some_are_chosen_evenly(do, monkeypatch):
    monkeypatch.setattr(module, "MOST_FRAMES", 3)
    assert film(do("history=all")).epochs == (0, 2, 4)


def typed(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["plots", *map(str, arguments)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, *capsys.readouterr()


def test_the_command_writes_it_and_says_how_large_it_is(do, tmp_path, monkeypatch, capsys):
    path, file = do("history=all"), tmp_path / "weights.webp"
    code, out, err = typed(monkeypatch, capsys, path, "--film", file)
    with Image.open(file) as image:
        size = f"{image.n_frames} frames of {image.width} × {image.height} pixels"
        assert (image.format, image.info["loop"]) == ("WEBP", 0)
    assert (code, err) == (0, "")
    assert out == f"{file}: epochs 0 to 4, {size}, {file.stat().st_size / 1e6:.2f} MB\n"
    assert not (path / "plots").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--film", "a.gif"), "--film a.gif: allowed is a file whose name ends with .webp"),
        (("run", "--film", ""), "--film : allowed is a file whose name ends with .webp"),
        (("run", "run", "--film", "a.webp"), "--film a.webp: allowed with one RUN, not with 2"),
        (("run", "--film", "run/a.webp"), "a file of a run or a sweep could be lost"),
        (("run", "--film", "none/a.webp"), "there is no such folder"),
        (("run", "--film", "a.webp"), "run: it kept no weights of its epochs: train with history=all"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(do, tmp_path, monkeypatch, capsys, arguments, message):
    do("epochs=1")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = typed(monkeypatch, capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1) and message in err
    assert sorted(tmp_path.rglob("*")) == before


def test_where_pillow_cannot_write_it_that_is_a_line(do, monkeypatch):
    monkeypatch.setattr(Image, "new", lambda *_: (_ for _ in ()).throw(KeyError("WEBP")))
    with pytest.raises(RunDirError, match=r"run: no film can be made: KeyError"):
        film(do("history=all"))
