"""The page that trains: the same gradients and steps as ours, in a real browser, and nothing asked for."""

import base64
import contextlib
import sys

import numpy as np
import pytest
from drawn import STROKES
from playwright.sync_api import expect

from npdigits.base.choice import assemble
from npdigits.base.random import stream
from npdigits.config.compose import compose
from npdigits.config.keys import TABLE
from npdigits.export import command as module
from npdigits.export.learn import ALONE, BEGINNING, MOST, TRAINING_DIGITS, digits, learn_page
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import INITIALIZERS, initialize
from npdigits.nn.network import Network, Parameters, cross_entropy
from npdigits.nn.optimizers import OPTIMIZERS
from npdigits.nn.workspace import Workspace
from npdigits.train import run

BATCHES, UNITS = 10, 6
# The initial parameters, and of each batch its rows, its cost and its gradient; the numbers as bytes.
COURSE = """([settings, n]) => {
  const { digits, training } = npdigits, trainer = new Trainer(settings, digits, training);
  const { parameters, gradient } = trainer.network;
  const packed = (floats) => {
    const all = new Uint8Array(floats.slice().buffer), text = [];
    for (let i = 0; i < all.length; i += 8192) text.push(String.fromCharCode(...all.subarray(i, i + 8192)));
    return btoa(text.join(""));
  };
  const first = packed(parameters.flat), batches = [];
  for (let i = 0; i < n; i++) {
    const rows = Array.from(trainer.next());
    trainer.network.backward(digits, rows, trainer.pass);
    const one = { rows, gradient: packed(gradient.flat) };
    trainer.step();
    batches.push({ ...one, cost: trainer.cost });
  }
  return { first, batches, last: packed(parameters.flat) };
}"""


