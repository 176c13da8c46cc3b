"""Lesson 6: the sign-flip test of paired seeds, against the one by which runs are compared."""

from collections.abc import Callable, Sequence

import numpy as np

from npdigits.base.arrays import Array
from npdigits.compare.statistics import sign_flip_p
from npdigits.lessons.answers import Answer, Function, Wrong, agree

# Of so many pairs, at the most, all signs are tried in a moment, also in plain Python: 2¹⁰ = 1,024.
MOST = 10
CASES = 25
# 0.2, −0.2 and 0.2, as people write them: all eight sums are as far from 0, but not in the 16th digit.
EQUAL_SUMS = ([0.3, 0.1, 0.4], [0.1, 0.3, 0.2])
FAR = "p is the share that is at least as far"


def check(function: Function) -> None:
    """Judge ``my_function(a, b)`` of two lists with a figure for each seed, which returns p."""
    answer = Answer(function, "a", "b")
    rng = np.random.default_rng(6)
    found = []
    for case in range(CASES):
        # Three pairs at first: what went wrong can be found by hand.
        n = 3 if case == 0 else int(rng.integers(3, MOST + 1))
        shared = rng.normal(90, 2, n)  # what the seed brings, to both
        # In whole eighths, so that equal sums are equal; some of the differences are 0.
        a = (np.round(8 * (shared + rng.normal(0, 0.5, n))) / 8).tolist()
        b = (np.round(8 * (shared + rng.normal((case % 3 - 1) * 0.6, 0.5, n))) / 8).tolist()
        found.append((_share(answer, a, b), np.subtract(a, b)))
    wrong = next(((p, d) for p, d in found if not agree(p, sign_flip_p(d))), None)
    if wrong:
        reason = next((words for rule, words in RULES if all(agree(p, rule(d)) for p, d in found)), None)
        if all(p == round(p, 4) and abs(p - sign_flip_p(d)) < 0.006 for p, d in found):
            reason = "p is rounded: return all its digits"
        raise Wrong(reason or _by_hand(*wrong))
    a, b = EQUAL_SUMS
    p, d = _share(answer, a, b), np.subtract(a, b)
    if p < sign_flip_p(d):
        raise Wrong(
            f"of {a} and {b} some equal sums were not counted: they differ in the 16th digit, so take >= … - 1e-9"
        )
    if not agree(p, sign_flip_p(d)):
        raise Wrong(_by_hand(p, d))


def _share(answer: Answer, a: list[float], b: list[float]) -> float:
    """Return the p that was found.

    Raises:
        Wrong: it is no share.
    """
    returned = answer(a, b)
    if isinstance(returned, bool | np.bool_):
        raise Wrong(f"it returned {returned}; p itself is asked for, the share, and not whether it is small")
    p = answer.number(a, b)
    if not 0 <= p <= 1:
        raise Wrong(f"it returned {p:.4g}; p is a share, from 0 to 1: how many ways, divided by the number of all")
    return p


def _by_hand(p: float, d: Array) -> str:
    """Return what would be right, so that it can be followed with a pencil."""
    ways, true = 2 ** len(d), sign_flip_p(d)
    return (
        f"the differences {', '.join(f'{x:g}' for x in d.round(6))} have the sum {d.sum():.4g}; of the {ways} ways to "
        f"sign them {round(true * ways)} have a sum as far from 0, so p is {true:.4g}, not {p:.4g}"
    )


def _ties(d: Array) -> float:
    """Return the share of signs whose sum is as large as the one that was seen, and no larger."""
    signs = 1 - 2 * ((np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1)
    return float((np.abs(signs @ d) == abs(d.sum())).mean())


ONE_SIDE = "this looks at one side only; which is better is not known beforehand, so compare sizes: abs"
# What answers are that count something else, and what is said where one explains all that was returned.
RULES: Sequence[tuple[Callable[[Array], float], str]] = (
    (lambda d: 1 - sign_flip_p(d), f"this is the share that is less far from 0; {FAR}"),
    (lambda d: 1 - sign_flip_p(d) + _ties(d), f"this is the share that is less far from 0, or as far; {FAR}"),
    (lambda d: sign_flip_p(d, "greater"), ONE_SIDE),
    (lambda d: sign_flip_p(d, "less"), ONE_SIDE),
    (lambda d: sign_flip_p(d if d.sum() > 0 else -d, "greater"), ONE_SIDE),
    (lambda d: sign_flip_p(d) / 2, ONE_SIDE),
    (
        lambda d: sign_flip_p(d) - _ties(d),
        "those with the same sum count too: at least as far is >=, and the signs as seen are one of the ways",
    ),
    (
        lambda d: sign_flip_p(d) * 2 ** len(d) / 2**MOST,
        "it was divided by 1,024, the number of ways to sign ten differences; of three there are only 2·2·2 = 8",
    ),
    (lambda d: sign_flip_p(np.abs(d)), "each difference keeps its sign; it is the sum whose size is taken"),
)
