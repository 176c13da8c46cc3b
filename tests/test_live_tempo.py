"""When the next batch may be made, what two runs tell each other, and what is seen of a run: without processes."""

import base64
import dataclasses
import json
import math
import socket
import threading
import time
from multiprocessing.connection import Connection
from types import SimpleNamespace

import numpy as np
import pytest

from npdigits.config.build import initial_state, recipe
from npdigits.config.compose import compose
from npdigits.live.control import CHECK, Control
from npdigits.live.lockstep import Partner
from npdigits.live.shapes import BINS, histogram, round_up, weights_as_bytes
from npdigits.live.sight import Sight
from npdigits.live.tempo import Position, Tempo
from npdigits.runs.prepare import prepare
from npdigits.runs.record import RunRecord
from npdigits.runs.report import Report
from npdigits.runs.summary import Status, Summary
from npdigits.training.loop import fit
from npdigits.training.scoring import score


@pytest.mark.parametrize(
    ("what", "at", "goes", "stops"),
    [
        ("batch", Position(3, 0), [Position(3, 0)], Position(4, 0)),
        ("batch", Position(10, 0), [Position(10, 1)], Position(11, 1)),  # the sets are being scored
        ("epoch", Position(3, 0), [Position(9, 0), Position(10, 0)], Position(10, 1)),
        ("epoch", Position(10, 0), [Position(10, 1), Position(20, 1)], Position(20, 2)),
        ("epoch", Position(10, 1), [Position(20, 1)], Position(20, 2)),
        ("go", Position(3, 0), [Position(10, 1), Position(999, 99)], None),
        ("pause", Position(3, 0), [], Position(3, 0)),
    ],
)
def test_it_goes_until_what_was_ordered_is_done(what, at, goes, stops):
    tempo = Tempo()
    assert tempo.wait(0) == math.inf
    tempo.order(what, at, 10, 0)
    before = at
    for position in goes:
        tempo.arrive(before, position, 0)
        assert tempo.wait(0) <= 0 and tempo.is_free == (what == "go")
        before = position
    if stops:
        tempo.arrive(before, stops, 0)
        assert tempo.wait(0) == math.inf and not tempo.going


def test_at_a_speed_batches_come_at_even_times_and_what_is_late_is_not_made_up_for():
    tempo = Tempo(10)
    tempo.order("go", Position(0, 0), 100, 5.0)
    assert tempo.wait(5.0) <= 0
    tempo.arrive(Position(0, 0), Position(1, 0), 5.03)
    assert tempo.wait(5.03) == pytest.approx(0.07)
    tempo.arrive(Position(1, 0), Position(2, 0), 5.11)
    assert tempo.wait(5.11) == pytest.approx(0.09)
    tempo.arrive(Position(2, 0), Position(2, 1), 5.12)  # an epoch's end is no batch
    assert tempo.wait(5.12) == pytest.approx(0.08)
    tempo.arrive(Position(2, 1), Position(3, 1), 9.0)
    assert tempo.wait(9.0) == 0


def test_who_follows_goes_when_the_leader_does_and_alone_when_it_has_ended():
    one, other = (Connection(end.detach()) for end in socket.socketpair())
    leader, follower = Partner(one, True), Partner(other, False)
    leader.arrive()
    assert not leader.ready
    follower.arrive()
    leader.hear()
    assert leader.ready and not follower.ready
    leader.leave()
    leader.leave()  # once is enough
    follower.hear()
    assert follower.ready
    follower.arrive()
    assert not follower.ready and not other.poll()
    leader.close()
    follower.hear()
    assert follower.ready and not follower.is_there
    follower.arrive()
    assert follower.ready


def test_a_histogram_has_each_value_and_zeros_apart():
    values = np.array([[0.0, 0.0, 0.3], [-0.4, 0.4, 0.41]], np.float32)
    found = histogram(values)
    assert (found["low"], found["high"], found["zeros"]) == (-0.5, 0.5, pytest.approx(1 / 3))
    counts, _ = np.histogram(values[values != 0], bins=BINS, range=(-0.5, 0.5))
    assert found["counts"] == counts.tolist()
    assert histogram(np.array([1.0, np.nan])) is None and histogram(np.array([np.inf])) is None
    assert histogram(np.zeros(3)) == {"counts": [0] * BINS, "low": -1.0, "high": 1.0, "zeros": 1.0}
    assert histogram(np.ones(1), (0.0, 1.0))["counts"][-1] == 1
    assert sum(histogram(np.ones(10**6))["counts"]) < 30_000
    assert [round_up(x) for x in (0, 0.011, 0.02, 3, 7, 1e301)] == [1.0, 0.02, 0.02, 5.0, 10.0, 1.0]


def test_weights_are_bytes_whose_colour_is_full_at_the_largest():
    text, top = weights_as_bytes(np.array([[1.0, -1.0], [0.5, np.nan]]))
    assert np.frombuffer(base64.b64decode(text), np.int8).tolist() == [127, -127, 64, 0] and top == pytest.approx(1)
    assert weights_as_bytes(np.zeros((2, 2)))[1] == 1


