"""A run that is watched: however it is paused, stepped and looked at, it leaves the bytes of the command line's run."""

import base64
import json
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from made import read_summary

from npdigits.base.errors import ConfigError
from npdigits.config.compose import compose
from npdigits.live.process import Process
from npdigits.live.session import Session
from npdigits.live.settings import check_typed, networks_of
from npdigits.live.sight import end_of, evenly_of_classes
from npdigits.runs.run import run

BITS = ("metrics.csv", "predictions.npz", "identity.json", *(f"checkpoints/{n}.npz" for n in ("best", "last")))
KEYS = ("hidden=[7,5]", "epochs=3", "plots=false", "stop_on=none", "threads=1")


class Page:
    """What a page knows of a session."""

    def __init__(self, session):
        self.session, self.name, self.version, self.networks = session, "", 0, []

    def ask(self):
        points = [(one["series"], len(one["points"])) for one in self.networks]
        answer = self.session.answer(self.name, self.version, points)
        if answer is None:
            return
        found = json.loads(answer)
        if found["training"] != self.name:
            self.networks = [{"series": 0, "points": [], "look": None} for _ in found["networks"]]
        self.name, self.version = found["training"], found["version"]
        for mine, new in zip(self.networks, found["networks"], strict=True):
            points = [*mine["points"][: new["begin"]], *new["points"]]
            mine.update(state=new["state"], series=new["series"], points=points, look=new["look"] or mine["look"])

    def until(self, holds, seconds=60):
        """Ask until all networks fulfil it."""
        end = time.monotonic() + seconds
        while not (self.networks and all(map(holds, self.networks))):
            assert time.monotonic() < end, [one.get("state") for one in self.networks]
            self.ask()
        return self.networks


def stands_at(batches):
    return lambda one: not one["state"]["going"] and one["state"]["batches"] == batches and seen(batches)(one)


def seen(batches):
    return lambda one: one["look"] is not None and one["look"]["batches"] == batches


def ended(one):
    state, look = one["state"], one["look"]
    return state["is"] == "failed" or (state["is"] == "ended" and look and look["epochs"] == state["epochs"])


def paths(session):
    """Return the run directories, of which a page is told the end alone."""
    return [Path(process.told.state["path"]) for process in session._processes]


@pytest.fixture
def typed(idx_set):
    return ["data=idx", f"data.dir={idx_set}", *KEYS]


@pytest.fixture
def session(tmp_path):
    session = Session(str(tmp_path / "live"))
    session.set_speed(None)
    yield session
    session.end()


@pytest.fixture
def plainly(tmp_path, typed):
    """Return a function that does a run as the command line does."""

    def plainly(*more):
        path = tmp_path / f"plain{'-'.join(more)}"
        run(compose([*typed, *more]), path, [*typed, *more])
        return path

    return plainly


def same(path, other):
    for name in BITS:
        assert (path / name).read_bytes() == (other / name).read_bytes(), name


def test_a_run_that_is_paused_stepped_slowed_and_looked_at_has_the_bytes_of_the_command_line(
    session, typed, tmp_path, plainly
):
    session.begin([typed], [{}])
    page = Page(session)
    (one,) = page.until(lambda one: one["state"]["is"] == "training" and seen(0)(one))
    in_epoch = one["state"]["in_epoch"]
    session.order("batch")
    page.until(stands_at(1))
    session.order("batch")
    page.until(stands_at(2))
    session.order("epoch")
    (one,) = page.until(stands_at(in_epoch))
    assert one["state"]["epochs"] == 1 and one["look"]["epochs"] == 1
    session.set_speed(4)
    session.order("go")
    page.until(lambda one: one["state"]["is"] == "training" and one["look"]["batches"] > in_epoch)
    session.order("pause")
    page.until(lambda one: not one["state"]["going"])
    session.set_speed(None)
    session.order("go")
    (one,) = page.until(ended)
    assert one["state"]["status"] == "finished"
    same(tmp_path / "live", plainly())
    assert read_summary(tmp_path / "live")["status"] == "finished"
    # What it shows at the end is what metrics.csv says.
    last = (tmp_path / "live" / "metrics.csv").read_text().splitlines()[-1].split(",")
    page.until(lambda one: one["look"]["epochs"] == 3)
    assert any(point[0] == 3 * in_epoch and point[4] == float(last[4]) for point in page.networks[0]["points"])


