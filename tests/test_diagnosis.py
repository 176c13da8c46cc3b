"""Why a run has failed is said of runs that were made to fail in each way, and nothing is said of others."""

import dataclasses
import json
import re

import numpy as np
import pytest
from made import made_data, read_summary

from npdigits.base.random import stream
from npdigits.config.build import initial_state
from npdigits.config.compose import compose
from npdigits.nn import plain
from npdigits.runs import diagnosis, plots
from npdigits.runs.divergence import read_steps
from npdigits.runs.prepare import prepare
from npdigits.runs.report import Report, outcome_of
from npdigits.runs.run import run
from npdigits.runs.summary import Status, Summary
from npdigits.training.inside import evenly
from npdigits.training.neighbours import agreement

DATA = made_data()
HALVES = ("train", "test")
KEYS = ("data=idx", "plots=false", "quiet=true", "threads=1", "batch_size=16", "epochs=4", "hidden=12")
SGD = ("optimizer=sgd", "schedule=constant")


def with_labels(data, shuffled=("train",)):
    """Return a data set whose labels are shuffled in these halves."""
    halves = {}
    for name in shuffled:
        split = getattr(data, name)
        labels = split.labels.copy()
        labels[split.rows] = np.random.default_rng(3).permutation(labels[split.rows])
        halves[name] = dataclasses.replace(split, labels=labels)
    return dataclasses.replace(data, **halves)


def of_noise():
    """Return a data set whose pictures show nothing, so that each of them has to be learned by heart."""
    data = made_data(300, 100, (16, 16))
    images = np.random.default_rng(0).integers(0, 256, data.train.images.shape).astype(np.uint8)
    return dataclasses.replace(
        data, **{name: dataclasses.replace(getattr(data, name), images=images) for name in HALVES}
    )


@pytest.fixture
def diagnose(tmp_path):
    def diagnose(*typed, data=DATA):
        summary = run(compose([*KEYS, *typed]), tmp_path / "run", source=data)
        assert summary == read_summary(tmp_path / "run")
        assert "\n" not in summary.get("diagnosis", "") and len(summary.get("diagnosis", "")) < 400
        return summary

    return diagnose


FAILED = {
    "zeros": (("initializer=zeros",), r"all 12 units of layer 1 are equal \(initializer=zeros\), get equal gradients"),
    "zeros that still learn something": (
        ("initializer=zeros", "activation=sigmoid", "hidden=[12,5]"),
        r"all 12 units of layer 1 are equal \(initializer=zeros\)",
    ),
    "dead": (
        ("activation=relu", *SGD, "lr=10", "hidden=[20,20]"),
        r"\d+% of the 20 units of layer \d are dead, .* a smaller lr \(it is 10\), or activation=leaky_relu$",
    ),
    "saturated": (
        ("activation=tanh", "init_scale=1000", *SGD, "lr=1e-3"),
        r"of the 12 units of layer 1 are saturated, where the slope of tanh is next to 0: so it was before the "
        r"first step: smaller initial weights \(init_scale is 1000\)$",
    ),
    "pulled to 0": (("l2=3", *SGD, "lr=0.1"), r"^the weights of layer 1 have vanished: l2=3 pulls them to 0$"),
    "vanishing": (
        ("activation=sigmoid", "initializer=lecun", "hidden=[9,9,9,9,9,9]", *SGD, "lr=0.01"),
        r"^the gradient vanishes on its way back \(\d\.\de-0\d at the output, \d\.\de-\d\d at layer \d\): fewer layers",
    ),
    "a gradient that fades to less than a hundredth": (
        ("activation=sigmoid", "hidden=[9,9,9,9,9]", *SGD, "lr=1e-3"),
        r"^the gradient vanishes on its way back \(2\.\de-01 at the output, 5\.\de-04 at layer 2\)",
    ),
    "a signal that vanishes": (
        ("activation=sigmoid", "hidden=[9,9,9,9,9,9,9]", *SGD, "lr=0.1"),
        r"^the signal vanishes on its way forward: \d+% of the 9 units of layer \d give the same for every digit, "
        r"though they are not saturated: fewer layers",
    ),
    "large weights, with which no rate helps": (
        ("activation=tanh", "init_scale=30", "lr=1e-3", "hidden=30"),
        r"^the training cost never fell below 5\d\.\d+ nats, that of guessing is 2\.30; no rate from lr=0\.0001 down "
        r"to 1e-11 takes it .* with the initial weights it was 7\d\.\d+: smaller ones \(init_scale is 30\)$",
    ),
    "weights so large that steps are next to nothing": (
        ("init_scale=100", "lr=1e-3"),
        r"^the training cost never fell below .* with the initial weights it was .*: smaller ones \(init_scale is 100",
    ),
    "so much dropout that nothing is left": (
        ("dropout=0.95", "input_dropout=0.9", "epochs=3"),
        r"^the training cost stayed near .*, and dropout=0\.95 and input_dropout=0\.9 leaves little to learn from",
    ),
    "a rate that is too small": (
        ("lr=1e-4", "schedule=constant", "epochs=2"),
        r", but falls still: a larger lr \(it is 0\.0001\), or more epochs$",
    ),
    "a rate of next to nothing": (
        ("lr=1e-9",),
        r"^the weights have moved by \d\.\de-0\d of their length in 4 epochs: .*1e-09",
    ),
    "a cost that blows up and stays finite": (
        (*SGD, "lr=5", "momentum=0.9", "hidden=30"),
        r"^the training cost never fell below [\d.e+]+ nats, that of guessing is 2\.30; with lr=0\.\d+ the first",
    ),
    "no finite cost from the start": (
        ("init_scale=1e30",),
        r"^the cost is not finite with the initial weights: a smaller init_scale \(it is 1e\+30\)$",
    ),
    "diverged": (
        (*SGD, "lr=1e6"),
        r"^the cost was \d\.\d\d nats with the initial weights, .* before step \d+ of epoch 1 and not finite "
        r"after it; with lr=[\d.]+ the first \d+ steps lower it to \d\.\d\d \(tried on copies\)$",
    ),
}
HEALTHY = {
    "the default": (),
    "one epoch": ("epochs=1",),
    "no validation digits": ("val_size=0",),
    "no hidden layer": ("hidden=[]",),
    "relu, of which units are silent": ("activation=relu", "hidden=[40,40]"),
    "a cost that is high after another output": ("output=tanh", "cost=mse"),
    "dropout": ("dropout=0.5", "input_dropout=0.2", "hidden=40"),
    "few validation digits": ("val_size=10",),
    "few training digits scored": ("score_size=5",),
    "a single unit": ("hidden=1", "epochs=1"),
}


