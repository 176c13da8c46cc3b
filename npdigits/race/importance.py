"""What mattered in a race: the importance of each key, main effects, pairs that interact, from the first rung.

There all settings stand, with one seed and few epochs each. Later rungs hold the good settings alone, so nothing can be
read off them about the others; how well the first rung foretold full runs is said as far as that is known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from npdigits.base.text import aligned, counted, listed
from npdigits.race.anova import MOST, RESAMPLES, Share, left_over, strongest, variance_shares
from npdigits.race.axes_of import axes_of
from npdigits.race.course import Ran
from npdigits.race.effects import Crossing, Effect, crossing, main_effects
from npdigits.race.places import place, sides_of, untold
from npdigits.race.rules import rungs
from npdigits.race.told import Told

# With fewer settings nothing is told: intervals of 16 hold the truth too seldom (experiments/README.md).
LEAST = 24
# So many pairs are shown, the strongest, but for those whose share would be written as 0 %.
PAIRS, LEAST_SHARE = 6, 0.005


@dataclass(frozen=True)
class Witness:
    """How well the first rung foretold full runs, among the settings that got there.

    Attributes:
        n: how many settings have a full run.
        rank_correlation: Spearman's, of the first rung's figure and the mean of the full runs; NaN of fewer than four.
        low, high: its 95 % interval (Fieller, Hartley and Pearson 1957: the variance of its artanh is 1.06/(n − 3)).
    """

    n: int
    rank_correlation: float
    low: float
    high: float


@dataclass(frozen=True)
class MatteredOfArm:
    """What mattered in one arm.

    Attributes:
        arm: its name; "" without arms.
        n: settings that have come to the end of the first rung, lost ones included.
        lost: how many of them were lost: they are the worst, all alike.
        missing: settings that have not come there yet.
        unread: keys that some settings do not read.
        untold: keys that are not looked at: their values cannot be listed, or are many and have no order.
        epochs: of the first rung.
        full: whether these are full runs.
        shares: of keys and of pairs, by their size; none where nothing can be told.
        why_not: why nothing can be told; "" where it can.
        effects: main effects.
        crossings: of the pairs with the largest shares.
        witness: how well the first rung foretold; None where it is of full runs.
    """

    arm: str
    n: int
    lost: int
    missing: int
    unread: tuple[str, ...]
    untold: tuple[str, ...]
    epochs: int
    full: bool
    shares: tuple[Share, ...]
    why_not: str
    effects: tuple[Effect, ...]
    crossings: tuple[Crossing, ...]
    witness: Witness | None


@dataclass(frozen=True)
class Mattered:
    """What mattered in a race, each arm by itself."""

    arms: tuple[MatteredOfArm, ...]


def importance(told: Told, resamples: int = RESAMPLES) -> Mattered:
    """Return what mattered in a race, with intervals by so many subsets of its settings."""
    return Mattered(tuple(_of_arm(told, arm, resamples) for arm in told.courses))


def _of_arm(told: Told, arm: str, resamples: int) -> MatteredOfArm:
    settings = [setting for setting in told.race.settings if setting.arm == arm]
    epochs = next(rungs(max(len(settings), 1), told.race.epochs)).epochs
    axes = axes_of(told.race, arm)
    sides = sides_of(axes)
    placed, inside = place(sides, [setting.overrides for setting in settings])
    ran = {index: told.ledger.ran(settings[index].number, 0) for index in inside}
    there = [row for row, index in enumerate(inside) if _has_come(ran[index], epochs)]
    figures = np.array([_figure(ran[inside[row]], epochs) for row in there])
    seen = placed.take(there)
    full = epochs >= told.race.epochs
    known = figures[~np.isnan(figures)]
    why_not = _why_not(len(sides), len(figures), len(np.unique(known)) + (len(known) < len(figures)))
    shares = () if why_not else variance_shares(seen, figures, f"importance/{arm}", resamples)
    pairs = strongest(shares, PAIRS)
    return MatteredOfArm(
        arm=arm,
        n=len(figures),
        lost=len(figures) - len(known),
        missing=len(settings) - len(figures),
        unread=tuple(side.key for j, side in enumerate(sides) if (placed.bins[:, j] < 0).any()),
        untold=untold(axes, told.race.space[arm]),
        epochs=epochs,
        full=full,
        shares=shares,
        why_not=why_not,
        effects=main_effects(seen, figures) if len(figures) else (),
        crossings=tuple(crossing(seen, figures, pair.keys) for pair in pairs),
        witness=None if full else _witness(told, [settings[inside[row]].number for row in there], figures),
    )


def _has_come(ran: Ran | None, epochs: int) -> bool:
    return ran is not None and (ran.epochs >= epochs or bool(ran.lost))


def _figure(ran: Ran | None, epochs: int) -> float:
    return math.nan if ran is None else ran.accuracy(epochs)


def _why_not(sides: int, n: int, different: int) -> str:
    """Return why nothing can be told of so many settings with so many different figures."""
    if not sides:
        return "no key has more than one value"
    if n < LEAST:
        return f"{counted(n, 'setting has', 'settings have')} come to the end of the first rung; it takes {LEAST}"
    return "" if different > 1 else "all settings are alike"


def _witness(told: Told, numbers: Sequence[int], figures: np.ndarray) -> Witness:
    """Return how well the first rung foretold the means of full runs."""
    from scipy.stats import spearmanr

    pairs = []
    for number, first in zip(numbers, figures, strict=True):
        runs = (told.ledger.ran(number, seed) for seed in range(len(told.race.seeds)))
        full = [_figure(ran, told.race.epochs) for ran in runs if ran and _has_come(ran, told.race.epochs)]
        if full and not math.isnan(first + sum(full)):
            pairs.append((first, float(np.mean(full))))
    n = len(pairs)
    a, b = (np.array([pair[k] for pair in pairs]) for k in (0, 1))
    if n < 4 or not (np.ptp(a) and np.ptp(b)):
        return Witness(n, math.nan, math.nan, math.nan)
    found = float(spearmanr(a, b).statistic)
    spread = 1.96 * math.sqrt(1.06 / (n - 3))
    middle = math.atanh(min(max(found, -1 + 1e-12), 1 - 1e-12))
    return Witness(n, found, math.tanh(middle - spread), math.tanh(middle + spread))


def in_words(one: MatteredOfArm) -> tuple[str, ...]:
    """Return sentences: what the shares are of, and how far they can be trusted."""
    what = "full runs" if one.full else f"{counted(one.epochs, 'epoch', 'epochs')} (the first rung)"
    lines = [f"{counted(one.n, 'setting', 'settings')}, one seed and {what} each."]
    if one.missing:
        lines.append(f"{counted(one.missing, 'setting is', 'settings are')} missing, not having come there.")
    if one.why_not:
        return (*lines, f"What mattered cannot be told: {one.why_not}.")
    if one.untold:
        lines.append(f"Not looked at: {listed(one.untold)}, whose values are many without order, or cannot be listed.")
    if one.unread:
        lines.append(f"Not all settings read {listed(one.unread)}; in those that do not it does nothing.")
    lost = f" {counted(one.lost, 'lost setting is', 'lost settings are')} the worst, all alike." if one.lost else ""
    some = f" of {MOST} of them, drawn at random," if one.n > MOST else ""
    lines.append(f"Shares{some} are of the variance of ranks by validation accuracy.{lost}")
    total = sum(share.share for share in one.shares)
    left = f"{100 * left_over(one.shares):.0f} % is left: chance, and what more than two keys do together."
    if total > 1:  # each is estimated by itself
        left = f"Together the estimates are {100 * total:.0f} %, more than all: how much chance leaves cannot be told."
    lines.append(
        f"{left} All settings have the same seed: what it does to neighbouring settings alike is in the shares, and "
        "another would change it."
    )
    if one.witness:
        lines.append(_trust(one.witness, one.n - one.lost))
    return tuple(lines)


def _trust(witness: Witness, known: int) -> str:
    """Return how well the first rung foretold full runs, as a sentence; ``known`` settings have a figure there."""
    begin = f"{counted(witness.n, 'setting has', 'settings have')} a full run"
    if math.isnan(witness.rank_correlation):
        return f"{begin}: too few to say how well the first rung foretold them."
    values = (witness.rank_correlation, witness.low, witness.high)
    found, low, high = (f"{value:.2f}".replace("-", "−") for value in values)
    best = "; they are the first rung's best, over all it would likely be larger" if witness.n < known else ""
    return (
        f"{begin}: over these the rank correlation of the first rung with full runs is {found} [{low}, {high}]{best}."
    )


def as_text(mattered: Mattered) -> list[str]:
    """Return what mattered as lines of plain text: a table for each arm, and what it is of."""
    lines: list[str] = []
    for one in mattered.arms:
        lines += ["", f"{one.arm}:"] if one.arm else []
        if one.shares:
            lines += aligned([("key", "share %", "from", "to"), *map(_row, shown(one))], left=1)
        lines += in_words(one)
    return lines[1:] if lines and not lines[0] else lines


def shown(one: MatteredOfArm) -> tuple[Share, ...]:
    """Return the shares that are shown: of each key, and of the strongest pairs; of those that do nothing only one."""
    alone = [share for share in one.shares if len(share.keys) == 1]
    first, *others = strongest(one.shares, PAIRS) or (None,)
    return (*alone, *([first] if first else []), *(share for share in others if share and share.share >= LEAST_SHARE))


def _row(share: Share) -> tuple[str, ...]:
    return " × ".join(share.keys), *(f"{100 * value:.0f}" for value in (share.share, share.low, share.high))