def test_of_a_run_that_diverged_it_is_told_where_and_its_costs_until_then(session, typed, plainly):
    session.begin([[*typed, "lr=1e30", "init_scale=10"]], [{}])
    page = Page(session)
    session.order("go")
    (one,) = page.until(ended)
    state = one["state"]
    assert (state["status"], state["diverged_in"], state["batches"]) == ("diverged", 1, 0)
    rows = (paths(session)[0] / "diverged.csv").read_text().splitlines()[1:]
    costs = [float(row.split(",")[2]) for row in rows if not row.endswith(",")]
    assert 0 < state["diverged_at"] == (len(rows) if len(costs) == len(rows) else len(rows) - 1)
    curve = {point[0]: point[1] for point in one["points"]}
    assert [curve[batches] for batches in range(len(costs))] == pytest.approx(costs, rel=1e-5)
    (paths(session)[0] / "diverged.csv").write_text("")
    assert end_of(paths(session)[0], 1, 16) == {"diverged_in": 1, "diverged_at": None}


def test_once_the_last_epoch_has_ended_it_is_told_that_files_are_made(session, typed, monkeypatch):
    states, note = [], Process._note
    monkeypatch.setattr(Process, "_note", lambda self, *given: (note(self, *given), states.append(self.told.state)))
    session.begin([typed], [{}])
    session.order("go")
    Page(session).until(ended)
    closing = next(i for i, state in enumerate(states) if "closing" in state)
    assert states[closing]["is"] == "training" and states[closing]["epochs"] == 3
    assert "closing" not in states[closing - 1] and states[-1]["is"] == "ended"


def test_two_networks_learn_from_the_same_batches_in_step(session, typed, plainly):
    overrides, settings = networks_of(typed, [{"lr": 0.003, "seed": 3}, {"lr": 0.1, "hidden": [4]}])
    session.begin(overrides, settings)
    page = Page(session)
    page.until(lambda one: one["state"]["is"] == "training" and seen(0)(one))
    for batches in (1, 2):
        session.order("batch")
        page.until(stands_at(batches))
    session.order("go")
    page.until(lambda one: one["look"]["batches"] > 2)
    session.order("pause")
    # Who follows may have a batch to make still when its leader pauses; it comes to the same place, and stays there.
    page.until(lambda one: stands_at(page.networks[0]["state"]["batches"])(one))
    paused_at = [one["state"]["batches"] for one in page.networks]
    time.sleep(0.3)
    page.ask()
    assert [one["look"]["batches"] for one in page.networks] == paused_at and len(set(paused_at)) == 1
    session.order("go")
    page.until(ended)
    for path, more in zip(paths(session), (("lr=0.003", "seed=3"), ("lr=0.1", "hidden=4", "seed=3")), strict=True):
        same(path, plainly(*more))


def test_a_network_that_stops_early_leaves_the_other_to_go_on(session, typed, plainly):
    patience = {"stop_on": "val_cost", "lr": 10.0}
    overrides, settings = networks_of([*typed, "patience=1", "epochs=6"], [{"lr": 0.001}, patience])
    session.begin(overrides, settings)
    page = Page(session)
    session.order("go")
    first, second = page.until(ended)
    assert [first["look"]["epochs"], second["state"]["status"]] == [6, "finished"] and second["look"]["epochs"] < 6
    same(paths(session)[0], plainly("patience=1", "epochs=6", "lr=0.001"))


@pytest.mark.parametrize("who", ["server", "terminal", "nobody"])
def test_a_run_whose_server_or_process_ends_is_saved_and_goes_on_with_the_same_bits(
    session, typed, tmp_path, plainly, who
):
    path = tmp_path / "live"
    session.begin([typed], [{}])
    page = Page(session)
    session.order("epoch")
    page.until(stands_at(16))
    session.order("batch")
    page.until(stands_at(17))
    (process,) = session._processes
    if who == "server":  # as when it is killed: its sockets are closed
        process._hang_up()
    else:
        process.process.send_signal(signal.SIGTERM if who == "terminal" else signal.SIGKILL)
    process.process.wait(30)
    page.until(lambda one: "gone" in one["state"])
    assert page.networks[0]["state"]["is"] == "failed"
    if who != "nobody":
        assert (read_summary(path)["status"], read_summary(path)["epochs_run"]) == ("interrupted", 1)
    run(compose(["resume=" + str(path), "quiet=true"]))
    same(path, plainly())


