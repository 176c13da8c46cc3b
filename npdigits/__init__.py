"""npdigits: experiments with a neural network for handwritten digits, from scratch on NumPy."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npdigits.compare.runs import load_metrics, load_runs

__all__ = ["load_metrics", "load_runs"]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: pandas takes longer than all that a run needs."""
    if name in __all__:
        from npdigits.compare import runs

        return getattr(runs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
