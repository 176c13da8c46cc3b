"""Giving runs to a cluster whose workers come, go, lie and keep silent: a client that a test plays."""

import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from distributed import KilledWorker

from npdigits.base.errors import ClusterLostError, ConfigError, DisconnectedError
from npdigits.base.interruption import Stopped, never
from npdigits.runs.summary import Status
from npdigits.sweeps import demand, dispatch, in_thread, patience, places, worker
from npdigits.sweeps.blame import UNBEGUN
from npdigits.sweeps.dispatch import PROCESS_KILLED, WORKER_LOST, Dispatch
from npdigits.sweeps.points import Outcome
from npdigits.sweeps.worker import Answer

A, B, C = "tcp://10.0.0.1:1", "tcp://10.0.0.2:1", "tcp://10.0.0.3:1"


class Future:
    """A run at a worker."""

    def __init__(self, answer=None, status="pending"):
        self.answer, self.status, self.released, self._call = answer, status, False, None

    def add_done_callback(self, call):
        self._call = call
        if self.status != "pending":
            call(self)

    def end(self, answer, status="finished"):
        self.answer, self.status = answer, status
        if self._call:
            self._call(self)

    def result(self):
        return self.answer() if callable(self.answer) else self.answer

    exception = result

    def release(self):
        self.released = True