def test_mistakes_that_are_shown_are_of_every_class_that_has_some():
    labels = np.repeat(np.arange(10, dtype=np.uint8), [90, 40, 0, 1, 30, 2, 30, 30, 30, 30])
    chosen = evenly_of_classes(labels, 24)
    assert np.bincount(labels[chosen]).tolist() == [3, 3, 0, 1, 3, 2, 3, 3, 3, 3]
    assert chosen[:3].tolist() == [0, 1, 2]
    assert evenly_of_classes(labels[:5], 24).tolist() == [0, 1, 2, 3, 4] and len(evenly_of_classes(labels[:0], 24)) == 0


def test_all_runs_that_were_begun_are_known(session, typed, tmp_path):
    for _ in range(2):
        session.begin([typed], [{}])
        Page(session).until(seen(0))
    assert session.runs() == [tmp_path / "live", tmp_path / "live-2"]


def test_nothing_is_sent_while_nobody_asks(session, typed, tmp_path):
    session.begin([[*typed, "epochs=2"]], [{}])
    page = Page(session)
    session.set_speed(10)
    page.until(lambda one: one["state"]["is"] == "training")
    session.order("go")
    page.until(lambda one: one["look"] is not None and one["look"]["batches"] > 2)
    (process,) = session._processes
    time.sleep(0.3)
    points = len(process.told.points)
    time.sleep(0.5)
    assert len(process.told.points) == points


def test_what_cannot_be_trained_is_told_in_one_line(session, tmp_path):
    session.begin([["data=idx", f"data.dir={tmp_path / 'nowhere'}"]], [{}])
    page = Page(session)
    (one,) = page.until(ended)
    assert "nowhere" in one["state"]["why"] and "\n" not in one["state"]["why"]


def test_a_digit_is_read_as_the_network_does_now(session, typed, tmp_path):
    session.begin([typed], [{}])
    page = Page(session)
    page.until(seen(0))
    image = base64.b64encode(bytes(range(56))).decode()
    (before,) = session.read(image)
    assert sum(before["probabilities"]) == pytest.approx(1, abs=1e-4) and len(before["first"]) == 7
    session.order("batch")
    page.until(stands_at(1))
    (after,) = session.read(image)
    assert after["probabilities"] != before["probabilities"]
    assert session.read(base64.b64encode(bytes(5)).decode()) == [{"probabilities": None, "first": None}]


def test_a_process_that_hears_nothing_holds_up_neither_orders_nor_the_end(session, typed, tmp_path, monkeypatch):
    session.begin([typed], [{}])
    page = Page(session)
    page.until(seen(0))
    (process,) = session._processes
    for name in ("ANSWER", "WAIT"):
        monkeypatch.setattr(f"npdigits.live.session.{name}", 0.01)
    monkeypatch.setattr("npdigits.live.process.PATIENCE", 0.1)
    process.process.send_signal(signal.SIGSTOP)
    refused, image = [], base64.b64encode(bytes(4000)).decode()

    def flood():
        for _ in range(100):
            assert session.read(image) == [None]
            page.ask()
            for order in (lambda: session.order("batch"), lambda: session.set_speed(3)):
                try:
                    order()
                except ConfigError as error:
                    refused.append(str(error))
        session.end()

    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    flooding.join(20)
    is_late = flooding.is_alive()
    process.process.send_signal(signal.SIGCONT)
    assert not is_late and set(refused) == {"the network does not listen at the moment: try again"}
    process.process.wait(30)  # it is as after any end
    assert read_summary(tmp_path / "live")["status"] == "interrupted"


def test_a_look_that_could_not_be_asked_for_is_asked_for_again(session, typed, monkeypatch):
    session.begin([typed], [{}])
    page = Page(session)
    page.until(seen(0))
    session.order("batch")
    page.until(stands_at(1))
    page.ask()
    (process,) = session._processes
    process._is_asked = False
    monkeypatch.setattr("npdigits.live.process._has_room", lambda wire: False)
    page.ask()
    monkeypatch.undo()
    session.order("batch")
    page.until(stands_at(2))


