"""The rules of a race: its rungs, and who is dropped after each. Plain functions of numbers; nothing is read or drawn.

The rules are a heuristic: they spend epochs where they tell most, and claim nothing. What is claimed comes from the
confirmation, on seeds that the race never saw.

Short rungs come first: every setting has one seed and few epochs, and the lower part is dropped by rank, as in
successive halving (Jamieson and Talwalkar 2016, section 3), with less than half dropped, as a rate that decays looks
better early than it ends. Rungs of seeds follow, as in F-Race (Birattari et al. 2002): every setting that is left has
one seed more, and is dropped when a one-sided t test against the best says that it will hardly win, or when more than
``most`` are left. LEAST of them stay and get further seeds until the budget ends, or no more are left than are to be
finalists.

How often the truly best of 64 settings of 20 epochs is dropped within 1,760 epochs, by simulation
(experiments/race_drops.py): in 6 % of races where true figures spread twice as much as what chance does to a run, in
21 % where as much, in 51 % where half as much; the winner is then behind it by 0.07, 0.16 and 0.28 of that chance's
spread on average.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

# The short rungs: which part of the full epochs they go to, and which part of the settings is left at most.
SHORT = ((0.1, 0.75), (0.25, 0.6), (0.5, 0.375))
# The part that is left at most after the first seed's full run; from rung to rung this part of it after that, down to
# FEW settings.
FIRST, NEXT, FEW = 0.25, 0.65, 5
# A setting is dropped where p of its t test is at most ALPHA. LEAST settings are never dropped by rank or t.
ALPHA, LEAST = 0.05, 3


@dataclass(frozen=True)
class Rung:
    """One step of a race: every setting that is still in it gets so far, then some are dropped.

    Attributes:
        number: from 1.
        seeds: how many of the race's seeds each setting has had after it.
        epochs: how far the run of the newest seed goes.
        most: how many settings are left after it at most.
        rule: "rank" or "t".
    """

    number: int
    seeds: int
    epochs: int
    most: int
    rule: str


@dataclass(frozen=True)
class Drop:
    """Why a setting is out.

    Attributes:
        setting: its number.
        rung: after which.
        why: in words: "rank 45 of 64 after 4 epochs (38 stay)", "t = −3.1, p = 0.002 over 5 seeds", "diverged".
    """

    setting: int
    rung: int
    why: str


def rungs(n: int, epochs: int) -> Iterator[Rung]:
    """Yield the rungs of a race of n settings, without end; they do not depend on the budget, so a race can go on.

    A short rung is left out where it would drop nobody, or be no shorter than the next.

    Args:
        n: how many settings there are, ≥ 1.
        epochs: of a full run, ≥ 1.
    """
    number, left, begun = 1, n, 0
    for part, stay in SHORT:
        short, most = math.ceil(part * epochs), max(math.ceil(stay * n), FEW)
        if begun < short < epochs and most < left:
            yield Rung(number, 1, short, most, "rank")
            number, left, begun = number + 1, most, short
    left = min(left, max(math.ceil(FIRST * n), FEW))
    yield Rung(number, 1, epochs, left, "rank")
    for seeds in count(2):
        left = min(left, max(math.ceil(NEXT * left), FEW))
        yield Rung(number + seeds - 1, seeds, epochs, left, "t")


def drop_after(rung: Rung, figures: Mapping[int, Sequence[float]]) -> tuple[Drop, ...]:
    """Return who is dropped after a rung, the worst first.

    Args:
        rung: which.
        figures: setting -> its validation accuracies, a seed each in the race's order, the newest last; NaN where a run
            diverged or failed by its own doing, which loses.
    """
    ranked = rank(figures)
    finite = [setting for setting in ranked if not _is_lost(figures[setting])]
    tests = compare_with_best({setting: figures[setting] for setting in finite}) if rung.rule == "t" else {}
    drops = []
    for place, setting in enumerate(finite, start=1):
        t, p = tests.get(setting, (0.0, 1.0))
        if place > LEAST and p <= ALPHA:
            drops.append(Drop(setting, rung.number, f"t = {-t:.2f}, p = {p:.2g} over {rung.seeds} seeds"))
        elif place > max(rung.most, LEAST):
            after = (
                f"over {rung.seeds} seeds" if rung.seeds > 1 else f"after {rung.epochs} epoch{'s' * (rung.epochs != 1)}"
            )
            stay = f"{max(rung.most, LEAST)} stay at most"
            drops.append(Drop(setting, rung.number, f"rank {place} of {len(figures)} {after} ({stay})"))
    drops.extend(Drop(setting, rung.number, "no figure") for setting in ranked[len(finite) :])
    return tuple(reversed(drops))


def rank(figures: Mapping[int, Sequence[float]]) -> tuple[int, ...]:
    """Return the settings, the best mean first; ties by their numbers; those with a NaN, or without figures, last."""

    def place(setting: int) -> tuple[bool, float, int]:
        lost = _is_lost(figures[setting])
        return lost, 0.0 if lost else -_mean(figures[setting]), setting

    return tuple(sorted(figures, key=place))


def compare_with_best(figures: Mapping[int, Sequence[float]]) -> dict[int, tuple[float, float]]:
    """Return t and its one-sided p of each setting against the one with the best mean.

    Fisher's least significant difference in the two-way layout xᵢⱼ = μ + settingᵢ + seedⱼ + εᵢⱼ (Fisher 1935, "The
    Design of Experiments", §21 to §24; irace's ``testType="t-test"`` likewise pairs by instance, where Friedman's is
    the default: López-Ibáñez et al. 2016, section 2): with m settings and s seeds

        σ² = Σᵢⱼ (xᵢⱼ − x̄ᵢ − x̄ⱼ + x̄)² / ((m − 1)(s − 1)),   t = (x̄_best − x̄ᵢ) / (σ·√(2/s)),   (m − 1)(s − 1) degrees.

    p is not corrected for the best being chosen, nor for how many are compared: it says who hardly wins, no more.

    Args:
        figures: setting -> (s,) finite figures, s the same for all.

    Returns:
        setting -> (t, p); (0, 1) where there is one seed or one setting; where σ is 0, p is 0 for each lower mean.
    """
    from scipy.special import stdtr

    best, m = rank(figures)[:1], len(figures)
    s = len(figures[best[0]]) if best else 0
    if m < 2 or s < 2:
        return dict.fromkeys(figures, (0.0, 1.0))
    means = {setting: _mean(x) for setting, x in figures.items()}
    of_seed = [math.fsum(x[j] for x in figures.values()) / m for j in range(s)]
    mean = math.fsum(of_seed) / s
    squares = math.fsum((x[j] - means[i] - of_seed[j] + mean) ** 2 for i, x in figures.items() for j in range(s))
    degrees = (m - 1) * (s - 1)
    # What rounding leaves of figures that differ by no residual, as accuracies below 1 do by some 1e-16.
    error = math.sqrt(squares / degrees * 2 / s) if squares > m * s * 1e-28 else 0.0
    tests = {}
    for setting, own in means.items():
        behind = means[best[0]] - own
        t = behind / error if error else math.copysign(math.inf, behind) if behind > 1e-12 else 0.0
        tests[setting] = (t, float(stdtr(degrees, -t)) if setting != best[0] else 1.0)
    return tests


def describe() -> dict[str, Any]:
    """Return the numbers of the rules, for race.json and the documentation."""
    return {
        "short": [list(rung) for rung in SHORT],
        "first": FIRST,
        "next": NEXT,
        "few": FEW,
        "alpha": ALPHA,
        "least": LEAST,
    }


def _mean(figures: Sequence[float]) -> float:
    """Return the mean by an exact sum, so that the order of seeds makes no tie."""
    return math.fsum(figures) / len(figures)


def _is_lost(figures: Sequence[float]) -> bool:
    """Say whether a setting has a run without a figure, by which it loses."""
    return len(figures) == 0 or not all(map(math.isfinite, figures))
