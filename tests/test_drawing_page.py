"""The page to draw on, in a real browser: the same image and probabilities as NumPy's, and nothing asked for."""

import base64
import dataclasses
import io
import itertools
import re

import numpy as np
import pytest
from drawn import BESIDE, MARKS, SLASHED, STROKES, boxed, cut, drawn, grid, marked, panelled, rows_of, with_button
from PIL import Image
from playwright.sync_api import expect
from test_gaps import display, dots
from test_lines import framed, on_lines

from npdigits.base.choice import assemble
from npdigits.config.compose import compose
from npdigits.data.sets import Split
from npdigits.export.page import FILES, SCRIPTS, TEST_DIGITS, formulas, page
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.network import Network, Parameters
from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.runs import trained
from npdigits.train import run

NETWORKS = {
    "default": ["epochs=20"],
    "deep": ["epochs=2", "hidden=[60,30]", "activation=relu"],
    "tanh": ["epochs=2", "activation=tanh"],
    "sigmoid": ["epochs=2", "activation=sigmoid", "dtype=float64"],
    "identity": ["epochs=2", "activation=identity"],
    "gelu": ["epochs=2", "activation=gelu", "hidden=[40,30]"],
    "silu": ["epochs=2", "activation=silu"],
    "softplus": ["epochs=2", "activation=softplus", "dtype=float64"],
    "no hidden layer": ["epochs=2", "hidden=[]"],
    "47 classes": ["epochs=1"],
    "47 names": ["epochs=3", "hidden=[]"],
}
# Names as people give them to classes, and worse.
NASTY = "</script><img src=x onerror='window.hacked=1'>"
NAMES = ("zero", NASTY, "W" * 200, "あいうえお", *(f"letter {i}" for i in range(4, 47)))
FORM = """([grey, width, height]) => {
  const bytes = Uint8Array.from(atob(grey), (c) => c.charCodeAt(0));
  try { return Array.from(npdigits.form(bytes, width, height)); } catch (error) { return error.message; }
}"""
FORWARD = """([images, n]) => {
  const bytes = Uint8Array.from(atob(images), (c) => c.charCodeAt(0));
  return Array.from({ length: n }, (_, i) =>
    Array.from(npdigits.network.forward(bytes.subarray(784 * i, 784 * i + 784)).probabilities));
}"""


def base64_of(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


@pytest.fixture(scope="module")
def made(tmp_path_factory, mnist_5k):
    """Return a function that makes a network's run and page: (run, path of the page)."""
    folder, known = tmp_path_factory.mktemp("pages"), {}

    def make(name):
        if name not in known:
            config = compose(["data=mnist_5k", "plots=false", "quiet=true", *NETWORKS[name]])
            source = dataclasses.replace(mnist_5k, n_classes=47) if "47" in name else mnist_5k
            source = dataclasses.replace(source, classes=NAMES) if "names" in name else source
            run(config, folder / name, source=source)
            found = trained.load_trained(folder / name)
            path = folder / f"{name}.html"
            path.write_text(page(found, mnist_5k.test), encoding="utf-8")
            known[name] = found, path
        return known[name]

    return make


@pytest.fixture
def opened(opened_page, made, request):
    """The default run's page in a fresh tab."""
    return opened_page(made("default")[1], **getattr(request, "param", {}))


def draw(tab, digit, unit=11.0, place=(80, 55), steps=4):
    """Draw a digit with the mouse; units are those of the paper, which is 280 wide."""
    box = tab.locator("#paper").bounding_box()
    k = box["width"] / 280
    for stroke in STROKES[digit]:
        points = [(box["x"] + k * (place[0] + unit * x), box["y"] + k * (place[1] + unit * y)) for x, y in stroke]
        tab.mouse.move(*points[0])
        tab.mouse.down()
        for point in points[1:]:
            tab.mouse.move(*point, steps=steps)
        tab.mouse.up()


def on_paper(tab):
    """Wait for the frame, and return the grey values of what was drawn."""
    read(tab)
    url = tab.locator("#paper").evaluate("canvas => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L"))