@pytest.fixture(scope="module")
def known_digits(mnist_5k, shared_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        return digits()


@pytest.fixture(scope="module")
def page_file(known_digits, shared_cache, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "learn.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPDIGITS_CACHE", str(shared_cache))
        path.write_text(learn_page(None), encoding="utf-8")
    return path


@pytest.fixture
def opened(opened_page, page_file, request):
    tab = opened_page(page_file, **getattr(request, "param", {}))
    tab.wait_for_function("() => window.npdigits")
    return tab


@pytest.fixture(scope="module")
def still(browser, page_file):
    """The page in a tab that no test changes."""
    tab = browser.new_page()
    tab.goto(page_file.as_uri())
    tab.wait_for_function("() => window.npdigits", timeout=60_000)
    yield tab
    tab.close()


@pytest.fixture(scope="module")
def course(still):
    """Return a function that trains some batches of some settings."""
    return lambda settings: still.evaluate(COURSE, [settings, BATCHES])


def as_ours(packed):
    """Return the page's parameters as ours: a pixel's weights lie side by side there, a unit's here."""
    parameters = Parameters((784, UNITS, 10), "float64")
    w1, w2, b1, b2 = np.split(
        np.frombuffer(base64.b64decode(packed), "<f8"), np.cumsum([784 * UNITS, UNITS * 10, UNITS])
    )
    parameters.weights[0][...], parameters.weights[1][...] = w1.reshape(784, UNITS).T, w2.reshape(10, UNITS)
    parameters.biases[0][...], parameters.biases[1][...] = b1, b2
    return parameters


def off(theirs, mine):
    """Return how far apart two sets of arrays are: of each the largest difference, as a share of its largest number."""
    pairs = list(zip((*theirs.weights, *theirs.biases), (*mine.weights, *mine.biases), strict=True))
    return max(np.abs(a - b).max() / (np.abs(b).max() or 1) for a, b in pairs)


def held(done, settings, images, labels):
    """Hold a course to that of our trainer from the same weights on the same batches; return how far off it was."""
    parameters, apart = as_ours(done["first"]), []
    network = Network(parameters, assemble(ACTIVATIONS[settings["activation"]], {"leak": 0.01}), 1 / 255)
    gradient, workspace = Parameters(parameters.sizes, "float64"), Workspace(parameters.sizes, 32, "float64")
    numbers = {"momentum": settings["momentum"]} if settings["optimizer"] == "sgd" else {}
    optimizer = OPTIMIZERS[settings["optimizer"]](parameters, gradient, **numbers)
    for batch in done["batches"]:
        x, y = images[batch["rows"]].astype(float), labels[batch["rows"]]
        assert batch["cost"] == pytest.approx(cross_entropy(network.forward(x, workspace), y).mean(), rel=1e-5)
        network.gradient(x, y, gradient, workspace, 1 / len(x))
        apart.append(off(as_ours(batch["gradient"]), gradient))
        gradient.flat *= optimizer.gradient_scale(settings["l2"])
        optimizer.step(settings["lr"], settings["l2"], settings["weight_decay"])
    return max(*apart, off(as_ours(done["last"]), parameters))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_ten_batches_are_those_of_our_trainer(course, known_digits, activation):
    for initializer in INITIALIZERS:
        settings = {**BEGINNING, "seed": 3, "hidden": UNITS, "activation": activation, "initializer": initializer}
        done = course(settings)
        assert len(done["batches"]) == BATCHES
        assert held(done, settings, *known_digits) < 1e-5, initializer


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"optimizer": "adam", "lr": 0.01}], ids=str)
def test_steps_are_those_of_our_optimizers(course, known_digits, settings):
    for regularized in ({"l2": 0.01}, {"weight_decay": 0.06}, {"l2": 0.001, "weight_decay": 0.5}, {}):
        chosen = {**BEGINNING, "seed": 0, "hidden": UNITS, **settings, **regularized}
        assert held(course(chosen), chosen, *known_digits) < 1e-5, regularized


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_initial_weights_are_drawn_as_ours_are(course, initializer):
    """The largest of n draws, and their mean square, which is the scheme's variance to within 6 standard errors."""
    first = as_ours(course({**BEGINNING, "seed": 1, "hidden": UNITS, "initializer": initializer})["first"])
    for theirs, mine in zip(first.weights, initialize(initializer, stream(0, "any"), (784, UNITS, 10)), strict=True):
        wide = 6 * np.sqrt(3 / theirs.size)
        assert (theirs**2).mean() == pytest.approx((mine**2).mean(), rel=2 * wide)
        assert abs(theirs.mean()) <= 6 * mine.std() / np.sqrt(theirs.size)
        if "uniform" in initializer:
            assert np.abs(theirs).max() == pytest.approx(np.abs(mine).max(), rel=0.2)
    assert not any(b.any() for b in first.biases)


def test_its_digits_are_training_digits_as_many_of_each_class(known_digits, mnist_5k):
    images, labels = known_digits
    assert images.shape == (TRAINING_DIGITS + 500, 784) and images.dtype == np.uint8
    assert np.bincount(labels[:TRAINING_DIGITS]).tolist() == [100] * 10
    assert np.bincount(labels[TRAINING_DIGITS:]).tolist() == [50] * 10
    stored = {image.tobytes(): label for image, label in zip(mnist_5k.train.images, mnist_5k.train.labels, strict=True)}
    assert all(stored[image.tobytes()] == label for image, label in zip(images, labels, strict=True))
    assert len({image.tobytes() for image in images}) == len(images)


def test_the_page_is_small_and_has_the_digits_as_they_are(still, page_file, known_digits):
    assert page_file.stat().st_size < 500_000
    images, labels = known_digits
    theirs = still.evaluate(
        "() => [Array.from(npdigits.digits.images.subarray(0, 78400)), Array.from(npdigits.digits.labels)]"
    )
    assert theirs == [images[:100].ravel().tolist(), labels.tolist()]


def one_epoch(tab):
    """Train to the end of an epoch, as fast as can be, and wait until that is seen."""
    tab.locator("#speed").press("End")
    tab.locator("#epoch").click()
    tab.wait_for_function("() => !npdigits.running && npdigits.trainer.batches % 32 === 0")
    expect(tab.locator("#batches")).to_have_text(str(batches(tab)))


