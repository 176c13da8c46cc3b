"""What a live training costs: ``python experiments/live_time.py [key=value …] [--rounds N]``

Does the same run in turn from the command line, in ``npdigits-live`` with its page open in Chromium at full speed, and
there with the page closed once it has begun; the seconds are those of the run's summary. Then counts the frames that
the page paints at ten batches a second, with one network and with two. A clock tells of all that a machine does: it is
to do nothing else meanwhile.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from npdigits.base.program import Parser, whole_number
from npdigits.base.terminal import show
from npdigits.base.text import aligned

# Of the slider of speeds: 10 batches a second, and as fast as it goes.
TEN, FULL = "3", "7"
# Seconds in which frames are counted, and that are waited for at most.
COUNTED, PATIENCE = 8, 600
FRAMES = """seconds => new Promise(done => {
  let frames = 0, longest = 0, last = performance.now();
  const begun = last, painted = npdigits.painted;
  const frame = now => {
    frames++, longest = Math.max(longest, now - last), last = now;
    if (now - begun < 1000 * seconds) return requestAnimationFrame(frame);
    const took = (performance.now() - begun) / 1000;
    done([frames / took, (npdigits.painted - painted) / took, longest]);
  };
  requestAnimationFrame(frame);
})"""
BEGUN = "n => npdigits.views.length === n && npdigits.views.every(view => view.look)"


def seconds_of(run: Path) -> float:
    """Return the seconds of a run that has ended."""
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return float(summary["seconds"])


def by_command(out: Path, keys: list[str]) -> float:
    """Do the run from the command line."""
    subprocess.run([sys.executable, "-m", "npdigits.train", *keys, f"out={out}"], check=True, capture_output=True)
    return seconds_of(out)


@contextmanager
def serving(folder: Path, keys: list[str]) -> Iterator[str]:
    """Have ``npdigits-live`` train, and give its page's address."""
    command = [sys.executable, "-m", "npdigits.live", str(folder), *keys, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout is not None
        try:
            while not (line := program.stdout.readline()).startswith("http") or "train" not in line:
                if not line:
                    raise SystemExit("npdigits-live has ended")
            yield line.strip()
        finally:
            program.send_signal(signal.SIGINT)


def opened(browser: Browser, address: str, networks: int = 1) -> Page:
    """Open the page, and wait until its networks are seen."""
    tab = browser.new_page(viewport={"width": 1300, "height": 1000})
    tab.set_default_timeout(1000 * PATIENCE)
    tab.goto(address)
    tab.wait_for_function(BEGUN, arg=networks)
    return tab


def by_page(browser: Browser, out: Path, keys: list[str], is_open: bool) -> float:
    """Do the run in the page at full speed, which is left open or closed once it has begun."""
    with serving(out.parent, [*keys, f"out={out}"]) as address:
        tab = opened(browser, address)
        tab.locator("#speed").fill(FULL)
        tab.click("#start")
        if not is_open:
            tab.close()
        end = time.monotonic() + PATIENCE
        while (
            not (out / "summary.json").exists() or json.loads((out / "summary.json").read_text())["status"] == "running"
        ):
            if time.monotonic() > end:
                raise SystemExit(f"{out}: not ended after {PATIENCE} s")
            time.sleep(0.5)
        if is_open:
            tab.close()
    return seconds_of(out)


def frames(browser: Browser, out: Path, keys: list[str], rounds: int) -> list[tuple[str, ...]]:
    """Count the page's frames a second with one network, then with two."""
    found: dict[int, list[list[float]]] = {1: [], 2: []}
    with serving(out.parent, [*keys, f"out={out}"]) as address:
        tab = opened(browser, address)
        for networks, counted in found.items():
            if networks == 2:
                tab.check("#two")
                tab.click("#begin")
                tab.wait_for_function(BEGUN, arg=2)
            tab.locator("#speed").fill(TEN)
            tab.click("#start")
            tab.evaluate(FRAMES, 1)  # what is compiled first
            counted += [tab.evaluate(FRAMES, COUNTED) for _ in range(rounds)]
        tab.close()
    return [
        (
            str(networks),
            *(f"{median(one[i] for one in counted):.0f}" for i in range(3)),
            f"{min(c[0] for c in counted):.0f}",
        )
        for networks, counted in found.items()
    ]


def main() -> None:
    """Print both tables."""
    parser = Parser("live_time.py", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("keys", nargs="*", metavar="key=value", help="of the run; default: hidden=20 lr=0.01 threads=1")
    parser.add_argument("--rounds", type=whole_number(1, 100), default=5, metavar="N", help="how often each is done")
    parser.add_argument("--chromium", default="/usr/bin/chromium", metavar="PATH", help="the browser")
    chosen = parser.parse_args()
    keys = [*(chosen.keys or ["hidden=20", "lr=0.01"]), "threads=1", "plots=false"]
    folder = Path(tempfile.mkdtemp(prefix="live"))
    took: dict[str, list[float]] = {"command line": [], "page open": [], "page closed": []}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
            ways: dict[str, Callable[[Path], float]] = {
                "command line": lambda out: by_command(out, keys),
                "page open": lambda out: by_page(browser, out, keys, is_open=True),
                "page closed": lambda out: by_page(browser, out, keys, is_open=False),
            }
            for i in range(chosen.rounds):
                for name, way in ways.items():
                    took[name].append(way(folder / f"{name.replace(' ', '-')}-{i}"))
                show(", ".join(f"{name} {seconds[-1]:.2f} s" for name, seconds in took.items()))
            rows = frames(browser, folder / "frames", keys, chosen.rounds)
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    plain = took["command line"]
    show(
        "\n".join(
            aligned(
                [
                    ("", "seconds", "/ command line"),
                    *(
                        (
                            name,
                            f"{median(seconds):.2f}",
                            f"{median(a / b for a, b in zip(seconds, plain, strict=True)):.3f}",
                        )
                        for name, seconds in took.items()
                    ),
                ]
            )
        )
    )
    show("\n".join(aligned([("networks", "frames/s", "paintings/s", "longest ms", "lowest frames/s"), *rows])))


if __name__ == "__main__":
    main()