def read(tab):
    """Wait for the frame, and return what the page has read: {image, probabilities}, or None."""
    return tab.evaluate("() => new Promise((go) => requestAnimationFrame(() => go(npdigits.read)))")


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "47 names"])
def test_the_forward_pass_agrees_with_numpy_on_1000_digits(browser, made, mnist_5k, name):
    found, path = made(name)
    rows = np.concatenate([mnist_5k.test.rows, mnist_5k.train.rows[:500]])
    images = np.concatenate([mnist_5k.test.images, mnist_5k.train.images[:500]])
    assert len(rows) == len(images) == 1000
    tab = browser.new_page()
    tab.goto(path.as_uri())
    theirs = np.array(tab.evaluate(FORWARD, [base64_of(images), len(images)]))
    tab.close()
    ours = found.probabilities(Split(images, np.zeros(1000, np.intp), np.arange(1000)))
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)
    assert np.ptp(ours.argmax(axis=1)) == 9


ACTIVATE = """([name, z, leak]) => [Object.keys(ACTIVATIONS), z.map((one) => ACTIVATIONS[name](one, leak))]"""


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_its_activations_are_those_of_the_network(opened, name):
    z = np.concatenate([np.linspace(-30, 30, 241), [-1e6, -800, -1e-9, 1e-9, 800, 1e6]])
    names, theirs = opened.evaluate(ACTIVATE, [name, z.tolist(), 0.3])
    ours = z.copy()
    assemble(ACTIVATIONS[name], {"leak": 0.3}).apply(ours)
    np.testing.assert_allclose(theirs, ours, rtol=1e-12, atol=4e-15)
    assert names == list(formulas((FILES / "network.js").read_text(encoding="utf-8"))) == list(ACTIVATIONS)


