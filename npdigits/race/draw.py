"""Drawing the settings of a race: a scrambled Sobol sequence through the space, or its grid.

The sequence is the race's own: it depends on ``race.seed``, the arm and the arm's keys, so a race of more settings
extends the one of fewer. Each point becomes a setting: keys that it does not read leave it, so that two points which
are one run are one setting; those that break a constraint are passed over.

Sobol, "On the distribution of points in a cube and the approximate evaluation of integrals", 1967; scrambled by linear
matrices and a digital shift (Matoušek, "On the L2-discrepancy for anchored boxes", 1998), as SciPy does.
"""

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npdigits.base.arrays import Array
from npdigits.base.errors import ConfigError
from npdigits.base.interruption import held
from npdigits.base.random import stream
from npdigits.config.asked_race import AskedRace, idle_keys, is_read
from npdigits.config.axes import Axis, points
from npdigits.config.constraint import PARAMETERS
from npdigits.config.race_check import constraints
from npdigits.config.schema import Config
from npdigits.race.definition import Setting
from npdigits.race.samplers import FIRST, SAMPLERS

# Points of the sequence that are drawn at once; a power of 2, which the sequence is balanced in.
BLOCK = 64
# Points that are looked at for each setting that is wanted before a space counts as used up.
PATIENCE = 200
# Points of a finite space that are listed where the sequence does not find enough of them.
MOST_LISTED = 20_000
# Keys of numbers that every setting reads. Constraints on these and ``hidden`` alone are tried before a setting is
# checked, which takes far longer.
ALWAYS_READ = ("lr", "batch_size", "l2")

# key -> (its value as text, its value)
Place = Mapping[str, tuple[str, Any]]


@dataclass(frozen=True)
class Sizes:
    """What a network has to do with the data set.

    Attributes:
        pixels: inputs.
        classes: outputs.
    """

    pixels: int
    classes: int

    def parameters(self, hidden: Sequence[int]) -> int:
        """Return the count of weights and biases: Σ n_in · n_out + n_out over the layers."""
        sizes = (self.pixels, *hidden, self.classes)
        return sum(rows * columns + columns for rows, columns in itertools.pairwise(sizes))


def draw(
    asked: AskedRace, already: Sequence[Setting], identify: Callable[[Config], str], sizes: Sizes
) -> tuple[Setting, ...]:
    """Return the settings of a race: those that it has, and behind them others until each arm has its share.

    An arm whose space has fewer gets fewer. Arms take turns, so that a setting's number does not depend on how often a
    race was extended.

    Args:
        asked: the race. Where its settings come from a sampler, this draws those that it begins with.
        already: the settings that were drawn before, in their order.
        identify: a setting's configuration -> the digest by which its runs are known.
        sizes: of the data set.

    Raises:
        ConfigError: there are no two settings in an arm, for what is said.
    """
    sources = {arm: Source(asked, arm, identify, sizes) for arm in asked.axes}
    share = asked.options.settings // len(asked.axes)
    if asked.options.search in SAMPLERS:
        share = min(share, FIRST)
    settings = list(already)
    for arm, source in sources.items():
        source.known = {one.identity for one in already if one.arm == arm}
    more = {arm: source.settle(share) for arm, source in sources.items()}
    for turn in itertools.zip_longest(*([(arm, *one) for one in found] for arm, found in more.items())):
        for arm, overrides, identity in filter(None, turn):
            settings.append(Setting(len(settings), arm, overrides, identity))
    for arm in asked.axes:
        if sum(one.arm == arm for one in settings) < 2:
            sources[arm].refuse_too_few()
    return tuple(settings)


