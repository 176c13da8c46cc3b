"""The course of a race, followed through simulated runs: whatever stops, comes late or grows, the decisions are one."""

import functools
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npdigits.race.course import Course, Job, Ran, follow, least_budget, least_from


@functools.cache
def draw_fate(epochs, luck, stops, setting, seed):
    """Return after which epoch a run ends, and whether it is lost there."""
    rng = random.Random(f"{luck} {setting} {seed}")
    stopped, lost = (rng.random() < part for part in stops)
    return rng.randint(0 if lost else 1, epochs) if stopped or lost else epochs, lost


@functools.cache
def draw_figure(luck, setting, seed, k):
    own, of_run = random.Random(f"{luck} {setting}"), random.Random(f"{luck} {setting} {seed} {k}")
    return round(0.9 + own.gauss(0, 0.01) + of_run.gauss(0, 0.01), 4)


@dataclass
class World:
    """Runs that would give certain figures, and how far each has come.

    Attributes:
        epochs: of a full run.
        luck: what all figures are drawn from.
        stops: the part of runs that their stopping rule ends, and of those that diverge.
        done: (setting, seed) -> epochs so far.
    """

    epochs: int
    luck: int = 0
    stops: tuple[float, float] = (0.2, 0.1)
    done: dict[tuple[int, int], int] = field(default_factory=dict)

    def fate(self, setting, seed):
        return draw_fate(self.epochs, self.luck, self.stops, setting, seed)

    def figure(self, setting, seed, k):
        return draw_figure(self.luck, setting, seed, min(k, self.fate(setting, seed)[0]))

    def ran(self, setting, seed):
        if (setting, seed) not in self.done:
            return None
        end, lost = self.fate(setting, seed)
        came = self.done[setting, seed]
        ended = came >= end + lost or came >= self.epochs
        lost = "diverged" if ended and lost else ""
        return Ran(min(came, end), ended, lost, functools.partial(self.figure, setting, seed))

    def run(self, job):
        self.done[job.setting, job.seed] = max(job.epochs, self.done.get((job.setting, job.seed), 0))

    @property
    def had(self):
        """The epochs that all runs have cost."""
        return sum(min(came, self.fate(*run)[0]) for run, came in self.done.items())

    def race(self, n, budget, order=None, whole=False) -> Course:
        """Race to the end, with each rung's jobs in a random order, and following anew after some of them.

        Where ``whole``, all that lies there counts, and runs are killed in the middle, too.
        """
        for _ in range(10_000):
            course = follow(range(n), self.epochs, budget, self.ran, self.had if whole else None)
            if not course.jobs:
                return course
            jobs = list(course.jobs)
            if order:
                order.shuffle(jobs)
                jobs = jobs[: order.randint(1, len(jobs))]
            for job in jobs:
                epochs = order.randint(1, job.epochs) if order and whole else job.epochs
                self.run(replace(job, epochs=epochs))
        raise AssertionError("the race has no end")


WORLDS = st.builds(World, st.integers(4, 12), st.integers(0, 999), st.sampled_from([(0, 0), (0.4, 0), (0.3, 0.2)]))
SETTINGS, BUDGET = st.integers(1, 24), st.integers(0, 300)
ORDER = st.randoms(use_true_random=False)
few = settings(max_examples=15, deadline=None)


