"""What may change from one launch of a race to the next, and what would make it another race."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from npdigits.base.errors import ConfigError, UserError
from npdigits.config.identity import describe_differences
from npdigits.config.value_text import short_text
from npdigits.race.budget import TIMES, confirming_epochs, is_settled, least, share
from npdigits.race.definition import Race, Setting, counting
from npdigits.race.ledger import Ledger
from npdigits.race.told import least_of
from npdigits.runs.json_table import read_identity
from npdigits.runs.report import Report
from npdigits.sweeps.plan import check_sizes, try_own_on
from npdigits.sweeps.race_plan import RacePlan

ANOTHER = "that is another race: name=… or out=… gives it a folder of its own"
WELCOME = "welcome are more race.settings, and another race.budget, race.finalists, race.confirm or race.reference"


def refuse_changed(plan: RacePlan) -> None:
    """Refuse another race than the one that the folder holds.

    Raises:
        ConfigError: says what changed, from what to what, and what to do.
    """
    before, now = plan.before, plan.now
    if before is None:
        return
    for what, there, here in _differing(before, now):
        raise ConfigError(f"{plan.folder} holds a race with {what}{there}, here {here}: {ANOTHER}; {WELCOME}")
    if before.data != now.data:
        raise ConfigError(f"{plan.folder} holds a race on other digits than data={plan.base.data.name}: {ANOTHER}")
    if before.code != now.code:
        raise ConfigError(
            f"{plan.folder} holds a race of other code of npdigits: {before.code} there, {now.code} here: {ANOTHER}"
        )
    rules, ours = before.rules or {}, now.rules or {}
    if rules != ours:
        keys = [key for key in {**rules, **ours} if rules.get(key) != ours.get(key)]
        raise ConfigError(
            f"{plan.folder} holds a race by other rules ({', '.join(keys)}), of another version of npdigits: {ANOTHER}"
        )


def _differing(before: Race, now: Race) -> list[tuple[str, str, str]]:
    """Return what differs: its name, what it was, and what it is."""
    found: list[tuple[str, str, str]] = []
    if before.arms != now.arms:
        found.append(("the arms ", ", ".join(before.arms) or "none", ", ".join(now.arms) or "none"))
        return found
    for arm in now.arms:
        of_arm = f"--arm {arm} " if arm else ""
        there, here = before.space[arm], now.space[arm]
        keys = [key for key in dict.fromkeys([*there, *here]) if there.get(key) != here.get(key)]
        found += [(of_arm, _searched(key, there), _searched(key, here)) for key in keys]
        if list(there) != list(here) and not found:
            found.append((f"{of_arm}the keys in the order ", " ".join(there), " ".join(here)))
    if sorted(before.where) != sorted(now.where):
        found.append(("race.where: ", " and ".join(before.where) or "nothing", " and ".join(now.where) or "nothing"))
    for key in ("search", "seed"):
        a, b = str(getattr(before, key)), str(getattr(now, key))
        if a != b:
            found.append((f"race.{key}=", a, b))
    if before.epochs != now.epochs:
        found.append(("epochs=", str(before.epochs), str(now.epochs)))
    return found


def _searched(key: str, space: Mapping[str, str]) -> str:
    return f"{key}={short_text(space[key])}" if key in space else f"no {key}"


def refuse_other_settings(plan: RacePlan) -> None:
    """Refuse a race whose settings would be other runs: by another fixed key, by own code or a default that changed.

    What was typed may be written otherwise, as long as every setting is the same run.

    Raises:
        ConfigError: says of which, and in what.
    """
    before = plan.before
    if before is None:
        return
    for setting in before.settings:
        if plan.points.identity(setting.arm, setting.overrides) == setting.identity:
            continue
        there, here = _fixed_in_one(before, plan.now, setting.arm)
        if there or here:
            typed = f"{' '.join(there) or 'nothing of that kind'}, here {' '.join(here) or 'not that'}"
            raise ConfigError(f"{plan.folder} holds a race with {typed}: {ANOTHER}; {WELCOME}")
        which = f"setting {setting.number} ({' '.join(setting.overrides)})"
        raise ConfigError(
            f"{plan.folder} holds a race whose {which} is another: {_why_another(plan, setting)}: {ANOTHER}"
        )


def _fixed_in_one(before: Race, now: Race, arm: str) -> tuple[list[str], list[str]]:
    """Return the fixed overrides of an arm's settings that only the one race has, and those of the other."""
    there, here = (counting((*race.fixed, *race.fixed_of.get(arm, ()))) for race in (before, now))
    return [typed for typed in there if typed not in here], [typed for typed in here if typed not in there]


