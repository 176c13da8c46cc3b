"""What ``cluster.py`` does to a cluster while a sweep runs on it."""

import functools
import signal

from namespaces import HOSTS
from stage import SILENT, Scenario, Stage

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
STRANGERS = ("other code", "no folder", "no npdigits", "no data")
# Of these the sweep survives a cut without end; without the scheduler or the launcher's own link it cannot go on.
WORKERS = ("a", "b")


def undisturbed(stage: Stage) -> None:
    """Nothing is done."""


def cut(stage: Stage, host: str, seconds: float | None) -> None:
    """A host's link goes down in the middle of runs."""
    stage.into_the_runs()
    stage.cut(host, seconds)


def cut_early(stage: Stage, host: str, seconds: float) -> None:
    """A host's link goes down for good in the sweep's first seconds."""
    stage.pause(seconds)
    stage.cut(host)


def disturb(stage: Stage, how: str) -> None:
    """Each link loses or delays what it carries; a worker that ends, as its connection broke, is started again."""
    stage.note(how)
    for host in HOSTS:
        stage.hosts.disturb(host, how)
    while stage.going:
        stage.pause(5)
        restart(stage)


def end_worker(stage: Stage, number: int, whom: str) -> None:
    """A worker gets a signal, and another is started in its place."""
    stage.into_the_runs()
    stage.end_worker("a", number, whom)
    stage.pause(5)
    if stage.going and whom != "child":
        stage.worker("a")


def end_both(stage: Stage) -> None:
    """Both workers are killed, and others come."""
    stage.into_the_runs()
    for host in WORKERS:
        stage.end_worker(host, signal.SIGKILL, "both")
    stage.pause(8)
    for host in WORKERS:
        stage.worker(host)


def end_for_good(stage: Stage) -> None:
    """Both workers are ended, and none comes."""
    stage.into_the_runs()
    for host in WORKERS:
        stage.end_worker(host, signal.SIGTERM, "both")


def halt(stage: Stage, seconds: float) -> None:
    """A worker's processes stand still for a while."""
    stage.into_the_runs()
    stage.end_worker("a", signal.SIGSTOP, "both")
    stage.pause(seconds)
    stage.end_worker("a", signal.SIGCONT, "both")


def meet(stage: Stage, kind: str) -> None:
    """A worker that cannot do the runs joins in the middle."""
    stage.until(lambda: stage.finished() >= 1)
    stage.stranger("b", kind)


def come_late(stage: Stage) -> None:
    """The sweep begins before there is any worker."""
    stage.launch()
    stage.pause(8)
    for host in WORKERS:
        stage.worker(host)


def schedule(stage: Stage) -> None:
    """Random faults, until the sweep ends or enough was done; at last both workers are there."""
    rng = stage.rng
    stage.until(lambda: stage.finished() >= 1)
    for _ in range(rng.randint(2, 6)):
        if not stage.going:
            return
        host, other = rng.sample(WORKERS, 2)
        what = rng.choice(("cut", "end", "halt", "loss", "stranger", "cut both", "short cut"))
        if what == "cut":
            stage.cut(host, rng.uniform(2, 25))
        elif what == "cut both":
            stage.hosts.cut(other)
            stage.note(f"{other} cut off")
            stage.cut(host, rng.uniform(2, 15))
            stage.hosts.mend(other)
        elif what == "short cut":  # Dask does not notice
            stage.cut(rng.choice(("scheduler", "launcher")), rng.uniform(0.5, SILENT / 3))
        elif what == "end":
            stage.end_worker(host, rng.choice(SIGNALS), rng.choice(("child", "parent", "both")))
        elif what == "halt":
            stage.end_worker(host, signal.SIGSTOP, "both")
            stage.pause(rng.uniform(1, 8))
            stage.end_worker(host, signal.SIGCONT, "both")
        elif what == "loss":
            stage.note(f"loss at {host}")
            stage.hosts.disturb(host, "loss")
            stage.pause(rng.uniform(2, 8))
            stage.hosts.calm(host)
        else:
            stage.stranger(host, rng.choice(STRANGERS))
        stage.pause(rng.uniform(0.5, 4))
        if rng.random() < 0.6:
            restart(stage)
    while stage.going:  # a worker that was cut off ends when it notices
        restart(stage)
        stage.pause(5)


def restart(stage: Stage) -> None:
    """Start the workers that have ended."""
    for host in WORKERS:
        if stage.going and stage.workers[host].poll() is not None:
            stage.worker(host)


def schedules(first: int, number: int) -> list[Scenario]:
    """Return random schedules, named by their seeds."""
    return [Scenario(f"schedules {first + n}", schedule, refused=None) for n in range(number)]


def _scenarios() -> list[Scenario]:
    found = [
        Scenario("undisturbed", undisturbed),
        Scenario("undisturbed, two threads", undisturbed, threads=2),
        Scenario("undisturbed, no nanny", undisturbed, nanny=False),
        Scenario("late workers", come_late, before=True),
    ]
    for host in HOSTS:
        codes = (0,) if host in WORKERS else (1,)
        found.append(Scenario(f"cut for good: {host}", functools.partial(cut, host=host, seconds=None), codes))
        brief = (0,) if host in WORKERS else (0, 1)  # the connection may break, or hold
        found.append(Scenario(f"cut for 20 s: {host}", functools.partial(cut, host=host, seconds=20), brief))
        for seconds in (1.0, 3.0):
            # a launcher that has not yet connected refuses the address
            early = (0,) if host in WORKERS else (1, 2)
            act = functools.partial(cut_early, host=host, seconds=seconds)
            found.append(Scenario(f"cut after {seconds:.0f} s: {host}", act, early))
    found += [Scenario(f"disturbed: {how}", functools.partial(disturb, how=how)) for how in ("loss", "slow")]
    for number in SIGNALS:
        for whom in ("child", "parent", "both"):
            name = f"signal: {signal.Signals(number).name} to {whom}"
            found.append(Scenario(name, functools.partial(end_worker, number=number, whom=whom)))
    for number in SIGNALS:
        name = f"signal: {signal.Signals(number).name} without nanny"
        found.append(Scenario(name, functools.partial(end_worker, number=number, whom="parent"), nanny=False))
    found += [
        Scenario("signal: SIGKILL to both workers", end_both),
        Scenario("signal: SIGTERM to both workers for good", end_for_good, (1,)),
        Scenario("signal: SIGSTOP for 6 s", functools.partial(halt, seconds=6)),
        Scenario("signal: SIGSTOP for 25 s", functools.partial(halt, seconds=25)),
    ]
    for kind in STRANGERS:
        found.append(Scenario(f"stranger: {kind}", functools.partial(meet, kind=kind), refused=1))
    return found


SCENARIOS = _scenarios()