def batches(tab):
    return tab.evaluate("() => npdigits.trainer.batches")


@contextlib.contextmanager
def painted_anew(tab):
    """Do something, and wait until the page has been painted since it was begun."""
    before = tab.evaluate("() => npdigits.painted")
    yield
    tab.wait_for_function("before => npdigits.painted > before", arg=before)


def test_start_pause_one_batch_one_epoch(opened):
    opened.locator("#batch").click()
    expect(opened.locator("#batches")).to_have_text("1")
    expect(opened.locator("#start")).to_have_text("go on")
    one_epoch(opened)
    assert batches(opened) == 32
    one_epoch(opened)
    expect(opened.locator("#epochs")).to_have_text("2")
    opened.locator("#start").press("Enter")  # the keyboard does what the mouse does
    expect(opened.locator("#start")).to_have_text("pause")
    opened.wait_for_function("() => npdigits.trainer.batches > 70")
    opened.locator("#start").press("Space")
    expect(opened.locator("#start")).to_have_text("go on")
    after = batches(opened)
    opened.wait_for_timeout(300)
    assert batches(opened) == after
    expect(opened.locator("#batches")).to_have_text(str(after))


def test_the_speed_is_that_of_the_slider(opened):
    opened.locator("#speed").press("Home")
    expect(opened.locator("#pace")).to_have_text("1 batch a second")
    assert opened.locator("#speed").get_attribute("aria-valuetext") == "1 batch a second"
    begun = opened.evaluate("() => performance.now()")
    opened.locator("#start").click()
    opened.wait_for_function("() => npdigits.trainer.batches > 1")
    made, now = opened.evaluate("() => [npdigits.trainer.batches, performance.now()]")
    assert made <= (now - begun) / 1000 + 1  # the first one is made at once
    opened.locator("#speed").press("End")
    expect(opened.locator("#pace")).to_have_text("full speed")
    opened.wait_for_function("() => npdigits.trainer.batches > 60")


FLAT = "() => Array.from(npdigits.trainer.network.parameters.flat.filter((_, i) => i % 7 === 0))"


def begin(tab, **settings):
    for key, value in settings.items():
        field = tab.locator(f"#{key}")
        if not field.is_visible():
            tab.locator("summary").click()
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(str(value))
    tab.locator("#settings button").click()


def test_the_same_settings_learn_the_same_and_another_seed_does_not(opened):
    found = []
    for settings in ({}, {}, {"seed": 5}, {"seed": 0}):
        begin(opened, **settings)
        expect(opened.locator("#batches")).to_have_text("0")
        one_epoch(opened)
        found.append(opened.evaluate(FLAT))
    assert found[0] == found[1] == found[3] and found[0] != found[2]


def test_settings_are_checked_before_anything_begins(opened):
    opened.locator("#batch").click()
    wrong = {"lr": "0", "hidden": "101", "batch_size": "2.5", "momentum": "1", "l2": "-1", "lr_decay": "0", "seed": "x"}
    begin(opened, **wrong)
    for key in wrong:
        expect(opened.locator(f"#{key}")).to_have_attribute("aria-invalid", "true")
        expect(opened.locator(f"#{key}-complaint")).to_contain_text("allowed is ")
    expect(opened.locator("#lr")).to_be_focused()
    assert batches(opened) == 1  # the former network goes on
    expect(opened.locator(".edited-hint")).to_be_visible()
    fine = {"lr": "0,5", "hidden": 7, "batch_size": 50, "momentum": 0.5, "l2": "1e-3", "lr_decay": 0.9, "seed": 3}
    begin(opened, **fine, activation="tanh", initializer="he_normal")
    assert opened.evaluate("() => npdigits.trainer.settings") == {
        **{"lr": 0.5, "hidden": 7, "batch_size": 50, "momentum": 0.5, "l2": 0.001, "lr_decay": 0.9, "seed": 3},
        **{"activation": "tanh", "initializer": "he_normal", "optimizer": "sgd", "weight_decay": 0},
    }
    expect(opened.locator(".edited-hint")).to_be_hidden()
    assert opened.locator(".tile").count() == 7 and opened.locator("[aria-invalid=true]").count() == 0
    begin(opened, optimizer="adam")
    expect(opened.locator("#momentum")).to_be_disabled()


