"""What the notebooks in experiments/lessons/ use: short trainings, digits on paper, and the checks of answers."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npdigits.lessons.lessons import check, judge
    from npdigits.lessons.paper import write_digits
    from npdigits.lessons.training import digits, learn

__all__ = ["check", "digits", "judge", "learn", "write_digits"]
# name -> the module that it is in
PLACES = {
    "check": "lessons",
    "digits": "training",
    "judge": "lessons",
    "learn": "training",
    "write_digits": "paper",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: who wants the strokes alone needs no pandas."""
    if name in PLACES:
        return getattr(importlib.import_module(f"npdigits.lessons.{PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