PICTURES = {
    **{f"a {digit}": drawn(digit) for digit in range(10)},
    **{f"a thin {digit}": drawn(digit, pen=3) for digit in range(0, 10, 3)},
    **{f"a {digit} in marker": drawn(digit, pen=45) for digit in (2, 5, 8)},
    "a 5 in marker, cut out": cut(drawn(5, pen=50), 2),
    "light on dark": drawn(3, ink=230, paper=10),
    "grey on grey": drawn(6, ink=90, paper=160),
    "small": drawn(7, size=(40, 50), place=(10, 10), unit=2, pen=3),
    "at the edge": drawn(2, place=(-20, 100)),
    "large": drawn(5, size=(500, 600), place=(60, 60), unit=30, pen=50),
    "a 1 and a speck": np.where(np.add.outer(range(280), range(200)) == 6, 0, drawn(1)).astype(np.uint8),
    "flat and wide": np.repeat(drawn(0, size=(60, 60), place=(10, 10), unit=2, pen=2), 3, axis=1),
    "blank": np.full((90, 80), 255, np.uint8),
    "faint": drawn(4, ink=235),
    "full": np.kron(np.eye(9, dtype=np.uint8), np.full((20, 20), 255, np.uint8)),
    "a dot": np.pad(np.zeros((5, 5), np.uint8), 40, constant_values=255),
    "a blot": np.pad(np.zeros((30, 34), np.uint8), 40, constant_values=255),
    "a block": np.pad(np.zeros((30, 60), np.uint8), 40, constant_values=255),
    "a table's edge": np.hstack([np.zeros((200, 40), np.uint8), np.full((200, 160), 255, np.uint8)]),
    **{f"a {digit} and {mark}": marked(digit, mark) for digit, mark in zip((0, 2, 4, 5, 6, 8, 9), MARKS, strict=True)},
    "lines as dark as ink": np.where(np.arange(400)[:, None] % 40 < 3, 0, drawn(3, size=(300, 400))).astype(np.uint8),
    "a frame nearly as wide as the page": framed(4),
    "squares as dark as ink": on_lines(5, 20, squared=True, fall=0.02),
    "dots": dots(3, 12, 0.7),
    "segments": display(6, 10),
    "segments of a narrow display": np.asarray(Image.fromarray(display(5, 10)).resize((200, 360))),
    "two digits": np.hstack([drawn(d, size=(140, 280), place=(20, 70)) for d in (3, 7)]),
    "an 8 and a stroke": BESIDE,
    "a box and an empty one": boxed(7),
    "a large box": boxed(4, beside=False, unit=3.5),
    "a slashed zero": np.asarray(SLASHED),
    "a line of text": np.hstack([drawn(d, size=(120, 280), place=(20, 70)) for d in (1, 2, 3, 4, 5, 6, 7)]),
    **{f"a {digit} cut out": cut(drawn(digit, pen=30), digit % 3) for digit in range(10)},
    **{f"a {digit} on a panel": panelled(digit) for digit in (1, 4, 8)},
    "a 4 and a button": with_button(4),
    "a light panel": panelled(6, page=30, panel=240, ink=20),
    "a stripe of light": np.pad(drawn(2, paper=150, ink=20), ((0, 0), (40, 0)), constant_values=255),
    "two digits above one another": rows_of([5], [8]),
    "four digits": rows_of([1, 2], [3, 4]),
    "a sudoku": grid({(k, k * k % 9): k for k in range(9)}),
    "a grid with one digit": grid({(4, 3): 5}),
    "scribble": np.random.default_rng(0).choice([0, 255], (120, 120), p=[0.3, 0.7]).astype(np.uint8),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_its_preprocessing_is_that_of_predict(opened, name):
    picture = PICTURES[name]
    theirs = opened.evaluate(FORM, [base64_of(picture), picture.shape[1], picture.shape[0]])
    try:
        ours = to_mnist_form(picture)
    except NoDigit as error:
        assert theirs == str(error)
    else:
        assert isinstance(theirs, list), theirs
        assert np.abs(np.array(theirs) - ours.ravel()).max() <= 1


@pytest.mark.parametrize("kept", ["mnist_5k"])
def test_its_preprocessing_is_that_of_predict_on_the_sets_own_digits(opened, mnist_5k, kept):
    for image in mnist_5k.test.images[mnist_5k.test.rows[:100]]:
        theirs = opened.evaluate(FORM, [base64_of(255 - image), 28, 28])
        assert np.abs(np.array(theirs) - to_mnist_form(255 - image.reshape(28, 28)).ravel()).max() <= 1


def test_drawn_digits_are_read(opened, made):
    found, _ = made("default")
    right = 0
    for digit in range(10):
        opened.locator("#clear").click()
        draw(opened, digit)
        said = read(opened)
        image = to_mnist_form(on_paper(opened))
        assert np.abs(np.array(said["image"]) - image.ravel()).max() <= 1
        p = found.probabilities(Split(np.array([said["image"]], np.uint8), np.zeros(1, np.intp), np.arange(1)))[0]
        np.testing.assert_allclose(said["probabilities"], p, atol=1e-5)
        answer = int(p.argmax())
        expect(opened.locator("#answer")).to_have_text(str(answer))
        expect(opened.locator(".bar.first")).to_contain_text(f"{answer}")
        right += answer == digit
    assert right >= 8


def test_it_answers_while_one_draws(opened):
    draw(opened, 1)
    before = read(opened)["probabilities"]
    box = opened.locator("#paper").bounding_box()
    opened.mouse.move(box["x"] + 40, box["y"] + 40)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 160, box["y"] + 60, steps=5)
    while_drawing = read(opened)["probabilities"]
    opened.mouse.up()
    assert np.abs(np.subtract(before, while_drawing)).max() > 1e-6


def test_clear_and_undo(opened):
    expect(opened.locator("#note")).to_have_text("draw a digit on the paper")
    assert read(opened) is None
    draw(opened, 1)
    one = on_paper(opened)
    draw(opened, 4)
    assert (on_paper(opened) < 128).sum() > (one < 128).sum()
    opened.locator("#undo").click()
    opened.keyboard.press("Control+z")
    assert np.array_equal(on_paper(opened), one)
    opened.locator("#clear").click()
    assert on_paper(opened).min() == 255 and read(opened) is None
    expect(opened.locator("#answer")).to_have_text("")
    opened.locator("#undo").click()  # takes the clearing back
    assert np.array_equal(on_paper(opened), one)
    opened.locator("#undo").click()
    opened.locator("#undo").click()  # nothing left to undo
    assert on_paper(opened).min() == 255