def test_its_lists_are_those_of_npdigits(still):
    names = still.evaluate("() => [ACTIVATIONS, INITIALIZERS, OPTIMIZERS, SLOPES].map((table) => Object.keys(table))")
    assert names[0] == list(ACTIVATIONS) == list(ALONE["activation"]) and sorted(names[3]) == sorted(ACTIVATIONS)
    assert names[1] == list(INITIALIZERS) == list(ALONE["initializer"])
    assert tuple(names[2]) == ALONE["optimizer"]


def draw(tab, digit):
    tab.locator("#paper").scroll_into_view_if_needed()
    box = tab.locator("#paper").bounding_box()
    k = box["width"] / 280
    for stroke in STROKES[digit]:
        points = [(box["x"] + k * (80 + 11 * x), box["y"] + k * (55 + 11 * y)) for x, y in stroke]
        tab.mouse.move(*points[0])
        tab.mouse.down()
        for point in points[1:]:
            tab.mouse.move(*point, steps=3)
        tab.mouse.up()


def test_a_drawn_digit_is_read_anew_as_it_learns(opened):
    draw(opened, 3)
    opened.wait_for_function("() => npdigits.read")
    before = opened.evaluate("() => npdigits.read")
    for _ in range(3):
        one_epoch(opened)
    after = opened.evaluate("() => npdigits.read")
    assert after["image"] == before["image"] and np.argmax(after["probabilities"]) == 3
    assert after["probabilities"][3] > before["probabilities"][3] + 0.2
    expect(opened.locator("#answer")).to_have_text("3")
    opened.locator("#clear").click()
    expect(opened.locator("#answer")).to_have_text("")
    opened.locator("#test").click()
    expect(opened.locator("#note")).to_have_text("a 0")


def test_wrong_digits_and_confusion_matrix_are_those_of_the_network(opened, known_digits):
    one_epoch(opened)
    w1, b1, w2, b2 = (
        np.array(opened.evaluate(f"() => Array.from(npdigits.trainer.network.parameters.{name})"))
        for name in ("W1", "b1", "W2", "b2")
    )
    images, labels = (one[TRAINING_DIGITS:] for one in known_digits)
    z = images / 255 @ w1.reshape(784, 20) + b1
    answers = (np.maximum(z, 0.01 * z) @ w2.reshape(10, 20).T + b2).argmax(axis=1)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, answers), 1)
    cells = opened.locator("#confusion tbody td").all_text_contents()
    assert [int(cell or 0) for cell in cells] == counts.ravel().tolist()
    wrong = [f"{label} → {answer}" for label, answer in zip(labels, answers, strict=True) if label != answer]
    assert opened.locator(".wrong:visible").all_text_contents() == wrong[:24]
    expect(opened.locator("#wrong-count")).to_contain_text(f"{len(wrong)} of 500 validation digits")
    expect(opened.locator("#right")).to_contain_text(f"/ {(answers == labels).mean():.1%}".replace("%", " %"))
    opened.locator(".wrong").first.click()  # puts it on the paper
    expect(opened.locator("#note")).to_have_text(f"a {wrong[0][0]}")
    expect(opened.locator("#answer")).to_have_text(wrong[0][-1])


def test_what_goes_wrong_is_said(opened):
    begin(opened, initializer="zeros")
    expect(opened.locator("#said")).to_contain_text("All 20 hidden units are equal")
    begin(opened, initializer="xavier_he", lr=100)
    opened.locator("#epoch").click()
    expect(opened.locator("#said")).to_contain_text("became infinite")
    expect(opened.locator("#said")).to_contain_text("a smaller learning rate, such as 10")
    expect(opened.locator("#start")).to_be_disabled()
    assert opened.evaluate("() => npdigits.trainer.network.parameters.flat.every(Number.isFinite)")
    begin(opened, lr=0.1)
    expect(opened.locator("#said")).to_have_text("")
    expect(opened.locator("#start")).to_be_enabled()


