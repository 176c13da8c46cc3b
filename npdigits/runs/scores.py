"""Scoring trained runs, or a committee of them, on labelled images that none of them has seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.sheet import captioned
from npdigits.base.text import printable, shortened
from npdigits.runs import exam
from npdigits.runs.doubt import DEFAULT, doubts_of
from npdigits.runs.evaluation import count_right, load_members, score_line
from npdigits.runs.exam import Exam
from npdigits.runs.results import confusion_matrix, wilson_interval
from npdigits.runs.trained import Trained
from npdigits.training.scoring import probabilities

# Images on the sheet of the worst ones.
WORST = 36
# Letters of a class, so that label, reading and probability fit below an image.
LETTERS_OF_A_CLASS = 7


@dataclass(frozen=True)
class Scores:
    """How runs have done.

    Attributes:
        lines: what is said: of the images, of each run, of the committee.
        readers: who has read the images, the committee if there are several.
        exam: the images.
        each: probabilities of each run, shape (n, classes).
        p: probabilities of the last, shape (n, classes).
        first_images: the images as the first run takes them, shape (n, pixels).
        runs: the networks.
        voices: the numbers of those that make the committee: of copies the first.
        doubted: of one run alone that has doubt.npz: whether each reading is doubted (``runs.doubt``), shape (n,).
    """

    lines: list[str]
    readers: str
    exam: Exam
    each: Sequence[Array]
    p: Array
    first_images: Array
    runs: Sequence[Trained]
    voices: Sequence[int]
    doubted: Array | None = None

    @property
    def counts(self) -> Array:
        """The confusion matrix of the last, shape (classes, classes)."""
        return confusion_matrix(self.p.argmax(axis=1), self.exam.labels, self.p.shape[1])

    @property
    def doubted_counts(self) -> Array | None:
        """How many images of each class are doubted, shape (classes,); None where that is not known."""
        if self.doubted is None:
            return None
        return np.bincount(self.exam.labels[self.doubted], minlength=self.p.shape[1])


def score(
    paths: Sequence[Path],
    overrides: Sequence[str],
    warn: Callable[[str], None],
    trust: bool = False,
    file: Path | None = None,
    ranked: bool = False,
) -> Scores:
    """Score runs, and, where there are several, their committee: the mean of their probabilities.

    Args:
        paths: run directories.
        overrides: the data set, as typed; none for the runs' own. With a file, what is said of that.
        warn: is told, in one line each, what may mislead.
        trust: whether own code that the runs keep may be executed.
        file: a file or folder of labelled images; None for a data set by its name.
        ranked: whether each run is to have a row of its own, so that there may be copies.

    Raises:
        UserError: a run or the data cannot be used.
    """
    runs = load_members(paths, trust, warn, ranked)
    for run in runs:
        if run.unfinished:
            warn(run.unfinished)
    given = exam.of_a_file(runs, file, overrides, warn) if file else exam.of_a_set(runs, overrides, warn)
    with one_thread():
        each = [probabilities(run.network, given.images[run.path]) for run in runs]  # as in training, without T
        doubts = None
        if len(runs) == 1:
            split = given.images[runs[0].path]
            doubts = doubts_of(runs[0], split, runs[0].probabilities(split), warn)
    lines = [given.described]
    lines += [score_line(str(run.path), p, given.labels) for run, p in zip(runs, each, strict=True)]
    identities = [run.summary.identity for run in runs]
    voices = [i for i, identity in enumerate(identities) if identity not in identities[:i]]
    mean, name = np.mean([each[i] for i in voices], axis=0), str(runs[0].path)
    if len(voices) > 1:
        name = f"committee of {len(voices)}"
        lines.append(score_line(name, mean, given.labels))
    first = given.images[runs[0].path]
    doubted = doubts.doubt > 1 - DEFAULT if doubts and doubts.known else None
    return Scores(lines, name, given, each, mean, first.images[first.rows], runs, voices, doubted)


def rows_by_run(scores: Scores) -> list[list[str]]:
    """Return a row for each run, the one with the most right first, a head before all.

    ``name`` is that of the run's directory, in a competition the participant's. Of equals the lower cost stands first.
    """
    rows = []
    for run, p in zip(scores.runs, scores.each, strict=True):
        right, n, cost = count_right(p, scores.exam.labels)
        low, high = wilson_interval(right, n)
        size = run.network.parameters.flat.size
        hidden = "-".join(map(str, run.sizes[1:-1])) or "none"
        figures = [f"{number:.4f}" for number in (right / n, low, high, cost)]
        rows.append(
            (-right, cost, [run.path.resolve().name, str(run.path), hidden, str(size), str(n), str(right), *figures])
        )
    head = ["name", "run", "hidden", "parameters", "digits", "right", "accuracy", "low", "high", "cost"]
    return [head, *(row for _, _, row in sorted(rows, key=lambda row: row[:2]))]


def worst_sheet(scores: Scores) -> bytes:
    """Return a sheet of the images whose label has the lowest probability, which is the largest cost −ln p.

    Each has below it its name, its label and what it was read as, with the probability that ``npdigits-predict`` gives.

    Raises:
        RunDirError: it cannot be drawn.
    """
    given, p = scores.exam, scores.p
    of_label = p[np.arange(len(p)), given.labels]
    worst = np.argsort(of_label, kind="stable")[:WORST]
    runs = [scores.runs[i] for i in scores.voices]
    shown = [replace(split, rows=split.rows[worst]) for split in (given.images[run.path] for run in runs)]
    with one_thread():
        each = [run.probabilities(split) for run, split in zip(runs, shown, strict=True)]
    captions = []
    for i, sure in zip(worst.tolist(), np.mean(each, axis=0), strict=True):
        numbers = int(given.labels[i]), int(p[i].argmax())
        label, guess = (shortened(printable(given.classes[n]), LETTERS_OF_A_CLASS) for n in numbers)
        captions.append([given.name_of(i), f"{label}, read {guess}: {sure[numbers[1]]:.1%}"])
    images = scores.first_images[worst].reshape(-1, *given.shape)
    title = f"The {len(worst)} of {len(p):,} images with the largest cost — {given.name}, read by {scores.readers}"
    return captioned(title, images, captions)
