"""The commands that are installed: each imports its program late, so that Ctrl-C meanwhile is one line."""

from npdigits.base.start import start


def train() -> None:
    """Run ``npdigits``."""
    start("npdigits", "npdigits.train", trains=True)


def compare() -> None:
    """Run ``npdigits-compare``."""
    start("npdigits-compare", "npdigits.compare.command")


def evaluate() -> None:
    """Run ``npdigits-evaluate``."""
    start("npdigits.evaluate", "npdigits.evaluate")


def predict() -> None:
    """Run ``npdigits-predict``."""
    start("npdigits.predict", "npdigits.predict")


def check_gradient() -> None:
    """Run ``npdigits-check-gradient``."""
    start("npdigits.check_gradient", "npdigits.check_gradient")


def export() -> None:
    """Run ``npdigits-export``."""
    start("npdigits.export", "npdigits.export.command")


def plots() -> None:
    """Run ``npdigits-plots``."""
    start("npdigits.plots", "npdigits.plots")


def data() -> None:
    """Run ``npdigits-data``."""
    start("npdigits.data", "npdigits.data.command")


def live() -> None:
    """Run ``npdigits-live``."""
    start("npdigits.live", "npdigits.live.command")