class Cluster:
    """A client of a cluster that a test plays.

    Args:
        workers: address -> threads.
        play: called with (cluster, name of the run, address, future) for each run that is given out.
    """

    def __init__(self, workers, play):
        self.workers, self.play, self.given, self.shown = dict(workers), play, [], []
        self.told = []  # of what was called in workers
        self.scheduler = SimpleNamespace(adaptive_target=lambda: self.grows_to(len(self.visible)))
        self.grows_to = lambda tasks: -(-tasks // 10)
        self.answers = {}  # address -> what it answers when it is looked at

    @property
    def visible(self):
        return [future for future in self.shown if not future.released]

    def sync(self, function):
        return function()

    def nthreads(self):
        return dict(self.workers)

    def run(self, function, *arguments, workers=None, on_error=None):
        if function is worker.end_launch:
            self.told.append(arguments)
            return {}
        (token,) = arguments
        assert token.is_dir()
        answers = {address: self.answers.get(address, worker.describe_process(token)) for address in workers}
        return {address: answer(token) if callable(answer) else answer for address, answer in answers.items()}

    def submit(self, task, *arguments, resources=None, workers=None, **options):
        future = Future()
        if resources:
            self.shown.append(future)
        else:
            (address,) = workers
            assert not options["allow_other_workers"]
            (point,) = arguments
            self.given.append((point.name, address))
            self.play(self, point.name, address, future)
        return future


class Told:
    """What a sweep's progress is told."""

    def __init__(self):
        self.said, self.warned, self.working = [], [], []
        self.say, self.warn, self.at_work = self.said.append, self.warned.append, self.working.append


def points(n):
    return [SimpleNamespace(name=f"seed={i}") for i in range(n)]


def finish(cluster, name, address, future):
    future.end(Answer(Outcome(SimpleNamespace(name=name), Status.FINISHED)))


def begin(cluster, folder, wait=60.0, elsewhere=True, told=None):
    return Dispatch(cluster, None, "launch", folder, elsewhere, wait, told or Told())


def begun(folder, name, epochs, status="running"):
    """Let a run's directory look as if the run had come so far."""
    (folder / name).mkdir(exist_ok=True)
    seconds = time.perf_counter()  # so that no two are alike
    (folder / name / "summary.json").write_text(json.dumps({"status": status, "seconds": seconds}))
    (folder / name / "metrics.csv").write_text("epoch\n" * (1 + epochs))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Count the workers all the time, and lose no time in waiting."""
    for name, seconds in (("COUNT_EVERY", 0.0), ("HELD_AGAIN", 0.05), ("TO_TRUST", 0.3)):
        monkeypatch.setattr(dispatch, name, seconds)
    monkeypatch.setattr(patience, "SAY_AFTER", 0.1)


def test_every_worker_has_as_many_runs_as_it_has_threads_and_no_run_waits_at_one(tmp_path):
    held = []

    def play(cluster, name, address, future):
        held.append(future)
        used = [a for (_, a), f in zip(cluster.given, held, strict=True) if f.status == "pending"]
        assert all(used.count(address) <= threads for address, threads in cluster.workers.items())
        if len([f for f in held if f.status == "pending"]) == 3:
            for one in [f for f in held if f.status == "pending"]:
                finish(cluster, "any", address, one)

    cluster, told = Cluster({A: 1, B: 2}, play), Told()
    assert len(list(begin(cluster, tmp_path, told=told).run(points(9), never))) == 9
    assert max(told.working) == 3
    assert {address for _, address in cluster.given} == {A, B}


def test_a_worker_that_comes_late_and_is_refused_gets_no_run(tmp_path):
    told, calls = Told(), itertools.count()

    def play(cluster, name, address, future):
        if next(calls) == 1:
            cluster.workers |= {B: 8, C: 1}
            cluster.answers[B] = lambda token: {**worker.describe_process(token), "code": "0" * 12}
        threading.Timer(0.1, finish, (cluster, name, address, future)).start()

    ended = list(begin(cluster := Cluster({A: 1}, play), tmp_path, told=told).run(points(8), never))
    assert [run.status for run in ended] == [Status.FINISHED] * 8
    assert {address for _, address in cluster.given} == {A, C}
    here = worker.describe_process(tmp_path)["code"]
    assert told.warned == [f"the worker {B} is refused: code {'0' * 12} there, {here} here"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(refused="data=mnist: not found"), "data=mnist: not found"),
        (ModuleNotFoundError("No module named 'numpy'"), "ModuleNotFoundError: No module named 'numpy'"),
    ],
)
def test_what_a_place_lacks_costs_no_run_and_is_said_once(tmp_path, answer, why):
    def play(cluster, name, address, future):
        if address == B:
            future.end(answer, "finished" if isinstance(answer, Answer) else "error")
        else:
            threading.Timer(0.05, finish, (cluster, name, address, future)).start()

    told = Told()
    ended = list(begin(cluster := Cluster({A: 1, B: 3}, play), tmp_path, told=told).run(points(6), never))
    assert [run.status for run in ended] == [Status.FINISHED] * 6
    assert told.warned == [f"the worker {B} is refused: {why}"]
    assert sum(address == B for _, address in cluster.given) <= 3


def test_on_this_machine_what_one_process_lacks_all_lack(tmp_path):
    def play(cluster, name, address, future):
        future.end(Answer(refused="data=mnist: not found"))

    ended = list(begin(Cluster({A: 1, B: 1}, play), tmp_path, elsewhere=False).run(points(3), never))
    assert [(run.status, run.reason) for run in ended] == [(Status.FAILED, "data=mnist: not found")] * 3


def test_where_every_worker_is_refused_nothing_begins(tmp_path):
    cluster, told = Cluster({A: 1, B: 1}, finish), Told()
    cluster.answers = {A: ModuleNotFoundError("no npdigits"), B: lambda token: worker.describe_process(token / "no")}
    with pytest.raises(ConfigError, match="every worker of the cluster is refused: nothing has begun"):
        list(begin(cluster, tmp_path, told=told).run(points(3), never))
    assert cluster.given == []
    assert len(told.warned) == 2 and f"does not see {tmp_path}" in "".join(told.warned)


def test_a_worker_that_cannot_be_asked_does_not_cost_those_that_can(tmp_path):
    cluster, told = Cluster({A: 1, B: 1}, finish), Told()
    cluster.answers = {A: OSError("timed out")}
    ended = list(begin(cluster, tmp_path, told=told).run(points(3), never))
    assert len(ended) == 3 and {address for _, address in cluster.given} == {B} and told.warned == []


@pytest.mark.parametrize("how", ["gone", "killed"])
def test_a_run_whose_worker_is_lost_goes_on_elsewhere(tmp_path, how):
    def play(cluster, name, address, future):
        if address == B:
            begun(tmp_path, name, 3)
            if how == "gone":
                del cluster.workers[B]
            else:
                future.end(KilledWorker("key", SimpleNamespace(address=B), 0), "error")
        else:
            threading.Timer(0.05, finish, (cluster, name, address, future)).start()

    cluster = Cluster({A: 1, B: 1}, play)
    ended = list(begin(cluster, tmp_path, elsewhere=how == "gone").run(points(2), never))
    assert [run.status for run in ended] == [Status.FINISHED] * 2
    assert cluster.given[-1][1] == A


@pytest.mark.parametrize(("elsewhere", "reason"), [(True, WORKER_LOST), (False, PROCESS_KILLED)])
def test_a_run_is_to_blame_once_it_is_lost_twice_without_an_epoch_in_between(tmp_path, elsewhere, reason):
    came_to = iter([3, 5, 9, 9])

    def play(cluster, name, address, future):
        if name == "seed=0":
            begun(tmp_path, name, next(came_to))
            future.end(KilledWorker("key", SimpleNamespace(address=address), 0), "error")
        else:
            finish(cluster, name, address, future)

    cluster = Cluster({A: 1, B: 1}, play)
    ended = {run.point.name: run for run in begin(cluster, tmp_path, elsewhere=elsewhere).run(points(3), never)}
    assert (ended["seed=0"].status, ended["seed=0"].reason) == (Status.FAILED, reason)
    assert [name for name, _ in cluster.given].count("seed=0") == 4
    assert {ended[name].status for name in ("seed=1", "seed=2")} == {Status.FINISHED}


def test_one_connection_does_runs_again_and_remembers_no_loss_of_them(tmp_path):
    losses = Counter()

    def play(cluster, name, address, future):
        losses[name] += 1
        if losses[name] in (1, 3):  # once each time that it is to be done
            begun(tmp_path, name, 3)
            future.end(KilledWorker("key", SimpleNamespace(address=address), 0), "error")
        else:
            finish(cluster, name, address, future)

    one = begin(cluster := Cluster({A: 1, B: 1}, play), tmp_path)
    for _ in range(2):
        assert [run.status for run in one.run(points(2), never)] == [Status.FINISHED] * 2
    assert len(cluster.given) == 8


def test_a_cluster_that_lets_nobody_in_any_more_is_waited_for_once_something_has_begun(tmp_path):
    one = begin(cluster := Cluster({A: 1}, finish), tmp_path, wait=0.01)
    assert len(list(one.run(points(1), never))) == 1
    cluster.workers, cluster.answers = {B: 1}, {B: ModuleNotFoundError("no npdigits")}
    with pytest.raises(ClusterLostError, match=r"waited 0\.01 minutes for a worker .* with 3 runs to do"):
        list(one.run(points(3), never))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_the_place_of_a_runs_metrics_holds_nothing_up(tmp_path):
    def play(cluster, name, address, future):
        (tmp_path / name / "metrics.csv").unlink(missing_ok=True)
        begun(tmp_path, name, 0)
        (tmp_path / name / "metrics.csv").unlink()
        os.mkfifo(tmp_path / name / "metrics.csv")
        future.end(KilledWorker("key", SimpleNamespace(address=address), 0), "error")

    stop = threading.Event()
    threading.Timer(20, stop.set).start()
    (ended,) = begin(cluster := Cluster({A: 1}, play), tmp_path).run(points(1), stop.is_set)
    assert ended.reason == WORKER_LOST and len(cluster.given) == 2


def test_a_run_that_was_saved_before_its_worker_went_is_not_to_blame(tmp_path):
    calls = itertools.count()

    def play(cluster, name, address, future):
        if next(calls) < 5:
            begun(tmp_path, name, 3, "interrupted")
            future.end(KilledWorker("key", SimpleNamespace(address=address), 0), "error")
        else:
            finish(cluster, name, address, future)

    (ended,) = begin(Cluster({A: 1}, play), tmp_path).run(points(1), never)
    assert ended.status == Status.FINISHED


def test_a_run_that_never_begins_is_not_given_out_for_ever(tmp_path):
    def play(cluster, name, address, future):
        future.end(KilledWorker("key", SimpleNamespace(address=address), 0), "error")

    (ended,) = begin(cluster := Cluster({A: 1}, play), tmp_path).run(points(1), never)
    assert ended.status == Status.FAILED and len(cluster.given) == UNBEGUN


def test_a_scheduler_that_came_back_before_it_was_missed_is_said_and_no_run_is_blamed(tmp_path):
    """Dask connects again by itself; that it has forgotten all runs may be known before their ends are told."""

    def play(cluster, name, address, future):
        def count():
            future.status = "cancelled"
            return {B: 1}

        if len(cluster.given) > 1:
            return finish(cluster, name, address, future)
        cluster.nthreads = count
        return None

    sweep = begin(Cluster({A: 1}, play), tmp_path)
    with pytest.raises(DisconnectedError, match="the cluster is gone"):
        list(sweep.run(points(2), never))
    sweep.connect_again(cluster := Cluster({B: 1}, finish))
    assert [run.status for run in sweep.run((), never)] == [Status.FINISHED] * 2
    assert sorted(name for name, _ in cluster.given) == ["seed=0", "seed=1"]


def test_a_run_that_its_lost_worker_still_writes_is_waited_for(tmp_path):
    calls = itertools.count()

    def play(cluster, name, address, future):
        call = next(calls)
        if call == 0:
            begun(tmp_path, name, 1)
            cluster.workers = {B: 1}
        elif call < 4:
            future.end(Answer(Outcome(SimpleNamespace(name=name), Status.HELD)))
        else:
            finish(cluster, name, address, future)

    (ended,) = begin(Cluster({A: 1}, play), tmp_path).run(points(1), never)
    assert ended.status == Status.FINISHED and next(calls) == 5


def test_a_run_that_another_launch_holds_is_left_to_it(tmp_path):
    def play(cluster, name, address, future):
        future.end(Answer(Outcome(SimpleNamespace(name=name), Status.HELD)))

    (ended,) = begin(cluster := Cluster({A: 1}, play), tmp_path).run(points(1), never)
    assert ended.status == Status.HELD and len(cluster.given) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(leaving=True),
        Answer(Outcome(SimpleNamespace(name="seed=0"), Status.INTERRUPTED), leaving=True),
        Answer(Outcome(SimpleNamespace(name="seed=0"), Status.LEFT)),
    ],
)
def test_a_worker_that_ends_gives_its_run_back(tmp_path, answer):
    def play(cluster, name, address, future):
        if len(cluster.given) == 1:
            cluster.workers |= {B: 1}
            future.end(answer)
        else:
            finish(cluster, name, address, future)

    ended = list(begin(cluster := Cluster({A: 1}, play), tmp_path).run(points(2), never))
    assert [(run.point.name, run.status) for run in ended] == [(f"seed={i}", Status.FINISHED) for i in range(2)]
    if answer.leaving:
        assert [address for _, address in cluster.given] == [A, B, B]


@pytest.mark.parametrize("more", [True, False])
def test_what_one_machine_has_no_memory_for_another_may_have(tmp_path, more):
    def play(cluster, name, address, future):
        short = address == B
        given.set()
        status = Status.FAILED if short else Status.FINISHED
        future.end(Answer(Outcome(SimpleNamespace(name=name), status, short_of_memory=short)))

    def answer(token):  # only once B has got the run
        assert given.wait(10)
        return worker.describe_process(token)

    given = threading.Event()
    cluster = Cluster({A: 1, B: 1} if more else {B: 1}, play)
    cluster.answers[A] = answer
    (ended,) = begin(cluster, tmp_path).run(points(1), never)
    assert ended.status == (Status.FINISHED if more else Status.FAILED)
    assert [address for _, address in cluster.given] == ([B, A] if more else [B])


def test_without_a_worker_the_demand_is_shown_and_what_is_waited_for_is_said(tmp_path):
    cluster, told = Cluster({}, finish), Told()
    threading.Timer(0.6, cluster.workers.update, [{A: 1}]).start()
    ended = list(begin(cluster, tmp_path, told=told).run(points(5), never))
    assert len(ended) == 5
    assert len(cluster.shown) == 5 * 10 - 1 and all(future.released for future in cluster.shown)
    assert told.said == ["waiting for a worker, with 5 runs to do, since 0 s, at most 60 minutes (hydra.launcher.wait)"]


@pytest.mark.parametrize("wait", [0.0, 0.005])
def test_waiting_for_a_worker_ends_after_its_minutes(tmp_path, wait):
    began = time.monotonic()
    with pytest.raises(
        ClusterLostError, match=rf"waited {wait:g} minutes for a worker .*, with 2 runs to do: the same"
    ):
        list(begin(Cluster({}, finish), tmp_path, wait=wait).run(points(2), never))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("how", ["result", "count", "submit"])
def test_what_is_left_goes_on_by_another_connection(tmp_path, how):
    """Also the run that its worker still holds, as it does not know yet that its launcher was cut off."""

    def break_off(cluster, name, address, future):
        def fails(*_, **__):
            raise OSError("the connection is broken")

        if name == "seed=1":
            if how == "result":
                future.end(None, "cancelled")
            elif how == "count":
                cluster.nthreads = fails
            else:
                cluster.submit = fails
                raise RuntimeError("the client is closed")
        else:
            finish(cluster, name, address, future)

    def play(cluster, name, address, future):
        if name == "seed=1" and len(cluster.given) < 4:
            future.end(Answer(Outcome(SimpleNamespace(name=name), Status.HELD)))
        else:
            finish(cluster, name, address, future)

    told, ended = Told(), []
    first = Cluster({A: 1}, break_off)
    runs = begin(first, tmp_path, told=told)
    with pytest.raises(DisconnectedError, match="the cluster is gone"):
        for run in runs.run(points(4), never):
            ended.append(run.point.name)  # noqa: PERF401 – those before the error count
    assert ended == ["seed=0"]
    second = Cluster({A: 1}, play)
    if how == "submit":  # it was not given out, so whoever holds it is another launch's
        second.play = finish
    runs.connect_again(second)
    ended += [run.point.name for run in runs.run((), never) if run.status == Status.FINISHED]
    assert sorted(ended) == [f"seed={i}" for i in range(4)]
    assert {address for _, address in second.given} == {A}


def test_a_worker_that_does_not_answer_is_asked_once_more(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "TO_ANSWER", 0.2)
    asked, over = [], threading.Event()
    cluster = Cluster({A: 1}, finish)

    def answer(token):
        asked.append(token)
        if len(asked) == 1:
            over.wait(60)
        return worker.describe_process(token)

    cluster.answers[A] = answer
    (ended,) = begin(cluster, tmp_path).run(points(1), never)
    over.set()
    assert ended.status == Status.FINISHED and len(asked) == 2


# A cluster that does not answer.


@pytest.fixture
def stuck(monkeypatch):
    """A call that returns when the test is over."""
    over = threading.Event()
    monkeypatch.setattr(dispatch, "TO_SAVE", 0.3)
    monkeypatch.setattr(in_thread, "TO_GIVE_UP", 0.3)
    yield lambda *_, **__: over.wait(60)
    over.set()


def test_a_count_that_does_not_come_holds_up_no_signal(stuck, tmp_path):
    cluster, stop = Cluster({A: 1}, finish), threading.Event()
    cluster.nthreads = stuck
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        list(begin(cluster, tmp_path).run(points(1), stop.is_set))
    assert time.monotonic() - began < 30


@pytest.fixture
def slow_signal():
    """Let a signal come whose handler outlasts all short waits; return an event that tells whether it came."""

    def note(*_):
        time.sleep(0.4)
        came.set()

    came, before = threading.Event(), signal.signal(signal.SIGALRM, note)
    signal.setitimer(signal.ITIMER_REAL, 0.35)
    yield came
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such signals")
def test_a_signal_that_outlasts_a_wait_for_runs_is_noted(stuck, slow_signal, tmp_path):
    def play(cluster, name, address, future):
        late = threading.Timer(10, lambda: finish(cluster, name, address, future))  # else a test that fails hangs
        late.daemon = True
        late.start()

    began = time.monotonic()
    assert list(begin(Cluster({A: 1}, play), tmp_path).run(points(1), slow_signal.is_set)) == []
    assert time.monotonic() - began < 8


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such signals")
def test_a_signal_that_outlasts_a_wait_for_a_thread_ends_no_patience(slow_signal):
    with pytest.raises(TimeoutError):
        in_thread.call_in_thread(lambda: time.sleep(10), 1)
    assert slow_signal.is_set()


def test_a_result_that_does_not_come_holds_up_no_signal_and_its_run_goes_on_elsewhere(stuck, tmp_path):
    def play(cluster, name, address, future):
        if address == B:
            future.end(stuck)
            cluster.workers = {A: 1}
        else:
            finish(cluster, name, address, future)

    (ended,) = begin(cluster := Cluster({B: 1}, play), tmp_path).run(points(1), never)
    assert ended.status == Status.FINISHED and [address for _, address in cluster.given] == [B, A]
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    silent = Cluster({A: 1}, lambda cluster, name, address, future: future.end(stuck))
    began = time.monotonic()
    assert list(begin(silent, tmp_path).run(points(1), stop.is_set)) == []
    assert time.monotonic() - began < 30


def test_a_result_that_is_lost_on_its_way_is_asked_for_again_and_nobody_is_blamed(tmp_path):
    def lost():
        raise OSError("the connection was reset")

    def play(cluster, name, address, future):
        if len(cluster.given) == 1:
            future.end(lost)
        else:
            finish(cluster, name, address, future)

    told = Told()
    (ended,) = begin(cluster := Cluster({A: 1}, play), tmp_path, told=told).run(points(1), never)
    assert ended.status == Status.FINISHED and len(cluster.given) == 2 and told.warned == []


def test_workers_are_told_to_stop_and_those_that_cannot_be_told_hold_up_no_signal(stuck, tmp_path):
    asked = threading.Event()
    cluster = Cluster({A: 1}, lambda *_: asked.set())
    assert list(begin(cluster, tmp_path).run(points(1), asked.is_set)) == []
    assert cluster.told == [("launch",)]
    silent = Cluster({A: 1}, lambda *_: None)
    silent.run = stuck
    began = time.monotonic()
    asked.set()
    assert list(begin(silent, tmp_path).run(points(1), asked.is_set)) == []
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(("elapsed", "threads"), [(0.5, 1), (300.0, 1), (0.5, 4), (300.0, 4)])
def test_the_demand_is_corrected_until_a_cluster_grows_to_what_is_wanted(elapsed, threads):
    """Two runs have been at work for so many seconds, each on a worker of so many threads; six wait."""

    def adaptive_target(tasks):  # as distributed 2026.8 does
        cpu = -(-(2 * elapsed + 0.5 * tasks) // 5.0)
        cpu = cpu if tasks > cpu else min(tasks + 2, cpu)
        return -(-cpu // threads)

    cluster = Cluster({}, finish)
    cluster.grows_to = adaptive_target
    shown = demand.Demand(cluster)
    shown.show(6, 2)
    for _ in range(60):
        shown.correct(threads)
        shown.show(6, 2)
    assert adaptive_target(len(cluster.visible)) == -(-8 // threads)
    shown.show(0, 8)
    assert cluster.visible == []
