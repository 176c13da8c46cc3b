"""How often the intervals of ``compare/shares.py`` hold the truth: ``python experiments/shares_cover.py [TABLES]``.

Draws full crossings of three sources from known variance components, and counts in how many the interval of each share
and of each standard deviation holds the true one.
"""

import argparse

import numpy as np

from npdigits.base.terminal import show
from npdigits.compare.shares import crossed

LEVELS = (3, 4, 10)
# Variances of split, initialization, order, their three pairs, and the residual.
COMPONENTS = {
    "equal parts": (1, 1, 1, 0, 0, 0, 1),
    "one strong, and pairs": (4, 1, 1, 0.5, 0.5, 0.5, 1),
    "nearly one alone": (9, 0.1, 0.1, 0, 0, 0, 0.1),
    "none alone": (0, 0, 0, 0, 0, 0, 1),
}
SHAPES = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
ROUNDING = 1e-12


def main() -> None:
    """Print a line for each design."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("tables", nargs="?", type=int, default=400, help="simulated for each line")
    tables = parser.parse_args().tables
    rng = np.random.default_rng(1)
    for n in LEVELS:
        for name, components in COMPONENTS.items():
            parts = [*components[:3], sum(components[3:])]
            shares, deviations = np.zeros(4), np.zeros(5)
            for _ in range(tables):
                found = crossed(draw(n, components, rng)[..., None])
                shares += [holds(one, part / sum(parts)) for one, part in zip(found.shares, parts, strict=True)]
                truth = np.sqrt([*parts, sum(parts)])
                deviations += [holds(one, part) for one, part in zip(found.deviations, truth, strict=True)]
            show(f"{n}×{n}×{n}, {name}: shares {np.round(shares / tables, 3)}, std {np.round(deviations / tables, 3)}")


def draw(n: int, components: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Return figures of a crossing, (n, n, n)."""
    figures = np.zeros((n, n, n))
    for shape, variance in zip(SHAPES, components, strict=True):
        figures = figures + np.sqrt(variance) * rng.normal(size=[n if varies else 1 for varies in shape])
    return figures


def holds(found: tuple[float, float, float], truth: float) -> bool:
    """Say whether an interval holds a figure, but for rounding."""
    return found[1] - ROUNDING <= truth <= found[2] + ROUNDING


if __name__ == "__main__":
    main()
