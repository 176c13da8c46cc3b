"""What trained runs may be scored on: a test set that none of them has seen; and how the scores are said."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError, DataError, RunDirError, UserError
from npdigits.base.paths import resolved
from npdigits.base.text import aligned, printable, shortened, terminal_width
from npdigits.config.compose import compose
from npdigits.config.keys import FILE_DATA
from npdigits.data import own_set, sets
from npdigits.data.sets import Data, Split
from npdigits.forms.duplicates import shared
from npdigits.runs import trained
from npdigits.runs.prepare import load_data
from npdigits.runs.results import wilson_interval
from npdigits.runs.trained import Trained

# A test set is refused if more than one in this many of its digits are training images of a run.
SEEN_ONE_IN = 100
# The same of the test set that belongs to its training set: duplicates are common in sets that are collected.
SEEN_OWN_ONE_IN = 2
# Characters of a line of a confusion matrix on a terminal, the columns of a wide one; where it is wider, a line says
# what a class is read as most often.
MOST_WIDTH, MOST_READINGS = 132, 3
# Characters of a class's name there.
LONGEST = 20


def load_members(
    paths: Sequence[Path], trust: bool, warn: Callable[[str], None], ranked: bool = False
) -> list[Trained]:
    """Load the runs of a committee, in which each has one voice.

    Args:
        paths: run directories.
        trust: whether own code that the runs keep may be executed.
        warn: is told what may mislead.
        ranked: whether each is to have a row of its own, so that there may be copies; those are told.

    Raises:
        ConfigError: there is none, or one is there twice.
        RunDirError: one cannot be used.
    """
    if not paths:
        raise ConfigError("name a run directory, or several")
    if len({resolved(path) for path in paths}) < len(paths):
        raise ConfigError("a run is named twice: allowed is once, as each has one voice in the committee")
    runs = [trained.load_trained(path, trust, warn) for path in paths]
    if same := _copies(runs):
        told = f"{same[0].path} and {same[1].path} are the same run (settings, seeds, data, code)"
        if not ranked:
            raise ConfigError(f"{told}: allowed is one of them, as each has one voice in the committee")
        warn(f"{told}: each has its row, and together they have one voice in the committee")
    if other := next((run for run in runs if run.class_names != runs[0].class_names), None):
        raise ConfigError(
            f"{other.path}: was trained on other classes than {runs[0].path}: allowed are runs of the same"
        )
    return runs


def _copies(runs: Sequence[Trained]) -> tuple[Trained, Trained] | None:
    """Return the first run that is a copy of one before it, after that one; None where there is no copy."""
    known: dict[str, Trained] = {}
    for run in runs:
        if run.summary.identity in known:
            return known[run.summary.identity], run
        known[run.summary.identity] = run
    return None


def load_test_set(runs: Sequence[Trained], overrides: Sequence[str], warn: Callable[[str], None]) -> Data:
    """Load the data set that the runs are to be scored on: their own, or the one that was typed.

    Args:
        runs: trained on one data set.
        overrides: "data=kmnist", "data.dir=…"; none for the runs' own.
        warn: is told where the digits that a run was trained on cannot be compared with.

    Raises:
        DataError: it is not the set that a run knows, or its digits are among those that a run was trained on.
        ConfigError, DataUnavailable: it cannot be had.
    """
    chosen = compose(overrides).data if overrides else runs[0].config.data
    if not overrides:
        _refuse_unknown(runs[0])
    found = load_data(chosen, chosen.name if overrides else runs[0].summary.data, None, warn)
    for run in runs:
        if not overrides and found.sha256 != run.summary.data_sha256:
            raise DataError(f"{run.path}: was trained on other digits ({run.summary.data}) than {found.name} holds")
        if found.name == "mnist_5k" and run.summary.data == "mnist":
            raise DataError(f"data=mnist_5k: all of its digits are training images of MNIST, which {run.path} has seen")
        has, takes = (found.test.images.shape[1], found.n_classes), (run.sizes[0], run.sizes[-1])
        if has[0] != takes[0] or has[1] > takes[1]:  # fewer classes are matched by their names
            shapes = "has {} pixels and {} classes, {} takes {} and {}".format(*has, run.path, *takes)
            raise DataError(f"data={found.name}: {shapes}")
        refuse_seen(run, f"data={found.name}", found.test, warn, found)
    return found


def _refuse_unknown(run: Trained) -> None:
    """Refuse a run whose summary.json names a data set that there is not.

    Raises:
        RunDirError: it does.
    """
    name, chosen = run.summary.data, run.config.data
    own = (name == own_set.NAME and chosen.own) or (name == FILE_DATA and chosen.path)
    if name not in sets.LOADERS and not own:
        raise RunDirError(
            f"{run.path}/summary.json: data={printable(name)}: allowed are {', '.join(sets.LOADERS)}: "
            "no other set can be loaded"
        )


def refuse_seen(run: Trained, name: str, test: Split, warn: Callable[[str], None], found: Data | None = None) -> None:
    """Refuse a test set of which more than one in ``SEEN_ONE_IN`` are images that the run was trained on.

    Of the run's own test set, of which training has said so already, it is refused from the half on, and else said.

    Args:
        run: the network.
        name: of the test set, for the message.
        test: its images.
        warn: is told where the digits that the run was trained on are not at hand.
        found: the data set that it belongs to, if that is loaded.

    Raises:
        DataError: it is one.
    """
    if found is not None and found.sha256 == run.summary.data_sha256:
        known = found
    else:
        try:
            known = load_data(run.config.data, run.summary.data, None, lambda line: None)  # once more, nothing is new
        except UserError:
            warn(f"{run.path}: what it was trained on is not at hand to compare with")
            return
    images, trained_on = test.images[test.rows], known.train.images[known.train.rows]
    n = int(shared(images, trained_on).sum())
    is_own = known is found
    seen = (
        f"{name}: {n:,} of its {len(images):,} test digits are training images of {run.summary.data}, "
        f"which {run.path} has seen"
    )
    if n > len(images) / (SEEN_OWN_ONE_IN if is_own else SEEN_ONE_IN):
        raise DataError(seen)
    if n and is_own:
        warn(seen)


def count_right(p: Array, labels: Array) -> tuple[int, int, float]:
    """Return how many are read right, of how many, and the mean cost −ln p of the label."""
    n = len(labels)
    with np.errstate(divide="ignore"):
        cost = 0.0 - np.log(p[np.arange(n), labels].astype(float)).mean()  # 0, and not −0, where all is sure
    return int((p.argmax(axis=1) == labels).sum()), n, float(cost)


def score_line(name: str, p: Array, labels: Array) -> str:
    """Return accuracy with Wilson's 95 % interval, errors and cost of one set of probabilities."""
    correct, n, cost = count_right(p, labels)
    low, high = wilson_interval(correct, n)
    return f"{name}: {correct / n:.2%} ({low:.2%} to {high:.2%}), {n - correct} of {n:,} read wrong, cost {cost:.4f}"