def test_a_tap_leaves_a_dot_that_undo_takes_back(opened):
    draw(opened, 7)
    seven = on_paper(opened)
    opened.locator("#paper").click(position={"x": 30, "y": 30})
    assert (on_paper(opened) < 128).sum() > (seven < 128).sum() + 200
    opened.locator("#undo").click()
    assert np.array_equal(on_paper(opened), seven)


def test_a_stroke_that_is_being_drawn_is_not_undone(opened):
    box = opened.locator("#paper").bounding_box()
    opened.mouse.move(box["x"] + 60, box["y"] + 60)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 60, box["y"] + 100)
    opened.keyboard.press("Control+z")
    opened.mouse.move(box["x"] + 60, box["y"] + 200)
    assert (on_paper(opened)[:, :140] < 128).any(axis=1).sum() > 100
    opened.mouse.up()
    opened.keyboard.press("Control+z")
    assert on_paper(opened).min() == 255


@pytest.mark.parametrize("opened", [{"viewport": {"width": 360, "height": 740}}], indirect=True, ids=["narrow"])
def test_why_nothing_is_read_is_seen_beside_the_answer(opened):
    box = opened.locator("#paper").bounding_box()
    opened.mouse.move(box["x"] + 40, box["y"] + 100)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 240, box["y"] + 100)
    opened.mouse.up()
    expect(opened.locator("#note")).to_contain_text("far wider than a digit")
    assert opened.locator("#note").evaluate("note => note.getBoundingClientRect().bottom <= innerHeight")


def test_of_many_units_it_says_how_many_are_shown(opened_page, made):
    tab = opened_page(made("deep")[1])
    expect(tab.locator("#units-hint")).to_contain_text("Of the 60 of layer 1 the 48 that count most are shown.")
    expect(tab.locator("#units-hint")).not_to_contain_text("layer 2")


def test_a_thin_pen(opened):
    draw(opened, 7)
    thick = (on_paper(opened) < 128).sum()
    opened.locator("#clear").click()
    opened.locator("#pen").click()
    expect(opened.locator("#pen")).to_have_text("pen: thin")
    draw(opened, 7)
    assert (on_paper(opened) < 128).sum() < thick / 2
    expect(opened.locator("#answer")).to_have_text("7")


def test_test_digits_are_shown_as_they_are(opened, made, mnist_5k):
    found, _ = made("default")
    p = found.probabilities(mnist_5k.test)
    for _ in range(12):
        opened.locator("#test").click()
        said = read(opened)
        number, label = opened.locator("#note").text_content().removeprefix("test digit ").split(", a ")
        place = int(number) - 1
        assert 0 <= place < TEST_DIGITS and int(label) == mnist_5k.test.labels[mnist_5k.test.rows[place]]
        assert said["image"] == mnist_5k.test.images[mnist_5k.test.rows[place]].tolist()
        np.testing.assert_allclose(said["probabilities"], p[place], atol=1e-5)
    draw(opened, 1)  # takes the test digit away
    expect(opened.locator("#answer")).to_have_text("1")
    opened.locator("#undo").click()
    assert read(opened)["image"] == said["image"]


