"""Do probabilities mean what they say? ``python experiments/temperature.py RUN…``

Takes finished runs with a validation set. On the test digits, which the temperature was not found on, each row has the
expected calibration error (Guo et al. 2017, sect. 2: fifteen bins of equal width, of the first class's probability) and
the cost, both without the temperature and with it; then, over all runs, how many of the digits are right that are read
with a probability in each of some ranges. ``--sizes`` asks instead how many validation digits it takes: temperatures of
so few of them, drawn many times, are scored on the others.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.program import Parser, exit_code, nonempty_path, whole_number
from npdigits.base.terminal import show, show_error
from npdigits.config.seeds import seed_of
from npdigits.data.sets import Split, hold_out
from npdigits.runs.evaluation import load_test_set
from npdigits.runs.trained import Trained, load_trained
from npdigits.training.scoring import Scoring
from npdigits.training.temperature import fit_temperature

PROGRAM = "temperature.py"
BINS = 15
RANGES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.999, 1.0)


def main() -> None:
    """Print tables in Markdown."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=nonempty_path, metavar="RUN")
    parser.add_argument("--sizes", type=sizes, help="numbers of validation digits, such as 20,50,100")
    parser.add_argument("--times", type=whole_number(1, 10**6), default=200, help="draws (default: %(default)s)")
    sys.exit(exit_code(PROGRAM, lambda: tabulate(parser.parse_args())))


def sizes(text: str) -> list[int]:
    """Return numbers of digits, for argparse."""
    if not all(part.isdecimal() and int(part) for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text}: allowed are whole numbers from 1, such as 20,50,100")
    return [int(part) for part in text.split(",")]


def tabulate(chosen: argparse.Namespace) -> int:
    """Print what was asked for."""
    with one_thread():
        runs = [(path, *logits_of(path)) for path in chosen.runs]
        print_sizes(runs, chosen.sizes, chosen.times) if chosen.sizes else print_errors(runs)
    return 0


def logits_of(path: Path) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return z and labels of a run's validation set, and of its test set."""
    run = load_trained(path)
    found = load_test_set([run], (), show_error)
    _, val = hold_out(found, run.config.val_size, seed_of(run.config, "split"))
    return _logits(run, val), _logits(run, found.test)


def _logits(run: Trained, split: Split) -> tuple[Array, Array]:
    scoring = Scoring(run.network, split.images.dtype.name)
    z = np.concatenate([logits.copy() for logits, _ in scoring.logits(split)])
    return z.astype(float), split.labels[split.rows]


def softmax(z: Array, temperature: float) -> Array:
    """Return softmax(z/T)."""
    p: Array = np.exp((z - z.max(axis=1, keepdims=True)) / temperature)
    p /= p.sum(axis=1, keepdims=True)
    return p


def cost(z: Array, y: Array, temperature: float) -> float:
    """Return the mean of −ln softmax(z/T)[y]."""
    z = (z - z.max(axis=1, keepdims=True)) / temperature
    return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]).mean())


def calibration_error(p: Array, y: Array) -> float:
    """Return Σ |B|/n · |accuracy(B) − mean p(B)| over bins B of the first class's p."""
    first, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.minimum((first * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, right - first, BINS)).sum() / len(y))


def print_errors(runs: Sequence[tuple[Path, tuple[Array, Array], tuple[Array, Array]]]) -> None:
    """Print the errors of each run, then what readings of a probability are worth."""
    show("| run | validation digits | T | test accuracy % | error % | with T | cost | with T |")
    show("|---|---:|---:|---:|---:|---:|---:|---:|")
    sure: dict[bool, list[tuple[Array, Array]]] = {False: [], True: []}
    for path, val, (z, y) in runs:
        found = fit_temperature(*val)
        both = [softmax(z, temperature) for temperature in (1.0, found or 1.0)]
        for tempered, p in enumerate(both):
            sure[bool(tempered)].append((p.max(axis=1), p.argmax(axis=1) == y))
        errors = " | ".join(f"{100 * calibration_error(p, y):.2f}" for p in both)
        costs = " | ".join(f"{cost(z, y, temperature):.4f}" for temperature in (1.0, found or 1.0))
        right = 100 * float((z.argmax(axis=1) == y).mean())
        show(f"| {path.name} | {len(val[0]):,} | {found or '–'} | {right:.2f} | {errors} | {costs} |")
    show("\n| read with | digits | right % | with T: digits | right % |\n|---|---:|---:|---:|---:|")
    joined = [[np.concatenate(part) for part in zip(*sure[tempered], strict=True)] for tempered in (False, True)]
    for low, high in itertools.pairwise(RANGES):
        cells = []
        for p, is_right in joined:
            some = is_right[(p >= low) & ((p < high) | (high == 1))]
            cells += [f"{len(some):,}", f"{100 * some.mean():.1f}" if len(some) else "–"]
        show(f"| {low:g} to {high:g} | {' | '.join(cells)} |")


def print_sizes(
    runs: Sequence[tuple[Path, tuple[Array, Array], tuple[Array, Array]]], numbers: Sequence[int], times: int
) -> None:
    """Print what temperatures of few validation digits do to the cost of the others."""
    show("| run | digits | none found % | T, 5 % to 95 % | cost without | mean cost | worse % | T of all: cost |")
    show("|---|---:|---:|---:|---:|---:|---:|---:|")
    for path, (z, y), _ in runs:
        rng, of_all = np.random.default_rng(0), fit_temperature(z, y) or 1.0
        for n in numbers:
            found, without, costs = [], [], []
            for _ in range(times):
                order = rng.permutation(len(y))
                some, others = order[:n], order[n:]
                found.append(fit_temperature(z[some], y[some]))
                without.append(cost(z[others], y[others], 1.0))
                costs.append(cost(z[others], y[others], found[-1] or 1.0))
            known = [one for one in found if one is not None] or [1.0]
            low, high = np.quantile(known, [0.05, 0.95])
            worse = np.mean(np.array(costs) > np.array(without) + 1e-12)
            show(
                f"| {path.name} | {n} | {100 * found.count(None) / times:.0f} | {low:.2f} to {high:.2f} | "
                f"{np.mean(without):.4f} | {np.mean(costs):.4f} | {100 * worse:.0f} | {cost(z, y, of_all):.4f} |"
            )


if __name__ == "__main__":
    main()
