"""npdigits: experiments with a neural network for handwritten digits, from scratch on NumPy."""

import importlib
from typing import TYPE_CHECKING, Any

from npdigits import former_names

if TYPE_CHECKING:
    from npdigits.classifier import Classifier
    from npdigits.runs.table import load_metrics, load_runs

__all__ = ["Classifier", "load_metrics", "load_runs"]
# name -> where it is
PLACES = {"Classifier": "classifier", "load_metrics": "runs.table", "load_runs": "runs.table"}

former_names.install()


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: pandas and scikit-learn take longer than all that a run needs."""
    if name in PLACES:
        return getattr(importlib.import_module(f"npdigits.{PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