def test_classes_are_called_by_their_names(opened_page, made, mnist_5k):
    found, path = made("47 names")
    tab = opened_page(path)
    assert tab.title() == "npdigits: draw a picture" and tab.locator("#heading").text_content() == "Draw a picture"
    expect(tab.locator("#note")).to_have_text("draw a picture on the paper")
    assert tab.locator(".bar .name").all_text_contents() == list(NAMES)
    assert tab.locator(".tile").nth(1).get_attribute("title") == NASTY
    assert "each class's own weights" in tab.locator("#units-hint").text_content()
    p = found.probabilities(mnist_5k.test)
    for _ in range(12):
        tab.locator("#test").click()
        read(tab)
        number, label = tab.locator("#note").text_content().removeprefix("test picture ").split(": ", 1)
        place = int(number) - 1
        for said, i in ((label, mnist_5k.test.labels[mnist_5k.test.rows[place]]), ("", p[place].argmax())):
            said = said or tab.locator("#answer").text_content()
            expected = NAMES[i] if len(NAMES[i]) <= 32 else f"{NAMES[i][:16]}…{NAMES[i][-15:]}"
            assert said == expected
    assert tab.evaluate("window.hacked") is None


def test_units_light_up_as_they_are_active(opened, made):
    found, _ = made("default")
    tiles = opened.locator(".tile")
    assert tiles.count() == 20
    draw(opened, 3)
    image = np.array(read(opened)["image"]) / 255
    z = found.network.parameters.weights[0] @ image + found.network.parameters.biases[0]
    a = np.maximum(z, 0) / np.abs(np.where(z > 0, z, 0.01 * z)).max()
    lit = tiles.evaluate_all("tiles => tiles.map((tile) => Number(tile.style.getPropertyValue('--a')))")
    np.testing.assert_allclose(lit, a, atol=1e-4)


def test_without_hidden_layer_the_digits_own_weights_are_shown(opened_page, made):
    _, path = made("no hidden layer")
    tab = opened_page(path)
    assert tab.locator(".tile").count() == 10
    draw(tab, 1)
    p = read(tab)["probabilities"]
    lit = tab.locator(".tile").evaluate_all("tiles => tiles.map((tile) => Number(tile.style.getPropertyValue('--a')))")
    np.testing.assert_allclose(lit, p, atol=1e-6)


@pytest.mark.parametrize("opened", [{"has_touch": True, "viewport": {"width": 360, "height": 740}}], indirect=True)
def test_a_finger_draws_on_a_narrow_screen(opened):
    protocol = opened.context.new_cdp_session(opened)
    box = opened.locator("#paper").bounding_box()

    def touch(kind, *points):
        protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    k = box["width"] / 280
    (stroke,) = STROKES[3]
    at = [(box["x"] + k * (80 + 11 * x), box["y"] + k * (55 + 11 * y)) for x, y in stroke]
    touch("touchStart", at[0])
    for (x0, y0), (x1, y1) in itertools.pairwise(at):
        for t in np.linspace(0, 1, 5)[1:]:
            touch("touchMove", (x0 + t * (x1 - x0), y0 + t * (y1 - y0)))
    touch("touchEnd")
    expect(opened.locator("#answer")).to_have_text("3")
    assert opened.evaluate("scrollY") == 0  # drawing does not scroll
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(
    "opened",
    [{"viewport": {"width": w, "height": h}} for w, h in ((320, 600), (390, 664), (740, 360), (568, 320), (1280, 800))],
    indirect=True,
    ids=str,
)
def test_paper_and_probabilities_are_both_seen_while_one_draws(opened):
    inside = """() => {
      const shown = ["#paper", "#answer", ".bar:last-child"].map((one) => document.querySelector(one));
      const edges = shown.map((one) => one.getBoundingClientRect());
      return edges.every((box) => box.top >= 0 && box.bottom <= innerHeight && box.right <= innerWidth);
    }"""
    assert opened.evaluate(inside)


