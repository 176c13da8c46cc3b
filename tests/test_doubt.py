"""How much a reading is to be doubted: the scores, the share among validation digits, the file, and what is said."""

import csv
import dataclasses
import io
import json
import shutil

import numpy as np
import pytest
from drawn import drawn
from made import digits, made_data, output_of, read_summary, start_python
from PIL import Image, ImageDraw

from npdigits import evaluate, predict
from npdigits.base.npz import npz, read_npz
from npdigits.config.compose import compose
from npdigits.data.sets import Split, load
from npdigits.runs import doubt, likeness, outliers, reading, trained
from npdigits.runs.arrays import read_doubt
from npdigits.runs.detector import Detector
from npdigits.runs.doubt import Doubt, count_as_large
from npdigits.runs.likeness import Likeness
from npdigits.runs.of_files import split_of
from npdigits.runs.trained import CALIBRATED
from npdigits.train import run


def pattern_split(n, shape=(8, 7), classes=10, seed=0):
    images, labels = digits(n, shape, classes, seed)
    return Split(images.reshape(n, -1), labels.astype(np.intp), np.arange(n))


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    """Return a run on the embedded MNIST digits."""
    folder = tmp_path_factory.mktemp("doubt") / "run"
    run(compose(["data=mnist_5k", "epochs=8", "lr=0.01", "plots=false", "quiet=true"]), folder)
    return folder


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return a folder with two pictures: a digit, and a figure that is none."""
    folder = tmp_path_factory.mktemp("pages")
    Image.fromarray(drawn(3)).save(folder / "3.png")
    page = Image.new("L", (240, 280), 255)
    pencil = ImageDraw.Draw(page)
    for x in (50, 120, 190):
        pencil.line((x, 60, x, 220), fill=0, width=12)
    for y in (60, 140, 220):
        pencil.line((44, y, 196, y), fill=0, width=12)
    page.save(folder / "window.png")
    return folder


@pytest.fixture
def typed(capsys):
    """Return a function that does what a command line asks for, and returns exit code, output and errors.

    What the probabilities mean, which is said with every table, is left out of the errors.
    """

    def call(program, *arguments):
        parser_call = {predict: predict.main, evaluate: evaluate.main}[program]
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setattr("sys.argv", ["npdigits", *map(str, arguments)])
            parser_call()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err.replace(f"npdigits.predict: {CALIBRATED}\n", "")

    return call


def without_meaning(err):
    """Return the lines of standard error but for that of what probabilities mean."""
    return [line for line in err.splitlines() if ": probabilities " not in line]


def test_edges_by_pencil():
    # A step of 1 across: Sobel's gradient is (1, 0) in both columns beside it, all of it to the right.
    step = np.zeros((1, 5, 6), np.float32)
    step[:, :, 3:] = 1
    edges = likeness.edges_of(step)[0]
    assert edges.shape == (8, 5, 6)
    assert edges[:, 2, 2].tolist() == edges[:, 2, 3].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert not edges[:, 2, 1].any()
    # Turned by 180°, it is the other way; a quarter turn, it is down or up.
    assert likeness.edges_of(step[:, ::-1, ::-1])[0, :, 2, 2].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert likeness.edges_of(step.transpose(0, 2, 1))[0, :, 2, 2].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    # A gradient (u, v) is what its axis and its diagonal have, as vectors.
    ramp = (0.02 * np.arange(7)[:, None] + 0.05 * np.arange(7))[None].astype(np.float32)
    found = likeness.edges_of(ramp)[0, :, 3, 3]
    assert found == pytest.approx([0.1 - 0.04, 0, 0, 0, 0.04 * 2**0.5, 0, 0, 0], abs=1e-6)


def test_a_feature_is_the_root_of_what_a_cell_has():
    step = np.zeros((28, 28), np.uint8)
    step[:, 14:] = 255
    found = likeness.features_of(step.reshape(1, -1), (28, 28)).reshape(8, 7, 7)
    # Columns 13 and 14 have 1 each. They are in the fourth cell of seven, 12 … 15: half, blurred ¼, ½, ¼.
    assert found[0, 3] == pytest.approx(np.sqrt([0, 0, 1 / 8, 1 / 4, 1 / 8, 0, 0]), abs=1e-6)
    assert not found[1:, 2:5, :5].any()  # but at the borders, where the picture ends


def test_a_residual_by_pencil():
    # Four digits, two features that count: the mean is (2, 3), and they vary along (1, 1).
    held = Likeness((28, 28), np.zeros((1, 1, 392), np.float16), np.zeros((1, 1, 2, 392), np.float16))
    held.axes[0, 0, 0, :2] = 0.5**0.5
    x = likeness.features_of(np.random.default_rng(0).integers(0, 256, (3, 784)).astype(np.uint8), (28, 28))
    held.means[0, 0] = x[0]
    images = np.random.default_rng(0).integers(0, 256, (3, 784)).astype(np.uint8)
    e = x - held.means[0, 0].astype(np.float32)
    along = (e[:, 0] + e[:, 1]) ** 2 / 2
    expected = (e**2).sum(axis=1) - along
    found = held.residuals(likeness.features_of(images, (28, 28)), np.zeros(3, int))
    assert found == pytest.approx(expected, abs=1e-3)
    assert expected[0] < 1e-4 < expected[1]


def test_the_axes_are_those_of_the_principal_components():
    rng = np.random.default_rng(1)
    e = rng.normal(size=(300, 40)) @ np.diag(0.8 ** np.arange(40)) @ rng.normal(size=(40, 60))
    e = (e - e.mean(axis=0)).astype(np.float32)
    found = likeness.main_axes(e, 12)
    _, exact = np.linalg.eigh(e.T @ e)
    left = [np.square(e - e @ v.T @ v).sum() for v in (found, exact[:, ::-1][:, :12].T)]
    assert found.shape == (12, 60) and found @ found.T == pytest.approx(np.eye(12), abs=1e-5)
    assert left[1] <= left[0] * (1 + 1e-5) and left[0] <= 1.01 * left[1]


@pytest.mark.parametrize(
    ("shape", "small"), [((28, 28), (28, 28)), ((8, 7), (8, 7)), ((64, 64), (28, 28)), ((1, 5000), (1, 784))]
)
def test_large_images_are_looked_at_smaller(shape, small):
    height, width = likeness.small_shape(shape)
    assert height * width <= likeness.MOST_PIXELS and height >= 1
    assert (height, width) == small or shape == (1, 5000)
    found = likeness.features_of(np.full((2, shape[0] * shape[1]), 255, np.uint8), shape)
    assert found.shape == (2, likeness.count_features(shape))
    if min(height, width) > 12:  # ink all around has no edge inside
        assert not found.reshape(2, 8, *likeness.cells_of(shape))[:, :, 2:-2, 2:-2].any()


def test_a_class_that_is_written_in_two_ways_is_two_kinds():
    rng = np.random.default_rng(0)
    ways = np.repeat([[0, 0, 3], [4, 0, 0]], [70, 30], axis=0)
    x = (ways + rng.normal(0, 0.1, (100, 3))).astype(np.float32)
    one, other = sorted(likeness.divided(x[rng.permutation(100)]), key=len)
    assert one.mean(axis=0) == pytest.approx([4, 0, 0], abs=0.1) and len(one) == 30
    assert other.mean(axis=0) == pytest.approx([0, 0, 3], abs=0.1)
    same = np.ones((100, 3), np.float32)
    for few in (x[:20], same):  # nothing to divide
        assert [len(part) for part in likeness.divided(few)] == [len(few)] * 2


def test_shares_are_multiplied_by_pencil():
    source = made_data(train=200, test=20)
    like = Likeness.of(source.train, (8, 7), 10)
    p = np.full((20, 10), 0.02 / 9)
    p[:, 0] = 0.98
    usual, rare = np.linspace(0.01, 0.5, 99), np.linspace(0, 1e-6, 99)
    held = Doubt(like, None, np.stack([usual, rare], axis=1).astype(np.float32))
    found = held(source.test, p)
    # 97 of 99 are less sure, no image is so strange: √98·1. That comes before nine of those held, √r·r < √98 for r ≤ 4.
    assert found.unlike.all() and found.doubt == pytest.approx(1 - 5 / 100)
    held = Doubt(like, None, np.stack([0.03 * usual, np.linspace(1e5, 1e6, 99)], axis=1).astype(np.float32))
    found = held(source.test, p)
    # The network is less sure than of any, and all images are stranger: √1·100. √r·r < 100 for r ≤ 21.
    assert not found.unlike.any() and found.doubt == pytest.approx(1 - 22 / 100)


def test_a_count_of_scores_as_large():
    assert count_as_large(np.array([0.5, 2.0, 3.0, 9.0]), np.array([3.0, 1.0, 2.0, 2.0])).tolist() == [4, 3, 1, 0]


def test_doubt_by_pencil():
    # Four validation digits, without likeness: 1 − p is all.
    held = Doubt(None, None, np.float32([[0.1, 0], [0.2, 0], [0.3, 0], [0.4, 0]]))
    p = np.array([[0.95, 0.05], [0.65, 0.35], [0.5, 0.5]])
    found = held(pattern_split(3), p)
    # As strange as: all four and itself of five; one and itself; itself alone.
    assert found.doubt == pytest.approx([0, 1 - 2 / 5, 1 - 1 / 5]) and not found.unlike.any() and found.known


def test_of_digits_like_the_validation_set_no_more_are_refused_than_was_asked_for():
    source = made_data(train=3000, test=10)
    rows = source.train.rows
    train, val, fresh = (dataclasses.replace(source.train, rows=some) for some in np.split(rows, [1000, 2000]))
    rng = np.random.default_rng(0)

    def p_of(split):
        p = rng.dirichlet(np.ones(10), len(split))
        rows = np.arange(len(split))
        best = p.argmax(axis=1)
        labels = split.labels[split.rows]
        p[rows, best], p[rows, labels] = p[rows, labels], p[rows, best]
        return p

    like = Likeness.of(train, (8, 7), 10)
    detector = Detector.of(train, (8, 7), 10)
    held = Doubt(like, detector, np.zeros((0, 3), np.float32))
    held = Doubt(like, detector, held._scores(val, p_of(val)))
    share = {most: (held(fresh, p_of(fresh)).doubt > 1 - most).mean() for most in (0.01, 0.1, 0.5)}
    for most, refused in share.items():
        assert abs(refused - most) < 4 * np.sqrt(2 * most * (1 - most) / 1000)


def test_a_run_keeps_what_its_readings_are_held_against(a_run):
    kept = read_doubt(a_run / "doubt.npz", 10, 392)
    assert {name: array.shape for name, array in kept.items()} == {
        "scores": (500, 3),
        "weights": (32,),
        "means": (10, 2, 392),
        "axes": (10, 2, 30, 392),
        "W1": (128, 392),
        "b1": (128,),
        "W2": (11, 128),
        "b2": (11,),
    }
    assert read_summary(a_run)["more_sizes"] == {"doubt.npz": (a_run / "doubt.npz").stat().st_size}
    assert "doubt.npz" not in read_summary(a_run)["sizes"]  # by which version 0.2.0 would do the run again


def test_a_picture_that_is_no_digit_is_marked_and_shown(a_run, pages, typed, tmp_path):
    code, out, err = typed(predict, a_run, pages, "--csv", tmp_path / "t.csv", "--json", tmp_path / "t.json")
    head, digit, window = [line.split() for line in out.splitlines()]
    assert head[-1] == "doubt" and digit[1] == "3" and float(digit[-1]) <= 0.99 < float(window[-1])
    why = f"unlike any {window[1]} that it was trained on"
    assert f"npdigits.predict: not sure: {pages / 'window.png'}: {why}\n" in err
    assert err.endswith("npdigits.predict: 2 read, 1 of them not sure, 0 skipped\n") and code == 1
    first, second = csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8")))
    assert (first["not_sure"], second["not_sure"], second["digit"]) == ("", why, window[1])
    said = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["read"]
    assert [one["doubt"] for one in said] == [float(first["doubt"]), float(second["doubt"])]
    assert "not_sure" not in said[0] and said[1]["not_sure"] == why


def test_how_much_is_doubted_is_the_users_to_say(a_run, pages, typed):
    code, _, err = typed(predict, a_run, pages, "--doubt", "0")
    assert (code, without_meaning(err)) == (0, [])
    code, _, err = typed(predict, a_run, pages, "--doubt", "1")
    assert code == 1 and err.count("not sure: ") == 2
    assert err.count(" % of the validation digits are less strange") == 1  # a plain 3


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan", "much", ""])
def test_a_share_is_a_number_from_0_to_1(a_run, pages, typed, share):
    code, out, err = typed(predict, a_run, pages, f"--doubt={share}")
    assert (code, out) == (2, "") and f"--doubt {share}: allowed is a number from 0" in err and err.count("\n") == 1


def test_a_run_from_before_is_doubted_by_probability_alone(a_run, pages, typed, tmp_path):
    shutil.copytree(a_run, tmp_path / "run")
    (tmp_path / "run" / "doubt.npz").unlink()
    _, _, err = typed(predict, tmp_path / "run", pages)
    assert "doubt.npz: is lost: doubt is told by the probability alone" in err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    del summary["more_sizes"]  # which earlier versions do not write
    (tmp_path / "run" / "summary.json").write_text(json.dumps(summary))
    code, out, err = typed(predict, tmp_path / "run", pages, "--doubt", "0")
    head, *rows = [line.split() for line in out.splitlines()]
    assert head[-1] == "1-probability" and (code, without_meaning(err)) == (0, [])
    for row in rows:
        assert float(row[-1]) == pytest.approx(1 - float(row[2]), abs=2e-4)
    p = sorted(float(row[2]) for row in rows)
    code, _, err = typed(predict, tmp_path / "run", pages, "--doubt", "1")
    assert (code, err.count("not sure: ")) == (1, sum(one < 1 for one in p))
    code, plain, err = typed(predict, tmp_path / "run", pages)
    assert (code, plain, without_meaning(err)) == (0, out, [])
    code, out, err = typed(predict, tmp_path / "run", pages, "--doubt", str((p[0] + p[1]) / 2))
    assert code == 1 and err.count("not sure: ") == 1 and ": between " in err and " and " in err


@pytest.mark.parametrize(
    "harm",
    ["torn", "of another network", "not finite", "of other classes", "half a detector", "two scores", "a folder"],
)
def test_a_file_that_cannot_be_used_is_said_and_the_reading_goes_on(a_run, pages, typed, tmp_path, harm):
    shutil.copytree(a_run, tmp_path / "run")
    file = tmp_path / "run" / "doubt.npz"
    arrays = read_npz(file)
    changed = {
        "of another network": {"weights": arrays["weights"] + np.uint8(1)},
        "not finite": {"scores": arrays["scores"] * np.float32(np.inf)},
        "of other classes": {"means": arrays["means"][1:]},
        "half a detector": {"W2": arrays["W2"][1:]},
        "two scores": {"scores": arrays["scores"][:, :2]},
    }
    if harm == "a folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(npz(arrays | changed[harm]) if harm in changed else file.read_bytes()[:1000])
    code, out, err = typed(predict, tmp_path / "run", pages, "--doubt", "0")
    assert code == 0 and out.splitlines()[0].split()[-1] == "1-probability"
    (line,) = without_meaning(err)
    assert line.startswith("npdigits.predict: ") and str(file) in line and doubt.ALONE in line


def test_without_a_detector_its_score_is_left_out(a_run, pages, typed, tmp_path):
    shutil.copytree(a_run, tmp_path / "run")
    arrays = read_npz(a_run / "doubt.npz")
    kept = {name: arrays[name] for name in ("means", "axes", "weights")} | {"scores": arrays["scores"][:, :2]}
    (tmp_path / "run" / "doubt.npz").write_bytes(npz(kept))
    _, with_it, _ = typed(predict, a_run, pages)
    _, out, err = typed(predict, tmp_path / "run", pages)
    assert "cannot be used" not in err and out.splitlines()[0].split()[-1] == "doubt" and out != with_it


def test_rows_of_a_file_are_never_refused(a_run, typed, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    np.save(tmp_path / "noise.npy", noise)
    code, _, err = typed(predict, a_run, tmp_path / "noise.npy", "--csv", tmp_path / "t.csv", "--doubt", "0.5")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"))))
    assert code == 0 and "not sure" not in err and [row["not_sure"] for row in rows] == [""] * 5
    assert all(float(row["doubt"]) > 0.99 for row in rows)
    typed(predict, a_run, tmp_path / "noise.npy", "--submission", tmp_path / "s.csv", "--doubt", "0.5")
    assert (tmp_path / "s.csv").read_text(encoding="utf-8").count("\n") == 6


def test_evaluate_counts_what_is_doubted(a_run, typed):
    code, out, _ = typed(evaluate, a_run)
    table = [line.split() for line in out.splitlines()[2:]]
    assert code == 0 and table[0][-1] == "not_sure" and len(table) == 11
    assert sum(int(row[-1]) for row in table[1:]) <= 25  # of 500, at 1 %


def test_without_a_validation_set_nothing_can_be_held_against(tmp_path):
    run(compose(["epochs=1", "val_size=0", "plots=false", "quiet=true"]), tmp_path / "run", source=made_data())
    assert not (tmp_path / "run" / "doubt.npz").exists() and "more_sizes" not in read_summary(tmp_path / "run")


def test_an_older_network_than_the_file_is_noticed_when_a_run_goes_on(tmp_path, capsys):
    typed = ["plots=false", "quiet=true", "schedule=constant"]
    source = made_data()
    run(compose(["epochs=1", *typed]), tmp_path / "run", source=source)
    before = (tmp_path / "run" / "doubt.npz").read_bytes()
    config = compose(["epochs=3", *typed, f"resume={tmp_path / 'run'}"])
    run(config, None, ["epochs=3", f"resume={tmp_path / 'run'}"], source=source)
    assert (tmp_path / "run" / "doubt.npz").read_bytes() != before
    one = trained.load_trained(tmp_path / "run")
    assert doubt.doubt_of(one, pytest.fail) is not None
    (tmp_path / "run" / "doubt.npz").write_bytes(before)
    said = []
    assert doubt.doubt_of(one, said.append) is None and "another epoch" in said[0]


@pytest.mark.parametrize(
    "made",
    [
        {"shape": (40, 50)},
        {"shape": (1, 9)},
        {"classes": 3},
        {"dtype": "float32"},
        {"train": 12, "test": 4, "classes": 2},
    ],
    ids=str,
)
def test_data_of_ones_own_gets_doubt_too(tmp_path, made):
    source = made_data(**{"train": 240, "test": 40} | made)
    run(compose(["epochs=2", "batch_size=4", "plots=false", "quiet=true"]), tmp_path / "run", source=source)
    one = trained.load_trained(tmp_path / "run")
    found = doubt.doubts_of(one, source.test, one.probabilities(source.test), pytest.fail)
    assert found.known and found.doubt.shape == (len(source.test),)
    assert found.doubt.min() >= 0 and found.doubt.max() < 1
    inverted = Split(255 - source.test.images, source.test.labels, source.test.rows)
    strange = doubt.doubts_of(one, inverted, one.probabilities(inverted), pytest.fail)
    assert strange.doubt.mean() > found.doubt.mean() or len(found.doubt) < 10  # held against two digits


def test_of_too_many_classes_only_the_probability_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(likeness, "MOST_NUMBERS", 639)
    run(compose(["epochs=1", "plots=false", "quiet=true"]), tmp_path / "run", source=made_data())
    one = trained.load_trained(tmp_path / "run")
    held = doubt.doubt_of(one, pytest.fail)
    assert held.likeness is None and held.scores.shape == (100, 2) and not held.scores[:, 1].any()
    found = held(made_data().test, one.probabilities(made_data().test))
    assert found.known and not found.unlike.any()


def test_a_detector_tells_digits_from_what_is_none(a_run):
    one = trained.load_trained(a_run)
    held = doubt.doubt_of(one, pytest.fail)
    images = load("mnist_5k").test.images[load("mnist_5k").test.rows]
    rng = np.random.default_rng(5)
    some = images.reshape(-1, 28, 28)[:300].astype(np.float32)
    tangles = np.maximum(some[:150], some[150:].swapaxes(1, 2)[:, ::-1]).reshape(150, -1).astype(np.uint8)
    digit, tangle = (held.detector.scores(likeness.features_of(x, (28, 28))) for x in (images[300:], tangles))
    assert np.median(tangle) > np.quantile(digit, 0.97) and np.median(digit) < -3
    # It finds more of them than the other scores do, at as many digits that are marked.
    without = Doubt(held.likeness, None, held.scores[:, :2])
    split = Split(tangles, np.zeros(150, np.intp), rng.permutation(150))
    marked = [(each(split, one.probabilities(split)).doubt > 0.99).mean() for each in (without, held)]
    assert marked[1] > marked[0] + 0.1, marked


def test_a_detector_is_the_same_each_time_and_of_any_shape():
    for shape in ((8, 7), (1, 9), (40, 50)):
        split = pattern_split(60, shape)
        first, second = (Detector.of(split, shape, 10).arrays for _ in range(2))
        assert all(np.array_equal(first[name], second[name]) for name in first)
        assert first["W1"].shape == (128, likeness.count_features(shape)) and first["W2"].shape == (11, 128)


def test_a_detectors_score_by_pencil():
    # One hidden unit, which is the first feature; logits: that, its half, and 1 for none of both.
    arrays = {"W1": [[1, 0]], "b1": [0], "W2": [[1], [0.5], [0]], "b2": [0, 0, 1]}
    found = Detector({name: np.array(array, np.float16) for name, array in arrays.items()})
    x = np.float32([[2, 9], [-3, 9]])
    assert found.scores(x) == pytest.approx([1 - np.log(np.exp(2) + np.exp(1)), 1 - np.log(2)], abs=1e-5)


def test_outliers_are_made_of_both_digits_and_are_of_each_kind():
    rng = np.random.default_rng(0)
    images = np.zeros((2, 28, 28), np.float32)
    images[0, :, 12:16], images[1, 12:16] = 255, 255
    one, other = images[:1].repeat(50, 0), images[1:].repeat(50, 0)
    joined = outliers.joined(rng, one, other)
    assert ((joined == one) | (joined == other)).all() and (joined != one).any() and (joined != other).any()
    # A bar is itself or lies down: the seven ways are drawn alike, three of them leave it (it is symmetric).
    turned = outliers.turned(rng, one.repeat(20, 0))
    stays = (turned == one[0]).all(axis=(1, 2))
    assert (stays | (turned == other[0]).all(axis=(1, 2))).all() and abs(stays.mean() - 3 / 7) < 0.07
    grown = (outliers.thickened(rng, one) > 0).sum(axis=(1, 2)) / 28
    assert set(grown.tolist()) == {6, 8, 10}
    assert outliers.outliers_of(rng, images, 43).shape == (43, 28, 28)
    assert len(outliers.outliers_of(rng, np.ones((3, 8, 7), np.uint8), 1)) == 1


def test_no_class_is_asked_for_more_axes_than_its_digits_tell():
    few = pattern_split(15, classes=3)
    few = dataclasses.replace(few, rows=few.rows[few.labels != 2])  # and of the last class there is none
    found = Likeness.of(few, (8, 7), 3)
    assert found.axes.any(axis=3).sum(axis=(1, 2)).tolist() == [2, 2, 0] and not found.means[2].any()


def test_a_reading_says_which_of_both_it_is():
    one = reading.Reading("a.png", (4, 9), (0.6, 0.4), tuple("0123456789"), 0.995, False, True)
    assert one.refusal(0.01) == "between 4 and 9" and one.refusal(0.001) == "" == one.refusal(0)
    assert dataclasses.replace(one, unlike=True).refusal(0.01) == "unlike any 4 that it was trained on"
    plain = dataclasses.replace(one, doubt=0.43, unlike=True)
    assert plain.refusal(1) == "43 % of the validation digits are less strange" and plain.refusal(0.5) == ""
    alone = dataclasses.replace(one, probabilities=(0.995, 0.005), doubt=0.005, known=False)
    assert alone.refusal(1) == "read as 4 with a probability of 0.9950" and alone.refusal(0.99) == ""
    assert dataclasses.replace(alone, probabilities=(0.6, 0.4), doubt=0.4).refusal(0.9) == "between 4 and 9"
    assert dataclasses.replace(one, row="a.csv: row 1").refusal(0.01) == ""


def test_scipy_is_not_needed_to_train():
    code = "import sys, npdigits.runs.run; print('scipy' in sys.modules)"
    assert output_of(start_python(code)) == "False"


def test_strange_images_are_stranger_than_the_test_digits(a_run):
    one = trained.load_trained(a_run)
    noise = split_of(np.random.default_rng(3).integers(0, 256, (20, 28, 28)).astype(np.uint8))
    found = doubt.doubts_of(one, noise, one.probabilities(noise), pytest.fail)
    assert (found.doubt > 0.99).all() and found.unlike.all()
