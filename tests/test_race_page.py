"""The page of a race in a real browser: its sections, what is text, and what is there before anything is claimed."""

import sys

import pytest
from made_race import made_race
from playwright.sync_api import expect

from npdigits.compare import command
from npdigits.compare.page import FILES, MORE
from npdigits.race.importance import importance

NASTY = "<img src=x onerror='window.hacked=1'></script><script>window.hacked=1</script>"
FRESH = (100, 101)


def settings(arms=("",)):
    """Twelve settings of each arm: the first rung's figures, and full runs of the best two."""
    made = []
    for arm in arms:
        for k in range(12):
            accuracy = 0.9 + (k % 4) / 100 + (k % 3) / 1000
            typed = (f"lr={0.001 * 1.4**k:.5f}", f"l2={(0.0, 0.001)[k % 2]}")
            made.append((arm, typed, ["diverged"] if k == 5 else [accuracy, accuracy + 0.001][: 1 + (k % 4 == 3)]))
    return made


SPACE = {"lr": "tag(log,interval(0.001,0.1))", "l2": "0.0,0.001"}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return a function that writes the page of a race that was made by hand."""

    def write(arms=("",), confirmed=True):
        folder = tmp_path_factory.mktemp("page")
        searched = settings(arms)
        finalists = (11, 7)
        done = [(finalists, ("lr=0.01", "l2=0.0"), FRESH, ([0.93, 0.94], [0.92, 0.93], [0.91, 0.92]))]
        race = made_race(
            folder / "race_lr", searched, done if confirmed else (), arms=arms, space=dict.fromkeys(arms, SPACE)
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["npdigits-compare", str(race), "--html", str(folder / "page.html")])
            patch.setattr("npdigits.race.importance.LEAST", 12)
            patch.setattr(command, "importance", lambda told: importance(told, resamples=2))
            with pytest.raises(SystemExit) as end:
                command.main()
        assert end.value.code == (0 if confirmed else 1)
        return folder / "page.html"

    return write


@pytest.fixture(scope="module")
def file(page):
    return page()


@pytest.fixture
def opened(opened_page, file, request):
    """The page of a confirmed race in a fresh tab."""
    return opened_page(file, **getattr(request, "param", {}))


def texts(tab, where):
    return tab.locator(where).all_text_contents()


def test_the_confirmation_stands_first_and_how_far_the_race_was_wrong_after_it(opened):
    titles = [title for title in texts(opened, "h2") if opened.locator("h2", has_text=title).first.is_visible()]
    assert titles[:6] == [
        *("Verdict", "Table", "What the race had measured", "Who ran how long", "What mattered"),
        "Main effects in the first rung",
    ]
    assert opened.title() == "npdigits: race"
    expect(opened.locator("#verdict")).to_contain_text("2 finalists and the reference on 2 fresh seeds")
    first = texts(opened, "#fell tbody tr:first-child td")
    assert first[0].startswith("setting=11 lr=") and first[1].endswith("(n 2)") and first[2] == "93.50 ± 6.35 (n 2)"


def test_each_setting_has_a_line_as_long_as_its_epochs(opened):
    lines = opened.locator("#lengths .length")
    assert lines.count() == 12
    widths = lines.evaluate_all(
        "lines => lines.map(line => [...line.querySelectorAll('.run')].map(run => run.getBoundingClientRect().width))"
    )
    # Three settings have two full runs of two epochs, one has diverged after its first epoch.
    assert sorted(len(line) for line in widths) == [1] * 9 + [2] * 3
    longest = max(map(sum, widths))
    assert sorted(round(4 * sum(line) / longest, 2) for line in widths) == [1.0] + [2.0] * 8 + [4.0] * 3
    assert "diverged" in opened.locator(".length:has(.lost)").get_attribute("title")
    assert opened.locator("#lengths .run.lost").count() == 1


def test_shares_have_bars_and_intervals_and_words(opened):
    names = texts(opened, "#shares .name")
    assert set(names) == {"lr", "l2", "lr × l2"} and names[-1] == "lr × l2"
    text = texts(opened, "#shares .share .figure")
    bars = opened.locator("#shares .bar").evaluate_all("bars => bars.map(bar => bar.style.width)")
    assert [f"{float(bar.rstrip('%')):.0f} %" for bar in bars] == [one.partition(" [")[0] for one in text]
    expect(opened.locator("#shares .says")).to_contain_text("12 settings, one seed and 1 epoch (the first rung) each.")


def test_main_effects_and_two_keys_are_shown(opened):
    assert texts(opened, "#race-effects h3") == ["lr", "l2"]
    ink = """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
        .data.filter((value, place) => place % 4 == 3 && value).length"""
    for canvas in opened.locator("#race-effects canvas").all():
        assert canvas.evaluate(ink) > 1000
    cells = texts(opened, "#race-heat td.cell")
    assert len(cells) == 8 and sum(int(cell.split("(")[1][0]) for cell in cells if "(" in cell) >= 11


def test_an_interval_of_a_mean_ends_where_accuracies_do(opened):
    """Of two settings at 91 and 99 % the interval would reach 146 %; the axis says how far what is drawn reaches."""
    drawn = """seeds => {
        const holder = document.createElement("div");
        document.body.append(holder);
        const effect = {title: "lr", axis: "", values: ["1"], ordered: true, mean: [95], half: [51], seeds, says: ""};
        const tops = [];
        const chart = uPlot;
        uPlot = class extends chart {
            constructor(given, ...rest) { super(given, ...rest); tops.push(given.scales.y.range); }
        };
        drawEffect(holder, {...effect, range: [0, 100]});
        drawEffect(holder, effect);
        uPlot = chart;
        return tops;
    }"""
    (bottom, top), (_, beyond) = opened.evaluate(drawn, [[91, 99]])
    assert 40 < bottom < 44 and 100 < top < 104 and beyond > 146


def test_all_settings_are_in_a_table_that_can_be_sorted(opened):
    def column(place):
        return texts(opened, f"#settings tbody td:nth-child({place})")

    assert sorted(map(int, column(1))) == list(range(12))
    opened.locator("#settings th button", has_text="lr").click()
    assert list(map(float, column(2))) == sorted(map(float, column(2)))
    opened.locator("#settings th button", has_text="in the race").click()
    known = [float(text) for text in column(6) if text != "–"]
    assert known == sorted(known) and column(6)[-1] == "–"
    assert "diverged or failed" in column(8)


@pytest.mark.parametrize("opened", [{"color_scheme": "dark", "viewport": {"width": 360, "height": 700}}], indirect=True)
def test_a_narrow_dark_screen_needs_no_scrolling_sideways(opened):
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    for name in opened.locator("#lengths .name, #shares .name").all():
        assert name.evaluate("one => one.scrollWidth <= one.clientWidth")  # nothing of it is cut off
    colour = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in colour.strip("rgb()").split(",")) < 200


def test_before_anything_is_claimed_there_are_the_race_s_own_sections_of_each_arm(opened_page, page):
    tab = opened_page(page(arms=("dropout", NASTY), confirmed=False))
    expect(tab.locator("#heading")).to_have_text("A race of 24 settings, of which nothing is claimed yet")
    assert not tab.locator("#table-section").is_visible() and not tab.locator("#pair-section").is_visible()
    assert not tab.locator("#fell-section").is_visible()
    assert texts(tab, "#lengths .arm") == ["dropout", NASTY]
    assert tab.locator("#shares .share").count() == 6 and texts(tab, "#settings th")[1] == "arm"
    assert tab.evaluate("window.hacked") is None


def test_the_page_of_an_ordinary_comparison_has_no_section_of_a_race(file):
    assert "lengths" not in (FILES / "page.html").read_text(encoding="utf-8")
    assert MORE in (FILES / "page.html").read_text(encoding="utf-8") and MORE not in file.read_text(encoding="utf-8")
