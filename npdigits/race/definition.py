"""race.json: what a race is, which settings are in it, and what was fixed before each confirmation."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from npdigits.base.bounded import read_bytes
from npdigits.base.errors import NewerError, RunDirError
from npdigits.base.files import Folder
from npdigits.base.kinds import either, list_of, number, optional, plain, table, text, whole
from npdigits.base.strict import parse_json
from npdigits.base.text import join_lines, printable
from npdigits.config.identity import NOT_PART
from npdigits.config.override import Override
from npdigits.race.layout import DEFINITION

# The version of what race.json holds.
FORM = 1
# No version will ever write a higher one.
MOST_FORM = 10**6
# A setting takes some 250 bytes.
MOST_BYTES, MOST_SETTINGS, MOST_ARMS, MOST_CONFIRMATIONS = 64 << 20, 100_000, 100, 50
LONGEST_REASON = 1000
# The seeds of a race and of its confirmations are below this.
MOST_SEEDS = 10**6


@dataclass(frozen=True)
class Setting:
    """One setting of the space.

    Attributes:
        number: its place in the order in which settings were drawn, over all arms, from 0.
        arm: its arm; "" without arms.
        overrides: the searched keys that it reads: "lr=0.00316", "l2=0".
        identity: the digest of its runs' identity without the seeds, by which a run directory is known as its own.
        lost: why no run of it can begin, as the user's own code refuses its values; "" for all others.
    """

    number: int
    arm: str
    overrides: tuple[str, ...]
    identity: str
    lost: str = ""


@dataclass(frozen=True)
class Confirmation:
    """What was fixed before fresh seeds were run.

    Attributes:
        number: k, from 1; the k-th tests at ``0.05/2^k``, so that all together err with at most 0.05.
        finalists: the numbers of the settings, the race's best first; with arms the first arm's first finalist stands
            first, and is the baseline where ``reference`` is None.
        reference: the overrides of the setting that they are compared with; None: the first finalist is that.
        seeds: that no run of the race, and no earlier confirmation, has had.
        settings: how many settings had raced.
        budget: the training epochs that the race had been given.
        used: the training epochs that the race had taken, without this confirmation.
        each: how many finalists of each arm were asked for; there are fewer where fewer settings were left.
        planned: the training epochs that were put aside for it.
        against: as ``Setting.identity``, of what the finalists are compared with, which may be one of them.
        lost: such an identity -> why its runs cannot begin, as the user's own code fails in the trial before them.
    """

    number: int
    finalists: tuple[int, ...]
    reference: tuple[str, ...] | None
    seeds: tuple[int, ...]
    settings: int
    budget: int
    used: int
    each: int = 1
    planned: int = 0
    against: str = ""
    lost: Mapping[str, str] = field(default_factory=dict)

    @property
    def alpha(self) -> float:
        """The level of its tests."""
        return math.ldexp(0.05, -self.number)


@dataclass(frozen=True)
class Race:
    """The content of race.json.

    Attributes:
        fixed: the overrides that all settings share, as typed.
        fixed_of: of each arm those that it has besides.
        space: arm -> key -> the values as typed.
        where: constraints.
        search: where settings come from.
        seed: of what is drawn.
        epochs: of a full run.
        budget: training epochs; the confirmations' are among them.
        finalists, confirm: how many finalists (of each arm) and fresh seeds the next confirmation has.
        reference: the overrides of what it compares them with; None: with the first arm's first finalist.
        wanted: how many settings are to race. Those that a sampler still has to propose are not among ``settings``.
        data: SHA-256 of the data set.
        seeds: the race's own, in the order in which settings get them. They grow as the race gets longer.
        rules: what ``rules.describe`` says of the rules, by which another version's are noticed.
        settings: those that were drawn so far.
        confirmations: those that were fixed so far.
        code: the numerics of the runs.
    """

    fixed: tuple[str, ...]
    fixed_of: Mapping[str, tuple[str, ...]]
    space: Mapping[str, Mapping[str, str]]
    where: tuple[str, ...]
    search: str
    seed: int
    epochs: int
    budget: int
    finalists: int
    confirm: int
    reference: tuple[str, ...] | None = ()
    wanted: int = 0
    data: str = ""
    seeds: tuple[int, ...] = ()
    rules: Mapping[str, Any] | None = None
    settings: tuple[Setting, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    code: Any = None

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms, in the order typed; of a race without arms the one name ""."""
        return tuple(self.space)

    def settings_of(self, arm: str) -> tuple[Setting, ...]:
        """Return the settings of an arm."""
        return tuple(setting for setting in self.settings if setting.arm == arm)


def as_reason(text: str) -> str:
    """Return why a setting is lost as race.json can hold it, whatever the user's own code says."""
    line = printable(join_lines(text))
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…"


def counting(fixed: Iterable[str]) -> tuple[str, ...]:
    """Return the overrides that can change a result, sorted, without those by which the data set is found."""
    tops = {override: Override.of(override).top for override in fixed}
    return tuple(sorted(override for override, top in tops.items() if top not in NOT_PART and top != "hydra"))


