"""The page in a real browser: it shows what the table says, sorts, draws, and asks nobody for anything."""

import pytest
from made_runs import made_run
from playwright.sync_api import Browser, expect

from npdigits.compare.comparison import compare
from npdigits.compare.page import comparison_page
from npdigits.config.compose import compose
from npdigits.runs.table import read_runs

NASTY = "<img src=x onerror='window.hacked=1'></script><script>window.hacked=1</script>"
# Which pixels of a canvas have been drawn on.
INK = """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    .data.filter((value, place) => place % 4 == 3 && value).length"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The page of 3 × 2 configurations with two seeds each, one of them stopped early, and a failed run."""
    folder = tmp_path_factory.mktemp("sweep")
    for hidden in (10, 20, 100):
        for lr in (0.01, 0.1):
            for seed in (0, 1):
                accuracy = 0.9 + hidden / 2000 - lr / 10 + seed / 100
                typed = (f"hidden={hidden}", f"lr={lr}", f"seed={seed}")
                made_run(folder / f"{hidden}-{lr}-{seed}", accuracy, *typed, epochs=4 - seed)
    made_run(folder / "failed", 0.5, "seed=7", status="failed", reason=NASTY)
    runs = read_runs([folder])
    path = folder / "page.html"
    path.write_text(comparison_page(compare(runs, default=compose().as_dict())), encoding="utf-8")
    return path


@pytest.fixture
def opened(opened_page, file, request):
    """The page in a fresh tab."""
    return opened_page(file, **getattr(request, "param", {}))


def column(tab, place):
    return tab.locator(f"#table tbody tr td:nth-child({place})").all_text_contents()


def test_it_shows_the_table_and_the_verdict(opened):
    assert opened.locator("#heading").text_content() == "12 finished runs of 6 configurations on mnist"
    assert opened.locator("#table thead th").all_text_contents()[1:5] == ["hidden", "lr", "n", "val_accuracy %"]
    assert column(opened, 5)[0].startswith("95.40 ±") and column(opened, 2) == ["100", "100", "20", "10", "20", "10"]
    expect(opened.locator("#verdict")).to_contain_text("Compared with the default, hidden=20 lr=0.01")
    expect(opened.locator("#table td.baseline")).to_have_text("baseline")


def test_a_click_sorts_numbers_as_numbers_and_the_test_column_does_not(opened):
    button = opened.locator("#table th button", has_text="hidden")
    button.click()
    assert column(opened, 2) == ["10", "10", "20", "20", "100", "100"]
    expect(opened.locator("#table th[aria-sort=ascending]")).to_have_text("hidden")
    button.click()
    assert column(opened, 2) == ["100", "100", "20", "20", "10", "10"]
    fixed = opened.locator("#table th.fixed")
    expect(fixed).to_have_text("test_accuracy %")
    assert fixed.locator("button").count() == 0 and "nothing is chosen" in fixed.get_attribute("title")


def test_ticked_rows_are_drawn(opened):
    legend = opened.locator("#curves .legend > span")
    opened.locator("#curve-column").select_option(label="val_accuracy %")
    assert legend.count() == 6
    picture = "canvas => canvas.toDataURL()"
    before = opened.locator("#curves canvas").evaluate(picture)
    for row in range(5):
        opened.locator("#table input").nth(row).uncheck()
    assert legend.count() == 1
    assert opened.locator("#curves canvas").evaluate(picture) != before
    assert opened.locator("#curves canvas").evaluate(INK) > 1000


def test_the_cursor_tells_values_and_how_many_runs_are_left(opened):
    opened.locator("#curve-column").select_option(label="val_cost nats")
    over = opened.locator("#curves .u-over")
    over.hover(position={"x": 1, "y": 100})
    first = opened.locator("#curves .legend > span").first
    expect(first).to_contain_text(": 1 ± 0 (epoch 1, 2 runs)")
    over.hover(position={"x": over.bounding_box()["width"] - 2, "y": 100})
    expect(first).to_contain_text(": 0.25 (epoch 4, 1 runs)")


def test_main_effects_are_drawn(opened):
    assert opened.locator("#effects h3").all_text_contents() == ["hidden", "lr"]
    for canvas in opened.locator("#effects canvas").all():
        assert canvas.evaluate(INK) > 1000


def test_the_heat_map_is_the_pivot(opened):
    assert opened.locator("#heat thead th").all_text_contents()[1:] == ["0.01", "0.1"]
    cells = opened.locator("#heat td.cell")
    assert [text.split(" ")[0] for text in cells.all_text_contents()] == [
        *("90.90", "90.00", "91.40", "90.50", "95.40", "94.50")
    ]
    colours = cells.evaluate_all("cells => cells.map(cell => getComputedStyle(cell).backgroundColor)")
    assert len(set(colours)) == 6


def test_two_configurations_stand_side_by_side(opened):
    opened.locator("#first").select_option(label="hidden=20 lr=0.01")
    opened.locator("#second").select_option(label="lr=0.1")
    lines = [line.split("\t") for line in opened.locator("#pair-table tbody").inner_text().splitlines()]
    assert lines[:2] == [["hidden", "20", "20"], ["lr", "0.01", "0.1"]]
    assert opened.locator("#pair-table .differs td:first-child").all_text_contents() == ["lr"]
    assert opened.locator("#pair-curves .legend > span").count() == 2
    assert opened.locator("#pair-curves canvas").evaluate(INK) > 1000


def test_what_runs_say_is_text(opened):
    expect(opened.locator("#left-out")).to_contain_text(NASTY)
    assert opened.evaluate("window.hacked") is None


@pytest.mark.parametrize("opened", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True)
def test_light_and_dark(opened, request):
    def brightness():
        colour = opened.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.strip("rgb()").split(","))

    dark = opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (brightness() < 200) == dark and (brightness() > 600) != dark
    opened.locator("#theme").click()
    assert (brightness() > 600) == dark
    assert opened.locator("#curves canvas").evaluate(INK) > 1000


@pytest.mark.parametrize("opened", [{"viewport": {"width": 360, "height": 700}}], indirect=True)
def test_a_narrow_screen_needs_no_scrolling_sideways(opened):
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360


def test_its_policy_lets_nothing_else_run_or_load(file):
    text = file.read_text()
    assert "default-src 'none'" in text and "unsafe" not in text.split("</head>")[0].split("<style>")[0]
    assert "http://" not in text.split("<script>")[0]


def test_single_runs_have_a_page_too(browser: Browser, tmp_path):
    for hidden in (10, 20):
        made_run(tmp_path / str(hidden), 0.9, f"hidden={hidden}", right=[True, False], epochs=1)
    runs = read_runs([tmp_path])
    path = tmp_path / "page.html"
    path.write_text(comparison_page(compare(runs, default=compose().as_dict())), encoding="utf-8")
    tab = browser.new_page()
    said = []
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(path.as_uri())
    assert tab.locator("#curves canvas").evaluate(INK) > 100 and said == []
    expect(tab.locator("#verdict")).to_contain_text("McNemar")
    tab.close()