@pytest.mark.parametrize("name", FAILED)
def test_a_run_that_was_made_to_fail_is_said_why(diagnose, name):
    typed, expected = FAILED[name]
    summary = diagnose(*typed)
    assert re.search(expected, summary["diagnosis"]), summary["diagnosis"]


@pytest.mark.parametrize("name", HEALTHY)
def test_of_a_run_that_has_not_failed_nothing_is_said(diagnose, name):
    assert "diagnosis" not in diagnose(*HEALTHY[name])


def test_shuffled_labels_are_told_while_the_cost_is_that_of_guessing(diagnose):
    line = diagnose("epochs=1", "lr=1e-3", data=with_labels(DATA))["diagnosis"]
    assert re.match(
        r"the training cost stayed near 2\.30 nats, that of guessing, though the layers are healthy: the labels", line
    )
    assert re.search(
        r"do not fit the pictures \(are they shuffled\?\): of 500 training digits \d+% have the label", line
    )


@pytest.mark.parametrize("val_size", [100, 0])
def test_and_once_they_are_learned_by_heart(diagnose, val_size):
    typed = (f"val_size={val_size}", "epochs=30", "hidden=50", "lr=0.003", "weight_decay=0", "stop_on=none")
    line = diagnose(*typed, "schedule=constant", data=of_noise())["diagnosis"]
    name = "validation" if val_size else "test"
    read = re.match(
        rf"([\d.]+)% of the training digits are read right, [\d.]+% of the {name} digits, which is chance: ", line
    )
    assert float(read[1]) > 60
    assert "the training digits were learned by heart, as the labels do not fit the pictures" in line


def test_test_labels_that_fit_nothing_are_no_fault_of_the_training(diagnose):
    line = diagnose("val_size=0", data=with_labels(DATA, ("test",)))["diagnosis"]
    assert "the test digits or their labels are unlike those that were trained on" in line


def test_overfitting_is_told(diagnose):
    line = diagnose("data=mnist_5k", "val_size=4470", "epochs=20", "stop_on=none", data=None)["diagnosis"]
    assert re.search(r"^9\d\.\d% of .* overfitting, 9,550 parameters on 30 digits: more digits", line), line


def test_digits_that_are_unlike_the_training_digits_are_told(diagnose):
    dark = dataclasses.replace(DATA, test=dataclasses.replace(DATA.test, images=255 - DATA.test.images))
    summary = diagnose("val_size=0", data=dark)
    assert summary["test_accuracy"] < 0.5
    assert "the test digits" in summary["diagnosis"] and "unlike" in summary["diagnosis"]


@pytest.mark.parametrize("rate", ["1e9", "1e30"])
def test_a_rate_that_is_advised_learns(diagnose, tmp_path, rate):
    """However high the rate was that diverged: those that are tried begin where rates may be of use."""
    keys = [*KEYS, *SGD, "activation=relu"]
    line = run(compose([*keys, f"lr={rate}"]), tmp_path / "high", source=DATA)["diagnosis"]
    found = re.search(r"with lr=([\d.e-]+) the first \d+ steps lower it to ([\d.]+) ", line)
    assert float(found[2]) < 0.9 * np.log(10)
    assert run(compose([*keys, f"lr={found[1]}"]), tmp_path / "advised", source=DATA)["train_accuracy"] > 0.5


