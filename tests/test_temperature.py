"""The temperature: the minimum that SciPy finds, kept in the summary, used alike wherever probabilities are shown."""

import base64
import json
import math
import shutil
import sys

import numpy as np
import onnxruntime
import pytest
from made import made_data, read_summary
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

import npdigits
from npdigits import predict
from npdigits.base.errors import RunDirError
from npdigits.config.compose import compose
from npdigits.config.seeds import seed_of
from npdigits.data.sets import Data, hold_out
from npdigits.export import onnx_file, page
from npdigits.runs import scores, trained
from npdigits.runs.evaluation import score_line
from npdigits.runs.of_files import split_of
from npdigits.training import temperature
from npdigits.training.scoring import probabilities
from npdigits.training.temperature import HIGHEST, LOWEST, find_temperature, fit_temperature

HOT = 2.5
FORWARD = """([images, n]) => {
  const bytes = Uint8Array.from(atob(images), (c) => c.charCodeAt(0)), pixels = bytes.length / n;
  return Array.from({ length: n }, (_, i) =>
    Array.from(npdigits.network.forward(bytes.subarray(pixels * i, pixels * (i + 1))).probabilities));
}"""


def logits(n, classes=10, scale=1.0, seed=0):
    """Return z of n digits, most of which are read right, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    z = 2 * rng.standard_normal((n, classes))
    z[np.arange(n), labels] += 3
    return (scale * z).astype(np.float32), labels


def minimum(z, y):
    """Return the temperature of the least mean −ln softmax(z/T)[y], by SciPy."""

    def cost(log_t):
        return -log_softmax(z.astype(float) / math.exp(log_t), axis=1)[np.arange(len(y)), y].mean()

    ends = math.log(LOWEST), math.log(HIGHEST)
    return math.exp(minimize_scalar(cost, bounds=ends, method="bounded", options={"xatol": 1e-10}).x)


@pytest.mark.parametrize("scale", [1, 300, 1e-4, 3e4])
@pytest.mark.parametrize(("n", "classes"), [(2000, 10), (60, 3), (40, 2), (300, 47)])
def test_it_is_the_minimum_that_scipy_finds(n, classes, scale):
    z, y = logits(n, classes, scale, seed=n)
    assert fit_temperature(z, y) == pytest.approx(minimum(z, y), rel=1e-3)


def test_it_is_the_one_of_a_case_by_hand():
    """Of two classes with z (4, 0), three in four read right: softmax(4/T, 0) = 3/4, so that 4/T = ln 3."""
    z = np.tile(np.array([[4, 0]], np.float32), (8, 1))
    assert fit_temperature(z, np.array([0, 0, 0, 1] * 2)) == float(f"{4 / math.log(3):.4g}")


def test_it_brings_back_the_probabilities_that_digits_were_drawn_with():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((50_000, 5)) * 3
    p = softmax(z, axis=1)
    y = (p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)
    for times in (0.3, 1, 4):
        assert fit_temperature(times * z, y) == pytest.approx(times, rel=0.03)


def test_how_the_sums_are_cut_is_of_no_matter(monkeypatch):
    z, y = logits(1000)
    whole = fit_temperature(z, y)
    monkeypatch.setattr(temperature, "AT_ONCE", 70)
    assert fit_temperature(z, y) == whole


@pytest.mark.parametrize("case", ["all right", "worse than guessing", "one class", "all alike"])
def test_where_the_cost_has_no_minimum_there_is_none(case):
    z, y = logits(200)
    if case == "all right":
        y = z.argmax(axis=1)
    elif case == "worse than guessing":
        y = z.argmin(axis=1)
    elif case == "one class":
        z, y = z[:, :1], 0 * y
    else:
        z = 0 * z
    assert fit_temperature(z, y) is None


def test_numbers_at_the_ends_of_their_type_are_no_matter():
    z, y = logits(200)
    assert fit_temperature(z * np.float32(1e37), y) is None  # beyond the highest
    wild = z.copy()
    wild[0] = np.float32(3e38) * np.sign(wild[0])
    found = fit_temperature(wild, y)
    assert found is None or LOWEST <= found <= HIGHEST


# Patterns with so much noise that some digits are read wrong.
def noisy(n=900, shape=(8, 7), **more) -> Data:
    source = made_data(n, 300, shape, **more)
    rng = np.random.default_rng(3)
    for split in (source.train, source.test):
        noise = rng.integers(0, 256, split.images.shape)
        split.images[...] = np.where(rng.random(split.images.shape) < 0.75, noise, split.images)
    return source


PLAIN = ("hidden=8", "epochs=3", "plots=false", "quiet=true", "val_size=300")


@pytest.fixture(scope="module")
def source():
    return noisy()


@pytest.fixture(scope="module")
def done(tmp_path_factory, source):
    """A run of noisy digits, some of which it reads wrong."""
    folder = tmp_path_factory.mktemp("done") / "run"
    npdigits.run(compose(PLAIN), folder, source=source)
    return folder


@pytest.fixture
def hot(done, tmp_path):
    """A copy of it with another temperature."""
    return with_temperature(done, tmp_path / "hot", HOT)


def with_temperature(run, path, value):
    shutil.copytree(run, path)
    summary = read_summary(path)
    del summary["temperature"]
    summary |= {} if value is None else {"temperature": value}
    (path / "summary.json").write_text(json.dumps(summary))
    return path


def z_of(run, images):
    """Return the logits of images, by the equations and the file alone."""
    best = np.load(run / "checkpoints" / "best.npz")
    z = images / 255 @ best["W1"].T.astype(float) + best["b1"]
    return np.where(z > 0, z, 0.01 * z) @ best["W2"].T.astype(float) + best["b2"]


def test_a_run_keeps_the_one_of_its_validation_set(done, source):
    config = compose(PLAIN)
    _, val = hold_out(source, config.val_size, seed_of(config, "split"))
    z, y = z_of(done, val.images[val.rows]), val.labels[val.rows]
    kept = read_summary(done)["temperature"]
    assert kept == pytest.approx(minimum(z, y), rel=2e-3)
    assert 0.02 < (z.argmax(axis=1) != y).mean() < 0.9 and abs(kept - 1) > 0.02  # else the test shows little
    assert float(f"{kept:.4g}") == kept


def test_it_is_better_on_digits_that_it_was_not_found_on(done, source):
    z, y = z_of(done, source.test.images), source.test.labels
    kept = read_summary(done)["temperature"]
    costs = [-log_softmax(z / t, axis=1)[np.arange(len(y)), y].mean() for t in (1, kept)]
    assert costs[1] < costs[0]


def test_training_files_and_figures_are_without_it(done, source):
    z, y = z_of(done, source.test.images), source.test.labels
    kept = np.load(done / "predictions.npz")["probabilities"]
    np.testing.assert_allclose(kept, softmax(z, axis=1), atol=1e-5)
    cost = -log_softmax(z, axis=1)[np.arange(len(y)), y].mean()
    assert read_summary(done)["test_cost"] == pytest.approx(cost, abs=1e-5)


@pytest.mark.parametrize("more", [["threads=2"], ["until"], ["killed"]], ids=str)
def test_it_is_the_same_however_the_run_came_to_its_end(done, source, tmp_path, more):
    path, typed = tmp_path / "run", [*PLAIN, *(key for key in more if "=" in key)]
    if more != ["threads=2"]:
        paused = npdigits.run(compose(typed), path, source=source, until=2)
        assert "temperature" not in paused and trained.load_trained(path).temperature == 1
    npdigits.run(compose(typed), path, source=source)
    if more == ["killed"]:  # between the last checkpoint and the summary
        summary = read_summary(path)
        del summary["temperature"], summary["best_epoch"], summary["sizes"]
        (path / "summary.json").write_text(json.dumps(summary | {"status": "running"}))
        npdigits.run(compose(typed), path, source=source)
    assert read_summary(path)["temperature"] == read_summary(done)["temperature"]


def test_a_run_that_goes_on_has_the_one_of_its_new_best_epoch(done, source, tmp_path):
    shutil.copytree(done, tmp_path / "on")
    longer = [*PLAIN, "epochs=6"]
    npdigits.run(compose([f"resume={tmp_path / 'on'}", "epochs=6"]), None, ["epochs=6"], source=source)
    npdigits.run(compose(longer), tmp_path / "whole", source=source)
    on, whole = read_summary(tmp_path / "on"), read_summary(tmp_path / "whole")
    assert on["temperature"] == whole["temperature"] != read_summary(done)["temperature"]


def test_without_validation_digits_there_is_none(source, tmp_path):
    summary = npdigits.run(compose([*PLAIN, "val_size=0"]), tmp_path / "run", source=source)
    assert "temperature" not in summary
    found = trained.load_trained(tmp_path / "run")
    assert found.temperature == 1
    assert found.probabilities(source.test).tobytes() == probabilities(found.network, source.test).tobytes()
    assert find_temperature(found.network, source.test.first(0)) is None


@pytest.mark.parametrize(
    "keys", [["output=tanh", "cost=mse"], ["output=sigmoid"], ["hidden=[]"], ["dtype=float64"]], ids=str
)
def test_every_output_has_one(source, tmp_path, keys):
    """Probabilities are softmax(z/T) whatever is trained, so the same minimum is meant."""
    npdigits.run(compose([*PLAIN, *keys]), tmp_path / "run", source=source)
    found = trained.load_trained(tmp_path / "run")
    config = compose([*PLAIN, *keys])
    _, val = hold_out(source, config.val_size, seed_of(config, "split"))
    p = probabilities(found.network, val).astype(float)  # ln p is z but for a constant of each row
    assert found.temperature == pytest.approx(minimum(np.log(p), val.labels[val.rows]), rel=2e-3)


def test_predict_classifier_and_onnx_use_it_alike(hot, source):
    images = source.test.images
    expected = softmax(z_of(hot, images) / HOT, axis=1)
    found = trained.load_trained(hot)
    np.testing.assert_allclose(found.probabilities(source.test), expected, atol=1e-5)
    np.testing.assert_allclose(npdigits.Classifier.load(hot).predict_proba(images), expected, atol=1e-5)
    session = onnxruntime.InferenceSession(onnx_file.onnx_file(found), providers=["CPUExecutionProvider"])
    p, digits = session.run(["probabilities", "digit"], {"images": images})
    np.testing.assert_allclose(p, expected, atol=1e-5)
    assert np.array_equal(digits, expected.argmax(axis=1))
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["temperature"]) == HOT


def test_the_page_uses_it_too(tmp_path, browser):
    source = noisy(shape=(28, 28))
    source.train.images[:, ::2] = 0
    npdigits.run(compose([*PLAIN, "epochs=1"]), tmp_path / "run", source=source)
    run = with_temperature(tmp_path / "run", tmp_path / "hot", HOT)
    found = trained.load_trained(run)
    (tmp_path / "page.html").write_text(page.page(found, None), encoding="utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "page.html").as_uri())
    images = np.ascontiguousarray(source.test.images[:50])
    theirs = tab.evaluate(FORWARD, [base64.b64encode(images.tobytes()).decode(), len(images)])
    said = tab.locator("#meaning").text_content()
    tab.close()
    np.testing.assert_allclose(theirs, softmax(z_of(run, images) / HOT, axis=1), atol=1e-5)
    assert "percentages hold for digits like those of the validation set" in said
    assert "percentages" not in page.page(trained.load_trained(with_temperature(run, tmp_path / "old", None)), None)


def test_an_export_that_leaves_it_out_is_refused(hot, monkeypatch):
    found = trained.load_trained(hot)
    monkeypatch.setattr(trained.Trained, "temperature", property(lambda self: next(values)))
    values = iter([1.0, *[HOT] * 9])  # the graph is made first
    with pytest.raises(npdigits.base.errors.ConfigError, match="nothing is written"):
        onnx_file.onnx_file(found)


def test_evaluate_is_about_the_network_and_its_sheet_about_what_is_shown(done, hot, source, tmp_path, monkeypatch):
    file = tmp_path / "test.npz"
    np.savez(file, X=source.test.images.reshape(-1, 8, 7), y=source.test.labels)
    lines, drawn = {}, []
    monkeypatch.setattr(scores, "captioned", lambda title, images, captions: drawn.append(captions) or b"")
    for path in (done, hot):
        found = scores.score([path], [], print, file=file)
        lines[path] = found.lines[1].removeprefix(str(path))
        scores.worst_sheet(found)
    z, y = z_of(done, source.test.images), source.test.labels
    assert lines[done] == lines[hot] == score_line("", softmax(z, axis=1), y)
    order = np.argsort(softmax(z, axis=1)[np.arange(len(y)), y])
    for captions, t in zip(drawn, (read_summary(done)["temperature"], HOT), strict=True):
        p = softmax(z[order[0]] / t)
        assert captions[0][1].endswith(f"read {p.argmax()}: {p.max():.1%}")


@pytest.mark.parametrize("value", [0, -1, "1", True, [1], 1e300, math.nan, 10**400])
def test_what_is_no_temperature_is_one_clear_line(done, tmp_path, value):
    path = with_temperature(done, tmp_path / "run", None)
    (path / "summary.json").write_text(json.dumps(read_summary(path) | {"temperature": value}))
    with pytest.raises(RunDirError, match="damaged") as refused:
        trained.load_trained(path)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < len(str(path)) + 200
    if value is not True and value in (0, -1):
        assert f"temperature={value}: allowed is a number from" in str(refused.value)


@pytest.mark.parametrize(("value", "most"), [(1e-9, 1), (1e9, 0.1), (3, None)])
def test_a_strangers_temperature_leaves_probabilities(done, source, tmp_path, value, most):
    found = trained.load_trained(with_temperature(done, tmp_path / "run", value))
    with np.errstate(all="raise", under="ignore"):
        p = found.probabilities(source.test)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert most is None or p.max() == pytest.approx(most, rel=1e-4)


def test_what_a_classifier_has_fitted_itself_has_none(source, done):
    fitted = npdigits.Classifier(hidden=8, epochs=1, val_size=100).fit(source.train.images / 255, source.train.labels)
    assert fitted.temperature_ == 1
    loaded = npdigits.Classifier.load(done)
    assert loaded.temperature_ == read_summary(done)["temperature"]
    assert loaded.fit(source.train.images / 255, source.train.labels).temperature_ == 1


@pytest.mark.parametrize("known", [True, False])
def test_predict_says_what_its_probabilities_are(hot, source, tmp_path, monkeypatch, capsys, known):
    run = hot if known else with_temperature(hot, tmp_path / "old", None)
    np.savez(tmp_path / "a.npz", X=source.test.images[:5].reshape(5, 8, 7))

    def call(*more):
        monkeypatch.setattr(sys, "argv", ["predict", str(run), str(tmp_path / "a.npz"), *more])
        with pytest.raises(SystemExit):
            predict.main()
        return capsys.readouterr()

    text = "of 100 that are read with 0.96, about 96 are read right" if known else "the network's own"
    assert text in call().err.splitlines()[-1]
    said = call("--json", "-")
    assert text not in said.err
    found = json.loads(said.out)
    assert text in found["about"] and found["temperature"] == (HOT if known else None)
    expected = softmax(z_of(run, source.test.images[:5]) / (HOT if known else 1), axis=1)
    np.testing.assert_allclose([one["probabilities"] for one in found["read"]], expected, atol=1e-5)
    assert trained.load_trained(run).probabilities(split_of(source.test.images[:5])).shape == (5, 10)


def test_doubt_is_told_by_the_probabilities_that_are_shown(done, source):
    """Else all that is read would seem less sure, or surer, than the validation digits that it is held against."""
    config, found = compose(PLAIN), trained.load_trained(done)
    _, val = hold_out(source, config.val_size, seed_of(config, "split"))
    scores = np.load(done / "doubt.npz")["scores"]
    np.testing.assert_allclose(scores[:, 0], 1 - found.probabilities(val).max(axis=1), atol=1e-6)