SAID = """([settings, epochs]) => {
  const trainer = new Trainer({ ...npdigits.trainer.settings, ...settings }, npdigits.digits, npdigits.training);
  const first = trainer.score(0).cost;
  while (trainer.epochs < epochs && !trainer.failed) trainer.step();
  const [train, val] = [trainer.score(0), trainer.score(1)], states = Inside.states(trainer.network, trainer.scored[1]);
  return Inside.diagnoses(trainer, first, train, val, states).map(({ kind }) => kind);
}"""


@pytest.mark.parametrize(
    ("settings", "epochs", "kinds"),
    [
        ({}, 4, []),
        ({"activation": "sigmoid", "optimizer": "adam", "lr": 0.01}, 4, []),
        ({"activation": "tanh", "momentum": 0.9, "lr": 0.02}, 4, []),
        ({"initializer": "zeros", "activation": "sigmoid"}, 1, ["equal"]),
        ({"lr": 1000}, 9, ["infinite"]),
        ({"activation": "relu", "lr": 3}, 3, ["dead", "stuck"]),
        ({"activation": "tanh", "initializer": "normal", "lr": 5}, 1, ["rising", "saturated"]),
        ({"lr": 1e-5}, 3, ["stuck"]),
        ({"optimizer": "adam", "lr": 0.01, "hidden": 50}, 25, ["by heart"]),
    ],
    ids=str,
)
def test_each_fault_is_known_and_no_other(still, settings, epochs, kinds):
    assert still.evaluate(SAID, [settings, epochs]) == kinds


