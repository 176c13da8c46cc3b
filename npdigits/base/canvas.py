"""matplotlib by its own defaults: a plot is the same whatever a matplotlibrc, MPLBACKEND or a notebook has set."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npdigits.base.errors import RunDirError
from npdigits.base.paths import from_anywhere
from npdigits.base.text import on_one_line, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches, of which margins take 0.95.
LEAST_HEIGHT = 1.4
# matplotlib's own, which it draws all text in by its defaults.
FONT = "DejaVu Sans"
# What a figure can be written as.
FORMS = ("png", "pdf", "svg")
Axes = Any


@contextlib.contextmanager
def defaults() -> Iterator[None]:
    """Let matplotlib draw by its defaults within this context, and log and warn nothing.

    The settings of a program around this one are there again afterwards.

    Raises:
        RunDirError: matplotlib cannot be imported.
    """
    logger = logging.getLogger("matplotlib")  # it writes every oddity of a matplotlibrc to standard error
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            matplotlib = _import_matplotlib()
            with matplotlib.rc_context():
                # Not by rcdefaults(), which reads the user's styles first.
                settings = matplotlib.rcParamsDefault.items()
                matplotlib.rcParams.update({key: value for key, value in settings if not key.startswith("backend")})
                matplotlib.rcParams["axes.formatter.useoffset"] = False  # which nobody adds up to the figures
                yield
    finally:
        logger.setLevel(level)


def titled(
    title: str,
    size: tuple[float, float] = (6.4, 4.0),
    right: float = 0.75,
    left: float = 0.75,
    bottom: float = 0.55,
    of_images: bool = False,
) -> tuple[Figure, Axes]:
    """Return a figure of this size, and axes in it under a title.

    Margins are fixed, in inches, so that plots of two runs can be laid side by side.

    Args:
        title: the text.
        size: width and height.
        right, left, bottom: margins.
        of_images: whether images are shown, above which nothing stands. Above other axes there may be a power of ten;
            to see whether the title is to make room for it, matplotlib lays all of the axes out once more.
    """
    from matplotlib.figure import Figure

    width, height = size[0], max(size[1], LEAST_HEIGHT)  # images may be one pixel high
    figure = Figure(figsize=(width, height), dpi=100)
    # Rounded, as 0.55 + 0.4 is a bit more than 0.95.
    inside = (width - left - right) / width, (height - round(bottom + 0.4, 9)) / height
    axes = figure.add_axes((left / width, bottom / height, *inside))
    axes.set_title(plain(title), fontsize=10, wrap=True, y=1.0 if of_images else None)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def plain(text: str) -> str:
    """Return a text that is drawn as it is: what a file says is no formula.

    Not by parse_math=False: wrapping looks for formulas all the same.
    """
    return legible(text).replace("$", r"\$")


def legible(text: str) -> str:
    r"""Return a text in letters that the font has; the others stand there as escapes, such as \u56db."""
    if text.isascii():
        return printable(text)
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont(FONT))
    known = (c if c.isascii() or font.get_char_index(ord(c)) else c.encode("unicode_escape").decode() for c in text)
    return printable("".join(known))


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG. It holds no version: the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(content, metadata={"Software": None}, pil_kwargs={"compress_level": 1})
    return content.getvalue()


def vector(figure: Figure, form: str, says: str = "") -> bytes:
    """Return a figure as a PDF or an SVG: the same figure gives the same bytes, without date or version.

    Text stays text. A PDF embeds its TrueType font (Type 42; conferences refuse Type 3, matplotlib's default). An SVG
    names the font, so that a program that edits it finds words; where it is not there another one is taken.

    Args:
        figure: what to write.
        form: "pdf" or "svg".
        says: what the figure shows, for its metadata.
    """
    import matplotlib

    content = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "npdigits"}):
        if form == "pdf":
            from matplotlib.backends.backend_pdf import FigureCanvasPdf

            page: Any = FigureCanvasPdf(figure)
            facts = {"CreationDate": None, "Creator": None, "Producer": None, "Subject": says or None}
            page.print_pdf(content, metadata=facts)
        else:
            from matplotlib.backends.backend_svg import FigureCanvasSVG

            drawing: Any = FigureCanvasSVG(figure)
            drawing.print_svg(content, metadata={"Date": None, "Creator": None, "Description": says or None})
    return content.getvalue()


def write(figure: Figure, form: str, says: str = "") -> bytes:
    """Return a figure in one of ``FORMS``, as ``png`` and ``vector``."""
    return png(figure) if form == "png" else vector(figure, form, says)


def _import_matplotlib() -> Any:
    """Import matplotlib, which reads the user's settings; where they make that fail, import it without them.

    Raises:
        RunDirError: it cannot be imported.
    """
    before = set(sys.modules)
    try:
        import matplotlib
    except Exception:  # of a broken matplotlibrc, a backend that is not there (as Jupyter's, in another environment) …
        for name in set(sys.modules) - before:
            if name.startswith("matplotlib"):  # half of it would stay imported
                del sys.modules[name]
        try:
            with _environment_of_defaults():
                import matplotlib
        except Exception as error:
            first = Path("matplotlibrc")  # which comes before all others
            reason = f"; it reads {from_anywhere(first)}" if first.exists() else ""
            raise RunDirError(f"matplotlib cannot be imported: {on_one_line(error)}{reason}") from error
    return matplotlib


@contextlib.contextmanager
def _environment_of_defaults() -> Iterator[None]:
    """Point matplotlib to the matplotlibrc of its own package, and to a backend that is always there."""
    spec = find_spec("matplotlib")
    folders = (spec and spec.submodule_search_locations) or [""]
    replaced = {"MATPLOTLIBRC": str(Path(folders[0]) / "mpl-data" / "matplotlibrc"), "MPLBACKEND": "agg"}
    before = {name: os.environ.get(name) for name in replaced}
    os.environ.update(replaced)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