def _why_another(plan: RacePlan, setting: Setting) -> str:
    """Return in what the runs of a setting differ from those that it had."""
    assert plan.before
    runs = Ledger(plan.folder, plan.before).runs.values()
    run = next((run for run in runs if run.identity == setting.identity), None)
    there = read_identity(run.path) if run else None
    if run is None or there is None:
        return "what its runs are has changed"
    return describe_differences(there, plan.points.of(setting.arm, setting.overrides, run.seed).identity)


def try_reference(plan: RacePlan, race: Race) -> None:
    """Try what the next confirmation is to compare its finalists with, where one is due, before anything is written.

    Raises:
        ConfigError, OwnCodeError: no run can be that.
    """
    if race.reference is None or is_settled(race):
        return
    config = plan.points.config("", race.reference)
    try:
        check_sizes(config, plan.points.data)
        if config.own:
            try_own_on(config, plan.points.data)
    except UserError as error:
        of = " ".join(race.reference) or "the searched keys without the race"
        raise type(error)(f"the reference ({of}; race.reference=… is another): {error}") from None


def settle_growth(plan: RacePlan, drawn: Race, report: Report) -> Race:
    """Return the race with what may change from launch to launch. Nothing that was done is undone.

    Args:
        plan: what was there, and what was asked for.
        drawn: the race with its settings.
        report: is told where a smaller budget was asked for than was taken already.

    Raises:
        ConfigError: the budget is too small.
    """
    before, asked = plan.before, plan.now.budget
    if before is None:
        race = _with_budget(drawn, asked or TIMES * drawn.wanted * drawn.epochs)
        race = race if asked else _with_budget(race, max(race.budget, least(race)))
        _refuse_too_small(race, least(race))
        return race
    race = dataclasses.replace(
        drawn,
        budget=asked or before.budget,
        fixed=before.fixed,
        fixed_of=before.fixed_of,
        seeds=before.seeds,
        confirmations=before.confirmations,
    )
    needed = _needed(plan.folder, before, race)
    if asked:
        race = _with_budget(race, max(asked, min(before.budget, needed)))
        if race.budget > asked:
            report.say(f"race.budget={asked}: {race.budget:,} epochs are taken or put aside already, and stay")
    elif not is_settled(race):  # something else has grown
        given = TIMES * race.wanted * race.epochs + sum(one.planned for one in race.confirmations)
        race = _with_budget(race, max(before.budget, given, needed))
    if not is_settled(race):  # else it is over, and only shown
        _refuse_too_small(race, needed)
    return race


def _refuse_too_small(race: Race, needed: int) -> None:
    """Refuse a budget below the least with which a race can be held.

    Raises:
        ConfigError: says the least.
    """
    if race.budget < needed:
        confirming = confirming_epochs(race)
        raise ConfigError(
            f"race.budget={race.budget}: too small for {race.wanted} settings of {race.epochs} epochs: allowed are "
            f"{needed:,} epochs or more, {needed - confirming:,} for the race and {confirming:,} for confirmations"
        )


def _with_budget(race: Race, budget: int) -> Race:
    return dataclasses.replace(race, budget=budget)


def _needed(folder: Path, before: Race, race: Race) -> int:
    """Return the smallest budget with which a race goes on, and nothing that lies on disk would be left out.

    Of the same settings what the race was given before has sufficed, whatever its next rungs may take at most.
    """
    needed = least_of(folder, race)
    if race.wanted > before.wanted:
        return needed
    given = share(before) * len(before.arms)
    taken = max(Ledger(folder, race).had(arm) for arm in race.arms) * len(race.arms)
    return min(needed, max(given, taken) + confirming_epochs(race))