@pytest.mark.parametrize("opened", [{"viewport": {"width": 360, "height": 740}, "has_touch": True}], indirect=True)
def test_on_a_narrow_screen_nothing_is_cut_off(opened):
    one_epoch(opened)
    begin(opened, lr="x", seed="x")
    assert opened.evaluate("() => document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("opened", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True, ids=str)
def test_curves_have_the_pages_colours(opened):
    """Of the curve's canvas the commonest colour, besides none, is that of a line of the page's own."""
    one_epoch(opened)
    commonest = """() => {
      const canvas = document.querySelector("#accuracy"), counts = {};
      // Chromium warns of a canvas that is read twice, unless that is said beforehand.
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] === 255) {
          const name = `rgb(${data[i]}, ${data[i + 1]}, ${data[i + 2]})`;
          counts[name] = (counts[name] || 0) + 1;
        }
      return Object.keys(counts).reduce((a, b) => counts[a] >= counts[b] ? a : b);
    }"""
    dark = opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    light, black = "rgb(216, 221, 226)", "rgb(52, 59, 66)"
    assert opened.evaluate(commonest) == (black if dark else light)
    with painted_anew(opened):
        opened.locator("#theme").click()
    assert opened.evaluate(commonest) == (light if dark else black)


@pytest.mark.parametrize("opened", [{"reduced_motion": "reduce"}], indirect=True)
def test_with_reduced_motion_pictures_change_once_a_second(opened):
    opened.locator("#speed").press("End")
    opened.locator("#start").click()
    before, begun = opened.evaluate("() => [npdigits.painted, performance.now()]")
    opened.wait_for_timeout(2000)
    painted, now = opened.evaluate("() => [npdigits.painted, performance.now()]")
    assert 1 <= painted - before <= (now - begun) / 1000 + 1


def exported(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["npdigits-export", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        module.main()
    said = capsys.readouterr()
    return end.value.code, said.out, said.err


@pytest.mark.usefixtures("warm_cache")
def test_it_begins_with_a_runs_settings(opened_page, mnist_5k, tmp_path, monkeypatch, capsys):
    typed = ["hidden=15", "activation=sigmoid", "initializer=he_uniform", "lr=0.02", "batch_size=64", "l2=0.001"]
    nasty = tmp_path / "<img src=x onerror=hacked()>"
    run(compose(["data=mnist_5k", "epochs=1", "plots=false", "quiet=true", *typed]), nasty, source=mnist_5k)
    file = tmp_path / "learn.html"
    code, out, err = exported(monkeypatch, capsys, nasty, "--html", file, "--learn")
    assert code == 0 and err == "" and out.splitlines()[-1] == f"{file}: {file.stat().st_size / 1e6:.2f} MB"
    tab = opened_page(file)
    tab.wait_for_function("() => window.npdigits")
    assert tab.evaluate("() => npdigits.trainer.settings") == {
        **{"hidden": 15, "activation": "sigmoid", "initializer": "he_uniform", "optimizer": "adam", "momentum": 0},
        **{"lr": 0.02, "lr_decay": 0.82, "batch_size": 64, "l2": 0.001, "weight_decay": 0.06, "seed": 0},
    }
    expect(tab.locator("#of")).to_contain_text(f"the settings of {nasty.name}.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["hidden=[20,20]"], "hidden=[20,20] (allowed is one layer of up to 100 units)"),
        (["hidden=[]"], "hidden=[] (allowed is one layer of up to 100 units)"),
        (["optimizer=lion", "dropout=0.5"], "optimizer=lion (allowed is sgd, adam), dropout=0.5 (allowed is 0.0)"),
        (["schedule=cosine"], "schedule=cosine (allowed is constant, exponential)"),
        (["leak=0.2", "batch_size=300"], "leak=0.2 (allowed is 0.01), batch_size=300 (allowed is up to 200)"),
        (["activation=relu", "leak=0.2"], None),  # which it does not read
    ],
)
@pytest.mark.usefixtures("warm_cache")
def test_of_a_run_that_it_does_not_know_one_line_says_why(mnist_5k, tmp_path, monkeypatch, capsys, typed, said):
    run(compose(["data=mnist_5k", "epochs=1", "plots=false", "quiet=true", *typed]), tmp_path / "run", source=mnist_5k)
    code, _, err = exported(monkeypatch, capsys, tmp_path / "run", "--html", tmp_path / "learn.html", "--learn")
    if said is None:
        assert (code, err) == (0, "")
        return
    assert code == 2 and err.endswith(f"--learn: {tmp_path / 'run'}: the page does not know {said}\n")
    assert not (tmp_path / "learn.html").exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--learn"], "nothing to write"),
        (["--learn", "--csv", "a.csv"], "--learn: allowed is --html FILE --learn, with or without a RUN"),
        (["--html", "a.html"], "--html: which RUN? Without one allowed is --html FILE --learn alone"),
        (["--html", "a.html", "--learn", "--onnx", "a.onnx"], "--onnx: which RUN? Without one"),
    ],
)
def test_bad_command_lines_are_one_line_and_nothing_is_written(tmp_path, monkeypatch, capsys, typed, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = exported(monkeypatch, capsys, *typed)
    assert code == 2 and out == "" and len(err.splitlines()) == 1 and said in err
    assert list(tmp_path.iterdir()) == []


# Keys that decide a run's result, but not the settings that the page begins with.
ITS_OWN_WAY = {
    *("epochs", "stop_on", "patience", "min_delta", "window", "val_size", "score_size", "metrics", "dtype", "portable"),
    *("seed", "split_seed", "initialization_seed", "order_seed", "rho", "decay_every"),
    *("alpha", "sigma", "rotation", "scale", "shear", "shift"),  # of augment, rmsprop, schedule=step: never read here
}


def test_of_every_key_it_is_known_whether_the_page_has_it():
    decide = {name for name, key in TABLE.items() if key.decides}
    assert decide == set(BEGINNING) | set(ALONE) | ITS_OWN_WAY
    assert not (set(BEGINNING) | set(ALONE)) & ITS_OWN_WAY and set(MOST) <= set(BEGINNING)