def test_a_run_that_was_cut_off_says_the_same(tmp_path):
    keys = [*KEYS, *SGD, "lr=3", "l2=1"]
    whole = run(compose(keys), tmp_path / "whole", source=DATA)
    run(compose(keys), tmp_path / "cut", source=DATA)
    (tmp_path / "cut/summary.json").write_text(json.dumps(read_summary(tmp_path / "cut") | {"status": "running"}))
    again = run(compose(keys), tmp_path / "cut", source=DATA)
    assert whole["status"] == "diverged" and whole["diagnosis"] == again["diagnosis"]


def test_the_steps_of_an_epoch_that_diverged_are_those_that_it_made(tmp_path, diagnose):
    summary = diagnose(*SGD, "lr=1e6", "plots=true")
    steps = read_steps(tmp_path / "run")
    step = int(re.search(r"before step (\d+) of epoch 1", summary["diagnosis"])[1])
    assert steps["step"].tolist() == list(range(1, step + 2)) and set(steps["epoch"]) == {1}
    assert np.isnan(steps["cost"]).tolist() == [False] * step + [True]
    config = compose([*KEYS, *SGD, "lr=1e6"])
    state = initial_state(config, (56, 12, 10))
    plan = prepare(config, None, (), DATA, Report(True, True))
    order = plan.train.rows[stream(0, "shuffle", 1).permutation(len(plan.train))][:16]
    first = plain.cost_of_images(
        plain.forward(
            [w.astype(float) for w in state.network.parameters.weights],
            [b.astype(float) for b in state.network.parameters.biases],
            plan.train.images[order] / 255,
        )[0][-1],
        plan.train.labels[order].astype(int),
    ).mean()
    assert steps["cost"][0] == pytest.approx(first, rel=1e-4)
    assert [path.name for path in (tmp_path / "run/plots").iterdir()] == ["divergence.png"]
    assert plots.RunFiles(tmp_path / "run").names == ("divergence",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,step\n1,1\n",
        "epoch,step,cost\n",
        "epoch,step,cost\n1,2,1\n",
        "epoch,step,cost\n1,1,-1\n",
        "epoch,step,cost\n1,1,inf\n",
        "epoch,step,cost\n1,1\n",
        "epoch,step,cost\n1,1,=1\n",
    ],
)
def test_damaged_steps_are_named(tmp_path, text):
    (tmp_path / "diverged.csv").write_text(text)
    with pytest.raises(ValueError, match=r"diverged\.csv: damaged: "):
        read_steps(tmp_path)


def test_what_cannot_be_found_out_is_a_warning_and_costs_the_run_nothing(diagnose, monkeypatch, capsys):
    def fail(*_):
        raise LookupError("on\npurpose")

    monkeypatch.setattr(diagnosis.Diagnosis, "line", fail)
    assert diagnose()["status"] == "finished"
    assert "WARNING: why the run failed is not known: LookupError: on purpose" in capsys.readouterr().err


def test_the_report_says_it_below_the_figures_and_where_there_are_none(tmp_path, capsys):
    summary = Summary(Status.DIVERGED, diagnosis="the cost was 2.4 nats")
    assert outcome_of(summary) == "  why: the cost was 2.4 nats"
    assert outcome_of(Summary(Status.FINISHED)) == ""
    keys = [*KEYS, *SGD, "lr=1e6", "quiet=false"]
    for _ in range(2):  # when it ends, and when it is asked for again
        run(compose(keys), tmp_path / "run", source=DATA, report=Report(quiet=False))
        assert re.search(r"^  why: the cost was .*\n.*run\n$", capsys.readouterr().out, re.MULTILINE)


def test_the_nearest_neighbour_reads_digits_and_no_shuffled_labels():
    agreeing, n, chance = agreement(DATA.train)
    assert (agreeing, n, chance) == (600, 600, 0.1)
    assert agreement(DATA.train, DATA.test)[:2] == (100, 100)
    agreeing, n, _ = agreement(with_labels(DATA).train)
    assert agreeing / n < 0.2


def test_digits_at_even_distances_are_of_all_classes_of_a_sorted_set():
    order = DATA.train.rows[np.argsort(DATA.train.labels[DATA.train.rows], kind="stable")]
    split = dataclasses.replace(DATA.train, rows=order)
    some = evenly(split, 50)
    assert np.bincount(split.labels[some.rows]).tolist() == [5] * 10
    assert some.rows.tolist() == order[::12].tolist()
    assert evenly(split, 9999).rows.tolist() == order.tolist()
