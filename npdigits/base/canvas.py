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
from npdigits.base.text import on_one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextlib.contextmanager
def defaults() -> Iterator[None]:
    """Have all that is drawn within it drawn by matplotlib's defaults; what matplotlib says meanwhile is not shown.

    What a program around this one has set is there again afterwards.

    Raises:
        RunDirError: matplotlib cannot be imported.
    """
    logger = logging.getLogger("matplotlib")  # which names every oddity of a matplotlibrc on standard error
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            matplotlib = _imported()
            with matplotlib.rc_context():
                # Not by rcdefaults(), which reads the user's styles first.
                plain = matplotlib.rcParamsDefault.items()
                matplotlib.rcParams.update({key: value for key, value in plain if not key.startswith("backend")})
                yield
    finally:
        logger.setLevel(level)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG: the same figure gives the same bytes, as it holds no version."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(content, metadata={"Software": None}, pil_kwargs={"compress_level": 1})
    return content.getvalue()


def _imported() -> Any:
    """Import matplotlib; where it cannot be imported by the user's settings, which it reads then, without them.

    Raises:
        RunDirError: it cannot be imported.
    """
    before = set(sys.modules)
    try:
        import matplotlib
    except Exception:  # of a broken matplotlibrc, a backend that is not there (as Jupyter's, in another environment) …
        for name in set(sys.modules) - before:
            if name.startswith("matplotlib"):  # half of it would be left, and be found
                del sys.modules[name]
        try:
            with _own_environment():
                import matplotlib
        except Exception as error:
            here = Path("matplotlibrc")  # which comes before all others
            reason = f"; it reads {here.absolute()}" if here.exists() else ""
            raise RunDirError(f"matplotlib cannot be imported: {on_one_line(error)}{reason}") from error
    return matplotlib


@contextlib.contextmanager
def _own_environment() -> Iterator[None]:
    """Show matplotlib its own matplotlibrc and a backend that is always there."""
    spec = find_spec("matplotlib")
    folders = (spec and spec.submodule_search_locations) or [""]
    own = {"MATPLOTLIBRC": str(Path(folders[0]) / "mpl-data" / "matplotlibrc"), "MPLBACKEND": "agg"}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