@pytest.fixture
def stood(idx_set, tmp_path):
    """Return a run that stands after an epoch, its plan, and what looks into it."""
    config = compose(["data=idx", f"data.dir={idx_set}", "hidden=[7,5]", "activation=tanh"])
    plan = prepare(config, None, (), None, Report(True, True))
    state = initial_state(plan.config, plan.sizes)
    run = RunRecord(tmp_path, plan.config, plan.identity, state, Summary(Status.RUNNING), 20)
    how = recipe(plan.config, plan.source.image_shape)
    list(fit(state, plan.train, plan.val, plan.source.test, how, until=1))
    return run, plan, Sight(run, plan.source)


def test_what_is_seen_is_the_network_as_it_is_and_nothing_of_it_changes(stood):
    run, plan, sight = stood
    network, optimizer = run.state.network, run.state.optimizer
    arrays = [network.parameters.flat, *optimizer.state.values()]
    before = [array.copy() for array in arrays]
    at = Position(optimizer.steps, 1)
    look, told = sight.look(at)
    json.dumps([look, told, sight.about()], allow_nan=False)
    assert (
        all((one == other).all() for one, other in zip(arrays, before, strict=True)) and optimizer.steps == at.batches
    )
    cost, accuracy = score(network, plan.val)
    assert look["figures"]["val_cost"] == pytest.approx(cost, rel=1e-5) and look["figures"]["val"] == accuracy
    matrix = np.array(look["confusion"]).reshape(10, 10)
    assert matrix.sum() == len(plan.val) and np.trace(matrix) == round(accuracy * len(plan.val))
    assert look["wrong"]["all"] == len(plan.val) - np.trace(matrix)
    for row, label, answer in look["wrong"]["digits"]:
        assert plan.source.train.labels[row] == label != answer
    assert told["ended"][0][:2] == [16, None] and told["ended"][0][4] == run.state.history[0].val_cost
    assert told["point"][0] == 16 and told["point"][1] is not None
    assert sight.look(at)[1]["ended"] == []  # told once
    assert [len(layer["weights"]["counts"]) for layer in look["layers"]] == [BINS] * 3
    assert look["units"]["shown"] == len(look["units"]["states"]) == 7


def test_the_batch_that_comes_next_is_the_one_that_is_trained_next(stood):
    run, plan, sight = stood
    order = []
    take = np.ndarray.take

    class Noted(np.ndarray):
        def take(self, rows, *more):
            order.append(np.array(rows))
            return take(self.view(np.ndarray), rows, *more)

    images = plan.train.images.view(Noted)
    train = dataclasses.replace(plan.train, images=images)
    seen = []
    logits = sight._logits
    sight._logits = lambda split: seen.append(split.rows) or logits(split)
    sight.look(Position(run.state.optimizer.steps, 1))
    how = recipe(plan.config, plan.source.image_shape)
    next(iter(fit(run.state, train, plan.val, plan.source.test, how, until=2)))
    assert (seen[-1] == order[0]).all()


@pytest.mark.parametrize("what", ["batch", "epoch"])
def test_a_follower_that_reads_an_order_late_does_not_go_on_alone(what):
    """Its leader has taken it to the end of what was ordered before it hears of the order itself."""
    control, run, server, leader = followed()
    leader.send_bytes(b"1")
    assert control() is False  # goes on, as its leader says
    run.state.optimizer.steps = 1
    server.send_bytes(json.dumps({"do": what}).encode())
    server.send_bytes(json.dumps({"do": "end"}).encode())
    assert control() is True  # at the next batch it waits until it is to end
    told = []
    while server.poll():
        told.append(json.loads(server.recv_bytes()[1:]))
    assert [one["going"] for one in told if one["kind"] == "state"] == [False, False]


def test_a_follower_whose_leader_has_ended_scores_the_sets_that_it_was_let_score():
    """The leader has scored them, and ended; to the follower one epoch was ordered, which a leader ends."""
    control, run, server, leader = followed()
    leader.send_bytes(b"1")
    server.send_bytes(json.dumps({"do": "epoch"}).encode())
    assert control() is False
    leader.close()
    late = threading.Timer(3, server.send_bytes, [json.dumps({"do": "end"}).encode()])  # it would wait without end
    late.start()
    time.sleep(2 * CHECK)
    went = [control() for _ in range(3)]
    late.cancel()
    assert went == [False, False, False]
    run.state.optimizer.steps = 1  # at the next batch it is on its own, and paused
    server.send_bytes(json.dumps({"do": "end"}).encode())
    assert control() is True


def followed():
    """Return the control of a run that follows, the run, and the other ends of its two wires."""
    (wire, server), (follower, leader) = (map(connection, socket.socketpair()) for _ in range(2))
    sight = SimpleNamespace(in_epoch=1, about=dict)
    control = Control(wire, lambda run: sight, Partner(follower, leads=False), math.inf)
    run = SimpleNamespace(path="a", state=SimpleNamespace(optimizer=SimpleNamespace(steps=0), history=[]))
    control.begun(run)
    return control, run, server, leader


def connection(one):
    return Connection(one.detach())
