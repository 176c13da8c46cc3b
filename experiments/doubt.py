"""What tells a digit from what is none? ``python experiments/doubt.py RUN [--n 60]``

Draws pictures of no digit, and clean pages of the run's validation digits (the kinds of ``hard_pictures.py``), and
scores them, each score the larger the stranger. A score refuses what is stranger than 99 % of the first half of the
validation digits, ``CALIBRATED`` at most. Prints in Markdown, for each score, how many of other validation digits and
of the clean pages it refuses, how many of the misread ones among the former are refused, and of each other kind how
many are kept, and kept with a probability above 0.9. What ``npdigits-predict`` skips counts as refused by all.
"""

import argparse
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hard import kinds
from hard.doubtful import LIKE_DIGITS
from hard.drawing import Digits
from PIL import Image

from npdigits.base.arrays import Array
from npdigits.base.blas import one_thread
from npdigits.base.program import Parser, exit_code, nonempty_path, whole_number
from npdigits.base.terminal import show, show_error
from npdigits.config.seeds import seed_of
from npdigits.data.sets import Split, hold_out
from npdigits.pictures.components import NoDigit
from npdigits.pictures.mnist_form import to_mnist_form
from npdigits.pictures.shades import BadPicture
from npdigits.runs.detector import Detector
from npdigits.runs.doubt import WEIGHTS, count_as_large
from npdigits.runs.evaluation import load_test_set
from npdigits.runs.likeness import AXES, KINDS, Likeness, features_of, main_axes
from npdigits.runs.trained import Trained, load_trained

PROGRAM = "doubt.py"
CLEAN = ("clean", "clean_chalk", "clean_thin", "clean_marker", "clean_small")
NONE = ("scribble", "hatching", "blot", "texture", "letters", "figures")
REFUSED, SURE = 0.01, 0.9
LEFT = f"left of the edges, {KINDS} kinds of {AXES} axes"
NONE_OF_THEM = "a detector of what is none of the classes"
CALIBRATED, TRAINED, NEIGHBOURS = 5000, 10_000, 5


@dataclass(frozen=True)
class Seen:
    """Images of a kind as the network sees them, (n, 28, 28), and how many pictures there were."""

    images: Array
    n: int


def drawn(kind: str, n: int, seed: int, source: Digits) -> Seen:
    """Return n pictures of a kind, as the network sees them."""
    images = []
    for number in range(n):
        content = io.BytesIO(kinds.content_of(kinds.made(kind, number, seed, source)))
        try:
            images.append(to_mnist_form(np.asarray(Image.open(content).convert("L"))))
        except (NoDigit, BadPicture):
            continue
    return Seen(np.array(images, np.uint8).reshape(-1, 28, 28), n)


