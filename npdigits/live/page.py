"""The pages that show runs as they go and train a network: one file each, which asks its own server and nobody else."""

from pathlib import Path
from typing import Any

import npdigits.compare
import npdigits.export
from npdigits.base.pages import page_of, policy_of

FILES = Path(__file__).parent / "page_files"
# uPlot (MIT) draws the curves, as it does on the page of the comparison.
PLOTTING = Path(npdigits.compare.__file__).parent / "page_files"
# The parts that draw, and read what was drawn, are those of the pages that npdigits-export makes.
DRAWING = Path(npdigits.export.__file__).parent / "page_files"
DRAWING_SCRIPTS = ("several", "panel", "pieces", "flat", "lines", "form", "theme", "paper", "learn_charts")
TRAINING_SCRIPTS = ("training_parts", "training_form", "training_network", "training_drawing", "training")
SCRIPTS = ("parts", "connection", "curves", "runs", "page")


def page(content: dict[str, Any]) -> tuple[str, str]:
    """Return the page with what its scripts are told, and its content-security policy.

    Args:
        content: what they are told at once; all else they ask for.
    """

    style = _read(PLOTTING / "uPlot.min.css") + _read(FILES / "page.css")
    scripts = {"plotting": _read(PLOTTING / "uPlot.iife.min.js")}
    scripts |= {name: _read(FILES / f"{name}.js") for name in SCRIPTS}
    return _page("page.html", style, scripts, content)


def training_page(content: dict[str, Any]) -> tuple[str, str]:
    """Return the page on which a network is trained, and its content-security policy; ``content`` as of ``page``."""
    style = "".join(_read(DRAWING / f"{name}.css") for name in ("page", "learn")) + _read(FILES / "training.css")
    scripts = {name: _read(DRAWING / f"{name}.js") for name in DRAWING_SCRIPTS}
    scripts |= {name: _read(FILES / f"{name}.js") for name in TRAINING_SCRIPTS}
    return _page("training.html", style, scripts, content)


def _page(template: str, style: str, scripts: dict[str, str], content: dict[str, Any]) -> tuple[str, str]:
    policy = f"{policy_of(style, scripts, asks=True)}; frame-ancestors 'none'"
    return page_of(_read(FILES / template), style, scripts, content, asks=True), policy


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
