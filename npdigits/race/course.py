"""The course of a race, followed from its begin through what lies on disk: who is in it, and what is to be run next.

A pure function of figures. Whoever asks again, anywhere, in any order, after any kill, gets the same decisions.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from npdigits.race.rules import Drop, Rung, drop_after, rank, rungs

# More training epochs than any race has.
UNLIMITED = 10**18


@dataclass(frozen=True)
class Job:
    """A run of a setting that is to go so far.

    Attributes:
        setting: its number.
        seed: the place of the seed among the race's, from 0.
        epochs: how many epochs the run is to have had.
    """

    setting: int
    seed: int
    epochs: int


@dataclass(frozen=True)
class Ran:
    """How far a run has come.

    Attributes:
        epochs: how many epochs it has had.
        ended: whether it will not go on: it has all its epochs, its stopping rule has ended it, or it is lost. It
            counts as having come to any epoch, and costs no more than it has had.
        lost: "" or why its setting loses: "diverged", "failed: …" (by its own doing).
        accuracy: validation accuracy of its best epoch (lowest validation cost) among the first ``k`` epochs:
            ``accuracy(k)``; NaN where there is none.
        written: how many epochs it has written: one more than ``epochs`` where its process was killed.
    """

    epochs: int
    ended: bool
    lost: str
    accuracy: Callable[[int], float]
    written: int = 0

    @property
    def had(self) -> int:
        """How many epochs it has cost."""
        return max(self.epochs, self.written)


@dataclass(frozen=True)
class Course:
    """Where a race stands.

    Attributes:
        rung: the one that is at work, or the last one; the first where not even that fits into the budget.
        alive: settings that are in it, the best first by the rung before.
        dropped: the others, in the order in which they were dropped; those of one rung the worst first, so that
            ``(*alive, *reversed(dropped))`` ranks all settings.
        jobs: what is to be run next; none where the race is over.
        used: training epochs that its runs have taken so far. A run that was stopped early counts with those that it
            has had; so do runs that lie there and no rung asks for, where ``follow`` is told of them.
        figures: setting -> the figures of the last rung that it finished, a seed each; of those that finished none ().
        seeds: how many of the race's seeds are needed for it.
    """

    rung: Rung
    alive: tuple[int, ...]
    dropped: tuple[Drop, ...]
    jobs: tuple[Job, ...]
    used: int
    figures: dict[int, tuple[float, ...]]
    seeds: int


def follow(
    settings: Sequence[int],
    epochs: int,
    budget: int,
    ran: Callable[[int, int], Ran | None],
    had: int | None = None,
    finalists: int = 1,
) -> Course:
    """Follow a race (of one arm) as far as its runs have come.

    A rung is begun where the epochs that it may still take at most fit into what is left of the budget. As each
    decision knows only the runs of its own rung and of those before, up to the epochs that these ask for, a larger
    budget goes on where a smaller one ended, and it does not matter in which order runs end, or whether some have gone
    further. Runs that no rung asks for (as settings have joined since, or somebody has resumed them by hand) take
    nothing but their epochs from the budget.

    A kill changes nothing of this: the epochs that lie there and those that a rung still asks for have the same sum
    wherever its runs were cut off, and this becomes less only where a run ends early.

    Where no more settings are left than are to be finalists, no further seeds are run: they would decide nothing. Of
    one finalist the race goes on until one setting is left.

    Args:
        settings: their numbers.
        epochs: of a full run.
        budget: training epochs that the race may take; a rung that would take more is not begun.
        ran: (setting, place of the seed) -> how far that run has come; None where there is none.
        had: the epochs that all runs which lie there have cost; None: those that the rungs ask for, and no others.
        finalists: how many settings are to be left.
    """
    alive = tuple(sorted(set(settings)))
    n = max(len(alive), 1)
    course = Course(next(rungs(n, epochs)), alive, (), (), had or 0, dict.fromkeys(alive, ()), 0)
    begin = asked = 0  # how far the runs of this rung's seed have come before it, and what the rungs before have taken
    for rung in rungs(n, epochs):
        states = {setting: ran(setting, rung.seeds - 1) for setting in course.alive}
        jobs = tuple(Job(i, rung.seeds - 1, rung.epochs) for i, state in states.items() if not _is_done(state, rung))
        most = sum(0 if _is_stopped(state, begin) else rung.epochs - begin for state in states.values())
        lying = had is not None and bool(jobs) and had + _missing(jobs, states) > budget
        if _is_over(len(states), rung, finalists, bool(jobs)) or asked + most > budget or lying:
            return course
        asked += sum(max(0, min(state.had, rung.epochs) - begin) for state in states.values() if state)
        course = replace(course, rung=rung, jobs=jobs, used=asked if had is None else had, seeds=rung.seeds)
        if jobs:
            return course
        course = _finish(course, {setting: state for setting, state in states.items() if state}, epochs)
        begin = rung.epochs % epochs
    raise AssertionError("rungs have no end")


def _is_over(left: int, rung: Rung, finalists: int, missing: bool) -> bool:
    """Say whether a race is over before a rung; rungs that were run when fewer finalists were asked for are followed.

    Args:
        left: how many settings are in it.
        rung: the next.
        finalists: how many are to be left.
        missing: whether runs of the rung are still to be done.
    """
    if rung.seeds == 1:
        return left == 0
    return left < 2 or (missing and left <= finalists)


def _missing(jobs: Sequence[Job], states: Mapping[int, Ran | None]) -> int:
    """Return the epochs that a rung's runs still lack, at most."""
    return sum(max(0, job.epochs - (state.had if (state := states[job.setting]) else 0)) for job in jobs)


