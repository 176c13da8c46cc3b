"""The page that trains, in a real browser: start, pause, step, draw, two networks, a server that is killed."""

import re
import signal
import time

import pytest
from made import digits, read_summary, write_set
from playwright.sync_api import expect
from test_live_server import Program

from npdigits.config.compose import compose
from npdigits.runs.run import run


@pytest.fixture
def typed(tmp_path):
    folder = write_set(tmp_path / "set", digits(500, (28, 28), seed=5), digits(100, (28, 28), seed=4))
    # So many batches that a pause comes within the first epoch on a machine that is busy, too.
    small = ["hidden=6", "lr=0.01", "batch_size=4", "epochs=3"]
    return ["data=idx", f"data.dir={folder}", *small, "threads=1", "plots=false"]


@pytest.fixture
def page(tmp_path, browser, typed):
    """Return the program that trains in a page, and a tab with that page; nothing else may be asked for."""
    (tmp_path / "watched").mkdir()
    program = Program(tmp_path / "watched", *typed, f"out={tmp_path / 'live'}")
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    tab, said = context.new_page(), []
    tab.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(origin) else None)
    origin = f"http://{program.address.netloc}/"
    tab.goto(program.address.geturl())
    yield program, tab
    expect.set_options(timeout=5000)
    context.close()
    program.process.kill()
    program.process.communicate()
    assert said == []


def until(tab, what, seconds=90):
    """Wait until the page says so, which its policy forbids Playwright to do; on a busy machine two processes may take
    half a minute to begin."""
    end = time.monotonic() + seconds
    while not (found := tab.evaluate(what)):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


def batches(tab, network=0):
    return tab.evaluate(f"npdigits.views[{network}].look.batches")


# A server that takes half a second for each order.
SLOW = """() => {
  Object.assign(window, { orders: [], most: 0 });
  let waiting = 0;
  server.post = async (path, order) => {
    orders.push(order);
    most = Math.max(most, ++waiting);
    await new Promise((resolve) => setTimeout(resolve, 500));
    waiting--;
    return "";
  };
}"""


def draw(tab):
    box = tab.locator("#paper").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.2)
    tab.mouse.down()
    for i in range(8):
        tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * (0.25 + 0.07 * i))
    tab.mouse.up()


