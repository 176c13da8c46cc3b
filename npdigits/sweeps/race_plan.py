"""A race before it begins: everything that was asked for checked, its data set found, its definition made or read."""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from npdigits.base import portable
from npdigits.base.errors import RunDirError
from npdigits.base.files import is_stray_of
from npdigits.config.asked_race import AskedRace
from npdigits.config.compose import compose
from npdigits.config.identity import numerics
from npdigits.config.override import Override
from npdigits.config.schema import Config, DataConfig
from npdigits.data.sets import Data
from npdigits.race import rules
from npdigits.race.definition import Race, frozen, read_race
from npdigits.race.layout import DEFINITION, RUNS, WRITTEN, confirmation_folder, is_race
from npdigits.race.ledger import without_seeds
from npdigits.runs import about_data, outputs
from npdigits.runs.hold import LOCK
from npdigits.runs.report import Report
from npdigits.runs.track import require_tracker
from npdigits.sweeps.names import folder_name, safe_name
from npdigits.sweeps.plan import Source, find_source, point_of
from npdigits.sweeps.points import Point
from npdigits.sweeps.where import Place

# How many finalists there are where nobody says: of the one arm, and of each of several.
FINALISTS, OF_EACH_ARM = 3, 1


class Points:
    """Makes the runs of a race's settings.

    Args:
        asked: the race.
        data: its data set.
    """

    def __init__(self, asked: AskedRace, data: Data) -> None:
        self.asked, self.data = asked, data
        self._default = compose()
        self._composed: dict[tuple[str, tuple[str, ...]], Config] = {}
        # Hundreds of runs, most of which are dropped, get no plots unless these were asked for by name.
        self._plots = any(Override.of(typed).key == "plots" for typed in asked.fixed)

    def config(self, arm: str, overrides: Sequence[str], seed: int = 0) -> Config:
        """Return the configuration of a setting's run.

        Raises:
            ConfigError: no run can be this.
        """
        key = arm, tuple(overrides)
        if self._follows_seed:
            return self._compose(*key, seed)
        if key not in self._composed:
            self._composed[key] = self._compose(*key, 0)
        return dataclasses.replace(self._composed[key], seed=seed)

    def _compose(self, arm: str, overrides: Sequence[str], seed: int) -> Config:
        config = self.asked.compose(arm, [*overrides, f"seed={seed}"])
        return config if self._plots else dataclasses.replace(config, plots=False)

    @functools.cached_property
    def _follows_seed(self) -> bool:
        """Whether another key may follow from the seed, by an interpolation: each run is then composed for itself."""
        if any("${" in axis.text for axes in self.asked.axes.values() for axis in axes):
            return True
        arms = [arm for arm in self.asked.axes if self.asked.fixed_of.get(arm)]
        pairs = [(self._compose(arm, (), 0), self._compose(arm, (), 1)) for arm in ["", *arms]]
        return any(dataclasses.replace(one, seed=1) != other for one, other in pairs)

    def identity(self, arm: str, overrides: Sequence[str]) -> str:
        """Return the digest of the identity that all runs of a setting share."""
        return self.identify(self.config(arm, overrides))

    def identify(self, config: Config) -> str:
        """Return the digest of the identity that all runs of a configuration share, whatever their seed."""
        return self.shared_identity(point_of((), config, self._default, self.data))

    @staticmethod
    def shared_identity(point: Point) -> str:
        """Return the digest of the identity that a run shares with all others of its setting."""
        return without_seeds(point.identity)

    def of(self, arm: str, overrides: Sequence[str], seed: int, below: str = RUNS, until: int | None = None) -> Point:
        """Return the run of a setting with a seed.

        Args:
            arm, overrides: the setting.
            seed: of the run.
            below: the folder of the race's folder that it lies in.
            until: the epoch after which it pauses; None: it is run to its end.
        """
        typed = [*self.asked.fixed, *self.asked.fixed_of.get(arm, ()), *overrides, f"seed={seed}"]
        point = point_of(typed, self.config(arm, overrides, seed), self._default, self.data)
        return dataclasses.replace(point, name=f"{below}/{point.name}", until=until)


@dataclass(frozen=True)
class RacePlan:
    """A race that could begin now.

    Attributes:
        folder: of the race.
        before: what race.json says of it; None for a new one.
        now: what was asked for, without settings.
        points: makes its runs.
        sources: the data set that its workers are to find.
        place: where to do the runs.
        base: what all settings share.
    """

    folder: Path
    before: Race | None
    now: Race
    points: Points
    sources: dict[DataConfig, Source]
    place: Place
    base: Config


def plan_race(asked: AskedRace, report: Report) -> RacePlan:
    """Check what was asked for; write nothing.

    Raises:
        UserError: no race can be that.
    """
    arms = list(asked.axes)
    base = asked.compose("", ())
    report.quiet = base.quiet
    require_tracker([base])
    if base.portable:
        portable.require()
    place = Place.of(dict(asked.launcher))
    data, source = find_source(base, report)
    about_data.summarize(data)
    points = Points(asked, data)
    folder = folder_of(asked, base)
    refuse_foreign(folder)
    before = read_race(folder) if is_race(folder) else None
    options = asked.options
    now = Race(
        fixed=asked.fixed,
        fixed_of=asked.fixed_of,
        space={arm: {axis.key: axis.text for axis in axes} for arm, axes in asked.axes.items()},
        where=options.where,
        search=options.search or (before.search if before else ""),
        seed=options.seed,
        epochs=base.epochs,
        budget=options.budget or 0,
        finalists=options.finalists or (OF_EACH_ARM if len(arms) > 1 else FINALISTS),
        confirm=options.confirm,
        reference=asked.reference,
        wanted=options.settings,
        data=data.sha256,
        rules=frozen(rules.describe()),
        code=numerics(),
    )
    return RacePlan(folder, before, now, points, {base.data: source}, place, base)


def folder_of(asked: AskedRace, base: Config) -> Path:
    """Return the folder of a race: ``out``, or one below outputs/ that is called ``name``, or after the keys."""
    if out := base.out_dir():
        return out
    if base.name is not None:
        return outputs.outputs() / safe_name(base.name)
    keys = dict.fromkeys(axis.key for axes in asked.axes.values() for axis in axes)
    fixed = [override.lstrip("+~") for override in asked.fixed if not override.startswith("hydra")]
    return outputs.outputs() / f"race_{folder_name(None, [*filter(None, asked.axes), *keys], fixed)}"


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds something else than a race.

    Raises:
        RunDirError: it does, or is no folder.
    """
    if not folder.exists() or is_race(folder):
        return
    if not folder.is_dir():
        raise RunDirError(f"out={folder}: allowed is a folder")
    held = sorted(item.name for item in folder.iterdir() if item.name != LOCK and not is_stray_of(item, WRITTEN))
    if RUNS in held or confirmation_folder(1) in held:
        raise RunDirError(f"out={folder}: holds runs of a race, but no {DEFINITION}: choose another or empty it")
    if held:
        raise RunDirError(f"out={folder}: holds {held[0]}, and is not a race's: choose another folder or empty it")