def test_where_the_second_network_cannot_be_begun_the_first_does_not_stay_behind(session, typed, monkeypatch):
    session.begin([typed], [{}])
    page = Page(session)
    page.until(seen(0))
    begun = []

    def process(*given):
        if begun:
            raise OSError(11, "Resource temporarily unavailable")
        begun.append(Process(*given))
        return begun[0]

    monkeypatch.setattr("npdigits.live.session.Process", process)
    with pytest.raises(OSError, match="unavailable"):
        session.begin([typed, typed], [{}, {}])
    assert begun[0].process.wait(30) is not None
    page.ask()
    assert page.networks == []
    with pytest.raises(ConfigError, match="nothing is trained"):
        session.order("go")


def test_nothing_is_begun_once_the_server_ends(session, typed):
    session.end()
    with pytest.raises(ConfigError, match="ends"):
        session.begin([typed], [{}])
    assert session._processes == []


@pytest.mark.parametrize(
    ("networks", "said"),
    [
        ({}, "networks={}: allowed is a list of 1 or 2 networks"),
        ([], "networks=[]: allowed is a list"),
        ([{}, {}, {}], "allowed is a list of 1 or 2 networks"),
        ([7], "allowed is a table of settings for each network"),
        ([{"out": "/tmp/x"}], "'out': allowed on the page are hidden, lr"),
        ([{"resume": "/tmp/x"}], "'resume': allowed on the page are"),
        ([{"data.root": "/tmp"}], "'data.root': allowed on the page are"),
        ([{"lr=1 out": 3}], "'lr=1 out': allowed on the page are"),
        ([{"activation": "mine.py:swish"}], "activation='mine.py:swish': allowed on the page is one of leaky_relu"),
        ([{"activation": ["tanh"]}], "allowed on the page is one of"),
        ([{"optimizer": "sgd momentum=0.9"}], "allowed on the page is one of"),
        ([{"lr": "0.1"}], "lr='0.1': allowed is a number > 0"),
        ([{"lr": -1}], "lr=-1: allowed is a number > 0"),
        ([{"lr": True}], "lr=True: allowed is a number > 0"),
        ([{"lr": [0.1]}], "lr=[0.1]: allowed is a number > 0"),
        ([{"hidden": [501]}], "hidden=[501]: allowed on the page is at most 500"),
        ([{"hidden": [5, 5, 5, 5]}], "at most 3 hidden layers"),
        ([{"hidden": "mine.py:f"}], "hidden='mine.py:f': allowed is"),
        ([{"epochs": 100000}], "epochs=100000: allowed on the page is at most 1000"),
        ([{"nesterov": 1}], "nesterov=1: allowed on the page is one of false, true"),
        ([{}, {"seed": 3}], "seed=3: both networks have it in common"),
        ([{"dropout": 1.5}], "dropout=1.5: allowed is"),
    ],
)
def test_what_a_page_may_not_set_is_refused_in_one_line(networks, said):
    with pytest.raises(ConfigError) as error:
        networks_of(["hidden=5"], networks)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_what_a_page_sets_is_typed_after_what_was_typed():
    typed = ["hidden=5", "out=/tmp/x", "lr=0.5", "batch_size=8"]
    overrides, shown = networks_of(
        typed, [{"lr": 1e-05, "hidden": [5], "epochs": 7}, {"hidden": [3, 3], "nesterov": True}]
    )
    kept = ["hidden=5", "lr=0.5", "batch_size=8"]
    assert overrides == [[*kept, "epochs=7", "lr=1e-05"], [*kept, "epochs=7", "hidden=[3,3]", "nesterov=true"]]
    assert [one["lr"] for one in shown] == [1e-05, 0.5] and {one["batch_size"] for one in shown} == {8}


@pytest.mark.parametrize("typed", ["hidden=20,30", "lr=0.1,0.2", "seed=range(3)", "lr=interval(0.1,1)"])
def test_where_several_values_are_typed_it_is_said_what_is_allowed_here(typed):
    with pytest.raises(ConfigError) as error:
        check_typed([typed])
    assert str(error.value).startswith(f"{typed}: ") and "multirun" not in str(error.value)
    assert str(error.value).endswith("npdigits-live takes one value; two networks, side by side, are set in the page")


def test_what_is_typed_begins_a_run():
    for typed, said in (("resume=x", "resume=x: not with npdigits-live"), ("lr=0", "lr=0"), ("+race=64", "race")):
        with pytest.raises(ConfigError, match=said):
            check_typed([typed])
