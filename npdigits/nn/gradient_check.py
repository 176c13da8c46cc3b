"""Whether ``Network.gradient``, the very code that trains, is the derivative of the cost: by central differences.

The gradient g of each parameter group (W1, b1, W2, …) is compared with slopes of the mean cost of a small batch, in
float64 (``differences``):

- element by element, ∂C/∂θᵢ = gᵢ, for the largest gᵢ and for elements drawn at random;
- along random directions v over the whole group, ∂C/∂v = g·v, so that no wrong element hides: with v of ±1 an error ε
  of the gradient shows as ‖ε‖, whichever elements it is in.

(Bishop 2006, §5.3.3; Karpathy et al., "CS231n: Neural Networks Part 3", section "Gradient Checks": relative errors.)

At a kink, as relu has at 0, there is no derivative. Backpropagation then gives a number between the slopes on both
sides or, where several kinks meet, not even that (Kakade & Lee 2018, "Provably Correct Automatic Subdifferentiation
for Qualified Programs"). Kinks meet where many z are exactly 0: at zero weights, on blank images. What is wrong, on the
other hand, is so in a whole neighbourhood. So what does not agree is looked at again at a few parameters nearby; if it
agrees there, it was a kink.

L2 and weight decay are the optimizer's and dropout is off, so none of them is part of what is checked.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.random import stream
from npdigits.nn.differences import Slope
from npdigits.nn.gradient_point import (
    FAR,
    NEAR,
    NEARBY,
    Place,
    Point,
    draw_batch,
    large_change,
    with_drawn_parameters,
)
from npdigits.nn.network import Network

INITIAL, DRAWN = "the initial weights", "weights drawn from N(0, 1/fan_in)"
OK, UNCLEAR, WRONG = "ok", "unclear", "WRONG"
# The relative error that is allowed beyond what differences leave unsure, which is taken a few times. Tried three times
# each on 300 random networks of up to four hidden layers, with weights from 0.001 to 100 times the initializer's, blank
# images among theirs: none was called wrong. Errors were 1.5e-8 in the median, 6e-5 at most, where rounding decides.
TOLERANCE, MARGIN = 1e-5, 3.0
# A slope is compared as a figure if it is known as well as this; else only its size is.
TELLING = 1e-4


@dataclass(frozen=True)
class Comparison:
    """One element, or one direction.

    Attributes:
        derivative: by ``Network.gradient``.
        differences: by differences of the cost.
        is_kink: they do not agree here, but do nearby.
    """

    derivative: float
    differences: Slope
    is_kink: bool = False

    @property
    def size(self) -> float:
        return max(abs(self.derivative), abs(self.differences.value))

    @property
    def distance(self) -> float:
        return abs(self.derivative - self.differences.value)

    @property
    def agrees(self) -> bool:
        """Whether both are equal as far as differences can tell."""
        return self.distance <= TOLERANCE * self.size + MARGIN * self.differences.unsure

    @property
    def is_wrong(self) -> bool:
        return not self.agrees and not self.is_kink

    @property
    def is_telling(self) -> bool:
        """Whether the slope is known well enough for a relative error; one of nothing but rounding is not."""
        return self.is_wrong or (self.agrees and self.differences.unsure < TELLING * self.size)

    @property
    def error(self) -> float:
        """The relative error."""
        return self.distance / self.size if self.size else 0.0


@dataclass(frozen=True)
class GroupCheck:
    """What became of one parameter group.

    Attributes:
        name: W1, b1, W2, …
        checked: elements and directions that were compared.
        kinks: how many of them had no derivative, but one nearby that agrees.
        worst: of those whose figures tell something the one with the largest relative error; None if none did.
        verdict: ``OK``, ``WRONG``, or ``UNCLEAR``: the cost does not change with these parameters, or not smoothly.
    """

    name: str
    checked: int
    kinks: int
    worst: Comparison | None
    verdict: str

    @property
    def layer(self) -> int:
        return int(self.name[1:])

    def in_words(self) -> str:
        """Return where the group is: "layer 1's weights"."""
        return f"layer {self.layer}'s {'weights' if self.name[0] == 'W' else 'biases'}"


@dataclass(frozen=True)
class GradientCheck:
    """What became of all groups.

    Attributes:
        groups: in the network's order.
        at: at which parameters they were checked; where z, and so the cost, is not finite, nothing can be.
        is_cost_finite: False if a cost is no number although z is.
    """

    groups: tuple[GroupCheck, ...]
    at: tuple[str, ...]
    is_cost_finite: bool = True

    @property
    def wrong(self) -> list[GroupCheck]:
        return [group for group in self.groups if group.verdict == WRONG]

    @property
    def unclear(self) -> list[GroupCheck]:
        return [group for group in self.groups if group.verdict == UNCLEAR]

    @property
    def is_ok(self) -> bool:
        """Whether every group was checked and none is wrong."""
        return bool(self.at) and self.is_cost_finite and not self.wrong and not self.unclear

    @property
    def is_costs_fault(self) -> bool:
        """Whether the cost's derivative is what is wrong: the last layer's gradient knows no activation's."""
        last = max((group.layer for group in self.groups), default=0)
        return not self.is_cost_finite or any(group.layer == last for group in self.wrong)


