"""The page of npdigits-live in a real browser: a run that goes on moves, a server that is ended is told of."""

import re
import shutil
import signal

import pytest
from made_runs import made_run
from playwright.sync_api import expect
from test_live import going, row
from test_live_server import Program

NASTY = "<img src=x onerror='window.hacked=1'>\u202e"


@pytest.fixture
def watched(tmp_path, browser):
    """Return a folder with two runs, the program that watches it, and a tab that shows it."""
    runs = tmp_path / "runs"
    going(runs / NASTY, "hidden=30", "epochs=10")
    made_run(runs / "failed", status="failed", reason=f"{NASTY} no space left")
    program = Program(runs)
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    tab, said = context.new_page(), []
    tab.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(origin) else None)
    origin = f"http://{program.address.netloc}/"
    tab.goto(program.address.geturl())
    yield runs, program, tab
    expect.set_options(timeout=5000)
    context.close()
    program.process.kill()
    program.process.communicate()
    assert said == []


def test_a_run_that_goes_on_moves_and_a_server_that_is_ended_is_told_of(watched):
    runs, program, tab = watched
    line = tab.locator("#runs tbody tr", has_text="hidden=30")
    expect(line).to_contain_text("2 of 10")
    expect(line.locator(".path")).to_have_text(NASTY.replace("\u202e", "\\u{202e}"))
    expect(tab.locator("#runs tbody tr", has_text="failed")).to_contain_text(
        "onerror='window.hacked=1'>\\u{202e} no space left"
    )
    expect(tab.locator("#legend")).to_contain_text("epoch 2")
    with (runs / NASTY / "metrics.csv").open("a") as file:
        file.write(row(3, 0.125))
    expect(line).to_contain_text("3 of 10")
    expect(line).to_contain_text("0.125")
    expect(tab.locator("#legend")).to_contain_text("epoch 3")
    assert tab.locator("#cost canvas").count() == 1
    assert tab.evaluate("[window.hacked, document.images.length]") == [None, 0]
    expect(tab.locator("#trouble")).to_be_hidden()
    tab.context.set_offline(True)
    expect(tab.locator("#trouble")).to_contain_text("The server does not answer")
    with (runs / NASTY / "metrics.csv").open("a") as file:
        file.write(row(4))
    tab.context.set_offline(False)  # it goes on where it was
    expect(line).to_contain_text("4 of 10")
    expect(tab.locator("#trouble")).to_be_hidden()
    program.process.send_signal(signal.SIGKILL)
    program.process.wait()
    expect(tab.locator("#trouble")).to_contain_text("The server does not answer")
    expect(line).to_contain_text("4 of 10")


def test_runs_of_the_same_settings_are_told_apart_and_one_that_is_gone_takes_its_curve_along(watched):
    runs, _, tab = watched
    for name in ("a copy", "another"):
        going(runs / name, "hidden=77")
    lines = tab.locator("#runs tbody tr", has_text="hidden=77")
    expect(lines).to_have_count(2)
    for line in lines.all():
        if line.locator("button").get_attribute("aria-pressed") == "false":
            line.locator("button").click()
    legend = tab.locator("#legend li", has_text="hidden=77")
    expect(legend).to_have_count(2)
    said = "".join(legend.all_inner_texts())
    assert "(a copy): epoch 2" in said and "(another): epoch 2" in said
    assert "(" not in tab.locator("#legend li", has_text="hidden=30").inner_text().partition(":")[0]
    shutil.rmtree(runs / "a copy")
    expect(legend).to_have_count(1)
    expect(legend).to_have_text(re.compile(r"hidden=77[^(]*: epoch 2"))
    expect(tab.locator("#said")).to_contain_text("(a copy) is gone")


def test_a_fault_of_the_page_is_not_called_one_of_the_server(watched):
    runs, _, tab = watched
    expect(tab.locator("#legend")).to_contain_text("epoch 2")
    tab.evaluate(
        "() => { window.reportError = () => {}; curves.take = () => { throw new TypeError('no such chart'); }; }"
    )
    with (runs / NASTY / "metrics.csv").open("a") as file:
        file.write(row(3))
    expect(tab.locator("#trouble")).to_contain_text("a fault of the page: no such chart")


def test_it_is_used_by_keys_and_fits_a_phone(watched):
    _, _, tab = watched
    tab.set_viewport_size({"width": 360, "height": 740})
    run = tab.get_by_role("button", name="hidden=30", exact=False).last
    run.focus()
    before = run.get_attribute("aria-pressed")
    tab.keyboard.press("Enter")
    expect(run).to_have_attribute("aria-pressed", "false" if before == "true" else "true")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.locator("#kind").select_option("failed")
    expect(tab.locator("#runs tbody tr")).to_have_count(1)
