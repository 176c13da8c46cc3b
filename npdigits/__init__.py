"""npdigits: experiments with a neural network for handwritten digits, from scratch on NumPy."""

import importlib
from typing import TYPE_CHECKING, Any

from npdigits import former_names

if TYPE_CHECKING:
    from npdigits.classifier import Classifier
    from npdigits.compare.from_python import compare_runs
    from npdigits.config.compose import compose
    from npdigits.runs.run import run
    from npdigits.runs.table import load_metrics, load_runs

__all__ = ["Classifier", "compare_runs", "compose", "load_metrics", "load_runs", "run"]
# name -> the module that it is in
PLACES = {
    "Classifier": "classifier",
    "compare_runs": "compare.from_python",
    "compose": "config.compose",
    "load_metrics": "runs.table",
    "load_runs": "runs.table",
    "run": "runs.run",
}

former_names.install()


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: pandas and scikit-learn take longer to import than all that a run needs."""
    if name in PLACES:
        return getattr(importlib.import_module(f"npdigits.{PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