class Source:
    """Where the settings of one arm come from."""

    def __init__(self, asked: AskedRace, arm: str, identify: Callable[[Config], str], sizes: Sizes) -> None:
        self.asked, self.arm, self.identify, self.sizes = asked, arm, identify, sizes
        self.axes = asked.axes[arm]
        self.known: set[str] = set()
        self.where = constraints(asked)
        self.early = bool(self.where) and all({"hidden", *ALWAYS_READ}.issuperset(one.keys) for one in self.where)
        self.looked_at = 0
        self.fulfilled: dict[str, int] = {}

    def settle(self, share: int) -> list[tuple[tuple[str, ...], str]]:
        """Return overrides and identity of as many settings as the arm lacks."""
        wanted = share - len(self.known)
        found: list[tuple[tuple[str, ...], str]] = []
        for place in self.places(share):
            if len(found) >= wanted:
                break
            setting = self.setting(place)
            if setting and setting[1] not in self.known:
                self.known.add(setting[1])
                found.append(setting)
        return found

    def places(self, share: int) -> Iterator[Place]:
        """Yield the points of the space in the order in which they are tried."""
        count = points(self.axes)
        if search_of(self.asked, self.arm) == "grid":
            yield from grid(self.axes)
            return
        budget = PATIENCE * share if count is None or count > MOST_LISTED else 20 * share
        yield from itertools.islice(sobol(self.asked.options.seed, self.arm, self.axes), budget)
        if count is not None and count <= MOST_LISTED:
            yield from grid(self.axes)

    def setting(self, place: Place) -> tuple[tuple[str, ...], str] | None:
        """Return overrides and identity of the setting at a point; None where it breaks a constraint."""
        self.looked_at += 1
        put_in = {key: value for key, (_, value) in place.items()}
        values = self.asked.values(self.arm, (), put_in)
        if self.early and _are_plain(values) and not all(one.holds(self._given(values)) for one in self.where):
            self._fulfils(values)  # which counts
            return None
        try:
            config = self.asked.compose_of(values)
        except ConfigError as error:
            # What no run can be is left out where a constraint says so.
            if _are_plain(values) and not self._fulfils(values):
                return None
            raise ConfigError(f"{error}; race.where=… can leave such settings out") from error
        idle = idle_keys(config)
        read = [key for key in place if is_read(key, config, idle)]
        if len(read) < len(place):
            config = self.asked.compose_of(self.asked.values(self.arm, (), {key: put_in[key] for key in read}))
        if not self._fulfils(config.as_dict()):
            return None
        return tuple(f"{key}={place[key][0]}" for key in read), self.identify(config)

    def _given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as constraints read them."""
        hidden = values["hidden"] if isinstance(values["hidden"], list) else [values["hidden"]]
        return {**values, "hidden": hidden, PARAMETERS: self.sizes.parameters(hidden)}

    def _fulfils(self, values: Mapping[str, Any]) -> bool:
        """Say whether values fulfil all constraints, and count for each how often it was fulfilled."""
        given = self._given(values)
        held = {one.text: one.holds(given) for one in self.where}
        for text, holds in held.items():
            self.fulfilled[text] = self.fulfilled.get(text, 0) + holds
        return all(held.values())

    def refuse_too_few(self) -> None:
        """Say why there are no two settings in this arm.

        Raises:
            ConfigError: always.
        """
        arm = f"--arm {self.arm}: " if self.arm else ""
        typed = " ".join(f"{axis.key}={axis.text}" for axis in self.axes)
        n = min(self.looked_at, points(self.axes) or self.looked_at)
        for text, count in self.fulfilled.items():
            if not count:
                raise ConfigError(f"{arm}race.where={text}: none of {n:,} settings of {typed} fulfils it")
        if self.fulfilled:
            together = " and ".join(self.fulfilled)
            few = f"{len(self.known) or 'none'} of {n:,} settings of {typed}"
            raise ConfigError(f"{arm}race.where={together}: {few} fulfils it; a race needs two at least")
        raise ConfigError(f"{arm}{typed}: all points of this space are one run; a race needs two settings at least")


def _are_plain(values: Mapping[str, Any]) -> bool:
    """Say whether values that were not checked, as of an interpolation, are numbers where constraints count on it."""
    hidden = values["hidden"] if isinstance(values["hidden"], list) else [values["hidden"]]
    return all(type(n) is int for n in hidden) and all(type(values[key]) in (int, float) for key in ALWAYS_READ)


def search_of(asked: AskedRace, arm: str) -> str:
    """Return where the settings of an arm come from: the grid, unless it is larger than what was asked for."""
    if asked.options.search:
        return asked.options.search
    count = points(asked.axes[arm])
    return "grid" if count is not None and count <= asked.options.settings // len(asked.axes) else "sobol"


def grid(axes: Sequence[Axis]) -> Iterator[Place]:
    """Yield all points of a finite space; the last key varies fastest."""
    listed = [axis.values or tuple((str(n), n) for n in range(int(axis.low), int(axis.high) + 1)) for axis in axes]
    for point in itertools.product(*listed):
        yield {axis.key: value for axis, value in zip(axes, point, strict=True)}


def sobol(seed: int, arm: str, axes: Sequence[Axis]) -> Iterator[Place]:
    """Yield points of a space by a scrambled Sobol sequence, without end.

    Args:
        seed: of the race.
        arm: its name, by which it has a sequence of its own.
        axes: of the space; as many dimensions.
    """
    # SciPy reads its direction numbers when the first sequence is made, in compiled code that swallows a Ctrl-C, and
    # then draws without them.
    with held():
        from scipy.stats import qmc

        # SciPy 1.15 calls `rng` what was `seed` before.
        name = "rng" if "rng" in inspect.signature(qmc.Sobol).parameters else "seed"
        engine = qmc.Sobol(len(axes), scramble=True, bits=64, **{name: stream(seed, f"settings of a race/{arm}")})
        block = engine.random(BLOCK)
    if not is_balanced(block):
        raise ConfigError("SciPy's Sobol sequence has no direction numbers in this process: type it again")
    while True:
        for row in block:
            yield {axis.key: axis.at(float(x)) for axis, x in zip(axes, row, strict=True)}
        block = engine.random(BLOCK)


def is_balanced(block: Array) -> bool:
    """Say whether points, 2^m of them, have one in each 2^m-th part of every side, as all blocks of a sequence have."""
    parts = np.sort(np.floor(block * len(block)), axis=0)
    return bool((parts == np.arange(len(block))[:, None]).all())