def test_a_race_of_64_settings_has_seven_seeds_within_the_budget_that_the_confirmation_leaves():
    course = World(20, stops=(0, 0)).race(64, 2560 - 800)
    assert course.seeds >= 7 and course.used <= 1760 and 3 <= len(course.alive) <= 5
    assert sorted([*course.alive, *(drop.setting for drop in course.dropped)]) == list(range(64))
    arm = World(20, stops=(0, 0), luck=1).race(32, (2560 - 400) // 2)
    assert arm.seeds >= 6 and arm.used <= 1080 and 3 <= len(arm.alive) <= 5


def test_the_first_jobs_are_a_few_epochs_of_every_setting():
    course = follow(range(6), 10, 1000, lambda setting, seed: None)
    assert course.jobs == tuple(Job(setting, 0, 1) for setting in range(6))
    assert (course.used, course.seeds, course.alive, course.dropped) == (0, 1, tuple(range(6)), ())
    assert course.figures == dict.fromkeys(range(6), ())


def test_without_room_for_a_rung_nothing_is_begun():
    assert not follow(range(6), 10, 5, lambda setting, seed: None).jobs
    assert not follow([], 10, 1000, lambda setting, seed: None).jobs


@few
@given(WORLDS, SETTINGS, BUDGET, ORDER)
def test_in_whatever_order_runs_come_the_race_is_the_same(world, n, budget, order):
    course = world.race(n, budget)
    assert World(world.epochs, world.luck, world.stops).race(n, budget, order) == course
    assert course.used <= budget


@few
@given(WORLDS, SETTINGS, BUDGET, BUDGET, ORDER)
def test_a_larger_budget_goes_on_where_a_smaller_one_ended(world, n, budget, more, order):
    first = world.race(n, budget, order)
    ran_before = dict(world.done)
    second = world.race(n, budget + more, order)
    assert second == World(world.epochs, world.luck, world.stops).race(n, budget + more)
    assert second.dropped[: len(first.dropped)] == first.dropped
    assert all(world.done[run] >= came for run, came in ran_before.items())
    # The smaller budget is still what it was, though runs have gone further since.
    assert follow(range(n), world.epochs, budget, world.ran) == first


@few
@given(WORLDS, SETTINGS, SETTINGS, BUDGET)
def test_more_settings_join_a_race_as_if_they_had_been_in_it_from_its_begin(world, n, more, budget):
    world.race(n, budget)
    assert world.race(n + more, budget) == World(world.epochs, world.luck, world.stops).race(n + more, budget)


@few
@given(WORLDS, SETTINGS, BUDGET, ORDER)
def test_where_all_that_lies_there_counts_a_kill_changes_nothing(world, n, budget, order):
    course = World(world.epochs, world.luck, world.stops).race(n, budget)
    assert world.race(n, budget, order, whole=True) == course and world.had == course.used


@few
@given(WORLDS, SETTINGS, SETTINGS, BUDGET, BUDGET, ORDER)
def test_when_settings_join_the_runs_that_no_rung_asks_for_any_more_count(world, n, more, budget, larger, order):
    world.race(n, budget, order, whole=True)
    before = world.had
    course = world.race(n + more, budget + larger, order, whole=True)
    assert course.used == world.had <= max(budget + larger, before)


@few
@given(st.integers(4, 12), st.integers(0, 99), st.integers(2, 12), st.integers(1, 12), st.integers(0, 200))
def test_with_the_least_budget_that_is_told_when_settings_join_two_seeds_are_had(epochs, luck, n, more, extra):
    world = World(epochs, luck, (0, 0))
    world.race(n, least_budget(n, epochs) + extra, whole=True)
    least = least_from(range(n + more), epochs, world.ran, world.had, 1)
    course = world.race(n + more, least, whole=True)
    assert course.seeds >= 2 and course.used <= least


def test_runs_that_no_rung_asks_for_leave_less_room_for_the_others():
    runs = {(i, 0): Ran(10, True, "", lambda k: 0.9) for i in range(4)}

    def race(had, budget):
        return follow(range(4), 10, budget, lambda setting, seed: runs.get((setting, seed)), had)

    assert len(race(40, 80).jobs) == len(race(55, 95).jobs) == 4 and race(55, 95).used == 55
    assert not race(55, 94).jobs and race(55, 94).used == 55


def test_an_epoch_that_a_killed_run_has_written_and_does_anew_counts_once():
    killed = Ran(9, False, "", lambda k: 0.9, written=10)
    course = follow(range(3), 10, 30, lambda setting, seed: None if seed else killed, had=30)
    assert (course.used, len(course.jobs)) == (30, 3)


@pytest.mark.parametrize(("finalists", "seeds"), [(1, 9), (2, 9), (3, 9), (4, 1)])
def test_where_no_more_are_left_than_finalists_no_further_seeds_are_run(finalists, seeds):
    runs: dict = {}

    def race(finalists):
        while jobs := (
            course := follow(range(4), 2, 70, lambda setting, seed: runs.get((setting, seed)), finalists=finalists)
        ).jobs:
            for job in jobs:
                runs[job.setting, job.seed] = Ran(job.epochs, job.epochs == 2, "", lambda k: 0.9)
        return course

    assert race(finalists).seeds == max(seeds, 1) - (seeds == 9)
    # What was run when fewer were asked for is followed all the same.
    assert race(1).seeds == race(4).seeds == 8
    assert least_budget(4, 2, finalists) == (8 if finalists == 4 else 16)


@few
@given(WORLDS, SETTINGS, BUDGET, ORDER)
def test_runs_that_were_deleted_are_asked_for_again(world, n, budget, order):
    course = world.race(n, budget)
    for run in order.sample(sorted(world.done), len(world.done) // 3):
        del world.done[run]
    assert world.race(n, budget) == course


@few
@given(st.integers(2, 80), st.integers(1, 30))
def test_the_least_budget_is_that_of_a_race_in_which_nobody_is_told_apart(n, epochs):
    # Where nobody is told apart by t, every rung has as many settings as it may.
    def ran(setting, seed):
        return runs.get((setting, seed))

    def race(budget):
        runs.clear()
        while jobs := (course := follow(range(n), epochs, budget, ran)).jobs:
            for job in jobs:
                runs[job.setting, job.seed] = Ran(job.epochs, job.epochs == epochs, "", lambda k: 0.9)
        return course

    runs: dict = {}
    least = least_budget(n, epochs)
    assert (race(least).seeds, race(least).used, race(least - 1).seeds) == (2, least, 1)


def test_used_counts_the_epochs_that_runs_stopped_early_have_had():
    runs = {(i, 0): Ran(3, True, "", lambda k: 0.9) for i in range(3)}
    course = follow(range(3), 10, 1000, lambda setting, seed: runs.get((setting, seed)))
    assert (course.used, course.jobs) == (9, tuple(Job(i, 1, 10) for i in range(3)))


def test_a_run_that_its_rule_ended_just_where_a_rung_ends_costs_the_next_one_nothing():
    ended, paused = Ran(3, True, "", lambda k: 0.9), Ran(3, False, "", lambda k: 0.9)
    course = follow(range(8), 10, 20, lambda setting, seed: None if seed else ended)
    assert (course.rung.epochs, course.used) == (10, 20)
    course = follow(range(8), 10, 20, lambda setting, seed: None if seed else paused)
    assert (course.rung.epochs, course.used) == (3, 20)


def test_a_run_that_is_lost_just_after_a_rung_is_expected_to_go_on_as_nobody_can_know_yet():
    lost = Ran(3, True, "diverged", lambda k: 0.9)
    course = follow(range(8), 10, 20, lambda setting, seed: None if seed else lost)
    assert (course.rung.epochs, course.used, course.dropped[0].why[:4]) == (3, 20, "rank")
    course = follow(range(8), 10, 20 + 35, lambda setting, seed: None if seed else lost)
    assert (course.rung.epochs, course.used, course.alive) == (10, 20, ())


def test_a_run_that_fails_after_its_last_epoch_is_lost():
    runs = {(i, 0): Ran(10, True, "failed: OSError" if i == 1 else "", lambda k: 0.9) for i in range(3)}
    course = follow(range(3), 10, 1000, lambda setting, seed: runs.get((setting, seed)))
    assert [(drop.setting, drop.why) for drop in course.dropped] == [(1, "failed: OSError")]


def test_a_rung_that_is_at_work_counts_what_its_runs_have_had_so_far():
    course = follow(range(3), 10, 1000, lambda setting, seed: Ran(4, False, "", lambda k: 0.9) if setting else None)
    assert (course.used, course.jobs) == (8, tuple(Job(i, 0, 10) for i in range(3)))


def test_one_setting_alone_has_a_full_run_and_no_second_seed():
    course = World(6, stops=(0, 0)).race(1, 1000)
    assert (course.alive, course.used, course.seeds, least_budget(1, 6)) == ((0,), 6, 1, 6)


@pytest.mark.parametrize("lost", ["diverged", "failed: ValueError"])
def test_a_lost_run_loses_at_once_and_says_why(lost):
    runs = {(i, 0): Ran(10, True, "", lambda k: 0.9) for i in range(3)} | {(1, 0): Ran(2, True, lost, lambda k: 0.99)}
    course = follow(range(3), 10, 1000, lambda setting, seed: runs.get((setting, seed)))
    assert [(drop.setting, drop.why) for drop in course.dropped] == [(1, lost)]
    assert course.alive == (0, 2) and course.used == 22


def test_a_run_that_is_lost_later_than_a_rung_asks_is_not_lost_in_it():
    runs = {(i, 0): Ran(2, False, "", lambda k: 0.9) for i in range(6)} | {
        (1, 0): Ran(7, True, "diverged", lambda k: 1)
    }
    course = follow(range(6), 10, 1000, lambda setting, seed: runs.get((setting, seed)))
    assert 1 in course.alive and (course.rung.epochs, len(course.jobs)) == (10, 4)


def test_where_all_are_lost_the_race_is_over():
    course = follow(range(3), 10, 1000, lambda setting, seed: Ran(0, True, "diverged", lambda k: 0.0))
    assert (course.alive, course.jobs, len(course.dropped), course.used) == ((), (), 3, 0)
