"""The page that shows runs as they go: one file, which asks its own server and nobody else."""

from pathlib import Path
from typing import Any

import npdigits.compare
from npdigits.base.pages import page_of, policy_of

FILES = Path(__file__).parent / "page_files"
# uPlot (MIT) draws the curves, as it does on the page of the comparison.
PLOTTING = Path(npdigits.compare.__file__).parent / "page_files"
SCRIPTS = ("parts", "connection", "curves", "runs", "page")


def page(content: dict[str, Any]) -> tuple[str, str]:
    """Return the page with what its scripts are told, and its content-security policy.

    Args:
        content: what they are told at once; all else they ask for.
    """

    def read(path: Path) -> str:
        return path.read_text(encoding="utf-8")

    style = read(PLOTTING / "uPlot.min.css") + read(FILES / "page.css")
    scripts = {"plotting": read(PLOTTING / "uPlot.iife.min.js")}
    scripts |= {name: read(FILES / f"{name}.js") for name in SCRIPTS}
    policy = f"{policy_of(style, scripts, asks=True)}; frame-ancestors 'none'"
    return page_of(read(FILES / "page.html"), style, scripts, content, asks=True), policy