def confusion_rows(counts: Array, names: Sequence[str] = (), doubted: Array | None = None) -> list[list[str]]:
    """Return the confusion matrix with each class's errors, as rows of text, a head first.

    Args:
        counts: how often each class (down) was read as each (across).
        names: of the classes; none where they are numbers.
        doubted: how many images of each class are doubted; None for no column of that.
    """
    numbers = tuple(map(str, range(len(counts))))
    names = tuple(names) or numbers
    last = ["of", "wrong", "%", *(["not_sure"] if doubted is not None else [])]
    rows = [["digit" if names == numbers else "class", *names, *last]]
    return rows + [
        [name, *map(str, row), *_errors(row, i, doubted)]
        for i, (name, row) in enumerate(zip(names, counts, strict=True))
    ]


def confusion_lines(counts: Array, names: Sequence[str] = (), doubted: Array | None = None) -> list[str]:
    """Return the confusion matrix as lines for a terminal.

    Of so many classes that no terminal would hold their columns, each line says what one is read as most often. The
    arguments are those of ``confusion_rows``.
    """
    head, *rows = confusion_rows(counts, [shortened(name, LONGEST) for name in names], doubted)
    lines = aligned([head, *rows])
    if max(map(terminal_width, lines)) <= MOST_WIDTH:
        return lines
    names, table = [row[0] for row in rows], [[head[0], *head[len(counts) + 1 :], "read as"]]
    for i, row in enumerate(counts):
        others = [k for k in np.argsort(-row, kind="stable")[: MOST_READINGS + 1] if k != i and row[k]]
        said = ", ".join(f"{names[k]} ({row[k]})" for k in others[:MOST_READINGS])
        table.append([names[i], *_errors(row, i, doubted), said])
    last = max(terminal_width(row[-1]) for row in table)
    # The last column is flush left, which ``aligned`` does for the first ones only.
    return aligned([[*row[:-1], row[-1] + " " * (last - terminal_width(row[-1]))] for row in table])


def _errors(row: Array, i: int, doubted: Array | None) -> list[str]:
    """Return how many images the i-th class has, how many are read wrong, their share in percent, how many doubted."""
    n, wrong = int(row.sum()), int(row.sum() - row[i])
    of_doubt = [] if doubted is None else [str(doubted[i]) if n else "–"]
    return [str(n), str(wrong), f"{100 * wrong / n:.2f}" if n else "–", *of_doubt]