class Scores:
    """Scores of images, by a network and what it was trained on."""

    def __init__(self, run: Trained, train: Split) -> None:
        self.run, some = run, train.first(TRAINED)
        images, self.labels = some.images[some.rows], some.labels[some.rows]
        n_classes = run.sizes[-1]
        self.likeness = Likeness.of(train, (28, 28), n_classes)
        self.detector = Detector.of(train, (28, 28), n_classes)
        h, z = self._layers(images)
        self.means = np.stack([h[self.labels == k].mean(axis=0) for k in range(n_classes)])
        self.mean, inside = h.mean(axis=0), h - self.means[self.labels]
        self.precision, self.wide = (_inverse(e.T @ e / len(e)) for e in (inside, h - self.mean))
        self.known = _unit(h[:: max(1, len(h) // 2500)])
        self.pixels = images.astype(np.float32) / 255
        self.pixel_means = np.stack([self.pixels[self.labels == k].mean(axis=0) for k in range(n_classes)])
        self.pixel_axes = [main_axes(self.pixels[self.labels == k] - self.pixel_means[k], 25) for k in range(n_classes)]
        # ViM: the part of h that is off the main subspace, on the scale of the largest logit (Wang et al. 2022).
        w, b = run.network.parameters.weights[-1], run.network.parameters.biases[-1]
        self.origin = -np.linalg.pinv(w.astype(float)) @ b
        _, vectors = np.linalg.eigh((h - self.origin).T @ (h - self.origin))
        self.off = vectors[:, : -max(n_classes, h.shape[1] // 3)]
        self.scale = z.max(axis=1).mean() / np.linalg.norm((h - self.origin) @ self.off, axis=1).mean()

    def _layers(self, images: Array) -> tuple[Array, Array]:
        """Return the last hidden layer's activations, and the logits."""
        network, a = self.run.network, images.reshape(len(images), 28 * 28).astype(np.float64) / 255
        for w, b in zip(network.parameters.weights[:-1], network.parameters.biases[:-1], strict=True):
            a = a @ w.T + b
            network.activation.apply(a)
        return a, a @ network.parameters.weights[-1].T + network.parameters.biases[-1]

    def __call__(self, images: Array) -> tuple[dict[str, Array], Array, Array]:
        """Return the scores of images by name, what they are read as, and with which probability."""
        flat = images.reshape(len(images), 28 * 28)
        h, z = self._layers(flat)
        most = z.max(axis=1, keepdims=True)
        energy = -(most[:, 0] + np.log(np.exp(z - most).sum(axis=1)))
        p = np.exp(z + energy[:, None])
        read, x = z.argmax(axis=1), flat.astype(np.float32) / 255
        near = np.stack([_distance(h - mean, self.precision) for mean in self.means], axis=1).min(axis=1)
        assert self.likeness and self.detector, "ten classes are few"
        edges = features_of(flat, (28, 28))
        scores = {
            "1 − probability": 1 - p.max(axis=1),
            "entropy": -(p * np.log(np.maximum(p, 1e-300))).sum(axis=1),
            "energy (Liu 2020)": energy,
            "Mahalanobis (Lee 2018)": near,
            "relative Mahalanobis (Ren 2021)": near - _distance(h - self.mean, self.wide),
            "neighbours in the hidden layer (Sun 2022)": -np.sort(_unit(h) @ self.known.T, axis=1)[:, -NEIGHBOURS],
            "ViM (Wang 2022)": energy + self.scale * np.linalg.norm((h - self.origin) @ self.off, axis=1),
            "left of the pixels, 25 axes of the class": self._left_of_pixels(x, read),
            LEFT: self.likeness.residuals(edges, read),
            NONE_OF_THEM: self.detector.scores(edges),
        }
        return scores, read, p.max(axis=1)

    def _left_of_pixels(self, x: Array, read: Array) -> Array:
        e = x - self.pixel_means[read]
        for k, axes in enumerate(self.pixel_axes):
            e[read == k] -= (e[read == k] @ axes.T) @ axes
        left: Array = (e**2).sum(axis=1)
        return left


def _inverse(covariance: Array) -> Array:
    """Return the inverse of a covariance with a thousandth of its mean variance added."""
    ridge = 1e-3 * np.trace(covariance) / len(covariance)
    inverse: Array = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
    return inverse


def _distance(e: Array, precision: Array) -> Array:
    distance: Array = np.einsum("ij,ij->i", e @ precision, e)
    return distance


def _unit(h: Array) -> Array:
    unit: Array = h / np.maximum(np.linalg.norm(h, axis=1, keepdims=True), 1e-12)
    return unit


def combined(held: Mapping[str, Array]) -> dict[str, Callable[[Mapping[str, Array]], Array]]:
    """Return ways to put scores together by the shares of held digits as strange; the last one is what is used."""
    names = ("1 − probability", LEFT, NONE_OF_THEM)

    def product(weights: Sequence[float]) -> Callable[[Mapping[str, Array]], Array]:
        def score(scores: Mapping[str, Array]) -> Array:
            whole: Array = np.zeros(len(scores[LEFT]))
            for name, weight in zip(names, weights, strict=True):
                share = (1 + count_as_large(scores[name], held[name])) / (1 + len(held[name]))
                whole -= weight * np.log(share)
            return whole

        return score

    every = ((1, 1, 0), (0.5, 1, 0), (0, 1, 1), (0.25, 1, 1), (1, 1, 1), WEIGHTS)
    return {f"product of the shares, to the powers {' '.join(map(str, one))}": product(one) for one in every}


def tabulate(scores: Scores, val: Split, seen: Mapping[str, Seen]) -> None:
    """Print the table."""
    images, labels = val.images[val.rows], val.labels[val.rows]
    n = min(CALIBRATED, len(images) // 2)
    held, _, _ = scores(images[:n])
    other, read, _ = scores(images[n : 2 * n])
    wrong = read != labels[n : 2 * n]
    each = {kind: scores(one.images) for kind, one in seen.items()}
    found = {name: (lambda s, name=name: s[name]) for name in held} | combined(held)
    show(f"| score | other validation digits | misread of these | clean | {' | '.join(NONE)} |")
    show("|---|" + "---:|" * (3 + len(NONE)))
    for name, score in found.items():
        most = np.quantile(score(held), 1 - REFUSED, method="higher")
        refused = score(other) > most
        clean = np.concatenate([score(each[kind][0]) > most for kind in CLEAN])
        cells = [f"{100 * refused.mean():.1f}", f"{100 * refused[wrong].mean():.0f}", f"{100 * clean.mean():.1f}"]
        for kind in NONE:
            kept = score(each[kind][0]) <= most
            sure = kept & (each[kind][2] > SURE)
            cells.append(f"{100 * kept.sum() / seen[kind].n:.0f} / {100 * sure.sum() / seen[kind].n:.0f}")
        show(f"| {name} | {' | '.join(cells)} |")
    show(f"\n{n:,} digits held, {n:,} others, {int(wrong.sum())} of these misread; {seen[NONE[0]].n} pictures a kind.")
    show(f"Letters that are shaped like digits are left out: {LIKE_DIGITS}.")


def act(chosen: argparse.Namespace) -> int:
    """Draw, score, print."""
    run = load_trained(chosen.run)
    train, val = hold_out(load_test_set([run], (), show_error), run.config.val_size, seed_of(run.config, "split"))
    source = Digits(val.images[val.rows].reshape(-1, 28, 28), val.labels[val.rows])
    seen = {kind: drawn(kind, chosen.n, chosen.seed, source) for kind in (*CLEAN, *NONE)}
    with one_thread():
        tabulate(Scores(run, train), val, seen)
    return 0


def main() -> None:
    """Read the command line."""
    parser = Parser(PROGRAM, description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=nonempty_path, metavar="RUN", help="a run on 28 × 28 pixels with validation digits")
    parser.add_argument("--n", type=whole_number(1, 10**6), default=60, help="pictures of each kind (default: 60)")
    parser.add_argument("--seed", type=whole_number(0, 2**31), default=1, help="of the pictures (default: 1)")
    sys.exit(exit_code(PROGRAM, lambda: act(parser.parse_args())))


if __name__ == "__main__":
    main()
