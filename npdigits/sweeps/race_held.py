"""A race that is being held: rung after rung, then its confirmation, each step read anew from the folder."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from npdigits.race.budget import confirmation_epochs, confirmation_rows, is_settled
from npdigits.race.course import Course, Job
from npdigits.race.definition import Confirmation, Race, Setting, as_reason, write_race
from npdigits.race.fault import OWN_CODE
from npdigits.race.layout import WRITTEN, confirmation_folder
from npdigits.race.level import say_hopeless, tests_of
from npdigits.race.seeds import fresh_seeds, with_seeds
from npdigits.race.told import Told, tell
from npdigits.runs.directory import ended_already
from npdigits.runs.hold import Hold
from npdigits.runs.report import Report
from npdigits.runs.summary import Status
from npdigits.sweeps.points import Outcome, Point
from npdigits.sweeps.race_conclusion import write_table
from npdigits.sweeps.race_plan import RacePlan
from npdigits.sweeps.race_progress import (
    RaceProgress,
    Stage,
    describe_confirmation,
    describe_race,
    describe_rung,
    stage_of_rung,
)
from npdigits.sweeps.race_runs import ATTEMPTS, PlaceFailed, Runs
from npdigits.sweeps.race_settings import propose_settings


@dataclass
class Held:
    """A race that this process holds.

    Attributes:
        plan: what was asked for.
        race: as race.json is to have it.
        hold: the lock on the folder.
        runs: does its runs.
        progress: shows how far they are.
        report: speaks.
    """

    plan: RacePlan
    race: Race
    hold: Hold
    runs: Runs
    progress: RaceProgress
    report: Report

    def __post_init__(self) -> None:
        self._written = self.plan.before
        self._warned = ""

    def to_the_end(self) -> None:
        """Run rung after rung, then the confirmation, until nothing is left to do or it is to stop.

        Raises:
            PlaceFailed: some runs cannot be had.
        """
        self.hold.remove_strays(WRITTEN)
        self._write(self.race)
        self.report.say(describe_race(self.race, self.plan.folder))
        if not is_settled(self.race):
            self._warn(
                say_hopeless(confirmation_rows(self.race) - 1, self.race.confirm, len(self.race.confirmations) + 1)
            )
        for confirmation in self.race.confirmations:  # one that was interrupted goes on first
            self._confirm(confirmation)
        self._race()
        if self.runs.stop() or is_settled(self.race):
            return
        if following := next_confirmation(tell(self.plan.folder)):
            following = dataclasses.replace(following, against=self._identity_of_baseline(following))
            self._warn(say_hopeless(tests_of(following, self.race), len(following.seeds), following.number))
            self._write(dataclasses.replace(self.race, confirmations=(*self.race.confirmations, following)))
            self._confirm(following)

    def _warn(self, line: str) -> None:
        """Warn of something, once."""
        if line and line != self._warned:
            self.report.warn(line)
            self._warned = line

    def _write(self, race: Race) -> None:
        """Write race.json, before anything that it says is done."""
        if race != self._written:
            write_race(self.hold, race)
        self.race = self._written = race

    def _race(self) -> None:
        """Run rung after rung until the budget has no room for another."""
        before: tuple[Job, ...] = ()
        times = 0
        while not self.runs.stop():
            told = tell(self.plan.folder)
            if more := propose_settings(self.plan, told):
                self._write(more)
                continue
            jobs = tuple(job for course in told.courses.values() for job in course.jobs)
            if not jobs:
                return
            self._write(with_seeds(self.race, max(course.seeds for course in told.courses.values())))
            points = [self._point(job) for job in jobs]
            before, times = jobs, times + 1 if jobs == before else 1
            if times > ATTEMPTS:
                raise PlaceFailed([Outcome(point, Status.FAILED, "its files cannot be read") for point in points])
            for arm, course in told.courses.items():
                if course.jobs:
                    self.report.say(describe_rung(told, arm, self.progress))
            epochs = {p.name: epochs_of(told, job) for p, job in zip(points, jobs, strict=True)}
            self.progress.begin_stage(stage_of_rung(told), epochs)
            self._note_lost(self.runs.carry_out(points))
            write_table(self.hold, tell(self.plan.folder))

    def _point(self, job: Job) -> Point:
        setting = self.race.settings[job.setting]
        until = job.epochs if job.epochs < self.race.epochs else None
        return self.plan.points.of(setting.arm, setting.overrides, self.race.seeds[job.seed], until=until)

    def _identity_of_baseline(self, confirmation: Confirmation) -> str:
        """Return the identity that the runs share of what a confirmation's finalists are compared with."""
        if confirmation.reference is None:
            return self.race.settings[confirmation.finalists[0]].identity
        return self.plan.points.identity("", confirmation.reference)

    def _note_lost(self, lost: Sequence[Outcome]) -> None:
        """Note in race.json settings that the user's own code has failed before a run of theirs left anything."""
        shared = self.plan.points.shared_identity
        reasons = {shared(run.point): as_reason(run.reason.removeprefix(OWN_CODE)) for run in lost}
        if reasons:
            settings = tuple(_with_reason(setting, reasons) for setting in self.race.settings)
            self._write(dataclasses.replace(self.race, settings=settings))

    def _confirm(self, confirmation: Confirmation) -> None:
        """Run the fresh seeds of the finalists, and of what they are compared with, as far as they have not ended."""
        below = confirmation_folder(confirmation.number)
        rows = [(self.race.settings[n].arm, self.race.settings[n].overrides) for n in confirmation.finalists]
        if confirmation.reference is not None:
            rows.append(("", confirmation.reference))
        points = [self.plan.points.of(*row, seed, below) for seed in confirmation.seeds for row in rows]
        folder = self.plan.folder
        left = [p for p in points if not ended_already(folder / p.name, p.identity, p.form)]
        shared = self.plan.points.shared_identity
        to_do = [p for p in left if not self.runs.is_lost(p) and shared(p) not in confirmation.lost]
        to_do = list({point.name: point for point in to_do}.values())  # the reference may be a finalist
        if not to_do or self.runs.stop():
            return
        self.report.say(describe_confirmation(self.race, confirmation, len(to_do), self.progress))
        self.progress.begin_stage(Stage(f"confirmation {confirmation.number}", len(to_do) * self.race.epochs), {})
        if lost := self.runs.carry_out(to_do):
            reasons = {shared(run.point): as_reason(f"failed: {run.reason.removeprefix(OWN_CODE)}") for run in lost}
            noted = dataclasses.replace(confirmation, lost={**reasons, **confirmation.lost})
            every = [noted if one.number == noted.number else one for one in self.race.confirmations]
            self._write(dataclasses.replace(self.race, confirmations=tuple(every)))


def _with_reason(setting: Setting, reasons: dict[str, str]) -> Setting:
    why = reasons.get(setting.identity)
    return dataclasses.replace(setting, lost=why) if why else setting


def epochs_of(told: Told, job: Job) -> int:
    """Return how many epochs the run of a job has had."""
    ran = told.ledger.ran(job.setting, job.seed)
    return ran.epochs if ran else 0


def next_confirmation(told: Told) -> Confirmation | None:
    """Return what the next confirmation is to be; None where every setting is lost."""
    race = told.race
    finalists = [number for arm in race.arms for number in best_of(told.courses[arm])[: race.finalists]]
    if not finalists:
        return None
    return Confirmation(
        number=len(race.confirmations) + 1,
        finalists=tuple(finalists),
        reference=race.reference,
        seeds=fresh_seeds(race, race.confirm),
        settings=len(race.settings),
        budget=race.budget,
        used=told.used,
        each=race.finalists,
        planned=confirmation_epochs(race),
    )


def best_of(course: Course) -> list[int]:
    """Return the settings that are left in a course, the best first."""
    return [number for number in course.alive if course.figures.get(number)]