def _is_stopped(state: Ran | None, begin: int) -> bool:
    """Say whether a stopping rule has ended a run before a rung that begins where it has had so many epochs.

    A run that is lost after them is not: that comes out in the rung.
    """
    return state is not None and state.ended and not state.lost and 0 < state.epochs <= begin


def _is_done(state: Ran | None, rung: Rung) -> bool:
    """Say whether a run has come as far as a rung asks for."""
    return state is not None and (state.ended or state.epochs >= rung.epochs)


def _finish(course: Course, states: Mapping[int, Ran], epochs: int) -> Course:
    """Return the course after its rung, whose runs have come this far."""
    rung, figures = course.rung, dict(course.figures)
    # A run that went further than this rung, and was lost there, is not lost yet.
    lost = {i: state.lost for i, state in states.items() if state.epochs < rung.epochs or rung.epochs == epochs}
    for setting, state in states.items():
        newest = math.nan if lost.get(setting) else state.accuracy(rung.epochs)
        figures[setting] = (*(figures[setting] if rung.seeds > 1 else ()), newest)
    of_rung = {setting: figures[setting] for setting in states}
    drops = tuple(replace(drop, why=lost.get(drop.setting) or drop.why) for drop in drop_after(rung, of_rung))
    out = {drop.setting for drop in drops}
    alive = tuple(setting for setting in rank(of_rung) if setting not in out)
    return replace(course, alive=alive, dropped=(*course.dropped, *drops), figures=figures)


def least_budget(n: int, epochs: int, finalists: int = 1) -> int:
    """Return the training epochs that a race of n settings needs at least: up to the end of its first rung of seeds.

    So many may be taken where no run ends early and t drops nobody; of no more settings than are to be finalists, a
    full run of each.
    """
    return least_from(range(n), epochs, lambda setting, place: None, 0, finalists)


def least_from(
    settings: Sequence[int], epochs: int, ran: Callable[[int, int], Ran | None], had: int, finalists: int
) -> int:
    """Return the smallest budget with which a race that has come so far goes on to the end of its first rung of seeds.

    What lies there is counted whole: which of it later rungs will ask for, nobody can know yet. Args as of ``follow``.
    """
    course = follow(settings, epochs, UNLIMITED, ran, had, finalists)
    if not course.jobs or course.rung.seeds > 2:
        return course.used
    total = course.used + _missing(course.jobs, {job.setting: ran(job.setting, job.seed) for job in course.jobs})
    left, begin = min(len(course.alive), course.rung.most), course.rung.epochs % epochs
    for rung in rungs(max(len(set(settings)), 1), epochs):
        if rung.number <= course.rung.number:
            continue
        if rung.seeds > 2 or (rung.seeds == 2 and left <= max(finalists, 1)):
            break
        total += left * (rung.epochs - begin)
        left, begin = min(left, rung.most), rung.epochs % epochs
    return total
