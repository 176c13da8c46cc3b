"""Does the comparison keep its promises? ``python experiments/calibration.py``

Simulates sweeps in which no setting makes a difference, and counts how often the comparison's own functions say that
one does, and how often the intervals hold the truth. An accuracy is a mean + an effect of the seed, which all settings
of a seed share (the held-out digits, the order) + noise, rounded to the 10,000 digits that it is counted on.
"""

import argparse
import re
import sys
from collections.abc import Callable

import numpy as np

from npdigits.base.program import Parser, exit_code, whole_number
from npdigits.compare.baselines import find_best
from npdigits.compare.family import make_family
from npdigits.compare.rows import ComparisonRow, Section
from npdigits.compare.statistics import ALPHA, Numbers

PROGRAM = "calibration.py"
METRIC = "val_accuracy"
MEAN, SEEDS_SPREAD, SPREAD, DIGITS = 0.965, 0.001, 0.001, 10_000
# Each with mean 0 and standard deviation 1.
NOISES: dict[str, Callable[[np.random.Generator, tuple[int, int]], Numbers]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.uniform(-np.sqrt(3), np.sqrt(3), shape),
    "skewed": lambda rng, shape: 1 - rng.exponential(size=shape),
}
WHERE = Section("", 0, "")


def null_sweep(rng: np.random.Generator, settings: int, seeds: int, noise: str) -> list[ComparisonRow]:
    """Return the rows of a sweep in which all settings are the same."""
    of_seed = SEEDS_SPREAD * rng.standard_normal(seeds)
    values = MEAN + of_seed + SPREAD * NOISES[noise](rng, (settings, seeds))
    names = tuple(map(str, range(seeds)))
    return [
        ComparisonRow({"setting": place}, WHERE, names, names, {METRIC: figures})
        for place, figures in enumerate(np.round(values * DIGITS) / DIGITS)
    ]


def calibrate(sweeps: int, settings: int, seeds: int, noise: str, rng: np.random.Generator) -> dict[str, float]:
    """Return the shares of sweeps with a false finding, and of intervals that hold the truth."""
    counts = dict.fromkeys(
        (
            "mean held",
            "difference held",
            "baseline",
            "baseline, uncorrected",
            "best",
            "best, over its own",
            "best, uncorrected",
        ),
        0.0,
    )
    for _ in range(sweeps):
        rows = null_sweep(rng, settings, seeds, noise)
        fixed = make_family(rows, METRIC, {WHERE: rows[0]}, True, lambda row: None)
        best = make_family(rows, METRIC, find_best(rows, METRIC), False, lambda row: None)
        # The same tests as if the best had been fixed beforehand: what a table without the right correction says.
        naive = make_family(rows, METRIC, find_best(rows, METRIC), True, lambda row: None)
        intervals = [row.interval(METRIC) for row in rows]
        differences = [one.interval for one in fixed.differences.values()]
        counts["mean held"] += sum(one.low <= MEAN <= one.high for one in intervals) / settings
        counts["difference held"] += sum(one.low <= 0 <= one.high for one in differences) / (settings - 1)
        counts["baseline"] += any(one.real for one in fixed.differences.values())
        counts["baseline, uncorrected"] += any((one.p or 1) <= ALPHA for one in fixed.differences.values())
        counts["best"] += any(one.real for one in best.differences.values())
        counts["best, over its own"] += any(one.real for one in naive.differences.values())
        counts["best, uncorrected"] += any((one.p or 1) <= ALPHA for one in best.differences.values())
    return {name: count / sweeps for name, count in counts.items()}


def main() -> None:
    """Print a table in Markdown: shares in per cent."""
    parser = Parser(description=(__doc__ or "").partition("\n")[0])
    sweeps = "simulated sweeps of each row (default: %(default)s)"
    parser.add_argument("--sweeps", type=whole_number(1, 10**9), default=10_000, help=sweeps)
    parser.add_argument(
        "--shapes", type=shapes, default="6x10,3x10,11x10,6x20", help="settings x seeds (default: %(default)s)"
    )
    sys.exit(exit_code(PROGRAM, lambda: tabulate(parser.parse_args())))


def shapes(text: str) -> list[tuple[int, int]]:
    """Return how many settings and seeds each row's sweeps have, for argparse."""
    found = [re.fullmatch(r"(\d{1,4})x(\d{1,4})", one) for one in text.split(",")]
    pairs = [(int(one[1]), int(one[2])) for one in found if one]
    if len(pairs) < len(found) or min(map(min, pairs)) < 2:
        raise argparse.ArgumentTypeError(f"{text}: allowed are settings x seeds, each from 2, such as 6x10,3x10")
    return pairs


def tabulate(chosen: argparse.Namespace) -> int:
    """Simulate what was asked for and print it."""
    header = None
    for noise in NOISES:
        for settings, seeds in chosen.shapes:
            shares = calibrate(chosen.sweeps, settings, seeds, noise, np.random.default_rng([settings, seeds]))
            if header is None:
                header = ["noise", "settings", "seeds", *shares]
                print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}", flush=True)
            cells = [noise, str(settings), str(seeds), *(f"{100 * share:.1f}" for share in shares.values())]
            print(f"| {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    main()