def check_gradient(
    places: Sequence[Place], x: Array, y: Array, elements: int = 30, directions: int = 4, seed: int = 0
) -> GradientCheck:
    """Check every group's gradient at some parameters.

    Args:
        places: the parameters, of networks that differ in nothing else.
        x: images, shape (B, n₀).
        y: class labels, shape (B,).
        elements: of each group at each place, half of them those of the largest gradient.
        directions: likewise.
        seed: of what is drawn.
    """
    with np.errstate(all="ignore"):
        made = {place.name: Point(place.network, x.astype(np.float64), y, place.nudge) for place in places}
        finite = {name: point for name, point in made.items() if point.is_finite}
        if not all(point.is_cost_finite for point in finite.values()):
            return GradientCheck((), tuple(finite), is_cost_finite=False)
        groups = []
        for name in places[0].network.parameters.named() if finite else ():
            rng = stream(seed, f"gradient check {name}")
            compared = [
                _compare(point, name, *probe)
                for point in finite.values()
                for probe in _probes(point, name, elements, directions, rng)
            ]
            groups.append(_judge(name, compared))
        return GradientCheck(tuple(groups), tuple(finite))


def _probes(
    point: Point, group: str, elements: int, directions: int, rng: np.random.Generator
) -> Iterator[tuple[int | slice, Array | float]]:
    """Yield what is compared of a group: (places, v)."""
    theta = point.parameters.named()[group]
    n = min(elements, theta.size)
    chosen = dict.fromkeys(point.largest(group, -(-n // 2)).tolist())
    others = [place for place in rng.choice(theta.size, n, replace=False).tolist() if place not in chosen]
    chosen |= dict.fromkeys(others[: n - len(chosen)])
    yield from ((place, 1.0) for place in chosen)
    for _ in range(directions):
        yield slice(None), (2.0 * rng.integers(0, 2, theta.size, np.int8) - 1) * large_change(theta)


def _compare(point: Point, group: str, where: int | slice, v: Array | float) -> Comparison:
    """Compare at a point; what does not agree there but at most points nearby is a kink."""
    compared = Comparison(*point.slopes(group, where, v))
    if compared.agrees or not math.isfinite(compared.derivative):
        return compared
    others = (Comparison(*other.slopes(group, where, v)).agrees for other in point.nearby)
    most = NEARBY // 2 + 1
    agree = sum(next(others) for _ in range(most))
    is_kink = agree == most or (agree == most - 1 and any(others))
    return replace(compared, is_kink=is_kink)


def _judge(name: str, compared: list[Comparison]) -> GroupCheck:
    """Return what became of a group."""
    telling = [one for one in compared if one.is_telling]
    worst = max(telling, key=lambda one: (one.is_wrong, one.error), default=None)
    verdict = UNCLEAR if worst is None else WRONG if worst.is_wrong else OK
    return GroupCheck(name, len(compared), sum(one.is_kink for one in compared), worst, verdict)


def check_network(network: Network, images: int = 32, elements: int = 30, directions: int = 4) -> GradientCheck:
    """Check the gradient at the network's own parameters and at drawn ones, on drawn images."""
    places = (Place(INITIAL, network, FAR), Place(DRAWN, with_drawn_parameters(network), NEAR))
    return check_gradient(places, *draw_batch(network, images), elements, directions)


def refuse_wrong_gradient(network: Network, activation: str, cost: str) -> None:
    """Make a short check of a network that is about to be trained.

    Args:
        network: at its initial weights.
        activation, cost: as they were chosen, for the message: "activation=mine.py:swish".

    Raises:
        ConfigError: the gradient is wrong.
    """
    check = check_network(network, images=8, elements=4, directions=1)
    more = "npdigits-check-gradient shows all; check_gradient=false skips this"
    if not check.is_cost_finite:
        raise ConfigError(f"{cost}: its value is no finite number; {more}")
    if check.wrong:
        chosen = cost if check.is_costs_fault else activation
        raise ConfigError(f"{chosen}: its derivative is wrong: {describe(check.wrong[-1])}; {more}")


def describe(group: GroupCheck) -> str:
    """Return where a group is, and its worst figures."""
    if group.worst is None:
        return group.in_words()
    by_derivative, by_differences = group.worst.derivative, group.worst.differences.value
    return f"{group.in_words()}: {by_derivative:.4g} by the derivative, {by_differences:.4g} by differences"
