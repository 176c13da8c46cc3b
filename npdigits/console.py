"""The commands that are installed: each imports its program late, so that Ctrl-C meanwhile is one line."""

from npdigits.base.start import start


def train() -> None:
    """Be ``npdigits``."""
    start("npdigits", "npdigits.train")


def compare() -> None:
    """Be ``npdigits-compare``."""
    start("npdigits-compare", "npdigits.compare.command")


def evaluate() -> None:
    """Be ``npdigits-evaluate``."""
    start("npdigits.evaluate", "npdigits.evaluate")


def predict() -> None:
    """Be ``npdigits-predict``."""
    start("npdigits.predict", "npdigits.predict")


def export() -> None:
    """Be ``npdigits-export``."""
    start("npdigits.export", "npdigits.export.command")


def plots() -> None:
    """Be ``npdigits-plots``."""
    start("npdigits.plots", "npdigits.plots")