# Every bar at its widest, and each note that the scripts can write; how much wider than the screen the page then is.
WIDEST = """([note, percent]) => {
  for (const bar of document.querySelectorAll(".bar")) {
    bar.classList.add("first");
    bar.querySelector(".percent").textContent = percent;
  }
  document.querySelector("#answer").textContent = document.querySelectorAll(".bar").length - 1;
  document.querySelector("#note").textContent = note;
  const page = document.documentElement;
  const cut = [...document.querySelectorAll(".percent")].some((one) => one.scrollWidth > one.clientWidth);
  return [page.scrollWidth - page.clientWidth, document.body.scrollWidth - page.clientWidth, cut];
}"""
NOTES = [
    note.replace("${kept.length}", "1234").replace("${longest(box)}", "6").replace("${SMALLEST}", "7")
    for name in SCRIPTS
    for note in re.findall(r'(?:NoDigit|Digits)\(["`](.+?)["`]\)', (FILES / f"{name}.js").read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("width", [320, 360, 390, 414])
@pytest.mark.parametrize("name", ["default", "47 classes", "47 names"])
def test_the_page_is_never_wider_than_the_screen(opened_page, made, width, name, tmp_path):
    tab = opened_page(made(name)[1], viewport={"width": width, "height": 700})
    assert len(NOTES) == 12 and not any("$" in note for note in NOTES)
    if name == "47 names":
        tab.evaluate("name => document.querySelector('#answer').textContent = name", "W" * 16 + "…" + "W" * 15)
    for note in ["draw a digit on the paper", "test digit 200, a 9", *NOTES]:
        for percent in ("100.00 %", "99.96 %", "100.0 %", "88.8 %", "0.00 %", ""):
            assert tab.evaluate(WIDEST, [note, percent]) == [0, 0, False], (note, percent)
    ends = "bars => bars.map((bar) => Math.round(bar.querySelector('.track').getBoundingClientRect().width))"
    (length,) = set(tab.locator(".bar").evaluate_all(ends))  # one for all
    assert length > 20


def test_clearing_nothing_is_nothing_to_undo_and_capitals_undo_too(opened):
    draw(opened, 7)
    opened.locator("#clear").click()
    opened.locator("#clear").click()
    opened.keyboard.press("Control+Z")
    expect(opened.locator("#answer")).to_have_text("7")


@pytest.mark.parametrize("opened", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True, ids=str)
def test_light_and_dark(opened):
    dark = opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    colour = "() => getComputedStyle(document.body).backgroundColor"
    before = opened.evaluate(colour)
    assert before == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
    opened.locator("#theme").click()
    assert opened.evaluate(colour) != before


def test_the_policy_forbids_everything_else(browser, made):
    _, path = made("default")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    said = []
    tab.on("console", lambda message: said.append(message.text))
    tab.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.hacked = 1";
      document.body.append(script);
      const image = new Image();
      image.src = "http://127.0.0.1:9/x.png";
      document.body.append(image);
    }""")
    tab.wait_for_timeout(200)
    assert tab.evaluate("window.hacked") is None
    assert len(said) >= 2 and all("Content Security Policy" in one for one in said)
    tab.close()


def test_what_comes_from_a_run_is_text(browser, made, tmp_path):
    found, _ = made("default")
    nasty = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    path = tmp_path / "page.html"
    path.write_text(
        page(dataclasses.replace(found, summary=dataclasses.replace(found.summary, data=nasty)), None), encoding="utf-8"
    )
    tab = browser.new_page()
    tab.goto(path.as_uri())
    expect(tab.locator("#about")).to_contain_text(nasty)
    assert tab.evaluate("window.hacked") is None
    assert not tab.locator("#test").is_visible()  # without test digits
    tab.close()


def test_a_million_parameters_stay_under_six_megabytes(browser, made, mnist_5k, tmp_path):
    found, _ = made("default")
    parameters = Parameters((784, 1000, 190, 10))
    assert 970_000 < parameters.flat.size <= 1_000_000
    parameters.flat[...] = np.random.default_rng(0).normal(0, 0.03, parameters.flat.size)
    large = dataclasses.replace(found, network=Network(parameters, found.network.activation, 1 / 255))
    text = page(large, mnist_5k.test)
    assert len(text.encode()) < 6_000_000
    path = tmp_path / "large.html"
    path.write_text(text, encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    draw(tab, 2)
    assert sum(read(tab)["probabilities"]) == pytest.approx(1)
    assert tab.locator(".tile").count() == 48 and tab.locator(".dot").count() == 190
    tab.close()