def test_it_starts_pauses_steps_reads_and_leaves_a_run_like_any_other(page, typed, tmp_path):
    _, tab = page
    until(tab, "npdigits.views[0]?.look")
    assert batches(tab) == 0
    expect(tab.locator(".tile")).to_have_count(6)
    before = tab.locator(".tile canvas").first.screenshot()
    tab.locator("#batch").focus()
    tab.keyboard.press("Enter")
    until(tab, "npdigits.views[0].look.batches === 1")
    draw(tab)
    expect(tab.locator(".verdict-of")).to_have_text(re.compile(r"^\d$"))
    shares = tab.locator(".bars").inner_text()
    tab.locator("#speed").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        tab.keyboard.press(key)
    expect(tab.locator("#pace")).to_have_text("10 batches a second")
    tab.locator("#start").click()
    until(tab, "npdigits.views[0].look.batches > 4")
    tab.locator("#start").click()
    expect(tab.locator("#start")).to_have_text("go on")
    expect(tab.locator("#said")).to_contain_text("Paused in epoch 1")
    assert tab.locator(".bars").inner_text() != shares and tab.locator(".tile canvas").first.screenshot() != before
    wrong = tab.locator(".wrong:visible")
    assert tab.locator(".grid canvas").count() == 6 and wrong.count() > 0
    assert sum(int(cell or 0) for cell in tab.locator(".confusion td").all_inner_texts()) == 83
    wrong.first.click()  # it goes on the paper
    expect(tab.locator("#seen")).to_be_visible()
    tab.set_viewport_size({"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.locator("#epoch").click()
    until(tab, "npdigits.views[0].look.epochs === 1")
    tab.locator("#speed").focus()
    tab.keyboard.press("End")
    tab.locator("#start").click()
    expect(tab.locator("#said")).to_contain_text("finished after 3 epochs")
    run(compose(typed), tmp_path / "plain", typed)
    for name in ("metrics.csv", "predictions.npz", "checkpoints/last.npz"):
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


# What stands above and beside the buttons, each time that it is drawn, until the second epoch.
TOLD = """() => new Promise((done) => {
  const told = [];
  new MutationObserver((_, observer) => {
    told.push([byId("stands").textContent, byId("where").textContent]);
    if (npdigits.views[0].look.epochs > 0) { observer.disconnect(); done(told); }
  }).observe(byId("where"), { childList: true });
})"""


def test_what_it_says_is_of_the_same_batch_and_a_run_that_diverged_is_told_of(page):
    _, tab = page
    until(tab, "npdigits.views[0]?.look")
    expect(tab.locator("#stands")).to_contain_text("Paused in epoch 1: ")
    tab.locator("#speed").focus()
    for key in ("End", "ArrowLeft"):
        tab.keyboard.press(key)
    tab.locator("#start").click()
    told = tab.evaluate(TOLD)
    assert len(told) > 2
    for stands, where in told:
        batch = int(re.match(r"batch (\d+) of at most 315", where)[1])
        assert stands.startswith(f"Training {'after' if batch == 105 else 'in'} epoch {-(-batch // 105)}: ") or (
            batch == 105 and stands.startswith("Training in epoch 1: ")  # it is being scored
        )
    assert tab.evaluate("server.post('/training/begin', { networks: [{ lr: 1e30, init_scale: 10 }] })") == ""
    until(tab, "npdigits.views[0]?.settings.lr === 1e30 && npdigits.views[0].look")
    tab.locator("#start").click()
    expect(tab.locator("#stands")).to_contain_text(re.compile(r"diverged in epoch 1, after batch \d+: .*finite"))
    batch = re.search(r"after batch (\d+)", tab.locator("#stands").inner_text())[1]
    expect(tab.locator("#where")).to_have_text(f"batch {batch} of at most 315")
    expect(tab.locator("#why-short")).to_contain_text("It diverged in epoch 1")
    assert tab.evaluate("npdigits.views[0].lines.next.x.length") >= int(batch)


def test_two_networks_go_in_step_and_a_server_that_is_killed_loses_no_run(page, tmp_path):
    program, tab = page
    until(tab, "npdigits.views[0]?.look")
    tab.locator("#two").check()
    tab.locator("#activation-1").select_option(label="tanh")
    tab.locator("details", has=tab.locator("#seed-0")).locator("summary").click()
    tab.locator("#seed-0").press("Enter")
    until(tab, "npdigits.views.length === 2 && npdigits.views.every((view) => view.look)")
    expect(tab.locator("#seed-0")).to_be_focused()  # though the form was drawn anew
    expect(tab.locator(".network h2")).to_have_text([re.compile("leaky_relu"), re.compile("tanh")])
    tab.locator("#epoch").click()
    until(tab, "npdigits.views.every((view) => view.look.epochs === 1 && !view.state.going)")
    assert batches(tab, 0) == batches(tab, 1)
    # The run of before was ended, and is kept.
    assert read_summary(tmp_path / "live")["status"] == "interrupted"
    program.process.send_signal(signal.SIGKILL)
    program.process.wait()
    expect(tab.locator("#trouble")).to_contain_text("The server does not answer")
    expect(tab.locator(".network")).to_have_count(2)
    until_saved = time.monotonic() + 30
    runs = [tmp_path / "live-2", tmp_path / "live-3"]
    while any(read_summary(path)["status"] == "running" for path in runs):
        assert time.monotonic() < until_saved
        time.sleep(0.1)
    assert [read_summary(path)["epochs_run"] for path in runs] == [1, 1]


def test_without_settings_the_list_of_runs_leads_to_a_page_that_can_begin(tmp_path, browser):
    program = Program(tmp_path)
    context = browser.new_context()
    try:
        tab = context.new_page()
        tab.goto(program.address.geturl())
        tab.locator("#train").click(timeout=30_000)
        expect(tab.locator("#said")).to_contain_text("Nothing is trained yet", timeout=30_000)
        expect(tab.locator("#begin")).to_be_enabled()
        expect(tab.locator("#start")).to_be_disabled()
        expect(tab.locator("#pace")).to_have_text("20 batches a second")
        # Orders that overtook each other would leave another speed than the last.
        tab.evaluate(SLOW)
        tab.locator("#speed").focus()
        for key in ("Home", *["ArrowRight"] * 6):
            tab.keyboard.press(key)
        until(tab, "orders.at(-1)?.speed === 100")
        assert tab.evaluate("most") == 1
        tab.locator("#begin").press("Enter")
        tab.evaluate("byId('settings').requestSubmit()")  # it is begun once, however often it is asked for meanwhile
        until(tab, "orders.at(-1).networks")
        expect(tab.locator("#begin")).to_be_focused()
        assert tab.evaluate("orders.filter((one) => one.networks).length") == 1
    finally:
        context.close()
        program.process.kill()
        program.process.communicate()