def read_race(folder: Path) -> Race:
    """Read race.json of a folder, with distrust.

    Raises:
        RunDirError: it is not what was written, or a newer version wrote it.
    """
    file = folder / DEFINITION
    try:
        found = parse_json(read_bytes(file, MOST_BYTES))
        form = found.get("form") if isinstance(found, dict) else None
        if type(form) is int and FORM < form <= MOST_FORM:
            raise NewerError.of(file, form, FORM)
        _KIND(found)
        race = _race_from(found)
        _check_numbers(race)
    except OSError as error:
        raise RunDirError(f"{folder}: not the folder of a race: {DEFINITION}: {error.strerror}") from error
    except ValueError as error:
        raise RunDirError(f"{file}: damaged: {error}") from error
    return race


def write_race(folder: Folder, race: Race) -> None:
    """Write race.json whole."""
    content = {"form": FORM} | dataclasses.asdict(race)
    folder.write_whole(DEFINITION, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


_TEXTS = list_of(text(10_000), 1000)
_ARM = text(200)
_SEED = whole(0, MOST_SEEDS - 1)
_EPOCHS = whole(1, 10**15)
_SHA256 = text(64, "[0-9a-f]{64}", "a SHA-256 in hex")
_SETTING = {
    "number": whole(0, MOST_SETTINGS - 1),
    "arm": _ARM,
    "overrides": _TEXTS,
    "identity": _SHA256,
    "lost": text(LONGEST_REASON),
}
_CONFIRMATION = {
    "number": whole(1, MOST_CONFIRMATIONS),
    "finalists": list_of(whole(0, MOST_SETTINGS - 1), 1000, 1),
    "reference": optional(_TEXTS),
    "seeds": list_of(_SEED, 10_000, 1),
    "settings": whole(1, MOST_SETTINGS),
    "budget": _EPOCHS,
    "used": whole(0, 10**15),
    "each": whole(1, 1000),
    "planned": whole(0, 10**15),
    "against": _SHA256,
    "lost": table({}, text(LONGEST_REASON), most=1000, names=_SHA256),
}
_RACE = {
    "form": whole(1, FORM),
    **dict.fromkeys(("fixed", "where"), _TEXTS),
    "fixed_of": table({}, _TEXTS, most=MOST_ARMS, names=_ARM),
    "space": table({}, table({}, text(100_000), most=1000), most=MOST_ARMS, names=_ARM),
    "search": text(100),
    "seed": whole(0),
    "epochs": whole(1, 10**9),
    "budget": _EPOCHS,
    "finalists": whole(1, 1000),
    "confirm": whole(1, 10_000),
    "reference": optional(_TEXTS),
    "wanted": whole(1, MOST_SETTINGS),
    "data": _SHA256,
    "seeds": list_of(_SEED, 100_000),
    "rules": table({}, plain(5)),
    "settings": list_of(table(_SETTING, required=_SETTING), MOST_SETTINGS),
    "confirmations": list_of(table(_CONFIRMATION, required=_CONFIRMATION.keys() - {"lost"}), MOST_CONFIRMATIONS),
    "code": either(number(0, 10**6), text(200)),
}
_KIND = table(_RACE, required=_RACE)


def _race_from(found: dict[str, Any]) -> Race:
    """Return the race of a table whose kinds were checked."""
    values: dict[str, Any] = {key: frozen(value) for key, value in found.items() if key != "form"}
    values["settings"] = tuple(Setting(**setting) for setting in values["settings"])
    values["confirmations"] = tuple(Confirmation(**one) for one in values["confirmations"])
    return Race(**values)


def frozen(value: Any) -> Any:
    """Return a plain value with tuples in the place of lists."""
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return {key: frozen(one) for key, one in value.items()} if isinstance(value, dict) else value


def _check_numbers(race: Race) -> None:
    """Refuse numbers that contradict each other.

    Raises:
        ValueError: says which.
    """
    if not race.space or race.fixed_of.keys() - race.space.keys():
        raise ValueError("fixed_of and space name other arms")
    if [setting.number for setting in race.settings] != list(range(len(race.settings))):
        raise ValueError("the settings are not numbered in their order")
    if strange := {setting.arm for setting in race.settings} - race.space.keys():
        raise ValueError(f"the settings' arm {min(strange)!r} is no arm of the space")
    if len(race.settings) > race.wanted:
        raise ValueError(f"{len(race.settings)} settings, but wanted={race.wanted}")
    seeds = [*race.seeds, *(seed for one in race.confirmations for seed in one.seeds)]
    if len(set(seeds)) < len(seeds):
        raise ValueError("a seed is there twice")
    for place, one in enumerate(race.confirmations, start=1):
        if one.number != place:
            raise ValueError("the confirmations are not numbered in their order")
        if len(set(one.finalists)) < len(one.finalists) or max(one.finalists) >= len(race.settings):
            raise ValueError(f"the finalists of confirmation {place} are not among the settings, each once")
        if one.reference is None and one.against != race.settings[one.finalists[0]].identity:
            raise ValueError(f"confirmation {place} has no reference, and is not against its first finalist")
